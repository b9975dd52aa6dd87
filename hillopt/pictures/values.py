"""Maps and curves of any field: verdicts, probabilities, passage times, losses, and what users ask."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.pictures.maps import (
    draw_cells,
    draw_verdicts,
    entitle,
    faceted,
    flag_handle,
    grid_of,
    legend,
    mark_flags,
    verdict_handles,
)
from hillopt.pictures.read import Picture
from hillopt.pictures.style import COLOUR_MAP, FLAG_COLOUR, LOST_COLOUR, WALK_COLOUR, new_figure, scale_axis
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure


def draw_values(picture: Picture) -> "Figure":
    """One axis gives a curve, with the interval as a band where there is one; two give a map. What is not finite stays grey."""
    if len(picture.dims) == 1:
        return _curve(picture)
    return _verdicts(picture) if picture.look.scale == "verdicts" else _map(picture)


def _curve(picture: Picture) -> "Figure":
    dataset, look, name = picture.dataset, picture.look, picture.dims[0]
    figure = new_figure(7.2, 4.6)
    axes = figure.add_subplot()
    x, values = dataset[name].values, dataset[look.field].values
    known = np.isfinite(values)
    if f"{look.field}_low" in dataset:
        low, high = dataset[f"{look.field}_low"].values, dataset[f"{look.field}_high"].values
        axes.fill_between(x[known], low[known], high[known], color=WALK_COLOUR, alpha=0.2, lw=0)
    axes.plot(x[known], values[known], color=WALK_COLOUR, lw=1.3, marker="o", ms=2.5)
    for place in x[~known]:
        axes.axvline(place, color=LOST_COLOUR, lw=2, zorder=0)
    scale_axis(axes, "x", name, x, dataset[name].attrs.get("scale", "list"))
    if look.scale == "log":
        axes.set_yscale("log")
    elif look.scale == "verdicts":
        axes.set_yticks([int(kind) for kind in Verdict], [kind.name.lower() for kind in Verdict])
    if "certainty" in dataset:
        flagged = dataset["certainty"].values == Certainty.FLAGGED
        axes.plot(x[flagged], values[flagged], "x", ms=5, color=FLAG_COLOUR, label="flagged: rounding decides")
        if flagged.any():
            axes.legend(frameon=False)
    axes.set_ylabel(look.label)
    axes.grid(alpha=0.25, lw=0.5)
    entitle(figure, picture)
    return figure


def _map(picture: Picture) -> "Figure":
    from matplotlib.cm import ScalarMappable

    look, (across, up) = picture.look, picture.dims[:2]
    norm = _norm(picture)
    marked: list[bool] = []

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        grid = grid_of(axes, dataset, (across, up))
        cells = dataset.transpose(..., up, across)
        values = np.ma.masked_invalid(cells[look.field].values)
        draw_cells(axes, grid, values, COLOUR_MAP, norm)
        if look.levels and min(values.shape) > 1:
            lines = axes.contour(grid.x, grid.y, values, levels=list(look.levels), colors="white", linewidths=1.2)
            axes.clabel(lines, fmt="%g", fontsize=8)
        if "certainty" in cells:
            marked.append(mark_flags(axes, grid, cells["certainty"].values))

    figure, grid = faceted(picture, draw, size=(7.2, 5.4))
    extend: Any = "both" if look.scale in ("signed_log", "linear") else "neither"
    bar = figure.colorbar(ScalarMappable(norm, COLOUR_MAP), ax=grid, pad=0.02, aspect=30, extend=extend)
    bar.set_label(look.label)
    legend(figure, [flag_handle()] if any(marked) else [])
    return figure


def _norm(picture: Picture) -> "Normalize":
    from matplotlib.colors import LogNorm, Normalize, SymLogNorm

    values = picture.dataset[picture.look.field].values
    known = values[np.isfinite(values)]
    if picture.look.scale == "share":
        return Normalize(0, 1)
    if picture.look.scale == "log":
        positive = known[known > 0]
        return LogNorm(positive.min(), positive.max()) if positive.size else LogNorm(1, 10)
    low, high = np.quantile(known, [0.01, 0.99]).tolist() if known.size else (0.0, 1.0)
    if picture.look.scale == "linear":
        return Normalize(low, high if high > low else low + 1)
    return SymLogNorm(max(abs(low), 1e-3), vmin=low, vmax=max(high, low + 1e-3))


def _verdicts(picture: Picture) -> "Figure":
    across, up = picture.dims[:2]
    seen: set[Verdict] = set()
    marked: list[bool] = []

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        grid = grid_of(axes, dataset, (across, up))
        cells = dataset.transpose(..., up, across)
        seen.update(draw_verdicts(axes, grid, cells[picture.look.field].values))
        marked.append("certainty" in cells and mark_flags(axes, grid, cells["certainty"].values))

    figure, _ = faceted(picture, draw, size=(7.2, 5.4))
    handles = verdict_handles(seen, picture.max_steps)
    legend(figure, [*handles, flag_handle()] if any(marked) else handles, columns=5)
    return figure
