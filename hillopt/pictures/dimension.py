"""How rough a boundary is: counts and shares over scales, their fits, and a smooth boundary beside."""

from typing import TYPE_CHECKING

import numpy as np

from hillopt.boundaries import BoxDimension, UncertaintyExponent
from hillopt.pictures.style import HEIGHT_COLOUR, LETTERS, MARGIN, WALK_COLOUR, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NULL_COLOUR = "#7a7a7a"


def dimension_figure(title: str, box: BoxDimension, uncertainty: UncertaintyExponent | None = None) -> "Figure":
    """Box counts and, if given, uncertain shares, on logarithmic scales; dots that are filled are those that were fitted."""
    figure = new_figure(4.6 if uncertainty is None else 8.6, 4.4)
    figure.suptitle(plain_text(title), fontsize=LETTERS, x=MARGIN / 72 / figure.get_figwidth(), ha="left")
    panels = figure.subplots(1, 1 if uncertainty is None else 2, squeeze=False)[0]
    _draw_boxes(panels[0], box)
    if uncertainty is not None:
        _draw_shares(panels[1], uncertainty)
    return figure


def _draw_boxes(axes: "Axes", box: BoxDimension) -> None:
    told = f"boundary: dimension {_with_error(box.dimension, box.error)}"
    _draw_law(axes, box.sizes, box.counts, box.is_used, box.fit, WALK_COLOUR, "o", told)
    if (null := box.null) is not None:
        told = f"circle: {_with_error(null.dimension, null.error)}"
        _draw_law(axes, null.sizes, null.counts, null.is_used, null.fit, NULL_COLOUR, "s", told)
    axes.set(xlabel="side of a box [cells]", ylabel="boxes that hold a mixed cell")
    axes.legend(
        edgecolor="none", framealpha=0.8, fontsize=8.5, title=_range(box.sizes[box.is_used], "cells"), loc="lower left"
    )


def _draw_shares(axes: "Axes", found: UncertaintyExponent) -> None:
    told = f"boundary: exponent {_with_error(found.exponent, found.error)},\ndimension {_with_error(found.dimension, found.error)}"
    _draw_law(axes, found.distances, found.shares, found.is_used, found.fit, HEIGHT_COLOUR, "o", told)
    axes.errorbar(
        found.distances, found.shares, found.share_errors, fmt="none", ecolor=HEIGHT_COLOUR, elinewidth=1, capsize=2
    )
    if (null := found.null) is not None:
        told = f"circle: {_with_error(null.exponent, null.error)}"
        _draw_law(axes, null.distances, null.shares, null.is_used, null.fit, NULL_COLOUR, "s", told)
        axes.errorbar(
            null.distances, null.shares, null.share_errors, fmt="none", ecolor=NULL_COLOUR, elinewidth=1, capsize=2
        )
    axes.set(xlabel="distance [settings]", ylabel="share of uncertain settings")
    title = _range(found.distances[found.is_used], "settings")
    axes.legend(edgecolor="none", framealpha=0.8, fontsize=8.5, title=title, loc="lower right")


def _draw_law(
    axes: "Axes",
    x: np.ndarray,
    y: np.ndarray,
    is_used: np.ndarray,
    fit: "tuple",
    colour: str,
    marker: str,
    label: str,
) -> None:
    """Measurements, those in the fit filled, and the fitted line over its range."""
    slope, _, intercept, _ = fit
    axes.loglog(x[is_used], 2.0 ** (slope * np.log2(x[is_used]) + intercept), "-", color=colour, lw=1.2)
    axes.loglog(x[is_used], y[is_used], marker, color=colour, ms=5, label=label)
    axes.loglog(x[~is_used & (y > 0)], y[~is_used & (y > 0)], marker, mfc="white", mec=colour, ms=5)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(alpha=0.25, lw=0.5)


def _with_error(value: float, error: float) -> str:
    return rf"{value:.3f} $\pm$ {error:.3f}"


def _range(used: np.ndarray, unit: str) -> str:
    return f"fitted from {used[0]:,} to {used[-1]:,} {unit}"
