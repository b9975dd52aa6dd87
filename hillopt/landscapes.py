"""Hills: what the walker stands on. A hill knows its slope and its crest, and nothing of optimizers."""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from hillopt.pytrees import register_pytree


class AbstractHill(abc.ABC):
    """A landscape with a start, a valley and, behind it, a hill of a given height.

    A hill is a frozen pytree whose `height` is a leaf. The rise of a position is how high it lies on the flank above
    the valley's floor; a walk has *escaped* the hill of height h as soon as some rise reaches h.
    """

    height: Any
    start: ClassVar[float]
    """Where every walk begins."""
    flank_is_shared: ClassVar[bool]
    """True if the rising flank does not depend on the height: then one walk on the endless flank answers for all."""
    slope_is_unit: ClassVar[bool]
    """True if the slope is -1 or +1 everywhere, which the exact lattice walks and the closed bounds rely on."""

    @abc.abstractmethod
    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        """Elevation at a position."""

    @abc.abstractmethod
    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        """Derivative of the elevation: all that the optimizer sees."""

    @abc.abstractmethod
    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        """How far up the flank a position lies; negative before the valley."""

    @abc.abstractmethod
    def at(self, height: ArrayLike) -> "AbstractHill":
        """The same hill with another height; `at(inf)` is the endless flank."""

    def escaped(self, position: Float[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a position is at or beyond the crest."""
        return self.rise(position) >= self.height


@register_pytree
@dataclasses.dataclass(frozen=True)
class TentHill(AbstractHill):
    """The tent: down to the valley at x = 1, up to the crest at x = 1 + height, and down for ever.

    f(x) = |x - 1| before the crest and 2 height - (x - 1) beyond. At the kinks the slope is -1: f'(x) = -1 for x <= 1,
    +1 for 1 < x < 1 + height, -1 for x >= 1 + height. The default height is infinite: the endless flank, on which
    critical heights are found.
    """

    height: Any = float("inf")

    start: ClassVar[float] = 0.0
    flank_is_shared: ClassVar[bool] = True
    slope_is_unit: ClassVar[bool] = True

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        rise = self.rise(position)
        return jnp.where(rise < self.height, jnp.abs(rise), 2 * self.height - rise)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        uphill = position > 1
        if not _is_endless(self.height):
            uphill &= self.rise(position) < self.height
        return jnp.where(uphill, jnp.ones_like(position), -jnp.ones_like(position))

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def at(self, height: ArrayLike) -> "TentHill":
        return TentHill(height)


def _is_endless(height: Any) -> bool:
    """Whether a height is known, while tracing, to be infinite."""
    return isinstance(height, float) and math.isinf(height)


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
