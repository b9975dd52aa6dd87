"""Hills of straight pieces whose flank is steeper the higher they are."""

from collections.abc import Sequence
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import FINITE, POSITIVE, Number, as_numbers, hyperparameter, static


class WedgeHill(AbstractHill):
    """Down with slope -1 to the valley at x = 1, up over a fixed half-width to the crest, down with a slope of its own.

    The flank's slope is height / half_width, so another height is another walk, and escaping a hill does not mean escaping
    a lower one: gradient descent with learning rate 0.3 and half-width 0.25 changes its verdict dozens of times. At the
    kinks the slope is that of the piece to the left at the valley, to the right at the crest, as on `TentHill`.

    Attributes:
        height: of the crest above the valley.
        half_width: from the valley to the crest.
        tail_slope: how steeply the ground falls behind the crest.

    Examples:
        >>> hill = ho.WedgeHill(0.5)
        >>> float(hill.value(jnp.array(2.0)))
        -0.25
    """

    height: Number
    half_width: Number = hyperparameter(POSITIVE, default=0.25)
    tail_slope: Number = hyperparameter(FINITE, default=1.0)

    start: ClassVar[float] = 0.0

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        past = self.rise(position)
        before_crest = jnp.where(past <= 0, -past, past * self.height / self.half_width)
        return jnp.where(past < self.half_width, before_crest, self.height - (past - self.half_width) * self.tail_slope)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        past = self.rise(position)
        before_crest = jnp.where(past <= 0, -1.0, self.height / self.half_width)
        return jnp.where(past < self.half_width, before_crest, -jnp.asarray(self.tail_slope)).astype(past.dtype)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def goal(self) -> Float[Array, ""]:
        return jnp.asarray(self.half_width)

    def landmarks(self) -> dict[str, Number]:
        return {"valley": 1.0, "crest": 1 + self.half_width}


class PiecewiseLinearHill(AbstractHill):
    """Straight pieces through points (x, y), with the first and the last piece going on for ever.

    The valley is the lowest point before the highest one behind it, the crest; the height multiplies what lies behind the
    valley, so that the crest is as high above it. Make it with `PiecewiseLinearHill.through`.
    """

    height: Number
    points: tuple[tuple[float, float], ...] = static()

    start: ClassVar[float] = 0.0

    @classmethod
    def through(
        cls, points: ArrayLike | Sequence[Sequence[float]], height: ArrayLike | None = None
    ) -> "PiecewiseLinearHill":
        """The hill through these points (n, 2), x rising, beginning at or before x = 0; as high as drawn by default.

        Raises ValueError for fewer than three points, an x that does not rise, or where there is no crest behind a valley.
        """
        array = as_numbers(points, "points")
        if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3:
            raise ValueError(f"`points` must be at least three pairs (x, y), got the shape {array.shape}; give more.")
        if not (np.isfinite(array).all() and np.all(np.diff(array[:, 0]) > 0)):
            raise ValueError("`points` must be finite and rise in x; sort them and leave out what stands twice.")
        if array[0, 0] > cls.start:
            raise ValueError(
                f"`points` must begin at or before x = 0, where walks do, got {array[0, 0]:g}; shift them."
            )
        hill = cls(1.0, tuple((float(x), float(y)) for x, y in array))
        valley, crest = hill._valley_and_crest()
        if not valley < crest < len(array) - 1:
            raise ValueError(
                "`points` must go down to a valley, up to a crest and down again; add a point behind the crest."
            )
        drawn = array[crest, 1] - array[valley, 1]
        return hill.at(drawn if height is None else height)

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        x, y = self._knots()
        inner = jnp.interp(position, x, y)
        before, behind = self._outer_slopes()
        outside = jnp.where(position < x[0], y[0] + before * (position - x[0]), y[-1] + behind * (position - x[-1]))
        return jnp.where((position >= x[0]) & (position <= x[-1]), inner, outside)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        x, y = self._knots()
        pieces = jnp.diff(y) / jnp.diff(x)
        # at a kink the slope is that of the piece to the right
        return pieces[jnp.clip(jnp.searchsorted(x, position, side="right") - 1, 0, len(pieces) - 1)].astype(
            position.dtype
        )

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - self.points[self._valley_and_crest()[0]][0]

    def goal(self) -> Float[Array, ""]:
        valley, crest = self._valley_and_crest()
        return jnp.asarray(self.points[crest][0] - self.points[valley][0])

    def landmarks(self) -> dict[str, Number]:
        valley, crest = self._valley_and_crest()
        return {"valley": self.points[valley][0], "crest": self.points[crest][0]}

    def _valley_and_crest(self) -> tuple[int, int]:
        """The two points between which the ground rises most."""
        y = [point[1] for point in self.points]
        pairs = [(i, j) for i in range(len(y)) for j in range(i + 1, len(y))]
        return max(pairs, key=lambda pair: y[pair[1]] - y[pair[0]])

    def _knots(self) -> tuple[Array, Array]:
        valley, crest = self._valley_and_crest()
        x, y = np.array(self.points).T
        scale = jnp.asarray(self.height) / (y[crest] - y[valley])
        return jnp.asarray(x), jnp.where(np.arange(len(y)) > valley, y[valley] + (y - y[valley]) * scale, y)

    def _outer_slopes(self) -> tuple[Array, Array]:
        x, y = self._knots()
        return (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])
