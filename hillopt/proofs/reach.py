"""Closed bounds: how far an optimizer can ever rise above the valley, on slopes of size one."""

import functools
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.optimizers import (
    AbstractOptimizer,
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    HeavyBall,
    Lion,
    Nesterov,
    RMSprop,
    SignDescent,
)


@functools.singledispatch
def reach_of(optimizer: AbstractOptimizer, state: Any) -> Float[Array, "..."]:
    """Upper bound of every later rise on slopes of size one, from a state met at or before the valley.

    A rise already made is not bounded by it. Infinite where no closed bound is known. Whoever has proved one for an
    optimizer of their own registers it for its class, and climbs use it:

        @reach_of.register(Mine)
        def _(optimizer, state):
            return widened(optimizer.learning_rate)
    """
    del optimizer, state
    return jnp.asarray(jnp.inf)


@reach_of.register(GradientDescent)
@reach_of.register(SignDescent)
def _one_step(optimizer: GradientDescent | SignDescent, state: Any) -> Float[Array, "..."]:
    del state
    return widened(jnp.asarray(optimizer.learning_rate))


@reach_of.register
def _of_heavy_ball(optimizer: HeavyBall, state: Any) -> Float[Array, "..."]:
    del state
    return widened(optimizer.learning_rate / (1 - optimizer.momentum) * (1 + overshoot_sum(optimizer.momentum, 1)))


@reach_of.register
def _of_nesterov(optimizer: Nesterov, state: Any) -> Float[Array, "..."]:
    """The look-ahead costs one step of the swing: after j steps uphill the pull is 2 momentum^(j+1) - 1."""
    del state
    return widened(optimizer.learning_rate / (1 - optimizer.momentum) * (1 + overshoot_sum(optimizer.momentum, 2)))


@reach_of.register
def _of_lion(optimizer: Lion, state: Any) -> Float[Array, "..."]:
    """One step to cross, then one for each j >= 1 with b1 (2 b2^(j-1) - 1) >= 1 - b1.

    A full memory of -1 has become at worst 1 - 2 b2^(j-1) when step j uphill is decided.
    """
    del state
    share = 1 / jnp.maximum(2 * optimizer.b1, jnp.finfo(optimizer.b1.dtype).tiny)  # the condition is b2^(j-1) >= share
    rate = jnp.log(jnp.clip(optimizer.b2, 1e-30, 1 - jnp.finfo(optimizer.b2.dtype).epsneg))
    steps = jnp.where(share <= 1, jnp.floor(jnp.log(share) / rate * (1 + 1e-6) + 1e-6) + 1, 0.0)
    bound = widened(optimizer.learning_rate * (1 + steps))
    if optimizer.weight_decay is None:
        return bound
    return jnp.where(optimizer.learning_rate * optimizer.weight_decay <= 1, bound, jnp.inf)


@reach_of.register
def _of_adagrad(optimizer: Adagrad, state: Any) -> Float[Array, "..."]:
    """No memory, so a new height is one step from the valley at most; and the steps only shrink."""
    return widened(optimizer.learning_rate / jnp.sqrt(state.square + 1 + optimizer.eps))


@reach_of.register
def _of_rmsprop(optimizer: RMSprop, state: Any) -> Float[Array, "..."]:
    """No memory, so a new height is one step from the valley at most; v moves towards 1 and never past it."""
    least = jnp.minimum(optimizer.decay * state.square + (1 - optimizer.decay), 1)
    return widened(optimizer.learning_rate / jnp.sqrt(least + optimizer.eps))


@reach_of.register
def _of_adam(optimizer: Adam, state: Any) -> Float[Array, "..."]:
    """At the crossing m >= -(1 - b1^s), so after j steps uphill the corrected pull is at most 2 b1^j - 1."""
    del state
    return widened(optimizer.learning_rate / (1 + optimizer.eps) * (1 + overshoot_sum(optimizer.b1, 1)))


@reach_of.register
def _of_adamw(optimizer: AdamW, state: Any) -> Float[Array, "..."]:
    """Adam's bound: beyond the origin the decay only pulls back, and before it (lr decay <= 1) never past it."""
    del state
    bound = widened(optimizer.learning_rate / (1 + optimizer.eps) * (1 + overshoot_sum(optimizer.b1, 1)))
    return jnp.where(optimizer.learning_rate * optimizer.weight_decay <= 1, bound, jnp.inf)


def overshoot_sum(decay: Float[Array, "..."], first: int) -> Float[Array, "..."]:
    """sum_{j >= first} max(0, 2 decay^j - 1): the way uphill on a full memory, in steps (first is 1 or 2)."""
    last = jnp.floor(jnp.log(0.5) / jnp.log(jnp.clip(decay, 1e-30, 1 - jnp.finfo(decay.dtype).epsneg)))
    steps = jnp.maximum(last - (first - 1), 0)
    geometric = 2 * decay**first * (1 - decay**steps) / (1 - decay)
    return jnp.where(steps > 0, geometric - steps, 0.0)


def widened(bound: Float[Array, "..."]) -> Float[Array, "..."]:
    """A bound made safe against the rounding of its own formula."""
    return bound * (1 + 64 * float(jnp.finfo(bound.dtype).eps))
