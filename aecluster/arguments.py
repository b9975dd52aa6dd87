"""What every public function asks of its arguments: one rule a kind, one sentence for each refusal, plain numbers inside.

    num_seeds = whole(1)("num_seeds", num_seeds)

A rule takes a name and a value; it gives the value back as Python has it, or raises ValueError. Numbers of NumPy and JAX
come out as Python's own, so that records compare, hash, print and save alike whichever they were made of.
"""

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Rule: TypeAlias = Callable[[str, Any], Any]
Kind = TypeVar("Kind")

LONGEST = 60  # letters of a value that a sentence quotes
MOST_SEEDS = 2**32  # what NumPy, scikit-learn and a key of JAX's all tell apart


def settle(record: Any, **rules: Rule) -> None:
    """Put the fields of a frozen dataclass back as their rules have them; for its `__post_init__`."""
    for name, rule in rules.items():
        object.__setattr__(record, name, rule(name, getattr(record, name)))


def plain(value: Any) -> Any:
    """A number of NumPy's or JAX's, an array without axes too, as Python's own; everything else as it is.

    One of fewer bits than Python's floats is the shortest decimal that it rounds: float32 0.1 is 0.1, as it was written,
    and trains no other networks, since all is computed in float32.
    """
    if not isinstance(value, np.generic) and not (is_array(value) and value.ndim == 0):
        return value
    if isinstance(value, jax.core.Tracer) or not (jnp.issubdtype(value.dtype, jnp.number) or value.dtype == bool):
        return value
    number = value.item()
    return float(str(np.asarray(value))) if isinstance(number, float) and value.dtype.itemsize < 8 else number


def is_array(value: Any) -> bool:
    """Whether a value is an array of NumPy's or JAX's, traced or not."""
    return isinstance(value, (np.ndarray, jax.Array))


def short(value: Any) -> str:
    """What was given, as a sentence quotes it."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if is_array(value) and value.ndim:
        return f"an array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= LONGEST and "\n" not in text and " at 0x" not in text else f"a {type(value).__name__}"


def whole(at_least: int | None = None, at_most: int | None = None) -> Rule:
    """A whole number, not below the one and not above the other."""
    what = "a whole number" + _bounds(at_least, at_most)

    def rule(name: str, value: Any) -> int:
        number = plain(value)
        if isinstance(number, bool):
            raise _refusal(name, what, value)
        try:
            number = operator.index(number)
        except TypeError:
            raise _refusal(name, what, value) from None
        return _within(name, what, number, at_least, at_most)

    return rule


def real(*, above: float | None = None, at_least: float | None = None, at_most: float | None = None) -> Rule:
    """A finite number within bounds; one that is traced passes as it is."""
    what = "a finite number" + (_bounds(at_least, at_most) if above is None else f" above {above:g}")

    def rule(name: str, value: Any) -> Any:
        if isinstance(value, jax.core.Tracer):
            return value
        number = plain(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise _refusal(name, what, value)
        if above is not None and number <= above:
            raise _refusal(name, what, number, "give more")
        return _within(name, what, float(number), at_least, at_most)

    return rule


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(plain(value), bool):
        raise _refusal(name, "True or False", value)
    return plain(value)


def wholes(at_least: int | None = None, at_most: int | None = None, length: int | None = None) -> Rule:
    """A tuple of whole numbers, of so many where a length is given; lists, ranges and arrays of them will do."""
    one = whole(at_least, at_most)
    many = "a tuple of whole numbers" if length is None else f"a tuple of {length} whole numbers"
    what = many + _bounds(at_least, at_most)

    def rule(name: str, value: Any) -> tuple[int, ...]:
        entries = entries_of(name, value, what)
        if length is not None and len(entries) != length:
            raise _refusal(name, what, value)
        try:
            return tuple(one(name, entry) for entry in entries)
        except ValueError:
            raise _refusal(name, what, value) from None

    return rule


def some_seeds(name: str, value: Any) -> tuple[int, ...]:
    """One seed at least, as a tuple."""
    found = wholes(0, MOST_SEEDS - 1)(name, value)
    if not found:
        raise ValueError(f"`{name}` must name at least one seed, got none; give (0,) for one.")
    return found


def check_table(name: str, values: Any, num_rows: int | None = None) -> None:
    """Refuse what is no array (row, feature) of finite numbers, of so many rows where that is given. Raises ValueError."""
    if not is_array(values) or values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"`{name}` must be an array (row, feature), got {short(values)}; reshape each to one row.")
    if not jnp.issubdtype(values.dtype, jnp.number) or not np.isfinite(values).all():
        raise ValueError(f"`{name}` must be finite numbers, got {_unfit(values)}; remove such rows.")
    if num_rows not in (None, len(values)):
        raise ValueError(
            f"`{name}` must have one row for each of the {num_rows} points, got {len(values)}; give as many."
        )


def _unfit(values: Any) -> str:
    return "NaN or infinity" if jnp.issubdtype(values.dtype, jnp.number) else str(values.dtype)


def entries_of(name: str, value: Any, what: str) -> tuple[Any, ...]:
    """What a sequence, a range or an array with one axis holds; ValueError for text, mappings and what holds nothing."""
    if isinstance(value, (str, bytes, dict)) or (is_array(value) and value.ndim != 1):
        raise _refusal(name, what, value)
    if not isinstance(value, Iterable) and not is_array(value):
        raise _refusal(name, what, value)
    return tuple(value)


def maybe(rule: Rule) -> Rule:
    """None, or what the rule says."""
    return lambda name, value: None if value is None else rule(name, value)


def some(kind: type, example: str) -> Rule:
    """An instance of a class, and not the class itself; the example is what to write."""

    def rule(name: str, value: Any) -> Any:
        if isinstance(value, type):
            raise ValueError(f"`{name}` must be an instance, got {short(value)}; write {example}.")
        if not isinstance(value, kind):
            what = kind.__name__.removeprefix("Abstract")
            article = "an" if what[0] in "AEIOU" else "a"
            raise ValueError(f"`{name}` must be {article} {what}, got {short(value)}; write {example}.")
        return value

    return rule


def function(example: str) -> Rule:
    """What can be called, and is no class; the example is what to write."""

    def rule(name: str, value: Any) -> Any:
        if isinstance(value, type):
            raise ValueError(f"`{name}` must be an instance, got {short(value)}; write {example}.")
        if not callable(value):
            raise ValueError(f"`{name}` must be a function, got {short(value)}; write {example}.")
        return value

    return rule


def _bounds(at_least: float | None, at_most: float | None) -> str:
    if at_least is None and at_most is None:
        return ""
    if at_most is None:
        return f" of at least {at_least:g}"
    return f" of at most {at_most:g}" if at_least is None else f" from {at_least:.10g} to {at_most:.10g}"


def _within(name: str, what: str, number: Any, at_least: float | None, at_most: float | None) -> Any:
    if at_least is not None and number < at_least:
        raise _refusal(name, what, number, "give more")
    if at_most is not None and number > at_most:
        raise _refusal(name, what, number, "give less")
    return number


def _refusal(name: str, what: str, value: Any, remedy: str = "give such a value") -> ValueError:
    return ValueError(f"`{name}` must be {what}, got {short(value)}; {remedy}.")


def text(name: str, value: Any) -> str:
    """Text, as Python has it."""
    if not isinstance(value, str):
        raise _refusal(name, "text", value)
    return str(value)


a_shape = wholes(1, length=3)
a_seed = whole(0, MOST_SEEDS - 1)
