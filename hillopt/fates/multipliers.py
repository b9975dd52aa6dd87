"""Proof that heavy ball converges on every function whose curvature lies in [mu, L], in any dimension.

With the slope mu x taken into the loop, what is left of the gradient is that of a convex function with a curvature of at most
L - mu, and the loop is stable if for some h_j >= 0, j not 0, with a sum below 1

    Re (1 - sum_j h_j z^j) N(z) / D(z) > 0   on |z| = 1,   N(z) = z^2 - (1 + b - g L) z + b,   D(z) = z^2 - (1 + b - g mu) z + b,

and D has its roots inside (Zames and Falb 1968; in discrete time O'Shea and Younis 1967, Willems and Brockett 1968; for gradients
of many variables Mancera and Safonov 2005). Without taps h_j this is the circle criterion, a quadratic Lyapunov function in common
for all curvatures; with one it is the off-by-one constraint of Lessard, Recht, Packard 2016 (arXiv:1408.3595, lemma 10). Times
|D|^2 it asks whether a polynomial in cos w, z = e^(i w), is positive.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

ANGLES = 720  # intervals of [0, pi] on which a polynomial is looked at
FINER = 64  # times, where a linear program has chosen the taps
FARTHEST = 8  # tap that it may use
MOST = 1 - 1e-9  # sum of the taps
CHUNK = 2_048  # cells looked at side by side
# Of the sum of the coefficients' sizes: a hundred times what rounding, and the last digit of a setting, can do to a value.
ROUNDING = 1e-12

Numbers = Any  # a number, or an array of them


class Setting(NamedTuple):
    """Of heavy ball, on a class of functions."""

    rate: Numbers
    momentum: Numbers
    least: float
    most: float

    @property
    def is_stable(self) -> Numbers:
        """Whether D has its roots inside, with room for rounding."""
        return self.rate * self.least < 2 * (1 + self.momentum) * (1 - ROUNDING)

    @property
    def size(self) -> Numbers:
        """At least the sum of the sizes of the coefficients of N(z) D(1/z)."""
        both = (1 + self.momentum + np.abs(1 + self.momentum - self.rate * each) for each in (self.least, self.most))
        return np.multiply(*both)


def converges(
    rate: Float[np.ndarray, " cell"], momentum: Float[np.ndarray, " cell"], least: float, most: float
) -> Bool[np.ndarray, " cell"]:
    """Where one tap, z or 1/z, proves it."""
    parts = [slice(begin, begin + CHUNK) for begin in range(0, len(rate), CHUNK)]
    found = [_with_one_tap(Setting(rate[part, None], momentum[part, None], least, most)) for part in parts]
    return np.concatenate(found) if found else np.zeros(0, bool)


def _with_one_tap(setting: Setting) -> Bool[np.ndarray, " cell"]:
    """With the weight in the middle of those that keep the polynomial positive at some angles: there it is a cubic in
    d = 1 - cos w, on whose pieces the second derivative lies between those at the ends."""
    rate, b, least, most = setting
    d = 1 - np.cos(np.linspace(0, np.pi, ANGLES + 1))
    slope = 2 * (1 - b) ** 2 - (1 + b) * rate * (least + most)
    real, slopes = rate**2 * least * most + (slope + 4 * b * d) * d, slope + 8 * b * d
    other = (1 - b) * rate * (most - least)
    proved = np.zeros(len(rate), bool)
    for side in (1, -1):
        turned = real * (1 - d) + side * other * d * (2 - d)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = real / turned
        high = np.minimum(np.where(turned > 0, ratio, np.inf).min(1, keepdims=True), MOST)
        low = np.where(turned < 0, ratio, 0.0).max(1, keepdims=True)
        h = np.where(low < high, (low + high) / 2, 0.0)
        bend = 8 * b * (1 - h + h * d) + 2 * h * slopes + 2 * side * h * other
        proved |= is_positive(real - h * turned, bend, d, setting)
    return proved & setting.is_stable[:, 0]


def is_positive(
    values: np.ndarray, bend: np.ndarray, places: np.ndarray, setting: Setting
) -> Bool[np.ndarray, " cell"]:
    """A function is no lower between two places than at them, but for the square of their distance times bend / 8."""
    below = np.maximum(np.maximum(bend[:, 1:], bend[:, :-1]), 0) * np.diff(places) ** 2 / 8
    return np.all(np.minimum(values[:, 1:], values[:, :-1]) - below > ROUNDING * setting.size, axis=1)


def converges_by_many_taps(setting: Setting) -> bool:
    """Whether those taps prove it that keep the polynomial farthest from 0 at some angles, by a linear program."""
    from scipy.optimize import linprog

    angles = np.linspace(0, np.pi, ANGLES // 2 + 1)
    real, imaginary = _product(setting, angles)
    size = np.hypot(real, imaginary) + np.finfo(float).tiny
    taps = [side * far for far in range(1, FARTHEST + 1) for side in (1, -1)]
    parts = np.stack([_turned(real, imaginary, tap, angles) for tap in taps], 1) / size[:, None]
    rows = np.vstack([np.hstack([parts, np.ones((len(angles), 1))]), [*np.ones(len(taps)), 0.0]])
    goal, bounds = [*np.zeros(len(taps)), -1.0], [(0.0, None)] * len(taps) + [(None, 1.0)]
    found = linprog(goal, rows, [*(real / size), MOST], bounds=bounds)
    if found.status != 0 or found.fun >= 0:
        return False
    weights = np.maximum(found.x[:-1], 0)
    weights *= MOST / max(weights.sum(), MOST)
    return _with_taps(setting, {tap: weight for tap, weight in zip(taps, weights.tolist(), strict=True) if weight})


def _with_taps(setting: Setting, taps: Mapping[int, float]) -> bool:
    """A tap j makes a polynomial of degree 2 + j in z of one of degree 2; a sum of cosines bends by no more than its coefficients
    times their degrees' squares."""
    angles = np.linspace(0, np.pi, FINER * ANGLES + 1)
    real, imaginary = _product(setting, angles)
    values = real - sum(weight * _turned(real, imaginary, tap, angles) for tap, weight in taps.items())
    bend = setting.size * (4 + sum(weight * (2 + abs(tap)) ** 2 for tap, weight in taps.items()))
    return bool(is_positive(values[None], np.full((1, len(angles)), bend), angles, setting)[0] and setting.is_stable)


def _product(setting: Setting, angles: Float[np.ndarray, " angle"]) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary part of N(z) / z times the conjugate of D(z) / z."""
    rate, b, least, most = setting
    turn = 1 - np.cos(angles)
    real = (rate * most - (1 + b) * turn) * (rate * least - (1 + b) * turn) + ((1 - b) * np.sin(angles)) ** 2
    return real, -(1 - b) * np.sin(angles) * rate * (most - least)


def _turned(real: np.ndarray, imaginary: np.ndarray, tap: int, angles: np.ndarray) -> np.ndarray:
    """The real part after a turn by a tap."""
    return real * np.cos(tap * angles) - imaginary * np.sin(tap * angles)
