"""Frozen objects that are pytrees: hills, optimizers, noises, questions and climbs.

A subclass of `AbstractPytree` becomes a frozen dataclass and is registered with JAX by itself. It is not left to
`jax.tree_util.register_dataclass`, which makes the structures of *different* classes compare equal if their fields have the
same names (seen with jax 0.10.2 and 0.12.0; only their hashes differ). Now and then jit then hands one class the compiled
program of another: Nesterov got heavy ball's. Here the class is part of what is compared; and whoever registers a class once
more is told so by JAX.
"""

import abc
import dataclasses
import typing
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import wadler_lindig
from jaxtyping import Array, Int

Number: TypeAlias = Any
"""A number of a hill, an optimizer or a noise: a float or an array of floats. Not their union, on which arithmetic would not
type-check."""
Steps: TypeAlias = int | np.integer | Int[Array, ""]
"""A number of steps, known or traced."""

WIDTH = 120  # of a line of a repr


class Domain(NamedTuple):
    """A range that a number must lie in; the ends are excluded unless `low_included`."""

    low: float
    high: float
    low_included: bool

    def __str__(self) -> str:
        return f"{'[' if self.low_included else '('}{self.low:g}, {self.high:g})"

    def check(self, name: str, value: object) -> None:
        """Raise ValueError naming `name` unless all of value is finite and lies inside."""
        if is_traced(value):
            return
        numbers = as_numbers(value, name)
        inside = (numbers >= self.low if self.low_included else numbers > self.low) & (numbers < self.high)
        if not np.all(inside):
            worst = numbers[~inside].flat[0]
            raise ValueError(f"`{name}` must lie in {self}, got {worst:g}; give a finite value inside that range.")


POSITIVE = Domain(0.0, float("inf"), low_included=False)
NONNEGATIVE = Domain(0.0, float("inf"), low_included=True)
FRACTION = Domain(0.0, 1.0, low_included=True)
FINITE = Domain(float("-inf"), float("inf"), low_included=False)


def hyperparameter(domain: Domain, **default: Any) -> Any:
    """A field for a number, or an array of them, with its range: `b1: Number = hyperparameter(FRACTION, default=0.9)`."""
    return dataclasses.field(metadata={"domain": domain}, **default)


def static(**default: Any) -> Any:
    """A field that is no number: it belongs to the structure, so that another value is another program."""
    return dataclasses.field(metadata={"static": True}, **default)


def single(**default: Any) -> Any:
    """A field for one number that may be traced but not swept, such as a number of steps."""
    return dataclasses.field(metadata={"single": True}, **default)


@typing.dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, hyperparameter, single, static))
class AbstractPytree(abc.ABC):
    """A frozen dataclass whose fields are numbers or arrays, which may be swept, but for those made by `single` or `static`.

    Whatever is named Abstract... declares a contract; every other subclass is final.
    """

    _fields: ClassVar[tuple[dataclasses.Field, ...]]

    def __init_subclass__(cls) -> None:
        if not cls.__name__.startswith("Abstract"):
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]  # kept, whoever decorates the class once more
            dataclasses.dataclass(frozen=True)(cls)
            del cls.__setattr__, cls.__delattr__  # those below serve, and another decoration finds them free
            cls._fields = dataclasses.fields(cls)  # type: ignore[arg-type]
            _register(cls)

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__} is frozen; make another by replace({name}=...).")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__} is frozen; {name!r} stays.")

    def __repr__(self) -> str:
        return short_repr(self)

    def label(self) -> str:
        """What to call it in a title or a message."""
        return type(self).__name__

    def hyperparameters(self) -> dict[str, Number]:
        """The numbers by name, as given: what a sweep may vary. Those of an object inside bear its field's name before theirs."""
        found: dict[str, Number] = {}
        for field in self._fields:
            value = getattr(self, field.name)
            if isinstance(value, AbstractPytree):
                found |= {f"{field.name}_{name}": number for name, number in value.hyperparameters().items()}
            elif not _is_static(field) and not field.metadata.get("single", False):
                found[field.name] = value
        return found

    def fixed(self) -> dict[str, Number]:
        """What is not swept, by name: `static` and `single` fields."""
        return {
            field.name: getattr(self, field.name)
            for field in self._fields
            if _is_static(field) or field.metadata.get("single", False)
        }

    def replace(self, **hyperparameters: Number) -> Self:
        """The same object with other numbers, by the names of `hyperparameters`."""
        changes: dict[str, Number] = {}
        for name, number in hyperparameters.items():
            owner = next((field.name for field in self._fields if name.startswith(f"{field.name}_")), None)
            inner = changes.get(owner, getattr(self, owner)) if owner else None
            if owner is not None and isinstance(inner, AbstractPytree):
                changes[owner] = inner.replace(**{name.removeprefix(f"{owner}_"): number})
            else:
                changes[name] = number
        unknown = [name for name in changes if name not in {field.name for field in self._fields}]
        if unknown:
            known = ", ".join([*self.hyperparameters(), *self.fixed()])
            raise ValueError(f"`{self.label()}` has no number {unknown[0]!r}; it has {known}.")
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def check(self) -> None:
        """Raise ValueError for what is no number, and for one outside its range; values that are being traced pass."""
        for field in self._fields:
            value, domain = getattr(self, field.name), field.metadata.get("domain")
            name = f"{type(self).__name__}({field.name}=...)"
            if isinstance(value, AbstractPytree):
                value.check()
            elif domain is not None and not (field.default is None and value is None):
                domain.check(name, value)
            elif isinstance(value, (str, bool)) and not (_is_static(field) or field.metadata.get("single", False)):
                as_numbers(value, name)


def short_repr(value: object) -> str:
    """The repr of anything, with shapes in the place of arrays."""
    return wadler_lindig.pformat(value, width=WIDTH, hide_defaults=False, custom=_short)


def _is_static(field: dataclasses.Field) -> bool:
    return field.metadata.get("static", False)


def _register(cls: type[AbstractPytree]) -> None:
    static_names = [field.name for field in cls._fields if _is_static(field)]
    leaf_names = [field.name for field in cls._fields if not _is_static(field)]

    def flatten(tree: AbstractPytree) -> tuple[list[tuple[object, object]], tuple]:
        children = [(jax.tree_util.GetAttrKey(name), getattr(tree, name)) for name in leaf_names]
        return children, (cls, *(getattr(tree, name) for name in static_names))

    def unflatten(structure: tuple, children: Iterable) -> AbstractPytree:
        tree = object.__new__(cls)
        for name, value in zip(leaf_names + static_names, [*children, *structure[1:]], strict=True):
            object.__setattr__(tree, name, value)
        return tree

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)


def _short(value: object) -> wadler_lindig.AbstractDoc | None:
    """Of an array its dtype and shape, of a lone number the number itself."""
    if not isinstance(value, (np.ndarray, np.generic, jax.Array)) or isinstance(value, jax.core.Tracer):
        return None
    if value.ndim == 0 and not jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        return wadler_lindig.TextDoc(f"{np.asarray(value).item()!r}")
    return wadler_lindig.array_summary(value.shape, str(value.dtype), None)


def is_traced(value: object) -> bool:
    """Whether a number, or one of several, is being traced."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value))


def as_numbers(value: object, name: str) -> np.ndarray:
    """A number, or an array or list of them, in float64; ValueError, naming `name`, for what is none: text, None, True."""
    try:
        numbers = np.asarray(value)
        if jnp.issubdtype(numbers.dtype, np.integer) or jnp.issubdtype(numbers.dtype, np.floating) or numbers.size == 0:
            return numbers.astype(np.float64)
        raise TypeError
    except (TypeError, ValueError) as error:
        text = repr(value) if len(repr(value)) <= 60 else f"a {type(value).__name__}"
        raise ValueError(
            f"`{name}` must be a number or an array of numbers, got {text}; write for example 0.1."
        ) from error
