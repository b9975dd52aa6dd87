"""Arithmetic in fixed point: whole multiples of 2^-bits, Python's own integers, rounded to a side that is known."""

from fractions import Fraction


def rounded_down(number: Fraction, bits: int) -> int:
    """The greatest multiple of 2^-bits that is not above a number."""
    return (number.numerator << bits) // number.denominator


def rounded_up(number: Fraction, bits: int) -> int:
    """The least multiple of 2^-bits that is not below a number."""
    return -((-number.numerator << bits) // number.denominator)


def product_up(a: int, b: int, bits: int) -> int:
    """a b, at least."""
    return -((-a * b) >> bits)


def quotient_up(a: int, b: int, bits: int) -> int:
    """a / b for b > 0, at least."""
    return -((-a << bits) // b)


def power_down(base: int, exponent: int, bits: int) -> int:
    """base^exponent at most, for a base from 0 to 1: below it by no more than 2 exponent units."""
    result = 1 << bits
    for digit in bin(exponent)[2:]:
        result = (result * result) >> bits
        if digit == "1":
            result = (result * base) >> bits
    return result


def power_up(base: int, exponent: int, bits: int) -> int:
    """base^exponent at least, for a base from 0 to 1."""
    result = 1 << bits
    for digit in bin(exponent)[2:]:
        result = product_up(result, result, bits)
        if digit == "1":
            result = product_up(result, base, bits)
    return result
