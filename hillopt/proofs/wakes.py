"""Wakes: all places on one side of the tent's valley that a walk may ever come up to, cell by cell, found by following each.

Where a step is as long as the position is (LAMB), logarithms go up by one length and down by another one, and nothing draws walks
together but their memories. They neither come back nor part, and pass everywhere in time: so a set of cells that holds the walk,
and all that its cells cross the valley with, is not much larger than what the walk fills.

A cell is a short range of positions and of one number of the state, and has one box around all states that were met there. It is
followed in interval arithmetic until it has come up across the valley, or stands astride the kink; whatever cells it reaches then
are kept, grown where it sticks out of them, and followed in turn. Once nothing sticks out, no later rise exceeds the greatest that
was met. Unlike `swings`, which begins with all places and lets them shrink, it begins with the walk, and few cells ever hold
anything: so they can be fine (Dellnitz and Hohmann 1997, "A subdivision algorithm for the computation of unstable manifolds and
global attractors").
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
from hillopt.proofs.intervals import Interval, as_intervals, exactly, is_interval
from hillopt.proofs.own_terms import Lamb, in_own_terms
from hillopt.proofs.swings import KINK, seen_ahead
from hillopt.proofs.tellings import told_around
from hillopt.proofs.trapping import Whereabouts

PHASES, PARTS = 320, 1_024  # cells of the way that crossings lead beyond the valley, and of the key
MOST, AT_ONCE = 4_096, 256  # cells that hold something, and those of them that are followed side by side
ACROSS = 3  # cells that what is followed may reach into, each way
LONGEST = 400  # steps from one crossing to the next
MOST_ROUNDS = 2_048
FURTHER, LEAST = 0.1, 1e-9  # shares of its width, and of a number's or a slope's size, that a box grows further
SIDE = 1 << 14  # keys of a row of cells


class _Boxes(NamedTuple):
    """Ends of places, each a vector with the position first."""

    low: Float[Array, "... number"]
    high: Float[Array, "... number"]


Step = Callable[[Array, _Boxes], _Boxes]
"""A place's box after a step on a slope of -1 or 1."""


class _Grid(NamedTuple):
    """Where cells begin."""

    phase: Float[Array, ""]
    """How wide they are along the position, from the kink on,"""
    part: Float[Array, ""]
    """and along the key, from 0 on."""
    key: Int[Array, ""]
    """Which number that is: the one that was seen to vary most."""


class _Wake(NamedTuple):
    """Cells by their keys, in order, and what is known of them."""

    keys: Int[Array, " cell"]
    """Those that hold nothing come last."""
    boxes: _Boxes
    fresh: Bool[Array, " cell"]
    """They have not been followed since they grew."""
    top: Float[Array, ""]
    sound: Bool[Array, ""]
    num_rounds: Int[Array, ""]


NOTHING = 2**31 - 1


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for steps as long as the position is."""
    return isinstance(hill, EndlessTent) and isinstance(jax.eval_shape(in_own_terms, optimizer), Lamb)


def bound_by_wake(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by the highest of what the walk's cells lead to, infinite where that does not come to an end."""
    (numbers, state), (optimizer, told) = told_around(optimizer, place.state)
    middle = midpoints(place.position), told
    width, states = seen_ahead(hill, optimizer, middle)
    ranges = jnp.subtract(*_ends(states)[::-1])
    grid = _Grid(width / PHASES, jnp.max(ranges) / PARTS + LEAST, 1 + jnp.argmax(ranges))
    _, unravel = ravel_pytree(middle)

    def step(slope: Array, box: _Boxes) -> _Boxes:
        def one(optimizer: AbstractOptimizer, slope: Array, place: Array) -> Array:
            position, state = unravel(place)
            return ravel_pytree(optimizer.step(slope, state, position))[0]

        return _Boxes(*enclosed(one)(numbers, exactly(slope), Interval(*box)))

    def goes_on(wake: _Wake) -> Bool[Array, ""]:
        return wake.sound & jnp.any(wake.fresh) & (wake.num_rounds < MOST_ROUNDS)

    def follow(wake: _Wake) -> _Wake:
        (chosen,) = jnp.nonzero(wake.fresh, size=AT_ONCE, fill_value=MOST)
        begin = jax.tree.map(lambda ends: ends.at[chosen].get(mode="clip"), wake.boxes)
        holds = chosen < MOST
        arrived, top, sound = jax.vmap(lambda box, holds: _leg(step, box, holds))(begin, holds)
        top = jnp.maximum(wake.top, jnp.max(jnp.where(holds, top, -jnp.inf)))
        wake = wake._replace(
            fresh=wake.fresh.at[chosen].set(False, mode="drop"),
            top=top,
            sound=wake.sound & jnp.all(sound | ~holds) & (top < goal),
            num_rounds=wake.num_rounds + 1,
        )
        return _reached(grid, wake, arrived, holds)

    here = _ends((as_intervals(place.position), state))
    is_whole = (here.low[0] > KINK) | (here.high[0] <= KINK)
    first, top, sound = _leg(step, here, is_whole)
    none = _Boxes(*jnp.zeros((2, MOST, here.low.size), here.low.dtype))
    keys, no = jnp.full(MOST, NOTHING, jnp.int32), jnp.zeros(MOST, bool)
    empty = _Wake(keys, none, no, top, is_whole & sound & (grid.phase > LEAST), jnp.int32(0))
    begin = _reached(grid, empty, jax.tree.map(lambda end: end[None], first), ~no[:1])
    wake = jax.lax.while_loop(goes_on, follow, varying_as_after(follow, begin))
    return jnp.where(wake.sound & ~jnp.any(wake.fresh), wake.top, jnp.inf)


def _ends(place: PyTree) -> _Boxes:
    """Of all of a place's intervals."""
    low = jax.tree.map(lambda each: each.low, place, is_leaf=is_interval)
    high = jax.tree.map(lambda each: each.high, place, is_leaf=is_interval)
    return _Boxes(ravel_pytree(low)[0], ravel_pytree(high)[0])


def _leg(step: Step, box: _Boxes, holds: Array) -> tuple[_Boxes, Float[Array, ""], Bool[Array, ""]]:
    """One cell's box until it has come up across the valley or stands astride the kink; how high it rose, and whether that was
    to an end."""

    def goes_on(carry: tuple[_Boxes, Array, Array, Array]) -> Bool[Array, ""]:
        _, going, _, num_steps = carry
        return going & (num_steps < LONGEST)

    def go(carry: tuple[_Boxes, Array, Array, Array]) -> tuple[_Boxes, Array, Array, Array]:
        box, _, top, num_steps = carry
        is_up = box.high[0] > KINK
        after = step(jnp.where(is_up, 1.0, -1.0).astype(box.low.dtype), box)
        above, below = after.low[0] > KINK, after.high[0] <= KINK
        rise = enclosed(lambda position: position - KINK)(Interval(after.low[0], after.high[0])).high
        return after, (above & is_up) | below, jnp.maximum(top, rise), num_steps + 1

    rise = enclosed(lambda position: position - KINK)(Interval(box.low[0], box.high[0])).high
    box, going, top, _ = jax.lax.while_loop(
        goes_on, go, varying_as_after(go, (box, jnp.asarray(holds), rise, jnp.int32(0)))
    )
    return box, top, ~going


def _reached(grid: _Grid, wake: _Wake, found: _Boxes, holds: Array) -> _Wake:
    """The wake with what was found, in the cells that it reaches into."""
    cut = jax.vmap(lambda low, high: _cut(grid, low, high))(*found)
    keys, boxes, all_of_it = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[3:]), cut)
    keys = jnp.where(jnp.repeat(holds, ACROSS * ACROSS), keys, NOTHING)
    sound = wake.sound & jnp.all(all_of_it | jnp.repeat(~holds, ACROSS * ACROSS))
    keys = jnp.concatenate([wake.keys, keys])
    order = jnp.argsort(keys, stable=True)
    keys, is_old = keys[order], (jnp.arange(keys.size) < MOST)[order]
    is_first = jnp.append(True, keys[1:] != keys[:-1]) & (keys != NOTHING)
    cell = jnp.where(keys != NOTHING, jnp.cumsum(is_first) - 1, MOST)
    low, high = (jnp.concatenate([old, new])[order] for old, new in zip(wake.boxes, boxes, strict=True))

    def hulls(counts: Array) -> _Boxes:
        at = jnp.where(counts, cell, MOST)
        none = jnp.full_like(wake.boxes.low, jnp.inf)
        return _Boxes(none.at[at].min(low, mode="drop"), (-none).at[at].max(high, mode="drop"))

    old, new = hulls(is_old), hulls(jnp.ones_like(is_old))
    grown = jnp.any((new.low < old.low) | (new.high > old.high), 1)
    sizes = jnp.maximum(jnp.maximum(jnp.abs(new.low), jnp.abs(new.high)), 1)
    more = FURTHER * (new.high - new.low) + LEAST * sizes
    more = jnp.where(grown[:, None], more, 0).at[:, 0].set(0)  # each box is as long as its cell
    was_fresh = (
        jnp.zeros(MOST, bool)
        .at[jnp.where(is_old, cell, MOST)]
        .max(jnp.append(wake.fresh, jnp.zeros(keys.size - MOST, bool))[order], mode="drop")
    )
    holds_some = jnp.arange(MOST) < jnp.sum(is_first)
    return wake._replace(
        keys=jnp.full(MOST, NOTHING, jnp.int32).at[cell].set(keys, mode="drop"),
        boxes=jax.tree.map(
            lambda ends: jnp.where(holds_some[:, None], ends, 0), _Boxes(new.low - more, new.high + more)
        ),
        fresh=(was_fresh | grown) & holds_some,
        sound=sound & (jnp.sum(is_first) <= MOST),
    )


def _cut(grid: _Grid, low: Array, high: Array) -> tuple[Int[Array, "..."], _Boxes, Bool[Array, "..."]]:
    """The cells that a box reaches into: their keys, its parts in them, as long as they are, and whether there are no more."""

    def cells(low: Array, high: Array, begin: Array | float, width: Array) -> tuple[Array, Interval, Interval, Array]:
        first, last = jnp.ceil((low - begin) / width) - 1, jnp.floor((high - begin) / width)
        index = first + jnp.arange(ACROSS + 1)
        edges, index = begin + index * width, index[:-1]
        inside = Interval(jnp.where(index > first, edges[:-1], low), jnp.where(index < last, edges[1:], high))
        whole = Interval(jnp.minimum(inside.low, edges[:-1]), jnp.maximum(inside.high, edges[1:]))
        return jnp.where(index <= last, index, jnp.nan), inside, whole, last - first < ACROSS

    phase, _, whole, no_more = cells(low[0], high[0], KINK, grid.phase)
    part, of_part, _, none_else = cells(low[grid.key], high[grid.key], 0.0, grid.part)
    near = (jnp.abs(phase[:, None]) < SIDE) & (jnp.abs(part) < SIDE // 2)
    is_one = ~jnp.isnan(phase[:, None] + part)
    row, column = (jnp.nan_to_num(jnp.where(near, each, 0)).astype(jnp.int32) for each in (phase[:, None], part))
    low, high = (
        jnp.broadcast_to(end, (ACROSS, ACROSS, end.size))
        .at[:, :, grid.key]
        .set(part_end[None, :])
        .at[:, :, 0]
        .set(phase_end[:, None])
        for end, part_end, phase_end in ((low, of_part.low, whole.low), (high, of_part.high, whole.high))
    )
    return jnp.where(is_one, row * SIDE + column, NOTHING), _Boxes(low, high), (near | ~is_one) & no_more & none_else
