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
from hillopt.proofs.balls import midpoints
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval, as_intervals, exactly, where, with_two_ends
from hillopt.proofs.memories import mirrored_by
from hillopt.proofs.returns import KINK, LONGEST, period_of, seen_from
from hillopt.proofs.tellings import told_around, told_at_first
from hillopt.proofs.trapping import Whereabouts

TRIES = 2  # the first of which shows how much room is needed
WIDER = 2.0  # than sums are in first order
LEAST = 2.0**-96  # of what a number changes by: more than is lost where it has faded to nothing
Vector = Float[Array, " number"]


class _Turn(NamedTuple):
    """All places of a box, some steps later."""

    position: Interval
    memory: PyTree
    """Intervals of a vector."""
    halfway: Interval
    """The memory, no later than after half the turn."""
    turned: Interval
    """The derivatives of how far the position had moved until then, and of the memory, by the memory that the turn began with."""
    top: Float[Array, ""]
    """No rise so far is greater."""
    sound: Bool[Array, ""]
    """They have gone up and down so far as the word says, and as its opposite does."""
    num_steps: Int[Array, ""]


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for optimizers told with what their mirror image is."""
    if not isinstance(hill, EndlessTent):
        return False
    return jax.eval_shape(lambda optimizer: mirrored_by(*told_at_first(optimizer)), optimizer) is not None


def bound_by_half_turns(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by that of one turn, infinite where the walk does not seem to mirror itself."""
    del hill
    (numbers, state), walk = told_around(optimizer, place.state)
    seen = seen_from(*walk, midpoints(place.position))
    length, word = period_of(seen) // 2, jnp.diff(seen.ups)[: LONGEST // 2] > 0
    unravel = ravel_pytree(walk[1])[1]
    position, memory = as_intervals(place.position), enclosed(lambda state: ravel_pytree(state)[0])(state)

    def in_mirror(optimizer: AbstractOptimizer, memory: Vector) -> tuple[Vector, Bool[Array, ""]]:
        mirrored = mirrored_by(optimizer, unravel(memory))
        assert mirrored is not None
        return ravel_pytree(mirrored.state)[0], mirrored.holds

    def again(found: _Found, _: None) -> tuple[_Found, None]:
        """With room for the changes to come that the last try has shown to be needed."""
        room = Interval(-found.drift, found.drift), Interval(-found.sums, found.sums)
        box = enclosed(lambda here, room: jax.tree.map(jnp.add, here, room))((position, memory), room)
        turn = _followed(numbers, unravel, box, word, length, goal)
        image, holds = enclosed(in_mirror)(numbers, turn.halfway)
        changed = _size(enclosed(jnp.subtract)(image, memory))
        changed = jnp.minimum(found.changed, jnp.where(turn.sound, changed, jnp.inf))
        turned = _size(turn.turned)
        needed = enclosed(lambda turned, sums, changed: turned @ sums + changed)
        needed = needed(turned, found.sums, jnp.pad(changed, (1, 0))).high
        enough = jnp.all(needed <= jnp.append(found.drift, found.sums)) & jnp.all(found.sums >= 0)
        top = jnp.where(turn.sound & holds.low & enough & (length > 0), turn.top, jnp.inf)
        return _Found(*_guessed_sums(turned, changed), changed, jnp.minimum(found.top, top)), None

    zero = jnp.zeros_like(memory.low)
    begin = _Found(zero[0], zero, zero + jnp.inf, zero[0] + jnp.inf)
    begin = varying_as_after(lambda found: again(found, None)[0], begin)
    return jax.lax.scan(again, begin, length=TRIES)[0].top


class _Found(NamedTuple):
    """What a try has shown."""

    drift: Float[Array, ""]
    """A guess of what the position changes by at most in all half turns to come, from one to the next but one,"""
    sums: Vector
    """of what each number of the memory does, in the mirror,"""
    changed: Vector
    """and at most in the first of them: no guess."""
    top: Float[Array, ""]
    """No later rise is greater."""


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
) -> _Turn:
    """A box of places through a turn, as long as all of it goes as the word of the first half says."""

    def one(optimizer: AbstractOptimizer, slope: Array, memory: Vector) -> Float[Array, " moved"]:
        moved, state = optimizer.step(slope, unravel(memory), jnp.zeros_like(slope))
        return ravel_pytree((moved, state))[0]

    def chained(step: Array, turned: Array) -> Array:
        after = jnp.sum(step[:, :, None] * turned[None, 1:], 1)
        return after.at[0].add(turned[0])

    def moved(position: Array, after: Array) -> tuple[Array, Array, Array]:
        position = position + after[0]
        return position, position - KINK, after[1:]

    def goes_on(turn: _Turn) -> Bool[Array, ""]:
        return turn.sound & (turn.num_steps < 2 * length)

    def step(turn: _Turn) -> _Turn:
        is_first = turn.num_steps < length
        is_up = word[turn.num_steps % length] == is_first
        slope = exactly(jnp.where(is_up, 1.0, -1.0).astype(turn.position.low.dtype))
        after, by_memory = (enclosed(each)(numbers, slope, turn.memory) for each in (one, jax.jacfwd(one, 2)))
        position, rise, memory = enclosed(moved)(turn.position, after)
        as_said = jnp.where(is_up, turn.position.low > KINK, turn.position.high <= KINK)
        top = jnp.maximum(turn.top, rise.high)
        return _Turn(
            position=position,
            memory=memory,
            halfway=where(is_first, memory, turn.halfway),
            turned=where(is_first, enclosed(chained)(by_memory, turn.turned), turn.turned),
            top=top,
            sound=turn.sound & as_said & (top < goal),
            num_steps=turn.num_steps + 1,
        )

    position, memory = with_two_ends(begin)
    rise = enclosed(lambda position: position - KINK)(position)
    unturned = with_two_ends(exactly(jnp.eye(memory.low.size + 1, memory.low.size, -1, dtype=memory.low.dtype)))
    turn = _Turn(position, memory, memory, unturned, rise.high, jnp.ones((), bool), jnp.int32(0))
    return jax.lax.while_loop(goes_on, step, varying_as_after(step, turn))
