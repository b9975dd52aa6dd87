"""Charts of what was published beside what is found: lines over a number, and classes of cells over two."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hillopt.pictures.colours import drawable
from hillopt.pictures.scales import edges
from hillopt.pictures.style import INK, LETTERS, MARGIN, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL, TALL = 5.4, 4.4  # inches
COLOURS = ("#0b6e99", "#b3541e", "#6a3aa8", "#1b7a4b", "#8a6d00", "#c2185b")
"""Of lines, which every eye tells apart, darker and lighter in turn."""
CLASSES = ("#f3e9b5", "#3b77a0", "#1f1f1f", "#9fb4c7")
"""Of cells, from bright to dark."""


class Line(NamedTuple):
    """Numbers over numbers. `style` is Matplotlib's: "-" a line, "--" a dashed one, "o" circles, "," points."""

    x: np.ndarray
    y: np.ndarray
    label: str = ""
    style: str = "-"
    colour: str | None = None


class Cells(NamedTuple):
    """Classes of cells [y, x], by their names."""

    x: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]


class Chart(NamedTuple):
    """What is drawn in one panel: cells below lines, and named values of both axes as rules."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line] = ()
    cells: Cells | None = None
    across: Mapping[str, float] = {}
    """Of the x axis, by what stands there."""
    up: Mapping[str, float] = {}
    """Of the y axis."""
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    is_log: tuple[bool, bool] = (False, False)
    is_equal: bool = False
    """Whether both axes have one scale."""


def chart_figure(title: str, charts: Sequence[Chart]) -> "Figure":
    """Draw charts side by side below one title."""
    width = PANEL if not all(chart.is_equal for chart in charts) else TALL
    figure = new_figure(width * len(charts), TALL)
    grid = figure.subplots(1, len(charts), squeeze=False)[0]
    for axes, chart in zip(grid, charts, strict=True):
        _draw(axes, chart)
    figure.suptitle(plain_text(title), fontsize=LETTERS + 1.5, x=MARGIN / 72 / figure.get_figwidth(), ha="left")
    return figure


def _draw(axes: "Axes", chart: Chart) -> None:
    axes.set_title(chart.title, loc="left", fontsize=LETTERS)
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    for ruler, is_log in zip("xy", chart.is_log, strict=True):
        if is_log:
            getattr(axes, f"set_{ruler}scale")("log")
    if chart.cells is not None:
        _draw_cells(axes, chart.cells)
    else:
        axes.spines[["top", "right"]].set_visible(False)
    for index, line in enumerate(chart.lines):
        colour = line.colour or COLOURS[index % len(COLOURS)]
        x, y = drawable(np.asarray(line.x)), drawable(np.asarray(line.y))
        if line.style == ",":
            axes.plot(x, y, ",", color=colour, alpha=0.5, label=line.label, rasterized=True)
        else:
            axes.plot(x, y, line.style, color=colour, lw=1.5, ms=4.5, mfc="white", label=line.label)
    if chart.x_limits:
        axes.set_xlim(*chart.x_limits)
    if chart.y_limits:
        axes.set_ylim(*chart.y_limits)
    if chart.is_equal:
        axes.set_aspect("equal")
    _draw_rules(axes, chart)
    _explain(axes, chart)


def _draw_cells(axes: "Axes", cells: Cells) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    number = len(cells.names)
    norm = BoundaryNorm(np.arange(number + 1) - 0.5, number)
    borders = edges(cells.x, "linear"), edges(cells.y, "linear")
    axes.pcolormesh(*borders, cells.classes, cmap=ListedColormap(CLASSES[:number]), norm=norm, rasterized=True)


def _draw_rules(axes: "Axes", chart: Chart) -> None:
    for name, place in chart.across.items():
        axes.axvline(place, color=INK, lw=0.9, ls=":")
        axes.annotate(
            name,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-2, -3),
            textcoords="offset points",
            fontsize=8,
            rotation=90,
            ha="right",
            va="top",
        )
    for name, place in chart.up.items():
        axes.axhline(place, color=INK, lw=0.9, ls=":")
        axes.annotate(
            name,
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 3),
            textcoords="offset points",
            fontsize=8,
            ha="right",
        )


def _explain(axes: "Axes", chart: Chart) -> None:
    """A legend below the panel, of lines that have a label and of classes that there are."""
    from matplotlib.patches import Patch

    handles = [handle for handle in axes.get_lines() if str(handle.get_label() or "_")[0] != "_"]
    patches = []
    if chart.cells is not None:
        patches = [
            Patch(facecolor=CLASSES[index], edgecolor=INK, lw=0.5, label=name)
            for index, name in enumerate(chart.cells.names)
            if (chart.cells.classes == index).any()
        ]
    if handles or patches:
        axes.legend(
            handles=[*patches, *handles],
            loc="upper center",
            bbox_to_anchor=(0.5, -0.16),
            ncols=3,
            frameon=False,
            fontsize=8.5,
        )
