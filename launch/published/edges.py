"""The edge of stability of gradient descent, heavy ball and Adam: how steep a bowl may be."""

from typing import TYPE_CHECKING

import numpy as np

import hillopt as ho
from launch.published.result import Check, Found

if TYPE_CHECKING:
    from hillopt import pictures

RATES, DECAYS, STEPS = 401, 100, 2_000
CURVATURE, TINY = 1.0, 1e-6  # so near its minimum, eps = 1 is all of Adam's denominator
SETTLED, RATE = 20_000, 0.01
"""Steps that Adam is followed at eps = 0, until its denominator has found the edge; and its learning rate there."""


def stability() -> Found:
    """Edges measured by scans of the learning rate, on their closed forms; and where Adam's own denominator comes to rest."""
    from hillopt import pictures

    checks = []
    charts: list[pictures.Chart] = []
    bowl = ho.QuadraticBowl(CURVATURE, TINY)
    for title, optimizer, name, most, law in (
        ("heavy ball", ho.HeavyBall(0.1), "momentum", 4.2, ho.theory.largest_stable_rate),
        ("Adam, eps 1 as its denominator", ho.Adam(0.1, b2=0.9, eps=1.0), "b1", 42.0, None),
    ):
        rates, decays = np.linspace(0.01, 1, RATES) * most, np.linspace(0, 0.9, DECAYS)
        axes = {name: decays, "learning_rate": rates}
        losses = ho.sweep(ho.Loss(STEPS), bowl, optimizer, axes).loss.values
        stays = losses < CURVATURE * TINY**2 / 2
        edges = rates[np.argmin(stays, axis=1) - 1]
        expected = law(CURVATURE, decays) if law else ho.theory.adam_stable_sharpness(1.0, decays) / CURVATURE
        step = float(rates[1] - rates[0])
        for decay, edge, value in zip(decays[::33], edges[::33], np.asarray(expected)[::33], strict=True):
            checks.append(Check(f"{title.partition(',')[0]}, {name} {decay:.2g}", float(value), float(edge), 2 * step))
        cells = pictures.Cells(decays, rates, np.where(stays, 0, 1).T, ("stays", "leaves the bowl"))
        line = pictures.Line(decays, np.asarray(expected), "published", "--", "#c2185b")
        label = {"momentum": r"momentum $\mu$", "b1": r"$\beta_1$"}[name]
        charts.append(pictures.Chart(title, label, r"learning rate $\alpha$", [line], cells))
    charts.append(at_rest(checks))
    return Found(checks, pictures.chart_figure("How steep a bowl may be: f(x) = x²/2", charts))


def at_rest(checks: list[Check]) -> "pictures.Chart":
    """Adam's curvature over its denominator, which stays near the edge without anybody's doing."""
    from hillopt import pictures

    walk = ho.trajectory(ho.QuadraticBowl(1.0, 1.0), ho.Adam(RATE, 0.9, 0.99), max_steps=SETTLED)
    correction = 1 - np.asarray(walk.state.b2_power)
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpness = 1 / np.sqrt(np.asarray(walk.state.second) / correction)
    edge = float(ho.theory.adam_stable_sharpness(RATE, 0.9))
    middle = float(np.median(sharpness[SETTLED // 2 :]))
    checks.append(Check(f"Adam's own, learning rate {RATE:g}", edge, middle, 0.1 * edge))
    steps = np.arange(1, SETTLED + 1)
    line = pictures.Line(steps, sharpness[1:], "ours")
    return pictures.Chart(
        f"Adam, eps 0, learning rate {RATE:g}",
        "step",
        "curvature over the denominator",
        [line],
        up={r"$38 / \alpha$": edge},
        is_log=(True, True),
    )
