"""Cycles of heavy ball on quadratic pieces in rational numbers: no rounding, and nothing to prove."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from hillopt.front_door import check_is
from hillopt.landscapes import PiecewiseQuadraticBowl
from hillopt.pytrees import FINITE, as_numbers

Rational = Fraction | int | float | str
Affine = tuple[Fraction, Fraction, Fraction, Fraction, Fraction, Fraction]
"""a, b, c, d, e, f of (x, trace) -> (a x + b trace + e, c x + d trace + f)"""


class ExactCycle(NamedTuple):
    """A cycle in rational numbers."""

    points: tuple[Fraction, ...]
    """The positions in turn."""
    attracting: bool
    """Whether walks that begin near by come ever nearer."""


def exact_cycle(
    bowl: PiecewiseQuadraticBowl, learning_rate: Rational, momentum: Rational, near: ArrayLike | Sequence[float]
) -> ExactCycle:
    """The cycle of heavy ball whose positions lie in the same pieces as `near`, such as the points of one that `cycles` found.

    `learning_rate` and `momentum` are whatever `fractions.Fraction` takes, such as "4/9"; a float is the binary number that it is.
    Raises ValueError for what is no rational number, and where there is no cycle through those pieces, or more than one.
    """
    bowl = check_is(bowl, PiecewiseQuadraticBowl, "bowl", "ho.PiecewiseQuadraticBowl((25, 1, 25), (1, 2))")
    bowl.check()
    rate, decay = _rational(learning_rate, "learning_rate"), _rational(momentum, "momentum")
    FINITE.check("near", near)
    pieces = [_piece(bowl, Fraction(place)) for place in as_numbers(near, "near").reshape(-1).tolist()]
    around: Affine = (Fraction(1), Fraction(0), Fraction(0), Fraction(1), Fraction(0), Fraction(0))
    for piece in pieces:
        around = _after(_step(bowl, piece, rate, decay), around)
    a, b, c, d, e, f = around
    determinant = (1 - a) * (1 - d) - b * c
    if determinant == 0:
        raise ValueError(
            "`near` must lie in pieces that one cycle passes through, got those of none or many; move the points."
        )
    x, trace = ((1 - d) * e + b * f) / determinant, (c * e + (1 - a) * f) / determinant
    points = []
    for piece in pieces:
        points.append(x)
        if _piece(bowl, x) != piece:
            raise ValueError(
                f"`near` must lie in the pieces of a cycle, got pieces that their only cycle leaves at {float(x):.6g}; take "
                "points of `cycles`."
            )
        a_, b_, c_, d_, e_, f_ = _step(bowl, piece, rate, decay)
        x, trace = a_ * x + b_ * trace + e_, c_ * x + d_ * trace + f_
    size = a * d - b * c
    return ExactCycle(tuple(points), abs(size) < 1 and abs(a + d) < 1 + size)


def _rational(value: Rational, name: str) -> Fraction:
    try:
        return Fraction(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise ValueError(f"`{name}` must be a rational number, got {value!r}; write for example '4/9'.") from error


def _piece(bowl: PiecewiseQuadraticBowl, place: Fraction) -> int:
    return sum(place > Fraction(knot) for knot in bowl.knots)


def _step(bowl: PiecewiseQuadraticBowl, piece: int, rate: Fraction, decay: Fraction) -> Affine:
    """trace <- slope + decay trace, x <- x - rate trace, in one piece."""
    curvature = Fraction(bowl.curvatures[piece])
    offset = slope_at(bowl, piece)
    return 1 - rate * curvature, -rate * decay, curvature, decay, -rate * offset, offset


def slope_at(bowl: PiecewiseQuadraticBowl, piece: int) -> Fraction:
    """What the slope of a piece would be at 0: pieces meet with one slope."""
    middle = int(np.searchsorted(bowl.knots, 0.0))
    low, high = sorted((middle, piece))
    bends = [
        (Fraction(bowl.curvatures[index]) - Fraction(bowl.curvatures[index + 1])) * Fraction(bowl.knots[index])
        for index in range(low, high)
    ]
    return sum(bends, Fraction(0)) * (1 if piece >= middle else -1)


def _after(second: Affine, first: Affine) -> Affine:
    a, b, c, d, e, f = second
    p, q, r, s, t, u = first
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, a * t + b * u + e, c * t + d * u + f
