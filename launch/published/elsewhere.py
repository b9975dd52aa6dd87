"""Results that the library's own tests, commands or closed forms repeat: here as one call each."""

import numpy as np

import hillopt as ho
from launch.published.result import Check, Found

CYCLE = (2592 / 1225, 792 / 1225, -2208 / 1225)
CYCLING = {(0.5, 3): 2.644042760970747, (0.8, 6): 1.4645843495937376, (0.9, 9): 0.8101018858573074}
COUNTS = (1, 1, 1, 1, 3, 5, 7, 13, 21, 27)
ADAM = (0.3, 0.6, 0.9, 1.2, 1.353483431418032, 1.4101842951299657)
SHRINKS = {(4, 0.9, 0.93): 0.9820209142881304, (6, 0.9, 0.93): 0.9909696838390821}


def heavy_ball_cycle() -> Found:
    """The cycle of three, from the start of Lessard, Recht and Packard's example."""
    from hillopt import pictures

    bowl = ho.PiecewiseQuadraticBowl((25.0, 1.0, 25.0), (1.0, 2.0))
    walk = np.asarray(ho.trajectory(ho.StartingAt(bowl, 3.1), ho.HeavyBall(1 / 9, 4 / 9), max_steps=300).position)
    last = np.sort(walk[-3:])
    checks = [Check(f"{place:.6f}", place, float(ours), 1e-9) for place, ours in zip(sorted(CYCLE), last, strict=True)]
    levels = {f"{place:.4f}": place for place in CYCLE}
    line = pictures.Line(np.arange(41), walk[:41], "heavy ball from 3.1", "o-")
    chart = pictures.Chart("learning rate 1/9, momentum 4/9", "step", "position", [line], up=levels)
    return Found(checks, pictures.chart_figure("Heavy ball goes round a cycle of three", [chart]))


def cycling_rates() -> Found:
    """Where heavy ball begins to go round roots of unity."""
    from hillopt import pictures

    checks = [
        Check(f"K = {order}, momentum {momentum:g}", value, float(rate), 1e-12)
        for (momentum, order), value in CYCLING.items()
        for rate in [ho.theory.smallest_cycling_rate(momentum, order, 0.1, 1.0)]
    ]
    momenta = np.linspace(0.02, 0.98, 400)
    lines = [
        pictures.Line(momenta, np.asarray(ho.theory.smallest_cycling_rate(momenta, order, 0.1, 1.0)), f"K = {order}")
        for order in (3, 4, 6, 9)
    ]
    known = pictures.Line(np.array([b for b, _ in CYCLING]), np.array([*CYCLING.values()]), "published", "o", "#c2185b")
    edge = pictures.Line(
        momenta, np.asarray(ho.theory.largest_stable_rate(1.0, momenta)), "stable up to", "--", "#1b1b1b"
    )
    chart = pictures.Chart(
        "curvatures 0.1 to 1", r"momentum $\mu$", r"learning rate $\alpha$", [*lines, edge, known], y_limits=(0, 4)
    )
    return Found(checks, pictures.chart_figure("Heavy ball cycles over the K-th roots of unity", [chart]))


def label_changes() -> Found:
    """How often gradient descent's label changes along the learning rate on a rough bowl."""
    from hillopt import pictures

    rates = 1.5 * np.arange(1, 513) / 512
    bowl = ho.RoughBowl(0.2, 0.1, multiplicative=True)
    verdict = ho.sweep(
        ho.Escape(max_steps=1_000, climb=ho.PlainClimb()), bowl, ho.GradientDescent(0.1), {"learning_rate": rates}
    ).verdict.values
    left = np.append(False, verdict != ho.Verdict.UNDECIDED)  # at learning rate 0 nothing moves
    counts = [int((np.diff(left[:: 2 ** (9 - n)].astype(int)) != 0).sum()) for n in range(10)]
    checks = [Check(f"N_{n}", value, counts[n], 0) for n, value in enumerate(COUNTS)]
    lines = [
        pictures.Line(2.0 ** np.arange(10), np.array(counts), "ours", "-"),
        pictures.Line(2.0 ** np.arange(10), np.array(COUNTS), "published", "o", "#c2185b"),
    ]
    chart = pictures.Chart(
        "height 0.2, wavelength 0.1", "intervals of the learning rate", "changes of label", lines, is_log=(True, True)
    )
    return Found(checks, pictures.chart_figure("A rough bowl: labels change ever more often", [chart]))


def original_walk() -> Found:
    """Adam's climb, and the critical height."""
    from hillopt import pictures

    hill, adam = ho.TentHill(0.5), ho.Adam(0.3)
    walk, critical = ho.trajectory(hill, adam, max_steps=24), ho.critical_height(hill, adam)
    checks = [Check(f"x_{step}", place, float(walk.position[step]), 1e-14) for step, place in enumerate(ADAM, start=1)]
    checks.append(Check("h*", 0.41018429512997, float(critical.critical_height), 1e-14))
    return Found(
        checks, pictures.walk_figure([pictures.WalkPanel("Adam on TentHill, height = 0.5", hill, walk, critical)])
    )
