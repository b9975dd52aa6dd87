"""Optimizers whose steps do not adapt to the slope's size: gradient descent, its momentum, and sign methods.

Update rules and hyperparameter names are optax's (`optax.sgd`, `optax.sign_sgd`, `optax.lion`).
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.lattice import Lattice
from hillopt.optimizers.contract import (
    FRACTION,
    NONNEGATIVE,
    POSITIVE,
    AbstractOptimizer,
    Number,
    hyperparameter,
    overshoot_sum,
    widened,
)
from hillopt.pytrees import register_pytree

Step = tuple[Float[Array, "..."], tuple]


class NoState(NamedTuple):
    """The state of an optimizer that remembers nothing."""


class TraceState(NamedTuple):
    """A decaying sum of slopes."""

    trace: Float[Array, "..."]


@register_pytree
@dataclasses.dataclass(frozen=True)
class GradientDescent(AbstractOptimizer):
    """Gradient descent, x - lr g."""

    learning_rate: Number = hyperparameter(POSITIVE)

    def init(self, position: Float[Array, "..."]) -> NoState:
        del position
        return NoState()

    def step(self, slope: Float[Array, "..."], state: NoState, position: Float[Array, "..."]) -> Step:
        return position - self.learning_rate * slope, state

    def lattice(self) -> Lattice:
        return _memoryless(self.learning_rate)

    def reach(self, state: NoState) -> Float[Array, "..."]:
        del state
        return widened(jnp.asarray(self.learning_rate))


@register_pytree
@dataclasses.dataclass(frozen=True)
class SignDescent(AbstractOptimizer):
    """Sign descent, x - lr sign(g)."""

    learning_rate: Number = hyperparameter(POSITIVE)

    def init(self, position: Float[Array, "..."]) -> NoState:
        del position
        return NoState()

    def step(self, slope: Float[Array, "..."], state: NoState, position: Float[Array, "..."]) -> Step:
        return position - self.learning_rate * jnp.sign(slope), state

    def lattice(self) -> Lattice:
        return _memoryless(self.learning_rate)

    def reach(self, state: NoState) -> Float[Array, "..."]:
        del state
        return widened(jnp.asarray(self.learning_rate))


def _memoryless(learning_rate: Float[Array, "..."]) -> Lattice:
    zero = jnp.zeros_like(learning_rate)
    return Lattice(spacing=learning_rate * 1.0, weight=zero, decay=zero, complement=zero + 1)


@register_pytree
@dataclasses.dataclass(frozen=True)
class HeavyBall(AbstractOptimizer):
    """Heavy ball (Polyak 1964): trace <- g + momentum trace, x - lr trace."""

    learning_rate: Number = hyperparameter(POSITIVE)
    momentum: Number = hyperparameter(FRACTION, default=0.9)

    def init(self, position: Float[Array, "..."]) -> TraceState:
        return TraceState(jnp.zeros_like(position))

    def step(self, slope: Float[Array, "..."], state: TraceState, position: Float[Array, "..."]) -> Step:
        trace = slope + self.momentum * state.trace
        return position - self.learning_rate * trace, TraceState(trace)

    def lattice(self) -> Lattice:
        spacing = self.learning_rate / (1 - self.momentum)
        return Lattice(spacing, spacing * self.momentum / (1 - self.momentum), self.momentum, 1 - self.momentum)

    def reach(self, state: TraceState) -> Float[Array, "..."]:
        del state
        return widened(self.learning_rate / (1 - self.momentum) * (1 + overshoot_sum(self.momentum, 1)))


@register_pytree
@dataclasses.dataclass(frozen=True)
class Nesterov(AbstractOptimizer):
    """Nesterov's momentum as optax and PyTorch have it: trace <- g + momentum trace, x - lr (g + momentum trace)."""

    learning_rate: Number = hyperparameter(POSITIVE)
    momentum: Number = hyperparameter(FRACTION, default=0.9)

    def init(self, position: Float[Array, "..."]) -> TraceState:
        return TraceState(jnp.zeros_like(position))

    def step(self, slope: Float[Array, "..."], state: TraceState, position: Float[Array, "..."]) -> Step:
        trace = slope + self.momentum * state.trace
        return position - self.learning_rate * (slope + self.momentum * trace), TraceState(trace)

    def lattice(self) -> Lattice:
        spacing = self.learning_rate / (1 - self.momentum)
        weight = spacing * self.momentum * self.momentum / (1 - self.momentum)
        return Lattice(spacing, weight, self.momentum, 1 - self.momentum)

    def reach(self, state: TraceState) -> Float[Array, "..."]:
        """The look-ahead costs one step of the swing: after j steps uphill the pull is 2 momentum^(j+1) - 1."""
        del state
        return widened(self.learning_rate / (1 - self.momentum) * (1 + overshoot_sum(self.momentum, 2)))


@register_pytree
@dataclasses.dataclass(frozen=True)
class Lion(AbstractOptimizer):
    """Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2): the sign of interpolated momentum.

    `weight_decay` is None for none; optax's default is 1e-3.
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

    def lattice(self) -> Lattice | None:
        if self.weight_decay is not None:
            return None
        spacing = self.learning_rate * 1.0
        return Lattice(spacing, jnp.zeros_like(spacing), self.b2, 1 - self.b2, interpolation=self.b1)

    def reach(self, state: TraceState) -> Float[Array, "..."]:
        """One step to cross, then one for each j >= 1 with b1 (2 b2^(j-1) - 1) >= 1 - b1.

        A full memory of -1 has become at worst 1 - 2 b2^(j-1) when step j uphill is decided.
        """
        del state
        share = 1 / jnp.maximum(2 * self.b1, jnp.finfo(self.b1.dtype).tiny)  # the condition is b2^(j-1) >= share
        rate = jnp.log(jnp.clip(self.b2, 1e-30, 1 - jnp.finfo(self.b2.dtype).epsneg))
        steps = jnp.where(share <= 1, jnp.floor(jnp.log(share) / rate * (1 + 1e-6) + 1e-6) + 1, 0.0)
        bound = widened(self.learning_rate * (1 + steps))
        if self.weight_decay is None:
            return bound
        return jnp.where(self.learning_rate * self.weight_decay <= 1, bound, jnp.inf)
