"""The batch: a climb over many settings, in blocks that fit the cache."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def in_blocks(climb: Callable, block: int) -> Callable:
    """Map `climb(*trees)`, which takes leaves with one lane axis, over leaves of any common length of at least 1.

    The last block is filled up with copies of the first lane. A lane's answer depends on no other lane: nothing is summed
    across lanes, and though a block walks until all of its lanes have stopped, each lane's answer is frozen when its own
    walk is over. (Blocks of another width, or a single one, are another program to the compiler, which may round the last
    digit otherwise.)
    """

    def run(*trees: Any) -> Any:
        (length,) = {leaf.shape[0] for leaf in jax.tree.leaves(trees)}
        width = min(block, length)
        number = -(-length // width)

        def split(leaf: Array) -> Array:
            filled = jnp.concatenate([leaf, jnp.broadcast_to(leaf[:1], (number * width - length,))])
            return filled.reshape(number, width)

        answers = jax.lax.map(lambda trees: climb(*trees), jax.tree.map(split, trees))
        return jax.tree.map(lambda leaf: leaf.reshape(number * width)[:length], answers)

    return run


def common_shape(tree: Any) -> tuple[int, ...]:
    """The shape that all leaves broadcast to."""
    return jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(tree)))


def as_lanes(tree: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Every leaf in one dtype, broadcast to a shape and laid out along one lane axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf, dtype), shape).reshape(-1), tree)
