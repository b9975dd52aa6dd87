"""Several optimizers, on one landscape or on several, in one call and one figure: who is best where?

    python -m launch.compare

asks Adam, heavy ball and Nesterov's momentum which hills they escape from, over learning rate and height, and writes into
runs/compare/: data.zarr (one data set, for xarray.open_zarr), compare.png (a map of each on one scale of colours, and who wins
where), overlay.png (their contours over each other), of two ratio.png too, all as pdf as well, and settings.json. On several
landscapes these two are drawn for each, as overlay_tent.png. Comparisons by name:

    python -m launch.compare --preset=momentum     critical heights of heavy ball and Nesterov, and their ratio
    python -m launch.compare --preset=noise        probabilities of an escape with 8 seeds each, mean and spread
    python -m launch.compare --preset=hills        Adam on three landscapes
    python -m launch.compare --preset=networks     which learning rates train a tanh and a relu network
    python -m launch.compare --preset=both         three optimizers on three landscapes, a row of maps for each

All that are compared have the numbers that the axes name. What one has and another lacks is fixed, in all that have it or in
one of them:

    python -m launch.compare --optimizers=adam,optax.nadam,heavy_ball --fixed=b1=0.95,heavy_ball.momentum=0.5
"""

import dataclasses
import json
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hillopt as ho
from launch import asked, command, named, runs, sweep, walking
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is asked of whom, over which settings."""

    optimizers: tuple[str, ...] = command.flag(
        ("adam", "heavy_ball", "nesterov"),
        "The optimizers that are compared.",
        choices=[*sorted(ho.OPTIMIZERS), named.BROUGHT],
        forms={**named.OPTAX, **named.OWN},
    )
    hills: tuple[str, ...] = command.flag(
        ("tent",), "The landscapes or training runs.", choices=sorted(named.GROUNDS), forms=named.OWN
    )
    question: str = named.question_flag("escape")
    question_numbers: dict[str, float] = named.question_numbers_flag()
    axis: tuple[str, ...] = command.flag(
        ("learning_rate:log:0.01:1:200", "height:linear:0.02:1:160"),
        "A number that all have as NAME:SCALE:LOW:HIGH:POINTS or NAME:list:VALUES; repeat for a second.",
        repeated=True,
        called="axes",
    )
    fixed: dict[str, float] = command.flag(
        {},
        "Hyperparameters kept at one value, of all that have them or of one.",
        example="b1=0.9,nesterov.momentum=0.5",
    )
    hill_numbers: dict[str, float] = command.flag(
        {}, "Numbers of the landscapes that are not swept, in the same form.", example="height=0.5"
    )
    noise: float | None = command.flag(
        None, "Deviation of Gaussian noise in the slope, for escape_probability and passage_time.", at_least=0
    )
    num_walks: int = command.flag(1_000, "Noisy walks a setting.", at_least=1)
    num_seeds: int | None = command.flag(
        None, "Seeds 0, 1, ... of the noise that each is asked with; their mean and spread are drawn.", at_least=1
    )
    max_steps: int = command.flag(1_000, "Follow a walk for at most so many steps.", at_least=1, at_most=ho.MOST_STEPS)
    climb: str | None = walking.climb()
    dtype: str = walking.dtype()
    resume: bool = runs.resume()
    out: Path = runs.out()
    name: str = runs.name("compare")
    overwrite: bool = runs.overwrite()


PRESETS = {
    "escape": Settings(),
    "momentum": Settings(
        optimizers=("heavy_ball", "nesterov"),
        question="critical_height",
        axis=("learning_rate:log:0.01:1:200", "momentum:linear:0:0.95:160"),
        name="momentum",
    ),
    "noise": Settings(
        question="escape_probability",
        hill_numbers={"height": 0.2},
        noise=1.0,
        num_walks=100,
        num_seeds=8,
        max_steps=200,
        axis=("learning_rate:log:0.01:0.3:24",),
        name="noise",
    ),
    "networks": Settings(
        optimizers=("own",),
        hills=("network.tanh", "network.relu"),
        question="trainability",
        max_steps=100,
        axis=("input_learning_rate:log:1e-3:1e6:64", "output_learning_rate:log:1e-3:1e6:64"),
        name="networks",
    ),
    "hills": Settings(
        optimizers=("adam",),
        hills=("tent", "wedge", "gaussian"),
        climb="fast",
        axis=("learning_rate:log:0.01:1:120", "height:linear:0.02:1:100"),
        name="hills",
    ),
    "both": Settings(
        hills=("tent", "wedge", "gaussian"),
        climb="fast",
        axis=("learning_rate:log:0.01:1:120", "height:linear:0.02:1:100"),
        name="both",
    ),
}
DATA, PARTS = "data.zarr", "parts"


def tiny(settings: Settings) -> Settings:
    """A preset with a few points on every axis, and short walks."""
    return dataclasses.replace(
        settings,
        axis=tuple(sweep.coarse(text) for text in settings.axis),
        max_steps=50,
        num_walks=5,
        num_seeds=settings.num_seeds and 2,
        name=f"{settings.name}_tiny",
    )


def set_up(settings: Settings) -> None:
    """Devices, before JAX looks for them."""
    walking.set_up(settings.dtype)


def main(settings: Settings) -> None:
    """Ask, draw, tell."""
    set_up(settings)
    path = runs.place(settings.out, settings.name)
    runs.check(path, settings.overwrite, settings.resume)
    asking = asking_of(settings)
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        dataset = compared(settings, asking, folder)
        shown = ho.over_seeds(dataset) if settings.num_seeds else dataset
        made = draw(shown, folder)
        ho.save(dataset, folder / DATA)
    print(*summary(shown), sep="\n")
    print(runs.wrote(path, DATA, PARTS, pictures=made))


@dataclasses.dataclass(frozen=True)
class Asking:
    """The library's objects, all checked."""

    question: ho.AbstractQuestion
    hill: Any
    optimizer: Any
    axes: dict[str, ho.Axis]


def asking_of(settings: Settings) -> Asking:
    """What is asked; ValueError for what does not go together."""
    if len(settings.optimizers) == len(settings.hills) == 1 and not settings.num_seeds:
        raise ValueError("`--optimizers` must name two at least, or --hills; launch.sweep asks one.")
    first = as_sweep(settings, settings.optimizers[0], settings.hills[0])
    check_fixed(settings)
    question, axes = asked.question_of(first), asked.axes_of(first)
    pairs = [(optimizer, hill) for optimizer in settings.optimizers for hill in settings.hills]
    worlds = [asked.world_of(as_sweep(settings, *pair)) for pair in pairs]
    several = len(settings.hills) > 1
    if worlds[0][1] is None:  # training runs, which hold their optimizers
        if several and len(settings.optimizers) > 1:
            raise ValueError(
                "`--optimizers` and `--hills` both name several, and a training run holds its optimizer; compare one optimizer's "
                "runs, or one run's optimizers."
            )
        names = settings.hills if several else settings.optimizers
        return Asking(question, dict(zip(names, (run for run, _ in worlds), strict=True)), None, axes)
    grounds = dict(zip(settings.hills, (ground for ground, _ in worlds), strict=False))
    walkers = dict(zip(settings.optimizers, (walker for _, walker in worlds[:: len(settings.hills)]), strict=True))
    alone = several and len(walkers) == 1
    return Asking(question, grounds if several else worlds[0][0], worlds[0][1] if alone else walkers, axes)


def as_sweep(settings: Settings, optimizer: str, hill: str) -> sweep.Settings:
    """What launch.sweep would be told of one of them."""
    same = ("question", "question_numbers", "axis", "noise", "num_walks", "max_steps", "climb", "dtype")
    return sweep.Settings(
        optimizer=optimizer,
        hill=hill,
        fixed=own_numbers(settings.fixed, optimizer, numbers_of(optimizer, "--optimizer", hill)),
        hill_numbers=own_numbers(settings.hill_numbers, hill, numbers_of(hill, "--hill", hill)),
        **{name: getattr(settings, name) for name in same},
    )


def own_numbers(given: dict[str, float], owner: str, known: set[str]) -> dict[str, float]:
    """Those of all numbers that go to one owner: said of it alone, or of all and among what it has."""
    mine = {name.removeprefix(f"{owner}."): value for name, value in given.items() if name.startswith(f"{owner}.")}
    return {**{name: value for name, value in given.items() if name in known}, **mine}


def numbers_of(text: str, flag: str, hill: str) -> set[str]:
    """The names of the numbers that something of that name takes; the optimizer that a training run brings has them there."""
    if text == named.BROUGHT:
        return numbers_of(hill, "--hill", hill)
    if text.startswith("optax."):
        return named.takes(ho.optax_settings(text.removeprefix("optax."))[0])
    known: dict[str, Any] = {**ho.OPTIMIZERS} if flag == "--optimizer" else {**named.GROUNDS}
    return named.takes(known.get(text) or named.own(text, flag))


def check_fixed(settings: Settings) -> None:
    """ValueError for a fixed number that nobody has."""
    for flag, given, owners in (
        ("optimizer", settings.fixed, settings.optimizers),
        ("hill", settings.hill_numbers, settings.hills),
    ):
        for name in given:
            whose = [owner for owner in owners if name.startswith(f"{owner}.")]
            if not whose and not any(
                name in numbers_of(owner, f"--{flag}", hill) for owner in owners for hill in settings.hills
            ):
                shown = "fixed" if flag == "optimizer" else "hill_numbers"
                raise ValueError(
                    f"`--{shown}` names {name!r}, which none of {', '.join(owners)} has; write a number that some have, or "
                    f"{owners[0]}.{name} for one of them."
                )


def compared(settings: Settings, asking: Asking, folder: Path) -> "xarray.Dataset":
    """The comparison, with a word about every tile; a sentence of the library as it was typed."""
    done: dict[str, int] = {}

    def tell(name: str, progress: ho.Progress) -> None:
        step, done[name] = progress.cells - max(done.get(name, 0), progress.found), progress.cells
        reporter.tell(progress.cells, progress.num_cells, name, step)

    first = as_sweep(settings, settings.optimizers[0], settings.hills[0])
    try:
        with Reporter("settings", with_speed=True) as reporter:
            return ho.compare(
                asking.question,
                asking.hill,
                asking.optimizer,
                asking.axes,
                seeds=range(settings.num_seeds) if settings.num_seeds else None,
                dtype=settings.dtype,
                store=ho.Store(folder / PARTS, settings.resume),
                on_progress=tell,
            )
    except ValueError as error:
        raise ValueError(asked.as_typed(str(error), first)) from error


def draw(dataset: "xarray.Dataset", folder: Path) -> list[str]:
    """All figures that can be drawn of it, and their names."""
    from hillopt import pictures

    figures = {"compare": pictures.comparison_figure(dataset)}
    for hill, part in ho.on_each_hill(dataset).items():
        ending = f"_{re.sub(r'[^0-9A-Za-z]+', '_', hill)}" if hill else ""
        axes = axes_of(part)
        entries = [str(name) for name in part[ho.entries_of(part)].values]
        if len(axes) == 2 and all(part.sizes[name] > 1 for name in axes):
            figures[f"overlay{ending}"] = pictures.overlay_figure(part)
        if len(entries) == 2:
            figures[f"ratio{ending}"] = pictures.ratio_figure(part, *entries)
    fields = [str(name) for name in dataset.data_vars if str(name).endswith(("_spread", "_agreement"))]
    if fields and len(axes_of(next(iter(ho.on_each_hill(dataset).values())))) == 2:
        figures["spread"] = pictures.comparison_figure(dataset, fields[0])
    for name, figure in figures.items():
        pictures.write(figure, [folder / f"{name}.png", folder / f"{name}.pdf"])
    return list(figures)


def axes_of(part: "xarray.Dataset") -> list[str]:
    """The axes of a comparison of one kind."""
    return [name for name in ho.settings_dims(part) if name != ho.entries_of(part)]


def summary(dataset: "xarray.Dataset") -> list[str]:
    """Who wins in which share of the settings, on each landscape; of seeds of one alone how many settings there are."""
    return [line for part in ho.on_each_hill(dataset).values() for line in summary_of(part)]


def summary_of(part: "xarray.Dataset") -> list[str]:
    """Of a comparison of one kind."""
    if part.sizes[ho.entries_of(part)] == 1:
        return [f"{part.attrs['title']}: {math.prod(part.sizes[name] for name in ho.settings_dims(part)):,} settings"]
    won = ho.winner(part)
    names = json.loads(won["winner"].attrs["names"])
    cells = won["winner"].values
    lines = [f"{part.attrs['title']}: {cells.size:,} settings each, {won['winner'].attrs['long_name']}"]
    return lines + [f"  {name:<24}{(cells == index).mean():>9.2%}" for index, name in enumerate(names)]


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
