"""The climb without proofs on a GPU: one Pallas kernel, whose numbers stay in registers for the whole walk.

The kernel reads like its plain twin: numbers are loaded, the walk is walked, the highest rise is stored. The back end is
named by its parameters: without them a Pallas call means Mosaic on some versions of JAX, where a square root does not lower,
and Triton on others.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas
from jax.experimental.pallas import triton
from jaxtyping import Array, Int

from hillopt.blocks import as_lanes, filled
from hillopt.climbs.lane import Lane, Walker
from hillopt.climbs.record import Batch, Climb, highest_met
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer

PROGRAM = 256  # of a program; a power of two
WARPS = 4


def climb_in_registers(hill: AbstractHill, batch: Batch, max_steps: Int[Array, ""]) -> Climb:
    """Walk exactly max_steps and keep the highest rise; all answers count as flagged.

    Where there is no GPU the kernel is interpreted, which is for tests.
    """
    rise, height = _launch(hill, batch, max_steps, interpret=jax.default_backend() != "gpu")
    return highest_met(rise, height, max_steps)


def why_not_in_registers(hill: AbstractHill, batch: Batch) -> str | None:
    """What keeps the kernel from serving, or None if nothing does."""
    if np.ndim(hill.start) > 0:
        return f"positions on {type(hill).__name__} are vectors"
    if jax.default_backend() == "tpu":
        return "it is for GPUs"
    if jax.default_backend() != "gpu":
        return None
    try:
        traced_for_gpu(hill, batch).lower(lowering_platforms=("cuda",))
    except Exception as error:  # whatever a compiler may say
        return f"the kernel does not lower: {str(error).splitlines()[0]}"
    return None


def traced_for_gpu(hill: AbstractHill, batch: Batch) -> jax.stages.Traced:
    """The kernel before it is lowered; `.lower(lowering_platforms=("cuda",))` takes no GPU."""
    launch = functools.partial(_launch, hill, interpret=False)
    return jax.jit(lambda numbers, steps: launch(batch._replace(**numbers), steps)).trace(
        {"optimizer": batch.optimizer, "ground": batch.ground}, jax.ShapeDtypeStruct((), jnp.int32)
    )


def _launch(hill: AbstractHill, batch: Batch, max_steps: Array, interpret: bool) -> tuple[Array, Array]:
    """The last rise and the highest one before it, flat."""
    leaves, structure = jax.tree.flatten((batch.optimizer, batch.ground))
    leaves = [jnp.asarray(leaf, batch.dtype) for leaf in leaves]
    shared = [leaf.size == 1 for leaf in leaves]
    lanes = math.prod(batch.shape)
    programs = -(-lanes // PROGRAM)

    def laid_out(leaf: Array) -> Array:
        return filled(as_lanes(leaf, batch.shape, batch.dtype), programs * PROGRAM)

    def climb(steps: Array, *numbers: Array) -> tuple[Array, Array]:
        optimizer, ground = jax.tree.unflatten(structure, numbers)
        return _climb(hill if ground is None else ground, optimizer, steps)

    def kernel(steps_ref: Any, *refs: Any) -> None:
        *numbers, rise_ref, height_ref = refs
        loaded = [ref[0] if one else ref[...] for ref, one in zip(numbers, shared, strict=True)]
        along = [None if one else 0 for one in shared]
        rise, height = jax.vmap(climb, (None, *along), axis_size=PROGRAM)(steps_ref[0], *loaded)
        rise_ref[...] = rise
        height_ref[...] = height

    one_number = pallas.BlockSpec((1,), lambda program: (0,))
    a_program = pallas.BlockSpec((PROGRAM,), lambda program: (program,))
    result = jax.ShapeDtypeStruct((programs * PROGRAM,), batch.dtype)
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
    walker = Walker(hill, optimizer)

    def take_step(_: Array, lane: Lane) -> Lane:
        return walker.after(lane)

    lane = jax.lax.fori_loop(0, max_steps, take_step, walker.begin)
    return jnp.asarray(hill.rise(lane.position)), lane.height
