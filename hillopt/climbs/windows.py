"""Windows of walks on a lattice, followed until an orbit returns and must return for ever.

The walk is cut into windows, each a quarter as long as all before it. Half-way through a window the state becomes a
checkpoint. When the walk is back at the checkpoint's lattice point, with its memory nearly restored, the certificate
is tried:

- The site, an integer, is back, so the orbit closes up to the memory and the shift. The memory has moved by at most
  `moved`, rounding errors included.
- As long as the same slopes follow, each further turn moves the memory decay^period times as far as the turn before, by
  moved / (1 - decay^period) in all, and the shift moves by at most its drift (`hillopt.proofs.cycles`).
- If no rise of the turn comes as close to the kink as these two can push it, the same slopes do follow, for ever.

At the end of each window the energy of the walk's swing is compared with the highest rise: a slow memory may be known to rise no
higher long before it repeats itself (`hillopt.proofs.energy`).

This holds in exact arithmetic, for every real hyperparameter that rounds to the given one.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hillopt.climbs.contract import Climbed, has_met, is_decided, is_lost, narrowed
from hillopt.loops import in_strides, varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import (
    Ball,
    Drift,
    Errors,
    Foot,
    LastDigit,
    Lattice,
    LatticeState,
    Tangent,
    advance,
    advance_with_tangent,
    at_most,
    descend,
    drift_after,
    energy_bound,
    errors,
    known_lattice,
    loss,
    midpoints,
    of_foot,
    padded,
    power_of,
    reach_of,
    unsure_downhill,
    wander,
    worst_of,
)
from hillopt.walk import certainty_of

FIRST_WINDOW = 32
# In bounds of the rises' errors: how near the upper end a proved orbit comes before the walk may end. The upper end lies one
# of them above the orbit's own peak, plus what its turns may still wander, and following it for longer lets it wander less.
# Nothing is proved with it: what is left between the height and the upper end is counted as an error.
NEAR = 3
# Steps that a walk is given to show its period, though it is proved already that it will rise no higher.
PATIENT = 1_000


class Task(NamedTuple):
    """What stays the same during a climb."""

    lattice: Lattice
    around: Lattice
    """Balls around its numbers."""
    foot: Foot
    errors: Errors
    """But for what the decay's last digit does."""
    target: Float[Array, " lane"] | None
    limit: Array
    """Steps allowed from the foot on."""
    reach: Array
    """Closed bound of all rises, in the format that was asked for."""
    digit: LastDigit | None
    """What the decay's last digit does, in a short format."""
    slope_of_origin: Float[Array, " lane"] | None


class _Findings(NamedTuple):
    """What the walk has shown since the foot."""

    height: Array
    top: Float[Array, " lane"] | None
    """Bound of every rise so far, but for `Task.errors`; None if that is the height."""
    unsure: Float[Array, " lane"] | None
    """What the last digit does to the height."""
    step: Array
    clearance: Array
    """Least distance of a decision from its tie, rounding error taken off; if not positive, exact arithmetic may differ."""
    passage: Int[Array, " lane"] | None


class _Turn(NamedTuple):
    """What has happened since the checkpoint; it stops being updated once it proves a return."""

    period: Array
    """Steps after which the walk was back; 0 while it is not."""
    moved: Array
    contraction: Array
    """decay^(steps since the checkpoint), at most"""
    margin: Array
    """Least distance of a rise from the kink, rounding error taken off."""
    drive_margin: Float[Array, " lane"] | None
    spread: Float[Array, " lane"] | None
    """How far the walk came from where it was at the checkpoint, but for the shift; None if there is none."""
    peak: Array


_Place = tuple[LatticeState, Tangent | None]
_Walk = tuple[LatticeState, Tangent | None, _Findings]


class Progress(NamedTuple):
    """The climb between two windows."""

    state: LatticeState
    tangent: Tangent | None
    findings: _Findings
    clearance: Array
    """Of the decisions that the answer rests on: those up to its proof."""
    upper: Array
    proved: Array
    period: Array
    num_steps: Array


def set_out(optimizer: AbstractOptimizer, target: Array | None, max_steps: Array) -> tuple[Task, Progress]:
    """Descend the ramp in closed form."""
    reach = reach_of(optimizer, optimizer.init(jnp.zeros_like(jax.tree.leaves(optimizer)[0])))
    around, fixed, digit = known_lattice(optimizer, reach)
    lattice, tangent, slope_of_origin, unsure = midpoints(fixed), None, None, None
    if digit is not None:
        unsure = functools.partial(unsure_downhill, digit, lattice)
    foot, doubt = descend(fixed, max_steps, unsure)
    bounds = errors(fixed, foot, reach)._replace(worst=worst_of(around))
    foot = midpoints(foot)
    if digit is not None:
        tangent, slope_of_origin = of_foot(digit, lattice, foot)
    task = Task(lattice, around, foot, bounds, target, max_steps - foot.step, reach, digit, slope_of_origin)
    zero = jnp.zeros_like(foot.rise)
    off = None if digit is None or tangent is None else digit.of_rise(foot.rise, tangent.rise)
    seen = _nothing_seen(task, doubt)
    findings = _see(task, ~jnp.zeros_like(doubt), foot.step, foot.rise, zero + jnp.inf, off, None, seen)
    progress = Progress(
        state=LatticeState(foot.rise, zero, foot.memory, zero, foot.power),
        tangent=tangent,
        findings=findings,
        clearance=findings.clearance,
        upper=jnp.maximum(reach.astype(zero.dtype), _top(task, findings)),
        proved=jnp.zeros_like(doubt),
        period=jnp.zeros_like(foot.step),
        num_steps=foot.step,
    )
    return task, progress


def start_after(start: Array) -> Array:
    """Where a window ends and the next one begins."""
    return start + 2 * _half_window(start)


def _half_window(start: Array) -> Array:
    return jnp.maximum(FIRST_WINDOW, start // 8)


def _nothing_seen(task: Task, doubt: Array) -> _Findings:
    nothing = jnp.full_like(task.foot.rise, -jnp.inf)
    passage = None if task.target is None else jnp.zeros_like(task.foot.step)
    top, unsure = (None, None) if task.digit is None else (nothing, -nothing)
    return _Findings(nothing, top, unsure, task.foot.step, jnp.where(doubt, 0.0, -nothing), passage)


def _see(
    task: Task,
    watching: Array,
    step: Array,
    rise: Array,
    drive: Array,
    unsure: Array | None,
    unsure_drive: Array | None,
    seen: _Findings,
) -> _Findings:
    """Take note of a rise and of the decision made there, where the walk is being watched.

    `unsure` is what the last digit does to the rise and the drive.
    """
    higher = watching & (rise > seen.height)
    top, at_height = seen.top, seen.unsure
    if top is not None and at_height is not None and unsure is not None:
        top = jnp.where(watching, jnp.maximum(top, rise + unsure), top)
        at_height = jnp.where(higher, unsure, at_height)
    distance, passage = jnp.abs(rise), None
    if task.target is not None and seen.passage is not None:
        distance = jnp.minimum(distance, jnp.abs(rise - task.target))
        watching &= seen.passage == 0
        passage = jnp.where(watching & (rise >= task.target), step, seen.passage)
    distance -= task.errors.rise if unsure is None else task.errors.rise + unsure
    if task.lattice.interpolation is not None:
        off = task.errors.drive if unsure_drive is None else task.errors.drive + unsure_drive
        distance = jnp.minimum(distance, jnp.abs(drive) - off)
    return _Findings(
        height=jnp.where(higher, rise, seen.height),
        top=top,
        unsure=at_height,
        step=jnp.where(higher, step, seen.step),
        clearance=jnp.where(watching, jnp.minimum(distance, seen.clearance), seen.clearance),
        passage=passage,
    )


def is_walking(task: Task, start: Array, progress: Progress) -> Array:
    """`start` is where the next window begins, in steps from the foot; it is the same for all lanes."""
    height, upper = progress.findings.height, progress.upper
    near = upper - height <= NEAR * _error(task, progress.findings)
    known = progress.proved & near & ((progress.period > 0) | (start >= PATIENT))
    over = known | (~progress.proved & _has_met(task, upper, height)) | _is_lost(task, height)
    if task.target is not None:
        over |= is_decided(height, upper, task.target)
    return (task.limit > 0) & (start <= task.limit) & ~over


def _error(task: Task, findings: _Findings) -> Array:
    """Of the height."""
    return task.errors.rise if findings.unsure is None else task.errors.rise + findings.unsure


def _top(task: Task, findings: _Findings) -> Array:
    """Bound of all rises so far."""
    return (findings.height if findings.top is None else findings.top) + task.errors.rise


def _has_met(task: Task, upper: Array, height: Array) -> Array:
    """In the format that was asked for, in which the closed bound was computed."""
    return has_met(upper.astype(task.reach.dtype), height.astype(task.reach.dtype))


def _is_lost(task: Task, height: Array) -> Array:
    return is_lost(height.astype(task.reach.dtype))


def walk_window(task: Task, start: Array, progress: Progress, stride: int = 1) -> Progress:
    """Follow every lane for as many steps, `stride` a round; what a lane that has stopped would show is dropped."""
    walking = is_walking(task, start, progress)
    checkpoint, end = start + _half_window(start), start_after(start)

    def walk(steps: Array, carry: _Walk) -> _Walk:
        state, tangent, findings = carry
        after, drive, tangent, unsure, unsure_drive = _advance(task, state, tangent)
        watching = walking & (steps <= task.limit)
        findings = _see(task, watching, task.foot.step + steps, state.rise, drive, unsure, unsure_drive, findings)
        return after, tangent, findings

    begin = progress.state, progress.tangent, progress.findings
    state, tangent, findings = in_strides(start, checkpoint, walk, begin, stride)
    drift = drift_after(task.errors.worst, task.foot.step + checkpoint)
    first = state, tangent

    def walk_and_follow(steps: Array, carry: tuple[_Walk, _Turn]) -> tuple[_Walk, _Turn]:
        walked, turn = carry
        turn = _follow(task, first, drift, steps - checkpoint, walked[:2], turn)
        return walk(steps, walked), turn

    carry = ((state, tangent, findings), _new_turn(task))
    carry = varying_as_after(functools.partial(walk_and_follow, checkpoint), carry)
    (state, tangent, findings), turn = in_strides(checkpoint, end, walk_and_follow, carry, stride)
    worst = task.errors.worst
    contraction = at_most(power_of, worst, turn.period)
    wandering = worst.weight * wander(turn.moved, loss(contraction))
    slack = wandering + _drift_of_turn(task, drift, wandering, turn)
    so_high = findings.height if findings.top is None else findings.top
    highest = padded(jnp.maximum(so_high, turn.peak + slack) + task.errors.rise)
    # Decisions after the limit are not watched, so a turn is believed only if all before its checkpoint were.
    returned = (turn.period > 0) & walking & (checkpoint <= task.limit)
    top = padded(_top(task, findings))
    to_come = jnp.where(walking & (end <= task.limit), _swings_to_come(task, end, state, tangent, top), jnp.inf)
    upper = jnp.minimum(progress.upper, jnp.maximum(to_come, top))
    # What is proved already does not hang on the steps since then; that it repeats itself does.
    returned &= ~progress.proved | (findings.clearance > 0) | ~(progress.clearance > 0)
    return Progress(
        state=state,
        tangent=tangent,
        findings=findings,
        clearance=jnp.where(progress.proved, progress.clearance, findings.clearance),
        upper=jnp.where(returned, jnp.minimum(upper, highest), upper),
        proved=progress.proved | returned | (to_come <= top),
        period=jnp.where(returned, turn.period, progress.period),
        num_steps=jnp.where(walking, task.foot.step + jnp.minimum(end, task.limit), progress.num_steps),
    )


def _advance(
    task: Task, state: LatticeState, tangent: Tangent | None
) -> tuple[LatticeState, Array, Tangent | None, Array | None, Array | None]:
    """One step; the drive that chose its direction; and what the last digit does to the rise before it and to the drive."""
    after, drive = advance(task.lattice, task.foot.origin, state)
    if task.digit is None or task.slope_of_origin is None or tangent is None:
        return after, drive, None, None, None
    origin = task.foot.origin, task.slope_of_origin
    following, slope = advance_with_tangent(task.digit, task.lattice, origin, state, tangent)
    unsure = task.digit.of_rise(state.rise, tangent.rise), task.digit.of_drive(slope)
    return after, drive, following, *unsure


def _swings_to_come(task: Task, steps: Array, state: LatticeState, tangent: Tangent | None, top: Array) -> Array:
    """How high the state's swing and all later ones are at most; `top`, which has been met, if they are no higher."""
    correction = jnp.ones_like(top)
    if task.lattice.bias_corrected:
        power = at_most(power_of, task.errors.worst, task.foot.step + steps)
        correction = at_most(lambda power: 1 / (1 - power), power)
    rise, memory = Ball(state.rise, task.errors.rise), Ball(state.memory, task.errors.memory)
    if task.digit is not None and tangent is not None:
        rise = Ball(state.rise, rise.radius + task.digit.of_rise(state.rise, tangent.rise))
        memory = Ball(state.memory, memory.radius + task.digit.of_memory(tangent.memory))
    return energy_bound(task.around, rise, memory, correction, top)


def _new_turn(task: Task) -> _Turn:
    infinity = jnp.full_like(task.foot.rise, jnp.inf)
    return _Turn(
        period=jnp.zeros_like(task.limit),
        moved=jnp.zeros_like(infinity),
        contraction=jnp.ones_like(infinity),
        margin=infinity,
        drive_margin=None if task.lattice.interpolation is None else infinity,
        spread=jnp.zeros_like(infinity) if task.lattice.bias_corrected else None,
        peak=-infinity,
    )


def _drift_of_turn(task: Task, drift: Drift, wandering: Array, turn: _Turn) -> Array:
    """How far the shift can still move while the turn repeats."""
    if turn.spread is None:
        return drift.in_all
    return jnp.minimum(drift.in_all, padded(drift.share * 2 * (turn.spread + 4 * task.errors.rise + wandering)))


def _follow(task: Task, checkpoint: _Place, drift: Drift, since: Array, place: _Place, turn: _Turn) -> _Turn:
    """Compare a state with the checkpoint's, then add it to the turn.

    Every field looks only at what the step before has left, never at another field's new value: XLA would else compute
    the return test once more for each of them.
    """
    (first, then), (state, now) = checkpoint, place
    _, drive, _, unsure, unsure_drive = _advance(task, state, now)
    moved = jnp.abs(state.memory - first.memory) + 2 * task.errors.memory
    if task.digit is not None and then is not None and now is not None:
        moved += task.digit.of_memory(now.memory - then.memory) + task.digit.memory
    share, worst = loss(turn.contraction), task.errors.worst
    wandering = worst.weight * padded(moved)  # times share
    returns = (since > 0) & (turn.period == 0) & (state.site == first.site) & (share > 0)
    returns &= (turn.margin - _drift_of_turn(task, drift, wandering / share, turn)) * share > wandering
    drive_margin, spread = turn.drive_margin, turn.spread
    if drive_margin is not None:
        returns &= drive_margin * share > worst.interpolation * padded(moved)
        off = task.errors.drive if unsure_drive is None else task.errors.drive + unsure_drive
        drive_margin = jnp.minimum(drive_margin, jnp.abs(drive) - off)
    if spread is not None:
        apart = jnp.abs((state.rise - state.shift) - (first.rise - first.shift))
        if task.digit is not None and then is not None and now is not None:
            slope = (now.rise - now.shift) - (then.rise - then.shift)
            apart += task.digit.of_length(apart, slope) + 2 * task.digit.rise
        spread = jnp.maximum(spread, apart)
    going = turn.period == 0
    off, peak = (task.errors.rise, state.rise) if unsure is None else (task.errors.rise + unsure, state.rise + unsure)
    return _Turn(
        period=jnp.where(returns, since, turn.period),
        moved=jnp.where(going, moved, turn.moved),
        contraction=turn.contraction * worst.decay,
        margin=jnp.where(going, jnp.minimum(turn.margin, jnp.abs(state.rise) - off), turn.margin),
        drive_margin=drive_margin,
        spread=None if spread is None or turn.spread is None else jnp.where(going, spread, turn.spread),
        peak=jnp.where(going, jnp.maximum(turn.peak, peak), turn.peak),
    )


def told(task: Task, progress: Progress, max_steps: Array) -> Climbed:
    """What a walk that has ended, or been left, has shown."""
    findings, upper = progress.findings, progress.upper
    diverged = _is_lost(task, findings.height)
    ended_early = (progress.num_steps < max_steps) & ~diverged
    off = _error(task, findings)
    climbed = Climbed(
        highest=findings.height,
        error=jnp.where(ended_early, jnp.maximum(off, upper - findings.height), off),
        step=findings.step,
        upper=jnp.where(diverged, jnp.inf, upper),
        proved=(progress.proved | _has_met(task, upper, findings.height)) & ~diverged,
        period=progress.period,
        diverged=diverged,
        certainty=certainty_of(~(progress.clearance > 0)),
        num_steps=progress.num_steps,
        passage=findings.passage,
    )
    return narrowed(climbed, task.reach.dtype)
