"""A number as a product of two: the critical learning rate, fractal basins, and the catapult."""

from typing import TYPE_CHECKING

import numpy as np

import hillopt as ho
from launch.published.result import Check, Found

if TYPE_CHECKING:
    from hillopt import pictures

CASES, RATES, STEPS, CONVERGED = 14, 2_000, 10_000, 1e-6
SIDE, BASIN_STEPS = 2_048, 120
DIMENSIONS = {0.2: 1.249, 0.0: 1.02}  # of the second from 1.00 to 1.04
SMALLEST = 8  # settings along a box: spikes thinner than a setting are hidden in smaller ones
CATAPULT = {1.9: 0.96695, 2.1: 0.86744, 2.5: 0.50151}
WIDTH, CATAPULT_STEPS = 500.0, 3_000


def critical_rate() -> Found:
    """Scans of the learning rate from random places, and a map over one of the two numbers."""
    from hillopt import pictures

    draw = np.random.default_rng(7)
    found = []
    for _ in range(CASES):
        target = float(draw.uniform(0.3, 2.0) * draw.choice([-1, 1]))
        u, v = (float(place) for place in draw.uniform(-2.5, 2.5, 2))
        found.append(scanned(target, u, v))
    published, ours, steps = np.array(found).T
    worst = int(np.argmax(np.abs(ours - published) / steps))
    checks = [
        Check(f"case {index + 1}", float(published[index]), float(ours[index]), 2 * float(steps[index]))
        for index in np.argsort(published)
    ]
    most = 1.05 * float(published.max())
    diagonal = pictures.Line(np.array([0, most]), np.array([0, most]), "formula", "--", "#1b1b1b")
    scans = pictures.Chart(
        f"{CASES} random targets and starts; at most {abs(ours - published)[worst] / steps[worst]:.1f} steps of a scan apart",
        "published critical learning rate",
        "last rate of a scan that converges",
        [diagonal, pictures.Line(published, ours, "scan", "o")],
    )
    return Found(checks, pictures.chart_figure("Gradient descent on (u v - y)²/2", [over_starts(), scans]))


def scanned(target: float, u: float, v: float) -> tuple[float, float, float]:
    """The published rate, the last one before the first that does not converge, and the step of the scan."""
    rates = np.linspace(0.02, 1.3, RATES) / abs(target)
    losses = ho.sweep(
        ho.Loss(STEPS), ho.Factorisation(target, u=u, v=v), ho.GradientDescent(0.1), {"learning_rate": rates}
    ).loss.values
    first = int(np.argmin(np.append(losses < CONVERGED, False)))
    return (
        float(ho.theory.critical_factorisation_rate(target, u, v)),
        float(rates[first - 1]),
        float(rates[1] - rates[0]),
    )


def over_starts() -> "pictures.Chart":
    """What converges, over one number of the start and the learning rate, with the formula."""
    from hillopt import pictures

    rates, starts, target, v = np.linspace(0.01, 1.2, 400), np.linspace(-4, 4, 401), 1.0, 0.5
    hill = ho.Factorisation(target, v=v)
    data = ho.sweep(ho.Loss(1_000), hill, ho.GradientDescent(0.1), {"u": starts, "learning_rate": rates})
    classes = np.where(data.loss.values < CONVERGED, 0, np.where(np.isfinite(data.loss.values), 1, 2))
    names = ("converged", f"not yet within {1_000:,} steps", "diverged")
    line = pictures.Line(
        starts, np.asarray(ho.theory.critical_factorisation_rate(target, starts, v)), "published", "-", "#c2185b"
    )
    cells = pictures.Cells(starts, rates, classes.T, names)
    return pictures.Chart("target 1, v = 0.5", "start $u$", r"learning rate $\alpha$", [line], cells)


def basins() -> Found:
    """Which starts converge, with an l2 term and without one.

    The dimension of a union is that of its roughest part, which boxes over all parts understate on any grid. So the border's is
    measured in the quadrant of one of the two minima, where it is 1.24; in those without a minimum it is 1.10, and on the whole
    map 1.16. Its error is that of the fit, and holds the published value.
    """
    from hillopt import pictures

    axis, charts, checks = np.linspace(-4, 4, SIDE), list[pictures.Chart](), list[Check]()
    for l2 in DIMENSIONS:
        data = ho.sweep(
            ho.Loss(BASIN_STEPS),
            ho.Factorisation(0.5, l2=l2),
            ho.GradientDescent(1.0),
            {"u": ho.Axis.linear(-4, 4, SIDE), "v": ho.Axis.linear(-4, 4, SIDE)},
        )
        stays = np.abs(data.loss.values) < 1e6
        cells = pictures.Cells(axis[::2], axis[::2], np.where(stays, 0, 2)[::2, ::2].T, ("converges", "", "diverges"))
        found = ho.box_dimension(border(stays)[SIDE // 2 :, SIDE // 2 :], smallest=SMALLEST)
        checks.append(Check(f"box dimension, l2 {l2:g}", DIMENSIONS[l2], found.dimension, found.error))
        title = f"l2 weight {l2:g}: dimension {found.dimension:.2f} ± {found.error:.2f} for $u, v > 0$"
        charts.append(pictures.Chart(title, "start $u$", "start $v$", cells=cells, is_equal=True))
    figure = pictures.chart_figure("Gradient descent on (u v - 0.5)²/2 + l2 (u² + v²)/2, learning rate 1", charts)
    return Found(checks, figure)


def border(stays: np.ndarray) -> np.ndarray:
    """Cells beside one of the other kind."""
    found = np.zeros_like(stays)
    for axis in (0, 1):
        turns = np.diff(stays, axis=axis)
        found |= np.pad(turns, [(0, 1) if each == axis else (0, 0) for each in (0, 1)])
        found |= np.pad(turns, [(1, 0) if each == axis else (0, 0) for each in (0, 1)])
    return found


def catapult() -> Found:
    """The curvature that is left in the end, over the learning rate."""
    from hillopt import pictures

    rates = np.concatenate([np.linspace(0.05, 4.1, 406), [*CATAPULT, 3.99, 4.01]])
    hill = ho.Factorisation.catapult(1.0, 1.0, WIDTH)
    walk = ho.trajectory(hill, ho.GradientDescent(rates), max_steps=CATAPULT_STEPS)
    final = np.asarray(hill.curvature(walk.position[-1]))
    output = np.abs(np.prod(np.asarray(walk.position[-1]), axis=-1))
    swept, given = final[:406], dict(zip(rates[406:].tolist(), final[406:].tolist(), strict=True))
    checks = [Check(f"final l at {rate:g}", value, given[rate], 5e-6) for rate, value in CATAPULT.items()]
    checks += [Check("converges at 3.99", 1, float(output[-2] < CONVERGED), 0)]
    checks += [Check("diverges at 4.01", 1, float(not np.isfinite(given[4.01])), 0)]
    known = np.array([*CATAPULT]), np.array([*CATAPULT.values()])
    lines = [
        pictures.Line(rates[:406], swept, "ours"),
        pictures.Line(rates[40:406], 2 / rates[40:406], "2 / learning rate", "--", "#b3541e"),
        pictures.Line(*known, "published", "o", "#c2185b"),
    ]
    chart = pictures.Chart(
        "lazy up to 2, catapult up to 4, divergence beyond",
        r"learning rate $\alpha$",
        "final curvature",
        lines,
        across={"$2 / l_0$": 2.0, "$4 / l_0$": 4.0},
        y_limits=(0, 1.1),
    )
    return Found(checks, pictures.chart_figure(f"A linear network of width {WIDTH:g}, f = l = 1 at first", [chart]))
