"""Many settings side by side: laid out as lanes, cut into blocks, filled up, gathered, and put back into their shape.

A walk is written for one setting. Here is everything that turns it into a walk of many: whoever asks for arrays that
broadcast, walks a tile of a sweep, or walks every setting a thousand times with noise, comes here.
"""

import functools
import math
import os
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Int, PyTree

from hillopt.pytrees import AbstractPytree, is_traced

# An option of XLA's CPU back end: a loop whose arrays have at most so many bytes becomes one function, in which its numbers stay
# in the nearest cache and nothing is started anew each round. JAX does so by itself from 0.12 on.
SMALL_LOOPS, SMALL_LOOP_BYTES, SMALL_LOOPS_SINCE = "xla_cpu_small_while_loop_byte_threshold", 2**18, (0, 12)
LANES_OF_AN_ACCELERATOR = 2**20  # enough to fill one
# Of a block of rows there, whose lanes take little memory, and whose every round is some launches. With 2^20, 2^21 and 2^22 an
# H100 makes 1.06, 1.26 and 1.48e12 steps/s of Adam on the tent in float32.
LANES_IN_ROWS = 2**22
EACH = 4_096  # lanes of a block where nothing better is known


def on_accelerator() -> bool:
    """Whether JAX walks on a GPU or its like."""
    return jax.default_backend() != "cpu"


def xla_flags() -> str:
    """The environment's XLA_FLAGS with what makes walks on a CPU faster; for notebooks, before JAX computes anything:

        os.environ["XLA_FLAGS"] = ho.xla_flags()

    The commands that sweep do so. With JAX before 0.12, on a core of an AMD EPYC (Zen 4), lattice walks take half the time, and
    steps without proofs are 1.2 to 1.8 times as many. From JAX 0.12 on it changes nothing.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if SMALL_LOOPS in flags:
        return flags
    return f"{flags} --xla_backend_extra_options={SMALL_LOOPS}={SMALL_LOOP_BYTES}".strip()


def width_of_a_loop(short: int, long: int) -> int:
    """Lanes of a block: where XLA makes small loops a function, or where it does not."""
    are_functions = jax.__version_info__ >= SMALL_LOOPS_SINCE or SMALL_LOOPS in os.environ.get("XLA_FLAGS", "")
    return short if are_functions else long


def lanes_at_once(of_a_core: int) -> int:
    """Lanes to walk side by side: what a core's cache holds, or enough to fill an accelerator."""
    return LANES_OF_AN_ACCELERATOR if on_accelerator() else of_a_core


def steps_at_once(of_an_accelerator: int) -> int:
    """Steps in one round of a loop: XLA makes one kernel of them there, but several on a CPU (`hillopt.climbs.blocked`)."""
    return of_an_accelerator if on_accelerator() else 1


def compiler_options() -> dict[str, bool | int | str]:
    """For whoever compiles walks into a program of their own: `jax.jit(f, compiler_options=ho.compiler_options())`.

    On a core of an AMD EPYC (Zen 4) 512-bit vectors make general steps 1.1 times as many. On a GPU XLA asks the host in every
    round of a loop whether to go on, unless it may make a command buffer of it, however short.
    """
    options: dict[str, dict[str, bool | int | str]] = {
        "cpu": {"xla_cpu_prefer_vector_width": 512},
        "gpu": {"xla_gpu_enable_command_buffer": "FUSION,WHILE", "xla_gpu_graph_min_graph_size": 1},
    }
    return options.get(jax.default_backend(), {})


def common_shape(tree: PyTree) -> tuple[int, ...]:
    """The shape that all leaves broadcast to; ValueError if they do not."""
    shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(tree)]
    try:
        return jnp.broadcast_shapes(*shapes)
    except ValueError as error:
        told = " and ".join(str(shape) for shape in dict.fromkeys(shapes) if shape)
        raise ValueError(
            f"the numbers' shapes {told} do not broadcast against each other; give them one shape, or axes of length 1."
        ) from error


def common_dtype(tree: PyTree) -> np.dtype:
    """The dtype that all leaves are promoted to."""
    return jnp.result_type(*jax.tree.leaves(tree))


def as_lanes(tree: PyTree, shape: tuple[int, ...], dtype: DTypeLike) -> PyTree:
    """Every leaf in one dtype, broadcast to a shape and laid out along one lane axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf, dtype), shape).reshape(-1), tree)


def keys_as_lanes(key: Array, shape: tuple[int, ...]) -> Array:
    """A key for every lane: those given, or made from the only one and the lane's index."""
    if key.ndim:
        return jnp.broadcast_to(key, shape).reshape(-1)
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(math.prod(shape)))


def in_shape(tree: PyTree, shape: tuple[int, ...]) -> PyTree:
    """Leaves whose first axis are lanes, with the settings' shape in its place."""
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), tree)


def num_blocks(length: int, width: int) -> int:
    """Blocks of a width that a length takes, the last one perhaps not full."""
    return -(-length // width)


def size_class(length: int) -> int:
    """The length filled up by at most an eighth, so that lengths that differ a little share a compilation."""
    step = 1 << max(0, length.bit_length() - 4)
    return num_blocks(length, step) * step


def in_size_class(world: PyTree) -> tuple[PyTree, int | None]:
    """One row of settings filled up to a length that others share, so that they share a compilation; and its own length.

    Nothing is done to settings in another shape, and to those that are being traced: None. `cut_back` undoes it in an answer.
    """
    shape = common_shape(world)
    length = size_class(shape[0]) if len(shape) == 1 else 0
    if length <= sum(shape) or is_traced(world):
        return world, None
    chosen = np.arange(length) % shape[0]
    return jax.tree.map(lambda leaf: leaf[chosen] if jnp.shape(leaf) == shape else leaf, world), shape[0]


def cut_back(answer: PyTree, length: int | None, axis: int = -1) -> PyTree:
    """Those settings of an answer, along an axis, that were asked for."""
    if length is None:
        return answer
    return jax.tree.map(lambda leaf: jax.lax.slice_in_dim(leaf, 0, length, axis=axis), answer)


def filled(leaf: Array, length: int, axis: int = 0) -> Array:
    """An axis filled up to a length with copies of its first entry."""
    first = jax.lax.slice_in_dim(leaf, 0, 1, axis=axis)
    more = jnp.repeat(first, length - leaf.shape[axis], axis=axis)
    return jnp.concatenate([leaf, more], axis)


def setting_by_setting(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """Lift `function(hill, optimizer, key)` of one setting to settings: their numbers broadcast, answers get the shape.

    Decorates a question's `answer`, whose first argument is the question:

        @ho.setting_by_setting
        def answer(self, hill, optimizer, key): ...

    `key` may be None. Settings are walked in blocks of `EACH`. Fields of the answer with dimensions of their own have them first.
    """

    @functools.wraps(function)
    def lifted(self: AbstractPytree, hill: PyTree, optimizer: PyTree, key: Array | None) -> PyTree:
        def one(numbers: dict[str, Array], *setting: PyTree) -> PyTree:
            return function(self.replace(**numbers), *setting)

        world = (self.hyperparameters(), hill, optimizer)
        shape = common_shape(world)
        dtype = common_dtype(hill if optimizer is None else optimizer)
        shape = shape if key is None else jnp.broadcast_shapes(key.shape, shape)
        keys = None if key is None else keys_as_lanes(key, shape)
        answers = in_blocks(jax.vmap(one), EACH)(*as_lanes(world, shape, dtype), keys)
        behind = range(-len(shape), 0)
        return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, range(len(shape)), behind), in_shape(answers, shape))

    return lifted


def in_blocks(climb: Callable, block: int) -> Callable:
    """Map `climb(*trees)`, which takes leaves with one lane axis, over leaves of any common length of at least 1.

    The last block is filled up with copies of the first lane. A lane's answer depends on no other lane: nothing is summed
    across lanes, and though a block walks until all of its lanes have stopped, each lane's answer is frozen when its own
    walk is over. (Blocks of another width, or a single one, are another program to the compiler, which may round the last
    digit otherwise.)
    """

    def run(*trees: PyTree) -> PyTree:
        (length,) = {leaf.shape[0] for leaf in jax.tree.leaves(trees)}
        width = min(lanes_at_once(block), length)
        blocks = num_blocks(length, width)

        def split(leaf: Array) -> Array:
            return filled(leaf, blocks * width).reshape(blocks, width)

        answers = jax.lax.map(lambda trees: climb(*trees), jax.tree.map(split, trees))
        return jax.tree.map(lambda leaf: leaf.reshape(blocks * width, *leaf.shape[2:])[:length], answers)

    return run


def in_lanes(
    function: Callable[..., PyTree], trees: tuple, shape: tuple[int, ...], dtype: DTypeLike, block: int, axis_name: str
) -> PyTree:
    """Map `function(*trees)` of one setting over leaves that broadcast to `shape`, which the answer gets, in blocks of lanes.

    A number that all settings share is handed over as such, and what is made of those alone is made once a block. Inside,
    `axis_name` is the axis of a block's lanes.
    """
    leaves, structure = jax.tree.flatten(trees)
    alone = math.prod(shape) == 1
    is_shared = [jnp.size(leaf) == 1 and not alone for leaf in leaves]
    shared = [jnp.asarray(leaf, dtype).reshape(()) for leaf, so in zip(leaves, is_shared, strict=True) if so]
    varying = [leaf for leaf, so in zip(leaves, is_shared, strict=True) if not so]

    def one(numbers: list[Array]) -> PyTree:
        ours, own = iter(shared), iter(numbers)
        return function(*jax.tree.unflatten(structure, [next(ours if so else own) for so in is_shared]))

    climb = jax.vmap(one, axis_name=axis_name)
    return in_shape(in_blocks(climb, block)(as_lanes(varying, shape, dtype)), shape)


class Rows(NamedTuple):
    """How settings in rows and columns are cut into blocks."""

    rows: int
    columns: int
    height: int
    """Rows of a block."""
    width: int
    """Columns of a block."""

    @property
    def stacks(self) -> int:
        """Blocks above one another."""
        return num_blocks(self.rows, self.height)

    @property
    def pieces(self) -> int:
        """Blocks beside one another."""
        return num_blocks(self.columns, self.width)


def aligned(leaf: Array, shape: tuple[int, ...]) -> Array:
    """A number that broadcasts to a shape, with an axis for each of its axes."""
    return leaf.reshape((1,) * (len(shape) - leaf.ndim) + leaf.shape)


def varies(shape: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether a number of such a shape differs from row to row, and from column to column."""
    return math.prod(shape[:-1]) > 1, len(shape) > 0 and shape[-1] > 1


def rows_of(shape: tuple[int, ...], of_a_core: int) -> Rows:
    """The cut of a shape: its last axis is laid out in columns and all others in rows.

    A lone row, whose lanes may differ in all numbers and take more of the cache, is cut into blocks half as long.
    """
    columns, rows = (shape or (1,))[-1], math.prod(shape[:-1])
    of_a_core = of_a_core if rows > 1 else of_a_core // 2
    lanes = LANES_IN_ROWS if on_accelerator() else of_a_core
    width = num_blocks(columns, num_blocks(columns, lanes))
    height = max(1, min(rows, lanes // width))
    if on_accelerator():  # whose blocks are so large that one half empty would count
        height = num_blocks(rows, num_blocks(rows, height))
    return Rows(rows, columns, height, width)


def in_rows(
    climb: Callable[[PyTree], PyTree], tree: PyTree, shape: tuple[int, ...], dtype: DTypeLike, of_a_core: int
) -> PyTree:
    """Map `climb`, which takes a tree of scalars, over leaves that broadcast to `shape`; answers are flat.

    A number that all settings share, or a row, or a column, is handed to the nested vmaps as such. Blocks of rows and columns
    have about `of_a_core` settings; the last ones are filled up.
    """
    cut = rows_of(shape, of_a_core)
    leaves, structure = jax.tree.flatten(tree)
    leaves = [aligned(jnp.asarray(leaf, dtype), shape) for leaf in leaves]
    by_row, by_column = zip(*(varies(leaf.shape) for leaf in leaves), strict=True)
    grids = [_laid_out(cut, shape, *each) for each in zip(leaves, by_row, by_column, strict=True)]

    def one(*numbers: Array) -> PyTree:
        return climb(jax.tree.unflatten(structure, numbers))

    of_row = jax.vmap(one, [0 if varies else None for varies in by_column], axis_size=cut.width)
    of_block = jax.vmap(of_row, [0 if varies else None for varies in by_row], axis_size=cut.height)

    def block(index: Array) -> PyTree:
        stack, piece = index // cut.pieces, index % cut.pieces
        numbers = []
        for grid, over_rows, over_columns in zip(grids, by_row, by_column, strict=True):
            part = grid[stack if over_rows else 0, piece if over_columns else 0]
            part = part if over_columns else part[:, 0]
            numbers.append(part if over_rows else part[0])
        return of_block(*numbers)

    answers = jax.lax.map(block, jnp.arange(cut.stacks * cut.pieces))
    return jax.tree.map(functools.partial(_put_together, cut), answers)


def _laid_out(cut: Rows, shape: tuple[int, ...], leaf: Array, over_rows: bool, over_columns: bool) -> Array:
    """[stack, piece, row, column] as far as the number differs there."""
    if over_rows:
        leaf = jnp.broadcast_to(leaf, (*shape[:-1], leaf.shape[-1])).reshape(cut.rows, -1)
        leaf = filled(leaf, cut.stacks * cut.height).reshape(cut.stacks, cut.height, -1)
    else:
        leaf = leaf.reshape(1, 1, -1)
    leaf = filled(leaf, cut.pieces * cut.width, axis=2) if over_columns else leaf
    leaf = leaf.reshape(*leaf.shape[:2], -1, cut.width if over_columns else 1)
    return jnp.moveaxis(leaf, 2, 1)


def _put_together(cut: Rows, leaf: Array) -> Array:
    """Blocks as the flat settings that they were cut from."""
    blocks = jnp.moveaxis(leaf.reshape(cut.stacks, cut.pieces, cut.height, cut.width), 1, 2)
    whole = blocks.reshape(cut.stacks * cut.height, cut.pieces * cut.width)
    return whole[: cut.rows, : cut.columns].reshape(-1)


def where_going(
    going: Bool[Array, " lane"], walk_on: Callable[[PyTree, PyTree], PyTree], numbers: PyTree, carry: PyTree, block: int
) -> PyTree:
    """`carry = walk_on(numbers, carry)` for the lanes that are going, gathered into blocks: the others cost nothing.

    Leaves of `numbers` and `carry` have one lane axis.
    """
    (lanes,) = going.shape
    width = min(lanes_at_once(block), lanes)
    (order,) = jnp.nonzero(going, size=num_blocks(lanes, width) * width, fill_value=lanes)

    def walk_block(index: Int[Array, ""], carry: PyTree) -> PyTree:
        chosen = jax.lax.dynamic_slice_in_dim(order, index * width, width)
        part = jax.tree.map(lambda leaf: leaf.at[chosen].get(mode="clip"), (numbers, carry))
        return jax.tree.map(lambda leaf, new: leaf.at[chosen].set(new, mode="drop"), carry, walk_on(*part))

    return jax.lax.fori_loop(0, (going.sum(dtype=jnp.int32) + width - 1) // width, walk_block, carry)
