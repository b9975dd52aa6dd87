"""Models of learning on which gradient descent is understood exactly: a bowl, a product of two numbers, a square."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractLandscape
from hillopt.pytrees import FINITE, NONNEGATIVE, POSITIVE, Number, hyperparameter


class QuadraticBowl(AbstractLandscape):
    """f(x) = curvature x² / 2, on which the edge of stability of every optimizer is a closed form; see `theory`.

    Attributes:
        curvature: the sharpness.
        x: where walks begin.
    """

    curvature: Number = hyperparameter(POSITIVE, default=1.0)
    x: Number = hyperparameter(FINITE, default=1.0)

    @property
    def start(self) -> Number:
        """x."""
        return self.x

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.curvature * jnp.square(position) / 2

    def landmarks(self) -> dict[str, Number]:
        return {"minimum": 0.0}


class Factorisation(AbstractLandscape):
    """A number as a product, f(u, v) = (u v / sqrt(width) - target)² / 2 + l2 (u² + v²) / 2: a linear network of two layers.

    For width 1 gradient descent converges from almost all places exactly below a critical learning rate, `theory.
    critical_factorisation_rate`; with an l2 term the border between places that converge and that do not is a fractal (Liang and
    Montúfar 2025, arXiv:2509.25351). For target 0 a layer of `width` units moves as these two numbers do, and gradient descent is
    the catapult's map: with f = u v / sqrt(width) and curvature l = (u² + v²) / width, f <- (1 - n l + n² f² / width) f and
    l <- l + (n f² / width) (n l - 4) at learning rate n (Lewkowycz et al. 2020, arXiv:2003.02218).

    Attributes:
        target: what the product should be.
        l2: weight of the squared numbers.
        width: of the hidden layer that the two numbers stand for.
        u, v: where walks begin.
    """

    target: Number = hyperparameter(FINITE, default=0.5)
    l2: Number = hyperparameter(NONNEGATIVE, default=0.0)
    width: Number = hyperparameter(POSITIVE, default=1.0)
    u: Number = hyperparameter(FINITE, default=1.5)
    v: Number = hyperparameter(FINITE, default=1.0)

    @classmethod
    def catapult(cls, output: float = 1.0, curvature: float = 1.0, width: float = 500.0) -> "Factorisation":
        """With target 0, beginning at this f and this l; ValueError where l is below 2 f / sqrt(width), as no layer's is."""
        room = width * curvature / 2 - abs(output) * width**0.5
        if not room >= 0:
            raise ValueError(
                f"`curvature` must be at least 2 output / sqrt(width), {2 * abs(output) / width**0.5:g}, got {curvature:g}; give "
                "more."
            )
        half_sum, half_difference = (width * curvature / 2 + abs(output) * width**0.5) ** 0.5, room**0.5
        u, v = (half_sum + half_difference) / 2**0.5, (half_sum - half_difference) / 2**0.5
        return cls(0.0, 0.0, width, u, v if output >= 0 else -v)

    @property
    def start(self) -> Number:
        """(u, v)."""
        return jnp.stack([jnp.asarray(self.u), jnp.asarray(self.v)])

    def value(self, position: Float[Array, "2"]) -> Float[Array, ""]:
        u, v = position[0], position[1]
        return jnp.square(u * v / jnp.sqrt(self.width) - self.target) / 2 + self.l2 * (u * u + v * v) / 2

    def curvature(self, position: Float[Array, "... 2"]) -> Float[Array, "..."]:
        """(u² + v²) / width: without an l2 term the sharpness of every minimum, and the catapult's l."""
        return jnp.sum(jnp.square(position), axis=-1) / self.width


class QuadraticRegression(AbstractLandscape):
    """A number as half a square, f(w) = (w² / 2 - target)² / 2: one parameter of a quadratic model, fitted to one example.

    At learning rate n the residual z = n (w² / 2 - target) goes from z to z³ + (a - 2) z² + (1 - 2 a) z with a = n target, under
    gradient descent: monotone, a catapult, cycles, chaos and divergence as a grows (Chen et al. 2023, arXiv:2310.01687).

    Attributes:
        target: what half the square should be.
        w: where walks begin.
    """

    target: Number = hyperparameter(POSITIVE, default=1.0)
    w: Number = hyperparameter(FINITE, default=0.5)

    @property
    def start(self) -> Number:
        """w."""
        return self.w

    def value(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.square(jnp.square(position) / 2 - self.target) / 2

    def landmarks(self) -> dict[str, Number]:
        place = jnp.sqrt(2 * jnp.asarray(self.target))
        return {"minimum": place, "other minimum": -place}
