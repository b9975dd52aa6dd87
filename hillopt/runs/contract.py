"""What a training run is: numbers in, a loss at every step out."""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.lanes import EACH
from hillopt.pytrees import AbstractPytree


class AbstractRun(AbstractPytree):
    """A training run as a frozen pytree, whose numbers may be swept. It brings its own optimizer.

    To make one takes `begin` and `step`, both for one setting. What is drawn is drawn from a number of the run, its seed, so that
    all settings of a sweep share it, unless the seed is an axis. A question about runs takes one in the place of the hill, and no
    optimizer: `ho.sweep(ho.Trainability(), run, None, axes)`.
    """

    whole: ClassVar[tuple[str, ...]] = ("seed",)
    """Names of numbers that are whole, and have no neighbour in the last place."""

    @property
    def lanes(self) -> int:
        """Runs that a core takes side by side."""
        return EACH

    @abc.abstractmethod
    def begin(self) -> PyTree:
        """What is carried from step to step: parameters, the optimizer's state, data that were drawn."""

    @abc.abstractmethod
    def step(self, carry: PyTree, index: Int[Array, ""]) -> tuple[PyTree, Float[Array, ""]]:
        """What is carried after step `index`, counted from 0, and the loss before it."""

    def is_over(self, before: PyTree, after: PyTree, loss: Float[Array, ""]) -> Bool[Array, ""]:
        """Whether nothing changes any more, so that every later loss is that of this step. To say no is always right."""
        del before, after, loss
        return jnp.zeros((), bool)

    def rehearse(self) -> None:
        """Raise ValueError for a run of known numbers that is seen to give no losses, before any sweep."""

    def most_steps(self) -> int | None:
        """Steps that there are at most; None for any number."""
        return None


def repeats(before: PyTree, after: PyTree) -> Bool[Array, ""]:
    """Whether all numbers are what they were; NaN counts as equal to NaN."""
    same = jax.tree.map(lambda old, new: jnp.all((old == new) | ((old != old) & (new != new))), before, after)
    return jax.tree.reduce(jnp.logical_and, same, jnp.ones((), bool))
