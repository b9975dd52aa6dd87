"""The two questions: how high a hill can an optimizer climb out of, and does it escape from this one?"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int8

from hillopt.blocks import LANES, as_lanes, common_shape
from hillopt.climbs import (
    BOUNDED_BLOCK,
    LATTICE_BLOCK,
    PROGRAM,
    Batch,
    Climb,
    climb_in_blocks,
    climb_in_registers,
    climb_on_lattice,
    climb_plainly,
    climb_with_bounds,
    why_not_in_registers,
)
from hillopt.landscapes import AbstractHill, check_height
from hillopt.names import near_miss
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.proofs import lattice_of
from hillopt.rollout import check_steps
from hillopt.verdicts import Verdict, judge

DEFAULT_MAX_STEPS = 10_000

CLIMBS = {
    "lattice": climb_on_lattice,
    "bounded": climb_with_bounds,
    "plain": climb_plainly,
    "blocked": climb_in_blocks,
    "pallas": climb_in_registers,
}
BLOCKS = {"lattice": LATTICE_BLOCK, "bounded": BOUNDED_BLOCK, "plain": 4_096, "blocked": LANES, "pallas": PROGRAM}
"""Lanes that each of them walks side by side at least."""
FAST = "fast"  # the faster one of the last two that serves
IMPLEMENTATIONS = (*CLIMBS, FAST)
PROOFS = ("lattice", "bounded")


class CriticalHeight(NamedTuple):
    """Answer of `critical_height`; every field has the broadcast shape of the hyperparameters."""

    height: Float[Array, "..."]
    """Lower end: the highest rise met within max_steps, so the walk escapes every hill up to it. Negative if the walk
    has not reached the valley by then."""
    upper: Float[Array, "..."]
    """Upper end: no walk of this setting ever escapes a hill above it. Infinite where no bound is known."""
    error: Float[Array, "..."]
    """Rounding error of `height` at most, where not flagged."""
    step: Int[Array, "..."]
    """The step that met `height`; 0 where it was not recorded (the plain walk)."""
    verdict: Int8[Array, "..."]
    """`Verdict.TRAPPED` where it is proved that nothing higher comes (up to `upper`), UNDECIDED where max_steps ended
    the search, DIVERGED where the walk left the range of its dtype."""
    period: Int[Array, "..."]
    """Steps after which the walk repeats itself; 0 where no recurrence was found."""
    flagged: Bool[Array, "..."]
    """True where rounding, or the hyperparameter's own last digit, could change the answer by more than `error`."""
    num_steps: Int[Array, "..."]
    """How far the walk was followed."""

    @property
    def settled(self) -> Bool[Array, "..."]:
        """Whether the critical height is known for any number of steps, not only for max_steps."""
        return self.verdict == Verdict.TRAPPED


class Escape(NamedTuple):
    """Answer of `escape`; every field has the broadcast shape of height and hyperparameters."""

    verdict: Int8[Array, "..."]
    step: Int[Array, "..."]
    """The step that was first at or beyond the crest where escaped; else, and for the plain walk, how far the walk was
    followed."""
    flagged: Bool[Array, "..."]


def critical_height(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    *,
    max_steps: Any = DEFAULT_MAX_STEPS,
    implementation: str | None = None,
) -> CriticalHeight:
    """Solve for the highest hill that the optimizer escapes over, by one walk on the endless flank.

    Written for one setting; array hyperparameters broadcast against each other. Runs eagerly or inside jit, vmap and
    shard_map; new values of the same shapes and dtypes compile nothing, and neither does a new max_steps.

    **Arguments**

    - `hill`: a hill whose rising flank does not depend on its height; its own height is ignored.
    - `optimizer`: from this package or from `from_optax`. The hyperparameters' dtype is the walk's.
    - `max_steps`: at most so many steps, from 1 to 2^31 - 1.
    - `implementation`: `"lattice"` (certified in exact arithmetic; where the optimizer has a lattice) or `"bounded"` (any
      optimizer, with a running error bound); None takes the first of these that serves. Without proofs, so that all is
      flagged: `"plain"` (the definition), `"blocked"` (the same walk at full speed on a CPU: fastest where the learning
      rate varies along the last axis alone and the other numbers do not), `"pallas"` (in one kernel on a GPU), and
      `"fast"` for the last that serves.

    Raises ValueError for hyperparameters out of range, a hill with a flank of its own, max_steps < 1.
    """
    if not hill.flank_is_shared:
        raise ValueError(
            f"`{type(hill).__name__}` has another flank for every height, so that a walk may escape it and not a lower one; "
            "ask `escaping_heights`."
        )
    climbed, _ = _climb(hill.at(float("inf")), optimizer, False, max_steps, implementation)
    verdict = jnp.where(climbed.proved, Verdict.TRAPPED, Verdict.UNDECIDED)
    return CriticalHeight(
        height=climbed.height,
        upper=climbed.upper,
        error=climbed.error,
        step=climbed.step,
        verdict=jnp.where(climbed.diverged, Verdict.DIVERGED, verdict).astype(jnp.int8),
        period=climbed.period,
        flagged=climbed.flagged,
        num_steps=climbed.num_steps,
    )


def escape(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    *,
    max_steps: Any = DEFAULT_MAX_STEPS,
    implementation: str | None = None,
) -> Escape:
    """Decide whether the optimizer escapes from the hill at its height (or heights: `TentHill(height=array)`).

    The walk stops at the first step beyond the crest. On a hill with a flank of its own, trapped means that the
    floating-point walk repeats itself exactly. Arguments and errors as for `critical_height`; in addition a height that is
    negative, NaN or infinite raises ValueError.
    """
    hill = check_height(hill, most=np.finfo(np.float64).max)
    climbed, target = _climb(hill, optimizer, True, max_steps, implementation)
    verdict = judge(climbed.height, climbed.upper, climbed.diverged, target)
    passage = climbed.num_steps if climbed.passage is None else climbed.passage
    step = jnp.where(verdict == Verdict.ESCAPED, passage, climbed.num_steps)
    return Escape(verdict, step, climbed.flagged)


def _climb(
    hill: AbstractHill, optimizer: AbstractOptimizer, stop_at_goal: bool, max_steps: Any, implementation: str | None
) -> tuple[Climb, Array]:
    """The climbs and the rises at which they escape, of the broadcast shape."""
    optimizer.check()
    name = choose_implementation(hill, optimizer, implementation)
    max_steps = check_steps(max_steps, "max_steps")
    return _climb_broadcast(hill, as_arrays(optimizer), max_steps, stop_at_goal=stop_at_goal, implementation=name)


@functools.partial(jax.jit, static_argnames=("stop_at_goal", "implementation"))
def _climb_broadcast(
    hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Any, stop_at_goal: bool, implementation: str
) -> tuple[Climb, Array]:
    max_steps = jnp.asarray(max_steps, jnp.int32)
    shape = common_shape((optimizer, hill))
    if 0 in shape:
        raise ValueError(f"the hyperparameters' common shape is {shape}, which holds no setting; give at least one.")
    dtype = jnp.result_type(*jax.tree.leaves(optimizer))

    lands = as_lanes(hill, shape, dtype)
    goals = jax.vmap(lambda hill: jnp.asarray(hill.goal(), dtype))(lands).reshape(shape)
    endless = hill.flank_is_shared
    batch = a_batch(hill, optimizer)._replace(target=goals if stop_at_goal else None)
    climbed = CLIMBS[implementation](hill.at(float("inf")) if endless else hill, batch, max_steps)
    return jax.tree.map(lambda leaf: leaf.reshape(shape), (climbed, goals))


def choose_implementation(hill: AbstractHill, optimizer: AbstractOptimizer, name: str | None) -> str:
    """Name of the climb that serves; ValueError if the one asked for cannot."""
    has_lattice = hill.slope_is_unit and _has_lattice(optimizer)
    if name is None:
        return "lattice" if has_lattice else "bounded"
    if name == FAST:
        return "pallas" if jax.default_backend() == "gpu" and _why_not_pallas(hill, optimizer) is None else "blocked"
    if name not in CLIMBS:
        raise ValueError(f"`implementation` {name!r} is unknown; {near_miss(name, IMPLEMENTATIONS)}")
    if name == "lattice" and not has_lattice:
        raise ValueError(
            f"`implementation='lattice'` cannot serve: {type(optimizer).__name__} on {type(hill).__name__} does not "
            "move on a lattice; leave `implementation` out, or take 'bounded'."
        )
    if name == "pallas" and (why_not := _why_not_pallas(hill, optimizer)) is not None:
        raise ValueError(f"`implementation='pallas'` cannot serve: {why_not}; take 'blocked'.")
    return name


def _why_not_pallas(hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
    return why_not_in_registers(hill, a_batch(hill, as_arrays(optimizer)))


def a_batch(hill: AbstractHill, optimizer: AbstractOptimizer) -> Batch:
    """A hill and an optimizer as settings of one batch that climbs as high as it gets."""
    return Batch(optimizer, None if hill.flank_is_shared else hill, None, common_shape((optimizer, hill)))


def _has_lattice(optimizer: AbstractOptimizer) -> bool:
    return jax.eval_shape(lattice_of, as_arrays(optimizer)) is not None
