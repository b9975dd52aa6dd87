"""Optimizers that divide by the slope's running size: Adagrad, RMSprop, Adam and AdamW.

Update rules and hyperparameter names are optax's. What only guards against a division by zero (eps, the initial
accumulator) is 0 by default, since a hill's slope never vanishes; pass optax's value to get optax's walk.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.pytrees import FRACTION, NONNEGATIVE, POSITIVE, Number, hyperparameter


class SquareState(NamedTuple):
    """A running size of the squared slope."""

    square: Float[Array, "..."]


class AdamState(NamedTuple):
    """Moments, and the powers b1^t and b2^t of their bias corrections."""

    first: Float[Array, "..."]
    second: Float[Array, "..."]
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]


class Adagrad(AbstractOptimizer):
    """Adagrad (Duchi, Hazan, Singer 2011): x - lr g / sqrt(sum of g^2 + eps).

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.Adagrad(0.5), max_steps=5).position.round(4))
        [0.     0.5    0.8536 1.1422 0.8922 1.1158]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    initial_accumulator_value: Number = hyperparameter(NONNEGATIVE, default=0.0)
    eps: Number = hyperparameter(NONNEGATIVE, default=0.0)

    def init(self, position: Float[Array, "..."]) -> SquareState:
        return SquareState(jnp.zeros_like(position) + self.initial_accumulator_value)

    def step(
        self, slope: Float[Array, "..."], state: SquareState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], SquareState]:
        square = state.square + slope * slope
        return position - self.learning_rate * slope / jnp.sqrt(square + self.eps), SquareState(square)


class RMSprop(AbstractOptimizer):
    """RMSprop (Tieleman and Hinton 2012): x - lr g / sqrt(v + eps), v <- decay v + (1 - decay) g^2.

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.RMSprop(0.1, 0.9), max_steps=5).position.round(4))
        [0.     0.3162 0.5456 0.7377 0.9083 1.0645]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    decay: Number = hyperparameter(FRACTION, default=0.9)
    eps: Number = hyperparameter(NONNEGATIVE, default=0.0)
    initial_scale: Number = hyperparameter(NONNEGATIVE, default=0.0)

    def init(self, position: Float[Array, "..."]) -> SquareState:
        return SquareState(jnp.zeros_like(position) + self.initial_scale)

    def step(
        self, slope: Float[Array, "..."], state: SquareState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], SquareState]:
        square = self.decay * state.square + (1 - self.decay) * slope * slope
        return position - self.learning_rate * slope / jnp.sqrt(square + self.eps), SquareState(square)


def _moments(optimizer: "Adam | AdamW", slope: Float[Array, "..."], state: AdamState) -> tuple[Array, AdamState]:
    """Adam's direction with one division and one square root: with q = 1 - b2^t, sqrt(v/q) is sqrt(v q) / q.

    Kingma and Ba (2015), algorithm 1; the folding is ours and changes the last digits only. What does not depend on the
    first moment is bracketed: settings that share it compute it once.
    """
    b1, b2 = optimizer.b1, optimizer.b2
    first = b1 * state.first + (1 - b1) * slope
    second = b2 * state.second + (1 - b2) * (slope * slope)
    b1_power, b2_power = b1 * state.b1_power, b2 * state.b2_power
    q = 1 - b2_power
    direction = first * (q / ((1 - b1_power) * (jnp.sqrt(second * q) + optimizer.eps * q)))
    return direction, AdamState(first, second, b1_power, b2_power)


def _at_rest(position: Float[Array, "..."]) -> AdamState:
    zero, one = jnp.zeros_like(position), jnp.ones_like(position)
    return AdamState(zero, zero, one, one)


class Adam(AbstractOptimizer):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.Adam(0.3), max_steps=3).position)
        [0.  0.3 0.6 0.9]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    b1: Number = hyperparameter(FRACTION, default=0.9)
    b2: Number = hyperparameter(FRACTION, default=0.999)
    eps: Number = hyperparameter(NONNEGATIVE, default=0.0)

    def init(self, position: Float[Array, "..."]) -> AdamState:
        return _at_rest(position)

    def step(
        self, slope: Float[Array, "..."], state: AdamState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], AdamState]:
        direction, state = _moments(self, slope, state)
        return position - self.learning_rate * direction, state


class AdamW(AbstractOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2).

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.AdamW(0.3, weight_decay=0.1), max_steps=5).position.round(4))
        [0.     0.3    0.591  0.8733 1.1471 1.2661]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    b1: Number = hyperparameter(FRACTION, default=0.9)
    b2: Number = hyperparameter(FRACTION, default=0.999)
    eps: Number = hyperparameter(NONNEGATIVE, default=0.0)
    weight_decay: Number = hyperparameter(NONNEGATIVE, default=1e-4)

    def init(self, position: Float[Array, "..."]) -> AdamState:
        return _at_rest(position)

    def step(
        self, slope: Float[Array, "..."], state: AdamState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], AdamState]:
        direction, state = _moments(self, slope, state)
        position = position * (1 - self.learning_rate * self.weight_decay)
        return position - self.learning_rate * direction, state
