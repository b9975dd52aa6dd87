"""The map of a boundary: what was asked, what stands in for its surroundings, and the cells that are mixed."""

import json
from typing import TYPE_CHECKING

import numpy as np

from hillopt.pictures.maps import draw_cells, entitle, laid_out
from hillopt.pictures.marks import VERDICT_STYLES, Style, handle, legend
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import Grid, grid_of
from hillopt.pictures.style import INK, new_figure, plain_text, size_of
from hillopt.sweeps import thinned
from hillopt.walk import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#3b77a0", "#f3d98b", "#8a8a8a", "#7fb8a4", "#c98bb0")
"""Of labels that are no verdicts, in their order."""
PALE = 0.55  # of white in what was not asked
LINE = 1.3  # points, the least side of a mixed cell


def draw_boundary(picture: Picture) -> "Figure":
    """One map: labels in colours, pale where the surroundings stand in, and mixed cells in black."""
    dataset = picture.whole
    figure = new_figure(7.2, 5.8)
    entitle(figure, picture, *told(dataset))
    draw_labels(figure.add_subplot(), dataset)
    legend(figure, entries(dataset))
    return figure


def told(dataset: "xarray.Dataset") -> list[str]:
    """What it took, and what may be missed."""
    about, cells = dataset.attrs, dataset["label"].size
    fewer = cells / max(1, about["evaluations"])
    parts = [
        f"{about['evaluations']:,} of {cells:,} settings asked, 1 in {fewer:.3g}",
        f"{about['num_mixed']:,} mixed cells",
    ]
    if about["num_checked"]:
        parts.append(f"{about['num_differing']:,} of {about['num_checked']:,} others checked are on an island")
    return parts


def entries(dataset: "xarray.Dataset") -> list:
    """Of the legend, for the labels that there are."""
    styles = styles_of(dataset)
    there = [label for label in np.unique(dataset["label"].values).tolist() if label in styles]
    return [
        *(handle(Style(styles[label][0]), styles[label][1]) for label in there),
        handle(Style(_pale(styles[there[0]][0])), "pale: not asked"),
        handle(Style(INK), "mixed cells"),
    ]


def styles_of(dataset: "xarray.Dataset") -> dict[int, tuple[str, str]]:
    """Colour and words of every label."""
    about = dataset["label"].attrs
    values = np.asarray(about.get("flag_values", ()), int).tolist() or np.unique(dataset["label"].values).tolist()
    names = str(about.get("flag_meanings", "")).split() or [str(value) for value in values]
    field = json.loads(dataset.attrs["boundary_of"])
    if field["field"] == "verdict":
        return {value: (VERDICT_STYLES[Verdict(value)].colour, name) for value, name in zip(values, names, strict=True)}
    words = [plain_text(name.replace("_", " ")) for name in names]
    return {
        value: (COLOURS[index % len(COLOURS)], word)
        for index, (value, word) in enumerate(zip(values, words, strict=True))
    }


def draw_labels(axes: "Axes", dataset: "xarray.Dataset", least: float = LINE) -> None:
    """The map on these axes; mixed cells have sides of so many points at least."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    across, up = (str(name) for name in dataset["label"].dims)
    shown = thinned(dataset[["label", "evaluated"]])
    grid = laid_out(axes, shown, (across, up))
    styles = styles_of(dataset)
    order = {label: index for index, label in enumerate(styles)}
    index = np.vectorize(lambda label: order.get(label, 0), otypes=[int])(np.arange(256) - 128)
    labels = shown["label"].transpose(up, across).values
    classes = 2 * index[labels.astype(int) + 128] + shown["evaluated"].transpose(up, across).values
    colours = [each for colour, _ in styles.values() for each in (_pale(colour), colour)]
    draw_cells(
        axes, grid, classes, ListedColormap(colours), BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    )
    _draw_mixed(axes, grid_of(dataset[across], dataset[up]), dataset["mixed"].values, least)


def _draw_mixed(axes: "Axes", grid: Grid, mixed: np.ndarray, least: float) -> None:
    """A square for every mixed cell, where its four settings meet."""
    column, row = np.nonzero(mixed)
    width, height = size_of(axes)
    side = max(least, min(width / mixed.shape[0], height / mixed.shape[1]))
    axes.scatter(
        grid.x_edges[1:-1][column], grid.y_edges[1:-1][row], s=side**2, marker="s", color=INK, lw=0, rasterized=True
    )


def _pale(colour: str) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + PALE * (255 - part)):02x}" for part in parts)
