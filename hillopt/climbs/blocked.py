"""The climb without proofs at full speed in plain JAX: blocks that fit the cache, and each number as often as it differs.

The settings of a sweep are a product of axes. Where neighbours along the last axis share their betas, both bias corrections
are one number a row and step; where the slope is a sign, the second moment is too. No line says so: the walk is written for
one setting, and vmap carries a number for every lane only if it depends on the lane.

On a CPU a loop takes one step an iteration: in longer ones XLA computes some numbers more than once, and hands the kernels of a
long body to several threads, each with a cache of its own. On a GPU a step an iteration would be a kernel a step, which reads and
writes all that a walk is; several steps at once become one kernel, whose numbers stay in registers for as long. What is left are
the launches of a round, 2 to 5, and one a step where rows share both bias corrections: large blocks make them few. An
H100 makes 1.5e12 steps/s of Adam on the tent with rows that share b1, and 5.4e11 on the wedge, 0.82 and 0.62 of the kernel's.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from hillopt.climbs.cheap_walk import CheapWalk, Lane
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, highest_met
from hillopt.landscapes import AbstractHill
from hillopt.lanes import in_rows, lanes_at_once, num_blocks, on_accelerator, steps_at_once, width_of_a_loop
from hillopt.loops import in_strides, varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import static

# Bytes of each number of a block in small loops: on slopes of size one, and on others, where every lane has a second moment. The
# more a step takes, the fewer lanes may come between two loops that a processor is to overlap. On one core of an AMD EPYC (Zen 5)
# with Adam, rows of 256, float32, blocks of 256, 512 and 1,024 lanes make 9.7, 11.6 and 13.1e9 steps/s on the tent, and 4.5, 4.6
# and 3.9e9 on the wedge; in float64 128, 256, 512 and 1,024 make 4.6, 6.6, 6.6 and 6.2e9, and 1.8, 1.8, 1.6 and 1.7e9.
OF_UNIT_SLOPES, OF_OTHERS = 4_096, 2_048
LONG = 16_384  # lanes, in other loops; there 2,048, 8,192 and 16,384 make 2.7, 3.5 and 3.9e9 on the tent (Zen 4)
STEPS_BETWEEN_LOOKS = 240  # divisible by most short periods
STEPS_OF_A_KERNEL = 30  # divides the above; twice as many take more than twice as long to compile and are hardly faster


class BlockedClimb(AbstractClimb):
    """Walk max_steps and keep the highest rise, at full speed in plain JAX; all answers are unchecked.

    A block stops early when nothing more can come of any of its lanes: each has escaped, or stands exactly where it stood
    before and so repeats itself, or has left all numbers. It is fastest where the learning rate varies along the last axis alone
    and the other numbers do not.
    """

    lanes: int | None = static(default=None)
    """Of a block, on a CPU; None for a good number."""

    proves: ClassVar[bool] = False

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        def climb(world: tuple[AbstractHill, AbstractOptimizer, Array | None]) -> Climbed:
            return _climb(*world, max_steps)

        return in_rows(climb, batch.world, batch.shape, batch.dtype, self._block_of(batch))

    def _block_of(self, batch: Batch) -> int:
        size = OF_UNIT_SLOPES if batch.hill.slope_is_unit else OF_OTHERS
        return width_of_a_loop(size // batch.dtype.itemsize, LONG) if self.lanes is None else self.lanes

    @property
    def block(self) -> int:
        """The widest there is, in float32."""
        return width_of_a_loop(OF_UNIT_SLOPES // 4, LONG) if self.lanes is None else self.lanes

    def call_shape(self, rows: int, columns: int, grid_columns: int) -> tuple[int, int]:
        """Whole blocks of whole rows, at least two of them; what is there on an accelerator, which has room for it."""
        if on_accelerator():
            return rows, columns
        lanes = lanes_at_once(self.block)
        columns = grid_columns if grid_columns <= lanes else num_blocks(columns, lanes) * lanes
        height = max(1, lanes // columns)
        return max(2, num_blocks(rows, height)) * height, columns


def _climb(hill: AbstractHill, optimizer: AbstractOptimizer, target: Array | None, max_steps: Array) -> Climbed:
    walk = CheapWalk(hill, optimizer)

    def is_walking(carry: tuple[Array, Lane, Lane, Array]) -> Array:
        num_steps, _, _, settled = carry
        return (num_steps <= max_steps - STEPS_BETWEEN_LOOKS) & ~settled

    def walk_on(carry: tuple[Array, Lane, Lane, Array]) -> tuple[Array, Lane, Lane, Array]:
        num_steps, lane, saved, _ = carry
        lane = _walked(walk, lane, STEPS_BETWEEN_LOOKS)
        rise = hill.rise(lane.position)
        settled = _is_same(lane, saved) | ~jnp.isfinite(rise)
        if target is not None:
            settled |= lane.highest >= target
        looks = num_steps // STEPS_BETWEEN_LOOKS + 1
        renew = (looks & (looks - 1)) == 0  # after 1, 2, 4, 8, ... looks (Brent 1980)
        saved = jax.tree.map(lambda new, old: jnp.where(renew, new, old), lane, saved)
        return num_steps + STEPS_BETWEEN_LOOKS, lane, saved, _in_all_lanes(settled)

    begin = (jnp.zeros_like(max_steps), walk.begin, walk.begin, jnp.zeros((), bool))
    num_steps, lane, _, settled = jax.lax.while_loop(is_walking, walk_on, varying_as_after(walk_on, begin))
    rest = jnp.where(settled, 0, max_steps - num_steps)
    lane = _walked(walk, lane, rest)
    return highest_met(hill.rise(lane.position), lane.highest, max_steps)


def _walked(walk: CheapWalk, lane: Lane, num_steps: int | Array) -> Lane:
    """The lane so many steps later."""

    def take_step(_: Array, lane: Lane) -> Lane:
        return walk.after(lane)

    return in_strides(0, num_steps, take_step, lane, steps_at_once(STEPS_OF_A_KERNEL))


def _is_same(lane: Lane, saved: Lane) -> Bool[Array, ""]:
    """Whether a walk is back at an earlier state, all that its future depends on."""
    same = jax.tree.map(lambda now, then: jnp.all(now == then), lane[:-1], saved[:-1])
    return jnp.all(jnp.asarray(jax.tree.leaves(same)))


@jax.custom_batching.custom_vmap
def _in_all_lanes(settled: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether it holds in every lane of the vmaps around: one answer for all of them."""
    return settled


@_in_all_lanes.def_vmap
def _in_all_of_a_batch(axis_size: int, in_batched: list[bool], settled: Array) -> tuple[Array, bool]:
    del axis_size
    return _in_all_lanes(jnp.all(settled, axis=0) if in_batched[0] else settled), False
