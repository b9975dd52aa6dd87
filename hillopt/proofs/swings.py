"""Swings: how far a set of walks rises on the tent, from one crossing of the valley to the next, for any optimizer.

Between two crossings the slope is constant. So take a box of places just beyond the valley on the way up, cut into cells, and
follow every cell in interval arithmetic: up, back across the valley, down, and across once more. If where they come back to lies
inside the box, all crossings to come do, and from the n-th on they lie where n swings take the box: sets that shrink to what
attracts (Tucker, "Validated Numerics", 2011, section 5). So no later rise exceeds the greatest of the walk's own next n swings,
which are followed in thin intervals, and of all swings that begin in the n-th set, whichever n.

Sums that never forget grow for ever, and steps that are divided by them shrink, to nothing as far as intervals tell. So an end
that does not come to rest is given up, and what stays on its side of the valley need not all leave it: see `_leg`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import AbstractHill, EndlessTent
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import alternation
from hillopt.proofs.ahead import decays
from hillopt.proofs.balls import is_float, midpoints
from hillopt.proofs.closed_forms import has_form, has_reach
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.estimates import DAdaptAdamW, Prodigy
from hillopt.proofs.frames import MOST_NUMBERS
from hillopt.proofs.intervals import (
    Interval,
    as_intervals,
    exactly,
    hull,
    is_inside,
    is_interval,
    where,
    whole_like,
    with_two_ends,
)
from hillopt.proofs.memories import ACProp
from hillopt.proofs.section import Cells, Section, boxes_within, hull_of_all, joined, key_of, pulls_of, sorted_into
from hillopt.proofs.stand_ins import stand_in
from hillopt.proofs.tellings import told_around, told_at_first
from hillopt.proofs.trapping import Whereabouts
from hillopt.walk import move

KINK = 1.0
LONGEST = 400  # steps of half a swing
GROWINGS = 64  # of a box that does not come back into itself, each end that has moved by
PATIENCE = 56  # growings; an end that moves after so many is given up
FURTHER, SLACK = 0.02, 1e-6  # shares of its width, and of its numbers' sizes
GOLDEN = (5**0.5 - 1) / 2  # whose multiples lie evenly modulo 1
SOON_PROVED = (ACProp, DAdaptAdamW, Prodigy)  # by half turns, or returns
FOLLOWED, WIDER = 512, 1.25  # steps of the walk that say how large the box may have to be, and how much larger it is


class Fineness(NamedTuple):
    """How closely swings are looked at."""

    cells: Cells
    swings: int
    """That a box is followed for, and the walk."""


COARSE, FINE, BY_MEMORY = Fineness(Cells(16, 16), 30), Fineness(Cells(32, 32), 60), Fineness(Cells(16, 64), 60)
Step = Callable[[Array, PyTree], PyTree]
"""Intervals of (position, state) after a step on a slope of -1 or 1."""


class _Leg(NamedTuple):
    """One cell on its way to the other side of the valley."""

    place: PyTree
    """What has not crossed."""
    going: Bool[Array, ""]
    crossed: tuple[Section, Section]
    """What has crossed at first, and what later."""
    top: Float[Array, ""]
    num_steps: Int[Array, ""]


class _Set(NamedTuple):
    """A set of crossings, and what has become of the box that it began as."""

    section: Section
    box: Section
    side: Float[Array, ""]
    """1 above the valley, -1 below."""
    sound: Bool[Array, ""]
    closed: Bool[Array, ""]
    tops: Float[Array, " swing"]
    """The greatest rise in each swing since the box began."""
    num_swings: Int[Array, ""]
    """Since the box began."""
    growings: Int[Array, ""]


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On the endless tent, for an optimizer with a state that asks for no more than the slope; where a closed bound is met, as
    walks do whose position does not decay, or another proof is soon found, none of this is needed."""
    if not isinstance(hill, EndlessTent) or bool(getattr(optimizer, "asks", ())):
        return False
    floats = [leaf for leaf in jax.tree.leaves(jax.eval_shape(_init, optimizer)) if is_float(leaf)]
    if not 0 < sum(leaf.size for leaf in floats) < MOST_NUMBERS or has_form(optimizer):
        return False
    if alternation.serves(hill, optimizer) or isinstance(jax.eval_shape(told_at_first, optimizer)[0], SOON_PROVED):
        return False
    return decays(optimizer) or not has_reach(optimizer)


def _init(optimizer: AbstractOptimizer) -> PyTree:
    return optimizer.init(jnp.asarray(EndlessTent.start, float))


def bound_by_swings(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    place: Whereabouts,
    goal: Float[Array, ""],
    fineness: Fineness = COARSE,
) -> Float[Array, ""]:
    """Bound of every later rise by the walk's next swings, and what the box around all of them comes to."""
    del goal
    (numbers, state), (optimizer, told) = told_around(optimizer, place.state)
    middle, here = (midpoints(place.position), told), (as_intervals(place.position), state)
    walk = _stepping(numbers)
    other = stand_in(optimizer, numbers, here, middle)
    width, up = seen_ahead(hill, other.optimizer, other.place)
    keys = key_of(pulls_of(other.optimizer, other.place, up), up)
    found = _followed(fineness, _stepping(other.numbers), keys, _around(width, up))
    swings, top = _of_the_walk(fineness.swings, walk, with_two_ends(here), other.part, found.box)
    later = jnp.min(jnp.where(jnp.arange(fineness.swings) <= swings, found.tops, jnp.inf))
    return jnp.where((swings >= 0) & found.closed & found.sound, jnp.maximum(top, later), jnp.inf)


def _stepping(numbers: PyTree) -> Step:
    def step(slope: Array, place: PyTree) -> PyTree:
        def one(optimizer: AbstractOptimizer, slope: Array, position: Array, state: PyTree) -> tuple[Array, PyTree]:
            return optimizer.step(slope, state, position)

        return with_two_ends(enclosed(one)(numbers, exactly(slope), *place))

    return step


bound_by_finer_swings = partial(bound_by_swings, fineness=FINE)
bound_by_swings_of_memories = partial(bound_by_swings, fineness=BY_MEMORY)


def serves_finer(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """Where the position decays, and walks stay in a part of all swings: it takes eight times as long."""
    return serves(hill, optimizer) and decays(optimizer)


def serves_memories(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """Where it does not decay, and nothing but the memory draws walks together."""
    return serves(hill, optimizer) and not decays(optimizer)


def _rise(position: Interval) -> Interval:
    return enclosed(lambda position: position - KINK)(position)


def _select(condition: Array, one: PyTree, other: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)


def seen_ahead(hill: AbstractHill, optimizer: AbstractOptimizer, place: PyTree) -> tuple[Float[Array, ""], PyTree]:
    """How far beyond the valley crossings end, and between which ends states lie there on the way up.

    By the walk in floating point, which is put elsewhere beyond the valley whenever it comes there, evenly in the end: a walk that
    repeats itself would show too little. It is a guess of where to look.
    """

    def go(carry: tuple[PyTree, Array, PyTree], share: Array) -> tuple[tuple[PyTree, Array, PyTree], None]:
        place, widest, seen = carry
        after = move(hill, optimizer, *place)
        is_up = after[0] > KINK
        crosses = (place[0] > KINK) != is_up
        widest = jnp.where(crosses, jnp.maximum(widest, jnp.abs(after[0] - KINK)), widest)
        arrives = crosses & is_up
        seen = _reaching(seen, after[1], arrives)
        position = jnp.where(arrives, KINK + share * widest, after[0])
        return ((position, after[1]), widest, seen), None

    nothing = jax.tree.map(lambda leaf: Interval(*whole_like(leaf)[::-1]), place[1])
    begin = (place, jnp.full_like(place[0], jnp.finfo(place[0].dtype).eps), nothing)
    shares = (jnp.arange(1, FOLLOWED + 1) * GOLDEN).astype(place[0].dtype) % 1
    begin = varying_as_after(lambda carry: go(carry, shares[0])[0], begin)
    (_, widest, seen), _ = jax.lax.scan(go, begin, shares)
    return WIDER * widest, seen


def _reaching(seen: PyTree, new: PyTree, here: Array) -> PyTree:
    """What was seen before, and the new state if it is here that it is seen."""

    def of_leaf(each: Interval, new: Array) -> Interval:
        return where(here, hull(each, exactly(new)), each)

    return jax.tree.map(of_leaf, seen, new, is_leaf=is_interval)


def _around(width: Array, seen: PyTree) -> Section:
    """Every place just above the valley, with more states than the walk has shown there; counts have no end."""

    def wider(each: Interval) -> Interval:
        if not is_float(each.low):
            whole = whole_like(each.low)
            return Interval(jnp.minimum(each.low, each.high), whole.high)
        more = FURTHER * (each.high - each.low) + SLACK * (1 + jnp.maximum(jnp.abs(each.low), jnp.abs(each.high)))
        return Interval(each.low - more, each.high + more)

    box = (Interval(jnp.full_like(width, KINK), KINK + width), jax.tree.map(wider, seen, is_leaf=is_interval))
    return jax.tree.map(lambda leaf: leaf[None], Section(jnp.ones((), bool), box))


def _followed(fineness: Fineness, step: Step, is_key: PyTree, box: Section) -> _Set:
    """The box, grown until one swing takes it into itself, and where some swings more take it."""

    def is_under_way(found: _Set) -> Array:
        return found.sound & (found.num_swings < fineness.swings) & (found.growings < GROWINGS)

    def half_a_swing(found: _Set) -> _Set:
        crossed, sound, top = _crossed(step, found.side, found.section)
        before = found.tops[found.num_swings]
        after = sorted_into(fineness.cells, is_key, crossed)
        is_whole = found.side < 0
        hull = hull_of_all(after)
        comes_back = sound & boxes_within(hull, found.box.place)[0]
        closed = found.closed | (is_whole & comes_back)
        grows = is_whole & ~closed
        further = partial(_further, found.growings >= PATIENCE)
        place = jax.tree.map(further, found.box.place, hull, is_leaf=is_interval)
        larger = _select(grows, Section(found.box.holds, place), found.box)
        return _Set(
            section=_select(grows, sorted_into(fineness.cells, is_key, larger), after),
            box=larger,
            side=-found.side,
            sound=sound,
            closed=closed,
            tops=found.tops.at[found.num_swings].set(jnp.where(is_whole, jnp.maximum(before, top), top)),
            num_swings=jnp.where(grows, 0, found.num_swings + is_whole),
            growings=found.growings + grows,
        )

    zero, no = jnp.zeros_like(box.place[0].low[0]), jnp.zeros((), bool)
    tops = jnp.broadcast_to(zero + jnp.inf, fineness.swings)
    begin = _Set(sorted_into(fineness.cells, is_key, box), box, zero + 1, ~no, no, tops, jnp.int32(0), jnp.int32(0))
    return jax.lax.while_loop(is_under_way, half_a_swing, varying_as_after(half_a_swing, begin))


def _further(endless: Array, old: Interval, new: Interval) -> Interval:
    """Both together, and a little more at an end that has moved; or no end there, as of whole numbers, which count."""
    low, high = hull(old, new)
    if not is_float(low):
        whole = whole_like(low)
        return Interval(jnp.where(low < old.low, whole.low, low), jnp.where(high > old.high, whole.high, high))
    more = jnp.where(endless, jnp.inf, FURTHER * (high - low))
    return Interval(jnp.where(low < old.low, low - more, low), jnp.where(high > old.high, high + more, high))


def _crossed(step: Step, side: Array, section: Section) -> tuple[Section, Bool[Array, ""], Float[Array, ""]]:
    """What a section's cells, all on one side of the valley, cross over with; whether all do; and how high they rose."""
    legs = jax.vmap(lambda holds, place: _leg(step, side, holds, place))(*section)
    found = jax.tree.map(lambda *each: jnp.concatenate(each), *legs.crossed)
    return found, ~jnp.any(legs.going), jnp.max(legs.top)


def _leg(step: Step, side: Array, holds: Array, place: PyTree) -> _Leg:
    """Until nothing is left on its side, or nothing but what lies in what was left before: one step from there has been followed,
    so whatever stays will stay there, and whatever crosses will do so where something has crossed already."""
    is_up = side > 0

    def go(leg: _Leg) -> _Leg:
        position, state = step(side, leg.place)
        above = Interval(*(jnp.maximum(end, KINK) for end in position))
        below = Interval(*(jnp.minimum(end, KINK) for end in position))
        some_above, some_below = position.high > KINK, position.low <= KINK
        now = Section(leg.going & jnp.where(is_up, some_below, some_above), (where(is_up, below, above), state))
        first, later = leg.crossed
        later = joined(later, now._replace(holds=now.holds & first.holds))
        top = jnp.where(leg.going, jnp.maximum(leg.top, _rise(position).high), leg.top)
        place = (where(is_up, above, below), state)
        return _Leg(
            place=place,
            going=leg.going & jnp.where(is_up, some_above, some_below) & ~is_inside(place, leg.place),
            crossed=(_select(first.holds, first, now), later),
            top=top,
            num_steps=leg.num_steps + 1,
        )

    none = Section(jnp.zeros((), bool), place)
    begin = _Leg(place, holds, (none, none), jnp.where(holds, _rise(place[0]).high, -jnp.inf), jnp.int32(0))
    return jax.lax.while_loop(lambda leg: leg.going & (leg.num_steps < LONGEST), go, varying_as_after(go, begin))


def _of_the_walk(
    most: int, step: Step, place: PyTree, part: Callable[[PyTree], PyTree], box: Section
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """How many swings, so many at most, the walk can be followed for in thin intervals, from where it next comes up across the
    valley into the box, and the greatest rise until then; -1 if it does not come there.

    It cannot be followed over a place of which it is not known on which side of the valley it lies.
    """

    def is_under_way(carry: tuple[PyTree, Array, Array, Array, Array]) -> Array:
        _, sound, swings, _, num_steps = carry
        return sound & (swings < most) & (num_steps < most * LONGEST)

    def go(carry: tuple[PyTree, Array, Array, Array, Array]) -> tuple[PyTree, Array, Array, Array, Array]:
        place, sound, swings, top, num_steps = carry
        is_up = place[0].low > KINK
        after = step(jnp.where(is_up, 1, -1).astype(place[0].low.dtype), place)
        arrives = ~is_up & (after[0].low > KINK)
        found = jax.tree.map(lambda leaf: leaf[None], part(after))
        inside = boxes_within(found, box.place)[0]
        sound &= (is_up | (place[0].high <= KINK)) & (~arrives | (swings >= 0) | inside)
        top = jnp.where(sound, jnp.maximum(top, _rise(after[0]).high), top)
        return after, sound, swings + (arrives & sound), top, num_steps + 1

    begin = (place, jnp.ones((), bool), jnp.int32(-1), jnp.full_like(place[0].low, -jnp.inf), jnp.int32(0))
    _, _, swings, top, _ = jax.lax.while_loop(is_under_way, go, varying_as_after(go, begin))
    return swings, top
