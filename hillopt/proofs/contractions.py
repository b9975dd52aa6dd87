"""Contractions: walks on the tent whose position decays, and that are drawn into a cycle, however long it is.

Walks that go the same way are drawn together: their positions by the decay, their memories by forgetting. So a cycle draws in all
walks nearby, if the decay outweighs what rounding adds, and if none of its places is too near to the kink. Steps up and down need
not balance in it, and cannot: as many more lead up as the decay takes back, which is one in 1 / decay. So a swing comes back to a
place a little lower, for as long as it may, and only after thousands of them does the walk come back to where it was, as rotations
do that are contracted (Laurent and Nogueira 2018, "Rotation number of contracted rotations").

Where the walk seems to be drawn to is guessed in floating point. Then it is followed there in intervals, and a box around both is
followed once round: if it lies in itself, the walk never leaves what it has passed on the way.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import AbstractHill, EndlessTent
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import decays
from hillopt.proofs.balls import is_float, midpoints
from hillopt.proofs.intervals import Interval, as_intervals, exactly, hull, is_inside, is_interval
from hillopt.proofs.own_terms import Lamb
from hillopt.proofs.returns import KINK, followed
from hillopt.proofs.tellings import told_around, told_at_first
from hillopt.proofs.trapping import Whereabouts
from hillopt.walk import move

LONGEST = 1 << 20  # steps until the walk has gone round once more
SAFELY = 4  # times as far from the kink as the walk is from its cycle
WIDER = 0.25  # share of what the walk is away from its cycle that the box is wider
EPS_OF_FLOORS = (16, 256, 4_096)  # of a number's size, or of a slope's, that it is wider besides


class _Search(NamedTuple):
    """A walk in floating point that looks for a place where it has been: a guess that proves nothing (Brent 1980)."""

    place: PyTree
    """Position and state."""
    before: PyTree
    """Where it was after as many steps as the last power of two."""
    since: Int[Array, ""]
    """After how many."""
    num_steps: Int[Array, ""]
    nearest: Float[Array, ""]
    """Distance to the kink since then."""
    kept: Float[Array, ""]
    """What is left since then of the distance of two walks that go the same way."""
    found: Bool[Array, ""]


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for walks that decay and are told without counting steps; not where a step is as long as the position
    is, which draws nothing together."""
    if not isinstance(hill, EndlessTent) or not decays(optimizer):
        return False
    short, state = jax.eval_shape(told_at_first, optimizer)
    return not isinstance(short, Lamb) and all(is_float(leaf) for leaf in jax.tree.leaves(state))


def bound_by_contraction(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by those on the way to a cycle and once round it, infinite where none is found."""
    (numbers, state), (optimizer, told) = told_around(optimizer, place.state)
    search, rest = _sought(hill, optimizer, (midpoints(place.position), told))
    way = followed(numbers, (as_intervals(place.position), state), jnp.where(search.found, search.since, 0), goal)
    length = jnp.where(search.found & way.sound, search.num_steps - search.since, 0)

    def top(floor: Array) -> Array:
        position, state = jax.tree.map(
            lambda now, *seen: _around(hull(now, _tending(search.kept, *seen)), floor),
            *(way.place, search.before, search.place),
            is_leaf=is_interval,
        )
        wider = floor / rest
        box = (Interval(position.low - wider, position.high + wider), state)
        turn = followed(numbers, box, length, goal)
        closed = turn.sound & (length > 0) & is_inside(turn.place, box)
        return jnp.where(closed, jnp.maximum(way.top, turn.top), jnp.inf)

    eps = float(jnp.finfo(midpoints(place.position).dtype).eps)
    return jnp.min(jax.vmap(top)(eps * jnp.array(EPS_OF_FLOORS, midpoints(place.position).dtype)))


def _sought(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: tuple[Array, PyTree]
) -> tuple[_Search, Float[Array, ""]]:
    """Two places a cycle apart, so near to each other that the cycle keeps away from the kink; and what a step takes at least of
    the distance of two walks."""
    eps = float(jnp.finfo(place[0].dtype).eps)
    numbers, unravel = ravel_pytree(place)

    def stepped(numbers: Float[Array, " number"]) -> Float[Array, " number"]:
        position, state = unravel(numbers)
        return ravel_pytree(optimizer.step(jnp.ones_like(position), state, position))[0]

    keep = jnp.max(jnp.abs(jnp.diagonal(jax.jacfwd(stepped)(numbers))))

    def goes_on(search: _Search) -> Bool[Array, ""]:
        return ~search.found & (search.num_steps < LONGEST) & (keep < 1) & ((1 - keep) ** 2 > eps)

    def step(search: _Search) -> _Search:
        is_over = (search.num_steps & (search.num_steps - 1)) == 0
        fresh = search._replace(
            before=search.place,
            since=search.num_steps,
            nearest=jnp.full_like(search.nearest, jnp.inf),
            kept=jnp.ones_like(search.kept),
        )
        search = jax.tree.map(lambda new, old: jnp.where(is_over, new, old), fresh, search)
        after = move(hill, optimizer, *search.place)
        nearest, kept = jnp.minimum(search.nearest, jnp.abs(after[0] - KINK)), search.kept * keep
        apart = jax.tree.map(lambda now, then: jnp.abs(now - then), after, search.before)
        away = (sum(jax.tree.leaves(apart)) + eps) / (1 - kept)
        return search._replace(
            place=after,
            num_steps=search.num_steps + 1,
            nearest=nearest,
            kept=kept,
            found=SAFELY * away < nearest,
        )

    zero, one = jnp.int32(0), jnp.ones_like(place[0])
    begin = _Search(place, place, zero, zero, one, one, jnp.zeros((), bool))
    return jax.lax.while_loop(goes_on, step, varying_as_after(step, begin)), 1 - keep


def _tending(kept: Array, before: Array, after: Array) -> Interval:
    """Two places a cycle apart, and where the walk tends to if each time as much is left of its distance from there."""
    return hull(exactly(before), hull(exactly(after), exactly(before + (after - before) / (1 - kept))))


def _around(each: Interval, floor: Array) -> Interval:
    low, high = each
    more = WIDER * (high - low) + floor * jnp.maximum(jnp.maximum(jnp.abs(low), jnp.abs(high)), 1)
    return Interval(low - more, high + more)
