"""A boundary in ever smaller windows: does it look the same at every magnification?

    python -m launch.zoom

zooms into the map of which learning rates of its two layers train a small network (Sohl-Dickstein 2024), six windows of
129 x 129, each half as wide as the one before, and writes into runs/zoom/: zoom.png (all windows on a sheet, also as pdf),
windows/000.png and so on, zoom.gif, zoom.mp4 where ffmpeg is installed, dimension.csv (box dimension and uncertainty exponent of
each window), evaluations (what was asked in each window) and settings.json. Zooms by name:

    python -m launch.zoom --preset=network        the default
    python -m launch.zoom --preset=rough          gradient descent on a rough bowl, a fractal (Liu 2024)
    python -m launch.zoom --preset=teeth          Adam on the tent, which is no fractal: the windows become straight lines

Any question, hill and optimizer that launch.boundary takes, over two linear or logarithmic axes:

    python -m launch.zoom --preset=teeth --about=learning_rate=0.2,height=0.3 --frames=12 --name=tooth
    python -m launch.zoom --resume                goes on where a killed one stopped

What is known of a window is taken over into the next one. Where the number format ends, the zoom ends, and says so.
"""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import hillopt as ho
from launch import asked, boundary, command, named, runs, sweep, walking
from launch.progress import Reporter

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which boundary is searched, and where the windows go."""

    frames: int = command.flag(6, "Windows, each half as wide as the one before.", at_least=1, called="num_frames")
    about: dict[str, float] = command.flag(
        {},
        "Where to go, as name=value,name=value; the middle of the first window by default.",
        example="b1=0.5,height=1",
    )
    of: str | None = boundary.of_flag()
    level: float | None = boundary.level_flag()
    spacing: int = boundary.spacing_flag(8)
    margin: int = boundary.margin_flag(8)
    optimizer: str = named.optimizer_flag(named.BROUGHT, "The optimizer, or that of a training run.")
    hill: str = named.hill_flag("network.tanh", "The landscape, or the training run.")
    hill_numbers: dict[str, float] = named.hill_numbers_flag()
    question: str = named.question_flag("trainability")
    question_numbers: dict[str, float] = named.question_numbers_flag()
    axis: tuple[str, ...] = command.flag(
        ("input_learning_rate:log:1e-3:1e6:129", "output_learning_rate:log:1e-3:1e6:129"),
        "One of the two axes as NAME:SCALE:LOW:HIGH:POINTS, linear or log. The first is drawn to the right.",
        repeated=True,
        called="axes",
    )
    fixed: dict[str, float] = named.fixed_flag()
    max_steps: int = command.flag(100, "Follow a walk for at most so many steps.", at_least=1)
    dtype: str = walking.dtype()
    climb: str | None = walking.climb()
    seed: int = command.flag(0, "Of what is drawn at random.")
    cpu_devices: int | None = walking.cpu_devices()
    resume: bool = runs.resume()
    out: Path = runs.out()
    name: str = runs.name("zoom")
    overwrite: bool = runs.overwrite()


PRESETS = {
    "network": Settings(),
    "rough": Settings(
        frames=4,
        about={"learning_rate": 1.002, "height": 0.25},
        hill="rough_bowl",
        hill_numbers={"wavelength": 0.1},
        optimizer="gradient_descent",
        question="escape",
        climb="plain",
        axis=("learning_rate:linear:1:1.008:257", "height:linear:0.001:0.5:257"),
        max_steps=1_000,
        spacing=4,
        name="rough_zoom",
    ),
    "teeth": Settings(
        frames=8,
        about={"learning_rate": 0.2, "height": 0.35},
        hill="tent",
        optimizer="adam",
        question="escape",
        climb="plain",
        axis=("learning_rate:linear:0.05:0.6:257", "height:linear:0:1:257"),
        max_steps=1_000,
        spacing=16,
        margin=0,
        name="teeth_zoom",
    ),
}
TABLE, EVALUATIONS = "dimension.csv", "evaluations"
POINTS, STEPS, FRAMES = 33, 100, 2  # of a tiny brother, at most


def tiny(settings: Settings) -> Settings:
    """A preset of two coarse windows and short walks."""
    return dataclasses.replace(
        settings,
        frames=FRAMES,
        axis=tuple(sweep.coarse(text, POINTS) for text in settings.axis),
        max_steps=min(STEPS, settings.max_steps),
        spacing=4,
        name=f"{settings.name}_tiny",
    )


def main(settings: Settings) -> None:
    """Zoom, draw, measure, report."""
    path = runs.place(settings.out, settings.name)
    runs.check(path, settings.overwrite, settings.resume)
    set_up(settings)
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        found = zoom(settings, folder)
        rows = [row(number, frame) for number, frame in enumerate(found.frames)]
        runs.write_table(folder / TABLE, rows)
        films = draw(found.frames, folder)
    print(*told(found, rows), sep="\n")
    if "zoom.mp4" not in films:
        print("no zoom.mp4, which takes ffmpeg; install it for one.")
    print(runs.wrote(path, TABLE, EVALUATIONS, "windows", *films, pictures=["zoom"]))


def set_up(settings: Settings) -> None:
    """Devices, before JAX looks for them."""
    walking.set_up(settings.dtype, settings.cpu_devices)


def zoom(settings: Settings, folder: Path) -> ho.Zoom:
    """The windows, with a word about each."""
    whole = boundary.as_sweep(settings)

    def tell(number: int, progress: ho.Refinement) -> None:
        reporter.tell(number, settings.frames, f"{progress.evaluations:,} settings asked in this one")

    with Reporter("windows") as reporter:
        try:
            return ho.zoom(
                asked.question_of(whole),
                *asked.world_of(whole),
                asked.axes_of(whole),
                about=settings.about or None,
                num_frames=settings.frames,
                of=settings.of,
                level=settings.level,
                spacing=settings.spacing,
                margin=settings.margin,
                dtype=settings.dtype,
                seed=settings.seed,
                store=ho.Store(folder / EVALUATIONS, resume=settings.resume),
                on_frame=tell,
            )
        except ValueError as error:
            raise ValueError(asked.as_typed(str(error), whole)) from error


def row(number: int, frame: "xarray.Dataset") -> dict[str, object]:
    """A window's line of the table."""
    about = frame.attrs
    found: dict[str, object] = {"magnification": 2**number}
    for name in frame["label"].dims:
        found |= {f"{name}_low": float(frame[name][0]), f"{name}_high": float(frame[name][-1])}
    found |= {"mixed_cells": about["num_mixed"], "evaluations": about["evaluations"]}
    measured = boundary.measure(frame)
    if isinstance(measured, str):
        return {**found, "box_dimension": "", "its_error": "", "uncertainty_exponent": "", "exponents_error": ""}
    box, uncertainty = measured
    found |= {"box_dimension": round(box.dimension, 4), "its_error": round(box.error, 4)}
    return {
        **found,
        "uncertainty_exponent": round(uncertainty.exponent, 4),
        "exponents_error": round(uncertainty.error, 4),
    }


def draw(frames: "list[xarray.Dataset]", folder: Path) -> list[str]:
    """The sheet, the windows and the films; the names of the films."""
    from hillopt import pictures

    pictures.write(pictures.zoom_figure(frames), [folder / "zoom.png", folder / "zoom.pdf"])
    return pictures.write_film(frames, folder)


def told(found: ho.Zoom, rows: list[dict[str, object]]) -> list[str]:
    """A line for every window."""
    lines = [
        found.frames[0].attrs["title"],
        f"  {'times':>8} {'mixed cells':>12} {'asked anew':>11} {'box dimension':>18}",
    ]
    for each in rows:
        dimension = f"{each['box_dimension']} +- {each['its_error']}" if each["box_dimension"] != "" else "none"
        lines.append(
            f"  {each['magnification']:>8,} {each['mixed_cells']:>12,} {each['evaluations']:>11,} {dimension:>18}"
        )
    return [*lines, *([found.ended] if found.ended else [])]


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings, PRESETS, tiny)
