"""Where do labels change over two hyperparameters, and how rough is the line?

    python -m launch.boundary

follows the boundary between escaped and trapped over Adam's learning rate and the hill's height, on 1,024 x 1,024 settings of
which it asks 1 in 47, and writes into runs/boundary/: data.zarr (labels, which settings were asked, which cells are mixed),
boundary.png, dimension.png (box dimension and uncertainty exponent, each with a circle's beside), both as pdf too,
evaluations.zarr and settings.json. Boundaries by name:

    python -m launch.boundary --preset=teeth      the default
    python -m launch.boundary --preset=level      where the critical height is 0.2, over learning rate and b1
    python -m launch.boundary --preset=network    which learning rates of its two layers train a network (Sohl-Dickstein 2024)
    python -m launch.boundary --preset=rough      gradient descent on a rough bowl, a fractal (Liu 2024)

Any question, hill and optimizer that launch.sweep takes, over two axes:

    python -m launch.boundary --question=loss --of=loss --level=1 --hill=rough_bowl --optimizer=optax.nadam --max_steps=500 \\
        --axis=learning_rate:log:1e-3:1:513 --axis=height:linear:0:1:513 --name=nadam
    python -m launch.boundary --resume            goes on where a killed one stopped

What is certain and what is not: every mixed cell that hangs together with one that is met is found. An island of another label
that no asked setting lies on is not; --checks asks some more settings at random, and tells how many differ.
"""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hillopt as ho
from launch import asked, command, named, runs, sweep, walking
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray


def of_flag() -> Any:
    """The setting --of."""
    return command.flag(None, "Field of the answer whose labels are told apart; the one that is drawn by default.")


def level_flag() -> Any:
    """The setting --level."""
    return command.flag(None, "Of a field that is a number, the value that divides it.")


def spacing_flag(default: int) -> Any:
    """The setting --spacing."""
    about = "Of the settings asked first, a power of two; smaller islands may be missed."
    return command.flag(default, about, at_least=1)


def margin_flag(default: int) -> Any:
    """The setting --margin."""
    about = "Rings of settings around mixed cells that are asked too, since islands lie close to a rough boundary."
    return command.flag(default, about, at_least=0)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is asked over which two axes, and how the boundary is searched."""

    of: str | None = of_flag()
    level: float | None = level_flag()
    spacing: int = spacing_flag(16)
    margin: int = margin_flag(0)
    checks: int = command.flag(500, "Settings asked at random in the end, to tell how much is missed.", at_least=0)
    batch: int | None = command.flag(
        None, "Settings asked at once on a device; as many as do it well by default.", at_least=1
    )
    optimizer: str = named.optimizer_flag("adam", "The optimizer, one of optax.contrib as optax.contrib.NAME.")
    hill: str = named.hill_flag("tent")
    hill_numbers: dict[str, float] = named.hill_numbers_flag()
    question: str = named.question_flag("escape")
    question_numbers: dict[str, float] = named.question_numbers_flag()
    axis: tuple[str, ...] = command.flag(
        ("learning_rate:linear:0.05:0.6:1024", "height:linear:0:1:1024"),
        "One of the two axes as NAME:SCALE:LOW:HIGH:POINTS, as launch.sweep takes it. The first is drawn to the right.",
        repeated=True,
        called="axes",
    )
    fixed: dict[str, float] = named.fixed_flag()
    max_steps: int = command.flag(1_000, "Follow a walk for at most so many steps.", at_least=1)
    dtype: str = walking.dtype()
    climb: str | None = walking.climb()
    seed: int = command.flag(0, "Of what is drawn at random.")
    cpu_devices: int | None = walking.cpu_devices()
    resume: bool = runs.resume()
    out: Path = runs.out()
    name: str = runs.name("boundary")
    overwrite: bool = runs.overwrite()


PRESETS = {
    "teeth": Settings(),
    "level": Settings(
        question="critical_height",
        of="critical_height",
        level=0.2,
        axis=("learning_rate:linear:0.05:0.6:1024", "b1:linear:0:0.95:1024"),
        name="level",
    ),
    "network": Settings(
        hill="network.tanh",
        optimizer=named.BROUGHT,
        question="trainability",
        max_steps=100,
        axis=("input_learning_rate:log:1e-3:1e6:1024", "output_learning_rate:log:1e-3:1e6:1024"),
        margin=24,
        name="network",
    ),
    "rough": Settings(
        hill="rough_bowl",
        hill_numbers={"wavelength": 0.1},
        optimizer="gradient_descent",
        climb="plain",
        axis=("learning_rate:linear:1:1.008:1024", "height:linear:0.001:0.5:1024"),
        spacing=4,
        name="rough",
    ),
}
DATA, EVALUATIONS = "data.zarr", "evaluations.zarr"
POINTS, STEPS, CHECKS = 33, 200, 20  # of a tiny brother, at most


def tiny(settings: Settings) -> Settings:
    """A preset on a coarse grid, of short walks."""
    return dataclasses.replace(
        settings,
        axis=tuple(sweep.coarse(text, POINTS) for text in settings.axis),
        max_steps=min(STEPS, settings.max_steps),
        checks=min(CHECKS, settings.checks),
        spacing=min(4, settings.spacing),
        margin=min(2, settings.margin),
        name=f"{settings.name}_tiny",
    )


def main(settings: Settings) -> None:
    """Search, draw, measure, report."""
    path = runs.place(settings.out, settings.name)
    runs.check(path, settings.overwrite, settings.resume)
    set_up(settings)
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        dataset, seconds = search(settings, folder)
        measured = measure(dataset)
        draw(dataset, measured, folder)
        ho.save(dataset, folder / DATA)
    print(*summary(dataset, measured, seconds), sep="\n")
    drawn = ["boundary", *(["dimension"] if isinstance(measured, tuple) else [])]
    print(runs.wrote(path, DATA, EVALUATIONS, pictures=drawn))


def set_up(settings: Settings) -> None:
    """Devices, before JAX looks for them."""
    walking.set_up(settings.dtype, settings.cpu_devices)


def as_sweep(settings: Any) -> sweep.Settings:
    """The sweep of the whole grid, which is asked the same; of a zoom too."""
    names = [{field.name for field in dataclasses.fields(kind)} for kind in (sweep.Settings, settings)]
    shared = names[0] & names[1]
    return sweep.Settings(**{name: getattr(settings, name) for name in shared})


def search(settings: Settings, folder: Path) -> tuple["xarray.Dataset", float]:
    """The boundary, and the seconds that it took."""
    whole = as_sweep(settings)

    def tell(progress: ho.Refinement) -> None:
        reporter.tell(progress.evaluations, None, f"{progress.stride} apart")

    with Reporter("settings asked") as reporter:
        try:
            dataset = ho.boundary(
                asked.question_of(whole),
                *asked.world_of(whole),
                asked.axes_of(whole),
                of=settings.of,
                level=settings.level,
                spacing=settings.spacing,
                margin=settings.margin,
                checks=settings.checks,
                batch=settings.batch,
                dtype=settings.dtype,
                seed=settings.seed,
                store=ho.Store(folder / EVALUATIONS, resume=settings.resume),
                on_progress=tell,
            )
        except ValueError as error:
            raise ValueError(asked.as_typed(str(error), whole)) from error
    return dataset, reporter.seconds


Measured = tuple[ho.BoxDimension, ho.UncertaintyExponent] | str


def measure(dataset: "xarray.Dataset") -> Measured:
    """The box dimension and the uncertainty exponent; a sentence where the map is too small for them."""
    try:
        return ho.box_dimension(dataset["mixed"].values), ho.uncertainty_exponent(dataset["label"].values)
    except ValueError as error:
        return str(error)


def draw(dataset: "xarray.Dataset", measured: Measured, folder: Path) -> None:
    """The map, and what was measured on it."""
    from hillopt import pictures

    pictures.write(ho.plot(dataset), [folder / "boundary.png", folder / "boundary.pdf"])
    if isinstance(measured, tuple):
        figure = pictures.dimension_figure(str(dataset.attrs["title"]), *measured)
        pictures.write(figure, [folder / "dimension.png", folder / "dimension.pdf"])


def summary(dataset: "xarray.Dataset", measured: Measured, seconds: float) -> list[str]:
    """What was found, what it took, and what is certain."""
    about, size = dataset.attrs, dataset["label"].size
    lines = [
        f"{about['title']}: {size:,} settings, {about['dtype']}, {about['device']}",
        f"  {about['num_mixed']:,} mixed cells by {about['evaluations']:,} evaluations, 1 in "
        f"{size / about['evaluations']:.3g}; {seconds:.1f} s, compilation included",
        f"  {about['guarantee']}",
    ]
    if about["num_checked"]:
        lines.append(f"  {about['num_differing']:,} of {about['num_checked']:,} more settings lie on an island")
    if isinstance(measured, str):
        return [*lines, f"  no dimension: {measured}"]
    box, uncertainty = measured
    lines.append(
        f"  box dimension {box.dimension:.3f} +- {box.error:.3f} (boxes of {told_range(box.sizes[box.is_used])} cells)"
        + (f", of a circle {box.null.dimension:.3f} +- {box.null.error:.3f}" if box.null else "")
    )
    lines.append(
        f"  uncertainty exponent {uncertainty.exponent:.3f} +- {uncertainty.error:.3f} (distances of "
        f"{told_range(uncertainty.distances[uncertainty.is_used])} settings)"
        + (f", of a circle {uncertainty.null.exponent:.3f} +- {uncertainty.null.error:.3f}" if uncertainty.null else "")
    )
    return lines


def told_range(used: np.ndarray) -> str:
    """Of the scales in a fit."""
    return f"{used[0]} to {used[-1]}"


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
