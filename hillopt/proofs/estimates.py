"""Optimizers that estimate their learning rate, told on slopes of size one by sums that are in terms of the estimate.

An estimate never falls, and grows only where a ratio of two sums that forget exceeds it. Once a walk goes round and round the
valley the ratio stays below it: so the estimate stays as it is, and the walk is Adam's. All sums are divided by what the estimate
makes of them; where it grows they are scaled down.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.means import Kept, kept_by
from hillopt.pytrees import Number

CENTRE = 1.0
"""From where ways are told: any place would do, and from the tent's kink they are known best."""


class DAdapting(NamedTuple):
    """Sums of slopes and of products, over the estimate; b1^t and b2^t, which fade."""

    first: Float[Array, "..."]
    """The mean of slopes, each times the learning rate and its correction, over the root of 1 - b2^t."""
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]
    total: Float[Array, "..."]
    """The sum of slopes, each times the same, which forgets more slowly."""
    numerator: Float[Array, "..."]
    """The sum of the same times the total before it, over the square of the estimate."""
    estimate: Float[Array, "..."]
    growths: Float[Array, "..."]
    """How often it has grown: as long as a walk keeps this number, it keeps its estimate."""


class DAdaptAdamW(AbstractOptimizer):
    """D-Adaptation of AdamW as optax has it (Defazio and Mishchenko 2023)."""

    learning_rate: Number
    b1: Number
    b2: Number
    eps: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> DAdapting:
        zero, one = jnp.zeros_like(position), jnp.ones_like(position)
        return DAdapting(zero, one, one, zero, zero, one, zero)

    def step(
        self, slope: Float[Array, "..."], state: DAdapting, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], DAdapting]:
        b1_power, b2_power = self.b1 * state.b1_power, self.b2 * state.b2_power
        rate = self.learning_rate * jnp.sqrt(1 - b2_power) / (1 - b1_power)
        keep, estimate = jnp.sqrt(self.b2), state.estimate
        product = slope * state.total / (jnp.sqrt(1 - state.b2_power) + self.eps)
        slowed = self.b1 * _slowing(self, state) * state.first
        after = state._replace(
            first=slowed + (1 - self.b1) * self.learning_rate / (1 - b1_power) * slope,
            b1_power=b1_power,
            b2_power=b2_power,
            total=keep * state.total + rate * slope,
            numerator=keep * state.numerator + rate * product,
        )
        position = position * (1 - self.weight_decay * rate * estimate)
        position = position - estimate * after.first / (1 + self.eps / jnp.sqrt(1 - b2_power))
        numerator, size = estimate * after.numerator, jnp.abs(after.total)
        ratio = estimate * size / numerator  # of the old estimate to the new one
        grown = after._replace(
            first=ratio * after.first,
            total=ratio * after.total,
            numerator=ratio * ratio * after.numerator,
            estimate=numerator / size,
            growths=after.growths + 1,
        )
        return position, _either(numerator > estimate * size, grown, after)


class Weighing(NamedTuple):
    """Sums of slopes and of products, over what the estimate makes of them; b1^t, b2^t and another number, which fade."""

    first: Float[Array, "..."]
    """The mean of slopes."""
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]
    missing: Float[Array, "..."]
    """From the mean of squares, that it were 1 - b2^t."""
    total: Float[Array, "..."]
    """The sum of the slopes, each times the learning rate and its correction."""
    numerator: Float[Array, "..."]
    """The sum of the same times the way from the position to `CENTRE`."""
    estimate: Float[Array, "..."]
    growths: Float[Array, "..."]
    """How often it has grown: as long as a walk keeps this number, it keeps its estimate."""
    start: Float[Array, "..."]
    """The position that the walk began at."""


class Prodigy(AbstractOptimizer):
    """Prodigy as optax has it (Mishchenko and Defazio 2023).

    Its numerator has the ways from the start: those from the centre, and the total times the way from there. On the tent the
    former are never above zero, and the latter is no more than the denominator.
    """

    learning_rate: Number
    b1: Number
    b2: Number
    keep: Number
    """What the sums keep of themselves in a step."""
    eps: Number
    coefficient: Number
    """Of the estimate."""
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> Weighing:
        zero, one = jnp.zeros_like(position), jnp.ones_like(position)
        return Weighing(zero, one, one, zero, zero, zero, one, zero, position)

    def step(
        self, slope: Float[Array, "..."], state: Weighing, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Weighing]:
        b1_power, b2_power = self.b1 * state.b1_power, self.b2 * state.b2_power
        rate = self.learning_rate * jnp.sqrt(1 - b2_power) / (1 - b1_power)
        after = state._replace(
            first=self.b1 * state.first + (1 - self.b1) * slope,
            b1_power=b1_power,
            b2_power=b2_power,
            missing=self.b2 * state.missing,
            total=self.keep * state.total + rate * slope,
            numerator=self.keep * state.numerator + rate * slope * (CENTRE - position),
        )
        numerator = self.coefficient * (after.numerator - (CENTRE - state.start) * after.total)
        estimate, size = state.estimate, jnp.abs(after.total)
        grows = numerator > estimate * size
        ratio = estimate * size / numerator  # of the old estimate to the new one
        square = ratio * ratio
        grown = after._replace(
            first=ratio * after.first,
            missing=(1 - b2_power) * (1 - square) + square * after.missing,
            total=square * after.total,
            numerator=square * after.numerator,
            estimate=numerator / size,
            growths=after.growths + 1,
        )
        eps = jnp.where(grows, self.eps / ratio, self.eps)
        under = jnp.sqrt(1 - after.missing / (1 - b2_power)) + eps / jnp.sqrt(1 - b2_power)
        step = self.learning_rate / (1 - b1_power) * after.first / under
        position = position * (1 - self.weight_decay * rate * estimate)
        return position - estimate * step, _either(grows, grown, after)


def _either(grows: Bool[Array, "..."], grown: PyTree, after: PyTree) -> PyTree:
    return jax.tree.map(partial(jnp.where, grows), grown, after)


def _slowing(optimizer: DAdaptAdamW, state: DAdapting) -> Array:
    """What the root of 1 - b2^t is times that after a step."""
    power = state.b2_power
    return jnp.sqrt(1 - power * (1 - optimizer.b2) / (1 - optimizer.b2 * power))


@kept_by.register
def _by_dadapt_adamw(optimizer: DAdaptAdamW, state: DAdapting) -> Kept:
    """As long as the estimate stays. A step is that times m / (1 + eps / r), r^2 = 1 - b2^t, and m is a mean of slopes but that
    k m stands for m. 1 - k is (1 - b2) b2^t / r^2 at most, and b1 / (1 - b1) (1 - k) m is what a step lacks for it;
    1 / (1 + eps / r) is 1 / (1 + eps) but for eps b2^t / r^2 at most."""
    b1, eps, rate = optimizer.b1, optimizer.eps, jnp.abs(optimizer.learning_rate)
    square = 1 - optimizer.b2 * state.b2_power
    most = jnp.maximum(jnp.abs(state.first), rate / (1 - b1 * state.b1_power))
    slowed = b1 / (1 - b1) * most * state.b2_power / square
    guarded = most * eps * _sum_of(optimizer.b2, state.b2_power) / square
    left = rate * _corrections(optimizer, state) + slowed + guarded
    offset = state.estimate * b1 / (1 - b1) * state.first / (1 + eps)
    return _kept(optimizer, offset, jnp.abs(state.estimate) * left, _at_last(state))


@kept_by.register
def _by_prodigy(optimizer: Prodigy, state: Weighing) -> Kept:
    """As long as the estimate stays. A step is that and the learning rate times a corrected mean of slopes, over s: the root of
    1 - q / r^2, r^2 = 1 - b2^t, with a q that fades, and eps / r. 1 / s is 1 / (1 + eps) but for (|q| + eps b2^t) / (r^2 s) at
    most."""
    eps, rate = optimizer.eps, state.estimate * optimizer.learning_rate
    square = 1 - optimizer.b2 * state.b2_power
    over = 1 / jnp.sqrt(1 - jnp.maximum(optimizer.b2 * state.missing, 0.0) / square)
    fading = _sum_of(optimizer.b2, jnp.abs(state.missing) + eps * state.b2_power) / square
    most = jnp.maximum(jnp.abs(state.first), 1.0)
    left = over * most * (_corrections(optimizer, state) + fading)
    offset = rate * optimizer.b1 / (1 - optimizer.b1) * state.first / (1 + eps)
    at_last = _at_last(state)._replace(missing=jnp.zeros_like(state.missing))
    return _kept(optimizer, offset, jnp.abs(rate) * left, at_last)


def _kept(optimizer: DAdaptAdamW | Prodigy, offset: Array, left: Array, at_last: PyTree) -> Kept:
    """Nothing is kept where the position decays."""
    is_known = (optimizer.eps >= 0) & (optimizer.weight_decay == 0)
    return Kept(offset=offset, left=jnp.where(is_known, left, jnp.inf), at_last=at_last)


def _corrections(optimizer: DAdaptAdamW | Prodigy, state: DAdapting | Weighing) -> Array:
    """Bound of the sum of p / (1 - p), p = b1^t, from the next step on."""
    return _sum_of(optimizer.b1, state.b1_power) / (1 - optimizer.b1 * state.b1_power)


def _at_last(state: PyTree) -> PyTree:
    gone = jnp.zeros_like(state.first)
    return state._replace(b1_power=gone, b2_power=gone)


def _sum_of(decay: Number, power: Float[Array, ""]) -> Float[Array, ""]:
    """Of power decay^s over s >= 1."""
    return decay * power / (1 - decay)
