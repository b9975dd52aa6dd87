"""What every curve of a sweep has in common: lines whose lone points are seen, flags, and places without a value."""

from typing import TYPE_CHECKING

import numpy as np

from hillopt.pictures.maps import entitle
from hillopt.pictures.marks import flag_label
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import edges, scale_axis, scale_of_axis
from hillopt.pictures.style import FLAG_COLOUR, LOST_COLOUR, WALK_COLOUR, new_figure
from hillopt.walk import Certainty

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 60  # points, each of which is drawn


def curve_of(picture: Picture) -> tuple["Figure", "Axes"]:
    """An empty figure for a curve over the axis, with its title, scale and labels."""
    figure = new_figure(7.2, 4.8)
    entitle(figure, picture)
    axes = figure.add_subplot()
    scale_axis(axes, "x", picture.first[picture.dims[0]])
    axes.set_ylabel(picture.look.label)
    axes.grid(alpha=0.25, lw=0.5)
    return figure, axes


def draw_curve(axes: "Axes", x: np.ndarray, values: np.ndarray, label: str | None = None, line: str = "-") -> None:
    """A line, with a dot for each of a few points, and for each of many that has no neighbour or no line."""
    known = np.isfinite(values)
    beside = np.pad(known, 1)
    lone = known & ~(beside[:-2] | beside[2:])
    dotted = known if x.size <= FEW or line == "" else lone
    axes.plot(x, np.where(known, values, np.nan), line, color=WALK_COLOUR, lw=1.2, label=label)
    axes.plot(x[dotted], values[dotted], "o", color=WALK_COLOUR, ms=3)


def draw_gaps(axes: "Axes", axis: "xarray.DataArray", lost: np.ndarray, label: str) -> None:
    """Grey over the cells of the axis that have no value."""
    borders = edges(np.asarray(axis.values, np.float64), scale_of_axis(axis))
    turns = np.flatnonzero(np.diff(np.pad(lost.astype(int), 1)))
    for index, (begin, end) in enumerate(zip(turns[::2], turns[1::2], strict=True)):
        span = axes.axvspan(borders[begin], borders[end], color=LOST_COLOUR, lw=0.5, zorder=0)
        span.set_label(label if index == 0 else "")


def explain(axes: "Axes") -> None:
    """A legend, if there is anything to explain."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(edgecolor="none", framealpha=0.8)


def draw_flags(axes: "Axes", x: np.ndarray, values: np.ndarray, certainty: np.ndarray) -> None:
    """A cross on every value that rounding could change; at the foot where there is none to put it on."""
    flagged, known = certainty == Certainty.FLAGGED, np.isfinite(values)
    if not flagged.any():
        return
    label: str | None = flag_label(certainty)
    for here, heights, transform in (
        (flagged & known, values, axes.transData),
        (flagged & ~known, np.full(values.shape, 0.02), axes.get_xaxis_transform()),
    ):
        if here.any():
            axes.plot(x[here], heights[here], "x", ms=5, color=FLAG_COLOUR, transform=transform, label=label)
            label = None
