"""What a hill is: a landscape that knows its slope and its crest, and nothing of optimizers."""

import abc
import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float


class AbstractHill(abc.ABC):
    """A landscape with a start, a valley and, behind it, a hill of a given height.

    A hill is a frozen pytree whose `height` is a leaf. Positions are scalars, or vectors of the shape of `start`. How far a
    walk has come is its *rise*; it has *escaped* as soon as some rise reaches the *goal*. To make one takes `value`,
    `rise`, `at`, `start`, and `goal` unless it is the height; the slope is the value's derivative unless it is given too.
    """

    height: Any
    start: ClassVar[Any]
    """Where every walk begins."""
    flank_is_shared: ClassVar[bool] = False
    """True if the rising flank does not depend on the height: then one walk on the endless flank answers for all."""
    slope_is_unit: ClassVar[bool] = False
    """True if the slope is -1 or +1 everywhere, which the exact lattice walks and the closed bounds rely on."""

    @abc.abstractmethod
    def value(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        """Elevation at a position."""

    @abc.abstractmethod
    def rise(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        """How far a walk has come; negative before the valley."""

    @abc.abstractmethod
    def at(self, height: ArrayLike) -> "AbstractHill":
        """The same hill with another height; on a shared flank `at(inf)` is the endless one."""

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        """Derivative of the elevation: all that the optimizer sees."""
        return jax.grad(self.value)(position)

    def goal(self) -> Float[Array, ""]:
        """The rise at which a walk has escaped."""
        return jnp.asarray(self.height)

    def escaped(self, position: Float[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a position is at or beyond the crest."""
        return self.rise(position) >= self.goal()


def check_height(hill: AbstractHill, most: float = math.inf) -> AbstractHill:
    """The hill, with a list of heights as an array; ValueError for a height that is negative, NaN or not below `most`."""
    if isinstance(hill.height, jax.core.Tracer):
        return hill
    heights = np.asarray(hill.height, np.float64)
    wrong = ~((heights >= 0) & ((heights < most) | (most == math.inf)))
    if np.any(wrong):
        raise ValueError(
            f"`height` must be finite and not negative, got {heights[wrong].flat[0]:g}; a hill has a crest above its valley."
        )
    return hill.at(heights) if isinstance(hill.height, (list, tuple)) else hill
