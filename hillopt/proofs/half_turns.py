"""Half turns: walks on the tent of which every half a turn is the mirror image of the one before.

Let a step on the opposite slope, from the mirror image of a memory, be the opposite one. Then half a turn, seen in the mirror, is
one map H of memories, and what it moves the position by is a function d of the memory alone. After two of them the position has
changed by d(M) - d(H(M)): nothing if M = H(M), which memories tend to. So let J hold the sizes of the derivatives of H on a box,
and L those of d. If E >= |M - H(M)| + J E for some E, the changes of all half turns to come sum up to E at most, and those of the
position to L E, as long as they keep to the box and to their slopes. Both hold for ever if they do wherever that leads to.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import AbstractHill, EndlessTent
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.balls import midpoints, rounded
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval, as_intervals, exactly, with_two_ends
from hillopt.proofs.memories import mirrored_by
from hillopt.proofs.returns import KINK, LONGEST, period_of, seen_from
from hillopt.proofs.tellings import told_shortly
from hillopt.proofs.trapping import Whereabouts

WIDER = 2.0  # than sums are in first order
LEAST = 2.0**-96  # of what a number changes by: more than is lost where it has faded to nothing
Vector = Float[Array, " number"]


class _Half(NamedTuple):
    """All places of a box, some steps of half a turn later."""

    position: Interval
    memory: PyTree
    """Intervals of a vector."""
    turned: Interval
    """Of the derivatives of how far the position has moved, and of the memory, by the memory that the half turn began with."""
    top: Float[Array, ""]
    """No rise so far is greater."""
    sound: Bool[Array, ""]
    """They have gone up and down so far as the word says."""
    num_steps: Int[Array, ""]


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for optimizers told with what their mirror image is."""
    if not isinstance(hill, EndlessTent):
        return False

    def mirrored(optimizer: AbstractOptimizer) -> PyTree:
        return mirrored_by(*told_shortly(optimizer, optimizer.init(jnp.asarray(hill.start, float))))

    return jax.eval_shape(mirrored, optimizer) is not None


def bound_by_half_turns(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by that of one turn, infinite where the walk does not seem to mirror itself."""
    del hill
    numbers, state = enclosed(told_shortly)(jax.tree.map(rounded, optimizer), as_intervals(place.state))
    walk = told_shortly(optimizer, midpoints(place.state))
    seen = seen_from(*walk, midpoints(place.position))
    length, word = period_of(seen) // 2, jnp.diff(seen.ups)[: LONGEST // 2] > 0
    unravel = ravel_pytree(walk[1])[1]
    position, memory = as_intervals(place.position), enclosed(lambda state: ravel_pytree(state)[0])(state)

    def half(word: Array, position: Interval, memory: Interval) -> _Half:
        return _followed(numbers, unravel, (position, memory), word, length, goal)

    def in_mirror(optimizer: AbstractOptimizer, memory: Vector) -> tuple[Vector, Bool[Array, ""]]:
        state, holds = mirrored_by(optimizer, unravel(memory))
        return ravel_pytree(state)[0], holds

    first = half(word, position, memory)
    image, holds = enclosed(in_mirror)(numbers, first.memory)
    changed = _size(enclosed(jnp.subtract)(image, memory))
    drift, sums = _guessed_sums(_size(first.turned), changed)
    around = enclosed(lambda here, away: jax.tree.map(jnp.add, here, away))
    box = around((position, memory), (Interval(-drift, drift), Interval(-sums, sums)))
    one = half(word, *box)
    other = half(~word, one.position, one.memory)
    needed = enclosed(lambda turned, sums, changed: turned @ sums + jnp.append(0.0, changed))
    enough = needed(_size(one.turned), sums, changed).high <= jnp.append(drift, sums)
    sound = first.sound & one.sound & other.sound & holds.low & jnp.all(enough) & jnp.all(sums >= 0) & (length > 0)
    return jnp.where(sound, jnp.maximum(one.top, other.top), jnp.inf)


def _guessed_sums(turned: Float[Array, "moved number"], changed: Vector) -> tuple[Float[Array, ""], Vector]:
    """What the position changes by in all half turns to come, and each number of the memory, and a little more."""
    moved, kept = turned[0], turned[1:]
    sums = WIDER * jnp.linalg.solve(jnp.eye(changed.size, dtype=changed.dtype) - kept, changed + LEAST)
    return WIDER * (moved @ sums) + LEAST, sums


def _size(each: Interval) -> Array:
    """No number of an interval is greater in size."""
    return jnp.maximum(jnp.abs(each.low), jnp.abs(each.high))


def _followed(
    numbers: PyTree,
    unravel: Callable[[Vector], PyTree],
    begin: tuple[Interval, Interval],
    word: Bool[Array, " step"],
    length: Int[Array, ""],
    goal: Float[Array, ""],
) -> _Half:
    """A box of places through half a turn, as long as all of it goes as the word says."""

    def one(optimizer: AbstractOptimizer, slope: Array, memory: Vector) -> Vector:
        moved, state = optimizer.step(slope, unravel(memory), jnp.zeros_like(slope))
        return ravel_pytree((moved, state))[0]

    def chained(step: Array, turned: Array) -> Array:
        after = jnp.sum(step[:, :, None] * turned[None, 1:], 1)
        return after.at[0].add(turned[0])

    def goes_on(half: _Half) -> Bool[Array, ""]:
        return half.sound & (half.num_steps < length)

    def step(half: _Half) -> _Half:
        is_up = word[half.num_steps]
        slope = exactly(jnp.where(is_up, 1.0, -1.0).astype(half.position.low.dtype))
        after = enclosed(one)(numbers, slope, half.memory)
        turned = enclosed(jax.jacfwd(one, 2))(numbers, slope, half.memory)
        position = enclosed(lambda position, after: position + after[0])(half.position, after)
        rise, memory = enclosed(lambda position, after: (position - KINK, after[1:]))(position, after)
        as_said = jnp.where(is_up, half.position.low > KINK, half.position.high <= KINK)
        top = jnp.maximum(half.top, rise.high)
        return _Half(
            position=position,
            memory=memory,
            turned=enclosed(chained)(turned, half.turned),
            top=top,
            sound=half.sound & as_said & (top < goal),
            num_steps=half.num_steps + 1,
        )

    position, memory = begin
    rise = enclosed(lambda position: position - KINK)(position)
    size = memory.low.size
    unturned = exactly(jnp.eye(size + 1, size, -1, dtype=memory.low.dtype))
    half = _Half(*with_two_ends((position, memory, unturned)), rise.high, jnp.ones((), bool), jnp.int32(0))
    return jax.lax.while_loop(goes_on, step, varying_as_after(step, half))
