"""How high a hill can an optimizer climb out of, for every setting of a grid?

    python -m launch.sweep

sweeps Adam's learning_rate (log) and b1 (log in 1 - b1), 512 x 512, on the tent hill, in float64, and writes into
runs/adam/: data.zarr (the data set, for xarray.open_zarr), phase.png, phase.pdf and flags.txt (the settings; pass it
back with --flagfile=runs/adam/flags.txt). Other sweeps:

    python -m launch.sweep --optimizer=heavy_ball --axis=learning_rate:log:1e-4:1:256 --axis=momentum:linear:0:0.99:256
    python -m launch.sweep --name=teeth --axis=learning_rate:linear:0.05:0.6:800 --heights=linear:0:1:400 --fixed=b1=0.9
    python -m launch.sweep --name=facets --axis=learning_rate:log:1e-2:1:200 --axis=b1:linear:0:0.99:200 --axis=eps:list:0,0.1,1

Other hills, any optimizer of optax, and other outcomes than critical heights:

    python -m launch.sweep --name=wedge --hill=wedge --optimizer=gradient_descent --outcome=escape \\
        --axis=learning_rate:linear:0.05:0.6:300 --axis=height:linear:0.01:0.6:300 --max_steps=200
    python -m launch.sweep --name=noise --hill=tent --hill_numbers=height=0.2 --outcome=probability --num_walks=400 \\
        --axis=learning_rate:log:1e-3:0.3:40 --axis=noise:log:0.1:10:40 --max_steps=500
    python -m launch.sweep --name=well --hill=double_well --optimizer=optax.sgd --outcome=first_passage --noise=4.5 \\
        --axis=height:linear:0.1:0.3:9 --fixed=learning_rate=0.01 --num_walks=500 --max_steps=200000
    python -m launch.sweep --name=rough --hill=rough_bowl --optimizer=optax.nadam --outcome=loss \\
        --axis=learning_rate:log:1e-3:1:200 --axis=height:linear:0:1:200 --max_steps=500

An axis is NAME:linear:LOW:HIGH:POINTS, NAME:log:..., NAME:log_complement:... (even in the logarithm of 1 - value), or
NAME:list:VALUE,VALUE,... NAME is a hyperparameter, "noise", or a number of the hill such as "height". Critical heights answer
for all heights at once: there --heights, in the same form without NAME, adds the verdicts on hills of those heights; with one
axis they become the picture. A third and a fourth axis give facets.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np
from absl import flags

import hillopt as ho
from launch import command
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "optimizer", "adam", f"The optimizer: {', '.join(sorted(ho.OPTIMIZERS))}, or optax.NAME, optax.contrib.NAME."
)
flags.DEFINE_enum("hill", "tent", sorted(ho.HILLS), "The landscape.")
flags.DEFINE_list("hill_numbers", ["height=1"], "Its numbers that are not swept, as name=value,name=value.")
flags.DEFINE_enum("outcome", "height", sorted(ho.OUTCOMES), "What is asked of every setting.")
flags.DEFINE_float("noise", None, "Deviation of Gaussian noise in the slope, for probability and first_passage.")
flags.DEFINE_integer("num_walks", 1_000, "Noisy walks a setting.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of the noise.")
flags.DEFINE_multi_string(
    "axis",
    ["learning_rate:log:1e-3:1:512", "b1:log_complement:0:0.999:512"],
    "A swept hyperparameter as NAME:SCALE:LOW:HIGH:POINTS or NAME:list:VALUES; repeat for more. The first is drawn to the "
    "right, the second upwards.",
)
flags.DEFINE_list("fixed", [], "Hyperparameters kept at one value, as name=value,name=value.")
flags.DEFINE_string("heights", None, "Heights to judge as SCALE:LOW:HIGH:POINTS or list:VALUES.")
flags.DEFINE_integer("max_steps", ho.DEFAULT_MAX_STEPS, "Follow a walk for at most so many steps.", lower_bound=1)
flags.DEFINE_enum("dtype", "float64", ["float32", "float64"], "The walks' floating-point format.")
flags.DEFINE_integer("tile", ho.DEFAULT_TILE, "Settings walked at once.", lower_bound=1)
flags.DEFINE_enum(
    "implementation", None, ["lattice", "bounded", "plain"], "How to walk; by default the best that serves."
)
flags.DEFINE_integer("cpu_devices", None, "CPU cores to walk on; all by default.", lower_bound=1)
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", None, "Name of the run folder; the optimizer's by default.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")


def parse_axis(text: str, flag: str) -> ho.Axis:
    """An axis from SCALE:LOW:HIGH:POINTS or list:VALUE,VALUE,...; ValueError naming the flag."""
    scale, *rest = text.split(":")
    makers = {"linear": ho.Axis.linear, "log": ho.Axis.log, "log_complement": ho.Axis.log_complement}
    try:
        if scale == "list" and len(rest) == 1:
            return ho.Axis.of([float(value) for value in rest[0].split(",") if value.strip()])
        if scale in makers and len(rest) == 3:
            return makers[scale](float(rest[0]), float(rest[1]), int(rest[2]))
    except ValueError as error:
        raise ValueError(f"`{flag}={text}`: {error}") from error
    raise ValueError(
        f"`{flag}={text}` is no axis; write SCALE:LOW:HIGH:POINTS with SCALE linear, log or log_complement, or list:VALUES."
    )


def parse_axes(texts: list[str], heights: str | None) -> dict[str, ho.Axis]:
    """The axes by name, in the given order."""
    axes: dict[str, ho.Axis] = {}
    for text in texts:
        name, _, rest = text.partition(":")
        if name in axes:
            raise ValueError(f"`--axis` names {name!r} twice; sweep each hyperparameter once.")
        axes[name] = parse_axis(rest, f"--axis={name}")
    if heights is not None:
        axes["height"] = parse_axis(heights, "--heights")
    return axes


def the_hill() -> ho.AbstractHill:
    """The landscape that the flags describe; ValueError with the near miss for a number that it does not have."""
    kind = ho.HILLS[FLAGS.hill]
    numbers = command.hyperparameters(FLAGS.hill_numbers, "--hill_numbers", example="height=0.5")
    ho.check_names(kind, list(numbers))
    return kind(**numbers)


def the_optimizer() -> Callable[..., ho.AbstractOptimizer]:
    """The optimizer's factory; ValueError with the near miss for a name that none has."""
    if FLAGS.optimizer.startswith("optax."):
        name = FLAGS.optimizer.removeprefix("optax.")
        factory, _ = ho.optax_settings(name)
        return functools.partial(ho.from_optax, factory)
    return ho.optimizer_named(FLAGS.optimizer)


NOTES = {
    ho.Verdict.TRAPPED: "  settled: proved for any number of steps",
    ho.Verdict.UNDECIDED: "  limited by max_steps",
}


def summary(dataset: "xarray.Dataset", seconds: float, steps: int) -> str:
    """What a person wants to know first."""
    if dataset.attrs["outcome"] != "height":
        return other_summary(dataset, seconds)
    verdict, height = dataset["verdict"].values, dataset["height"].values
    lines = [
        f"{dataset.attrs['title']}: {verdict.size:,} settings, {dataset.attrs['dtype']}, {dataset.attrs['device']}"
    ]
    for kind in ho.Verdict:
        count = int((verdict == kind).sum())
        if count:
            lines.append(f"  {kind.name.lower():<10} {count:>10,}  {count / verdict.size:7.2%}{NOTES.get(kind, '')}")
    lines.append(
        f"  {'flagged':<10} {int(dataset['flagged'].sum()):>10,}  {float(dataset['flagged'].mean()):7.2%}  rounding decides"
    )
    finite = dataset["height"].where(verdict != ho.Verdict.DIVERGED)
    if finite.notnull().any():
        best = finite.argmax(...)
        where = ", ".join(f"{name} = {dataset[name].values[int(index)]:.6g}" for name, index in best.items())
        lines.append(f"  largest h* {float(height[tuple(int(i) for i in best.values())]):.6g} at {where}")
    lines.append(
        f"  {steps:,} optimizer steps answered for in {seconds:.1f} s, {steps / seconds:.3g} a second, compilation included"
    )
    return "\n".join(lines)


def other_summary(dataset: "xarray.Dataset", seconds: float) -> str:
    """The ranges of all fields, and of verdicts how many there are of each."""
    size = next(iter(dataset.data_vars.values())).size
    lines = [f"{dataset.attrs['title']}: {size:,} settings, {dataset.attrs['dtype']}, {dataset.attrs['device']}"]
    for name, values in dataset.data_vars.items():
        if name == "verdict":
            counts = {kind: int((values == kind).sum()) for kind in ho.Verdict}
            lines += [f"  {kind.name.lower():<16} {count:>10,}" for kind, count in counts.items() if count]
        elif values.dtype.kind == "f":
            known = values.where(np.isfinite(values))
            lines.append(f"  {name!s:<16} {float(known.min()):.6g} to {float(known.max()):.6g}")
        elif values.dtype.kind == "b":
            lines.append(f"  {name!s:<16} {float(values.mean()):.2%}")
    return "\n".join([*lines, f"  {seconds:.1f} s, compilation included"])


def main() -> None:
    """Plan, walk, draw, report."""
    jax.config.update("jax_enable_x64", FLAGS.dtype == "float64")
    jax.config.update("jax_num_cpu_devices", FLAGS.cpu_devices or os.cpu_count() or 1)
    axes = parse_axes(FLAGS.axis, FLAGS.heights)
    path = Path(FLAGS.out) / (FLAGS.name or FLAGS.optimizer)
    hill, optimizer = the_hill(), the_optimizer()
    steps = 0
    with command.run_folder(path, FLAGS.overwrite) as folder:
        with Reporter("settings") as reporter:

            def tell(progress: ho.Progress) -> None:
                nonlocal steps
                steps = progress.steps
                reporter.tell(progress.cells, progress.total)

            dataset = ho.sweep(
                hill,
                optimizer,
                axes,
                fixed=command.hyperparameters(FLAGS.fixed, "--fixed"),
                max_steps=FLAGS.max_steps,
                dtype=FLAGS.dtype,
                tile=FLAGS.tile,
                implementation=FLAGS.implementation,
                outcome=FLAGS.outcome,
                noise=FLAGS.noise,
                num_walks=FLAGS.num_walks,
                seed=FLAGS.seed,
                path=folder / "data.zarr",
                on_progress=tell,
            )
        from hillopt import plot

        draw = plot.phase_diagram if FLAGS.outcome == "height" else plot.outcome_diagram
        plot.write(draw(dataset), [folder / "phase.png", folder / "phase.pdf"])
        command.save_flags(folder)
    print(summary(dataset, reporter.seconds, steps))
    print(
        "wrote " + ", ".join(str(path / name) for name in ("data.zarr", "phase.png", "phase.pdf", command.FLAGS_FILE))
    )


if __name__ == "__main__":
    command.run(main)
