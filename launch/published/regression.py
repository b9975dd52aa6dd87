"""Gradient descent on a quadratic regression model: the phases of its cubic map."""

from collections.abc import Callable

import numpy as np

import hillopt as ho
from launch.published.result import Check, Found

RATES, SHOWN, FOLLOWED = 1_200, 120, 3_000
NEAR, FINE, LONG = 0.02, 201, 20_000  # around a threshold: how far, how many rates, how many steps
SAME = 1e-6
START = 1.2


def phases() -> Found:
    """The bifurcation diagram, and where its phases end."""
    from hillopt import pictures

    theory = ho.theory
    checks = [
        Check("the loss can grow from", theory.MONOTONE, first(theory.MONOTONE, can_grow), 2 * NEAR / (FINE - 1) * 2),
        Check("period 2 from", theory.CATAPULT, first(theory.CATAPULT, moves_by(1)), 4 * NEAR / (FINE - 1)),
        Check("period 4 from", theory.DOUBLED, first(theory.DOUBLED, moves_by(2)), 4 * NEAR / (FINE - 1)),
        Check("divergence from", theory.DIVERGENT, first(theory.DIVERGENT, diverges), 4 * NEAR / (FINE - 1)),
    ]
    rates = np.linspace(0.005, 2.0, RATES)
    residuals = walked(rates, FOLLOWED)[-SHOWN:]
    dots = pictures.Line(np.tile(rates, SHOWN), residuals.ravel(), "", ",", "#0b6e99")
    across = {
        r"$2\sqrt{2} - 2$": theory.MONOTONE,
        "1": theory.CATAPULT,
        r"$\sqrt{5} - 1$": theory.DOUBLED,
        "2": theory.DIVERGENT,
    }
    chart = pictures.Chart(
        "monotone, catapult, period 2, doublings and chaos, divergence",
        "learning rate times target, $a$",
        "residual times learning rate, last 120 steps",
        [dots],
        across=across,
        x_limits=(0, 2.1),
    )
    return Found(checks, pictures.chart_figure("Gradient descent on (w²/2 - 1)²/2", [chart]))


def walked(rates: np.ndarray, max_steps: int) -> np.ndarray:
    """The learning rate times the residual at every step, [time, rate]."""
    walk = ho.trajectory(ho.QuadraticRegression(w=START), ho.GradientDescent(rates), max_steps=max_steps)
    with np.errstate(over="ignore"):
        return rates * (np.asarray(walk.position) ** 2 / 2 - 1)


def first(threshold: float, holds: Callable[[np.ndarray], np.ndarray]) -> float:
    """The first rate around a threshold for which something holds."""
    rates = np.linspace(threshold - NEAR, threshold + NEAR, FINE)
    return float(rates[np.argmax(holds(rates))])


def can_grow(rates: np.ndarray) -> np.ndarray:
    """Whether one step makes the loss grow from some place of the basin, in which w²/2 - 1 is below 2 / rate."""
    places = np.linspace(0.05, 2.4, 2_001)
    hill = ho.QuadraticRegression(w=places)
    walk = np.asarray(ho.trajectory(hill, ho.GradientDescent(rates[:, None]), max_steps=1).position)
    loss = (walk**2 / 2 - 1) ** 2
    return np.any((loss[1] > loss[0]) & (places**2 / 2 - 1 < 2 / rates[:, None]), axis=1)


def moves_by(period: int) -> Callable[[np.ndarray], np.ndarray]:
    """Whether a walk in the end is not where it was so many steps before."""

    def moves(rates: np.ndarray) -> np.ndarray:
        residuals = walked(rates, LONG)
        return np.abs(residuals[-1] - residuals[-1 - period]) > SAME

    return moves


def diverges(rates: np.ndarray) -> np.ndarray:
    """Whether a walk is lost."""
    return ~np.isfinite(walked(rates, LONG)[-1])
