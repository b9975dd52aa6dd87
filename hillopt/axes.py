"""The axes of a sweep: which values a hyperparameter, or the height, takes."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

SCALES = ("linear", "log", "log_complement", "list")


MOST = 10**8


@dataclasses.dataclass(frozen=True)
class Axis:
    """Increasing values and the scale on which they are evenly spaced; make it with one of the class methods.

    `scale` is "linear", "log", "log_complement" (even in the logarithm of 1 - value, for betas near 1) or "list".

    Examples:
        >>> ho.Axis.linear(0, 1, 5).values
        (0.0, 0.25, 0.5, 0.75, 1.0)
        >>> ho.Axis.log(0.01, 1, 3)
        Axis(log, 0.01 to 1, 3 values)
    """

    values: tuple[float, ...]
    scale: str = "list"

    def __repr__(self) -> str:
        ends = f"{self.values[0]:g}" if len(self.values) == 1 else f"{self.values[0]:g} to {self.values[-1]:g}"
        return f"Axis({self.scale}, {ends}, {len(self.values)} values)"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(
                f"`scale` must be one of {', '.join(SCALES)}, got {self.scale!r}; leave it out for a list."
            )
        numbers = _in_a_row(self.values)
        object.__setattr__(self, "values", tuple(numbers.tolist()))
        if numbers.size == 0:
            raise ValueError("an axis needs at least one point, got none; give some values.")
        if not np.all(np.isfinite(numbers)):
            raise ValueError(f"an axis must be finite, got {_first(numbers, ~np.isfinite(numbers)):g}; remove it.")
        steps = np.diff(numbers)
        if np.any(steps <= 0):
            raise ValueError(
                f"an axis must increase, got {numbers[:-1][steps <= 0][0]:g} before {numbers[1:][steps <= 0][0]:g}; "
                "give the smaller end first and no value twice."
            )

    @classmethod
    def linear(cls, low: float, high: float, num: int) -> "Axis":
        """`num` evenly spaced values from low to high, both included."""
        return cls._spaced("linear", np.linspace, low, high, num)

    @classmethod
    def log(cls, low: float, high: float, num: int) -> "Axis":
        """`num` values from low to high, evenly spaced in the logarithm; low > 0."""
        _check_ends(low, high)
        if low <= 0:
            raise ValueError(f"a log axis must be positive, got {low:g}; start above 0 or take a linear axis.")
        return cls._spaced("log", np.geomspace, low, high, num)

    @classmethod
    def log_complement(cls, low: float, high: float, num: int) -> "Axis":
        """`num` values from low to high < 1, evenly spaced in the logarithm of 1 - value."""
        _check_ends(low, high)
        if high >= 1:
            raise ValueError(f"a log-complement axis must stay below 1, got {high:g}; end at 0.999, say.")
        return cls._spaced("log_complement", lambda a, b, n: 1 - np.geomspace(1 - a, 1 - b, n), low, high, num)

    @classmethod
    def of(cls, values: "Axis | ArrayLike | Sequence[float]") -> "Axis":
        """An axis as it is, or a list of values as one."""
        if isinstance(values, Axis):
            return values
        return cls(tuple(_in_a_row(values).tolist()))

    @classmethod
    def named(cls, name: str, values: "Axis | ArrayLike | Sequence[float]") -> "Axis":
        """As `of`; its ValueError says which axis it is."""
        try:
            return cls.of(values)
        except ValueError as error:
            raise ValueError(f"`axes[{name!r}]`: {error}") from error

    @classmethod
    def _spaced(cls, scale: str, space: Callable, low: float, high: float, num: int) -> "Axis":
        _check_ends(low, high)
        if isinstance(num, bool) or not isinstance(num, (int, np.integer)):
            raise ValueError(f"an axis needs a whole number of points, got {num!r}; give 100, say.")
        if num < 1:
            raise ValueError(f"an axis needs at least one point, got {num}; give a positive number of points.")
        if num > MOST:
            raise ValueError(
                f"an axis has at most {MOST:,} points, got {num:,}; give fewer, and another axis the rest."
            )
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"an axis must be finite, got {low:g} to {high:g}; give finite ends.")
        if low > high or (num > 1 and low == high):
            raise ValueError(f"an axis must increase, got {low:g} to {high:g}; give the smaller end first.")
        values = space(low, high, num)
        values[0], values[-1] = (low, high) if num > 1 else (low, low)
        return cls(tuple(values.tolist()), scale)


def scale_of(values: ArrayLike) -> str:
    """The scale on which values are even: "linear", "log", or "list" if on neither."""
    numbers = np.asarray(values, np.float64)
    for name, mapped in (("linear", numbers), ("log", np.log(numbers) if np.all(numbers > 0) else numbers)):
        steps = np.diff(mapped)
        if len(steps) > 1 and np.allclose(steps, steps.mean(), rtol=1e-3, atol=0):
            return name
    return "list"


def _in_a_row(values: object) -> np.ndarray:
    """Numbers one after the other, a lone one as a row of itself; ValueError for what are none."""
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        given = repr(values) if isinstance(values, (str, list, tuple)) else f"a {type(values).__name__}"
        raise ValueError(f"an axis must be numbers in a row, got {given}; write a list of them.") from error
    if numbers.ndim > 1:
        raise ValueError(
            f"an axis must be one row of values, got the shape {numbers.shape}; give them one after the other."
        )
    return numbers.reshape(-1)


def _check_ends(*ends: Any) -> None:
    for end in ends:
        if np.ndim(end) > 0 or np.asarray(end).dtype.kind not in "fiu":
            raise ValueError(f"the ends of an axis must be numbers, got {end!r}; give 0.01 and 1, say.")


def _first(numbers: np.ndarray, which: np.ndarray) -> float:
    return float(numbers[which][0])
