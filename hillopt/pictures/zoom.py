"""A zoom into a boundary: a sheet of all windows, and one picture a window for films."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hillopt.pictures.boundary import draw_labels, entries
from hillopt.pictures.marks import legend
from hillopt.pictures.style import FLAG_COLOUR, LETTERS, MARGIN, new_figure, plain_text

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 2.6  # inches
MOST_COLUMNS = 4
FRAME = (6.4, 5.6)  # inches
PLACE = {"left": 0.15, "right": 0.97, "bottom": 0.13, "top": 0.88}
DPI = 120
A_SECOND = 2  # windows of a film


def zoom_figure(frames: Sequence["xarray.Dataset"]) -> "Figure":
    """All windows side by side, in each the next one as a box, and how many times larger it is shown."""
    columns = min(MOST_COLUMNS, len(frames))
    rows = math.ceil(len(frames) / columns)
    figure = new_figure(0.4 + PANEL * columns, 0.9 + PANEL * rows)
    title = f"{frames[0].attrs['title']}; each window is the box in the one before"
    figure.suptitle(plain_text(title), fontsize=LETTERS, x=MARGIN / 72 / figure.get_figwidth(), ha="left")
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for number, axes in enumerate(panels):
        if number >= len(frames):
            axes.set_visible(False)
            continue
        draw_labels(axes, frames[number], least=0.5)
        if number + 1 < len(frames):
            _mark(axes, frames[number + 1])
        axes.set_title(_times(frames, number), loc="left", fontsize=9)
        _with_few_ticks(axes, is_first=number == 0)
    legend(figure, entries(frames[0]))
    return figure


def write_film(frames: Sequence["xarray.Dataset"], folder: Path) -> list[str]:
    """Write a picture of every window and a film of them, zoom.gif, and zoom.mp4 where ffmpeg is; the names of the films."""
    from matplotlib.animation import FFMpegWriter
    from PIL import Image

    stills = folder / "windows"
    stills.mkdir(exist_ok=True)
    paths = [stills / f"{number:03d}.png" for number in range(len(frames))]
    for path, figure in zip(paths, _stills(frames), strict=True):
        figure.savefig(path, dpi=DPI)
    images = [Image.open(path).convert("RGB").quantize(128) for path in paths]
    images[0].save(folder / "zoom.gif", save_all=True, append_images=images[1:], duration=1000 // A_SECOND, loop=0)
    if not FFMpegWriter.isAvailable():
        return ["zoom.gif"]
    writer = FFMpegWriter(fps=A_SECOND)
    stills_again = _stills(frames)
    figure = next(stills_again)
    with writer.saving(figure, os.fspath(folder / "zoom.mp4"), DPI):
        writer.grab_frame()
        for _ in stills_again:
            writer.grab_frame()
    return ["zoom.gif", "zoom.mp4"]


def _stills(frames: Sequence["xarray.Dataset"]) -> Iterator["Figure"]:
    """One figure, drawn anew for every window, its axes always in the same place."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=FRAME)
    for number, frame in enumerate(frames):
        figure.clear()
        axes = figure.add_subplot()
        figure.subplots_adjust(**PLACE)
        draw_labels(axes, frame)
        axes.set_title(
            f"{plain_text(str(frame.attrs['title']))}\n{_times(frames, number)}", loc="left", fontsize=LETTERS
        )
        yield figure


def _times(frames: Sequence["xarray.Dataset"], number: int) -> str:
    """How many times larger than the first one a window is shown, and how many mixed cells it has."""
    power = "1" if number == 0 else rf"$2^{{{number}}}$"
    return rf"$\times$ {power}, {frames[number].attrs['num_mixed']:,} mixed cells"


def _mark(axes: "Axes", window: "xarray.Dataset") -> None:
    """A window as a box in the one before."""
    from matplotlib.patches import Rectangle

    (left, right), (low, high) = ((window[name].values[0], window[name].values[-1]) for name in window["label"].dims)
    axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, ec=FLAG_COLOUR, lw=1.4, zorder=4))


def _with_few_ticks(axes: "Axes", is_first: bool) -> None:
    """Ticks in the first window alone: in the others neighbours differ in digits that have no room."""
    from matplotlib.ticker import NullFormatter

    axes.xaxis.set_minor_formatter(NullFormatter())
    if not is_first:
        axes.set(xlabel="", ylabel="")
        axes.tick_params(which="both", bottom=False, left=False, labelbottom=False, labelleft=False)
