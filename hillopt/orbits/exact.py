"""Cycles of heavy ball on quadratic pieces in rational numbers: no rounding, and nothing to prove."""

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from jaxtyping import ArrayLike

from hillopt.front_door import check_is
from hillopt.landscapes import PiecewiseQuadraticBowl
from hillopt.pytrees import FINITE, as_numbers

Rational = Fraction | int | float | str
Affine = tuple[Fraction, Fraction, Fraction, Fraction, Fraction, Fraction]
"""a, b, c, d, e, f of (x, trace) -> (a x + b trace + e, c x + d trace + f)"""
STAYS: Affine = (Fraction(1), Fraction(0), Fraction(0), Fraction(1), Fraction(0), Fraction(0))


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
    Raises ValueError for what is no rational number, and where there is no cycle through those pieces, more than one, or only one
    that is over sooner.

    Examples:
        >>> lessard = ho.PiecewiseQuadraticBowl((25.0, 1.0, 25.0), knots=(1.0, 2.0))
        >>> ho.exact_cycle(lessard, "1/9", "4/9", near=[2.1, 0.6, -1.8]).points[0]
        Fraction(2592, 1225)
    """
    bowl = check_is(bowl, PiecewiseQuadraticBowl, "bowl", "ho.PiecewiseQuadraticBowl((25.0, 1.0, 25.0), (1.0, 2.0))")
    bowl.check()
    FINITE.check("near", near)
    rate, decay = _rational(learning_rate, "learning_rate"), _rational(momentum, "momentum")
    pieces = [_piece(bowl, Fraction(place)) for place in as_numbers(near, "near").reshape(-1).tolist()]
    steps = [_step(bowl, piece, rate, decay) for piece in pieces]
    around = functools.reduce(lambda before, step: _after(step, before), steps, STAYS)
    points = _walked(steps, _fixed_point(around))
    for point, piece in zip(points, pieces, strict=True):
        if _piece(bowl, point) != piece:
            raise ValueError(
                f"`near` must lie in the pieces of a cycle, got pieces that their only cycle leaves at {float(point):.6g}; take "
                "points of `cycles`."
            )
    if any(points == points[short:] + points[:short] for short in range(1, len(points))):
        raise ValueError(
            f"`near` must be the points of one round, got {len(points)} in pieces whose only cycle is over sooner; give fewer."
        )
    a, b, c, d, _, _ = around
    size = a * d - b * c
    return ExactCycle(points, abs(size) < 1 and abs(a + d) < 1 + size)


def _fixed_point(around: Affine) -> tuple[Fraction, Fraction]:
    """What one round takes to itself, by Cramer's rule."""
    a, b, c, d, e, f = around
    determinant = (1 - a) * (1 - d) - b * c
    if determinant == 0:
        raise ValueError(
            "`near` must lie in pieces that one cycle passes through, got those of none or many; move the points."
        )
    return ((1 - d) * e + b * f) / determinant, (c * e + (1 - a) * f) / determinant


def _walked(steps: Sequence[Affine], begin: tuple[Fraction, Fraction]) -> tuple[Fraction, ...]:
    """The positions before each step."""
    points, (x, trace) = [], begin
    for a, b, c, d, e, f in steps:
        points.append(x)
        x, trace = a * x + b * trace + e, c * x + d * trace + f
    return tuple(points)


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
    offset = _slope_at_0(bowl, piece)
    return 1 - rate * curvature, -rate * decay, curvature, decay, -rate * offset, offset


def _slope_at_0(bowl: PiecewiseQuadraticBowl, piece: int) -> Fraction:
    """What the slope of a piece would be at 0: pieces meet with one slope."""
    low, high = sorted((bowl.middle, piece))
    bends = [
        (Fraction(bowl.curvatures[index]) - Fraction(bowl.curvatures[index + 1])) * Fraction(bowl.knots[index])
        for index in range(low, high)
    ]
    return sum(bends, Fraction(0)) * (1 if piece >= bowl.middle else -1)


def _after(second: Affine, first: Affine) -> Affine:
    a, b, c, d, e, f = second
    p, q, r, s, t, u = first
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, a * t + b * u + e, c * t + d * u + f
