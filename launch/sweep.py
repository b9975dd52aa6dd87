"""How high a hill can an optimizer climb out of, for every setting of a grid?

    python -m launch.sweep

sweeps Adam's learning_rate (log) and b1 (log in 1 - b1), 512 x 512, on the tent hill, in float64, and writes into
runs/adam/: data.zarr (the data set, for xarray.open_zarr), phase.png, phase.pdf and settings.json (pass it back with
--settings=runs/adam). It takes 6 s from a cold start on two cores of an AMD EPYC (Zen 5), then 4.3 s. Sweeps by name:

    python -m launch.sweep --preset=teeth        escaped and trapped over learning rate and hill height
    python -m launch.sweep --preset=facets       three maps side by side, by eps
    python -m launch.sweep --preset=wedge        trapped below a learning rate, with proof, and escaped beyond it
    python -m launch.sweep --preset=noise        probability of an escape over learning rate and noise
    python -m launch.sweep --preset=well         first passages in the double well, by optax.sgd
    python -m launch.sweep --preset=rough        loss of optax.nadam on a rough bowl
    python -m launch.sweep --preset=network_tanh what trains: a small network over the learning rates of its two layers; so too
                                                 network_relu, network_linear, network_minibatch, network_one_example, and
                                                 network_offset over an offset of its weights and one learning rate
    python -m launch.sweep --preset=curve        critical heights over the learning rate, and their law
    python -m launch.sweep --preset=fast         16,777,216 settings in float32 without proofs; 3.4e10 steps in 9.3 s on two
                                                 cores of the same machine
    python -m launch.sweep --preset=billion      1,073,741,824 settings; walked in 78 s, 118 s with the summary and the
                                                 picture, on the same machine, with 1.15 GiB of memory and 1.7 GB of disk

A sweep of one's own, of any optimizer of optax too:

    python -m launch.sweep --optimizer=heavy_ball --axis=learning_rate:log:1e-4:1:256 --axis=momentum:linear:0:0.99:256
    python -m launch.sweep --preset=facets --optimizer=optax.adabelief --name=adabelief

Sweeps of any size:

    python -m launch.sweep --resume                                     goes on where a killed one stopped
    python -m launch.sweep --max_steps=auto                             more steps for those settings that need them
    python -m launch.sweep --shard=0/3                                  one of three jobs that share the work, in any order
    python -m launch.sweep --coordinator=HOST:PORT --num_processes=2 --process_id=0         with jax.distributed

An axis is NAME:linear:LOW:HIGH:POINTS, NAME:log:..., NAME:log_complement:... (even in the logarithm of 1 - value), or
NAME:list:VALUE,VALUE,... NAME is a hyperparameter, a number of the hill such as "height", or "noise_scale". Critical heights
answer for all heights at once: there --heights, in the same form without NAME, adds the verdicts on hills of those heights;
with one axis they become the picture. A third and a fourth axis give facets.
"""

import dataclasses
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import jax

import hillopt as ho
from hillopt import pictures
from launch import asked, command, named, roll_call, runs, walking
from launch.progress import Reporter
from launch.summary import summary

if TYPE_CHECKING:
    import xarray


MOST_STEPS = 2**20
# Seconds that the first of several processes, which coordinates them, stays when all refuse: who takes leave of it in vain dies.
LEAVES_LAST = 3.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is asked of which settings, and where and how they are walked."""

    optimizer: str = named.optimizer_flag("adam", "The optimizer, one of optax.contrib as optax.contrib.NAME.")
    hill: str = named.hill_flag("tent")
    hill_numbers: dict[str, float] = named.hill_numbers_flag()
    question: str = named.question_flag("critical_height")
    question_numbers: dict[str, float] = named.question_numbers_flag()
    noise: float | None = command.flag(
        None, "Deviation of Gaussian noise in the slope, for escape_probability and passage_time.", at_least=0
    )
    num_walks: int = command.flag(1_000, "Noisy walks a setting.", at_least=1)
    seed: int = command.flag(0, "Of the noise.")
    axis: tuple[str, ...] = command.flag(
        ("learning_rate:log:1e-3:1:512", "b1:log_complement:0:0.999:512"),
        "A swept hyperparameter as NAME:SCALE:LOW:HIGH:POINTS or NAME:list:VALUES; repeat for more. The first is drawn to "
        "the right, the second upwards.",
        repeated=True,
        called="axes",
    )
    fixed: dict[str, float] = named.fixed_flag()
    heights: str | None = command.flag(None, "Heights to judge as SCALE:LOW:HIGH:POINTS or list:VALUES.")
    max_steps: int | Literal["auto"] = command.flag(
        ho.DEFAULT_MAX_STEPS,
        "Follow a walk for at most so many steps, or auto: ever more for those settings that are undecided.",
        at_least=1,
    )
    most_steps: int = command.flag(MOST_STEPS, "Where --max_steps=auto ends.", at_least=1)
    dtype: str = walking.dtype()
    precision: str | None = command.flag(
        None,
        "auto: what rounding decides in --dtype is asked again in a higher precision, for the numbers as typed; once: it stays "
        "flagged. By default auto, where proofs are attempted.",
        choices=[asked.AUTO, asked.ONCE],
    )
    tile: int | None = command.flag(
        None,
        "Settings walked at once on a device, and stored together; as many as do it well by default.",
        at_least=1,
    )
    climb: str | None = walking.climb()
    cpu_devices: int | None = walking.cpu_devices()
    store: str | None = command.flag(
        None,
        "Where the data go, a folder or a URL for fsspec; data.zarr in the run folder by default.",
        counts=False,
        called="path",
    )
    resume: bool = runs.resume("Go on with an unfinished run of that name, or mend a finished one.")
    shard: str | None = command.flag(
        None, "I/N to walk one of N parts, each by a job of its own; the last one draws.", counts=False
    )
    coordinator: str | None = command.flag(
        None, "HOST:PORT of jax.distributed, or auto where JAX finds the cluster itself.", counts=False
    )
    num_processes: int | None = command.flag(
        None, "With --coordinator: how many processes there are.", at_least=1, counts=False
    )
    process_id: int | None = command.flag(
        None, "With --coordinator: which of them this one is.", at_least=0, counts=False
    )
    patience: float = command.flag(
        60.0, "With --coordinator: seconds to wait for the other processes.", above=0, counts=False
    )
    out: Path = runs.out()
    name: str | None = runs.name(None, "Name of the run folder; the optimizer's by default.")
    overwrite: bool = runs.overwrite()


RATES = "log:1e-3:1e6:256"


def network(condition: str) -> Settings:
    """The map of what trains, in a published condition."""
    one = ("offset:log:1e-3:1e6:256", f"learning_rate:{RATES}")
    two = (f"input_learning_rate:{RATES}", f"output_learning_rate:{RATES}")
    return Settings(
        hill=f"network.{condition}",
        optimizer=named.BROUGHT,
        question="trainability",
        max_steps=100,
        axis=one if condition == "offset" else two,
        name=f"network_{condition}",
    )


PRESETS = {
    "default": Settings(),
    "teeth": Settings(axis=("learning_rate:linear:0.05:0.6:800",), heights="linear:0:1:400", name="teeth"),
    "facets": Settings(
        axis=("learning_rate:log:1e-2:1:200", "b1:linear:0:0.99:200", "eps:list:0,0.1,1"), name="facets"
    ),
    "wedge": Settings(
        hill="wedge",
        optimizer="gradient_descent",
        question="escape",
        max_steps=200,
        axis=("learning_rate:linear:0.05:0.6:300", "height:linear:0.01:0.6:300"),
        name="wedge",
    ),
    "noise": Settings(
        hill_numbers={"height": 0.2},
        question="escape_probability",
        num_walks=400,
        max_steps=500,
        axis=("learning_rate:log:1e-3:0.3:50", "noise_scale:log:0.1:10:50"),
        name="noise",
    ),
    "well": Settings(
        hill="double_well",
        optimizer="optax.sgd",
        question="passage_time",
        noise=4.5,
        num_walks=500,
        fixed={"learning_rate": 0.01},
        axis=("height:linear:0.1:0.3:9",),
        max_steps=200_000,
        name="well",
    ),
    "rough": Settings(
        hill="rough_bowl",
        optimizer="optax.nadam",
        question="loss",
        max_steps=500,
        axis=("learning_rate:log:1e-3:1:200", "height:linear:0:1:200"),
        name="rough",
    ),
    **{f"network_{name}": network(name) for name in ho.NETWORKS},
    "curve": Settings(axis=("learning_rate:log:1e-3:1:400",), name="curve"),
    "fast": Settings(
        climb="fast",
        dtype="float32",
        max_steps=2_000,
        axis=("learning_rate:log:1e-3:1:4096", "b1:log_complement:0:0.999:4096"),
        name="fast",
    ),
    "billion": Settings(
        climb="fast",
        dtype="float32",
        max_steps=10,
        tile=1_048_576,
        axis=("learning_rate:log:1e-3:1:32768", "b1:log_complement:0:0.999:32768"),
        name="billion",
    ),
}
DATA = "data.zarr"
CONNECTING = 60  # seconds that JAX may take to connect processes that are there
POINTS, STEPS, WALKS = 5, 2_000, 10  # at most, of a tiny brother


def tiny(settings: Settings) -> Settings:
    """A preset with a few points on every axis, and short walks."""
    return dataclasses.replace(
        settings,
        axis=tuple(coarse(text) for text in settings.axis),
        heights=settings.heights and coarse(settings.heights),
        max_steps=settings.max_steps if settings.max_steps == "auto" else min(STEPS, settings.max_steps),
        most_steps=min(STEPS, settings.most_steps),
        num_walks=min(WALKS, settings.num_walks),
        tile=None,
        name=f"{settings.name or short_name(settings)}_tiny",
    )


def short_name(settings: Settings) -> str:
    """The optimizer's, of a user's own without its module, or that of a training run that brings its own."""
    name = settings.hill if settings.optimizer == named.BROUGHT else settings.optimizer
    return name.rpartition(":")[2]


def coarse(axis: str, most: int = POINTS) -> str:
    """The text of an axis with fewer points; a list stays."""
    ends, _, points = axis.rpartition(":")
    return f"{ends}:{min(most, int(points))}" if points.isdecimal() and "list" not in ends.split(":") else axis


def main(settings: Settings) -> None:
    """Walk, draw, report; the first process speaks for all."""
    check(settings)
    path, shares = runs.place(settings.out, settings.name or short_name(settings)), is_shared(settings)
    runs.check(path, settings.overwrite, shares, shared=True)  # by all processes, before the first of them makes it
    set_up(settings)
    if jax.process_index() > 0:
        walk(settings, runs.filled_at(path, settings.overwrite, shares, shared=True), None)
        return
    try:
        with runs.folder(path, settings.overwrite, shares, shared=True) as folder:
            command.save(folder, settings)
            walked = walk_and_tell(settings, folder)
            if walked.progress.cells < walked.progress.num_cells:
                raise runs.NotYet(walked.progress)
            draw(walked.dataset, folder)
            told = summary(*walked)
    except runs.NotYet:
        done, total = walked.progress.cells, walked.progress.num_cells
        print(f"{done:,} of {total:,} settings are walked; whoever walks the last one draws.")
    except runs.FinishedByAnother:
        print(f"another process has finished {path} meanwhile.")
    else:
        print(told)
        print(runs.wrote(path, *([] if settings.store else [DATA]), pictures=["phase"], elsewhere=place_of(settings)))


def check(settings: Settings) -> None:
    """ValueError for what does not go together, before anything is done."""
    check_processes(settings)
    if settings.store is not None:
        check_store(settings.store)
    asked.shard_of(settings)


def check_processes(settings: Settings) -> None:
    """ValueError for what does not tell who is who."""
    number, total = settings.process_id, settings.num_processes
    if settings.coordinator is None and (total is not None or number is not None):
        raise ValueError("`--num_processes` and `--process_id` need `--coordinator`; give its HOST:PORT.")
    if settings.coordinator in (None, asked.AUTO):
        return
    roll_call.check_address(settings.coordinator)
    if total is None or number is None:
        raise ValueError("`--coordinator=HOST:PORT` needs `--num_processes` and `--process_id`; give both.")
    if number >= total:
        raise ValueError(f"`--process_id` must be below --num_processes={total}, got {number}; number them from 0.")


def check_store(store: str) -> None:
    """ValueError for a place that no package here can write to, or that does not last."""
    import fsspec

    protocols = [fsspec.utils.get_protocol(part) for part in store.split("::")]
    if "memory" in protocols:
        raise ValueError(f"`--store={store}` is gone when the command ends; give a folder or another URL.")
    try:
        for protocol in protocols:
            fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise ValueError(f"`--store={store}` cannot be written ({error}); give a folder, or install it.") from error


def place_of(settings: Settings) -> str | None:
    """Where the data are, if not in the run folder."""
    return ho.Store(settings.store).location if settings.store else None


def is_shared(settings: Settings) -> bool:
    """Whether an unfinished run is gone on with, by this process or among others."""
    return settings.resume or settings.shard is not None


def set_up(settings: Settings) -> None:
    """Devices and processes, before JAX looks for them."""
    walking.set_up(settings.dtype, settings.cpu_devices)
    if settings.coordinator is None:
        return
    jax.config.update("jax_enable_recoverability", True)  # one that dies does not take the others with it
    number, total, seconds = settings.process_id, settings.num_processes, math.ceil(settings.patience)
    address = None if settings.coordinator == asked.AUTO else settings.coordinator
    if address is not None and number is not None and total is not None:
        roll_call.meet(address, total, number, settings.patience)
        seconds = max(seconds, CONNECTING)  # all are there, and have no reason to give up
    try:
        jax.distributed.initialize(address, total, number, initialization_timeout=seconds)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"`--coordinator={settings.coordinator}`: {str(error).splitlines()[0]}") from error


class Walked(NamedTuple):
    """What came out, how long it took, and how far all processes are with it."""

    dataset: "xarray.Dataset"
    seconds: float
    progress: ho.Progress


def walk_and_tell(settings: Settings, folder: Path) -> Walked:
    """Walk, with a word about every tile."""
    last = ho.Progress(0, 1, 0, 0, 0, 1)

    def tell(progress: ho.Progress) -> None:
        nonlocal last
        step, last = progress.cells - max(last.cells, progress.found), progress
        reporter.tell(progress.cells, progress.num_cells, f"{progress.tiles:,} of {progress.num_tiles:,} tiles", step)

    with Reporter("settings", with_speed=True) as reporter:
        dataset = walk(settings, folder, tell)
    return Walked(dataset, reporter.seconds, last)


def walk(settings: Settings, folder: Path, on_progress: Callable[[ho.Progress], None] | None) -> "xarray.Dataset":
    """Sweep as the settings say, and wait until all processes have."""
    try:
        dataset = sweep(settings, folder, on_progress)
    except ValueError as error:
        if jax.process_count() > 1 and jax.process_index() == 0:
            time.sleep(LEAVES_LAST)
        raise ValueError(asked.as_typed(str(error), settings)) from error
    if jax.process_count() > 1:
        wait_for_others()
    return dataset


def sweep(settings: Settings, folder: Path, on_progress: Callable[[ho.Progress], None] | None) -> "xarray.Dataset":
    """The library's sweep with all that the settings say."""
    return ho.sweep(
        asked.question_of(settings),
        *asked.world_of(settings),
        asked.axes_of(settings),
        dtype=settings.dtype,
        seed=settings.seed,
        budget=ho.Doubling() if settings.max_steps == asked.AUTO else None,
        tile=settings.tile,
        store=ho.Store(settings.store or folder / DATA, settings.resume, asked.shard_of(settings)),
        on_progress=on_progress,
        meanwhile=pictures.get_ready,
    )


def wait_for_others() -> None:
    """Until all processes have walked; one that died has left its tiles to the others."""
    from jax.experimental import multihost_utils

    try:
        multihost_utils.sync_global_devices("launch.sweep: all is walked")
    except Exception as error:  # whatever a network may say
        print(f"a process is gone, its tiles are walked all the same: {str(error).splitlines()[0]}", file=sys.stderr)


def draw(dataset: "xarray.Dataset", folder: Path) -> None:
    """The picture of a sweep, as png and pdf."""
    pictures.write(ho.plot(dataset), [folder / "phase.png", folder / "phase.pdf"])


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
