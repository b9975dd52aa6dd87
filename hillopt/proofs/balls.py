"""Balls: a midpoint, the very number that a program computes in floating point, and a radius within which the exact one lies.

Every rounding is charged `eps`, twice the unit roundoff. The factor two pays for the rounding of the radii themselves
(they lose at most a few units roundoff a step, so 1e5 steps in float32 stay far below one half of the bound) and for
fused multiply-adds, which round less often.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike


class Ball(NamedTuple):
    """The numbers within `radius` of `midpoint`; radius None says that the midpoint is exact."""

    midpoint: Any
    radius: Any = None


class Chosen(Ball):
    """The greatest or least of several balls, which it remembers for as long as it is only moved about.

    Derivatives ask whether a number is the greatest by comparing it with the greatest. That is in doubt where the choice was, and
    not wherever a ball overlaps with itself.
    """

    among: tuple[Ball, ...] = ()
    may_tie: Callable[[], Any]
    """Whether exact arithmetic may choose another one."""


def chosen(ball: Ball, among: Sequence[Ball], may_tie: Callable[[], Any]) -> Chosen:
    """The ball as one that was chosen."""
    found = Chosen(*ball)
    found.among, found.may_tie = tuple(among), may_tie
    return found


class Undecided(Ball):
    """A boolean that exact arithmetic may turn round, if `may_turn`. What is selected by it holds both cases."""

    may_turn: Any


def undecided(value: Any, may_turn: Any) -> Undecided:
    """A boolean that may be the other one."""
    found = Undecided(value)
    found.may_turn = may_turn
    return found


class BothWays(list[Any]):
    """Doubts of a program that is a derivative: which number is the greatest is decided both ways there."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen_among: list[Sequence[Ball]] = []
        """Each two of which the greater or the lesser was taken: from JAX 0.11 on they are compared with each other."""


def is_ball(leaf: Any) -> bool:
    """Tell a ball from its parts when walking a pytree."""
    return isinstance(leaf, Ball)


def is_float(value: Any) -> bool:
    """Whether a value is made of real floating-point numbers."""
    return jnp.issubdtype(jnp.result_type(value), jnp.floating)


def rounded(value: ArrayLike) -> Ball:
    """Ball of the real numbers that `value` may stand for: it is the nearest floating-point number to them.

    They lie within half a unit in the last place, at most eps / 2 of the value; eps pays for the radius's own rounding.
    An infinite number stands for itself: a flank that never ends.
    """
    value = jnp.asarray(value)
    return Ball(value, jnp.where(jnp.isinf(value), 0, ulps(value)))


def typed(value: Array) -> Ball:
    """Ball in float64 of the real numbers that round to `value`, which may be of a shorter format; tightly then."""
    if value.dtype == jnp.float64:
        return rounded(value)
    wide, eps = value.astype(jnp.float64), float(jnp.finfo(value.dtype).eps)
    half = eps / 2 * jnp.abs(wide)  # a unit in the last place is eps of a power of two, which is 1/2 at most below 1
    half = jnp.where(jnp.abs(wide) < 1, jnp.minimum(half, eps / 4), half)
    return Ball(wide, jnp.where(jnp.isinf(wide), 0, half))


def ball_radius(ball: Ball) -> Any:
    """The radius as a number."""
    return jnp.zeros_like(jnp.asarray(ball.midpoint)) if ball.radius is None else ball.radius


def with_radius(leaf: Any) -> Any:
    """A ball whose radius is a number; what is no ball stays."""
    return Ball(leaf.midpoint, ball_radius(leaf)) if is_ball(leaf) else leaf


def upper_end(ball: Ball) -> Any:
    """No number of the ball is greater: the sum and what is added to it round by half an eps each, hence 2 eps."""
    radius = ball_radius(ball)
    end = ball.midpoint + radius
    end = jnp.where(radius == 0, end, end + ulps(end, 2))
    return jnp.where(jnp.isnan(end), jnp.inf, end)


def lower_end(ball: Ball) -> Any:
    """No number of the ball is less."""
    return -upper_end(Ball(-ball.midpoint, ball.radius))


def midpoints(tree: Any) -> Any:
    """The numbers themselves, for balls anywhere in a pytree."""
    return jax.tree.map(lambda leaf: leaf.midpoint if is_ball(leaf) else leaf, tree, is_leaf=is_ball)


def radii(tree: Any) -> Any:
    """The radii of the balls anywhere in a pytree; 0 for what is exact."""
    return jax.tree.map(lambda leaf: ball_radius(leaf if is_ball(leaf) else Ball(leaf)), tree, is_leaf=is_ball)


def overlap(a: Ball, b: Ball) -> Any:
    """Whether exact arithmetic may compare two balls otherwise than their midpoints compare. What is equal and has no radius is
    equal there too. Written as a negation so that a NaN anywhere counts as overlap."""
    radius = ball_radius(a) + ball_radius(b)
    is_equal = (a.midpoint == b.midpoint) & (radius == 0)
    return ~(is_equal | (jnp.abs(a.midpoint - b.midpoint) > radius))


def any_of(doubts: Sequence[Any]) -> Any:
    """Whether there is a doubt among these."""
    found = jnp.asarray(False)
    for doubt in doubts:
        found = found | doubt
    return found


def ulps(value: Any, count: Any = 1) -> Any:
    """So many eps of a value."""
    return count * float(jnp.finfo(value.dtype).eps) * jnp.abs(value)


def tiny(value: Any) -> Any:
    """What a flush of subnormal numbers to zero may lose."""
    return jnp.finfo(value.dtype).tiny


def size(value: Any) -> Any:
    """The size of a result that may have been flushed to zero."""
    return jnp.maximum(jnp.abs(value), tiny(value))
