"""One walk, step by step, as a table and on its hill.

    python -m launch.trajectory

is the original case: Adam with learning rate 0.3, b1 0.9, b2 0.999 and eps 0 on a hill of height 0.5, which turns back at
x_6 = 1.4101842951299657, next to gradient descent's swing between 0.9 and 1.2. It writes walk.png, walk.pdf and
settings.json into runs/trajectory/. Another walk:

    python -m launch.trajectory --name=up --optimizer=heavy_ball --hyperparameters=learning_rate=0.05,momentum=0.9 --height=0.5

--film writes the walk step by step too, walk.gif. On any landscape, by any optimizer, also of optax or of one's own; walks in two
dimensions are drawn on contour lines:

    python -m launch.trajectory --preset=mueller_brown
    python -m launch.trajectory --preset=factorisation
    python -m launch.trajectory --hill=wedge --optimizer=optax.nadam --hyperparameters=learning_rate=0.1 --name=wedge
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import hillopt as ho
from launch import command, named, runs


@dataclasses.dataclass(frozen=True)
class Settings:
    """What walks where, and how much of it is told."""

    optimizer: str = named.optimizer_flag("adam", "The optimizer that walks.")
    hyperparameters: dict[str, float] = command.flag(
        {"learning_rate": 0.3}, "Its hyperparameters, as name=value,name=value."
    )
    beside_descent: bool = command.flag(True, "Draw gradient descent with the same learning rate beside it.")
    hill: str = named.hill_flag("tent", "The landscape that it walks on.")
    height: float | None = command.flag(None, "Height of the hill, 0.5 where it has one.", at_least=0)
    hill_numbers: dict[str, float] = command.flag(
        {}, "Its other numbers, as name=value,name=value.", example="half_width=0.5"
    )
    film: bool = command.flag(False, "Write walk.gif too, the walk step by step; of walks in one dimension.")
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
    "mueller_brown": Settings(
        hill="mueller_brown",
        optimizer="heavy_ball",
        hyperparameters={"learning_rate": 0.02, "momentum": 0.9},
        height=1.0,
        num_steps=150,
        name="mueller_brown",
    ),
    "factorisation": Settings(
        hill="factorisation",
        optimizer="gradient_descent",
        hyperparameters={"learning_rate": 0.8},
        hill_numbers={"u": 2.0, "v": 0.4},
        num_steps=60,
        name="factorisation",
    ),
}
HEIGHT = 0.5
LONGEST_FILM = 200
SYMBOLS = {"first": "m", "second": "v", "trace": "m", "square": "v"}


def tiny(settings: Settings) -> Settings:
    """A preset, with a search that is soon over."""
    return dataclasses.replace(settings, max_steps=100, name=f"{settings.name}_tiny")


def main(settings: Settings) -> None:
    """Walk, print, draw."""
    jax.config.update("jax_enable_x64", settings.dtype == "float64")
    hill, walkers = hill_of(settings), walkers_of(settings)
    check_film(settings, hill)
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        from hillopt import pictures

        panels = []
        for walker in walkers:
            walk = ho.trajectory(hill, walker, max_steps=settings.num_steps)
            critical = critical_of(hill, walker, settings)
            panel = pictures.WalkPanel(title_of(hill, walker, settings), hill, walk, critical)
            print(
                panel.title,
                *table(hill, walk, settings.rows),
                outcome(hill, walker, panel.walk, critical, settings),
                sep=os.linesep,
            )
            print()
            panels.append(panel)
        pictures.write(pictures.walk_figure(panels), [folder / "walk.png", folder / "walk.pdf"])
        if settings.film:
            pictures.write_walk_film(panels, folder / "walk.gif")
        command.save(folder, settings)
    print(runs.wrote(path, *(["walk.gif"] if settings.film else []), pictures=["walk"]))


def check_film(settings: Settings, hill: ho.AbstractLandscape) -> None:
    """ValueError for what is no film."""
    if settings.film and np.ndim(hill.start):
        raise ValueError(f"`--film` draws walks in one dimension, not on {settings.hill}; leave it out.")
    if settings.film and settings.num_steps > LONGEST_FILM:
        raise ValueError(
            f"`--film` draws at most {LONGEST_FILM} steps, got {settings.num_steps:,}; lower `--num_steps`."
        )


def hill_of(settings: Settings) -> ho.AbstractLandscape:
    """The landscape; ValueError with the near miss for a number that it does not have."""
    given = {} if settings.height is None else {"height": settings.height}
    hill = named.hill(settings.hill, {**settings.hill_numbers, **given}, {"height": HEIGHT})
    if not isinstance(hill, ho.AbstractLandscape):
        raise ValueError(
            f"`--hill={settings.hill}` is a training run, which has losses and no positions; ask launch.sweep "
            "--question=trainability."
        )
    hill.check()
    return hill


def walkers_of(settings: Settings) -> list[ho.AbstractOptimizer]:
    """The optimizer, and gradient descent beside it; ValueError with the near miss for a hyperparameter it does not have."""
    given = settings.hyperparameters
    if settings.optimizer in ho.OPTIMIZERS and "learning_rate" not in given:
        raise ValueError("`--hyperparameters` must name a learning_rate; add learning_rate=0.3, say.")
    if settings.optimizer == named.BROUGHT:
        raise ValueError("`--optimizer=own` is for training runs; name an optimizer.")
    walkers = [named.optimizer(settings.optimizer, given)]
    rate = walkers[0].hyperparameters().get("learning_rate")
    if settings.beside_descent and not isinstance(walkers[0], ho.GradientDescent) and rate is not None:
        walkers.append(ho.GradientDescent(rate))
    for walker in walkers:
        walker.check()
    return walkers


def critical_of(
    hill: ho.AbstractLandscape, walker: ho.AbstractOptimizer, settings: Settings
) -> ho.CriticalHeightAnswer | None:
    """How high the walk ever climbs; None where one walk does not answer for all heights."""
    if not (isinstance(hill, ho.AbstractHill) and hill.flank_is_shared):
        return None
    return ho.critical_height(hill, walker, max_steps=settings.max_steps)


def title_of(hill: ho.AbstractLandscape, walker: ho.AbstractOptimizer, settings: Settings) -> str:
    """Who walks where, all numbers, and for how long."""
    numbers = {**hill.hyperparameters(), **walker.hyperparameters()}
    told = [f"{name} = {value:g}" for name, value in numbers.items() if value is not None]
    is_bounded = isinstance(hill, ho.AbstractHill) and hill.flank_is_shared
    steps = f"{settings.num_steps:,} steps" + (f", h* within {settings.max_steps:,}" if is_bounded else "")
    return ", ".join([f"{walker.label()} on {hill.label()}", *told, steps, settings.dtype])


def state_columns(state: Any) -> dict[str, np.ndarray]:
    """The optimizer's moments by their symbols; powers of the betas are left out."""
    fields = state._asdict() if hasattr(state, "_asdict") else {}
    return {symbol: np.asarray(fields[name]) for name, symbol in SYMBOLS.items() if name in fields}


def by_coordinate(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns of vectors as one for each of their numbers."""
    return {
        f"{name}_{index + 1}" if values.ndim > 1 else name: column
        for name, values in columns.items()
        for index, column in enumerate(values.reshape(len(values), -1).T)
    }


def table(hill: ho.AbstractLandscape, walk: ho.Trajectory, rows: int) -> Iterator[str]:
    """Lines of t, x_t, the slope there, and the moments after step t."""
    columns = {"x": np.asarray(walk.position), "slope": np.asarray(walk.slope), **state_columns(walk.state)}
    columns, is_unit = by_coordinate(columns), isinstance(hill, ho.AbstractHill) and hill.slope_is_unit
    yield f"{'t':>5}" + "".join(f"{name:>22}" for name in columns)
    for step in range(1, min(rows, len(walk.position) - 1) + 1):
        cells = (
            f"{column[step]:>22.0f}" if name == "slope" and is_unit else f"{column[step]:>22.16g}"
            for name, column in columns.items()
        )
        yield f"{step:>5}" + "".join(cells)


def outcome(
    hill: ho.AbstractLandscape,
    walker: ho.AbstractOptimizer,
    walk: ho.Trajectory,
    critical: ho.CriticalHeightAnswer | None,
    settings: Settings,
) -> str:
    """How the walk ends, in one line."""
    if critical is not None:
        return describe(critical)
    told = f"f = {float(hill.value(walk.position[-1])):.17g} after {len(walk.position) - 1:,} steps"
    if not isinstance(hill, ho.AbstractHill):
        return told
    answer = ho.escape(hill, walker, max_steps=settings.max_steps)
    verdict = ho.Verdict(int(answer.verdict))
    when = f" at step {int(answer.step)}" if verdict == ho.Verdict.ESCAPED else f" within {settings.max_steps:,} steps"
    return f"{told}; {verdict.name.lower()}{'' if verdict == ho.Verdict.TRAPPED else when}"


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
