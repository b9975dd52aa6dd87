"""The tent, whose flank is the same for every height."""

import dataclasses
import math
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import register_pytree


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
        return jnp.where(uphill, jnp.asarray(1, position.dtype), jnp.asarray(-1, position.dtype))

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def at(self, height: ArrayLike) -> "TentHill":
        return TentHill(height)


def _is_endless(height: Any) -> bool:
    """Whether a height is known, while tracing, to be infinite."""
    return isinstance(height, float) and math.isinf(height)
