"""One step of a walk: here a landscape and an optimizer meet."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hillopt.landscapes import AbstractLandscape
from hillopt.optimizers import AbstractOptimizer

Place = tuple[Float[Array, "..."], PyTree]
"""A position and the optimizer's state there."""


def set_out(hill: AbstractLandscape, optimizer: AbstractOptimizer) -> Place:
    """Where a walk begins, in the dtype of the hyperparameters."""
    position = jnp.asarray(hill.start, jax.tree.leaves(optimizer)[0].dtype)
    return position, optimizer.init(position)


def move(
    hill: AbstractLandscape,
    optimizer: AbstractOptimizer,
    position: Float[Array, "..."],
    state: PyTree,
    push: Float[Array, "..."] | None = None,
) -> Place:
    """Take one step: the optimizer sees the slope at its position, and may ask for the elevation. `push` is added to the slope."""
    slope = hill.slope(position)
    return optimizer.facing(hill.value).step(slope if push is None else slope + push, state, position)
