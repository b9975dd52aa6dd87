"""The climb without proofs on a GPU: one kernel, whose numbers stay in registers for the whole walk.

The kernel reads like its plain twin: numbers are loaded, the walk is walked, the highest rise is stored.
"""

import functools
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from hillopt.climbs.cheap_walk import CheapWalk, Lane
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, highest_met
from hillopt.kernels import in_registers, numbers_of_a_lane, why_not, why_not_lowered
from hillopt.landscapes import AbstractHill
from hillopt.lanes import common_dtype
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import static

WARP = 32  # threads that step together
# Lanes a thread: what a program shares is computed once a thread, and chains of divisions wait side by side. Read from machine
# code for an H100 at 1.755 GHz, steps/s of Adam on the tent at most, with 2, 4 and 8 lanes a thread: rows that share b1 1.3, 1.8,
# 2.3e12 (float64 0.7, 1.0, 1.3e12); nothing shared 0.89, 0.91, 0.92e12 (float64 0.42, 0.37, 0.24e12: too few warps fit).
LANES_OF_A_THREAD = 8
LANES_OF_A_FULL_THREAD = 4  # in float64, where lanes have several numbers of their own
# Two warps for every scheduler of an H100: fewer settings than would keep those busy are spread over them.
THREADS = 2**15


class PallasClimb(AbstractClimb):
    """Walk exactly max_steps in one kernel on a GPU and keep the highest rise; all answers are unchecked."""

    lanes: int | None = static(default=None)
    """Of a program; a power of two. None for what the settings' shape and dtype make fast."""
    interpret: bool = static(default=False)
    """Run the kernel without a GPU, operation by operation: for tests."""

    proves: ClassVar[bool] = False

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        world = jax.tree.map(lambda leaf: jnp.asarray(leaf, batch.dtype), (batch.hill, batch.optimizer))
        lanes = _good_lanes(world, batch.shape, batch.dtype) if self.lanes is None else self.lanes
        warps = max(1, lanes // (WARP * LANES_OF_A_THREAD))
        rise, highest = in_registers(
            _climb, (*world, max_steps), batch.shape, lanes=lanes, warps=warps, interpret=self.interpret
        )
        return highest_met(rise, highest, max_steps)

    def why_not(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
        if np.ndim(hill.start) > 0:
            return f"positions on {type(hill).__name__} are vectors"
        if self.block & (self.block - 1):
            return "a program has a power of two of lanes"
        reason = why_not(interpret=self.interpret)
        if reason is not None or self.interpret:
            return reason
        return _why_not_lowered(self.lanes, jax.tree.structure((hill, optimizer)), common_dtype(optimizer))

    @property
    def block(self) -> int:
        return WARP * LANES_OF_A_THREAD if self.lanes is None else self.lanes


@functools.cache
def _why_not_lowered(lanes: int | None, structure: jax.tree_util.PyTreeDef, dtype: np.dtype) -> str | None:
    """How many settings there are makes no difference, and which numbers they share hardly any."""
    shape = (2 * WARP,)
    world = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(shape, dtype)] * structure.num_leaves)

    def climb(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Array) -> Climbed:
        return PallasClimb(lanes).climb(Batch(optimizer, hill, None, shape), max_steps)

    return why_not_lowered(climb, *world, jax.ShapeDtypeStruct((), jnp.int32))


def _good_lanes(world: PyTree, shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Lanes of a program of one warp: as many as pay, in a row where that lets them share numbers."""

    def own(each: int) -> int:
        return numbers_of_a_lane(world, shape, WARP * each)

    each = min(LANES_OF_A_THREAD, LANES_OF_A_FULL_THREAD, key=own)
    if dtype.itemsize > 4 and own(each) > 1:
        each = LANES_OF_A_FULL_THREAD
    spread = max(1, math.prod(shape) // THREADS)
    return WARP * min(each, 1 << (spread.bit_length() - 1))


def _climb(numbers: PyTree) -> tuple[Array, Array]:
    """The last rise and the highest one before it, of one program's lanes."""
    along = jax.tree.map(lambda leaf: 0 if leaf.ndim else None, numbers)
    climb = jax.vmap(_climb_one, along) if 0 in jax.tree.leaves(along) else _climb_one
    return climb(*numbers)


def _climb_one(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Array) -> tuple[Array, Array]:
    walk = CheapWalk(hill, optimizer)

    def take_step(_: Array, lane: Lane) -> Lane:
        return walk.after(lane)

    lane = jax.lax.fori_loop(0, max_steps, take_step, walk.begin)
    return jnp.asarray(hill.rise(lane.position)), lane.highest
