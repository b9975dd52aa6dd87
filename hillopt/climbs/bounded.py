"""Climbs for any optimizer, with a running error bound through every operation of its update (`hillopt.proofs.interpreter`).

Trapped is said when the walk has met a closed bound, which ends it, or when a proof from where it stands is found
(`hillopt.proofs.trapping`), which is tried now and then and ends it too. It is said as well when the floating-point state repeats
exactly; the walk then goes on to max_steps all the same: only so many steps are vouched for against rounding.

Numbers of a shorter format are walked with in float64. Proofs and closed bounds are asked in the format that was given.
"""

import functools
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Int, PyTree

from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, has_met, is_decided, is_lost, narrowed
from hillopt.jaxprs import depends_on
from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_dtype, in_blocks, steps_at_once, where_going
from hillopt.loops import in_strides, varying_alike, varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import (
    FOLLOWED,
    Ball,
    Followed,
    Framed,
    Method,
    Whereabouts,
    all_within,
    at_rest,
    ball_radius,
    bounded,
    carried,
    followed,
    framed,
    in_short,
    is_ball,
    is_framed,
    lower_end,
    methods_for,
    midpoints,
    reach_of,
    typed,
    with_radius,
)
from hillopt.pytrees import static
from hillopt.walk import Place, certainty_of, move

STEPS_BETWEEN_LOOKS = 16
STRIDE = 4  # steps in one round of a loop, on a GPU
BOUNDED_BLOCK = 2_048  # lanes walked side by side
FIRST_ASKED = 16  # steps after which proofs are tried first; then after twice as many each time


class _Walk(NamedTuple):
    """One lane: where it is, on balls, and what it has shown."""

    position: Ball
    state: PyTree
    followed: Followed | Framed | None
    """Position and state once more, with derivatives in short numbers, or in a frame; None where it is not worth it."""
    height: Array
    error: Array
    highest: Array
    """Bound of every exact rise so far."""
    step: Array
    reach: Array
    """Closed bound of every later rise."""
    upper: Array
    proved: Array
    known: Array
    """A closed bound is met: nothing that rounding does from here on matters."""
    period: Array
    diverged: Array
    flagged: Array
    passage: Int[Array, " lane"] | None
    num_steps: Array
    saved: PyTree
    """The numbers of an earlier state, to be met again."""
    since: Array
    window: Array
    """Steps after which the saved state is renewed, twice as many each time (Brent 1980)."""


class BoundedClimb(AbstractClimb):
    """Walk to max_steps, or until the rise meets the target, with a running error bound: for any optimizer and hill."""

    lanes: int = static(default=BOUNDED_BLOCK)
    """Of a block, on a CPU."""
    thorough: bool = static(default=False)
    """Whether proofs are tried too that take ten seconds to compile, and some tenths of a second for each setting that is open;
    and whether errors are followed in a frame where the ground is straight, as they are where it is curved."""

    proves: ClassVar[bool] = True

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        def climb(hill: AbstractHill, optimizer: AbstractOptimizer, target: Ball | None) -> Climbed:
            return _climb(hill, optimizer, target, max_steps, self.thorough)

        hill, optimizer, target = batch.lanes()
        optimizer = in_short(optimizer) if hill.slope_is_unit else optimizer
        radius = as_lanes(0.0 if batch.target_radius is None else batch.target_radius, batch.shape, batch.dtype)
        with jax.enable_x64(True):
            wide = None if target is None else Ball(*(part.astype(jnp.float64) for part in (target, radius)))
            return narrowed(in_blocks(climb, self.lanes)(hill, optimizer, wide), batch.dtype)

    @property
    def block(self) -> int:
        return self.lanes


def _climb(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    target: Ball | None,
    max_steps: Int[Array, ""],
    thorough: bool,
) -> Climbed:
    hill, optimizer, target = varying_alike((hill, optimizer, target))
    walks = jax.vmap(functools.partial(_set_out, thorough))(hill, optimizer, target)
    one_hill, one_optimizer = jax.tree.map(lambda leaf: leaf[0], (hill, optimizer))
    methods = methods_for(one_hill, one_optimizer, thorough)
    # Which frame comes next is carried from one round of a loop to the next, so that no program chooses it twice.
    stride = 1 if isinstance(walks.followed, Framed) else steps_at_once(STRIDE)

    def is_open(walk: _Walk, target: Ball | None) -> Array:
        over = walk.diverged | walk.known
        return ~over if target is None else ~(over | is_decided(walk.height, walk.upper, target.midpoint))

    def take_step_of_all(walks: _Walk, end: Array) -> _Walk:
        def take_step(hill: AbstractHill, optimizer: AbstractOptimizer, target: Ball | None, walk: _Walk) -> _Walk:
            walking = is_open(walk, target) & (walk.num_steps < end)
            after = _take_step(hill, optimizer, target, walk)
            return jax.tree.map(lambda new, old: jnp.where(walking, new, old), after, walk)

        return jax.vmap(take_step)(hill, optimizer, target, walks)

    def take_steps(carry: tuple[Array, _Walk]) -> tuple[Array, _Walk]:
        end, walks = carry

        def take_step(_: Array | int, walks: _Walk) -> _Walk:
            return take_step_of_all(walks, end)

        return end, in_strides(0, STEPS_BETWEEN_LOOKS, take_step, walks, stride)

    def walking_to(end: Array, walks: _Walk) -> Array:
        return jax.vmap(is_open)(walks, target) & (walks.num_steps < end)

    def walk_round(carry: tuple[Array, _Walk]) -> tuple[Array, _Walk]:
        end, walks = jax.lax.while_loop(lambda carry: jnp.any(walking_to(*carry)), take_steps, carry)
        settled = jnp.zeros_like(walks.known)
        for method in methods:
            due = method.is_due(end, max_steps) & jax.vmap(is_open)(walks, target) & ~settled
            walks, is_bounded = _asked(method, hill, optimizer, target, walks, due)
            settled |= is_bounded & method.is_closest
        return jnp.where(end < max_steps // 2, 2 * end, max_steps), walks

    walks = varying_as_after(lambda walks: take_step_of_all(walks, max_steps), walks)
    *_, walks = varying_alike((hill, optimizer, target, walks))
    first = jnp.minimum(FIRST_ASKED, max_steps) if methods else max_steps
    carry = varying_as_after(walk_round, (first, walks))
    _, walks = jax.lax.while_loop(lambda carry: jnp.any(walking_to(max_steps, carry[1])), walk_round, carry)
    return Climbed(
        highest=walks.height,
        error=jnp.maximum(walks.error, jnp.where(walks.known, walks.upper, walks.highest) - walks.height),
        step=walks.step,
        upper=jnp.where(walks.diverged, jnp.inf, walks.upper),
        proved=walks.proved & ~walks.diverged,
        period=walks.period,
        diverged=walks.diverged,
        certainty=certainty_of(walks.flagged),
        num_steps=walks.num_steps,
        passage=walks.passage,
    )


def _asked(
    method: Method,
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    target: Ball | None,
    walks: _Walk,
    due: Array,
) -> tuple[_Walk, Bool[Array, " lane"]]:
    """The walks with what a method proves of those that are due, and of which it has proved a bound."""
    given = common_dtype(optimizer)
    goal = jnp.full_like(walks.height, jnp.inf) if target is None else lower_end(target)
    place = jax.tree.map(lambda leaf: _in_format(leaf, given), (walks.position, walks.state), is_leaf=is_ball)
    # A proof has no derivative: what it bounds is a step, a verdict or an upper end.
    lanes = jax.lax.stop_gradient((hill, optimizer, Whereabouts(*place), goal.astype(given)))

    def ask(lanes: PyTree, upper: Array) -> Array:
        found = jax.lax.map(lambda lane: method.bound(*lane), lanes, batch_size=method.at_once)
        return jnp.minimum(upper, found.astype(upper.dtype))

    later = where_going(due, ask, lanes, varying_alike((walks, jnp.full_like(walks.upper, jnp.inf)))[1], method.at_once)
    upper = jnp.maximum(jnp.minimum(walks.upper, later), walks.highest)
    met = _has_met(optimizer, jnp.maximum(later, walks.height), walks.height)
    return walks._replace(upper=upper, proved=walks.proved | met, known=walks.known | met), jnp.isfinite(later)


def _set_out(thorough: bool, hill: AbstractHill, optimizer: AbstractOptimizer, target: Ball | None) -> _Walk:
    zero, none = jnp.zeros(()), jnp.zeros((), jnp.int32)
    place = jnp.asarray(hill.start, common_dtype(optimizer)).astype(zero.dtype)
    start = Ball(place, jnp.zeros_like(place))
    follows = hill.slope_is_unit and isinstance(optimizer, FOLLOWED) and common_dtype(optimizer) != jnp.float64
    beside: Followed | Framed | None = None
    if follows:
        (_, state), beside, _ = followed(_at_start, optimizer, (), at_rest(place, optimizer))
    else:
        state, _ = bounded(lambda optimizer, position: optimizer.init(position))(jax.tree.map(typed, optimizer), start)
    state = jax.tree.map(with_radius, state, is_leaf=is_ball)
    if not follows and is_framed(hill, optimizer, straight=thorough):
        beside = framed((start, state))
    rise, _ = bounded(lambda hill, position: jnp.asarray(hill.rise(position)))(jax.tree.map(typed, hill), start)
    rise = with_radius(rise)
    no = jnp.zeros((), bool)
    return _Walk(
        position=start,
        state=state,
        followed=beside,
        height=rise.midpoint,
        error=rise.radius,
        highest=rise.midpoint + rise.radius,
        step=none,
        reach=zero + _reach(hill, optimizer, state),
        upper=zero + jnp.inf,
        proved=no,
        known=no,
        period=none,
        diverged=no,
        flagged=no,
        passage=None if target is None else none,
        num_steps=none,
        saved=midpoints((start, state)),
        since=none,
        window=none + 1,
    )


def _at_start(others: PyTree, optimizer: AbstractOptimizer, position: Array) -> tuple[Array, PyTree]:
    return position, optimizer.init(position)


def _reach(hill: AbstractHill, optimizer: AbstractOptimizer, state: PyTree) -> Array | float:
    if not hill.slope_is_unit:
        return jnp.inf
    given = common_dtype(optimizer)
    return reach_of(optimizer, jax.tree.map(lambda leaf: _in_format(leaf, given), state, is_leaf=is_ball))


def _in_format(leaf: PyTree, dtype: DTypeLike) -> PyTree:
    """A ball in a shorter format that holds one of float64; what is no ball stays."""
    if not is_ball(leaf) or leaf.midpoint.dtype == dtype:
        return leaf
    middle = leaf.midpoint.astype(dtype)
    radius = ball_radius(leaf) + jnp.abs(middle.astype(leaf.midpoint.dtype) - leaf.midpoint)
    info = jnp.finfo(dtype)
    return Ball(middle, (radius * (1 + float(info.eps)) + float(info.tiny)).astype(dtype))


def _has_met(optimizer: AbstractOptimizer, upper: Array, height: Array) -> Array:
    """In the format that was given, in which the closed bound was computed."""
    return has_met(*(number.astype(common_dtype(optimizer)) for number in (upper, height)))


def _reach_from(hill: AbstractHill, optimizer: AbstractOptimizer, state: PyTree, before: Array) -> Array:
    """Closed bound of what comes after a state. One that looks at no state stays: it costs more than a step does."""
    moves = depends_on(lambda state: _reach(hill, optimizer, state), state)
    return jnp.zeros_like(before) + _reach(hill, optimizer, state) if moves else before


def _take_step(hill: AbstractHill, optimizer: AbstractOptimizer, target: Ball | None, walk: _Walk) -> _Walk:
    (position, state, rise), place_with_slopes, ambiguous = _advance(hill, optimizer, walk)
    state = jax.tree.map(with_radius, state, is_leaf=is_ball)
    num_steps, since = walk.num_steps + 1, walk.since + 1
    lost = is_lost(rise.midpoint.astype(common_dtype(optimizer)))
    higher = (rise.midpoint > walk.height) & (rise.midpoint < jnp.inf)
    height = jnp.where(higher, rise.midpoint, walk.height)
    no_higher = jnp.minimum(rise.midpoint + rise.radius, jnp.maximum(walk.reach, rise.midpoint))
    highest = jnp.where(higher | ~lost, jnp.maximum(walk.highest, no_higher), walk.highest)
    flagged, passage = walk.flagged | ambiguous, walk.passage
    if target is not None and passage is not None:
        flagged |= ~(jnp.abs(rise.midpoint - target.midpoint) > rise.radius + target.radius)
        passage = jnp.where((passage == 0) & (rise.midpoint >= target.midpoint), num_steps, passage)

    here = midpoints((position, state))
    returned = jnp.all(jnp.asarray(jax.tree.leaves(jax.tree.map(lambda a, b: jnp.all(a == b), here, walk.saved))))
    reach = _reach_from(hill, optimizer, state, walk.reach)
    known = _has_met(optimizer, jnp.maximum(reach, height), height)
    upper = jnp.maximum(jnp.minimum(walk.upper, jnp.where(returned, highest, reach)), highest)
    move_on = since == walk.window
    return _Walk(
        position=position,
        state=state,
        followed=place_with_slopes,
        height=height,
        error=jnp.where(higher, rise.radius, walk.error),
        highest=highest,
        step=jnp.where(higher, num_steps, walk.step),
        reach=reach,
        upper=upper,
        proved=walk.proved | returned | known,
        known=known,
        period=jnp.where(returned & (walk.period == 0), since, walk.period),
        diverged=walk.diverged | lost,
        flagged=flagged,
        passage=passage,
        num_steps=num_steps,
        saved=jax.tree.map(lambda new, old: jnp.where(move_on, new, old), here, walk.saved),
        since=jnp.where(move_on, 0, since),
        window=jnp.where(move_on, 2 * walk.window, walk.window),
    )


def _advance(
    hill: AbstractHill, optimizer: AbstractOptimizer, walk: _Walk
) -> tuple[tuple[Ball, PyTree, Ball], Followed | Framed | None, Array]:
    """Position, state and rise after a step; the first two followed; and whether a decision is in doubt."""

    def rise_at(hill: AbstractHill, position: Array) -> Array:
        return jnp.asarray(hill.rise(position))

    def advance(
        hill: AbstractHill, optimizer: AbstractOptimizer, position: Array, state: PyTree
    ) -> tuple[Array, PyTree, Array]:
        position, state = move(hill, optimizer, position, state)
        return position, state, rise_at(hill, position)

    def step(hill: AbstractHill, optimizer: AbstractOptimizer, place: Place) -> Place:
        return move(hill, optimizer, *place)

    ground = jax.tree.map(typed, hill)
    if walk.followed is None:
        numbers = jax.tree.map(typed, optimizer)
        after, ambiguous = bounded(advance)(ground, numbers, walk.position, walk.state)
        return after, None, ambiguous
    place: Followed | Framed
    if isinstance(walk.followed, Framed):
        place, ambiguous = carried(step, (ground, jax.tree.map(typed, optimizer)), walk.followed)
        position, state = all_within(place)
    else:
        (position, state), place, ambiguous = followed(step, optimizer, ground, walk.followed)
    rise, unclear = bounded(rise_at)(ground, position)
    return (position, state, rise), place, ambiguous | unclear
