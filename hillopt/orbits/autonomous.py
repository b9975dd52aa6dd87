"""A walk as one map of real numbers: the position, and what of the optimizer's state moves for ever."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hillopt.jaxprs import depends_on
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import AbstractPytree, static
from hillopt.walk import move

REMEDY = "take one whose state forgets, such as ho.Adam"


class AutonomousWalk(AbstractPytree):
    """Steps on a hill as a map of n numbers, the position first, from which every later step follows.

    What a state only counts with, the powers of Adam's bias corrections or a number of steps, is in it at the value at which it
    ends and stays.
    """

    hill: AbstractHill
    optimizer: AbstractOptimizer
    kept: tuple[Any, ...]
    """Of every leaf of a state the value that it stays at, or None where it moves."""
    begin: tuple[Any, ...]
    """Of every leaf the value at rest; its shape is that for ever."""
    structure: Any = static()

    def at_rest(self, position: Float[Array, ""]) -> Float[Array, " number"]:
        """The numbers of a walk that has not begun."""
        moving = [leaf for leaf, kept in zip(self.begin, self.kept, strict=True) if kept is None]
        return jnp.concatenate([jnp.reshape(part, -1) for part in (position, *moving)])

    def state(self, numbers: Float[Array, " number"]) -> PyTree:
        """The optimizer's own state."""
        leaves, place = [], 1
        for leaf, kept in zip(self.begin, self.kept, strict=True):
            if kept is not None:
                leaves.append(kept)
                continue
            shape = jnp.shape(leaf)
            size = int(np.prod(shape))
            leaves.append(jnp.reshape(numbers[place : place + size], shape))
            place += size
        return jax.tree.unflatten(self.structure, leaves)

    def step(self, numbers: Float[Array, " number"]) -> Float[Array, " number"]:
        """The numbers one step later."""
        position, state = move(self.hill, self.optimizer, numbers[0], self.state(numbers))
        leaves = jax.tree.leaves(state)
        moving = [leaf for leaf, kept in zip(leaves, self.kept, strict=True) if kept is None]
        return jnp.concatenate([jnp.reshape(part, -1) for part in (position, *moving)])


def autonomous(hill: AbstractHill, optimizer: AbstractOptimizer) -> AutonomousWalk:
    """The walk of one setting, in float64; ValueError for an optimizer that draws numbers or never stops counting."""
    hill, optimizer = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (hill, optimizer))
    position = jnp.asarray(hill.start, jnp.float64)
    state = optimizer.init(position)
    leaves, structure = jax.tree.flatten(state)
    leaves = [jnp.asarray(leaf) for leaf in leaves]

    @jax.jit
    def after(leaves: list[Array], position: Array) -> list[Array]:
        _, state = move(hill, optimizer, position, jax.tree.unflatten(structure, leaves))
        return [jnp.asarray(leaf) for leaf in jax.tree.leaves(state)]

    kept = tuple(_stays_at(after, index, leaves, position) for index in range(len(leaves)))
    for leaf, value in zip(leaves, kept, strict=True):
        if value is None and not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(
                f"`optimizer` must step by its position and memory alone, got {optimizer.label()}, which draws numbers or counts "
                f"without end; {REMEDY}."
            )
    return AutonomousWalk(hill, optimizer, kept, tuple(leaves), structure)


def _stays_at(after: Callable, index: int, leaves: list[Array], position: Array) -> Array | None:
    """Where a leaf ends that follows from itself alone; None for one that moves with the walk."""

    def next_of(leaf: Array, others: list[Any], position: Array) -> Array:
        return after([*others[:index], leaf, *others[index + 1 :]], position)[index]

    leaf, others = leaves[index], _but(leaves, index)
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    if is_key or depends_on(lambda others, position: next_of(leaf, others, position), others, position):
        return None
    later = next_of(leaf, leaves, position)
    if np.array_equal(later, leaf):
        return leaf
    if jnp.issubdtype(leaf.dtype, jnp.integer):
        end, nears = jnp.full_like(leaf, jnp.iinfo(leaf.dtype).max), True
    else:
        end, nears = jnp.zeros_like(leaf), bool(np.all(np.abs(later) < np.abs(leaf)))
    return end if nears and np.array_equal(next_of(end, leaves, position), end) else None


def _but(leaves: list[Array], index: int) -> list[Any]:
    return [None if place == index else leaf for place, leaf in enumerate(leaves)]
