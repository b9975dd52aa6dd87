"""What a climb is: a way to walk many settings up a flank. What it is asked for, and what it answers."""

import abc
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int, Int8

from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_dtype, compiler_options, num_blocks
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import AbstractPytree, Steps
from hillopt.walk import Certainty


class Batch(NamedTuple):
    """Settings to climb with, their numbers in any shapes that broadcast to `shape`."""

    optimizer: AbstractOptimizer
    hill: AbstractHill
    target: Float[Array, "..."] | None
    """The rise at which a walk is over; None to climb as high as it gets."""
    shape: tuple[int, ...]
    target_radius: Float[Array, "..."] | None = None
    """How far the exact target may lie from it; None for nothing."""

    @property
    def dtype(self) -> np.dtype:
        return common_dtype(self.optimizer)

    @property
    def world(self) -> tuple[AbstractHill, AbstractOptimizer, Array | None]:
        """All that is numbers."""
        return self.hill, self.optimizer, self.target

    def lanes(self) -> tuple[AbstractHill, AbstractOptimizer, Array | None]:
        """The settings one after the other, every number once for each of them."""
        return as_lanes(self.world, self.shape, self.dtype)


class Climbed(NamedTuple):
    """What the walks of a block of settings showed. Steps count from 1; rises are lengths above the valley."""

    highest: Float[Array, " lane"]
    """The highest rise met: a walk did climb so high."""
    error: Float[Array, " lane"]
    """Bound of the error of `highest`, where certified: of rounding, and of ending a walk that could rise by no more."""
    step: Int[Array, " lane"]
    """The step at which `highest` was met; 0 where it was not recorded."""
    upper: Float[Array, " lane"]
    """This walk never climbs higher, whatever the number of steps; infinite if no bound is known."""
    proved: Bool[Array, " lane"]
    """A recurrence is found, or a closed bound is met by the walk itself: `upper` is as good as it gets."""
    period: Int[Array, " lane"]
    """Steps after which the walk repeats; 0 where no recurrence was found."""
    diverged: Bool[Array, " lane"]
    """The position is not finite, or so far away that the dtype no longer resolves the run to the valley."""
    certainty: Int8[Array, " lane"]
    """Flagged where some decision on the way lies within the rounding error: exact arithmetic may give another answer."""
    num_steps: Int[Array, " lane"]
    """How far the walk was followed."""
    passage: Int[Array, " lane"] | None
    """The first step whose rise is at least the target; 0 where none is, None if it was not asked for or not recorded."""


def narrowed(climbed: Climbed, dtype: DTypeLike) -> Climbed:
    """What was found in float64, in the format that was asked for: its ends are rounded outwards."""
    if climbed.highest.dtype == dtype:
        return climbed
    info = jnp.finfo(dtype)

    def up(bound: Array) -> Array:
        """Of a bound that is not negative, or is one of a negative rise."""
        return (bound + float(info.eps) * jnp.abs(bound) + float(info.tiny)).astype(dtype)

    highest = jnp.clip(climbed.highest, float(info.min), float(info.max)).astype(
        dtype
    )  # beyond it, diverged says the rest
    return climbed._replace(
        highest=highest,
        error=up(climbed.error + jnp.abs(highest.astype(climbed.error.dtype) - climbed.highest)),
        upper=up(climbed.upper),
    )


class AbstractClimb(AbstractPytree):
    """A way to walk many settings up a flank. Numbers of its own only say how, never what comes out, but for the last digits."""

    proves: ClassVar[bool]
    """Whether it attempts proofs; else all that it answers is unchecked."""
    gathers: ClassVar[bool] = False
    """Whether lanes that have stopped cost nothing, so that all may be given every step at once."""

    @abc.abstractmethod
    def climb(self, batch: Batch, max_steps: Int[Array, ""]) -> Climbed:
        """Climb until the rise meets the target, is known for good, or max_steps is reached."""

    def why_not(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> str | None:
        """What keeps it from serving settings of these shapes, in words; None if nothing does."""
        del hill, optimizer
        return None

    @property
    @abc.abstractmethod
    def block(self) -> int:
        """Lanes that it walks side by side at least."""

    def call_shape(self, rows: int, columns: int, grid_columns: int) -> tuple[int, int]:
        """Rows and columns, at least these, that it should be given at once, where the whole grid has so many columns."""
        del grid_columns
        return max(rows, num_blocks(2 * self.block, columns)), columns

    @property
    def compiler_options(self) -> dict[str, bool | int | str]:
        """What a compiler should know of its walks."""
        return compiler_options()


def is_lost(rise: Float[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a rise is NaN or at least 1/eps, where neighbouring numbers are a whole run apart."""
    return ~(jnp.abs(rise) < 1 / float(jnp.finfo(rise.dtype).eps))


# In eps: the share of a closed bound that is no gap. Nothing is proved with it, the bound stays where it is and the gap is
# counted as an error. But a walk that does attain its bound must be seen to. Those are the walks without a memory: the upper
# end of their bound lies 3 eps above it (20 with a square root), and a rise, the difference of a position and 1, is good to
# 1 / rise eps, so that bounds down to 1/200 are met. Of smaller ones, 0 too, the gap is `LEAST`: 16 eps of the float64 in which
# positions are walked.
NO_GAP, LEAST = 256, 2.0**-48


def has_met(upper: Float[Array, "..."], height: Float[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a closed bound, which lies a little above the exact one, has been climbed to."""
    gap = jnp.maximum(NO_GAP * float(jnp.finfo(upper.dtype).eps) * upper, LEAST)
    return (upper < jnp.inf) & (upper - height <= gap)


def is_decided(height: Array, upper: Array, target: Array) -> Bool[Array, "..."]:
    """Whether the question about a finite target is answered."""
    return (height >= target) | ((upper < target) & (target < jnp.inf))


def highest_met(rise: Float[Array, "..."], height: Float[Array, "..."], max_steps: Steps) -> Climbed:
    """What a walk without proofs has to tell: its last rise, and the highest one before it."""
    height = higher(rise, height)
    none, no = jnp.zeros(height.shape, jnp.int32), jnp.zeros(height.shape, bool)
    return Climbed(
        highest=jnp.minimum(height, jnp.finfo(height.dtype).max),  # beyond it, diverged says the rest
        error=jnp.full_like(height, jnp.inf),
        step=none,
        upper=jnp.full_like(height, jnp.inf),
        proved=no,
        period=none,
        diverged=is_lost(rise) | is_lost(height),
        certainty=jnp.full(height.shape, Certainty.UNCHECKED, jnp.int8),
        num_steps=none + max_steps,
        passage=None,
    )


def higher(rise: Float[Array, "..."], height: Float[Array, "..."]) -> Float[Array, "..."]:
    """Not jnp.maximum, which would carry a NaN on and takes longer for it."""
    return jnp.where(rise > height, rise, height)
