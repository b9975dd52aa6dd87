"""The batch: a climb over many settings, in blocks that fit the cache."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

# Lanes of a block. Measured on one core of an AMD EPYC (Zen 4, 1 MB of second-level cache), Adam, float32, rows of 256: blocks
# of 2,048, 8,192, 16,384 lanes make 2.7, 3.5, 3.9e9 steps/s on a slope of constant size. A lone row, whose lanes may differ in
# all numbers and take more of the cache, is cut into blocks half as long.
LANES = 16_384


def in_blocks(climb: Callable, block: int) -> Callable:
    """Map `climb(*trees)`, which takes leaves with one lane axis, over leaves of any common length of at least 1.

    The last block is filled up with copies of the first lane. A lane's answer depends on no other lane: nothing is summed
    across lanes, and though a block walks until all of its lanes have stopped, each lane's answer is frozen when its own
    walk is over. (Blocks of another width, or a single one, are another program to the compiler, which may round the last
    digit otherwise.)
    """

    def run(*trees: Any) -> Any:
        (length,) = {leaf.shape[0] for leaf in jax.tree.leaves(trees)}
        width = min(lanes_at_once(block), length)
        number = -(-length // width)

        def split(leaf: Array) -> Array:
            return filled(leaf, number * width).reshape(number, width)

        answers = jax.lax.map(lambda trees: climb(*trees), jax.tree.map(split, trees))
        return jax.tree.map(lambda leaf: leaf.reshape(number * width)[:length], answers)

    return run


def in_rows(climb: Callable[[Any], Any], tree: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Map `climb`, which takes a tree of scalars, over leaves that broadcast to `shape`; answers are flat.

    The last axis is laid out in columns and all others in rows. A number that all settings share, or a row, or a column, is
    handed to the nested vmaps as such. Blocks of rows and columns have about `LANES` settings; the last ones are filled up.
    """
    columns, rows = (shape or (1,))[-1], math.prod(shape[:-1])
    lanes = lanes_at_once(LANES if rows > 1 else LANES // 2)
    pieces = -(-columns // lanes)
    width = -(-columns // pieces)
    height = max(1, min(rows, lanes // width))
    stacks = -(-rows // height)
    leaves, structure = jax.tree.flatten(tree)
    leaves = [jnp.asarray(leaf, dtype) for leaf in leaves]
    aligned = [leaf.reshape((1,) * (len(shape) - leaf.ndim) + leaf.shape) for leaf in leaves]
    by_row = [math.prod(leaf.shape[:-1]) > 1 for leaf in aligned]
    by_column = [leaf.ndim > 0 and leaf.shape[-1] > 1 for leaf in aligned]

    def lay_out(leaf: Array, over_rows: bool, over_columns: bool) -> Array:
        """[stack, row] and [piece, column] as far as the number differs there."""
        if over_rows:
            leaf = jnp.broadcast_to(leaf, (*shape[:-1], leaf.shape[-1])).reshape(rows, -1)
            leaf = filled(leaf, stacks * height).reshape(stacks, height, -1)
        else:
            leaf = leaf.reshape(1, 1, -1)
        leaf = filled(leaf, pieces * width, axis=2) if over_columns else leaf
        leaf = leaf.reshape(*leaf.shape[:2], -1, width if over_columns else 1)
        return jnp.moveaxis(leaf, 2, 1)  # [stack, piece, row, column]

    grids = [lay_out(*each) for each in zip(aligned, by_row, by_column, strict=True)]
    along_row = [0 if varies else None for varies in by_row]
    along_column = [0 if varies else None for varies in by_column]

    def one(*numbers: Array) -> Any:
        return climb(jax.tree.unflatten(structure, numbers))

    of_row = jax.vmap(one, along_column, axis_size=width)
    of_block = jax.vmap(of_row, along_row, axis_size=height)

    def block(index: Array) -> Any:
        stack, piece = index // pieces, index % pieces
        numbers = []
        for grid, over_rows, over_columns in zip(grids, by_row, by_column, strict=True):
            part = grid[stack if over_rows else 0, piece if over_columns else 0]
            part = part if over_columns else part[:, 0]
            numbers.append(part if over_rows else part[0])
        return of_block(*numbers)

    answers = jax.lax.map(block, jnp.arange(stacks * pieces))

    def flat(leaf: Array) -> Array:
        whole = jnp.moveaxis(leaf.reshape(stacks, pieces, height, width), 1, 2).reshape(stacks * height, pieces * width)
        return whole[:rows, :columns].reshape(-1)

    return jax.tree.map(flat, answers)


def filled(leaf: Array, length: int, axis: int = 0) -> Array:
    """An axis filled up to a length with copies of its first entry."""
    first = jax.lax.slice_in_dim(leaf, 0, 1, axis=axis)
    more = jnp.repeat(first, length - leaf.shape[axis], axis=axis)
    return jnp.concatenate([leaf, more], axis)


def lanes_at_once(of_a_core: int) -> int:
    """Lanes to walk side by side: what a core's cache holds, or enough to fill an accelerator."""
    return of_a_core if jax.default_backend() == "cpu" else 2**20


def compiler_options() -> dict[str, Any]:
    """For whoever compiles walks into a program of their own: `jax.jit(f, compiler_options=ho.compiler_options())`.

    On a core of an AMD EPYC (Zen 4) 512-bit vectors make general steps 1.1 times as many.
    """
    return {"xla_cpu_prefer_vector_width": 512} if jax.default_backend() == "cpu" else {}


def common_shape(tree: Any) -> tuple[int, ...]:
    """The shape that all leaves broadcast to."""
    return jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(tree)))


def as_lanes(tree: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Every leaf in one dtype, broadcast to a shape and laid out along one lane axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf, dtype), shape).reshape(-1), tree)
