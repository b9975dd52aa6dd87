"""Any optax optimizer as one of ours: its numeric hyperparameters become leaves."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from hillopt.optimizers.contract import AbstractOptimizer, check_names


@jax.tree_util.register_dataclass
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
                    f"`{self.factory.__name__}({name}=...)` must be finite; remove the infinite or NaN values."
                )


def from_optax(factory: Callable[..., optax.GradientTransformation], **hyperparameters: Any) -> OptaxOptimizer:
    """Wrap an optax factory: `from_optax(optax.radam, learning_rate=rates, b1=0.9)`.

    Floats and arrays of floats become leaves, to sweep and broadcast; whatever else (flags, integers, schedules) is
    fixed. Raises ValueError for a name that the factory does not take.
    """
    check_names(factory, list(hyperparameters))
    swept = {name: value for name, value in hyperparameters.items() if _is_numeric(value)}
    fixed = tuple((name, value) for name, value in hyperparameters.items() if name not in swept)
    return OptaxOptimizer(swept, factory, fixed)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, (float, np.ndarray, np.floating, jax.Array))
