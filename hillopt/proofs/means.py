"""Optimizers that running means of slopes drive, in as few numbers as tell their walks on slopes of size one; and what such walks
keep.

With m <- b m + (1 - b) g a step is a share of m, or of g, and since b (m' - m) = (1 - b) (g - m'), the sum of many steps is that
of the slopes and what the mean has changed by. So x - weight * m moves by one and the same length down or up the slope, but for
what fades: the powers of a bias correction, or a mean of squares on its way to 1.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from hillopt.optimizers import AbstractOptimizer, AdamW
from hillopt.optimizers.adaptive import AdamState
from hillopt.pytrees import Number


class Mean(NamedTuple):
    """A mean of slopes, and a number that fades by the same factor at every step."""

    first: Float[Array, "..."]
    fading: Float[Array, "..."]


class NesterovAdamW(AbstractOptimizer):
    """Nadam with decoupled weight decay (Dozat 2016), whose second moment is 1 once corrected; what fades is b1^t.

    `eps` is all that is added to the root.
    """

    learning_rate: Number
    b1: Number
    eps: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> Mean:
        return Mean(jnp.zeros_like(position), jnp.ones_like(position))

    def step(
        self, slope: Float[Array, "..."], state: Mean, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Mean]:
        ahead, mean = _ahead(self.b1, slope, state)
        position = position * (1 - self.learning_rate * self.weight_decay)
        return position - self.learning_rate / (1 + self.eps) * ahead, mean


def _ahead(b1: Number, slope: Float[Array, "..."], state: "Mean | Optimist") -> tuple[Float[Array, "..."], Mean]:
    """Nadam's direction, before anything guards it, and the mean after a step."""
    rest, power = 1 - b1, b1 * state.fading
    first = b1 * state.first + rest * slope
    return b1 * first / (1 - b1 * power) + rest * slope / (1 - power), Mean(first, power)


class Optimist(NamedTuple):
    """A mean of slopes, a number that fades, and the direction of the last step."""

    first: Float[Array, "..."]
    fading: Float[Array, "..."]
    last: Float[Array, "..."]


class OptimisticNadam(AbstractOptimizer):
    """Nadam's direction d: a step takes (alpha + beta) d and gives beta times the last one back (Daskalakis et al. 2018)."""

    alpha: Number
    beta: Number
    b1: Number
    eps: Number

    def init(self, position: Float[Array, "..."]) -> Optimist:
        return Optimist(jnp.zeros_like(position), jnp.ones_like(position), jnp.zeros_like(position))

    def step(
        self, slope: Float[Array, "..."], state: Optimist, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Optimist]:
        ahead, mean = _ahead(self.b1, slope, state)
        ahead = ahead / (1 + self.eps)
        return position - (self.alpha + self.beta) * ahead + self.beta * state.last, Optimist(*mean, ahead)


class TwoMeansState(NamedTuple):
    """A fast mean of slopes, what its bias correction fades by, and a slow mean."""

    first: Float[Array, "..."]
    fading: Float[Array, "..."]
    slow: Float[Array, "..."]


class TwoMeans(AbstractOptimizer):
    """A share of a mean whose bias is corrected, and one of a mean whose bias is not, as AdEMAMix takes them (Pagliardini, Ablin
    and Grangier 2025); with decoupled weight decay."""

    learning_rate: Number
    b1: Number
    slow: Number
    """How much the mean remembers whose bias is not corrected."""
    share: Number
    slow_share: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> TwoMeansState:
        zero = jnp.zeros_like(position)
        return TwoMeansState(zero, jnp.ones_like(position), zero)

    def step(
        self, slope: Float[Array, "..."], state: TwoMeansState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], TwoMeansState]:
        first = self.b1 * state.first + (1 - self.b1) * slope
        slow = self.slow * state.slow + (1 - self.slow) * slope
        power = self.b1 * state.fading
        direction = self.share * first / (1 - power) + self.slow_share * slow
        position = position * (1 - self.learning_rate * self.weight_decay)
        return position - self.learning_rate * direction, TwoMeansState(first, power, slow)


class AdEMAMix(TwoMeans):
    """Of the two means one is much slower than the other, and soon stays near 0: see `greatest_slow`."""


class Pulled(AbstractOptimizer):
    """A mean of slopes whose bias is corrected, and a pull, which may be another one at every step."""

    learning_rate: Number
    b1: Number
    share: Number
    pull: Number

    def init(self, position: Float[Array, "..."]) -> Mean:
        return Mean(jnp.zeros_like(position), jnp.ones_like(position))

    def step(
        self, slope: Float[Array, "..."], state: Mean, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Mean]:
        first, power = self.b1 * state.first + (1 - self.b1) * slope, self.b1 * state.fading
        return position - self.learning_rate * (self.share * first / (1 - power) + self.pull), Mean(first, power)


def pulled(optimizer: TwoMeans, slow: Number) -> Pulled:
    """As it walks with this slow mean."""
    return Pulled(optimizer.learning_rate, optimizer.b1, optimizer.share, optimizer.slow_share * slow)


def without_slow(state: Mean | TwoMeansState) -> Mean:
    """The rest of it."""
    return Mean(state.first, state.fading)


def greatest_slow(optimizer: TwoMeans, state: TwoMeansState, place: Float[Array, ""]) -> Float[Array, ""]:
    """What the slow mean n never exceeds in size on the tent, from so far above the valley on; infinite if nothing is known.

    In units of learning_rate * share, with a = slow_share / share, c = 1 - slow and A = place - b1 / (1 - b1) first, a step makes
    A less by g + a n', but for what fades. With g from that, n' = r n + k (A - A'), where k = c / (1 + a c), r = slow / (1 + a c):
    besides r^t n it is k times the difference between a mean of all A so far and the last. A falls above the valley and rises
    below while a n is less than 1, so it is greatest and least where the walk has just crossed, by a step at most.
    """
    ratio, rest = optimizer.slow_share / optimizer.share, 1 - optimizer.slow
    longest = 1 / (1 - optimizer.b1 * state.fading)
    memory = optimizer.b1 / (1 - optimizer.b1)
    now = jnp.abs(place / (optimizer.learning_rate * optimizer.share) - memory * state.first)
    range_of_a = 2 * (longest + memory)
    k = rest / (1 + ratio * rest)
    fades = _largest(state.first) * corrections(optimizer.b1, state.fading)
    most = (jnp.abs(state.slow) + k * (range_of_a + fades)) / (1 - 2 * k * ratio)
    is_slow = (optimizer.share > 0) & (ratio >= 0) & (rest >= 0) & (optimizer.slow >= 0) & (2 * k * ratio < 1)
    known = is_slow & (now <= range_of_a / 2) & (ratio * most + longest - 1 < 1) & (optimizer.weight_decay == 0)
    return jnp.where(known & (jnp.abs(state.first) <= 1), most, jnp.inf)


class RectifiedState(NamedTuple):
    """A mean of slopes; b1^t, b2^t and t b2^t, which fade."""

    first: Float[Array, "..."]
    b1_power: Float[Array, "..."]
    b2_power: Float[Array, "..."]
    times: Float[Array, "..."]


class RAdam(AbstractOptimizer):
    """Rectified Adam (Liu et al. 2020), whose second moment is 1 once corrected."""

    learning_rate: Number
    b1: Number
    b2: Number
    eps: Number
    threshold: Number

    def init(self, position: Float[Array, "..."]) -> RectifiedState:
        zero, one = jnp.zeros_like(position), jnp.ones_like(position)
        return RectifiedState(zero, one, one, zero)

    def step(
        self, slope: Float[Array, "..."], state: RectifiedState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], RectifiedState]:
        first = self.b1 * state.first + (1 - self.b1) * slope
        b1_power, b2_power = self.b1 * state.b1_power, self.b2 * state.b2_power
        longest, length = _lengths(self, state)
        rectified = jnp.sqrt((length - 6 + 8 / length) * longest / ((longest - 4) * (longest - 2)))
        factor = jnp.where(length >= self.threshold, rectified / (1 + self.eps), 1.0)
        state = RectifiedState(first, b1_power, b2_power, self.b2 * (state.times + state.b2_power))
        return position - self.learning_rate * factor * first / (1 - b1_power), state


def _lengths(optimizer: RAdam, state: RectifiedState) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """How many squares a second moment is the mean of, at last and after the next step: (5) and (6) of the paper."""
    longest = 2 / (1 - optimizer.b2) - 1
    times, power = optimizer.b2 * (state.times + state.b2_power), optimizer.b2 * state.b2_power
    return longest, longest - 2 * times / (1 - power)


class RMSHeavyBall(AbstractOptimizer):
    """Heavy ball on slopes divided by the root of a running mean v of their squares; what fades is 1 - v.

    `weight_decay` is added to the slope so divided.
    """

    learning_rate: Number
    momentum: Number
    decay: Number
    eps: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> Mean:
        return Mean(jnp.zeros_like(position), jnp.zeros_like(position))

    def step(
        self, slope: Float[Array, "..."], state: Mean, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Mean]:
        fading = self.decay * state.fading
        drive = slope / jnp.sqrt(1 - fading + self.eps) + self.weight_decay * position
        first = self.momentum * state.first + drive
        return position - self.learning_rate * first, Mean(first, fading)


class Kept(NamedTuple):
    """What a walk keeps: the position less an offset moves by one and the same length, down or up the slope."""

    offset: Float[Array, ""]
    """Of this state."""
    left: Float[Array, ""]
    """Whatever slopes follow, from this state on it moves by no more than that besides."""
    at_last: PyTree
    """The state with what fades gone."""
    takes_turns: Bool[Array, ""] | bool = False
    """Whether it moves by one length at every other step, and by another one between."""


@functools.singledispatch
def kept_by(optimizer: AbstractOptimizer, state: PyTree) -> Kept | None:
    """What walks of an optimizer keep, told at a state, in operations that intervals follow; None if nothing is known."""
    del optimizer, state
    return None


@kept_by.register
def _by_adamw(optimizer: AdamW, state: AdamState) -> Kept:
    """A step is spacing m / (1 - p), p = b1^t: more than spacing m by p / (1 - p), whose sum is a geometric series at most."""
    spacing = optimizer.learning_rate / (1 + optimizer.eps)
    left = spacing * _largest(state.first) * corrections(optimizer.b1, state.b1_power)
    return Kept(
        offset=spacing * optimizer.b1 / (1 - optimizer.b1) * state.first,
        left=_unless(optimizer.weight_decay, left),
        at_last=state._replace(b1_power=jnp.zeros_like(left)),
    )


@kept_by.register
def _by_two_means(optimizer: TwoMeans, state: TwoMeansState) -> Kept:
    """The fast mean's as Adam's; the slow one has no correction."""
    fast = optimizer.share * optimizer.b1 / (1 - optimizer.b1) * state.first
    slow = optimizer.slow_share * optimizer.slow / (1 - optimizer.slow) * state.slow
    left = jnp.abs(optimizer.share) * _largest(state.first) * corrections(optimizer.b1, state.fading)
    return Kept(
        offset=optimizer.learning_rate * (fast + slow),
        left=_unless(optimizer.weight_decay, optimizer.learning_rate * left),
        at_last=state._replace(fading=jnp.zeros_like(left)),
    )


@kept_by.register
def _by_radam(optimizer: RAdam, state: RectifiedState) -> Kept:
    """Adam's with a factor r below 1, as long as that is so from the next step on: lengths rise. With l for the longest one,
    1 - r <= 1 - r^2 <= 2 l t b2^t / ((l - 4) (l - 2) (1 - b2^t)), whose sum has a closed form."""
    spacing, rest = optimizer.learning_rate / (1 + optimizer.eps), 1 - optimizer.b2
    largest, (longest, length) = _largest(state.first), _lengths(optimizer, state)
    corrected = largest * corrections(optimizer.b1, state.b1_power)
    steepest = 2 * longest / ((longest - 4) * (longest - 2) * (1 - optimizer.b2 * state.b2_power))
    times = optimizer.b2 * (state.times + state.b2_power / rest) / rest
    unrectified = steepest * times * largest / (1 - optimizer.b1 * state.b1_power)
    gone = jnp.zeros_like(times)
    is_rectified = (longest > 4) & (length > 4) & (length >= optimizer.threshold)
    return Kept(
        offset=spacing * optimizer.b1 / (1 - optimizer.b1) * state.first,
        left=jnp.where(is_rectified, spacing * (corrected + unrectified), jnp.inf),
        at_last=state._replace(b1_power=gone, b2_power=gone, times=gone),
    )


@kept_by.register
def _by_nesterov_adamw(optimizer: NesterovAdamW, state: Mean) -> Kept:
    spacing = optimizer.learning_rate / (1 + optimizer.eps)
    ahead = _kept_ahead(optimizer.b1, state)
    return Kept(
        offset=spacing * ahead.offset,
        left=_unless(optimizer.weight_decay, spacing * ahead.left),
        at_last=ahead.at_last,
    )


@kept_by.register
def _by_optimistic_nadam(optimizer: OptimisticNadam, state: Optimist) -> Kept:
    """A step is alpha d, and beta times what d has changed by, which the offset holds."""
    ahead, alpha = _kept_ahead(optimizer.b1, state), optimizer.alpha / (1 + optimizer.eps)
    return Kept(
        offset=alpha * ahead.offset - optimizer.beta * state.last, left=alpha * ahead.left, at_last=ahead.at_last
    )


def _kept_ahead(b1: Number, state: Mean | Optimist) -> Kept:
    """Nadam's direction is b1 m / (1 - b1 p) + (1 - b1) g / (1 - p), p = b1^t: more than without p by b1^2 p / (1 - b1 p) and
    (1 - b1) p / (1 - p) times the greatest mean at most."""
    left = (b1 * b1 + (1 - b1)) * _largest(state.first) * corrections(b1, state.fading)
    return Kept(b1 * b1 / (1 - b1) * state.first, left, state._replace(fading=jnp.zeros_like(left)))


@kept_by.register
def _by_rms_heavy_ball(optimizer: RMSHeavyBall, state: Mean) -> Kept:
    """Slopes count f(q) = (1 - q + eps)^(-1/2) times, q = 1 - v. f is convex, so f(q) - f(0) is |q| times its steepest slope at
    most, which is that at the greatest q to come."""
    stride, rest = optimizer.learning_rate / (1 - optimizer.momentum), 1 - optimizer.decay
    under = 1 - jnp.maximum(optimizer.decay * state.fading, 0.0) + optimizer.eps
    left = stride * jnp.abs(state.fading) * optimizer.decay / (rest * 2 * under * jnp.sqrt(under))
    return Kept(
        offset=stride * optimizer.momentum * state.first,
        left=_unless(optimizer.weight_decay, left),
        at_last=state._replace(fading=jnp.zeros_like(left)),
    )


def _largest(first: Float[Array, ""]) -> Float[Array, ""]:
    """No mean of slopes to come is greater, and no slope."""
    return jnp.maximum(jnp.abs(first), 1.0)


def corrections(decay: Number, power: Float[Array, ""]) -> Float[Array, ""]:
    """Bound of the sum of p / (1 - p) over p = power decay^s, s >= 1."""
    return power * decay / ((1 - decay) * (1 - power * decay))


def _unless(weight_decay: Number, left: Float[Array, ""]) -> Float[Array, ""]:
    """Nothing is kept where the position decays."""
    return jnp.where(weight_decay == 0, left, jnp.inf)
