"""Hills in two dimensions, where a walk may go around."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import NONNEGATIVE, Number, hyperparameter

# Müller and Brown 1979, "Location of saddle points and minimum energy paths by a constrained simplex optimization
# procedure", Theoretica Chimica Acta 53, 75-93: the four terms of their surface.
DEPTHS = np.array([-200.0, -100.0, -170.0, 15.0])
CURVATURES = np.array([[-1.0, 0.0, -10.0], [-1.0, 0.0, -10.0], [-6.5, 11.0, -6.5], [0.7, 0.6, 0.7]])
CENTRES = np.array([[1.0, 0.0], [0.0, 0.5], [-0.5, 1.5], [-1.0, 1.0]])
DEEPEST = (-0.5582236346, 1.4417258418)  # minimum of the upper well, elevation -146.69951721
SADDLE = (-0.8220015587, 0.6243128028)  # between it and the middle well, elevation -40.66484351
BARRIER = 106.0346737
DOWNHILL = (0.7613963558, -0.6482866568)  # unit direction of negative curvature at the saddle, out of the upper well


class MuellerBrown(AbstractHill):
    """The surface of Müller and Brown, scaled so that the saddle out of its upper well is `height` above the well's bottom.

    Walks begin at (-1, 1.8), on the upper well's wall, and have escaped when they pass the line through the saddle at right
    angles to the way down.
    """

    height: Number

    start: ClassVar[tuple[float, float]] = (-1.0, 1.8)

    def value(self, position: Float[Array, "2"]) -> Float[Array, ""]:
        x, y = position[0] - CENTRES[:, 0], position[1] - CENTRES[:, 1]
        exponent = CURVATURES[:, 0] * x**2 + CURVATURES[:, 1] * x * y + CURVATURES[:, 2] * y**2
        return self.height / BARRIER * jnp.sum(DEPTHS * jnp.exp(exponent))

    def rise(self, position: Float[Array, "2"]) -> Float[Array, ""]:
        return (position[0] - SADDLE[0]) * DOWNHILL[0] + (position[1] - SADDLE[1]) * DOWNHILL[1]

    def goal(self) -> Float[Array, ""]:
        return jnp.zeros_like(jnp.asarray(self.height, float))

    def landmarks(self) -> dict[str, Number]:
        return {"well": DEEPEST, "pass": SADDLE}


class NarrowPass(AbstractHill):
    """A double well along x whose valley narrows to a pass: f(x, y) = height (x² - 1)² + (1 + narrowness e^(-4 x²)) y² / 2.

    The pass is at x = 0, `height` above the wells at (-1, 0) and (1, 0). A step that suits the wells may be too long for the
    pass, whose walls are 1 + narrowness times as steep. Walks begin at (-1.5, 0.5) and have escaped when they pass x = 0.
    """

    height: Number
    narrowness: Number = hyperparameter(NONNEGATIVE, default=10.0)

    start: ClassVar[tuple[float, float]] = (-1.5, 0.5)

    def value(self, position: Float[Array, "2"]) -> Float[Array, ""]:
        x, y = position[0], position[1]
        wall = 1 + self.narrowness * jnp.exp(-4 * jnp.square(x))
        return self.height * jnp.square(jnp.square(x) - 1) + wall * jnp.square(y) / 2

    def rise(self, position: Float[Array, "2"]) -> Float[Array, ""]:
        return position[0] + 1

    def goal(self) -> Float[Array, ""]:
        return jnp.ones_like(jnp.asarray(self.height, float))

    def landmarks(self) -> dict[str, Number]:
        return {"well": (-1.0, 0.0), "pass": (0.0, 0.0), "far well": (1.0, 0.0)}
