"""Maps and curves of any field: verdicts, probabilities, passage times, losses, and what users ask."""

from typing import TYPE_CHECKING

import numpy as np

from hillopt.pictures.colours import almost_zero, drawable, norm_for, within
from hillopt.pictures.curves import curve_of, draw_curve, draw_flags, draw_gaps, explain
from hillopt.pictures.maps import colour_bar, draw_cells, draw_verdicts, faceted, laid_out, verdict_handles
from hillopt.pictures.marks import NO_VALUE, flag_handle, handle, legend, mark_flags, outline, outline_handle
from hillopt.pictures.read import Picture
from hillopt.pictures.style import COLOUR_MAP, WALK_COLOUR
from hillopt.pictures.training import draw_training
from hillopt.questions import Training
from hillopt.walk import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: dict[str, type[Verdict] | type[Training]] = {"verdicts": Verdict, "training": Training}


def draw_values(picture: Picture) -> "Figure":
    """One axis gives a curve, with the interval as a band where there is one; two give a map. What is not finite stays grey."""
    if len(picture.dims) == 1:
        return _curve(picture)
    maps = {"verdicts": _verdicts, "training": draw_training}
    return maps.get(picture.look.scale, _map)(picture)


def _curve(picture: Picture) -> "Figure":
    dataset, look = picture.first, picture.look
    figure, axes = curve_of(picture)
    x, values = dataset[picture.dims[0]].values, drawable(dataset[look.field].values)
    known = np.isfinite(values)
    if f"{look.field}_low" in dataset:
        low, high = (drawable(dataset[f"{look.field}_{end}"].values) for end in ("low", "high"))
        axes.fill_between(x[known], low[known], high[known], color=WALK_COLOUR, alpha=0.2, lw=0)
    if look.scale == "log" and np.any(values[known] > 0):
        axes.set_yscale("log")
    elif look.scale == "signed_log" and known.any():
        axes.set_yscale("symlog", linthresh=almost_zero(values[known]))
    elif look.scale in KINDS:
        axes.set_yticks([int(kind) for kind in KINDS[look.scale]], [kind.name.lower() for kind in KINDS[look.scale]])
    draw_curve(axes, x, values, line="" if look.scale in KINDS else "-")
    draw_gaps(axes, dataset[picture.dims[0]], ~known, "not finite")
    if "certainty" in dataset:
        draw_flags(axes, x, values, dataset["certainty"].values)
    explain(axes)
    return figure


def _map(picture: Picture) -> "Figure":
    look, (across, up) = picture.look, picture.dims[:2]
    values = picture.values(look.field)
    norm = norm_for(values, look.scale)

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        grid = laid_out(axes, dataset, (across, up))
        cells = dataset.transpose(..., up, across)
        shown = within(cells[look.field].values, norm)
        draw_cells(axes, grid, shown, COLOUR_MAP, norm)
        levels = [level for level in look.levels if shown.min() < level < shown.max()]
        if levels and min(shown.shape) > 1:
            lines = axes.contour(grid.x, grid.y, shown, levels=levels, colors="white", linewidths=1.2)
            axes.clabel(lines, fmt="%g", fontsize=8)
        if look.outlined and min(shown.shape) > 1:
            outline(axes, grid, cells[look.outlined].values)
        if "certainty" in cells:
            mark_flags(axes, grid, cells["certainty"].values)

    figure, grid = faceted(picture, draw, size=(7.2, 5.4))
    colour_bar(figure, grid, picture, norm, values)
    missing = [] if np.isfinite(values).all() else [handle(NO_VALUE, "not finite")]
    outlines = (
        [outline_handle(picture.whole[look.outlined].attrs.get("long_name", look.outlined))] if look.outlined else []
    )
    legend(figure, [*missing, *outlines, *_flags(picture)])
    return figure


def _flags(picture: Picture) -> list["Artist"]:
    return flag_handle(picture.values("certainty")) if "certainty" in picture.whole else []


def _verdicts(picture: Picture) -> "Figure":
    across, up = picture.dims[:2]

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        grid = laid_out(axes, dataset, (across, up))
        cells = dataset.transpose(..., up, across)
        draw_verdicts(axes, grid, cells[picture.look.field].values)
        if "certainty" in cells:
            mark_flags(axes, grid, cells["certainty"].values)

    figure, _ = faceted(picture, draw, size=(7.2, 5.4))
    legend(figure, [*verdict_handles(picture.values(picture.look.field), picture.max_steps), *_flags(picture)])
    return figure
