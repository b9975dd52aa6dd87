"""One lane of a fast climb: the optimizer's own step, simplified, and the highest rise."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.cheaper_steps import simplified
from hillopt.climbs.record import higher
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer


class Lane(NamedTuple):
    """Where a walk stands. Under vmap, what a number does not depend on it is not carried for."""

    position: Float[Array, "..."]
    state: Any
    powers: list[Array]
    height: Float[Array, ""]


class Walker:
    """Takes the steps of one setting: `after(lane)`, from `begin` on."""

    def __init__(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> None:
        ground = () if hill.flank_is_shared else (hill,)
        start = jnp.asarray(hill.start, jax.tree.leaves(optimizer)[0].dtype)

        def advance(optimizer: Any, state: Any, position: Array, *ground: AbstractHill) -> tuple[Array, Any]:
            here = ground[0] if ground else hill
            return optimizer.facing(here.value).step(here.slope(position), state, position)

        self.hill, self.optimizer, self.ground = hill, optimizer, ground
        one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), leaf.dtype), (optimizer, start, *ground))
        self.simple = simplified(advance, lambda optimizer, position: optimizer.init(position), *one)
        begin = Lane(start, optimizer.init(start), self.simple.powers, jnp.asarray(hill.rise(start)))
        self.begin = varying_as_after(self.after, begin)

    def after(self, lane: Lane) -> Lane:
        """The lane one step later."""
        (position, state), powers = self.simple.step(
            self.optimizer, lane.state, lane.powers, lane.position, *self.ground
        )
        return Lane(position, state, powers, higher(self.hill.rise(position), lane.height))


def varying_as_after(step: Any, carry: Any) -> Any:
    """The same numbers, typed inside shard_map as differing from device to device where they will after some steps."""
    while True:
        before = [_varies_over(jax.typeof(leaf)) for leaf in jax.tree.leaves(carry)]
        after = [_varies_over(leaf) for leaf in jax.tree.leaves(jax.eval_shape(step, carry))]
        missing = [then - now for now, then in zip(before, after, strict=True)]
        if not any(missing):
            return carry
        leaves = [
            jax.lax.pcast(leaf, tuple(axes), to="varying") if axes else leaf
            for leaf, axes in zip(jax.tree.leaves(carry), missing, strict=True)
        ]
        carry = jax.tree.unflatten(jax.tree.structure(carry), leaves)


def _varies_over(leaf: Any) -> frozenset[str]:
    return leaf.manual_axis_type.varying if leaf.manual_axis_type else frozenset()
