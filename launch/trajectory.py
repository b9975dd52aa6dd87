"""One walk, step by step, as a table and on its hill.

    python -m launch.trajectory

is the original case: Adam with learning rate 0.3, b1 0.9, b2 0.999 and eps 0 on a hill of height 0.5, which turns back at
x_6 = 1.4101842951299657, next to gradient descent's swing between 0.9 and 1.2. It writes walk.png, walk.pdf and flags.txt
into runs/trajectory/. Another walk:

    python -m launch.trajectory --name=up --optimizer=heavy_ball --hyperparameters=learning_rate=0.05,momentum=0.9 --height=0.5
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

import hillopt as ho
from launch import command

FLAGS = flags.FLAGS

flags.DEFINE_enum("optimizer", "adam", sorted(ho.OPTIMIZERS), "The optimizer that walks.")
flags.DEFINE_list("hyperparameters", ["learning_rate=0.3"], "Its hyperparameters, as name=value,name=value.")
flags.DEFINE_bool("beside_descent", True, "Draw gradient descent with the same learning rate beside it.")
flags.DEFINE_float("height", 0.5, "Height of the hill.", lower_bound=0.0)
flags.DEFINE_integer("num_steps", 24, "Steps to walk.", lower_bound=1)
flags.DEFINE_integer("rows", 10, "Steps to print.", lower_bound=1)
flags.DEFINE_integer(
    "max_steps", ho.DEFAULT_MAX_STEPS, "Follow the walk so far for its critical height.", lower_bound=1
)
flags.DEFINE_enum("dtype", "float64", ["float32", "float64"], "The walk's floating-point format.")
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", "trajectory", "Name of the run folder.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")

SYMBOLS = {"first": "m", "second": "v", "trace": "m", "square": "v"}


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


def describe(critical: ho.CriticalHeight) -> str:
    """The critical height in one line, with how it is known."""
    verdict = ho.Verdict(int(critical.verdict))
    known = {
        ho.Verdict.TRAPPED: f"proved: no walk of this setting climbs above {float(critical.upper):.17g}",
        ho.Verdict.UNDECIDED: f"within {int(critical.num_steps):,} steps; at most {float(critical.upper):.6g} ever",
        ho.Verdict.DIVERGED: "the walk diverged",
    }[verdict]
    period = f", period {int(critical.period)}" if int(critical.period) else ""
    flag = (
        "; flagged: rounding decides"
        if bool(critical.flagged)
        else f", rounding error below {float(critical.error):.1e}"
    )
    return f"h* = {float(critical.height):.17g} at step {int(critical.step)}, {known}{period}{flag}"


def main() -> None:
    """Walk, print, draw."""
    jax.config.update("jax_enable_x64", FLAGS.dtype == "float64")
    given = command.hyperparameters(FLAGS.hyperparameters, "--hyperparameters")
    walkers = [command.make_optimizer(FLAGS.optimizer, given)]
    if FLAGS.beside_descent and FLAGS.optimizer != "gradient_descent":
        walkers.append(ho.GradientDescent(given["learning_rate"]))
    hill = ho.TentHill(FLAGS.height)
    for walker in walkers:
        walker.check()
    path = Path(FLAGS.out) / FLAGS.name
    with command.run_folder(path, FLAGS.overwrite) as folder:
        from hillopt import plot

        panels = []
        for walker in walkers:
            settings = ", ".join(
                f"{name} = {value:g}" for name, value in walker.hyperparameters().items() if value is not None
            )
            title = f"{type(walker).__name__}, {settings}"
            walk = ho.trajectory(hill, walker, num_steps=FLAGS.num_steps)
            critical = ho.critical_height(hill, walker, max_steps=FLAGS.max_steps)
            print(title, *table(walk, FLAGS.rows), describe(critical), sep=os.linesep, end=2 * os.linesep)
            panels.append(plot.WalkPanel(title, hill, walk, critical))
        plot.write(plot.walk_figure(panels), [folder / "walk.png", folder / "walk.pdf"])
        command.save_flags(folder)
    print("wrote " + ", ".join(str(path / name) for name in ("walk.png", "walk.pdf", command.FLAGS_FILE)))


if __name__ == "__main__":
    command.run(main)
