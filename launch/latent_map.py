"""The latents of a finished training as one page to explore, in any browser, without a network.

    python -m launch.latent_map --run=runs/digits

writes runs/digits/latent_map.html: every test image as a dot. Point at one for the image and its reconstruction; close up the
images themselves are drawn, and of latents of two numbers the page shows what the decoder draws wherever one points. Larger
latents are laid out by t-SNE. --map chooses the latents, --open shows the page at once:

    python -m launch.latent_map --run=runs/digits --map=cured_16 --page=cured_16.html --open
"""

import base64
import dataclasses
import html
import importlib.resources
import io
import json
import math
import os
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np

import aecluster as ae
from launch import command, train

PAGE = "latent_map.html"
MOST = 10_000
"""Images on a page."""
SIDE = 40
"""Decoded pictures along each side of a plane of latents."""
SHARE = 0.005
"""Of the latents, left out at each end of the window."""
QUALITY = 60
COLOURS = (
    "#94a4a2", "#a96b59", "#b9ac70", "#bd1f01", "#e76300", "#ffa90e", "#717581", "#832db6", "#3f90da", "#92dadd",
)  # fmt: skip
"""Of classes: M. A. Petroff, "Accessible Color Sequences for Data Visualization", 2021, arXiv:2107.02270."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which latents become a page, and where it goes."""

    run: Path = command.flag(Path("runs/digits"), "Folder of a finished training.")
    data_dir: Path | None = command.flag(None, "Where its images are now; by default where they were.")
    map: str | None = command.flag(
        None, "Latents to map, as RECIPE_SIZE; by default the last recipe's smallest, two numbers as a rule."
    )
    page: Path | None = command.flag(None, f"The file to write; {PAGE} in the run folder by default.")
    overwrite: bool = command.flag(False, "Replace the file where it is there already.")
    open: bool = command.flag(False, "Show the page in the browser.")


def main(settings: Settings) -> None:
    """Load, encode, pack, write, show."""
    run, place = settings.run, settings.page or settings.run / PAGE
    if not (run / command.SETTINGS_FILE).is_file() or not (run / "checkpoints").is_dir():
        raise ValueError(f"`--run` {str(run)!r} is no finished training; run `python -m launch.train` first.")
    if place.exists() and not settings.overwrite:
        raise ValueError(f"`--page` {str(place)!r} exists; choose another name, or pass --overwrite.")
    training = command.saved(run, train.Settings, flag="--run")
    data = ae.load(training.data, settings.data_dir or training.data_dir)
    recipe, size = chosen(settings.map, trained := ae.trained(run / "checkpoints"))
    text = page_of(data, trained[recipe, size], f"{data.name}: {size} latents, recipe {recipe}")
    write(text, place)
    print(f"wrote {place}, {len(text) / 1e6:.1f} MB")
    if settings.open and not webbrowser.open(place.absolute().as_uri()):
        print(f"no browser was found; open {place.absolute().as_uri()} in one.")


def chosen(wanted: str | None, trained: ae.Trained) -> tuple[str, int]:
    """The latents to map, by recipe and size."""
    known = {f"{recipe}_{size}": (recipe, size) for recipe, size in trained}
    if wanted is None:
        last, _ = list(trained)[-1]
        return last, min(size for recipe, size in trained if recipe == last)
    if wanted not in known:
        raise ValueError(f"`--map={wanted}` is none of the run's latents; choose among {', '.join(known)}.")
    return known[wanted]


def page_of(data: ae.ImageData, ensemble: ae.Ensemble, title: str) -> str:
    """The page of the first member's latents of the test images, of every second, third, ... where they are too many."""
    every = math.ceil(len(data.test.images) / MOST)
    images = data.test.images[::every]
    labels = None if data.test.labels is None else data.test.labels[::every]
    latents, rebuilt = np.asarray(ensemble.encode(images))[0], np.asarray(ensemble.reconstruct(images))[0]
    is_plane = latents.shape[1] == 2
    points = latents if is_plane else laid_out(latents)
    window = window_of(points)
    sprites = {"image": sprite(images), "rebuilt": sprite(rebuilt)}
    if is_plane:
        sprites["drawn"] = sprite(decoded(ensemble, window))
    told = f"{len(images):,} test images; seed {ensemble.seeds[0]}"
    told += f"; one in {every} of {len(data.test.images):,}" if every > 1 else ""
    contents = {
        "told": told if is_plane else f"{told}; laid out by t-SNE, whose axes mean nothing",
        "points": np.round(points, 4).tolist(),
        "labels": None if labels is None else np.asarray(labels).tolist(),
        "indices": list(range(0, len(data.test.images), every)),
        "errors": [round(float(error), 4) for error in abs(rebuilt - images).mean((1, 2, 3))],
        "window": window,
        "lattice": SIDE if is_plane else None,
        "colours": COLOURS,
        "sprites": sprites,
    }
    template = importlib.resources.files("launch").joinpath("latent_map.html").read_text(encoding="utf-8")
    as_json = json.dumps(contents, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    return template.replace("{{title}}", html.escape(title)).replace("{{contents}}", as_json)


def laid_out(latents: np.ndarray) -> np.ndarray:
    """On a plane, neighbours beside one another."""
    from aecluster import clustering

    return np.asarray(clustering.tsne(latents)) if latents.shape[1] > 1 else np.column_stack([latents, 0 * latents])


def window_of(points: np.ndarray) -> list[float]:
    """Left, right, low and high end of where nearly all points are."""
    ends = np.quantile(points, [SHARE, 1 - SHARE], axis=0)
    ends[1] = np.where(ends[1] > ends[0], ends[1], ends[0] + 1)
    return [float(end) for end in ends.T.ravel()]


def decoded(ensemble: ae.Ensemble, window: list[float]) -> np.ndarray:
    """What the first member's decoder draws on a lattice over the window, rows from low to high."""
    left, right, low, high = window
    up, across = np.meshgrid(np.linspace(low, high, SIDE), np.linspace(left, right, SIDE), indexing="ij")
    places = np.stack([across.ravel(), up.ravel()], -1).astype(np.float32)
    every = np.broadcast_to(places, (len(ensemble), *places.shape))
    return np.asarray(ensemble.decode(every))[0]


def sprite(images: np.ndarray) -> dict[str, Any]:
    """All images in one picture, row by row, and how to cut one out."""
    from PIL import Image

    num, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    room = np.zeros((rows * columns, height, width, channels), np.uint8)
    room[:num] = np.round(255 * np.clip(images, 0, 1))
    whole = room.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels = whole.reshape(rows * height, columns * width, channels)
    written = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels[..., :3]).convert("RGB")
    picture.save(written, "WEBP", quality=QUALITY)
    source = f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}"
    return {"source": source, "columns": columns, "height": height, "width": width}


def write(text: str, place: Path) -> None:
    """As a file, whole or not at all; ValueError for a place that cannot be written."""
    half_written = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        half_written.write_text(text, encoding="utf-8")
        half_written.replace(place)
    except OSError as error:
        half_written.unlink(missing_ok=True)
        raise ValueError(
            f"`--page` {str(place)!r} cannot be written ({error.strerror}); choose another place."
        ) from error


if __name__ == "__main__":
    command.run(main, Settings)
