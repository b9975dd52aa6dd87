"""Closed bounds: how far an optimizer can ever rise above the valley, on slopes of size one.

A bound is a formula, evaluated on balls around the hyperparameters: the upper end of what comes out holds for every real
hyperparameter that rounds to the given one, and pays for the rounding of the formula itself. Nothing is widened by hand.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

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
    as_arrays,
)
from hillopt.proofs.balls import rounded
from hillopt.proofs.interpreter import at_most


@functools.singledispatch
def reach_of(optimizer: AbstractOptimizer, state: PyTree) -> Float[Array, "..."]:
    """Upper bound of every later rise on slopes of size one, from a state met at or before the valley.

    A rise already made is not bounded by it. Infinite where no closed bound is known. The numbers of `state` may be balls.
    Whoever has proved a bound for an optimizer of their own registers it for its class, and climbs use it:

        @reach_of.register(Mine)
        def _(optimizer, state):
            return at_most(lambda mine: mine.learning_rate, jax.tree.map(rounded, optimizer))
    """
    del optimizer, state
    return jnp.asarray(jnp.inf)


@reach_of.register(GradientDescent)
@reach_of.register(SignDescent)
def _one_step(optimizer: GradientDescent | SignDescent, state: PyTree) -> Float[Array, "..."]:
    del state
    return at_most(lambda rate: rate, rounded(jnp.asarray(optimizer.learning_rate)))


@reach_of.register
def _of_heavy_ball(optimizer: HeavyBall, state: PyTree) -> Float[Array, "..."]:
    del state
    return _overshoot(optimizer, lambda known: (known.learning_rate / (1 - known.momentum), known.momentum, 2))


@reach_of.register
def _of_nesterov(optimizer: Nesterov, state: PyTree) -> Float[Array, "..."]:
    """The look-ahead costs one step of the swing: after j steps uphill the pull is 2 momentum^(j+1) - 1."""
    del state

    def swing(known: Nesterov) -> tuple[Any, Any, Any]:
        return known.learning_rate / (1 - known.momentum), known.momentum, 2 * known.momentum

    return _overshoot(optimizer, swing)


@reach_of.register
def _of_adam(optimizer: Adam, state: PyTree) -> Float[Array, "..."]:
    """At the crossing m >= -(1 - b1^s), so after j steps uphill the corrected pull is at most 2 b1^j - 1."""
    del state
    return _overshoot(optimizer, lambda known: (known.learning_rate / (1 + known.eps), known.b1, 2))


@reach_of.register
def _of_adamw(optimizer: AdamW, state: PyTree) -> Float[Array, "..."]:
    """Adam's bound: beyond the origin the decay only pulls back, and before it (lr decay <= 1) never past it."""
    del state
    bound = _overshoot(optimizer, lambda known: (known.learning_rate / (1 + known.eps), known.b1, 2))
    return _unless_it_flips(optimizer, bound)


@reach_of.register
def _of_adagrad(optimizer: Adagrad, state: PyTree) -> Float[Array, "..."]:
    """No memory, so a new height is one step from the valley at most; and the steps only shrink."""

    def step(known: Adagrad, square: Float[Array, "..."]) -> Float[Array, "..."]:
        return known.learning_rate / jnp.sqrt(square + 1 + known.eps)

    return at_most(step, jax.tree.map(rounded, optimizer), state.square)


@reach_of.register
def _of_rmsprop(optimizer: RMSprop, state: PyTree) -> Float[Array, "..."]:
    """No memory, so a new height is one step from the valley at most; v moves towards 1 and never past it."""

    def step(known: RMSprop, square: Float[Array, "..."]) -> Float[Array, "..."]:
        least = jnp.minimum(known.decay * square + (1 - known.decay), 1)
        return known.learning_rate / jnp.sqrt(least + known.eps)

    return at_most(step, jax.tree.map(rounded, optimizer), state.square)


@reach_of.register
def _of_lion(optimizer: Lion, state: PyTree) -> Float[Array, "..."]:
    """One step to cross, then one for each j >= 1 with b1 (2 b2^(j-1) - 1) >= 1 - b1, or 2 b1 b2^(j-1) >= 1.

    A full memory of -1 has become at worst 1 - 2 b2^(j-1) when step j uphill is decided. How many such j there are is
    guessed, a little too high where rounding could decide, and then proved: n is enough if 2 b1 b2^n < 1 for all that the
    betas may be. Where it is not enough after all, there is no bound.
    """
    del state
    known, number = jax.tree.map(rounded, optimizer), _guessed_steps(as_arrays(optimizer))
    too_few = at_most(lambda known, number: 2 * known.b1 * known.b2**number - 1, known, number) >= 0
    bound = at_most(lambda known, number: known.learning_rate * (1 + number), known, number)
    return _unless_it_flips(optimizer, jnp.where(too_few, jnp.inf, bound))


def _guessed_steps(lion: Lion) -> Float[Array, "..."]:
    """The n that is to be proved: the proof's ball holds 2 n + 32 eps at most, in steps that over 1 - b2."""
    unsure = float(jnp.finfo(lion.b2.dtype).eps) / (1 - lion.b2)
    number = jnp.log(2 * lion.b1) / -_log(lion.b2)
    return jnp.maximum(jnp.floor(number * (1 + 2 * unsure) + 32 * unsure) + 1, 0)


def _unless_it_flips(optimizer: AdamW | Lion, bound: Float[Array, "..."]) -> Float[Array, "..."]:
    """No bound where weight decay may throw a position to the other side of the origin."""
    if optimizer.weight_decay is None:
        return bound
    factor = at_most(lambda known: known.learning_rate * known.weight_decay, jax.tree.map(rounded, optimizer))
    return jnp.where(factor <= 1, bound, jnp.inf)


def _overshoot(optimizer: AbstractOptimizer, swing: Callable[[Any], tuple[Any, Any, Any]]) -> Any:
    """The first step over the valley and the way uphill on a full memory; `swing` names the longest step, the decay and the pull
    of a full memory."""

    def way(known: Any, number: Any) -> Float[Array, "..."]:
        stride, decay, pull = swing(known)
        return stride * (1 + overshoot_sum(decay, pull, number))

    _, decay, pull = swing(as_arrays(optimizer))
    return at_most(way, jax.tree.map(rounded, optimizer), guessed_number(decay, pull))


def overshoot_sum(
    decay: Float[Array, "..."], pull: Float[Array, "..."] | float, number: Float[Array, "..."]
) -> Float[Array, "..."]:
    """At least sum_{j >= 1} max(0, pull decay^j - 1), in operations that balls follow.

    `number` guesses how many terms are positive, n, and the sum of so many has a closed form. Whatever the guess, this is a
    bound: if the term after them is positive, t > 0, at most log(1 + t) / -log(decay) <= t / (1 - decay) more follow it and
    none is larger; if the last of them is negative, -s < 0 with s <= 1/2, at most -log(1 - s) / -log(decay)
    <= 2 s / (1 - decay) more before it are and none is below -s. So a guess that rounding has spoilt costs no more than
    rounding.
    """
    complement, power = 1 - decay, decay**number
    total = jnp.where(number > 0, pull * decay * (1 - power) / complement - number, 0.0)
    t = jnp.maximum(pull * decay * power - 1, 0)
    s = jnp.maximum(jnp.where(number > 0, 1 - pull * power, 0.0), 0)
    return total + t * (1 + t / complement) + s * (1 + 2 * s / complement)


def guessed_number(decay: Float[Array, "..."], pull: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """How many of the terms are positive, as floating point has it."""
    least = jnp.finfo(jnp.asarray(decay).dtype).tiny
    return jnp.maximum(jnp.floor(jnp.log(jnp.maximum(pull, least)) / -_log(decay)), 0)


def _log(decay: Float[Array, "..."]) -> Float[Array, "..."]:
    """Finite and below 0 for decay 0 too."""
    decay = jnp.asarray(decay)
    return jnp.log(jnp.maximum(decay, jnp.finfo(decay.dtype).tiny))
