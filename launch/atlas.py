"""What becomes of heavy ball, over learning rate and momentum: converges, cycles, or open, each but the last with a proof.

    python -m launch.atlas

decides 160 x 160 settings on three grounds, all with curvatures from 1 to 25: every quadratic; one function of three quadratic
pieces and 25 starts at rest (that of Lessard, Recht, Packard 2016, on which heavy ball tuned for quadratics goes round a cycle of
three); and every smooth, strongly convex function. It prints the share of each fate, that of open settings last, and writes into
runs/atlas/: data.zarr, atlas.png, atlas.pdf and settings.json, in 25 s on two cores. Lines are where cycles over the K-th roots of
unity begin (Goujaud, Taylor, Dieuleveut 2023). Other curvatures:

    python -m launch.atlas --name=mild --curvatures=1,0.1,1 --learning_rates=linear:0.025:4:160
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import jax

import hillopt as ho
from launch import asked, command, runs
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which functions, which walks, and which settings of heavy ball."""

    curvatures: str = command.flag(
        "25,1,25", "Of the pieces of the one function, from left to right; the least and the greatest are those of all."
    )
    knots: str = command.flag("1,2", "Where its pieces meet; the minimum is at 0.")
    starts: str = command.flag(
        "linear:-6:6:25", "Where its walks begin at rest, as SCALE:LOW:HIGH:POINTS or list:VALUES."
    )
    learning_rates: str = command.flag(
        "linear:0.001:0.16:160", "Drawn to the right, as SCALE:LOW:HIGH:POINTS or list:VALUES.", called="learning_rate"
    )
    momenta: str = command.flag("linear:0:0.99:160", "Drawn upwards, in the same form.", called="momentum")
    out: Path = runs.out()
    name: str = runs.name("atlas")
    overwrite: bool = runs.overwrite()


PRESETS = {"lessard": Settings()}
DATA = "data.zarr"
SHARES = (ho.Fate.CONVERGES, ho.Fate.CYCLES, ho.Fate.UNSTABLE, ho.Fate.OPEN)


def tiny(settings: Settings) -> Settings:
    """A preset of few settings and starts."""
    rates = ":".join([*settings.learning_rates.split(":")[:3], "6"])
    return dataclasses.replace(
        settings,
        starts="linear:-6:6:4",
        learning_rates=rates,
        momenta="linear:0:0.9:6",
        name=f"{settings.name}_tiny",
    )


def main(settings: Settings) -> None:
    """Decide, print, draw."""
    jax.config.update("jax_enable_x64", True)
    try:
        grounds = grounds_of(settings)
    except ValueError as error:
        raise ValueError(as_typed(str(error))) from error
    rates, momenta = (
        asked.axis_of(text, f"--{name}={text}")
        for name, text in (("learning_rates", settings.learning_rates), ("momenta", settings.momenta))
    )
    path = runs.place(settings.out, settings.name)
    with runs.folder(path, settings.overwrite) as folder:
        atlases = dict[str, ho.Atlas]()
        with Reporter("grounds") as reporter:
            for name, ground in grounds.items():
                atlases[name] = ho.atlas(ground, rates, momenta)
                reporter.tell(len(atlases), len(grounds), ground.title, step=1)
        command.save(folder, settings)
        draw(grounds, atlases, folder)
        ho.save(dataset_of(atlases), folder / DATA)
    print(*summary(grounds, atlases, reporter.seconds), sep="\n")
    print(runs.wrote(path, DATA, pictures=["atlas"]))


def grounds_of(settings: Settings) -> dict[str, ho.AbstractGround]:
    """By name, from few functions to many; ValueError for numbers that make none."""
    curvatures, knots = numbers_of(settings.curvatures, "curvatures"), numbers_of(settings.knots, "knots")
    starts = asked.axis_of(settings.starts, f"--starts={settings.starts}").values
    grounds = {
        "bowl": ho.OneBowl(ho.PiecewiseQuadraticBowl(curvatures, knots), starts),
        "quadratics": ho.AllQuadratics(min(curvatures), max(curvatures)),
        "functions": ho.AllFunctions(min(curvatures), max(curvatures)),
    }
    for ground in grounds.values():
        ground.check()
    return {name: grounds[name] for name in ("quadratics", "bowl", "functions")}


def as_typed(sentence: str) -> str:
    """A sentence of the library about a function's numbers, with the flags that they come from."""
    return re.sub(r"`\w+\((\w+)=\.\.\.\)`", r"`--\1`", sentence).replace("`--bowl`", "`--knots`")


def numbers_of(text: str, flag: str) -> tuple[float, ...]:
    """A list of numbers; ValueError naming the flag for what is none."""
    try:
        return tuple(asked.number_of(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"`--{flag}={text}`: {error}") from error


def dataset_of(atlases: Mapping[str, ho.Atlas]) -> "xarray.Dataset":
    """All of them, with the ground's name behind each field's."""
    import xarray

    parts = (
        one.to_dataset().rename(fate=f"fate_on_{name}", period=f"period_on_{name}") for name, one in atlases.items()
    )
    return xarray.merge(parts, combine_attrs="drop")


def draw(grounds: Mapping[str, ho.AbstractGround], atlases: Mapping[str, ho.Atlas], folder: Path) -> None:
    """One map for each ground."""
    from hillopt import pictures

    panels = [pictures.AtlasPanel(grounds[name], atlases[name]) for name in grounds]
    pictures.write(pictures.atlas_figure(panels), [folder / "atlas.png", folder / "atlas.pdf"])


def summary(grounds: Mapping[str, ho.AbstractGround], atlases: Mapping[str, ho.Atlas], seconds: float) -> list[str]:
    """A table of shares; that of open settings is what another proof could still make less."""
    cells = next(iter(atlases.values())).fate.size
    least, most = grounds["functions"].ends
    width = max(len(ground.title) for ground in grounds.values()) + 2
    lines = [
        f"Heavy ball on functions of curvature {least:g} to {most:g}: {cells:,} settings, {seconds:.1f} s",
        " " * (width + 2) + "".join(f"{fate.name.lower():>11}" for fate in SHARES),
    ]
    for name, ground in grounds.items():
        shares = "".join(f"{atlases[name].share(fate):>11.2%}" for fate in SHARES)
        lines.append(f"  {ground.title:<{width}}{shares}")
    return lines


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
