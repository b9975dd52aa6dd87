"""The window on a cloud of points whose far outliers would leave the rest a blot."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from aecluster.figures.style import SMALL, TEXT, WIDTH

TAIL = 0.01  # of the points, at each end of each axis, may be left out,
SLACK = 0.1  # unless they lie within this share of the window beyond it
MARGIN = 0.02
SLENDER = 0.5  # the window's shorter side is at least this share of the longer


class View(NamedTuple):
    """A window on the plane."""

    low: Float[np.ndarray, "2"]
    high: Float[np.ndarray, "2"]

    def holds(self, points: Float[np.ndarray, "point 2"]) -> Bool[np.ndarray, " point"]:
        """Which points lie inside."""
        return np.all((points >= self.low) & (points <= self.high), axis=1)

    @property
    def size(self) -> Float[np.ndarray, "2"]:
        """Width and height."""
        return self.high - self.low


def robust_view(points: Float[np.ndarray, "point 2"], margin: float = MARGIN) -> View:
    """The window that holds the bulk of the points, and a margin of this share of its longer side around.

    Latents of autoencoders have heavy tails: a few images lie far from all others. The window reaches from quantile to
    quantile and a little beyond, but not past the data: without heavy tails it holds every point, or almost.
    """
    low, high = np.quantile(points.astype(np.float64), [TAIL, 1 - TAIL], axis=0)
    slack = SLACK * (high - low)
    low, high = np.maximum(low - slack, np.min(points, axis=0)), np.minimum(high + slack, np.max(points, axis=0))
    longer = float(np.max(high - low)) or 1.0
    missing = np.maximum(SLENDER * longer - (high - low), 0) / 2
    return View(low - missing - margin * longer, high + missing + margin * longer)


def height_of(view: View) -> float:
    """Inches of height for a figure that shows this view with both axes on one scale."""
    width, height = view.size
    return 1.0 + (WIDTH - 0.7) * float(height / width)


def frame(axes: Axes, view: View, axis_names: tuple[str, str] | None) -> None:
    """Show the view, with both axes on one scale: distances are what clustering and neighbourhoods are made of.

    Without names for the axes their numbers mean nothing either, as in a t-SNE map, and are left out.
    """
    axes.set(xlim=(view.low[0], view.high[0]), ylim=(view.low[1], view.high[1]), aspect="equal")
    if axis_names is None:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    else:
        axes.set_xlabel(axis_names[0], fontsize=TEXT)
        axes.set_ylabel(axis_names[1], fontsize=TEXT)
        axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def outside(points: Float[np.ndarray, "point 2"], view: View) -> str:
    """How many points the window leaves out, in words."""
    count = int((~view.holds(points)).sum())
    if count == 0:
        return f"all {len(points):,} points"
    return f"{count:,} of {len(points):,} points ({100 * count / len(points):.2g}%) lie outside"
