"""Optimizers as they are told on slopes of size one, where their second moment is not 1: it takes turns between two values, or is
a mean of how far slopes are from their mean.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.means import Kept, corrections, kept_by
from hillopt.pytrees import Number


class YogiState(NamedTuple):
    """A mean of slopes; b1^t and b2^t, which fade; the last second moment and the one before, which take turns."""

    first: Float[Array, "..."]
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]
    second: Float[Array, "..."]
    other: Float[Array, "..."]


class Yogi(AbstractOptimizer):
    """Yogi (Zaheer et al. 2018), once its second moment has come to 1: there it goes up and down by 1 - b2 for ever."""

    learning_rate: Number
    b1: Number
    b2: Number
    eps: Number

    def init(self, position: Float[Array, "..."]) -> YogiState:
        one = jnp.ones_like(position)
        return YogiState(jnp.zeros_like(position), one, one, one, one)

    def step(
        self, slope: Float[Array, "..."], state: YogiState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], YogiState]:
        first = self.b1 * state.first + (1 - self.b1) * slope
        b1_power, b2_power = self.b1 * state.b1_power, self.b2 * state.b2_power
        root = jnp.sqrt(state.other / (1 - b2_power)) + self.eps
        state = YogiState(first, b1_power, b2_power, state.other, state.second)
        return position - self.learning_rate / root * first / (1 - b1_power), state


@kept_by.register
def _by_yogi(optimizer: Yogi, state: YogiState) -> Kept:
    """A step is l m, where l takes turns: of what m is now, l b1 + l' b1^2 + l b1^3 + ... is still to come.

    Corrections of the bias make l larger by p / (1 - p) of it at most, p = b1^t, or less by 1 - sqrt(1 - q) <= q, q = b2^t.
    """
    b1, b2 = optimizer.b1, optimizer.b2
    now, then = (optimizer.learning_rate / (jnp.sqrt(v) + optimizer.eps) for v in (state.other, state.second))
    largest = jnp.maximum(now, then) * jnp.maximum(jnp.abs(state.first), 1.0)
    left = largest * (corrections(b1, state.b1_power) + state.b2_power * b2 / (1 - b2))
    gone = jnp.zeros_like(left)
    return Kept(
        offset=b1 * (now + b1 * then) / (1 - b1 * b1) * state.first,
        left=jnp.where(optimizer.eps >= 0, left, jnp.inf),
        at_last=state._replace(b1_power=gone, b2_power=gone),
        takes_turns=True,
    )


class DeviationState(NamedTuple):
    """A mean of slopes, and one of squares of how far they are from it; b1^t and b2^t, which fade."""

    first: Float[Array, "..."]
    second: Float[Array, "..."]
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]


class AdaBelief(AbstractOptimizer):
    """AdaBelief (Zhuang et al. 2020), whose second moment s is told by u = s + k m^2, k = b1 (1 - b2) / (1 - b1).

    Where g^2 = 1, (g - m')^2 is b1 + b1 (b1 m^2 - m'^2) / (1 - b1), so that most of what s goes up and down by in a swing comes
    from where it begins and ends. Without it, u' = b2 u + (1 - b2) b1 - k (b2 - b1) m^2.
    """

    learning_rate: Number
    b1: Number
    b2: Number
    eps: Number
    eps_root: Number

    def init(self, position: Float[Array, "..."]) -> DeviationState:
        return _no_deviation(position)

    def step(
        self, slope: Float[Array, "..."], state: DeviationState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], DeviationState]:
        first, share = self.b1 * state.first + (1 - self.b1) * slope, self.of_square()
        steady = (1 - self.b2) * self.b1 - share * (self.b2 - self.b1) * state.first**2
        second = self.b2 * state.second + steady + self.eps_root
        b1_power, b2_power = self.b1 * state.b1_power, self.b2 * state.b2_power
        root = jnp.sqrt((second - share * first**2) / (1 - b2_power)) + self.eps
        state = DeviationState(first, second, b1_power, b2_power)
        return position - self.learning_rate / root * first / (1 - b1_power), state

    def of_square(self) -> Number:
        """The share k of the mean's square that is told with the second moment."""
        return self.b1 * (1 - self.b2) / (1 - self.b1)


class ACProp(AbstractOptimizer):
    """ACProp (Zhuang et al. 2021) after the first step: slopes are divided by the second moment before them."""

    learning_rate: Number
    b1: Number
    b2: Number
    eps: Number
    eps_root: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> DeviationState:
        return _no_deviation(position)

    def step(
        self, slope: Float[Array, "..."], state: DeviationState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], DeviationState]:
        root = jnp.sqrt(state.second / (1 - state.b2_power)) + self.eps
        far = slope - state.first
        first = self.b1 * state.first + (1 - self.b1) * slope
        second = self.b2 * state.second + (1 - self.b2) * far * far + self.eps_root
        state = DeviationState(first, second, self.b1 * state.b1_power, self.b2 * state.b2_power)
        return position - self.learning_rate * (slope / root + self.weight_decay * position), state


def _no_deviation(position: Float[Array, "..."]) -> DeviationState:
    zero, one = jnp.zeros_like(position), jnp.ones_like(position)
    return DeviationState(zero, zero, one, one)


class Mirrored(NamedTuple):
    """The state from which all steps on opposite slopes are opposite."""

    state: PyTree
    holds: Bool[Array, ""]
    """Whether they are, and wherever they begin."""


@functools.singledispatch
def mirrored_by(optimizer: AbstractOptimizer, state: PyTree) -> Mirrored | None:
    """The mirror image of a state of an optimizer as told, in operations that intervals follow; None if nothing is known."""
    del optimizer, state
    return None


@mirrored_by.register
def _by_adabelief(optimizer: AdaBelief, state: DeviationState) -> Mirrored:
    del optimizer
    return Mirrored(state._replace(first=-state.first), jnp.ones((), bool))


@mirrored_by.register
def _by_acprop(optimizer: ACProp, state: DeviationState) -> Mirrored:
    return Mirrored(state._replace(first=-state.first), optimizer.weight_decay == 0)
