"""What a certificate is about: a hill and an optimizer by their names, every number with all the reals that it stands for."""

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from hillopt.certificates.intervals import Interval

DIGITS = {"float64": 53, "float32": 24}
LEAST = {"float64": -1074, "float32": -149}  # exponents of the least numbers


class Range(NamedTuple):
    """All reals from low to high."""

    low: Fraction
    high: Fraction

    @property
    def interval(self) -> Interval:
        """The same in fixed point."""
        return Interval.around(*self)


@dataclasses.dataclass(frozen=True)
class Part:
    """A hill or an optimizer: the name of its class and its numbers."""

    kind: str
    numbers: Mapping[str, Range]

    def __getitem__(self, name: str) -> Range:
        return self.numbers[name]

    def interval(self, name: str) -> Interval:
        """A number in fixed point."""
        return self.numbers[name].interval


def reals_that_round_to(number: float, dtype: str) -> Range:
    """All reals whose nearest number of this floating-point format is the given one; 0 stands for itself."""
    if number == 0:
        return Range(Fraction(0), Fraction(0))
    mantissa, exponent = math.frexp(abs(number))
    half = Fraction(2) ** (max(exponent - DIGITS[dtype], LEAST[dtype]) - 1)
    is_power = mantissa == 0.5 and exponent - DIGITS[dtype] > LEAST[dtype]
    inwards = half / 2 if is_power else half  # the next number towards 0 is half as far away
    low, high = Fraction(abs(number)) - inwards, Fraction(abs(number)) + half
    return Range(low, high) if number > 0 else Range(-high, -low)


def as_written(number: float) -> Range:
    """A number's shortest decimal, exactly: 0.01 is 1/100."""
    return Range(Fraction(str(number)), Fraction(str(number)))


class Domain(NamedTuple):
    """Where a number must lie; `above` excludes the low end."""

    low: Fraction | None
    above: bool
    high: Fraction | None
    """It must lie below it."""

    def holds(self, numbers: Range) -> bool:
        """Whether all of the numbers lie in it."""
        starts = self.low is None or (numbers.low > self.low if self.above else numbers.low >= self.low)
        return starts and (self.high is None or numbers.high < self.high)

    def __str__(self) -> str:
        return f"{'above' if self.above else 'at least'} {self.low}" + (f" and below {self.high}" if self.high else "")


ZERO = Fraction(0)
POSITIVE, NONNEGATIVE, FRACTION = Domain(ZERO, True, None), Domain(ZERO, False, None), Domain(ZERO, False, Fraction(1))
ANY = Domain(None, False, None)
RATE = {"learning_rate": POSITIVE}
MOMENTUM = {**RATE, "momentum": FRACTION}
MOMENTS = {**RATE, "b1": FRACTION, "b2": FRACTION, "eps": NONNEGATIVE}

OPTIMIZERS: dict[str, dict[str, Domain]] = {
    "GradientDescent": RATE,
    "SignDescent": RATE,
    "HeavyBall": MOMENTUM,
    "Nesterov": MOMENTUM,
    "Lion": {**RATE, "b1": FRACTION, "b2": FRACTION, "weight_decay": NONNEGATIVE},
    "Adam": MOMENTS,
    "AdamW": {**MOMENTS, "weight_decay": NONNEGATIVE},
    "Adagrad": {**RATE, "initial_accumulator_value": NONNEGATIVE, "eps": NONNEGATIVE},
    "RMSprop": {**RATE, "decay": FRACTION, "eps": NONNEGATIVE, "initial_scale": NONNEGATIVE},
}
HILLS: dict[str, dict[str, Domain]] = {
    "TentHill": {"height": NONNEGATIVE},
    "WedgeHill": {"height": NONNEGATIVE, "half_width": POSITIVE, "tail_slope": ANY},
    "PiecewiseLinearHill": {"height": NONNEGATIVE, **{f"{axis}_{index}": ANY for axis in "xy" for index in range(3)}},
    "DoubleWell": {"height": NONNEGATIVE},
}
OPTIONAL = {("TentHill", "height"), ("Lion", "weight_decay")}
"""Without them the tent is endless, and Lion's steps have no decay."""


def num_points(hill: Part) -> int:
    """Of a hill through points, whose places are x_0, x_1, ..."""
    return sum(name.startswith("x_") for name in hill.numbers)


def check_part(part: Part, name: str, known: Mapping[str, Mapping[str, Domain]]) -> None:
    """ValueError, naming the number, for an unknown kind, and for numbers that are missing, unknown or out of their domain."""
    if part.kind not in known:
        raise ValueError(
            f"`{name}` must be one of {', '.join(sorted(known))}, got {part.kind!r}; none else is checked."
        )
    domains = known[part.kind]
    if part.kind == "PiecewiseLinearHill":
        domains = {**domains, **{f"{axis}_{index}": ANY for axis in "xy" for index in range(num_points(part))}}
    missing = {name for name in domains if name not in part.numbers and (part.kind, name) not in OPTIONAL}
    for stray in sorted(missing | set(part.numbers) - set(domains)):
        verb = "has no" if stray in part.numbers else "needs its"
        raise ValueError(f"`{name}` {part.kind} {verb} number {stray!r}; its numbers are {', '.join(domains)}.")
    for number, ends in part.numbers.items():
        domain = domains[number]
        if ends.low > ends.high:
            raise ValueError(f"`{number}` must go from its least to its greatest, got them turned round; swap them.")
        if not domain.holds(ends):
            raise ValueError(
                f"`{number}` must be {domain}, got {float(ends.low):.17g} to {float(ends.high):.17g}; give it inside."
            )
