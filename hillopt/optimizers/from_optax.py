"""Any optax optimizer as one of ours: its numeric hyperparameters become leaves."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from hillopt.optimizers.contract import AbstractOptimizer, check_names, name_of
from hillopt.pytrees import register_pytree


@register_pytree
@dataclasses.dataclass(frozen=True)
class OptaxOptimizer(AbstractOptimizer):
    """An optax factory with its hyperparameters; make it with `from_optax`."""

    swept: dict[str, Any]
    factory: Callable[..., optax.GradientTransformation] = dataclasses.field(metadata={"static": True})
    settings: tuple[tuple[str, Any], ...] = dataclasses.field(metadata={"static": True})

    def _transformation(self) -> optax.GradientTransformation:
        return self.factory(**self.swept, **dict(self.settings))

    def init(self, position: Float[Array, "..."]) -> Any:
        return self._transformation().init(position)

    def step(
        self, slope: Float[Array, "..."], state: Any, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Any]:
        update, state = self._transformation().update(slope, state, position)
        return position + update, state

    def hyperparameters(self) -> dict[str, Any]:
        return {**self.swept, **dict(self.settings)}

    def check(self) -> None:
        for name, value in self.swept.items():
            if not isinstance(value, jax.core.Tracer) and not np.all(np.isfinite(np.asarray(value, np.float64))):
                raise ValueError(
                    f"`{name_of(self.factory)}({name}=...)` must be finite; remove the infinite or NaN values."
                )


def from_optax(factory: Callable[..., optax.GradientTransformation], **hyperparameters: Any) -> OptaxOptimizer:
    """Wrap an optax factory: `from_optax(optax.radam, learning_rate=rates, b1=0.9)`.

    Floats and arrays of floats become leaves, to sweep and broadcast; whatever else (flags, integers, schedules) is
    fixed. Raises ValueError for a name that the factory does not take.
    """
    check_names(factory, list(hyperparameters))
    swept = {name: _as_number(value) for name, value in hyperparameters.items() if _is_numeric(name, value)}
    if not swept:
        raise ValueError(
            f"`{name_of(factory)}` needs a float or an array of floats to sweep, such as learning_rate=0.1."
        )
    fixed = tuple((name, value) for name, value in hyperparameters.items() if name not in swept)
    return OptaxOptimizer(swept, factory, fixed)


def _is_numeric(name: str, value: Any) -> bool:
    """Whether to sweep a value; a whole number may be a flag or a period, unless it is a learning rate."""
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(isinstance(item, (int, float)) for item in value)
    if isinstance(value, int):
        return name == "learning_rate"
    return isinstance(value, (float, np.ndarray, np.floating, jax.Array))


def _as_number(value: Any) -> Any:
    return np.asarray(value, np.float64) if isinstance(value, (int, list, tuple)) else value
