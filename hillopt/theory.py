"""Closed forms and laws of the hill, each with its derivation: an oracle independent of every walk, and lines to draw.

Rises are on the tent hill in lengths of the run from the start to the valley; walks begin at rest. Everything here is in
NumPy and float64, and takes numbers or arrays that broadcast.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import ArrayLike

Numbers: TypeAlias = Any  # a float64, or an array of them


def crossing_step(learning_rate: ArrayLike) -> Numbers:
    """The first step beyond the valley of a walk that moves by the learning rate: floor(1 / lr) + 1."""
    return np.floor(1 / np.asarray(learning_rate, float)) + 1


def descent_height(learning_rate: ArrayLike) -> Numbers:
    """h* of gradient and sign descent, lr (floor(1 / lr) + 1) - 1.

    The first step over the valley is the only one that rises: uphill the slope sends it straight back.
    """
    rate = np.asarray(learning_rate, float)
    return rate * crossing_step(rate) - 1


def adam_first_overshoot(learning_rate: ArrayLike, b1: ArrayLike = 0.9, eps: ArrayLike = 0.0) -> Numbers:
    """The first overshoot of Adam, whatever b2.

    On slopes of size one the corrected second moment is 1, so eps only divides the learning rate by 1 + eps. At the
    crossing, step n, the first moment is -(1 - b1^n); after j steps uphill it is b1^j (b1^n - 2) + 1 before the correction
    by 1 - b1^(n + j), and the walk rises while b1^j (2 - b1^n) > 1.
    """
    rate, b1, eps = (np.asarray(number, float) for number in (learning_rate, b1, eps))
    return _elementwise(_adam_first_overshoot, rate / (1 + eps), b1)


def _adam_first_overshoot(rate: float, b1: float) -> float:
    crossing = math.floor(1 / rate) + 1
    rise, uphill = rate * crossing - 1, 1
    while b1**uphill * (2 - b1**crossing) > 1:
        rise += rate * (2 * b1**uphill - 1 - b1 ** (crossing + uphill)) / (1 - b1 ** (crossing + uphill))
        uphill += 1
    return rise


def heavy_ball_first_overshoot(learning_rate: ArrayLike, momentum: ArrayLike = 0.9) -> Numbers:
    """The first overshoot of heavy ball, from x_t = lr / (1 - b) (t - b (1 - b^t) / (1 - b)) on the way down."""
    return _elementwise(_heavy_ball_first_overshoot, *(np.asarray(n, float) for n in (learning_rate, momentum)))


def _heavy_ball_first_overshoot(rate: float, momentum: float) -> float:
    crossing, rise = 0, -1.0
    while rise <= 0:
        crossing += 1
        rise = rate / (1 - momentum) * (crossing - momentum * (1 - momentum**crossing) / (1 - momentum)) - 1
    uphill = 1
    while (speed := momentum**uphill * (2 - momentum**crossing) - 1) > 0:
        rise += rate / (1 - momentum) * speed
        uphill += 1
    return rise


def small_step_height(learning_rate: ArrayLike, b1: ArrayLike = 0.9) -> Numbers:
    """What Adam's h* tends to for small steps, (1 - ln 2) lr / (1 - b1).

    In continuous time the moment decays from full by exp(-(1 - b1) t); it is positive uphill until that is 1/2.
    """
    return (1 - math.log(2)) * np.asarray(learning_rate, float) / (1 - np.asarray(b1, float))


def slope_in_learning_rate(height: ArrayLike, learning_rate: ArrayLike) -> Numbers:
    """d h* / d lr = (1 + h*) / lr between jumps: positions are proportional to the learning rate until a sign changes."""
    return (1 + np.asarray(height, float)) / np.asarray(learning_rate, float)


# With noise


def temperature(learning_rate: ArrayLike, noise: ArrayLike) -> Numbers:
    """lr s² / 2: gradient descent with gradient noise of deviation s is overdamped Langevin motion, a step a time of lr."""
    return np.asarray(learning_rate, float) * np.square(np.asarray(noise, float)) / 2


def tent_passage_time(height: ArrayLike, temperature: ArrayLike) -> Numbers:
    """Mean time of overdamped Langevin motion from the tent's valley to its crest, 2 T (e^(h/T) - 1) - h.

    The double integral of Gardiner 2009, "Stochastic Methods", equation 5.5.24, whose integrands are exponentials here. The
    ground before the valley is taken to rise for ever.
    """
    h, t = np.asarray(height, float), np.asarray(temperature, float)
    return 2 * t * np.expm1(h / t) - h


def tent_crossing_time(height: ArrayLike, temperature: ArrayLike) -> Numbers:
    """As `tent_passage_time`, to the foot of the hill's far side: 2 T (2 e^(h/T) - 3 + e^(-h/T))."""
    h, t = np.asarray(height, float), np.asarray(temperature, float)
    return 2 * t * (2 * np.exp(h / t) - 3 + np.exp(-h / t))


def double_well_passage_time(temperature: float, height: float = 0.25, places: int = 4_000) -> float:
    """Exact mean time from the bottom of a quartic double well's left well to that of its right one.

    (1/T) integral from -1 to 1 of e^(V(y)/T) integral from -inf to y of e^(-V(z)/T) (Gardiner 2009, equation 5.5.23), by
    the trapezoidal rule.
    """
    well = np.linspace(-4.0, 1.0, 5 * places + 1)
    energy = height * (well**2 - 1) ** 2 / temperature
    weight, step, bottom = np.exp(-energy), well[1] - well[0], 3 * places
    inner = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2) * step])
    outer = np.exp(energy[bottom:]) * inner[bottom:]
    return float((outer[1:] + outer[:-1]).sum() / 2 * step / temperature)


def stationary_variance(
    learning_rate: ArrayLike, noise: ArrayLike, curvature: ArrayLike = 1.0, momentum: ArrayLike = 0.0
) -> Numbers:
    """Variance of the position on k x² / 2 of heavy ball (gradient descent at momentum 0) with gradient noise.

    lr s² (1 + b) / ((1 - b) k (2 (1 + b) - lr k)): the fixed point of the covariance's linear recursion. Infinite at and
    beyond the edge of stability.
    """
    rate, s, k, b = (np.asarray(number, float) for number in (learning_rate, noise, curvature, momentum))
    room = 2 * (1 + b) - rate * k
    with np.errstate(divide="ignore"):
        return np.where(room > 0, rate * s**2 * (1 + b) / ((1 - b) * k * np.where(room > 0, room, 1)), np.inf)


def largest_stable_rate(curvature: ArrayLike = 1.0, momentum: ArrayLike = 0.0) -> Numbers:
    """2 (1 + b) / k: above it heavy ball leaves the parabola k x² / 2 (Polyak 1964)."""
    return 2 * (1 + np.asarray(momentum, float)) / np.asarray(curvature, float)


def _elementwise(function: Callable[..., float], *numbers: Numbers) -> Numbers:
    return np.asarray(np.vectorize(function, otypes=[float])(*numbers))
