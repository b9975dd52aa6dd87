"""Intervals of real numbers in Python's integers: fixed point, every operation rounded outwards.

An end is a whole number of units of 1/ONE. So what a sum, product, quotient or root encloses is enclosed for certain, whatever
the machine. ONE is so large that the roundings do not matter beside what is not known of the numbers themselves, and it is divided
by many twos and fives: floating-point numbers and decimals are no intervals at all, and a walk that lands on a kink lands there.
"""

import math
from fractions import Fraction
from typing import Union

ONE = 2**256 * 5**48

Operand = Union["Interval", int]


class Open(ValueError):
    """What the numbers leave open, in words."""


class Interval:
    """All reals from low to high, both in units of 1/ONE."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    @classmethod
    def around(cls, low: Fraction, high: Fraction) -> "Interval":
        """The least interval that holds two rational numbers."""
        return cls(floor_of(low), -floor_of(-high))

    def __repr__(self) -> str:
        return f"[{told(self.low)}, {told(self.high)}]"

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low)

    def __add__(self, other: Operand) -> "Interval":
        if isinstance(other, int):
            return Interval(self.low + (other * ONE), self.high + (other * ONE))
        return Interval(self.low + other.low, self.high + other.high)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Interval":
        return self + -other

    def __rsub__(self, other: int) -> "Interval":
        return -self + other

    def __mul__(self, other: Operand) -> "Interval":
        if isinstance(other, int):
            low, high = self.low * other, self.high * other
            return Interval(min(low, high), max(low, high))
        if other.low >= 0:  # by far the most frequent
            low = self.low * (other.low if self.low >= 0 else other.high)
            high = self.high * (other.high if self.high >= 0 else other.low)
        else:
            ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
            low, high = min(ends), max(ends)
        return Interval(low // ONE, -(-high // ONE))

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "Interval":
        """Open where the divisor may be 0."""
        divisor = Interval(other * ONE, other * ONE) if isinstance(other, int) else other
        if divisor.low <= 0 <= divisor.high:
            raise Open("a divisor may be 0")
        ends = [(a * ONE, b) for a in (self.low, self.high) for b in (divisor.low, divisor.high)]
        return Interval(min(a // b for a, b in ends), max(-(-a // b) for a, b in ends))

    def __rtruediv__(self, other: int) -> "Interval":
        return Interval(other * ONE, other * ONE) / self

    def root(self) -> "Interval":
        """Its square roots; what is below 0 counts as 0."""
        squares = max(self.low, 0) * ONE, max(self.high, 0) * ONE
        low, high = (math.isqrt(square) for square in squares)
        return Interval(low, high if high * high == squares[1] else high + 1)

    def hull(self, other: "Interval") -> "Interval":
        """The least interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    @property
    def size(self) -> int:
        """No number of it is further from 0."""
        return max(-self.low, self.high)


def told(number: int) -> str:
    """A number in units of 1/ONE as a decimal, for messages."""
    return f"{number / ONE:.17g}"


def floor_of(number: Fraction) -> int:
    """The number in units of 1/ONE, rounded down."""
    return (number.numerator * ONE) // number.denominator


def power(base: Interval, exponent: int) -> Interval:
    """base^exponent, of a base that is not negative."""
    low, high = ONE, ONE
    for digit in f"{exponent:b}" if exponent else "":
        low, high = low * low // ONE, -(-high * high // ONE)
        if digit == "1":
            low, high = low * base.low // ONE, -(-high * base.high // ONE)
    return Interval(low, high)


def geometric_sum(base: Interval, count: int) -> Interval:
    """1 + base + ... + base^(count - 1), of a base in [0, 1): it grows with the base, so each end has its own."""
    low, high = (Interval(end, end) for end in (base.low, base.high))
    return Interval(((1 - power(low, count)) / (1 - low)).low, ((1 - power(high, count)) / (1 - high)).high)
