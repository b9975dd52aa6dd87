"""One lane of a fast climb: the optimizer's own step, made cheaper, and the highest rise."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hillopt.cheaper_steps import simplified
from hillopt.climbs.contract import higher
from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.walk import move, set_out


class Lane(NamedTuple):
    """Where a walk stands. Under vmap, what a number does not depend on it is not carried for."""

    position: Float[Array, "..."]
    state: PyTree
    powers: list[Array]
    highest: Float[Array, ""]


class CheapWalk:
    """Takes the steps of one setting: `after(lane)`, from `begin` on."""

    def __init__(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> None:
        def advance(
            optimizer: AbstractOptimizer, state: PyTree, position: Array, hill: AbstractHill
        ) -> tuple[Array, PyTree]:
            return move(hill, optimizer, position, state)

        self._hill, self._optimizer = hill, optimizer
        position, state = set_out(hill, optimizer)
        one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), leaf.dtype), (optimizer, position, hill))
        self._simple = simplified(advance, lambda optimizer, position: optimizer.init(position), *one)
        begin = Lane(position, state, self._simple.powers, jnp.asarray(hill.rise(position)))
        self.begin = varying_as_after(self.after, begin)

    def after(self, lane: Lane) -> Lane:
        """The lane one step later."""
        (position, state), powers = self._simple.step(
            self._optimizer, lane.state, lane.powers, lane.position, self._hill
        )
        return Lane(position, state, powers, higher(self._hill.rise(position), lane.highest))
