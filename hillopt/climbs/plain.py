"""The climb without proofs, as one writes it down: the definition that the fast ones are held against."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from hillopt.climbs.contract import AbstractClimb, Batch, Climbed, higher, highest_met
from hillopt.landscapes import AbstractHill
from hillopt.lanes import EACH
from hillopt.loops import repeated
from hillopt.optimizers import AbstractOptimizer
from hillopt.walk import Place, move, set_out


class PlainClimb(AbstractClimb):
    """Walk exactly max_steps and keep the highest rise; all answers are unchecked."""

    proves: ClassVar[bool] = False

    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        def climb(hill: AbstractHill, optimizer: AbstractOptimizer, _: Array | None) -> Climbed:
            return _climb(hill, optimizer, max_steps)

        return jax.vmap(climb, axis_size=None)(*batch.lanes())

    @property
    def block(self) -> int:
        return EACH


def _climb(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Array) -> Climbed:
    def take_step(carry: tuple[Place, Array]) -> tuple[Place, Array]:
        place, highest = carry
        highest = higher(hill.rise(place[0]), highest)
        return move(hill, optimizer, *place), highest

    begin = set_out(hill, optimizer)
    (position, _), highest = repeated(take_step, max_steps, (begin, jnp.asarray(hill.rise(begin[0]))))
    return highest_met(hill.rise(position), highest, max_steps)
