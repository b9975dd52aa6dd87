"""Real numbers for any program: rational as long as that is short, else an interval between multiples of 2^-bits."""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from hillopt.exact.numbers import rounded_down, rounded_up

SHORT = 256
"""Bits of a denominator up to which a number is kept as it is."""


class MoreDigitsError(ArithmeticError):
    """A decision is not certain with so many digits."""


class Interval(NamedTuple):
    """All numbers between two multiples of 2^-bits."""

    low: int
    high: int


Real: TypeAlias = Fraction | Interval


class Arithmetic:
    """The operations, with so many bits. What cannot be decided, or divided by, raises MoreDigitsError."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def enclosed(self, a: Real) -> Interval:
        """The number as an interval."""
        return a if isinstance(a, Interval) else Interval(rounded_down(a, self.bits), rounded_up(a, self.bits))

    def _short(self, a: Fraction) -> Real:
        return a if a.denominator.bit_length() <= SHORT else self.enclosed(a)

    def _both(self, a: Real, b: Real, exact: Callable[[Any, Any], Any], ends: Callable[[Any, Any], Any]) -> Any:
        """By the rational operation if both are, else by the ends."""
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self._short(exact(a, b))
        return ends(self.enclosed(a), self.enclosed(b))

    def add(self, a: Real, b: Real) -> Real:
        return self._both(a, b, operator.add, lambda a, b: Interval(a.low + b.low, a.high + b.high))

    def neg(self, a: Real) -> Real:
        return -a if isinstance(a, Fraction) else Interval(-a.high, -a.low)

    def sub(self, a: Real, b: Real) -> Real:
        return self.add(a, self.neg(b))

    def mul(self, a: Real, b: Real) -> Real:
        def ends(a: Interval, b: Interval) -> Interval:
            products = [x * y for x in a for y in b]
            return Interval(min(products) >> self.bits, -((-max(products)) >> self.bits))

        return self._both(a, b, operator.mul, ends)

    def div(self, a: Real, b: Real) -> Real:
        def ends(a: Interval, b: Interval) -> Interval:
            if b.low <= 0 <= b.high:
                raise MoreDigitsError
            quotients = [((x << self.bits) // y, -((-x << self.bits) // y)) for x in a for y in b]
            return Interval(min(low for low, _ in quotients), max(high for _, high in quotients))

        if b == 0:
            raise MoreDigitsError
        return self._both(a, b, operator.truediv, ends)

    def sqrt(self, a: Real) -> Real:
        if isinstance(a, Fraction) and a >= 0:
            root = Fraction(math.isqrt(a.numerator), math.isqrt(a.denominator))
            if root * root == a:
                return root
        low, high = self.enclosed(a)
        if low < 0:
            raise MoreDigitsError
        return Interval(math.isqrt(low << self.bits), math.isqrt(high << self.bits) + 1)

    def power(self, a: Real, exponent: int) -> Real:
        result: Real = Fraction(1)
        for digit in bin(abs(exponent))[2:]:
            result = self.mul(result, result)
            result = self.mul(result, a) if digit == "1" else result
        return self.div(Fraction(1), result) if exponent < 0 else result

    def maximum(self, a: Real, b: Real) -> Real:
        return self._both(a, b, max, lambda a, b: Interval(max(a.low, b.low), max(a.high, b.high)))

    def minimum(self, a: Real, b: Real) -> Real:
        return self.neg(self.maximum(self.neg(a), self.neg(b)))

    def absolute(self, a: Real) -> Real:
        return self.maximum(a, self.neg(a))

    def sign(self, a: Real) -> Fraction:
        """-1, 0 or 1."""
        low, high = (a, a) if isinstance(a, Fraction) else a
        if low > 0 or high < 0 or low == high == 0:
            return Fraction((low > 0) - (high < 0))
        raise MoreDigitsError
