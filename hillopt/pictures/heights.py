"""Critical heights over the settings: curves, maps, and maps of verdicts over the height."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt import theory
from hillopt.pictures.maps import (
    Grid,
    draw_cells,
    draw_verdicts,
    entitle,
    faceted,
    flag_handle,
    grid_of,
    hatch,
    legend,
    mark_flags,
    undecided,
    verdict_handles,
)
from hillopt.pictures.read import Picture
from hillopt.pictures.style import (
    COLOUR_MAP,
    FLAG_COLOUR,
    INK,
    LOST_COLOUR,
    WALK_COLOUR,
    new_figure,
    scale_axis,
)
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

HEIGHT = "height"  # the dimension of hills that were judged
ROUND_HEIGHTS = tuple(mantissa * 10.0**power for power in range(-8, 9) for mantissa in (1, 2, 5))
SMOOTHING = 50  # contours follow the mean over about this share of the map


def draw_heights(picture: Picture) -> "Figure":
    """One axis gives the curve of critical heights, or, with heights that were judged, the map of verdicts; two give a map.

    Undecided cells are hatched and pale, those that have not reached the valley grey and dotted, diverged ones grey and
    cross-hatched, flagged ones marked in a colour outside the colour map.
    """
    if len(picture.dims) > 1:
        return _maps(picture)
    return _verdict_map(picture) if "verdict_at_height" in picture.dataset else _curve(picture)


def _is_undecided(dataset: "xarray.Dataset") -> np.ndarray:
    """Where a proof was attempted and more steps may bring it."""
    return (dataset["verdict"].values == Verdict.UNDECIDED) & (dataset["certainty"].values != Certainty.UNCHECKED)


def _curve(picture: Picture) -> "Figure":
    dataset, name = picture.dataset, picture.dims[0]
    figure = new_figure(7, 4.8)
    axes = figure.add_subplot()
    values, lost = dataset[name].values, dataset["verdict"].values == Verdict.DIVERGED
    shown = np.where(lost, np.nan, dataset["critical_height"].values)
    axes.plot(values, shown, color=WALK_COLOUR, lw=1.1, label="critical height $h^*$")
    undecided, flagged = _is_undecided(dataset), dataset["certainty"].values == Certainty.FLAGGED
    if undecided.any():
        axes.plot(values[undecided], shown[undecided], "o", ms=4, mfc="none", mec=INK, label="within max_steps only")
    if flagged.any():
        axes.plot(values[flagged], shown[flagged], "x", ms=5, color=FLAG_COLOUR, label="flagged: rounding decides")
    for value in values[lost]:
        axes.axvline(value, color=LOST_COLOUR, lw=2, zorder=0)
    _draw_law(axes, picture)
    scale_axis(axes, "x", name, values, dataset[name].attrs.get("scale", "list"))
    axes.set_ylabel(picture.look.label)
    if dataset[name].attrs.get("scale", "list") == "log" and np.nanmin(shown) > 0:
        axes.set_yscale("log")
    axes.grid(alpha=0.25, lw=0.5)
    axes.legend(frameon=False)
    entitle(figure, picture)
    return figure


def _draw_law(axes: "Axes", picture: Picture) -> None:
    """The closed form beside the walks, where there is one: gradient descent's, and what Adam's tends to."""
    attributes, numbers = picture.dataset.attrs, picture.numbers.get("optimizer", {})
    values = picture.dataset[picture.dims[0]].values
    if attributes.get("hill") != "TentHill" or picture.dims != ["learning_rate"]:
        return
    if attributes["optimizer"] == "GradientDescent":
        label, law = r"$\alpha(\lfloor 1/\alpha \rfloor + 1) - 1$", theory.descent_height(values)
    elif attributes["optimizer"] == "Adam" and not numbers["eps"]:
        label = r"small steps: $(1 - \ln 2)\,\alpha / (1 - \beta_1)$"
        law = theory.small_step_height(values, numbers["b1"])
    else:
        return
    axes.plot(values, law, ":", color=INK, lw=1, label=label)


def _verdict_map(picture: Picture) -> "Figure":
    dataset, name = picture.dataset, picture.dims[0]
    figure = new_figure(7.2, 5.4)
    axes = figure.add_subplot()
    grid = grid_of(axes, dataset, (name, HEIGHT))
    present = draw_verdicts(axes, grid, dataset["verdict_at_height"].transpose(HEIGHT, name).values)
    handles = verdict_handles(set(present), picture.max_steps)
    if mark_flags(axes, grid, dataset["certainty_at_height"].transpose(HEIGHT, name).values):
        handles.append(flag_handle())
    lost = dataset["verdict"].values == Verdict.DIVERGED
    axes.plot(grid.x, np.where(lost, np.nan, dataset["critical_height"].values), color=INK, lw=0.8)
    entitle(figure, picture)
    legend(figure, handles, columns=5)
    return figure


def _maps(picture: Picture) -> "Figure":
    from matplotlib.cm import ScalarMappable

    norm, seen = _norm(picture.dataset), set[str]()
    across, down = picture.facets()
    with_labels = len(across) == len(down) == 1

    def draw(axes: "Axes", dataset: "xarray.Dataset") -> None:
        seen.update(_map(axes, dataset, (picture.dims[0], picture.dims[1]), norm, with_labels))

    figure, grid = faceted(picture, draw, size=(7.2, 6.0))
    bar = figure.colorbar(ScalarMappable(norm, COLOUR_MAP), ax=grid, pad=0.02, aspect=30, extend="both")
    bar.set_label(picture.look.label)
    legend(figure, _handles(seen, picture.max_steps), columns=3 if with_labels else 5)
    return figure


def _norm(dataset: "xarray.Dataset") -> "Normalize":
    """Colours over the heights met; where the walk did not even reach the valley there is no height to show."""
    from matplotlib.colors import LogNorm

    height = dataset["critical_height"].values
    known = height[(dataset["verdict"].values != Verdict.DIVERGED) & (height > 0)]
    if known.size == 0:
        return LogNorm(0.1, 1.0)
    low, high = np.quantile(known, [0.01, 0.99]).tolist()  # next to a jump h* is almost 0, next to divergence anything
    return LogNorm(low, high if high > low else 2 * low)


def _map(axes: "Axes", dataset: "xarray.Dataset", dims: tuple[str, str], norm: "Normalize", labels: bool) -> set[str]:
    grid = grid_of(axes, dataset, dims)
    cells = dataset.transpose(..., dims[1], dims[0])
    height, lost = cells["critical_height"].values, cells["verdict"].values == Verdict.DIVERGED
    shown = np.ma.masked_where(lost | (height <= 0), height)
    draw_cells(axes, grid, shown, COLOUR_MAP, norm)
    asked = dataset[HEIGHT].values if HEIGHT in dataset.coords else np.asarray(ROUND_HEIGHTS)
    seen = {"contours"} if _contours(axes, grid, asked, shown, norm, labels) else set()
    short = ~lost & (height <= 0)
    if short.any():
        seen.add("short")
        hatch(axes, grid, short.astype(float), "...")
    undecided = _is_undecided(cells) & ~short
    if undecided.any():
        seen.add("undecided")
        _veil(axes, grid, undecided)
    if lost.any():
        seen.add("diverged")
        hatch(axes, grid, lost.astype(float), "xxxx")
    if mark_flags(axes, grid, np.where(lost, Certainty.CERTIFIED, cells["certainty"].values)):
        seen.add("flagged")
    return seen


def _contours(
    axes: "Axes", grid: Grid, asked: np.ndarray, shown: np.ma.MaskedArray, norm: "Normalize", labels: bool
) -> bool:
    """Lines at round heights, or at the heights asked for, through the local mean: the teeth of the map itself are finer
    than any line through them could show. Returns whether there are any."""
    from matplotlib.patheffects import withStroke

    if min(shown.shape) < 2:
        return False
    levels = [level for level in asked if norm.vmin < level < norm.vmax]
    if not levels:
        return False
    smooth = _smoothed(shown)
    lines = axes.contour(
        grid.x, grid.y, smooth, levels=levels[:: -(-len(levels) // 12)], colors="white", linewidths=0.9
    )
    outline: list[Any] = [withStroke(linewidth=1.9, foreground="#00000088")]
    lines.set(path_effects=outline)
    if labels:
        for text in axes.clabel(lines, fmt="%g", fontsize=8, inline_spacing=3):
            text.set_path_effects(outline)
    return True


def _smoothed(height: np.ma.MaskedArray) -> np.ndarray:
    """Local geometric mean over about a fiftieth of the map, of the cells that have a height."""
    from scipy.ndimage import gaussian_filter

    sigma = [size / SMOOTHING for size in height.shape]
    known = ~np.ma.getmaskarray(height)
    weight = gaussian_filter(known.astype(float), sigma, mode="nearest")
    total = gaussian_filter(np.where(known, np.log(np.ma.filled(height, 1.0)), 0.0), sigma, mode="nearest")
    return np.ma.masked_where(~known, np.exp(total / np.maximum(weight, 1e-12)))


def _veil(axes: "Axes", grid: Grid, here: np.ndarray) -> None:
    """Pale every cell that max_steps left open, and hatch the regions where most are."""
    from matplotlib.colors import ListedColormap
    from scipy.ndimage import uniform_filter

    draw_cells(axes, grid, np.ma.masked_where(~here, np.ones(here.shape)), ListedColormap(["#ffffff66"]))
    hatch(axes, grid, uniform_filter(here.astype(float), [max(1, size // SMOOTHING) for size in here.shape]), "///")


def _handles(seen: set[str], max_steps: int | None) -> list["Artist"]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    looks: dict[str, Artist] = {
        "contours": Line2D([], [], color="#777777", lw=1.2, label="$h^*$ averaged over its teeth"),
        "undecided": Patch(facecolor="#e4eed8", edgecolor=INK, hatch="///", lw=0, label=undecided(max_steps)),
        "short": Patch(facecolor=LOST_COLOUR, edgecolor=INK, hatch="...", lw=0, label="valley not reached"),
        "flagged": flag_handle(),
        "diverged": Patch(facecolor=LOST_COLOUR, edgecolor=INK, hatch="xxxx", lw=0, label="diverged"),
    }
    return [patch for kind, patch in looks.items() if kind in seen]
