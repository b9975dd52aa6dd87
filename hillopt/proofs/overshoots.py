"""Overshoots: where the ground rises on both sides of a valley, a walk is bounded by how far it can leap over the bottom.

Let the slopes be at least 0 from k to k + B, and no leap from a place at or below k lead further than B. Then no walk that is
below k + B ever gets beyond: a step from below k ends below k + B, and from there the slopes only hold it back. The same to the
left. How far leaps lead depends on the slopes between the two ends, and the ends on the leaps: both are grown until they agree.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import is_autonomous, lane_of, path
from hillopt.proofs.balls import lower_end, rounded, upper_end
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval
from hillopt.proofs.leaps import Slopes, leap_of
from hillopt.proofs.trapping import Whereabouts
from hillopt.proofs.valleys import Side, Valley, is_straight, valley_around

LOOKS_AHEAD = 64  # steps among which the bottom is looked for
ROUNDS = 12  # in which the ends have to agree


def bound_by_overshoot(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise in the valley that the walk swings in."""
    valley = valley_around(hill, *_crossing(hill, optimizer, place))
    now = jnp.stack([-lower_end(place.position), upper_end(place.position)])

    def reached(ends: Array) -> Array:
        """How far the walk gets to either side, if it keeps within two ends: [side]."""
        mildest = _mildest(hill, valley, ends)

        def to(side: Array, near: Side, far: Side, now: Array, end: Array, other: Array) -> Array:
            drive = jnp.maximum(far.steepest_rise(other), near.steepest_fall(end))
            drive = jnp.maximum(drive, jnp.max(-side * jnp.stack(valley.between)))
            least = near.mildest_rise(near.foot(), end)
            first, rest = leap_of(optimizer, place.state, side, Slopes(drive, jnp.maximum(least, 0), mildest))
            return jnp.where(least >= 0, _plus(jnp.maximum(_plus(near.foot(), first), now), rest), jnp.inf)

        sides, flipped = jnp.asarray([-1, 1], ends.dtype), jax.tree.map(lambda leaf: leaf[::-1], valley.sides)
        return jax.vmap(to)(sides, valley.sides, flipped, now, ends, ends[::-1])

    def grow(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        ends, _ = carry
        further = reached(ends)
        agreed = jnp.all(further <= ends)
        return jnp.where(agreed, ends, jnp.maximum(ends, further)), agreed

    begin = jnp.maximum(now, jax.vmap(Side.foot)(valley.sides)), jnp.zeros((), bool)
    ends, agreed = jax.lax.fori_loop(0, ROUNDS, grow, varying_as_after(lambda carry: grow(0, carry), begin))
    rise = enclosed(lambda hill, place: jnp.asarray(hill.rise(place)))(
        jax.tree.map(rounded, hill), Interval(-ends[0], ends[1])
    )
    return jnp.where(agreed & (-ends[0] <= ends[1]), rise.high, jnp.inf)


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """In one dimension, for the optimizers whose leaps are known."""
    known = leap_of.dispatch(type(optimizer)) is not leap_of.dispatch(object)
    return known and jnp.shape(hill.start) == () and is_autonomous(hill, optimizer)


def _crossing(hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts) -> tuple[Array, Array]:
    """Two places that the walk visits next, the first where the ground falls and a greater one where it does not."""
    lane = lane_of(place)
    places = jnp.concatenate([lane.centre[:1], path(lane, hill, optimizer, LOOKS_AHEAD)[:, 0]])
    falls = jax.vmap(hill.slope)(places) < 0
    low = jnp.max(jnp.where(falls, places, -jnp.inf))
    return low, jnp.min(jnp.where(~falls & (places > low), places, jnp.inf))


def _mildest(hill: AbstractHill, valley: Valley, ends: Array) -> Array:
    """The least size of a slope between two ends. At a kink, of two slopes, only one is met."""
    if not is_straight(hill):
        return jnp.zeros_like(ends[0])
    least = jnp.min(jax.vmap(lambda side, end: side.mildest_rise(side.edges[0], end))(valley.sides, ends))
    return jnp.where(valley.is_sharp, jnp.maximum(least, 0), 0)


def _plus(one: Array, other: Array) -> Array:
    """A sum that is no less than in exact arithmetic."""
    total = one + other
    return jnp.where(other == 0, one, jnp.nextafter(total, jnp.full_like(total, jnp.inf)))
