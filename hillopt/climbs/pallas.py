"""The climb without proofs on a GPU: one kernel, whose numbers stay in registers for the whole walk.

The kernel reads like its plain twin: numbers are loaded, the walk is walked, the highest rise is stored.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from hillopt.climbs.cheap_walk import CheapWalk, Lane
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, highest_met
from hillopt.kernels import in_registers, why_not
from hillopt.landscapes import AbstractHill
from hillopt.lanes import common_shape
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import static

PROGRAM = 256  # lanes of a program; a power of two
WARPS = 4


class PallasClimb(AbstractClimb):
    """Walk exactly max_steps in one kernel on a GPU and keep the highest rise; all answers are unchecked."""

    lanes: int = static(default=PROGRAM)
    """Of a program; a power of two."""
    interpret: bool = static(default=False)
    """Run the kernel without a GPU, operation by operation: for tests."""

    proves: ClassVar[bool] = False

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        world = jax.tree.map(lambda leaf: jnp.asarray(leaf, batch.dtype), (batch.hill, batch.optimizer))
        rise, highest = in_registers(
            _climb, (*world, max_steps), batch.shape, lanes=self.lanes, warps=WARPS, interpret=self.interpret
        )
        return highest_met(rise, highest, max_steps)

    def why_not(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
        if np.ndim(hill.start) > 0:
            return f"positions on {type(hill).__name__} are vectors"
        if self.lanes & (self.lanes - 1):
            return "a program has a power of two of lanes"
        if self.interpret:
            return None
        reason = why_not()
        if reason is not None:
            return reason
        batch = Batch(as_arrays(optimizer), hill, None, common_shape((optimizer, hill)))
        try:
            self.traced_for_gpu(batch).lower(lowering_platforms=("cuda",))
        except Exception as error:  # whatever a compiler may say
            return f"the kernel does not lower: {str(error).splitlines()[0]}"
        return None

    @property
    def block(self) -> int:
        return self.lanes

    def traced_for_gpu(self, batch: Batch) -> jax.stages.Traced:
        """The climb before it is lowered; `.lower(lowering_platforms=("cuda",))` takes no GPU."""
        on_gpu = self.replace(interpret=False)
        return jax.jit(lambda numbers, steps: on_gpu.climb(batch._replace(**numbers), steps)).trace(
            {"optimizer": batch.optimizer, "hill": batch.hill}, jax.ShapeDtypeStruct((), jnp.int32)
        )


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
