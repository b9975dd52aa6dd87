"""What landscapes and hills are: they know their slope, hills their crest too, and nothing of optimizers."""

import abc
import math
from typing import TYPE_CHECKING, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hillopt.pytrees import AbstractPytree, Number, as_numbers, is_traced


class AbstractLandscape(AbstractPytree):
    """An elevation to walk on, and where walks begin.

    A landscape is a frozen pytree. Positions are scalars, or vectors of the shape of `start`. To make one takes `value` and
    `start`; the slope is the value's derivative unless it is given too.
    """

    start: ClassVar[Number]
    """Where every walk begins."""

    @abc.abstractmethod
    def value(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        """Elevation at a position."""

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        """Derivative of the elevation: all that the optimizer sees."""
        return jax.grad(self.value)(position)

    def landmarks(self) -> dict[str, Number]:
        """Places that a picture should mark, such as a valley and a crest, by what to call them; none by default."""
        return {}


class AbstractHill(AbstractLandscape):
    """A landscape with a valley and, behind it, a hill of a given height.

    One of its numbers is its `height`. How far a walk has come is its *rise*; it has *escaped* as soon as some rise reaches the
    *goal*. To make one takes what a landscape takes, `rise`, and `goal` unless it is the height.
    """

    flank_is_shared: ClassVar[bool] = False
    """True if the rising flank does not depend on the height: then one walk on the endless flank answers for all."""
    slope_is_unit: ClassVar[bool] = False
    """True if the slope is -1 or +1 everywhere, which the exact lattice walks and the closed bounds rely on."""

    @abc.abstractmethod
    def rise(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        """How far a walk has come; negative before the valley."""

    def at(self, height: ArrayLike) -> Self:
        """The same hill with another height; on a shared flank `at(inf)` is the endless one."""
        return self.replace(height=height)

    if TYPE_CHECKING:

        @property
        def height(self) -> Number: ...

    def flank(self) -> "AbstractHill":
        """The hill as a walk sees it until it has escaped: on a shared flank the endless one, else the hill itself."""
        return self.at(math.inf) if self.flank_is_shared else self

    def goal(self) -> Float[Array, ""]:
        """The rise at which a walk has escaped."""
        return jnp.asarray(self.height)

    def escaped(self, position: Float[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a position is at or beyond the crest."""
        return self.rise(position) >= self.goal()


def check_height(hill: AbstractHill, most: float = math.inf) -> AbstractHill:
    """The hill, with a list of heights as an array; ValueError for a height that is negative, NaN or not below `most`."""
    if is_traced(hill.height):
        return hill
    heights = as_numbers(hill.height, "height")
    wrong = ~((heights >= 0) & ((heights < most) | (most == math.inf)))
    if np.any(wrong):
        raise ValueError(
            f"`height` must be finite and not negative, got {heights[wrong].flat[0]:g}; a hill has a crest above its valley."
        )
    return hill.at(heights) if isinstance(hill.height, (list, tuple)) else hill
