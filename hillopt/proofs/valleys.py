"""What the ground around a valley is like: its slopes, enclosed piece by piece."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hillopt.landscapes import AbstractHill, PiecewiseLinearHill, StartingAt, WedgeHill
from hillopt.loops import bisected
from hillopt.proofs.balls import rounded
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval

PIECES = 192  # on either side; each is a few percent wider than the one before
TO_CREST = 160  # of them, up to the crest
NEAREST, FARTHEST = 2.0**-14, 8.0  # how far the pieces begin and end from the valley
HALVINGS = 64


class Side(NamedTuple):
    """Pieces on one side of the bottom, from there outwards; everything is positive where it leads away from the bottom."""

    edges: Float[Array, " edge"]
    """Where pieces begin and end, rising: positions to the right, negative ones to the left."""
    slopes: Interval
    """How steeply every piece rises [piece]; negative where it falls."""

    def within(self, end: Float[Array, ""]) -> Bool[Array, " piece"]:
        """The pieces that begin at or before a place."""
        return self.edges[:-1] <= end

    def steepest_fall(self, end: Float[Array, ""]) -> Float[Array, ""]:
        """How steeply the ground falls at most, away from the bottom, from there to a place; 0 where it only rises."""
        return jnp.max(jnp.where(self.within(end), -self.slopes.low, 0), initial=0)

    def steepest_rise(self, end: Float[Array, ""]) -> Float[Array, ""]:
        """How steeply it rises at most."""
        return jnp.max(jnp.where(self.within(end), self.slopes.high, 0), initial=0)

    def mildest_rise(self, begin: Float[Array, ""], end: Float[Array, ""]) -> Float[Array, ""]:
        """How steeply it rises at least, between two places; negative where it may fall, or nothing is known of it."""
        pieces = self.within(end) & (self.edges[1:] > begin)
        least = jnp.min(jnp.where(pieces, self.slopes.low, jnp.inf), initial=jnp.inf)
        return jnp.where((end <= self.edges[-1]) & (least < jnp.inf), least, -jnp.inf)

    def foot(self) -> Float[Array, ""]:
        """From where on the ground surely rises."""
        return self.edges[jnp.argmax(self.slopes.low >= 0)]


class Valley(NamedTuple):
    """The ground on both sides of a bottom."""

    sides: Side
    """To the left and to the right [side]."""
    between: Interval
    """The slopes at the bottom itself."""
    is_sharp: Bool[Array, ""]
    """Whether nothing lies between the sides but what two neighbouring numbers leave."""


def valley_around(hill: AbstractHill, low: Float[Array, ""], high: Float[Array, ""]) -> Valley:
    """The valley between a place where the ground falls and a place behind it where it does not."""
    low, high = bisected(lambda place: hill.slope(place) < 0, low, high, HALVINGS)
    left, right = low - _away(hill, low, -1), high + _away(hill, high, 1)
    begins = jnp.stack([jnp.append(left[1:], low), jnp.append(right[:-1], low)])
    ends = jnp.stack([jnp.append(left[:-1], high), jnp.append(right[1:], high)])
    # One side after the other, in a loop: XLA's CPU back end (jax 0.10.2) fused what follows with this, and took seconds a lane.
    slopes = Interval(*jax.lax.map(lambda pieces: tuple(slopes_on(hill, *pieces)), (begins, ends)))
    falling, rising = ((slopes.low[side, :-1], slopes.high[side, :-1]) for side in (0, 1))
    uphill = Interval(jnp.stack([-falling[1], rising[0]]), jnp.stack([-falling[0], rising[1]]))
    between = Interval(slopes.low[0, -1], slopes.high[0, -1])
    return Valley(Side(jnp.stack([-left, right]), uphill), between, jnp.nextafter(low, high) >= high)


def _away(hill: AbstractHill, bottom: Float[Array, ""], side: int) -> Float[Array, " edge"]:
    """How far from the bottom pieces begin and end: geometrically, and one of them where the rise ends in a crest."""

    def rises(distance: Array) -> Array:
        return side * hill.slope(bottom + side * distance) > 0

    looks = jnp.asarray(np.geomspace(NEAREST, FARTHEST, PIECES), bottom.dtype)
    found = jax.vmap(rises)(looks)
    ends = found[:-1] & ~found[1:]
    first = jnp.argmax(ends)
    crest, _ = bisected(rises, looks[first], looks[first + 1], HALVINGS)
    crest *= 1 - 64 * float(
        jnp.finfo(crest.dtype).eps
    )  # where it surely rises still, whatever the last digits of its numbers
    crest = jnp.where(jnp.any(ends), crest, FARTHEST)
    shares = jnp.linspace(0, 1, TO_CREST, dtype=bottom.dtype)[:-1]
    beyond = jnp.linspace(0, 1, PIECES - TO_CREST + 1, dtype=bottom.dtype)[1:]
    inner, outer = NEAREST * (crest / NEAREST) ** shares, crest * (2 * FARTHEST / crest) ** beyond
    return jnp.concatenate([jnp.zeros_like(inner[:1]), inner, crest[None], outer])


def slopes_on(hill: AbstractHill, low: Float[Array, "..."], high: Float[Array, "..."]) -> Interval:
    """The slopes from one place to another, for many pairs of them."""

    def on_piece(low: Array, high: Array) -> Interval:
        return enclosed(lambda hill, place: jnp.asarray(hill.slope(place)))(
            jax.tree.map(rounded, hill), Interval(low, high)
        )

    return Interval(*jnp.vectorize(lambda *ends: tuple(on_piece(*ends)), signature="(),()->(),()")(low, high))


def is_straight(hill: AbstractHill) -> bool:
    """Whether the slopes between two neighbouring numbers are those at one of them: there are straight pieces alone, and none
    of them is as narrow."""
    return isinstance(hill.hill if isinstance(hill, StartingAt) else hill, (PiecewiseLinearHill, WedgeHill))
