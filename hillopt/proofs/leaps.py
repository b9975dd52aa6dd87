"""How far an optimizer can leap over the bottom of a valley and up the other side, whatever the slopes that drove it there.

Bounds are formulas on balls around the hyperparameters and around the state that the walk has met, as in `hillopt.proofs.reach`,
where all slopes are of size one.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hillopt.loops import varying_as_after
from hillopt.optimizers import (
    AbstractOptimizer,
    Adagrad,
    Adam,
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

MOST_STEPS = 128  # between a turn and the bottom; in more, momentum counts as full


class Slopes(NamedTuple):
    """Bounds of the slopes in a valley, for a leap to one of its sides; none of them is negative."""

    drive: Float[Array, ""]
    """No slope drives the walk more strongly to this side."""
    least: Float[Array, ""]
    """Every slope up this side is as steep at least."""
    mildest: Float[Array, ""]
    """Every slope of the valley has this size at least."""
    steepest: Float[Array, ""]
    """Every slope of the valley has this size at most."""
    run: Float[Array, ""]
    """How far on the other side of the bottom the walk turns at most."""
    run_now: Float[Array, ""]
    """How far there it is now."""


class Leap(NamedTuple):
    """How far a walk gets to one side."""

    first: Float[Array, ""]
    """By the step that crosses the bottom."""
    rest: Float[Array, ""]
    """By all later ones, until it turns."""


@functools.singledispatch
def leap_of(optimizer: AbstractOptimizer, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    """Bound of the leaps to one side, +1 or -1, from a state of balls on; infinite where none is known.

    Whoever has proved a bound for an optimizer of their own registers it for its class.
    """
    del optimizer, state, side, slopes
    return Leap(jnp.asarray(jnp.inf), jnp.asarray(jnp.inf))


def _single(first: Array) -> Leap:
    """Of an optimizer without momentum: on the rising side every step leads back."""
    return Leap(first, jnp.zeros_like(first))


@leap_of.register
def _of_gradient_descent(optimizer: GradientDescent, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    return _single(
        at_most(lambda known, slopes: known.learning_rate * slopes.drive, jax.tree.map(rounded, optimizer), slopes)
    )


@leap_of.register
def _of_sign_descent(optimizer: SignDescent, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    return _single(at_most(lambda known: known.learning_rate * 1.0, jax.tree.map(rounded, optimizer)))


@leap_of.register
def _of_adagrad(optimizer: Adagrad, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    """lr g / sqrt(sum + g^2) rises with g, and falls with the sum, which only grows."""

    def step(known: Adagrad, square: Array, drive: Array) -> Array:
        return known.learning_rate * drive / jnp.sqrt(square + drive * drive + known.eps)

    return _single(at_most(step, jax.tree.map(rounded, optimizer), state.square, slopes.drive))


@leap_of.register
def _of_rmsprop(optimizer: RMSprop, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    """lr g / sqrt(decay v + (1 - decay) g^2) rises with g; v never falls below the least square, or what it is now."""

    def step(known: RMSprop, square: Array, slopes: Slopes) -> Array:
        least = jnp.minimum(square, slopes.mildest * slopes.mildest)
        met = known.decay * least + (1 - known.decay) * slopes.drive * slopes.drive
        return known.learning_rate * slopes.drive / jnp.sqrt(met + known.eps)

    return _single(at_most(step, jax.tree.map(rounded, optimizer), state.square, slopes))


@leap_of.register
def _of_heavy_ball(optimizer: HeavyBall, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    return _of_momentum(optimizer, state, side, slopes, 1)


@leap_of.register
def _of_nesterov(optimizer: Nesterov, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    return _of_momentum(optimizer, state, side, slopes, 2)


def _of_momentum(optimizer: HeavyBall | Nesterov, state: PyTree, side: Array, slopes: Slopes, first_power: int) -> Leap:
    """A trace of p becomes (p + s / (1 - b)) b^j - s / (1 - b) at most after j steps on slopes s against it.

    Nesterov's steps g + b trace add up to no less than the traces do while these grow from 0; the one that crosses the bottom
    looks ahead, and is longer than the trace where that is not full.
    """

    def trace(known: HeavyBall | Nesterov, trace: Array, slopes: Slopes) -> Array:
        return jnp.maximum(-side * trace, slopes.drive / (1 - known.momentum))

    known = jax.tree.map(rounded, optimizer)
    most = at_most(trace, known, state.trace, slopes)
    now = at_most(lambda trace: -side * trace, state.trace)
    numbers = as_arrays(optimizer)
    most = jnp.minimum(most, _built(now, slopes.drive, numbers.momentum, numbers.learning_rate, slopes))
    stride = at_most(lambda known, most: known.learning_rate * most, known, most)
    ratio = -at_most(lambda known, most, least: -(least / ((1 - known.momentum) * most)), known, most, slopes.least)
    leap = _swing(stride, known.momentum, numbers.momentum, ratio, first_power)
    if first_power == 1:
        return leap

    def looked_ahead(known: HeavyBall | Nesterov, most: Array, drive: Array) -> Array:
        return known.learning_rate * jnp.maximum(most, drive + known.momentum * most)

    return leap._replace(first=at_most(looked_ahead, known, most, slopes.drive))


@leap_of.register
def _of_adam(optimizer: Adam, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    """Corrected moments are means of slopes and of their squares, those met so far and those to come.

    So -m is at most p, what it is now or the greatest slope, and (p + s) b1^j - s at most after j steps on slopes s against it
    (less while it is corrected still). sqrt(v) is at least what it is now, or the mildest slope.

    Where slopes may vanish: m^2 <= C^2 v with C^2 = (1 - b1)^2 / (1 - b2) / (1 - b1^2 / b2) by Cauchy and Schwarz, or what it
    is now; and while the slopes are against it, a step is at most b1 / sqrt(b2) times the one before.
    """
    known = jax.tree.map(rounded, optimizer)
    most = at_most(
        lambda state, drive: jnp.maximum(-side * state.first / (1 - state.b1_power), drive), state, slopes.drive
    )

    def least_stride(known: Adam, state: PyTree, steepest: Array) -> Array:
        root = jnp.maximum(jnp.sqrt(state.second / (1 - state.b2_power)), steepest)
        return -known.learning_rate / (root + known.eps)

    corrected = at_most(lambda state: 1 / (1 - state.b1_power), state)
    gain = at_most(lambda known, drive: (1 - known.b1) * drive, known, slopes.drive)
    now = at_most(lambda state: -side * state.first, state)
    least = -at_most(least_stride, known, state, slopes.steepest)
    built = _built(now, gain, as_arrays(optimizer).b1, least, slopes)
    most = jnp.minimum(most, at_most(lambda built, factor: built * factor, built, corrected))

    def stride(known: Adam, state: PyTree, most: Array, mildest: Array) -> Array:
        root = jnp.minimum(jnp.sqrt(state.second / (1 - state.b2_power)), mildest)
        return known.learning_rate * most / (root + known.eps)

    ratio = -at_most(lambda most, least: -(least / most), rounded(most), slopes.least)
    slow = _swing(at_most(stride, known, state, most, slopes.mildest), known.b1, as_arrays(optimizer).b1, ratio, 1)

    def steepest(known: Adam, state: PyTree) -> Array:
        bound = (1 - known.b1) / jnp.sqrt((1 - known.b2) * (1 - known.b1 * known.b1 / known.b2))
        now = -side * state.first / jnp.sqrt(state.second)
        return known.learning_rate * jnp.maximum(bound, now) / (1 - state.b1_power)

    first = at_most(steepest, known, state)
    shrinking = at_most(lambda known: known.b1 / jnp.sqrt(known.b2), known)
    rest = at_most(lambda first, factor: first * factor / (1 - factor), first, shrinking)
    fast = Leap(first, jnp.where(shrinking < 1, rest, jnp.inf))
    return jax.tree.map(lambda one, other: jnp.where(sum(slow) <= sum(fast), one, other), slow, fast)


@leap_of.register
def _of_lion(optimizer: Lion, state: PyTree, side: Array, slopes: Slopes) -> Leap:
    """A memory of p is (p + s) b2^j - s at most after j steps on slopes s against it, and loses where b1 times that is below
    (1 - b1) s. How many steps that takes is guessed, a little too high where rounding could decide, and then proved."""
    infinite = jnp.full_like(slopes.drive, jnp.inf)
    if optimizer.weight_decay is not None:
        return Leap(infinite, infinite)
    known, numbers = jax.tree.map(rounded, optimizer), as_arrays(optimizer)
    most = at_most(lambda memory, drive: jnp.maximum(-side * memory, drive), state.trace, slopes.drive)
    least = slopes.least
    guess = jnp.log(least / ((most + least) * numbers.b1)) / jnp.log(numbers.b2)
    number = jnp.maximum(jnp.floor(guess * (1 + 2.0**-20) + 2.0**-10) + 1, 0)
    number = jnp.where(jnp.isfinite(number), number, 0)
    left = at_most(lambda known, most, least: known.b1 * (most + least) * known.b2**number - least, known, most, least)
    rest = at_most(lambda known, number: known.learning_rate * number, known, number)
    first = at_most(lambda known: known.learning_rate * 1.0, known)
    return Leap(first, jnp.where(left < 0, rest, jnp.inf))


def _built(now: Array, gain: Array, decay: Array, stride: Array, slopes: Slopes) -> Array:
    """How much momentum, p <- decay p + gain at most, can be there in the step that crosses the bottom, where each step before it
    has led `stride` p towards it at least.

    It has begun at a turn, with none, within `run` of the bottom, or is that of now. To gain it by the shortest way is to gain it
    at once before the bottom: every other way to the same momentum was as fast all along, and longer.
    """
    pad = (
        8 * MOST_STEPS * float(jnp.finfo(gain.dtype).eps)
    )  # 2 eps a step for rounding, as many for the numbers' last digits

    def carry_on(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        momentum, way, most = carry
        momentum = decay * momentum + gain
        most = jnp.where(way * (1 - pad) <= distances, momentum * (1 + pad), most)
        return (momentum, way + stride * momentum, most), None

    distances = jnp.stack([slopes.run, slopes.run_now])
    begin = jnp.stack([jnp.zeros_like(now), jnp.maximum(now, 0)])
    carry = begin, jnp.zeros_like(begin), begin
    step = varying_as_after(lambda carry: carry_on(carry, None)[0], carry)
    (_, way, most), _ = jax.lax.scan(carry_on, step, length=MOST_STEPS)
    return jnp.max(jnp.where(way * (1 - pad) > distances, most, jnp.inf))


def _swing(stride: Array, decay: Any, guess: Array, ratio: Array, first: int) -> Leap:
    """Steps of stride ((1 + ratio) decay^j - ratio), j = first, first + 1, ..., as long as they are positive.

    The sum of n of them has a closed form, which holds for a guess of n if the last one is not negative. Whatever follows is at
    most a geometric series, as a step is at most `decay` times the one before.
    """
    ratio = jnp.maximum(ratio, 0)
    number = jnp.floor(jnp.log(ratio / (1 + ratio)) / jnp.log(guess)) - first + 1
    number = jnp.where(jnp.isfinite(number) & (number > 0), number, 0)

    def term(decay: Array, ratio: Array, power: Array) -> Array:
        return (1 + ratio) * decay**power - ratio

    def closed(decay: Array, ratio: Array, number: Array) -> Array:
        total = (1 + ratio) * decay**first * (1 - decay**number) / (1 - decay) - ratio * number
        return total + jnp.maximum(term(decay, ratio, first + number), 0) / (1 - decay)

    last = -at_most(lambda *args: -term(*args), decay, ratio, first + number - 1)
    number = jnp.where(last >= 0, number, 0)
    way = at_most(lambda stride, *args: stride * closed(*args), stride, decay, ratio, number)
    return Leap(stride, jnp.where(stride > 0, way, 0))
