"""Returns: walks on the tent that come back to where they were, for ever, with their memory in an interval that takes itself in.

A walk of means (`hillopt.proofs.means`) that goes up as often as down in a turn has come back, but for what its memory has changed
by and for what fades. So if the memories of some interval all take the same turn, and lie in the interval after it, the next turn
begins within the same bounds as this one, and so does every later one: the highest rise of one turn, in interval arithmetic, is
that of all. It is Floquet's argument for a map whose multiplier along the place is 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree, UInt32

from hillopt.landscapes import AbstractHill, EndlessTent
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.balls import midpoints
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval, exactly, hull, is_inside, is_interval, with_two_ends
from hillopt.proofs.means import kept_by
from hillopt.proofs.tellings import told_around, told_at_first
from hillopt.proofs.trapping import Whereabouts

KINK = 1.0
LONGEST = 768  # steps of a turn
SEEN = 3_072  # steps of the walk that say how long a turn is, and between which ends the memory lies
BASE = 0x9E3779B1  # an odd number, whose powers repeat late
WIDER = 0.25  # shares of what a number was seen to move by that its interval is wider
GROWINGS = 8  # of the intervals, at most
# And eps of its size, or of a slope's: enough for what a turn rounds, which a slow memory keeps for long, and no more.
EPS_OF_FLOORS = (16, 256, 4_096)


class _Turn(NamedTuple):
    """All places of a box, some steps later."""

    place: PyTree
    top: Float[Array, ""]
    """No rise so far is greater."""
    sound: Bool[Array, ""]
    """They have agreed so far on which way to go."""
    downs: Int[Array, "2"]
    """Steps down less steps up, after an even number of steps and after an odd one."""
    num_steps: Int[Array, ""]


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for walks that are told as such of means."""
    if not isinstance(hill, EndlessTent):
        return False
    return jax.eval_shape(lambda optimizer: kept_by(*told_at_first(optimizer)), optimizer) is not None


def bound_by_returns(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by that of one turn, infinite where the walk does not seem to come back."""
    del hill
    (numbers, state), walk = told_around(optimizer, place.state)
    seen = seen_from(*walk, midpoints(place.position))
    period = period_of(seen)
    kept = enclosed(kept_by)(numbers, state)

    def followed_from(memory: PyTree) -> _Turn:
        room = Interval(-kept.left.high, kept.left.high)
        begins = (place.position, kept.offset, enclosed(kept_by)(numbers, memory).offset, room)
        position = enclosed(lambda position, now, then, room: position + (then - now) + room)(*begins)
        return followed(numbers, (position, memory), period, goal)

    def top(floor: Array) -> Array:
        memory = jax.tree.map(
            lambda seen, now, at_last: _around(seen, hull(now, at_last), period, floor), seen.state, state, kept.at_last
        )
        return _grown(followed_from, with_two_ends(memory), period > 0, jnp.asarray(kept.takes_turns.high))

    eps = float(jnp.finfo(midpoints(place.position).dtype).eps)
    return jnp.min(jax.vmap(top)(eps * jnp.array(EPS_OF_FLOORS, midpoints(place.position).dtype)))


class _Seen(NamedTuple):
    """The walk from now on, step by step, in floating point: a guess that proves nothing."""

    state: PyTree
    """Before the step."""
    ups: Int[Array, ""]
    """How often it has gone up so far."""
    mark: UInt32[Array, ""]
    """The sum, modulo 2^32, of that power of a number for each step so far that went up (Karp and Rabin 1987)."""
    power: UInt32[Array, ""]
    """Of the number, for this step."""


def seen_from(optimizer: AbstractOptimizer, state: PyTree, position: Array) -> _Seen:
    """The next steps of a walk on the tent, as it is told."""

    def go(carry: tuple[Array, _Seen], _: None) -> tuple[tuple[Array, _Seen], _Seen]:
        position, seen = carry
        is_up = position > KINK
        slope = jnp.where(is_up, jnp.ones_like(position), -jnp.ones_like(position))
        position, state = optimizer.step(slope, seen.state, position)
        mark = seen.mark + jnp.where(is_up, seen.power, 0)
        after = _Seen(state, seen.ups + is_up, mark, seen.power * jnp.uint32(BASE))
        return (position, after), seen

    begin = position, _Seen(state, jnp.int32(0), jnp.uint32(0), jnp.uint32(1))
    return jax.lax.scan(go, varying_as_after(lambda carry: go(carry, None)[0], begin), length=SEEN + 1)[1]


def period_of(seen: _Seen) -> Int[Array, ""]:
    """The fewest steps after which the walk goes up and down as before, all along, as often up as down; 0 if none seem to be."""
    periods = jnp.arange(1, LONGEST + 1)
    before = (seen.mark[SEEN - periods] - seen.mark[LONGEST - periods]) * seen.power[periods]
    found = (before == seen.mark[SEEN] - seen.mark[LONGEST]) & (2 * seen.ups[periods] == periods)
    return jnp.where(jnp.any(found), periods[jnp.argmax(found)], 0)


def _around(seen: Float[Array, " time"], now: Interval, period: Int[Array, ""], floor: Float[Array, ""]) -> Interval:
    """All that a number was seen to be at the beginning of a turn, and where it is now and tends to, and a little more."""
    begins = jnp.arange(SEEN + 1) % jnp.maximum(period, 1) == 0
    low = jnp.minimum(jnp.min(jnp.where(begins, seen, jnp.inf)), now.low)
    high = jnp.maximum(jnp.max(jnp.where(begins, seen, -jnp.inf)), now.high)
    more = WIDER * (high - low) + floor * jnp.maximum(jnp.maximum(jnp.abs(low), jnp.abs(high)), 1)
    return Interval(low - more, high + more)


class _Growing(NamedTuple):
    """Memories that are made more, until a turn takes them into themselves."""

    memory: PyTree
    bound: Float[Array, ""]
    """That of the turn that does, infinite before."""
    may_return: Bool[Array, ""]
    growings: Int[Array, ""]


def _grown(
    followed_from: Callable[[PyTree], _Turn], memory: PyTree, may_return: Bool[Array, ""], takes_turns: Bool[Array, ""]
) -> Float[Array, ""]:
    """Bound of the turn of these memories, or of more: what it makes of them, and more still (Rump 1999)."""

    def goes_on(growing: _Growing) -> Bool[Array, ""]:
        return growing.may_return & (growing.growings < GROWINGS)

    def grow(growing: _Growing) -> _Growing:
        turn = followed_from(growing.memory)
        after, back = turn.place[1], is_inside(turn.place[1], growing.memory)
        evened = jnp.where(takes_turns, jnp.all(turn.downs == 0), jnp.sum(turn.downs) == 0)
        sound = turn.sound & evened
        return _Growing(
            memory=jax.tree.map(_wider, growing.memory, after, is_leaf=is_interval),
            bound=jnp.where(sound & back, turn.top, jnp.inf),
            may_return=sound & ~back,
            growings=growing.growings + 1,
        )

    begin = _Growing(memory, jnp.asarray(jnp.inf, memory[0].low.dtype), may_return, jnp.int32(0))
    return jax.lax.while_loop(goes_on, grow, varying_as_after(grow, begin)).bound


def _wider(old: Interval, new: Interval) -> Interval:
    """Both, and as much again at an end that has moved."""
    low, high = hull(old, new)
    more = high - low
    return Interval(jnp.where(low < old.low, low - more, low), jnp.where(high > old.high, high + more, high))


def followed(optimizer: PyTree, place: PyTree, period: Int[Array, ""], goal: Float[Array, ""]) -> _Turn:
    """A box of places through one turn, as long as all of it goes the same way."""

    def goes_on(turn: _Turn) -> Bool[Array, ""]:
        return turn.sound & (turn.num_steps < period)

    def one(optimizer: AbstractOptimizer, slope: Array, position: Array, state: PyTree) -> PyTree:
        position, state = optimizer.step(slope, state, position)
        return position, state, position - KINK

    def step(turn: _Turn) -> _Turn:
        position, state = turn.place
        is_up, is_down = position.low > KINK, position.high <= KINK
        slope = exactly(jnp.where(is_up, 1.0, -1.0).astype(position.low.dtype))
        position, state, rise = enclosed(one)(optimizer, slope, position, state)
        top = jnp.maximum(turn.top, rise.high)
        return _Turn(
            place=with_two_ends((position, state)),
            top=top,
            sound=turn.sound & (is_up | is_down) & (top < goal),
            downs=turn.downs.at[turn.num_steps % 2].add(jnp.where(is_up, -1, 1)),
            num_steps=turn.num_steps + 1,
        )

    place = with_two_ends(place)
    rise = enclosed(lambda position: position - KINK)(place[0])
    turn = _Turn(place, rise.high, jnp.ones((), bool), jnp.zeros(2, jnp.int32), jnp.int32(0))
    return jax.lax.while_loop(goes_on, step, varying_as_after(step, turn))
