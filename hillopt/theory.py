"""Closed forms and laws of the hill, each with its derivation: an oracle independent of every walk, and lines to draw.

Rises are on the tent hill in lengths of the run from the start to the valley; walks begin at rest. Everything here is in
NumPy and float64, and takes numbers or arrays that broadcast. What is too large for float64 is infinite. Raises ValueError for
numbers out of range.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import ArrayLike

Numbers: TypeAlias = Any  # a float64, or an array of them

TINY = float(np.finfo(float).tiny)  # the least rate whose inverse is finite
MOST_BETA = 0.999999  # beyond it a rise is a sum of more than a million terms


def crossing_step(learning_rate: ArrayLike) -> Numbers:
    """The first step beyond the valley of a walk that moves by the learning rate: floor(1 / lr) + 1."""
    return np.floor(1 / _rate(learning_rate)) + 1


def descent_height(learning_rate: ArrayLike) -> Numbers:
    """h* of gradient and sign descent, lr (floor(1 / lr) + 1) - 1.

    The first step over the valley is the only one that rises: uphill the slope sends it straight back.
    """
    rate = _rate(learning_rate)
    return rate * crossing_step(rate) - 1


def adam_first_overshoot(learning_rate: ArrayLike, b1: ArrayLike = 0.9, eps: ArrayLike = 0.0) -> Numbers:
    """The first overshoot of Adam, whatever b2.

    On slopes of size one the corrected second moment is 1, so eps only divides the learning rate by 1 + eps. At the
    crossing, step n, the first moment is -(1 - b1^n); after j steps uphill it is b1^j (b1^n - 2) + 1 before the correction
    by 1 - b1^(n + j), and the walk rises while b1^j (2 - b1^n) > 1. b1 is at most 0.999999.
    """
    rate = _rate(_rate(learning_rate) / (1 + _nonnegative("eps", eps)), "learning_rate / (1 + eps)")
    return _elementwise(_adam_first_overshoot, rate, _beta("b1", b1))


def _adam_first_overshoot(rate: float, b1: float) -> float:
    crossing = float(crossing_step(rate))
    uphill = _steps_uphill(b1)
    speed = b1**uphill * (2 - b1**crossing) - 1
    rising = uphill[speed > 0]
    steps = speed[speed > 0] / (1 - b1 ** (crossing + rising))
    return float(rate * crossing - 1 + rate * steps.sum())


def heavy_ball_first_overshoot(learning_rate: ArrayLike, momentum: ArrayLike = 0.9) -> Numbers:
    """The first overshoot of heavy ball, from x_t = lr / (1 - b) (t - b (1 - b^t) / (1 - b)) on the way down.

    The momentum is at most 0.999999.
    """
    return _elementwise(_heavy_ball_first_overshoot, _rate(learning_rate), _beta("momentum", momentum))


def _heavy_ball_first_overshoot(rate: float, momentum: float) -> float:
    def rise_at(step: int) -> float:
        return rate / (1 - momentum) * (step - momentum * (1 - momentum**step) / (1 - momentum)) - 1

    before, crossing = 0, math.floor((1 - momentum) / rate + momentum / (1 - momentum)) + 2
    while crossing - before > 1:
        middle = (before + crossing) // 2
        before, crossing = (before, middle) if rise_at(middle) > 0 else (middle, crossing)
    speed = momentum ** _steps_uphill(momentum) * (2 - momentum**crossing) - 1
    return rise_at(crossing) + rate / (1 - momentum) * float(speed[speed > 0].sum())


def _steps_uphill(beta: float) -> np.ndarray:
    """1, 2, ... beyond the last j with beta^j (2 - beta^n) > 1, whatever n is: beta^j is then at least 1/2."""
    return np.arange(1.0, 2.0 if beta == 0 else math.ceil(-math.log(2) / math.log(beta)) + 2.0)


def small_step_height(learning_rate: ArrayLike, b1: ArrayLike = 0.9) -> Numbers:
    """What Adam's h* tends to for lr -> 0 and b1 -> 1, (1 - ln 2) lr / (1 - b1).

    In continuous time the moment decays from full by exp(-(1 - b1) t); it is positive uphill until that is 1/2. Small steps
    alone do not make time continuous, b1 near 1 does: at b1 = 0.9 h* over this law runs from 0.793 to 1.119 however small the
    learning rate is, by where the step over the valley lands; at 0.99 from 0.979 to 1.011.
    """
    return (1 - math.log(2)) * _rate(learning_rate) / (1 - _fraction("b1", b1))


def slope_in_learning_rate(height: ArrayLike, learning_rate: ArrayLike) -> Numbers:
    """d h* / d lr = (1 + h*) / lr between jumps: positions are proportional to the learning rate until a sign changes."""
    return (1 + _in("height", height, -math.inf, math.inf)) / _rate(learning_rate)


# With noise


def temperature(learning_rate: ArrayLike, noise: ArrayLike) -> Numbers:
    """lr s² / 2: gradient descent with gradient noise of deviation s is overdamped Langevin motion, a step a time of lr."""
    return _rate(learning_rate) * np.square(_nonnegative("noise", noise)) / 2


def tent_passage_time(height: ArrayLike, temperature: ArrayLike) -> Numbers:
    """Mean time of overdamped Langevin motion from the tent's valley to its crest, 2 T (e^(h/T) - 1) - h.

    The double integral of Gardiner 2009, "Stochastic Methods", equation 5.5.24, whose integrands are exponentials here. The
    ground before the valley is taken to rise for ever.
    """
    h, t = _nonnegative("height", height), _positive("temperature", temperature)
    with np.errstate(over="ignore"):
        return 2 * t * np.expm1(h / t) - h


def tent_crossing_time(height: ArrayLike, temperature: ArrayLike) -> Numbers:
    """As `tent_passage_time`, to the foot of the hill's far side: 2 T (2 e^(h/T) - 3 + e^(-h/T))."""
    h, t = _nonnegative("height", height), _positive("temperature", temperature)
    with np.errstate(over="ignore"):
        return 2 * t * (2 * np.expm1(h / t) + np.expm1(-h / t))


def double_well_passage_time(temperature: ArrayLike, height: ArrayLike = 0.25, places: int = 4_000) -> Numbers:
    """Exact mean time from the bottom of a quartic double well's left well to that of its right one.

    (1/T) integral from -1 to 1 of e^(V(y)/T) integral from -inf to y of e^(-V(z)/T) (Gardiner 2009, equation 5.5.23), by
    the trapezoidal rule with so many places a unit. Infinite where it is too large for float64, at T = 0.0003 say.
    """
    if isinstance(places, bool) or not isinstance(places, int) or places < 1:
        raise ValueError(f"`places` must be a whole number of at least 1, got {places!r}; 4000 give five digits.")
    t, h = _positive("temperature", temperature), _positive("height", height)
    with np.errstate(over="ignore"):
        return np.exp(_elementwise(lambda t, h: _log_double_well_time(t, h, places), t, h))


FORGOTTEN = 40.0  # barriers in temperatures that nobody climbs: e^-40 is less than a digit


def _log_double_well_time(temperature: float, height: float, places: int) -> float:
    """In logarithms, since e^(height / T) overflows where the time may not."""
    farthest = -math.sqrt(1 + math.sqrt(FORGOTTEN * temperature / height))
    bottom = 3 * places
    well = np.concatenate([np.linspace(farthest, -1, bottom + 1), np.linspace(-1, 1, 2 * places + 1)[1:]])
    energy, steps = height / temperature * (well**2 - 1) ** 2, np.diff(well)
    weight = np.exp(-energy)
    inner = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * steps)])[bottom:]
    barrier = energy[bottom:].max()
    outer = np.exp(energy[bottom:] - barrier) * inner
    return float(barrier + np.log(((outer[1:] + outer[:-1]) / 2 * steps[bottom:]).sum()) - np.log(temperature))


def stationary_variance(
    learning_rate: ArrayLike, noise: ArrayLike, curvature: ArrayLike = 1.0, momentum: ArrayLike = 0.0
) -> Numbers:
    """Variance of the position on k x² / 2 of heavy ball (gradient descent at momentum 0) with gradient noise.

    lr s² (1 + b) / ((1 - b) k (2 (1 + b) - lr k)): the fixed point of the covariance's linear recursion. Infinite at and
    beyond the edge of stability.
    """
    rate, s, k = _rate(learning_rate), _nonnegative("noise", noise), _positive("curvature", curvature)
    b = _fraction("momentum", momentum)
    room = 2 * (1 + b) - rate * k
    return np.where(room > 0, rate * s**2 * (1 + b) / ((1 - b) * k * np.where(room > 0, room, 1)), np.inf)


def largest_stable_rate(curvature: ArrayLike = 1.0, momentum: ArrayLike = 0.0) -> Numbers:
    """2 (1 + b) / k: above it heavy ball leaves the parabola k x² / 2 (Polyak 1964)."""
    return 2 * (1 + _fraction("momentum", momentum)) / _positive("curvature", curvature)


def stable_sharpness(learning_rate: ArrayLike, momentum: ArrayLike = 0.0) -> Numbers:
    """2 (1 + b) / lr, the edge of stability: heavy ball (gradient descent at momentum 0) leaves a steeper parabola."""
    return 2 * (1 + _fraction("momentum", momentum)) / _rate(learning_rate)


def adam_stable_sharpness(learning_rate: ArrayLike, b1: ArrayLike = 0.9) -> Numbers:
    """2 (1 + b1) / ((1 - b1) lr): what the curvature over sqrt(v) + eps, Adam's denominator, may be (Cohen et al. 2022,
    arXiv:2207.14484); 38 / lr at 0.9.

    With a denominator that stays as it is, Adam is heavy ball of momentum b1 and learning rate (1 - b1) lr.
    """
    b = _fraction("b1", b1)
    return 2 * (1 + b) / ((1 - b) * _rate(learning_rate))


# Gradient descent on models of learning


def critical_factorisation_rate(target: ArrayLike, u: ArrayLike, v: ArrayLike) -> Numbers:
    """The learning rate up to which gradient descent on (u v - y)² / 2 converges from (u, v), almost everywhere.

    min(1 / |y|, 8 / (s + sqrt(s² - 16 y (u v - y)))) with s = u² + v² (Liang and Montúfar 2025, arXiv:2509.25351): 1 / |y| is
    where the last minimum becomes unstable. Not for target 0, nor where u = v = 0.
    """
    y, u, v = (_in(name, value, -math.inf, math.inf) for name, value in (("target", target), ("u", u), ("v", v)))
    if np.any(y == 0):
        raise ValueError("`target` must not be 0, at which there is no such rate; give another.")
    s = u**2 + v**2
    root = np.sqrt(np.maximum(s**2 - 16 * y * (u * v - y), 0))  # (2 u v)² <= s²: it is negative by rounding alone
    with np.errstate(divide="ignore"):
        return np.minimum(1 / np.abs(y), 8 / (s + root))


MONOTONE, CATAPULT, DOUBLED, DIVERGENT = 2 * math.sqrt(2) - 2, 1.0, math.sqrt(5) - 1, 2.0
"""Values of a = lr target that end the phases of gradient descent on (w² / 2 - target)² / 2: the residual falls monotonically;
it may grow first; it cycles with period 2, which doubles; it is chaotic (Chen et al. 2023, arXiv:2310.01687)."""


def regression_map(residual: ArrayLike, a: ArrayLike) -> Numbers:
    """z³ + (a - 2) z² + (1 - 2 a) z: a step of gradient descent there, on the learning rate times the residual.

    With e = w² / 2 - y a step takes w to w (1 - lr e), so e to (e + y) (1 - lr e)² - y; this is z = lr e and a = lr y.
    """
    z = _in("residual", residual, -math.inf, math.inf)
    a = _positive("a", a)
    return z * (z**2 + (a - 2) * z + 1 - 2 * a)


def catapult_map(
    output: ArrayLike, curvature: ArrayLike, learning_rate: ArrayLike, width: ArrayLike
) -> tuple[Any, Any]:
    """The next f and l of a linear network of two layers, f <- (1 - n l + n² f² / m) f and l <- l + (n f² / m) (n l - 4)
    (Lewkowycz et al. 2020, arXiv:2003.02218)."""
    f, l = (_in(name, value, -math.inf, math.inf) for name, value in (("output", output), ("curvature", curvature)))  # noqa: E741
    n, m = _rate(learning_rate), _positive("width", width)
    return (1 - n * l + n**2 * f**2 / m) * f, l + n * f**2 / m * (n * l - 4)


# Heavy ball on all functions whose curvature lies in [least, most], of any dimension


def cycle_margin(
    learning_rate: ArrayLike, momentum: ArrayLike, order: ArrayLike, least: ArrayLike, most: ArrayLike
) -> Numbers:
    """At most 0 where heavy ball goes round the K-th roots of unity on some function of curvature in [least, most].

    (mu g)^2 - 2 mu g [b - c + kappa (1 - b c)] + 2 kappa (1 - c) (1 + b^2 - 2 b c), with mu the least curvature, kappa its share
    of the most, c = cos(2 pi / K) (Goujaud, Taylor, Dieuleveut 2023, arXiv:2307.11291); `order` is K, from 2 on.
    """
    mu, ratio = _curvatures(least, most)
    y, linear, constant = (
        mu * _rate(learning_rate),
        *_cycle_terms(_fraction("momentum", momentum), _order(order), ratio),
    )
    return y**2 - 2 * y * linear + constant


def smallest_cycling_rate(momentum: ArrayLike, order: ArrayLike, least: ArrayLike, most: ArrayLike) -> Numbers:
    """The learning rate at which heavy ball begins to go round the K-th roots of unity, as `cycle_margin` has it; NaN where none
    does."""
    mu, ratio = _curvatures(least, most)
    linear, constant = _cycle_terms(_fraction("momentum", momentum), _order(order), ratio)
    room = linear**2 - constant
    has_one = (room >= 0) & (linear > 0)
    return np.where(has_one, (linear - np.sqrt(np.where(has_one, room, 0))) / mu, np.nan)


def _cycle_terms(momentum: Numbers, order: Numbers, ratio: Numbers) -> tuple[Numbers, Numbers]:
    """Of the quadratic in mu g: half the linear coefficient, and the constant."""
    b, c = momentum, np.cos(2 * np.pi / order)
    return b - c + ratio * (1 - b * c), 2 * ratio * (1 - c) * (1 + b**2 - 2 * b * c)


def _curvatures(least: ArrayLike, most: ArrayLike) -> tuple[Numbers, Numbers]:
    low, high = _positive("least", least), _positive("most", most)
    if np.any(low > high):
        raise ValueError(f"`least` must not be above most, got {np.max(low):g} and {np.min(high):g}; exchange them.")
    return low, low / high


def _order(order: ArrayLike) -> Numbers:
    return _in("order", order, 2, math.inf, "[")


def _rate(value: ArrayLike, name: str = "learning_rate") -> Numbers:
    return _in(name, value, TINY, math.inf, "[")


def _positive(name: str, value: ArrayLike) -> Numbers:
    return _in(name, value, 0.0, math.inf)


def _nonnegative(name: str, value: ArrayLike) -> Numbers:
    return _in(name, value, 0.0, math.inf, "[")


def _fraction(name: str, value: ArrayLike) -> Numbers:
    return _in(name, value, 0.0, 1.0, "[")


def _beta(name: str, value: ArrayLike) -> Numbers:
    return _in(name, value, 0.0, MOST_BETA, "[", "]")


def _in(name: str, value: ArrayLike, low: float, high: float, opens: str = "(", closes: str = ")") -> Numbers:
    """The value in float64; ValueError unless it is numbers that lie between these ends, which [ and ] include."""
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iuf":
            raise TypeError
        numbers = numbers.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be a number or an array of numbers, known when JAX traces, got {value!r}; write for example 0.1."
        ) from error
    inside = np.isfinite(numbers) & (low <= numbers if opens == "[" else low < numbers)
    inside &= numbers <= high if closes == "]" else numbers < high
    if not np.all(inside):
        rule = f"{opens}{low:.6g}, {high:.6g}{closes}"
        raise ValueError(
            f"`{name}` must lie in {rule}, got {numbers[~inside].flat[0]:.10g}; give a finite value inside that range."
        )
    return numbers


def _elementwise(function: Callable[..., float], *numbers: Numbers) -> Numbers:
    return np.vectorize(function, otypes=[float])(*numbers)[()]
