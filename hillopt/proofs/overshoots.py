"""Overshoots: where the ground rises on both sides of a valley, a walk is bounded by how far it can leap over the bottom.

Let the slopes be at least 0 from k to k + B, and no leap from a place at or below k lead further than B. Then no walk that is
below k + B ever gets beyond: a step from below k ends below k + B, and from there the slopes only hold it back. The same to the
left. How far leaps lead depends on the slopes between the two ends, and the ends on the leaps: both are grown until they agree.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.landscapes import AbstractHill
from hillopt.loops import repeated
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import is_autonomous, lane_of, path
from hillopt.proofs.balls import lower_end, rounded, upper_end
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval
from hillopt.proofs.leaps import Slopes, leap_of
from hillopt.proofs.trapping import Whereabouts
from hillopt.proofs.valleys import FARTHEST, NEAREST, Side, Valley, is_straight, valley_around

LOOKS_AHEAD = 64  # steps among which the bottom is looked for
ROUNDS = 24  # in which the ends have to agree
EXACT_ROUNDS = 4  # of them, for leaps that do not hang on the swings before
WIDENED = 0.25  # of what ends have grown by, ahead of what they may grow by still


def bound_by_overshoot(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise in the valley that the walk swings in."""
    valley = valley_around(hill, *crossing(hill, optimizer, place))
    now = jnp.stack([-lower_end(place.position), upper_end(place.position)])

    def reached(ends: Array) -> Array:
        """How far the walk gets to either side, if it keeps within two ends: [side]."""
        mildest, flipped = _mildest(hill, valley, ends), jax.tree.map(lambda leaf: leaf[::-1], valley.sides)
        bottom = jnp.stack([jnp.max(sign * jnp.stack(valley.between)) for sign in (1, -1)])
        drives = jnp.maximum(
            jax.vmap(Side.steepest_rise)(flipped, ends[::-1]), jax.vmap(Side.steepest_fall)(valley.sides, ends)
        )
        drives = jnp.maximum(drives, bottom)

        def to(side: Array, near: Side, drive: Array, now: Array, end: Array, runs: tuple[Array, Array]) -> Array:
            least, foot = near.mildest_rise(near.foot(), end), near.foot()
            distances = (jnp.maximum(_plus(foot, run), 0) for run in runs)
            slopes = Slopes(drive, jnp.maximum(least, 0), mildest, jnp.max(drives), *distances)
            first, rest = leap_of(optimizer, place.state, side, slopes)
            return jnp.where(least >= 0, _plus(jnp.maximum(_plus(foot, first), now), rest), jnp.inf)

        sides = jnp.asarray([-1, 1], ends.dtype)
        return jax.vmap(to)(sides, valley.sides, drives, now, ends, (ends[::-1], now[::-1]))

    def grow(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        ends, _, num_rounds = carry
        further = reached(ends)
        agreed = jnp.all(further <= ends)
        ahead = jnp.where(num_rounds < EXACT_ROUNDS, 0, WIDENED * jnp.maximum(further - ends, 0))
        return jnp.where(agreed, ends, jnp.maximum(ends, further + ahead)), agreed, num_rounds + 1

    begin = jnp.maximum(now, jax.vmap(Side.foot)(valley.sides)), jnp.zeros((), bool), jnp.zeros((), jnp.int32)
    ends, agreed, _ = repeated(grow, ROUNDS, begin)
    rise = enclosed(lambda hill, place: jnp.asarray(hill.rise(place)))(
        jax.tree.map(rounded, hill), Interval(-ends[0], ends[1])
    )
    return jnp.where(agreed & jnp.all(jnp.isfinite(ends)), rise.high, jnp.inf)


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """In one dimension, for the optimizers whose leaps are known."""
    known = leap_of.dispatch(type(optimizer)) is not leap_of.dispatch(object)
    return (
        known and not isinstance(hill.start, tuple) and jnp.shape(hill.start) == () and is_autonomous(hill, optimizer)
    )


def crossing(hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts) -> tuple[Array, Array]:
    """A place where the ground falls and a greater one where it does not: two that the walk visits next, or near to it."""
    lane = lane_of(place)
    here = lane.centre[:1]
    visited = jnp.concatenate([here, path(lane, hill, optimizer, LOOKS_AHEAD)[:, 0]])
    away = jnp.asarray(np.geomspace(NEAREST, FARTHEST, LOOKS_AHEAD), here.dtype)
    ahead = jnp.concatenate([here - away[::-1], here, here + away])
    falls = jax.vmap(hill.slope)(visited) < 0
    low = jnp.max(jnp.where(falls, visited, -jnp.inf))
    high = jnp.min(jnp.where(~falls & (visited > low), visited, jnp.inf))
    falls = jax.vmap(hill.slope)(ahead) < 0
    turns = falls[:-1] & ~falls[1:]
    nearest = jnp.argmin(jnp.where(turns, jnp.abs(ahead[:-1] - here), jnp.inf))
    crossed = jnp.isfinite(low) & jnp.isfinite(high)
    return jnp.where(crossed, low, ahead[nearest]), jnp.where(crossed, high, ahead[nearest + 1])


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
