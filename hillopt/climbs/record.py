"""What a climb is asked for, and what it answers."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.blocks import as_lanes
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer


class Batch(NamedTuple):
    """Settings to climb with, their numbers in any shapes that broadcast to `shape`."""

    optimizer: AbstractOptimizer
    ground: AbstractHill | None
    """None for the endless flank, which is the same for all settings."""
    target: Float[Array, "..."] | None
    """The rise at which a walk is over; None to climb as high as it gets."""
    shape: tuple[int, ...]

    @property
    def dtype(self) -> Any:
        return jnp.result_type(*jax.tree.leaves(self.optimizer))

    def lanes(self) -> tuple[AbstractOptimizer, AbstractHill | None, Array | None]:
        """The settings one after the other, every number once for each of them."""
        return as_lanes((self.optimizer, self.ground, self.target), self.shape, self.dtype)


class Climb(NamedTuple):
    """What the walks of a block of settings showed. Steps count from 1; rises are lengths above the valley."""

    height: Float[Array, " lane"]
    """The highest rise met: a walk did climb so high."""
    error: Float[Array, " lane"]
    """Bound of the error of `height`, where not flagged: of rounding, and of ending a walk that could rise by no more."""
    step: Int[Array, " lane"]
    """The step at which `height` was met; 0 where it was not recorded."""
    upper: Float[Array, " lane"]
    """This walk never climbs higher, whatever the number of steps; infinite if no bound is known."""
    proved: Bool[Array, " lane"]
    """A recurrence is found, or a closed bound is met by the walk itself: `upper` is as good as it gets."""
    period: Int[Array, " lane"]
    """Steps after which the walk repeats; 0 where no recurrence was found."""
    diverged: Bool[Array, " lane"]
    """The position is not finite, or so far away that the dtype no longer resolves the run to the valley."""
    flagged: Bool[Array, " lane"]
    """Some decision on the way lies within the rounding error: exact arithmetic may give another answer."""
    num_steps: Int[Array, " lane"]
    """How far the walk was followed."""
    passage: Int[Array, " lane"] | None
    """The first step whose rise is at least the target; 0 where none is, None if it was not asked for or not recorded."""


def is_lost(rise: Float[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a rise is NaN or at least 1/eps, where neighbouring numbers are a whole run apart."""
    return ~(jnp.abs(rise) < 1 / float(jnp.finfo(rise.dtype).eps))


# In eps: the share of a closed bound that is no gap. Nothing is proved with it, the bound stays where it is and the gap is
# counted as an error. But a walk that does attain its bound must be seen to. Those are the walks without a memory: the upper
# end of their bound lies 3 eps above it (20 with a square root), and a rise, the difference of a position and 1, is good to
# 1 / rise eps, so that bounds down to 1/200 are met.
NO_GAP = 256


def has_met(upper: Float[Array, "..."], height: Float[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a closed bound, which lies a little above the exact one, has been climbed to."""
    return (upper < jnp.inf) & (upper - height <= NO_GAP * float(jnp.finfo(upper.dtype).eps) * upper)


def is_decided(height: Any, upper: Any, target: Any) -> Bool[Array, "..."]:
    """Whether the question about a finite target is answered."""
    return (height >= target) | ((upper < target) & (target < jnp.inf))


def highest_met(rise: Float[Array, "..."], height: Float[Array, "..."], max_steps: Any) -> Climb:
    """What a walk without proofs has to tell: its last rise, and the highest one before it."""
    height = higher(rise, height)
    none, no = jnp.zeros(height.shape, jnp.int32), jnp.zeros(height.shape, bool)
    return Climb(
        height=jnp.minimum(height, jnp.finfo(height.dtype).max),  # beyond it, diverged says the rest
        error=jnp.full_like(height, jnp.inf),
        step=none,
        upper=jnp.full_like(height, jnp.inf),
        proved=no,
        period=none,
        diverged=is_lost(rise) | is_lost(height),
        flagged=~no,
        num_steps=none + max_steps,
        passage=None,
    )


def higher(rise: Float[Array, "..."], height: Float[Array, "..."]) -> Float[Array, "..."]:
    """Not jnp.maximum, which would carry a NaN on and takes longer for it."""
    return jnp.where(rise > height, rise, height)


def varying_as(tree: Any, lane: Float[Array, "..."]) -> Any:
    """The same numbers, typed inside shard_map as differing from device to device where `lane` (finite) does.

    A loop's carry must start with the type that it ends with, and steps mix every number with the lanes. Adding nothing
    of the lanes' own is what every version of JAX understands.
    """
    nothing = lane.reshape(-1)[0] * 0

    def mix(leaf: Array) -> Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return leaf  # a key is no number; it is the same for all lanes
        return leaf | (nothing > 0) if leaf.dtype == bool else leaf + nothing.astype(leaf.dtype)

    return jax.tree.map(mix, tree)
