"""What an optimizer is: hyperparameters in, displacements out. It knows nothing of hills."""

import abc
import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.lattice import Lattice

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

    def lattice(self) -> Lattice | None:
        """The walk's lattice on slopes of size one, or None if it has none."""
        return None

    def reach(self, state: Any) -> Float[Array, "..."]:
        """Upper bound of every later rise on slopes of size one, from a state met at or before the valley.

        A rise already made is not bounded by it. Infinite where no closed bound is known.
        """
        del state
        return jnp.asarray(jnp.inf)

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


def near_miss(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the closest known one, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + f"Known are: {', '.join(names)}."


def overshoot_sum(decay: Float[Array, "..."], first: int) -> Float[Array, "..."]:
    """sum_{j >= first} max(0, 2 decay^j - 1): the way uphill on a full memory, in steps (first is 1 or 2)."""
    last = jnp.floor(jnp.log(0.5) / jnp.log(jnp.clip(decay, 1e-30, 1 - jnp.finfo(decay.dtype).epsneg)))
    steps = jnp.maximum(last - (first - 1), 0)
    geometric = 2 * decay**first * (1 - decay**steps) / (1 - decay)
    return jnp.where(steps > 0, geometric - steps, 0.0)


def widened(bound: Float[Array, "..."]) -> Float[Array, "..."]:
    """A bound made safe against the rounding of its own formula."""
    return bound * (1 + 64 * float(jnp.finfo(bound.dtype).eps))


def name_of(make: Callable) -> str:
    """What to call a factory in a message or in a file; a partial one with what it has fixed."""
    if isinstance(make, functools.partial):
        fixed = [name_of(arg) if callable(arg) else repr(arg) for arg in make.args]
        fixed += [f"{name}={value!r}" for name, value in make.keywords.items()]
        return f"{name_of(make.func)}({', '.join(fixed)})"
    return getattr(make, "__name__", repr(make))


def check_names(make: Callable, names: Sequence[str]) -> None:
    """Raise ValueError, naming the near miss, unless `make` takes these hyperparameters and needs no more."""
    parameters = inspect.signature(make).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return  # the factory names what it does not know
    label = name_of(make)
    for name in names:
        if name not in parameters:
            raise ValueError(f"`{label}` has no hyperparameter {name!r}; {near_miss(name, parameters)}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in names:
            raise ValueError(f"`{label}` needs a value for {name!r}; give one.")
