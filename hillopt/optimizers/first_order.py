"""Optimizers whose steps do not adapt to the slope's size: gradient descent, its momentum, and sign methods.

Update rules and hyperparameter names are optax's (`optax.sgd`, `optax.sign_sgd`, `optax.lion`).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.pytrees import FRACTION, NONNEGATIVE, POSITIVE, Number, hyperparameter

Step = tuple[Float[Array, "..."], tuple]


class NoState(NamedTuple):
    """The state of an optimizer that remembers nothing."""


class TraceState(NamedTuple):
    """A decaying sum of slopes."""

    trace: Float[Array, "..."]


class GradientDescent(AbstractOptimizer):
    """Gradient descent, x - lr g.

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.GradientDescent(0.3), max_steps=5).position.round(4))
        [0.  0.3 0.6 0.9 1.2 0.9]
    """

    learning_rate: Number = hyperparameter(POSITIVE)

    def init(self, position: Float[Array, "..."]) -> NoState:
        del position
        return NoState()

    def step(self, slope: Float[Array, "..."], state: NoState, position: Float[Array, "..."]) -> Step:
        return position - self.learning_rate * slope, state


class SignDescent(AbstractOptimizer):
    """Sign descent, x - lr sign(g).

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.SignDescent(0.3), max_steps=5).position.round(4))
        [0.  0.3 0.6 0.9 1.2 0.9]
    """

    learning_rate: Number = hyperparameter(POSITIVE)

    def init(self, position: Float[Array, "..."]) -> NoState:
        del position
        return NoState()

    def step(self, slope: Float[Array, "..."], state: NoState, position: Float[Array, "..."]) -> Step:
        return position - self.learning_rate * jnp.sign(slope), state


class HeavyBall(AbstractOptimizer):
    """Heavy ball (Polyak 1964): trace <- g + momentum trace, x - lr trace.

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.HeavyBall(0.1, 0.9), max_steps=5).position.round(4))
        [0.     0.1    0.29   0.561  0.9049 1.3144]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    momentum: Number = hyperparameter(FRACTION, default=0.9)

    def init(self, position: Float[Array, "..."]) -> TraceState:
        return TraceState(jnp.zeros_like(position))

    def step(self, slope: Float[Array, "..."], state: TraceState, position: Float[Array, "..."]) -> Step:
        trace = slope + self.momentum * state.trace
        return position - self.learning_rate * trace, TraceState(trace)


class Nesterov(AbstractOptimizer):
    """Nesterov's momentum as optax and PyTorch have it: trace <- g + momentum trace, x - lr (g + momentum trace).

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.Nesterov(0.1, 0.9), max_steps=5).position.round(4))
        [0.     0.19   0.461  0.8049 1.2144 1.303 ]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    momentum: Number = hyperparameter(FRACTION, default=0.9)

    def init(self, position: Float[Array, "..."]) -> TraceState:
        return TraceState(jnp.zeros_like(position))

    def step(self, slope: Float[Array, "..."], state: TraceState, position: Float[Array, "..."]) -> Step:
        trace = slope + self.momentum * state.trace
        return position - self.learning_rate * (slope + self.momentum * trace), TraceState(trace)


class Lion(AbstractOptimizer):
    """Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2): the sign of interpolated momentum.

    `weight_decay` is None for none; optax's default is 1e-3.

    Examples:
        >>> print(ho.trajectory(ho.TentHill(0.5), ho.Lion(0.3), max_steps=5).position.round(4))
        [0.  0.3 0.6 0.9 1.2 0.9]
    """

    learning_rate: Number = hyperparameter(POSITIVE)
    b1: Number = hyperparameter(FRACTION, default=0.9)
    b2: Number = hyperparameter(FRACTION, default=0.99)
    weight_decay: Number = hyperparameter(NONNEGATIVE, default=None)

    def init(self, position: Float[Array, "..."]) -> TraceState:
        return TraceState(jnp.zeros_like(position))

    def step(self, slope: Float[Array, "..."], state: TraceState, position: Float[Array, "..."]) -> Step:
        direction = jnp.sign((1 - self.b1) * slope + self.b1 * state.trace)
        trace = (1 - self.b2) * slope + self.b2 * state.trace
        if self.weight_decay is not None:
            position = position * (1 - self.learning_rate * self.weight_decay)
        return position - self.learning_rate * direction, TraceState(trace)
