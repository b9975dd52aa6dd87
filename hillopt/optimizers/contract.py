"""What an optimizer is: hyperparameters in, displacements out. It knows nothing of hills."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Number = Any
"""A hyperparameter: a float or an array of floats. Not their union, on which arithmetic would not type-check."""


class AbstractOptimizer(abc.ABC):
    """A frozen pytree whose leaves are the hyperparameters: floats, or arrays that broadcast against each other."""

    @abc.abstractmethod
    def init(self, position: Float[Array, "..."]) -> Any:
        """State before the first step."""

    @abc.abstractmethod
    def step(
        self, slope: Float[Array, "..."], state: Any, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Any]:
        """The next position and state."""

    def facing(self, objective: Callable[[Any], Any]) -> "AbstractOptimizer":
        """The same optimizer where it may ask for the elevation at a position; most look at slopes alone."""
        del objective
        return self

    def hyperparameters(self) -> dict[str, Any]:
        """The leaves by name, as given."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise ValueError for a hyperparameter outside its range; values that are being traced pass."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            domain = field.metadata.get("domain")
            if domain is not None and not (field.default is None and getattr(self, field.name) is None):
                domain.check(f"{type(self).__name__}({field.name}=...)", getattr(self, field.name))


def as_arrays(optimizer: AbstractOptimizer) -> AbstractOptimizer:
    """The optimizer with its hyperparameters as arrays of their common floating dtype, shapes as given."""
    leaves, treedef = jax.tree.flatten(optimizer, is_leaf=lambda leaf: isinstance(leaf, (list, tuple)))
    leaves = [np.asarray(leaf) if isinstance(leaf, (list, tuple)) else leaf for leaf in leaves]
    dtype = jnp.result_type(float, *leaves) if leaves else jnp.result_type(float)
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.result_type(float)
    if dtype not in (jnp.float32, jnp.float64):
        raise ValueError(f"hyperparameters must be float32 or float64, got {dtype}; convert them.")
    return jax.tree.unflatten(treedef, [jnp.asarray(leaf, dtype) for leaf in leaves])


class Domain(NamedTuple):
    """A range that a hyperparameter must lie in; the ends are excluded unless `low_included`."""

    low: float
    high: float
    low_included: bool

    def __str__(self) -> str:
        return f"{'[' if self.low_included else '('}{self.low:g}, {self.high:g})"

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError naming `name` unless all of value is finite and lies inside."""
        if isinstance(value, jax.core.Tracer):
            return
        numbers = _as_numbers(name, value)
        inside = (numbers >= self.low if self.low_included else numbers > self.low) & (numbers < self.high)
        if not np.all(inside):
            worst = numbers[~inside].flat[0]
            raise ValueError(f"`{name}` must lie in {self}, got {worst:g}; give a finite value inside that range.")


def _as_numbers(name: str, value: Any) -> np.ndarray:
    try:
        if value is None:
            raise TypeError
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be a number or an array of numbers, got {value!r}.") from error


POSITIVE = Domain(0.0, float("inf"), low_included=False)
NONNEGATIVE = Domain(0.0, float("inf"), low_included=True)
FRACTION = Domain(0.0, 1.0, low_included=True)


def hyperparameter(domain: Domain, **default: Any) -> Any:
    """Dataclass field for a hyperparameter with its admissible range."""
    return dataclasses.field(metadata={"domain": domain}, **default)
