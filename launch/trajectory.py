"""One walk, step by step, as a table and on its hill.

    python -m launch.trajectory

is the original case: Adam with learning rate 0.3, b1 0.9, b2 0.999 and eps 0 on a hill of height 0.5, which turns back at
x_6 = 1.4101842951299657, next to gradient descent's swing between 0.9 and 1.2. It writes walk.png, walk.pdf and
settings.json into runs/trajectory/. Another walk:

    python -m launch.trajectory --name=up --optimizer=heavy_ball --hyperparameters=learning_rate=0.05,momentum=0.9 --height=0.5
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

import hillopt as ho
from launch import command, runs


@dataclasses.dataclass(frozen=True)
class Settings:
    """What walks where, and how much of it is told."""

    optimizer: str = command.flag("adam", "The optimizer that walks.", choices=sorted(ho.OPTIMIZERS))
    hyperparameters: dict[str, float] = command.flag(
        {"learning_rate": 0.3}, "Its hyperparameters, as name=value,name=value."
    )
    beside_descent: bool = command.flag(True, "Draw gradient descent with the same learning rate beside it.")
    height: float = command.flag(0.5, "Height of the hill.", at_least=0)
    num_steps: int = command.flag(24, "Steps to walk.", at_least=1, at_most=1_000_000)
    rows: int = command.flag(10, "Steps to print.", at_least=1)
    max_steps: int = command.flag(
        ho.DEFAULT_MAX_STEPS, "Follow the walk so far for its critical height.", at_least=1, at_most=ho.MOST_STEPS
    )
    dtype: str = command.flag("float64", "The walk's floating-point format.", choices=["float32", "float64"])
    out: Path = runs.out()
    name: str = runs.name("trajectory")
    overwrite: bool = runs.overwrite()


PRESETS = {
    "original": Settings(),
    "up": Settings(optimizer="heavy_ball", hyperparameters={"learning_rate": 0.05, "momentum": 0.9}, name="up"),
}
SYMBOLS = {"first": "m", "second": "v", "trace": "m", "square": "v"}


def tiny(settings: Settings) -> Settings:
    """A preset, with a search that is soon over."""
    return dataclasses.replace(settings, max_steps=100, name=f"{settings.name}_tiny")


def main(settings: Settings) -> None:
    """Walk, print, draw."""
    jax.config.update("jax_enable_x64", settings.dtype == "float64")
    hill, walkers = ho.TentHill(settings.height), walkers_of(settings)
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        from hillopt import pictures

        panels = []
        for walker in walkers:
            panel = pictures.WalkPanel(title_of(walker, settings), hill, *walked(hill, walker, settings))
            print(panel.title, *table(panel.walk, settings.rows), describe(panel.critical), sep=os.linesep)
            print()
            panels.append(panel)
        pictures.write(pictures.walk_figure(panels), [folder / "walk.png", folder / "walk.pdf"])
        command.save(folder, settings)
    print(runs.wrote(path, pictures=["walk"]))


def walkers_of(settings: Settings) -> list[ho.AbstractOptimizer]:
    """The optimizer, and gradient descent beside it; ValueError with the near miss for a hyperparameter it does not have."""
    factory, given = ho.OPTIMIZERS[settings.optimizer], settings.hyperparameters
    ho.check_names(factory, list(given))
    if "learning_rate" not in given:
        raise ValueError("`--hyperparameters` must name a learning_rate; add learning_rate=0.3, say.")
    walkers = [factory(**given)]
    if settings.beside_descent and settings.optimizer != "gradient_descent":
        walkers.append(ho.GradientDescent(given["learning_rate"]))
    for walker in walkers:
        walker.check()
    return walkers


def walked(
    hill: ho.AbstractHill, walker: ho.AbstractOptimizer, settings: Settings
) -> tuple[ho.Trajectory, ho.CriticalHeightAnswer]:
    """The walk, and how high it ever climbs."""
    walk = ho.trajectory(hill, walker, max_steps=settings.num_steps)
    return walk, ho.critical_height(hill, walker, max_steps=settings.max_steps)


def title_of(walker: ho.AbstractOptimizer, settings: Settings) -> str:
    """Who walks where, all its numbers, and for how long."""
    numbers = [f"{name} = {value:g}" for name, value in walker.hyperparameters().items() if value is not None]
    steps = f"{settings.num_steps:,} steps, h* within {settings.max_steps:,}"
    hill = f"{ho.TentHill.__name__}, height = {settings.height:g}"
    return ", ".join([f"{type(walker).__name__} on {hill}", *numbers, steps, settings.dtype])


def state_columns(state: Any) -> dict[str, np.ndarray]:
    """The optimizer's moments by their symbols; powers of the betas are left out."""
    fields = state._asdict()
    return {symbol: np.asarray(fields[name]) for name, symbol in SYMBOLS.items() if name in fields}


def table(walk: ho.Trajectory, rows: int) -> Iterator[str]:
    """Lines of t, x_t, the slope there, and the moments after step t."""
    columns = {"x": np.asarray(walk.position), "slope": np.asarray(walk.slope), **state_columns(walk.state)}
    yield f"{'t':>5}" + "".join(f"{name:>22}" for name in columns)
    for step in range(1, min(rows, len(walk.position) - 1) + 1):
        cells = (
            f"{column[step]:>22.0f}" if name == "slope" else f"{column[step]:>22.16g}"
            for name, column in columns.items()
        )
        yield f"{step:>5}" + "".join(cells)


def describe(critical: ho.CriticalHeightAnswer) -> str:
    """The critical height in one line, with how it is known."""
    verdict = ho.Verdict(int(critical.verdict))
    bound = f"no walk of this setting climbs above {float(critical.upper):.17g}"
    known = {
        ho.Verdict.TRAPPED: f"proved: {bound}" if critical.certified else f"as it is rounded, {bound}",
        ho.Verdict.UNDECIDED: f"within {int(critical.num_steps):,} steps; at most {float(critical.upper):.6g} ever",
        ho.Verdict.DIVERGED: "the walk diverged",
    }[verdict]
    period = f", period {int(critical.period)}" if int(critical.period) else ""
    flag = (
        f", rounding error below {float(critical.error):.1e}" if critical.certified else "; flagged: rounding decides"
    )
    return f"h* = {float(critical.critical_height):.17g} at step {int(critical.step)}, {known}{period}{flag}"


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
