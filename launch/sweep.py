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

Sweeps of any size:

    python -m launch.sweep --resume                                     goes on where a killed one stopped
    python -m launch.sweep --max_steps=auto                             more steps for those settings that need them
    python -m launch.sweep --shard=0/3                                  one of three jobs that share the work, in any order
    python -m launch.sweep --coordinator=HOST:PORT --num_processes=2 --process_id=0         with jax.distributed
    python -m launch.sweep --implementation=fast --dtype=float32 --axis=learning_rate:log:1e-3:1:32768 \\
        --axis=b1:log_complement:0:0.999:32768 --max_steps=10 --tile=1048576               a billion settings

An axis is NAME:linear:LOW:HIGH:POINTS, NAME:log:..., NAME:log_complement:... (even in the logarithm of 1 - value), or
NAME:list:VALUE,VALUE,... NAME is a hyperparameter, "noise", or a number of the hill such as "height". Critical heights answer
for all heights at once: there --heights, in the same form without NAME, adds the verdicts on hills of those heights; with one
axis they become the picture. A third and a fourth axis give facets.
"""

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
from absl import flags

import hillopt as ho
from launch import old_command as command
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
flags.DEFINE_string(
    "max_steps",
    str(ho.DEFAULT_MAX_STEPS),
    "Follow a walk for at most so many steps, or auto: ever more for those settings that are undecided.",
)
flags.DEFINE_integer("most_steps", ho.MOST_STEPS, "Where --max_steps=auto ends.", lower_bound=1)
flags.DEFINE_enum("dtype", "float64", ["float32", "float64"], "The walks' floating-point format.")
flags.DEFINE_integer(
    "tile",
    None,
    "Settings walked at once on a device, and stored together; as many as do it well by default.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "implementation",
    None,
    list(ho.IMPLEMENTATIONS),
    "How to walk; by default the best that proves. fast is the fastest without proofs.",
)
flags.DEFINE_integer("cpu_devices", None, "CPU cores to walk on; all by default.", lower_bound=1)
flags.DEFINE_string(
    "store", None, "Where the data go, a folder or a URL for fsspec; data.zarr in the run folder by default."
)
flags.DEFINE_bool("resume", False, "Go on with an unfinished run of that name, or mend a finished one.")
flags.DEFINE_string("shard", None, "I/N to walk one of N parts, each by a job of its own; the last one draws.")
flags.DEFINE_string("coordinator", None, "HOST:PORT of jax.distributed, or auto where JAX finds the cluster itself.")
flags.DEFINE_integer("num_processes", None, "With --coordinator: how many processes there are.", lower_bound=1)
flags.DEFINE_integer("process_id", None, "With --coordinator: which of them this one is.", lower_bound=0)
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


class Counts(NamedTuple):
    """What a person wants to know first, added up tile by tile."""

    size: int
    verdicts: dict[ho.Verdict, int]
    flagged: int
    highest: float
    """Of the walks that have not diverged."""
    where: str


def counts(dataset: "xarray.Dataset") -> Counts:
    """Go through a sweep of critical heights once."""
    verdicts, size, flagged, highest, where = dict.fromkeys(ho.Verdict, 0), 0, 0, -np.inf, ""
    for piece in ho.pieces(dataset):
        verdict = piece["verdict"].values
        size += verdict.size
        flagged += int(piece["flagged"].sum())
        for kind in ho.Verdict:
            verdicts[kind] += int((verdict == kind).sum())
        sound = piece["height"].where(verdict != ho.Verdict.DIVERGED)
        if sound.notnull().any() and float(sound.max()) > highest:
            highest, best = float(sound.max()), sound.argmax(...)
            where = ", ".join(f"{name} = {piece[name].values[int(index)]:.6g}" for name, index in best.items())
    return Counts(size, verdicts, flagged, highest, where)


def summary(dataset: "xarray.Dataset", seconds: float, progress: ho.Progress) -> str:
    """What a person wants to know first."""
    title = (
        f"{dataset.attrs['title']}: {progress.total:,} settings, {dataset.attrs['dtype']}, {dataset.attrs['device']}"
    )
    if dataset.attrs["outcome"] != "height":
        return "\n".join([title, *ranges(dataset), f"  {seconds:.1f} s, compilation included"])
    found, lines = counts(dataset), [title]
    lines += [
        f"  {kind.name.lower():<10} {count:>13,}  {count / found.size:7.2%}{NOTES.get(kind, '')}"
        for kind, count in found.verdicts.items()
        if count
    ]
    if dataset.attrs["implementation"] in ho.PROOFS:
        lines.append(f"  {'flagged':<10} {found.flagged:>13,}  {found.flagged / found.size:7.2%}  rounding decides")
    else:
        lines.append(f"  without proofs: the highest rise within {dataset.attrs['max_steps']:,} steps")
    if found.where:
        lines.append(f"  largest h* {found.highest:.6g} at {found.where}")
    if progress.found or jax.process_count() > 1:
        lines.append(f"  {progress.total - progress.found:,} settings walked in {seconds:.1f} s, compilation included")
    else:
        lines.append(
            f"  {progress.steps:,} optimizer steps answered for in {seconds:.1f} s, {progress.steps / seconds:.3g} a second, "
            "compilation included"
        )
    return "\n".join(lines)


def ranges(dataset: "xarray.Dataset") -> list[str]:
    """The ranges of all fields, and of verdicts how many there are of each."""
    lines = []
    for name, values in ho.thinned(dataset).data_vars.items():
        if name == "verdict":
            counted = {kind: int((values == kind).sum()) for kind in ho.Verdict}
            lines += [f"  {kind.name.lower():<16} {count:>10,}" for kind, count in counted.items() if count]
        elif values.dtype.kind == "f":
            known = values.where(np.isfinite(values))
            lines.append(f"  {name!s:<16} {float(known.min()):.6g} to {float(known.max()):.6g}")
        elif values.dtype.kind == "b":
            lines.append(f"  {name!s:<16} {float(values.mean()):.2%}")
    return lines


def steps_allowed() -> int | str:
    """--max_steps as the library takes it."""
    if FLAGS.max_steps == "auto":
        return FLAGS.max_steps
    try:
        return int(FLAGS.max_steps)
    except ValueError as error:
        raise ValueError(f"`--max_steps` must be an integer or auto, got {FLAGS.max_steps!r}.") from error


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """I/N as two integers."""
    if text is None:
        return None
    first, _, second = text.partition("/")
    try:
        return int(first), int(second)
    except ValueError as error:
        raise ValueError(f"`--shard` takes I/N, such as 0/3, got {text!r}.") from error


def set_up() -> None:
    """Devices and processes, before JAX looks for them."""
    jax.config.update("jax_enable_x64", FLAGS.dtype == "float64")
    jax.config.update("jax_num_cpu_devices", FLAGS.cpu_devices or os.cpu_count() or 1)
    if FLAGS.coordinator is None:
        if FLAGS.num_processes is not None or FLAGS.process_id is not None:
            raise ValueError("`--num_processes` and `--process_id` need `--coordinator`; give its HOST:PORT.")
        return
    jax.config.update("jax_enable_recoverability", True)  # one that dies does not take the others with it
    address = None if FLAGS.coordinator == "auto" else FLAGS.coordinator
    try:
        jax.distributed.initialize(address, FLAGS.num_processes, FLAGS.process_id)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"`--coordinator={FLAGS.coordinator}`: {str(error).splitlines()[0]}") from error


def walk(folder: Path, reporter: Reporter, speaks: bool) -> tuple["xarray.Dataset", ho.Progress]:
    """Sweep as the flags say; what came out, and how far all processes are with it."""
    last = ho.Progress(0, 1, 0, 0, 0, 1)

    def tell(progress: ho.Progress) -> None:
        nonlocal last
        step, last = progress.cells - max(last.cells, progress.found), progress
        if speaks:
            reporter.tell(progress.cells, progress.total, f"{progress.tiles:,} of {progress.of_tiles:,} tiles", step)

    dataset = ho.sweep(
        the_hill(),
        the_optimizer(),
        parse_axes(FLAGS.axis, FLAGS.heights),
        fixed=command.hyperparameters(FLAGS.fixed, "--fixed"),
        max_steps=steps_allowed(),
        most_steps=FLAGS.most_steps,
        dtype=FLAGS.dtype,
        tile=FLAGS.tile,
        implementation=FLAGS.implementation,
        outcome=FLAGS.outcome,
        noise=FLAGS.noise,
        num_walks=FLAGS.num_walks,
        seed=FLAGS.seed,
        path=FLAGS.store or folder / "data.zarr",
        resume=FLAGS.resume,
        shard=parse_shard(FLAGS.shard),
        on_progress=tell,
    )
    return dataset, last


def wait_for_others() -> None:
    """Until all processes have walked; one that died has left its tiles to the others."""
    from jax.experimental import multihost_utils

    try:
        multihost_utils.sync_global_devices("launch.sweep: all is walked")
    except Exception as error:  # whatever a network may say
        print(f"a process is gone, its tiles are walked all the same: {str(error).splitlines()[0]}", file=sys.stderr)


def main() -> None:
    """Walk, draw, report; the first process speaks for all."""
    set_up()
    path = Path(FLAGS.out) / (FLAGS.name or FLAGS.optimizer)
    shares = FLAGS.resume or FLAGS.shard is not None
    speaks = jax.process_index() == 0
    folders: contextlib.AbstractContextManager[Path] = (
        command.run_folder(path, FLAGS.overwrite, shares, in_place=True)
        if speaks
        else contextlib.nullcontext(command.unfinished(path))
    )
    walking_in: Path | None = None
    try:
        with folders as folder:
            walking_in = folder
            with Reporter("settings", with_speed=True) as reporter:
                dataset, progress = walk(folder, reporter, speaks)
            if jax.process_count() > 1:
                wait_for_others()
            if not speaks or progress.cells < progress.total:
                raise command.NotYet
            from hillopt import plot

            draw = plot.phase_diagram if FLAGS.outcome == "height" else plot.outcome_diagram
            plot.write(draw(ho.thinned(dataset)), [folder / "phase.png", folder / "phase.pdf"])
            command.save_flags(folder)
            told = summary(dataset, reporter.seconds, progress)
    except command.NotYet:
        if speaks:
            print(f"{progress.cells:,} of {progress.total:,} settings are walked; whoever walks the last one draws.")
        return
    except (ValueError, OSError):
        if walking_in is None or walking_in == path or walking_in.exists() or not path.exists():
            raise
        print(f"another process has finished {path} meanwhile.")
        return
    print(told)
    print(
        "wrote " + ", ".join(str(path / name) for name in ("data.zarr", "phase.png", "phase.pdf", command.FLAGS_FILE))
    )


if __name__ == "__main__":
    command.run(main)
