"""The climb without proofs, as one writes it down: the definition that the fast ones are held against."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from hillopt.climbs.record import Batch, Climb, higher, highest_met, varying_as
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer


def climb_plainly(hill: AbstractHill, batch: Batch, max_steps: Int[Array, ""]) -> Climb:
    """Walk exactly max_steps and keep the highest rise; all answers count as flagged."""

    def climb(optimizer: AbstractOptimizer, ground: AbstractHill | None, _: Any) -> Climb:
        return _climb(hill if ground is None else ground, optimizer, max_steps)

    return jax.vmap(climb)(*batch.lanes())


def _climb(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Array) -> Climb:
    leaf = jax.tree.leaves(optimizer)[0]
    start = jnp.asarray(hill.start, leaf.dtype)

    def take_step(_: Array, carry: tuple[Array, Any, Array]) -> tuple[Array, Any, Array]:
        position, state, height = carry
        height = higher(hill.rise(position), height)
        position, state = optimizer.facing(hill.value).step(hill.slope(position), state, position)
        return position, state, height

    carry = varying_as((start, optimizer.init(start), hill.rise(start)), leaf)
    position, _, height = jax.lax.fori_loop(0, max_steps, take_step, carry)
    return highest_met(hill.rise(position), height, max_steps)
