"""Crossings: how far Adam gets beyond the bottom of a smooth valley, by way of all steps that may lead it across.

Where slopes vanish at the bottom, the second moment forgets them, and a leap is as long as ever. But it is not as long and as
strong at once. Let u be the momentum over the root of the second moment, s the slope over that root, g the slope itself:

    u' = (b1 u + (1 - b1) s) / sqrt(b2 + (1 - b2) s^2),

so u^2 never exceeds (1 - b1)^2 / (1 - b2) / (1 - b1^2 / b2), by Cauchy and Schwarz, if it does not now. All steps across begin at
some u, at some distance from the bottom, with some s. These are cut into cells; each is followed in interval arithmetic across the
bottom and up the other side, against the slopes that are there, until it turns. The slopes depend on how far walks get, and that
on the slopes: both ends are grown until they agree, as in `hillopt.proofs.overshoots`, whose argument it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.jaxprs import without_rules_of_its_own
from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer, Adam
from hillopt.proofs.ahead import is_one_dimensional
from hillopt.proofs.balls import Ball, ball_radius, lower_end, rounded, ulps, upper_end
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.frames import is_framed
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.intervals import Interval
from hillopt.proofs.overshoots import crossing
from hillopt.proofs.trapping import Whereabouts
from hillopt.proofs.valleys import NEAREST, Side, slopes_on, valley_around

MEMORIES, DISTANCES, RATIOS = 20, 24, 40  # cells by u, by the distance from the bottom, and by s
SLOW, FAST = -6.0, 5.0  # logarithms of s sqrt(1 - b2), between which cells are divided
PIECES = 128  # of a side, whose slopes are enclosed
LONGEST = 48  # steps up a side; what goes on is bounded by a geometric series
ROUNDS = 8  # in which the ends have to agree
WIDENED, SPARE = 0.25, 2.0**-6  # of what ends have grown by, and of themselves, ahead of what they may grow by still
# Every term of a bound is drawn outwards by a pad, which counts twice what rounding may do to it. A rounding is half an eps; so is
# what is not known of b1, b2 and the learning rate, and of 1 - b1 and 1 - b2 it is half an eps over themselves. The longest term,
# a u far from the bottom, takes ten roundings, or twenty on a GPU, whose short quotients and roots lose more (`_driven`).
ROUNDINGS = 20
MOST_PAD = 2.0**-6  # up to which products of two errors are nothing beside them


class _Known(NamedTuple):
    """What is the same for all cells."""

    b1: Float[Array, ""]
    b2: Float[Array, ""]
    rate: Interval
    """A step in parts of u, bias corrections and all."""
    alone: Float[Array, ""]
    """The greatest u that one slope gives."""
    shrinks: Float[Array, ""]
    """What is left of u after a step without a slope."""
    most: Float[Array, ""]
    """No |u| is greater,"""
    strongest: Float[Array, ""]
    """no momentum,"""
    root: Float[Array, ""]
    """nor a root of the second moment."""
    pad: Float[Array, ""]
    is_sound: Bool[Array, ""]
    """Whether all of it is: else nothing is said of how far walks get."""


class _Ground(NamedTuple):
    """The valley around its bottom, which lies in an interval."""

    bottom: Interval
    curvature: Interval
    """Of what is as near to the bottom as NEAREST."""


class _Profile(NamedTuple):
    """The slopes on one side of the bottom."""

    end: Float[Array, ""]
    """How far from the bottom they are known."""
    least: Float[Array, "first last"]
    """Of all pieces from one to another."""
    greatest: Float[Array, "first last"]
    curvature: Interval
    pad: Float[Array, ""]


class _Cells(NamedTuple):
    """Walks on their way up a side: distances from the bottom, and the rest counted away from it."""

    place: Interval
    memory: Interval
    root: Interval
    momentum: Float[Array, " cell"]
    """No greater."""


def bound_by_crossings(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise in the valley that the walk swings in."""
    del goal
    assert isinstance(optimizer, Adam)
    valley = valley_around(hill, *crossing(hill, optimizer, place))
    feet = jax.vmap(Side.foot)(valley.sides)
    ground, is_smooth = _ground(hill, -feet[0], feet[1])
    sides = jnp.asarray([-1, 1], feet.dtype)
    outermost = jnp.stack([-lower_end(place.position), upper_end(place.position)])
    now = jnp.maximum(outermost - sides * jnp.stack([ground.bottom.high, ground.bottom.low]), 0)

    def beyond(ends: Array) -> Array:
        """No end is further, counted as the valley's sides are: by as much as a sum may have lost."""
        return jnp.nextafter(sides * jnp.stack([ground.bottom.low, ground.bottom.high]) + ends, jnp.inf)

    def rises(ends: Array) -> Array:
        """Whether the ground falls nowhere between the ends, on the way out."""
        least = jax.vmap(lambda side, foot, end: side.mildest_rise(foot, end))(valley.sides, feet, beyond(ends))
        return jnp.all(least >= 0) & jnp.all(jnp.isfinite(ends))

    def reached(ends: Array) -> Array:
        """How far the walk gets to either side of the bottom, if it keeps within two ends: [side]."""
        known = _known(optimizer, place, jnp.max(jax.vmap(Side.steepest_rise)(valley.sides, beyond(ends))))

        def to(side: Array, far: Array, end: Array) -> Array:
            leaping = _across(_profile(hill, ground, -side, far, known.pad), known)
            cells = jax.tree.map(_joined, leaping, _here(ground, place, side, known.pad))
            return _highest(_profile(hill, ground, side, end, known.pad), known, cells)

        # One side after the other: side by side they take three times as long to compile.
        further = jax.lax.map(lambda each: to(*each), (sides, ends[::-1], ends))
        return jnp.where(known.is_sound, jnp.maximum(further, now), jnp.inf)

    def grow(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        ends, _, num_rounds = carry
        further = reached(ends)
        ahead = WIDENED * jnp.maximum(further - ends, 0) + SPARE * further
        agreed = jnp.all(further <= ends)
        return jnp.where(agreed, ends, jnp.maximum(ends, further + ahead)), agreed, num_rounds + 1

    def goes_on(carry: tuple[Array, Array, Array]) -> Array:
        ends, agreed, num_rounds = carry
        return is_smooth & ~agreed & (num_rounds < ROUNDS) & rises(ends)

    least = _known(optimizer, place, jnp.zeros_like(now[0]))
    begin = jnp.maximum(now, least.rate.high * least.most) * (1 + SPARE), jnp.zeros((), bool), jnp.zeros((), jnp.int32)
    ends, agreed, _ = jax.lax.while_loop(goes_on, grow, varying_as_after(grow, begin))
    left, right = beyond(ends)
    rise = enclosed(lambda hill, place: jnp.asarray(hill.rise(place)))(
        jax.tree.map(rounded, hill), Interval(-left, right)
    )
    return jnp.where(agreed & jnp.all(jnp.isfinite(ends)), rise.high, jnp.inf)


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """For Adam on curved ground in one dimension."""
    return isinstance(optimizer, Adam) and is_one_dimensional(hill) and is_framed(hill, optimizer)


def _ground(hill: AbstractHill, low: Array, high: Array) -> tuple[_Ground, Bool[Array, ""]]:
    """The ground between two places where it surely falls and surely rises, and whether it curves up all the way between them
    and as far as NEAREST around: then the bottom is one place."""

    def slope_at(hill: AbstractHill, place: Array) -> Array:
        return jnp.asarray(hill.slope(place))

    numbers, middle = jax.tree.map(rounded, hill), (low + high) / 2
    half = (high - low) / 2 + NEAREST
    curves = enclosed(jax.grad(without_rules_of_its_own(slope_at), 1))
    curvature = curves(numbers, Interval(middle - 2 * half, middle + 2 * half))
    slope, in_doubt = bounded(slope_at)(numbers, Ball(middle))
    _, also = bounded(slope_at)(numbers, Ball(middle, 2 * half))
    away = (jnp.abs(slope.midpoint) + ball_radius(slope)) / curvature.low
    away += ulps(away, ROUNDINGS) + ulps(middle)  # and the ends of what is around the middle are rounded, too
    is_smooth = ~in_doubt & ~also & (curvature.low > 0) & jnp.isfinite(curvature.high) & (away < half - NEAREST / 2)
    return _Ground(Interval(middle - away, middle + away), curvature), is_smooth


def _known(optimizer: Adam, place: Whereabouts, steepest: Array) -> _Known:
    b1, b2, state = optimizer.b1, optimizer.b2, place.state
    info = jnp.finfo(b1.dtype)
    pad = float(info.eps) * (ROUNDINGS + 1 / (1 - b1) + 1 / (1 - b2))
    alone, shrinks = (1 - b1) / jnp.sqrt(1 - b2), b1 / jnp.sqrt(b2) * (1 + pad)
    root = jnp.sqrt(jnp.maximum(lower_end(state.second), 0))
    momentum = jnp.abs(state.first.midpoint) + ball_radius(state.first)
    most = jnp.maximum(alone / jnp.sqrt(1 - jnp.square(shrinks)), momentum / root) * (1 + pad)
    shortest = jnp.where(optimizer.eps > 0, 0, jnp.sqrt(jnp.maximum(1 - upper_end(state.b2_power), 0)))
    longest = 1 / (1 - upper_end(state.b1_power))
    rate = Interval(*(optimizer.learning_rate * end for end in (shortest * (1 - pad), longest * (1 + pad))))
    is_sound = (pad <= MOST_PAD) & (shrinks < 1) & (upper_end(state.b1_power) < 1) & (root > 0) & jnp.isfinite(most)
    return _Known(
        b1=b1,
        b2=b2,
        rate=rate,
        alone=alone,
        shrinks=shrinks,
        most=most,
        strongest=jnp.maximum(momentum, steepest) * (1 + pad),
        root=jnp.maximum(jnp.sqrt(upper_end(state.second)), steepest) * (1 + pad),
        pad=pad,
        is_sound=is_sound & (steepest < float(info.tiny) ** -0.25),  # its square is finite
    )


def _driven(known: _Known, memory: Interval, ratio: Interval) -> Interval:
    """u after a step on a slope that drives it upwards, s >= 0. It rises with u; with s it rises, or rises to its greatest and
    falls."""

    def at(memory: Array, ratio: Array) -> Array:
        near = (known.b1 * memory + (1 - known.b1) * ratio) / jnp.sqrt(known.b2 + (1 - known.b2) * ratio * ratio)
        inverse = 1 / ratio
        far = (known.b1 * memory * inverse + (1 - known.b1)) / jnp.sqrt(known.b2 * inverse * inverse + (1 - known.b2))
        return jnp.where(ratio <= 1, near, far)

    def of_ends(choose: Callable[[Array, Array], Array], memory: Array) -> Array:
        return choose(at(memory, ratio.low), at(memory, ratio.high))

    best = (1 - known.b1) * known.b2 / (known.b1 * (1 - known.b2) * memory.high)
    is_within = (memory.high > 0) & (best >= ratio.low * (1 - known.pad)) & (best <= ratio.high * (1 + known.pad))
    greatest = jnp.sqrt(jnp.square(known.shrinks * memory.high) + jnp.square(known.alone))
    low, high = of_ends(jnp.minimum, memory.low), of_ends(jnp.maximum, memory.high)
    high = jnp.where(is_within | jnp.isnan(high), greatest, high)
    pads = (known.pad * (jnp.abs(end) + known.alone) for end in memory)  # as much as both terms have, which may cancel
    return Interval(low - next(pads), high + next(pads))


def _profile(hill: AbstractHill, ground: _Ground, side: Array, end: Array, pad: Array) -> _Profile:
    """The slopes on a side, where the ground does not fall, up to a distance from the bottom."""
    edges = jnp.square(jnp.linspace(0, 1, PIECES + 1, dtype=end.dtype)) * end
    near, far = edges[:-1] * (1 - pad), edges[1:] * (1 + pad)
    low = jnp.where(side > 0, ground.bottom.low + near, ground.bottom.low - far)
    high = jnp.where(side > 0, ground.bottom.high + far, ground.bottom.high - near)
    found = slopes_on(hill, low - pad * jnp.abs(low), high + pad * jnp.abs(high))
    rises = Interval(*(jnp.where(side > 0, *each) for each in ((found.low, -found.high), (found.high, -found.low))))
    between = jnp.arange(PIECES)[None] >= jnp.arange(PIECES)[:, None]
    least = jax.lax.cummin(jnp.where(between, rises.low, jnp.inf), axis=1)
    greatest = jax.lax.cummax(jnp.where(between, rises.high, -jnp.inf), axis=1)
    return _Profile(end, jnp.maximum(least, 0), jnp.maximum(greatest, 0), ground.curvature, pad)


def _slopes(profile: _Profile, place: Interval) -> Interval:
    """How steeply the ground rises at distances from the bottom."""
    first, last = (
        jnp.clip(jnp.floor(jnp.sqrt(each / profile.end) * PIECES * factor), 0, PIECES - 1).astype(jnp.int32)
        for each, factor in ((place.low, 1 - profile.pad), (place.high, 1 + profile.pad))
    )
    is_near = place.high <= NEAREST / 2
    least = jnp.where(is_near, profile.curvature.low * place.low * (1 - profile.pad), 0)
    greatest = jnp.where(is_near, profile.curvature.high * place.high * (1 + profile.pad), jnp.inf)
    return Interval(
        jnp.maximum(profile.least[first, last], least), jnp.minimum(profile.greatest[first, last], greatest)
    )


def _across(far: _Profile, known: _Known) -> _Cells:
    """Where steps lead from the other side; what leads nowhere has places below 0."""
    dtype = far.end.dtype
    memories = jnp.linspace(-1, 1, MEMORIES + 1, dtype=dtype) * known.most
    distances = jnp.square(jnp.linspace(0, 1, DISTANCES + 1, dtype=dtype)) * far.end
    ratios = jnp.exp(jnp.linspace(SLOW, FAST, RATIOS - 1, dtype=dtype)) / jnp.sqrt(1 - known.b2)
    ratios = jnp.concatenate([jnp.zeros((1,), dtype), ratios, jnp.full((1,), jnp.inf, dtype)])
    slopes = _slopes(far, Interval(distances[:-1], distances[1:]))

    def spread(ends: Array, axis: int) -> Interval:
        shape = [1, 1, 1]
        shape[axis] = -1
        return Interval(*(end.reshape(shape) for end in (ends[:-1], ends[1:])))

    memory, distance, ratio = (spread(each, axis) for axis, each in enumerate((memories, distances, ratios)))
    slope = Interval(*(end[None, :, None] for end in slopes))
    least = jnp.where((memory.low < 0) & (memory.high > 0), 0, jnp.minimum(jnp.abs(memory.low), jnp.abs(memory.high)))
    strongest = jnp.minimum(known.root, jnp.where(least > 0, known.strongest / least, jnp.inf)) * (1 + known.pad)
    before = Interval(
        jnp.where(ratio.high < jnp.inf, slope.low / ratio.high, 0) * (1 - known.pad),
        jnp.minimum(jnp.where(ratio.low > 0, slope.high / ratio.low, jnp.inf) * (1 + known.pad), strongest),
    )
    after = _driven(known, memory, ratio)
    root = _root(known, before, slope)
    momentum = known.b1 * jnp.maximum(memory.high, 0) * before.high + (1 - known.b1) * slope.high
    place = Interval(
        known.rate.low * jnp.maximum(after.low, 0) * (1 - known.pad) - distance.high * (1 + known.pad),
        known.rate.high * jnp.maximum(after.high, 0) * (1 + known.pad) - distance.low * (1 - known.pad),
    )
    is_there = (before.low <= before.high) & (place.high >= 0) & (after.high > 0)
    place = Interval(jnp.maximum(place.low, 0), jnp.where(is_there, place.high, -1))
    cells = _Cells(place, Interval(jnp.maximum(after.low, 0), after.high), root, momentum * (1 + known.pad))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, is_there.shape).reshape(-1), cells)


def _here(ground: _Ground, place: Whereabouts, side: Array, pad: Array) -> _Cells:
    """Where the walk is now, if it is on this side."""
    ends = lower_end(place.position), upper_end(place.position)
    up = Interval(ends[0] - ground.bottom.high, ends[1] - ground.bottom.low)
    down = Interval(ground.bottom.low - ends[1], ground.bottom.high - ends[0])
    low, high = (jnp.where(side > 0, *each) for each in zip(up, down, strict=True))
    first = -side * place.state.first.midpoint
    momentum = Interval(first - ball_radius(place.state.first), first + ball_radius(place.state.first))
    root = Interval(
        *(jnp.sqrt(jnp.maximum(end, 0)) for end in (lower_end(place.state.second), upper_end(place.state.second)))
    )
    memory = jnp.maximum(momentum.high, 0) / root.low * (1 + pad)
    here = _Cells(
        Interval(jnp.maximum(low, 0) * (1 - pad), high * (1 + pad)),
        Interval(jnp.zeros_like(memory), memory),
        Interval(root.low * (1 - pad), root.high * (1 + pad)),
        jnp.maximum(momentum.high, 0) * (1 + pad),
    )
    return jax.tree.map(lambda leaf: leaf[None], here)


def _joined(one: Array, other: Array) -> Array:
    return jnp.concatenate([one, other])


def _root(known: _Known, root: Interval, slope: Interval) -> Interval:
    """That of the second moment after a step."""
    low, high = (
        jnp.sqrt(known.b2 * before * before + (1 - known.b2) * now * now)
        for before, now in zip(root, slope, strict=True)
    )
    least = float(jnp.finfo(high.dtype).tiny) ** 0.2  # far above what is lost where a square vanishes
    return Interval(low * (1 - known.pad), jnp.maximum(high * (1 + known.pad), least))


def _highest(near: _Profile, known: _Known, begin: _Cells) -> Float[Array, ""]:
    """How far cells get. What gets further than slopes are known is only told to do so."""

    def goes(cells: _Cells) -> Array:
        return (
            (cells.place.high >= 0) & (cells.place.high <= near.end) & (cells.memory.high > 0) & (cells.momentum >= 0)
        )

    def step(cells: _Cells) -> _Cells:
        place, going = Interval(*(jnp.clip(each, 0, near.end) for each in cells.place)), goes(cells)
        slope = _slopes(near, place)
        ratio = Interval(
            jnp.where(slope.low > 0, slope.low / cells.root.high, 0) * (1 - known.pad),
            jnp.where(slope.high > 0, slope.high / cells.root.low, 0) * (1 + known.pad),
        )
        back = _driven(known, Interval(-cells.memory.high, -cells.memory.low), ratio)
        root = _root(known, cells.root, slope)
        momentum = known.b1 * cells.momentum * (1 + known.pad) - (1 - known.b1) * slope.low * (1 - known.pad)
        high = jnp.minimum(-back.low, jnp.where(root.low > 0, momentum / root.low * (1 + known.pad), jnp.inf))
        memory = Interval(jnp.maximum(-back.high, 0), jnp.where(momentum >= 0, high, 0))
        moved = Interval(*(rate * jnp.maximum(u, 0) for rate, u in zip(known.rate, memory, strict=True)))
        place = Interval(
            (cells.place.low + moved.low) * (1 - known.pad),
            (cells.place.high + moved.high) * (1 + known.pad),
        )
        after = _Cells(place, memory, root, momentum)
        return jax.tree.map(lambda new, old: jnp.where(going, new, old), after, cells)

    def goes_on(carry: tuple[_Cells, Int[Array, ""]]) -> Array:
        cells, num_steps = carry
        return jnp.any(goes(cells)) & (num_steps < LONGEST)

    def carry_on(carry: tuple[_Cells, Int[Array, ""]]) -> tuple[_Cells, Int[Array, ""]]:
        return step(carry[0]), carry[1] + 1

    cells, _ = jax.lax.while_loop(goes_on, carry_on, varying_as_after(carry_on, (begin, jnp.int32(0))))
    left = known.shrinks / (1 - known.shrinks)
    rest = jnp.where(goes(cells), known.rate.high * cells.memory.high * left * (1 + known.pad), 0)
    highest = jnp.max(jnp.where(cells.place.high >= 0, cells.place.high + rest, 0))
    return jnp.where(jnp.isnan(highest), jnp.inf, highest)
