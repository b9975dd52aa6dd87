"""Critical heights over the settings: curves, maps, and maps of verdicts over the height."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt import theory
from hillopt.lanes import num_blocks
from hillopt.pictures.colours import drawable, norm_for, within
from hillopt.pictures.curves import curve_of, draw_curve, draw_flags, draw_gaps, explain
from hillopt.pictures.maps import (
    colour_bar,
    draw_cells,
    draw_verdicts,
    entitle,
    faceted,
    laid_out,
    verdict_handles,
)
from hillopt.pictures.marks import (
    NO_VALUE,
    SHORT,
    VERDICT_STYLES,
    WINDOW,
    Style,
    around,
    flag_handle,
    handle,
    hatch,
    legend,
    mark_flags,
    undecided,
)
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import Grid
from hillopt.pictures.style import COLOUR_MAP, INK, new_figure
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

HEIGHT = "height"  # the dimension of hills that were judged
ROUND_HEIGHTS = tuple(mantissa * 10.0**power for power in range(-8, 9) for mantissa in (1, 2, 5))
MOST_LINES = 12
FEWEST = 24  # cells along an axis, from which on lines between them say more than their colours
PALE = "#ffffff66"
UNDECIDED = Style("#e4eed8", "///")


def draw_heights(picture: Picture) -> "Figure":
    """One axis gives the curve of critical heights, or, with heights that were judged, the map of verdicts; two give a map.

    Undecided cells are hatched and pale, those that have not reached the valley grey and dotted, diverged ones black and
    cross-hatched, flagged ones marked in a colour outside the colour map.
    """
    if len(picture.dims) > 1:
        return _maps(picture)
    judged = {"verdict_at_height", "certainty_at_height"} <= set(picture.first)
    return _verdict_map(picture) if judged else _curve(picture)


def _is_undecided(dataset: "xarray.Dataset") -> np.ndarray:
    """Where a proof was attempted and more steps may bring it."""
    return (dataset["verdict"].values == Verdict.UNDECIDED) & (dataset["certainty"].values != Certainty.UNCHECKED)


def _heights(dataset: "xarray.Dataset") -> np.ndarray:
    """The critical heights of the walks that have one."""
    lost = dataset["verdict"].values == Verdict.DIVERGED
    return np.where(lost, np.nan, drawable(dataset["critical_height"].values))


def _curve(picture: Picture) -> "Figure":
    dataset, name = picture.first, picture.dims[0]
    figure, axes = curve_of(picture)
    values, shown = dataset[name].values, _heights(dataset)
    lost = dataset["verdict"].values == Verdict.DIVERGED
    if axes.get_xscale() == "log" and np.any(shown > 0) and not np.any(shown <= 0):
        axes.set_yscale("log")
    draw_curve(axes, values, shown, label="critical height $h^*$")
    here = _is_undecided(dataset)
    if here.any():
        axes.plot(values[here], shown[here], "o", ms=4, mfc="none", mec=INK, label=undecided(picture.max_steps))
    draw_flags(axes, values, shown, dataset["certainty"].values)
    draw_gaps(axes, dataset[name], lost, "diverged")
    draw_gaps(axes, dataset[name], ~lost & ~np.isfinite(shown), "not finite")
    _draw_law(axes, picture)
    explain(axes)
    return figure


def _draw_law(axes: "Axes", picture: Picture) -> None:
    """The closed form beside the walks, where there is one: gradient descent's, and what Adam's tends to."""
    attributes, values = picture.whole.attrs, picture.first[picture.dims[0]].values
    if attributes.get("hill") != "TentHill" or picture.dims != ["learning_rate"]:
        return
    b1, eps = picture.number("b1"), picture.number("eps")
    if attributes["optimizer"] == "GradientDescent":
        label, law = r"$\alpha(\lfloor 1/\alpha \rfloor + 1) - 1$", theory.descent_height(values)
    elif attributes["optimizer"] == "Adam" and b1 is not None and eps == 0:
        label = r"$(1 - \ln 2)\,\alpha / (1 - \beta_1)$, the limit of $\alpha \to 0$ and $\beta_1 \to 1$"
        law = theory.small_step_height(values, b1)
    else:
        return
    axes.plot(values, law, ":" if values.size > 1 else "_", color=INK, lw=1, label=label)


def _verdict_map(picture: Picture) -> "Figure":
    from matplotlib.lines import Line2D

    dataset, name = picture.first, picture.dims[0]
    figure = new_figure(7.2, 5.4)
    entitle(figure, picture)
    axes = figure.add_subplot()
    grid = laid_out(axes, dataset, (name, HEIGHT))
    verdict, certainty = (
        dataset[f"{field}_at_height"].transpose(HEIGHT, name).values for field in ("verdict", "certainty")
    )
    draw_verdicts(axes, grid, verdict)
    mark_flags(axes, grid, certainty)
    axes.plot(grid.x, _heights(dataset), color=INK, lw=0.8)
    line = Line2D([], [], color=INK, lw=0.8, label="$h^*$")
    legend(figure, [*verdict_handles(verdict, picture.max_steps), line, *flag_handle(certainty)])
    return figure


def _maps(picture: Picture) -> "Figure":
    lost, height = picture.values("verdict") == Verdict.DIVERGED, picture.values("critical_height")
    reached = np.where(lost | (height < 0), np.nan, height)
    norm = norm_for(reached, "heights")
    seen = set[str]()

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        seen.update(_map(axes, dataset, (picture.dims[0], picture.dims[1]), norm, lost.size == dataset["verdict"].size))

    figure, grid = faceted(picture, draw, size=(7.2, 6.0))
    colour_bar(figure, grid, picture, norm, reached)
    legend(figure, [*_handles(seen, picture.max_steps), *flag_handle(picture.values("certainty"))])
    return figure


def _map(axes: "Axes", dataset: "xarray.Dataset", dims: tuple[str, str], norm: "Normalize", labels: bool) -> set[str]:
    """One map; returns the classes of cells that it has."""
    grid = laid_out(axes, dataset, dims)
    cells = dataset.transpose(..., dims[1], dims[0])
    height, lost = _heights(cells), cells["verdict"].values == Verdict.DIVERGED
    short, missing = height < 0, ~lost & ~np.isfinite(height)
    here = _is_undecided(cells) & ~short & ~missing
    shown = within(np.where(short, np.nan, height), norm)
    draw_cells(axes, grid, shown, COLOUR_MAP, norm)
    asked = dataset[HEIGHT].values if HEIGHT in dataset.dims else np.asarray(ROUND_HEIGHTS)
    has_lines = _contours(axes, grid, asked, shown, norm, labels)
    _fill(axes, grid, here, PALE)
    _fill(axes, grid, lost, VERDICT_STYLES[Verdict.DIVERGED].colour)
    hatch(axes, grid, around(here) > 0.5, UNDECIDED)
    hatch(axes, grid, short, SHORT)
    hatch(axes, grid, lost, VERDICT_STYLES[Verdict.DIVERGED])
    mark_flags(axes, grid, cells["certainty"].values)
    classes = {"undecided": here, "short": short, "diverged": lost, "not finite": missing}
    return {name for name, where in classes.items() if where.any()} | ({"contours"} if has_lines else set())


def _fill(axes: "Axes", grid: Grid, here: np.ndarray, colour: str) -> None:
    from matplotlib.colors import ListedColormap

    if here.any():
        y, x = (slice(places.min(), places.max() + 1) for places in np.nonzero(here))  # a large mesh takes long to draw
        part = grid._replace(x_edges=grid.x_edges[x.start : x.stop + 1], y_edges=grid.y_edges[y.start : y.stop + 1])
        draw_cells(axes, part, np.ma.masked_where(~here, np.ones(here.shape))[y, x], ListedColormap([colour]))


def _contours(
    axes: "Axes", grid: Grid, asked: np.ndarray, shown: np.ma.MaskedArray, norm: "Normalize", labels: bool
) -> bool:
    """Lines at round heights, or at the heights asked for, through the local mean: the teeth of the map itself are finer
    than any line through them could show. Returns whether there are any."""
    from matplotlib.patheffects import withStroke

    levels = [level for level in asked if norm.vmin < level < norm.vmax]
    if min(shown.shape) < FEWEST or not levels or shown.mask.all():
        return False
    smooth = averaged(shown)
    lines = axes.contour(
        grid.x, grid.y, smooth, levels=levels[:: num_blocks(len(levels), MOST_LINES)], colors="white", linewidths=0.9
    )
    outline: list[Any] = [withStroke(linewidth=1.9, foreground="#00000088")]
    lines.set(path_effects=outline)
    if labels:
        for text in axes.clabel(lines, fmt="%g", fontsize=8, inline_spacing=3):
            text.set_path_effects(outline)
    return True


def averaged(height: np.ma.MaskedArray) -> np.ndarray:
    """Local geometric mean over about a fiftieth of the map, of the cells that have a height."""
    from scipy.ndimage import gaussian_filter

    sigma = [size / WINDOW for size in height.shape]
    known = ~np.ma.getmaskarray(height)
    weight = gaussian_filter(known.astype(float), sigma, mode="nearest")
    total = gaussian_filter(np.where(known, np.log(np.ma.filled(height, 1.0)), 0.0), sigma, mode="nearest")
    return np.ma.masked_where(~known, np.exp(total / np.maximum(weight, 1e-12)))


def _handles(seen: set[str], max_steps: int | None) -> list["Artist"]:
    from matplotlib.lines import Line2D

    looks: dict[str, Artist] = {
        "contours": Line2D([], [], color="#777777", lw=1.2, label="$h^*$ averaged over its teeth"),
        "undecided": handle(UNDECIDED, undecided(max_steps)),
        "short": handle(SHORT, "valley not reached"),
        "diverged": handle(VERDICT_STYLES[Verdict.DIVERGED], "diverged"),
        "not finite": handle(NO_VALUE, "not finite"),
    }
    return [patch for kind, patch in looks.items() if kind in seen]
