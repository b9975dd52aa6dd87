"""Where Adam does not converge: losses that alternate."""

import numpy as np
import optax

import hillopt as ho
from launch.published.result import Check, Found

COST, RATE, STEPS, NEAR = 15.0, 0.01, 3_000, 0.05


def counterexample() -> Found:
    """The walks of Adam and of AMSGrad, and where they end over the learning rate."""
    from hillopt import pictures

    numbers = {"learning_rate": RATE, "b1": 0.0, "b2": 1 / (1 + COST**2), "eps": 1e-8}
    walkers = {
        "Adam": ho.Adam(**numbers),
        "AMSGrad": ho.from_optax(optax.amsgrad, **numbers),
    }
    checks, walks, ends = [], [], []
    rates = np.geomspace(1e-4, 0.3, 120)
    for (name, walker), colour in zip(walkers.items(), ("#b3541e", "#0b6e99"), strict=True):
        run = ho.OnlineRun(walker, COST)
        walk = places(np.asarray(ho.loss_curve(run, max_steps=STEPS)))
        checks.append(Check(f"{name} ends at", 1.0 if name == "Adam" else -1.0, float(walk[-300:].mean()), NEAR))
        walks.append(pictures.Line(np.arange(STEPS), walk, name, "-", colour))
        swept = ho.sweep(ho.Trainability(max_steps=10 * STEPS), run, None, {"learning_rate": rates})
        ends.append(pictures.Line(rates, places(swept.loss.values), name, "-", colour))
    levels = {"the optimum": -1.0}
    charts = [
        pictures.Chart(f"learning rate {RATE:g}", "step", "position", walks, up=levels),
        pictures.Chart(
            f"after {10 * STEPS:,} steps", r"learning rate $\alpha$", "position", ends, up=levels, is_log=(True, False)
        ),
    ]
    title = f"f(x) = {COST:g} x at every third step, else -x, on [-1, 1]"
    return Found(checks, pictures.chart_figure(title, charts))


def places(losses: np.ndarray) -> np.ndarray:
    """Positions, of which the losses are a linear function."""
    return 3 * losses / (COST - 2) - 1
