"""A bowl of quadratic pieces: the smooth, strongly convex functions of the literature on momentum, in one dimension."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import POSITIVE, Number, as_numbers, hyperparameter, static


class PiecewiseQuadraticBowl(AbstractHill):
    """Quadratic pieces that meet at `knots` with one slope, with the minimum at 0.

    `PiecewiseQuadraticBowl((25.0, 1.0, 25.0), (1.0, 2.0))` has slope 25 x up to 1, x + 24 up to 2, and 25 x - 24 from there on.
    On it heavy ball, tuned for quadratics of curvature 1 to 25, goes round a cycle of three (Lessard, Recht, Packard 2016,
    arXiv:1408.3595, section 4.6). Walks begin at rest at 3, and escape by diverging: their elevation passes `height`.

    Attributes:
        curvatures: of the pieces from left to right, one more than there are knots.
        knots: where they meet, rising.
    """

    curvatures: tuple[float, ...] = static()
    knots: tuple[float, ...] = static(default=())
    height: Number = hyperparameter(POSITIVE, default=1e8)

    start: ClassVar[float] = 3.0

    def check(self) -> None:
        """Raise ValueError for a height, curvatures or knots that make no bowl."""
        name = type(self).__name__
        POSITIVE.check(f"{name}(height=...)", self.height)
        for field, value in (("curvatures", self.curvatures), ("knots", self.knots)):
            if not isinstance(value, tuple) or not np.all(np.isfinite(as_numbers(value, field))):
                raise ValueError(f"`{name}({field}=...)` must be a tuple of finite numbers, got {value!r}; give one.")
        if len(self.curvatures) != len(self.knots) + 1:
            raise ValueError(
                f"`{name}(curvatures=...)` must be one more than knots, got {len(self.curvatures)} and {len(self.knots)}; give "
                "every piece its own."
            )
        POSITIVE.check(f"{name}(curvatures=...)", self.curvatures)
        if not np.all(np.diff(self.knots) > 0):
            raise ValueError(f"`{name}(knots=...)` must rise, got {self.knots}; sort them.")

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        bends = sum(bend * jnp.square(past) for bend, past in self._bends(position))
        return (self.curvatures[self.middle] * jnp.square(position) + bends) / 2

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        bends = sum(bend * past for bend, past in self._bends(position))
        return self.curvatures[self.middle] * position + bends

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.value(position)

    def landmarks(self) -> dict[str, Number]:
        return {"minimum": 0.0}

    @property
    def middle(self) -> int:
        """Which piece the minimum is in."""
        return int(np.searchsorted(self.knots, 0.0))

    def _bends(self, position: Float[Array, "..."]) -> list[tuple[float, Array]]:
        """By how much the curvature changes at each knot on the way from the minimum, and how far beyond it a position is."""
        bends = []
        for index, knot in enumerate(self.knots):
            before, behind = self.curvatures[index : index + 2]
            if knot > 0:
                bends.append((behind - before, jnp.where(position > knot, position - knot, 0)))
            else:
                bends.append((before - behind, jnp.where(position < knot, position - knot, 0)))
        return bends
