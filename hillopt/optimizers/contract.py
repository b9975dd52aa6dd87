"""What an optimizer is: hyperparameters in, displacements out. It knows nothing of hills."""

import abc
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from hillopt.pytrees import AbstractPytree

Owner = TypeVar("Owner", bound=AbstractPytree)


class AbstractOptimizer(AbstractPytree):
    """A frozen pytree whose leaves are the hyperparameters: floats, or arrays that broadcast against each other."""

    @abc.abstractmethod
    def init(self, position: Float[Array, "..."]) -> PyTree:
        """State before the first step."""

    @abc.abstractmethod
    def step(
        self, slope: Float[Array, "..."], state: PyTree, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], PyTree]:
        """The next position and state."""

    def init_all(self, parameters: PyTree) -> PyTree:
        """State before the first step of parameters in several arrays; most step each array by itself."""
        return jax.tree.map(self.init, parameters)

    def step_all(self, slopes: PyTree, state: PyTree, parameters: PyTree) -> tuple[PyTree, PyTree]:
        """The next parameters, in several arrays, and state."""
        stepped = jax.tree.map(lambda leaf, slope, state: self.step(slope, state, leaf), parameters, slopes, state)
        after, state = (jax.tree.map(lambda _, pair, at=at: pair[at], parameters, stepped) for at in (0, 1))
        return after, state

    def facing(self, objective: Callable[..., Array]) -> "AbstractOptimizer":
        """The same optimizer where it may ask for the elevation at a position; most look at slopes alone."""
        del objective
        return self


def as_arrays(owner: Owner) -> Owner:
    """An optimizer, or what else has numbers, with these as arrays of their common floating dtype, shapes as given."""
    leaves, treedef = jax.tree.flatten(owner, is_leaf=lambda leaf: isinstance(leaf, (list, tuple)))
    leaves = [np.asarray(leaf) if isinstance(leaf, (list, tuple)) else leaf for leaf in leaves]
    dtype = jnp.result_type(float, *leaves) if leaves else jnp.result_type(float)
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.result_type(float)
    if dtype not in (jnp.float32, jnp.float64):
        raise ValueError(f"hyperparameters must be float32 or float64, got {dtype}; convert them.")
    return jax.tree.unflatten(treedef, [jnp.asarray(leaf, dtype) for leaf in leaves])
