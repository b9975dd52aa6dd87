"""One kernel on a GPU for a whole walk, whose numbers stay in registers from the first step to the last.

Kernels are written with Pallas for Triton, which JAX means to give up: it is looked for when a kernel is asked for, and where
there is none `why_not` says so, so that a climb in plain JAX serves instead.
"""

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun
from jaxtyping import Array, PyTree

from hillopt.lanes import aligned, filled, num_blocks, varies
from hillopt.lowerable import lowerable

# Lanes of every program may be spare in a row of columns: one part in so many, or else rows are not kept apart.
SPARE = 8


def why_not(*, interpret: bool = False) -> str | None:
    """Why no kernel can be run here, or None."""
    if not interpret and jax.default_backend() != "gpu":
        return f"it is for GPUs, and JAX walks on a {jax.default_backend().upper()}"
    try:
        _pallas_and_triton()
    except ImportError:
        return f"jax {jax.__version__} has no Pallas for Triton"
    return None


def why_not_lowered(function: Callable, *shapes: PyTree) -> str | None:
    """Why a function that calls a kernel cannot be lowered by the installed JAX, or None; no GPU is asked."""
    try:
        jax.jit(function).trace(*shapes).lower(lowering_platforms=("cuda",))
    except Exception as error:  # whatever a compiler may say
        return f"the kernel does not lower: {str(error).splitlines()[0]}"
    return None


def _pallas_and_triton() -> tuple[ModuleType, ModuleType]:
    from jax.experimental import pallas
    from jax.experimental.pallas import triton

    return pallas, triton


class Programs(NamedTuple):
    """How settings are dealt to the programs of a kernel: each has so many lanes, all in one row where rows are kept apart."""

    rows: int
    columns: int
    lanes: int
    """Of a program."""

    @property
    def pieces(self) -> int:
        """Programs that a row takes, the last one perhaps not full."""
        return num_blocks(self.columns, self.lanes)

    @property
    def number(self) -> int:
        return self.rows * self.pieces


def programs_of(shape: tuple[int, ...], lanes: int) -> Programs:
    """Rows along the last axis, unless they would leave many lanes without a setting."""
    columns, rows = (shape or (1,))[-1], math.prod(shape[:-1])
    in_rows = Programs(rows, columns, lanes)
    spare = in_rows.pieces * lanes - columns
    return in_rows if rows == 1 or spare * SPARE <= columns else Programs(1, rows * columns, lanes)


def numbers_of_a_lane(tree: PyTree, shape: tuple[int, ...], lanes: int) -> int:
    """How many of the leaves, which broadcast to `shape`, differ between the lanes of a program of so many."""
    dealt = programs_of(shape, lanes)
    return sum(_by_lane(dealt, shape, np.shape(leaf)) for leaf in jax.tree.leaves(tree))


def in_registers(
    function: Callable[[PyTree], PyTree],
    tree: PyTree,
    shape: tuple[int, ...],
    *,
    lanes: int,
    warps: int,
    interpret: bool = False,
) -> PyTree:
    """Map `function`, which takes and gives one program's lanes, over leaves that broadcast to `shape`; answers are flat.

    A program's leaves are scalars where all of its lanes share the number, and else have one lane axis; results have either.
    `lanes` of a program are a power of two; 32 x `warps` threads walk them. `interpret` runs the kernel without a GPU. A function
    of a module is traced once for all calls with these shapes.
    """
    pallas, triton = _pallas_and_triton()
    dealt = programs_of(shape, lanes)
    leaves, structure = jax.tree.flatten(tree)
    leaves = [jnp.asarray(leaf) for leaf in leaves]
    kinds = [leaf.dtype for leaf in leaves]
    numbers, specs = zip(*(_dealt(pallas, dealt, shape, leaf) for leaf in leaves), strict=True)

    def read(ref: Any, spec: Any, kind: Any) -> Array:
        number = ref[...] if spec.block_shape == (lanes,) else ref[0]
        return number != 0 if kind == jnp.bool_ else number

    def run(*loaded: Array) -> PyTree:
        found = _traced_once(function)(jax.tree.unflatten(structure, loaded))
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (lanes,)), found)

    examples = (
        jax.ShapeDtypeStruct((lanes,) if spec.block_shape == (lanes,) else (), kind)
        for spec, kind in zip(specs, kinds, strict=True)
    )
    traced, shapes = jax.make_jaxpr(run, return_shape=True)(*examples)
    results = jax.tree.leaves(shapes)

    def kernel(*refs: Any) -> None:
        given, answers = refs[: len(leaves)], refs[len(leaves) :]
        found = jaxpr_as_fun(traced)(*(read(*each) for each in zip(given, specs, kinds, strict=True)))
        for ref, answer in zip(answers, found, strict=True):
            ref[...] = answer.astype(ref.dtype)

    # The back end is named by its parameters: without them a Pallas call means Mosaic on some versions of JAX, where a square
    # root does not lower, and Triton on others.
    answers = pallas.pallas_call(
        kernel,
        out_shape=[jax.ShapeDtypeStruct((dealt.number * lanes,), _in_memory(each.dtype)) for each in results],
        grid=(dealt.number,),
        in_specs=specs,
        out_specs=[pallas.BlockSpec((lanes,), lambda index: (index,))] * len(results),
        compiler_params=triton.CompilerParams(num_warps=warps, num_stages=1),
        interpret=interpret,
    )(*numbers)

    def put_together(answer: Array, dtype: Any) -> Array:
        rows = answer.reshape(dealt.rows, dealt.pieces * lanes)
        return rows[:, : dealt.columns].reshape(-1).astype(dtype)

    flat = [put_together(answer, each.dtype) for answer, each in zip(answers, results, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(shapes), flat)


@functools.lru_cache(maxsize=64)
def _traced_once(function: Callable[[PyTree], PyTree]) -> Callable[[PyTree], PyTree]:
    """For Triton; whoever asks whether a kernel lowers, and then runs it, traces it once."""
    return jax.jit(lowerable(function))


def _in_memory(dtype: Any) -> Any:
    """Kernels read and write no booleans."""
    return jnp.int32 if dtype == jnp.bool_ else dtype


def _is_flat(dealt: Programs, shape: tuple[int, ...]) -> bool:
    return dealt.rows != math.prod(shape[:-1])


def _by_lane(dealt: Programs, shape: tuple[int, ...], of_leaf: tuple[int, ...]) -> bool:
    over_rows, over_columns = varies(of_leaf)
    return over_columns or (over_rows and _is_flat(dealt, shape))


def _dealt(pallas: ModuleType, dealt: Programs, shape: tuple[int, ...], leaf: Array) -> tuple[Array, Any]:
    """A number as often as it differs, and which part of it a program reads."""
    leaf = aligned(leaf.astype(_in_memory(leaf.dtype)), shape)
    over_rows, over_columns = varies(leaf.shape)
    if not (over_rows or over_columns):
        return leaf.reshape(1), pallas.BlockSpec((1,), lambda index: (0,))
    pieces, width = dealt.pieces, dealt.pieces * dealt.lanes
    if not _by_lane(dealt, shape, leaf.shape):
        by_row = jnp.broadcast_to(leaf, (*shape[:-1], 1)).reshape(-1)
        return by_row, pallas.BlockSpec((1,), lambda index: (index // pieces,))
    if over_columns and not over_rows and not _is_flat(dealt, shape):
        one_row = filled(leaf.reshape(-1), width)
        return one_row, pallas.BlockSpec((dealt.lanes,), lambda index: (index % pieces,))
    whole = filled(jnp.broadcast_to(leaf, shape).reshape(dealt.rows, dealt.columns), width, axis=1).reshape(-1)
    return whole, pallas.BlockSpec((dealt.lanes,), lambda index: (index,))
