"""The tent, whose flank is the same for every height."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import Number


class TentHill(AbstractHill):
    """The tent: down to the valley at x = 1, up to the crest at x = 1 + height, and down for ever.

    f(x) = |x - 1| before the crest and 2 height - (x - 1) beyond. At the kinks the slope is -1: f'(x) = -1 for x <= 1,
    +1 for 1 < x < 1 + height, -1 for x >= 1 + height. The default height is infinite: the endless flank, on which
    critical heights are found.

    Examples:
        >>> hill = ho.TentHill(height=0.5)
        >>> [float(hill.value(jnp.array(x))) for x in (0.0, 1.0, 1.5)]
        [1.0, 0.0, 0.5]
    """

    height: Number = float("inf")

    start: ClassVar[float] = 0.0
    flank_is_shared: ClassVar[bool] = True
    slope_is_unit: ClassVar[bool] = True

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        rise = self.rise(position)
        return jnp.where(rise < self.height, jnp.abs(rise), 2 * self.height - rise)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return _sign(position, (position > 1) & (self.rise(position) < self.height))

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def flank(self) -> "EndlessTent":
        return EndlessTent()

    def landmarks(self) -> dict[str, Number]:
        return {"valley": 1.0, "crest": 1 + self.height}


class EndlessTent(AbstractHill):
    """The flank that all tents share, going up for ever: |x - 1|. It has no numbers, and nobody escapes from it."""

    start: ClassVar[float] = TentHill.start
    flank_is_shared: ClassVar[bool] = True
    slope_is_unit: ClassVar[bool] = True

    @property
    def height(self) -> float:
        """Infinite."""
        return math.inf

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.abs(self.rise(position))

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return _sign(position, position > 1)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def at(self, height: ArrayLike) -> TentHill:  # type: ignore[override]
        return TentHill(height)

    def flank(self) -> "EndlessTent":
        return self

    def landmarks(self) -> dict[str, Number]:
        return {"valley": 1.0}


def _sign(position: Float[Array, "..."], uphill: Bool[Array, "..."]) -> Float[Array, "..."]:
    return jnp.where(uphill, jnp.asarray(1, position.dtype), jnp.asarray(-1, position.dtype))
