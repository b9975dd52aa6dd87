"""The climb without proofs on a GPU: one Pallas kernel, whose numbers stay in registers for the whole walk.

The kernel reads like its plain twin: numbers are loaded, the walk is walked, the highest rise is stored. The back end is
named by its parameters: without them a Pallas call means Mosaic on some versions of JAX, where a square root does not lower,
and Triton on others.
"""

import functools
import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas
from jax.experimental.pallas import triton
from jaxtyping import Array, Int

from hillopt.climbs.cheap_walk import CheapWalk, Lane
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, highest_met
from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_shape, filled, num_blocks
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
        rise, highest = _launch(batch, max_steps, self.lanes, self.interpret)
        return highest_met(rise, highest, max_steps)

    def why_not(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
        if np.ndim(hill.start) > 0:
            return f"positions on {type(hill).__name__} are vectors"
        if self.lanes & (self.lanes - 1):
            return "a program has a power of two of lanes"
        if self.interpret:
            return None
        if jax.default_backend() != "gpu":
            return f"it is for GPUs, and JAX walks on a {jax.default_backend().upper()}"
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
        """The kernel before it is lowered; `.lower(lowering_platforms=("cuda",))` takes no GPU."""
        launch = functools.partial(_launch, program=self.lanes, interpret=False)
        return jax.jit(lambda numbers, steps: launch(batch._replace(**numbers), steps)).trace(
            {"optimizer": batch.optimizer, "hill": batch.hill}, jax.ShapeDtypeStruct((), jnp.int32)
        )


def _launch(batch: Batch, max_steps: Array, program: int, interpret: bool) -> tuple[Array, Array]:
    """The last rise and the highest one before it, flat."""
    leaves, structure = jax.tree.flatten((batch.hill, batch.optimizer))
    leaves = [jnp.asarray(leaf, batch.dtype) for leaf in leaves]
    shared = [leaf.size == 1 for leaf in leaves]
    lanes = math.prod(batch.shape)
    programs = num_blocks(lanes, program)

    def laid_out(leaf: Array) -> Array:
        return filled(as_lanes(leaf, batch.shape, batch.dtype), programs * program)

    def climb(steps: Array, *numbers: Array) -> tuple[Array, Array]:
        hill, optimizer = jax.tree.unflatten(structure, numbers)
        return _climb(hill, optimizer, steps)

    def kernel(steps_ref: Any, *refs: Any) -> None:
        *numbers, rise_ref, highest_ref = refs
        loaded = [ref[0] if one else ref[...] for ref, one in zip(numbers, shared, strict=True)]
        along = [None if one else 0 for one in shared]
        rise, highest = jax.vmap(climb, (None, *along), axis_size=program)(steps_ref[0], *loaded)
        rise_ref[...] = rise
        highest_ref[...] = highest

    one_number = pallas.BlockSpec((1,), lambda index: (0,))
    a_program = pallas.BlockSpec((program,), lambda index: (index,))
    result = jax.ShapeDtypeStruct((programs * program,), batch.dtype)
    answers = pallas.pallas_call(
        kernel,
        out_shape=(result, result),
        grid=(programs,),
        in_specs=[one_number, *(one_number if one else a_program for one in shared)],
        out_specs=(a_program, a_program),
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
        interpret=interpret,
    )(
        max_steps.reshape(1),
        *(leaf.reshape(1) if one else laid_out(leaf) for leaf, one in zip(leaves, shared, strict=True)),
    )
    return tuple(answer[:lanes] for answer in answers)


def _climb(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Array) -> tuple[Array, Array]:
    walk = CheapWalk(hill, optimizer)

    def take_step(_: Array, lane: Lane) -> Lane:
        return walk.after(lane)

    lane = jax.lax.fori_loop(0, max_steps, take_step, walk.begin)
    return jnp.asarray(hill.rise(lane.position)), lane.highest
