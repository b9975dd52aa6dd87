"""Hills that curve, in one dimension: a bump on a slope, a double well, and rough bowls."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.loops import bisected
from hillopt.pytrees import FINITE, POSITIVE, Number, hyperparameter, static

HALVINGS = 60  # of the interval in which a crest lies


class GaussianHill(AbstractHill):
    """A Gaussian bump on a slope: f(x) = -tilt x + height exp(-(x - 1)² / 2 width²).

    `height` is the bump's own. There is a valley before it only where height exp(-1/2) / width > tilt; a lower bump is no
    obstacle, and every walk that passes x = 1 has escaped it.
    """

    height: Number
    width: Number = hyperparameter(POSITIVE, default=0.2)
    tilt: Number = hyperparameter(FINITE, default=1.0)

    start: ClassVar[float] = 0.0

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return -self.tilt * position + self.height * jnp.exp(-jnp.square((position - 1) / self.width) / 2)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position - 1

    def goal(self) -> Float[Array, ""]:
        """The crest lies a little before x = 1: width u before, where u exp(-u² / 2) = tilt width / height and u < 1."""
        width = jnp.asarray(self.width)
        needed = self.tilt * width / self.height
        zero = jnp.zeros_like(needed)
        _, distance = bisected(lambda place: place * jnp.exp(-jnp.square(place) / 2) < needed, zero, zero + 1, HALVINGS)
        return jnp.where(needed < math.exp(-0.5), -width * distance, 0.0)

    def landmarks(self) -> dict[str, Number]:
        return {"crest": 1 + self.goal()}


class DoubleWell(AbstractHill):
    """The quartic double well in terms of its barrier: f(x) = height (x² - 1)², wells at -1 and +1, crest at 0.

    height = 1/4 is x⁴/4 - x²/2 of the literature on noise-driven escape (Kramers 1940). Walks begin at -1.5.
    """

    height: Number

    start: ClassVar[float] = -1.5

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.height * jnp.square(jnp.square(position) - 1)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return 4 * self.height * position * (jnp.square(position) - 1)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return position + 1

    def goal(self) -> Float[Array, ""]:
        return jnp.ones_like(jnp.asarray(self.height))

    def landmarks(self) -> dict[str, Number]:
        return {"valley": -1.0, "crest": 0.0, "far valley": 1.0}


class RoughBowl(AbstractHill):
    """A parabola with a cosine on it, from which a walk escapes by diverging: its elevation passes 1e8.

    Liu 2024 (arXiv:2406.13971): f(x) = x² + height cos(2 pi x / wavelength), or with `multiplicative`
    x² (1 + height cos(2 pi x / wavelength)). Walks begin at 1. What is swept here is the learning rate; its boundary is a
    fractal. Labels depend on the last digit, see `stability`.
    """

    height: Number
    wavelength: Number = hyperparameter(POSITIVE, default=0.1)
    multiplicative: bool = static(default=False)

    start: ClassVar[float] = 1.0

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        ripple = self.height * jnp.cos(2 * math.pi * position / self.wavelength)
        bowl = jnp.square(position)
        return bowl * (1 + ripple) if self.multiplicative else bowl + ripple

    def rise(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.value(position)

    def goal(self) -> Float[Array, ""]:
        return jnp.full_like(jnp.asarray(self.height), 1e8, dtype=float)
