"""The climb with certificates in exact coordinates: window after window (`hillopt.climbs.windows`) until every walk is over.

On a CPU a round is one window for the lanes that are walking still, gathered into blocks. On a GPU the whole climb is one kernel:
each program sets out, walks and tells for its own lanes, ends when the last of them has stopped, and waits for nobody. Where the
installed JAX cannot lower it, rounds serve there too.
"""

import functools
from collections.abc import Callable
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from hillopt import kernels
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed
from hillopt.climbs.windows import Progress, Task, is_walking, set_out, start_after, told, walk_window
from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_dtype, steps_at_once, where_going, width_of_a_loop
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.proofs import lattice_of
from hillopt.pytrees import static

# Lanes side by side, in small loops and in others. On one core of an AMD EPYC (Zen 4) 128 x 128 settings of Adam take 0.14, 0.17,
# 0.19 and 0.38 s in small loops of 64, 256, 512 and 2,048, and in others 0.21, 0.27 and 0.32 s with 256, 512 and 2,048.
SHORT, LONG = 128, 512
# Lanes of a program, one for each thread of a warp: all of them walk as far as the longest walk of the program. In machine code
# for an H100 nothing of Adam is spilled; a step of float64 is 47 instructions, and 128 where a return is watched for.
PROGRAM, WARPS = 32, 1
# Steps in one round of a loop where there is a GPU but no kernel: 46 or 88 MB a round, for 262,144 settings, instead of a step.
STRIDE = 8


class LatticeClimb(AbstractClimb):
    """Climb in exact coordinates, with certificates: for optimizers that move on a lattice, on slopes of -1 and +1."""

    lanes: int | None = static(default=None)
    """Of a block, on a CPU; None for a good number."""

    proves: ClassVar[bool] = True
    gathers: ClassVar[bool] = True

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        """Numbers of a shorter format are walked with in float64, where what is not known of them outweighs all rounding."""
        with jax.enable_x64(True):
            return self._climb(batch, max_steps)

    def _climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        if why_no_kernel(batch) is None:
            return climb_in_registers(batch, max_steps)
        # The hill's slope is -1 and +1, its run 1. A number that all lanes share would be computed with by itself, which rounds
        # the last digit otherwise than in a row: behind the barrier every lane has its own.
        _, optimizer, target = jax.lax.optimization_barrier(batch.lanes())
        return _climb(optimizer, target, max_steps, functools.partial(_walk_round, self.block))

    def why_not(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
        if not hill.slope_is_unit:
            return f"the slopes of {hill.label()} are not all of size one"
        if jax.eval_shape(lattice_of, as_arrays(optimizer)) is None:
            return f"{optimizer.label()} does not move on a lattice"
        return None

    @property
    def block(self) -> int:
        return width_of_a_loop(SHORT, LONG) if self.lanes is None else self.lanes


def _climb(
    optimizer: AbstractOptimizer,
    target: Array | None,
    max_steps: Array,
    walk_on: Callable[[Task, Array, Progress], Progress],
) -> Climbed:
    """All lanes, `walk_on` taking those that are walking through one window, which begins at the same step for all of them."""
    task, progress = set_out(optimizer, target, max_steps)

    def walk_round(carry: tuple[Array, Progress]) -> tuple[Array, Progress]:
        start, progress = carry
        return start_after(start), walk_on(task, start, progress)

    def is_any_walking(carry: tuple[Array, Progress]) -> Array:
        return jnp.max(is_walking(task, *carry).astype(jnp.int32)) > 0  # kernels know no `any`

    carry = varying_as_after(walk_round, (jnp.zeros((), jnp.int32), progress))
    _, progress = jax.lax.while_loop(is_any_walking, walk_round, carry)
    return told(task, progress, max_steps)


def _walk_round(block: int, task: Task, start: Array, progress: Progress) -> Progress:
    """Only the lanes that are walking cost anything."""

    def walk(task: Task, progress: Progress) -> Progress:
        return walk_window(task, start, progress, steps_at_once(STRIDE))

    return where_going(is_walking(task, start, progress), walk, task, progress, block)


def climb_in_registers(batch: Batch, max_steps: Int[Array, ""], *, interpret: bool = False) -> Climbed:
    """The climb as one kernel; `interpret` runs it without a GPU, operation by operation."""
    numbers = jax.tree.map(lambda leaf: jnp.asarray(leaf, batch.dtype), (batch.optimizer, batch.target))
    return kernels.in_registers(
        _climb_of_a_program, (*numbers, max_steps), batch.shape, lanes=PROGRAM, warps=WARPS, interpret=interpret
    )


def _climb_of_a_program(numbers: tuple[AbstractOptimizer, Array | None, Array]) -> Climbed:
    *given, max_steps = numbers
    optimizer, target = as_lanes(given, (PROGRAM,), common_dtype(given))
    return _climb(optimizer, target, max_steps, walk_window)


def why_no_kernel(batch: Batch) -> str | None:
    """Why a batch is climbed in rounds, or None if a kernel serves."""
    reason = kernels.why_not()
    if reason is None and jax.sharding.get_abstract_mesh().manual_axes:
        reason = "it is inside shard_map"
    leaves, structure = jax.tree.flatten(batch.world)
    return reason or _why_not_lowered(structure, tuple(map(jnp.shape, leaves)), batch.shape, batch.dtype)


@functools.cache
def _why_not_lowered(
    structure: jax.tree_util.PyTreeDef, shapes: tuple[tuple[int, ...], ...], shape: tuple[int, ...], dtype: np.dtype
) -> str | None:
    """Asked of the very shapes that are climbed, of which the kernel need then not be traced again."""

    def climb(world: tuple[AbstractHill, AbstractOptimizer, Array | None], max_steps: Array) -> Climbed:
        hill, optimizer, target = world
        return climb_in_registers(Batch(optimizer, hill, target, shape), max_steps)

    world = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(each, dtype) for each in shapes])
    return kernels.why_not_lowered(climb, world, jax.ShapeDtypeStruct((), jnp.int32))
