"""Phase diagrams: critical heights over the settings, with what is not known shown as not known."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt import theory
from hillopt.critical import PROOFS
from hillopt.dataset import HEIGHT_DIMENSION
from hillopt.plot.style import (
    COLOUR_MAP,
    FLAG_COLOUR,
    INK,
    LOST_COLOUR,
    WALK_COLOUR,
    edges,
    label_of,
    new_figure,
    scale_axis,
)
from hillopt.verdicts import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROUND_HEIGHTS = tuple(mantissa * 10.0**power for power in range(-8, 9) for mantissa in (1, 2, 5))
MOST_FACETS = 4  # a direction; more become too small to read
SMOOTHING = 50  # contours follow the mean over about this share of the map
FEW = 20_000  # flagged cells that are drawn as dots


def phase_diagram(dataset: "xarray.Dataset") -> "Figure":
    """Draw a sweep.

    One axis gives the curve of critical heights, or, with a `height` axis, the map of verdicts; two give a map of
    critical heights; more give facets of such maps, at most four in each direction. Undecided cells are hatched and
    pale, those that have not reached the valley grey and dotted, diverged ones grey and cross-hatched, flagged ones
    marked in a colour outside the colour map; where there are no proofs, the title says so instead.
    """
    dims = [str(name) for name in dataset["height"].dims]
    if len(dims) == 1:
        return _verdict_map(dataset, dims[0]) if "escape" in dataset else _curve(dataset, dims[0])
    return _maps(dataset, dims)


def _title(dataset: "xarray.Dataset") -> str:
    fixed = dataset.attrs["fixed"].strip("{}").replace('"', "").replace(": ", " = ")
    without = "" if _proves(dataset) else f"; without proofs, {dataset.attrs['max_steps']:,} steps"
    return f"{dataset.attrs['optimizer']}{', ' + fixed if fixed else ''}{without}"


def _proves(dataset: "xarray.Dataset") -> bool:
    """Whether the walks came with proofs; else all is flagged and nothing settled, which the title says once."""
    return dataset.attrs["implementation"] in PROOFS


def _curve(dataset: "xarray.Dataset", name: str) -> "Figure":
    figure = new_figure(7, 4.6)
    axes = figure.add_subplot()
    values, height = dataset[name].values, dataset["height"].values
    verdict, flagged = dataset["verdict"].values, dataset["flagged"].values
    lost = verdict == Verdict.DIVERGED
    shown = np.where(lost, np.nan, height)
    axes.plot(values, shown, color=WALK_COLOUR, lw=1.1, label="critical height $h^*$")
    undecided = verdict == Verdict.UNDECIDED
    if _proves(dataset):
        axes.plot(values[undecided], shown[undecided], "o", ms=4, mfc="none", mec=INK, label="within max_steps only")
        axes.plot(values[flagged], shown[flagged], "x", ms=5, color=FLAG_COLOUR, label="flagged: rounding decides")
    for value in values[lost]:
        axes.axvline(value, color=LOST_COLOUR, lw=2, zorder=0)
    _draw_law(axes, dataset, name)
    scale_axis(axes, "x", name, values, dataset[name].attrs["scale"])
    axes.set_ylabel("critical height $h^*$ (run = 1)")
    if dataset[name].attrs["scale"] == "log" and np.nanmin(shown) > 0:
        axes.set_yscale("log")
    axes.grid(alpha=0.25, lw=0.5)
    axes.legend(frameon=False)
    axes.set_title(_title(dataset), loc="left", fontsize=11)
    return figure


def _draw_law(axes: "Axes", dataset: "xarray.Dataset", name: str) -> None:
    """The closed form beside the walks, where there is one: gradient descent's, and what Adam's tends to."""
    values, fixed = dataset[name].values, json.loads(dataset.attrs["fixed"])
    if dataset.attrs["hill"] != "TentHill" or name != "learning_rate":
        return
    if dataset.attrs["optimizer"] == "GradientDescent":
        axes.plot(
            values,
            theory.descent_height(values),
            ":",
            color=INK,
            lw=1,
            label=r"$\alpha(\lfloor 1/\alpha \rfloor + 1) - 1$",
        )
    elif dataset.attrs["optimizer"] == "Adam" and not fixed.get("eps"):
        law = theory.small_step_height(values, fixed.get("b1", 0.9))
        axes.plot(values, law, ":", color=INK, lw=1, label=r"small steps: $(1 - \ln 2)\,\alpha / (1 - \beta_1)$")


def _verdict_map(dataset: "xarray.Dataset", name: str) -> "Figure":
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    figure = new_figure(7.2, 5.2)
    axes = figure.add_subplot()
    looks = {
        Verdict.ESCAPED: ("#f3e9b5", None),
        Verdict.TRAPPED: ("#31688e", None),
        Verdict.UNDECIDED: ("#b8c8d6", "////"),
        Verdict.DIVERGED: (LOST_COLOUR, "xxxx"),
    }
    verdict = dataset["escape"].values
    x, y = dataset[name], dataset[HEIGHT_DIMENSION]
    x_edges, y_edges = edges(x.values, x.attrs["scale"]), edges(y.values, y.attrs["scale"])
    colours = ListedColormap([looks[kind][0] for kind in Verdict])
    norm = BoundaryNorm(np.arange(len(Verdict) + 1) - 0.5, len(Verdict))
    axes.pcolormesh(x_edges, y_edges, verdict, cmap=colours, norm=norm, rasterized=True)
    scale_axis(axes, "x", name, x.values, x.attrs["scale"])
    scale_axis(axes, "y", HEIGHT_DIMENSION, y.values, y.attrs["scale"])
    handles: list[Any] = []
    for kind, (colour, hatch) in looks.items():
        here = verdict == kind
        if here.any():
            if hatch is not None:
                _hatch(axes, x.values, y.values, here.astype(float), hatch)
            handles.append(Patch(facecolor=colour, edgecolor=INK, hatch=hatch, label=kind.name.lower(), lw=0.5))
    marked = dataset["escape_flagged"].values & _proves(dataset)
    if _mark_flags(axes, (x.values, y.values), (x_edges, y_edges), marked):
        handles.append(Patch(color=FLAG_COLOUR, label="flagged: rounding decides"))
    height = np.where(dataset["verdict"].values == Verdict.DIVERGED, np.nan, dataset["height"].values)
    axes.plot(x.values, height, color=INK, lw=0.8)
    axes.set(xlim=(x_edges[0], x_edges[-1]), ylim=(y_edges[0], y_edges[-1]))
    axes.set_title(_title(dataset), loc="left", fontsize=11)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def _maps(dataset: "xarray.Dataset", dims: list[str]) -> "Figure":
    from matplotlib.cm import ScalarMappable

    across, down = _facets(dataset, dims[2:3]), _facets(dataset, dims[3:4])
    base = dict.fromkeys(dims[4:], 0)
    one = len(across) == len(down) == 1
    figure = new_figure(7.2, 5.8) if one else new_figure(2.2 + 3.1 * len(across), 1.2 + 3.0 * len(down))
    grid = figure.subplots(len(down), len(across), squeeze=False, sharex=True, sharey=True)
    norm = _norm(dataset)
    seen: set[str] = set()
    for row, below in enumerate(down):
        for column, beside in enumerate(across):
            axes = grid[row][column]
            seen |= _map(axes, dataset.isel({**base, **below, **beside}), dims[:2], norm, labels=one)
            note = [
                f"{label_of(name)} = {dataset[name].values[index]:.4g}" for name, index in {**beside, **below}.items()
            ]
            axes.set_title(_title(dataset) if one else ", ".join(note), loc="left", fontsize=11 if one else 9)
            axes.label_outer()
    bar = figure.colorbar(ScalarMappable(norm, COLOUR_MAP), ax=grid, pad=0.02, aspect=30, extend="both")
    bar.set_label("critical height $h^*$ (run to the valley = 1)")
    if not one:
        left_out = "".join(f", {label_of(name)} = {dataset[name].values[0]:.4g}" for name in dims[4:])
        figure.suptitle(_title(dataset) + left_out, fontsize=11)
    handles = _legend(seen, int(dataset.attrs["max_steps"]))
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=3 if one else len(handles), frameon=False, fontsize=9
        )
    return figure


def _facets(dataset: "xarray.Dataset", names: list[str]) -> list[dict[str, int]]:
    if not names:
        return [{}]
    size = dataset.sizes[names[0]]
    chosen = np.unique(np.linspace(0, size - 1, min(size, MOST_FACETS)).round().astype(int))
    return [{names[0]: int(index)} for index in chosen]


def _norm(dataset: "xarray.Dataset") -> Any:
    """Colours over the heights met; where the walk did not even reach the valley there is no height to show."""
    from matplotlib.colors import LogNorm

    height = dataset["height"].values
    known = height[(dataset["verdict"].values != Verdict.DIVERGED) & (height > 0)]
    if known.size == 0:
        return LogNorm(0.1, 1.0)
    low, high = np.quantile(known, [0.01, 0.99]).tolist()  # next to a jump h* is almost 0, next to divergence anything
    return LogNorm(low, high if high > low else 2 * low)


def _map(axes: "Axes", dataset: "xarray.Dataset", dims: list[str], norm: Any, labels: bool) -> set[str]:
    x, y = dataset[dims[0]], dataset[dims[1]]
    cells = dataset.transpose(dims[1], dims[0], ...)
    verdict, height = cells["verdict"].values, cells["height"].values
    x_edges, y_edges = edges(x.values, x.attrs["scale"]), edges(y.values, y.attrs["scale"])
    lost, undecided = verdict == Verdict.DIVERGED, verdict == Verdict.UNDECIDED
    shown = np.ma.masked_where(lost | (height <= 0), height)
    axes.set_facecolor(LOST_COLOUR)
    axes.pcolormesh(x_edges, y_edges, shown, cmap=COLOUR_MAP, norm=norm, rasterized=True)
    scale_axis(axes, "x", dims[0], x.values, x.attrs["scale"])
    scale_axis(axes, "y", dims[1], y.values, y.attrs["scale"])
    seen = {"contours"} if _contours(axes, dataset, x.values, y.values, shown, norm, labels) else set()
    centres = (x.values, y.values)
    short = ~lost & (height <= 0)
    if short.any():
        seen.add("short")
        _hatch(axes, *centres, short.astype(float), "...")
    if _proves(dataset) and (undecided & ~short).any():
        seen.add("undecided")
        _veil(axes, (x_edges, y_edges), centres, undecided & ~short)
    if lost.any():
        seen.add("diverged")
        _hatch(axes, *centres, lost.astype(float), "xxxx")
    if _mark_flags(axes, centres, (x_edges, y_edges), cells["flagged"].values & ~lost & _proves(dataset)):
        seen.add("flagged")
    axes.set(xlim=(x_edges[0], x_edges[-1]), ylim=(y_edges[0], y_edges[-1]))
    return seen


def _contours(
    axes: "Axes", dataset: "xarray.Dataset", x: np.ndarray, y: np.ndarray, shown: Any, norm: Any, labels: bool
) -> bool:
    """Lines at round heights, or at the heights asked for, through the local mean: the teeth of the map itself are finer
    than any line through them could show. Returns whether there are any."""
    from matplotlib.patheffects import withStroke

    if min(shown.shape) < 2:
        return False
    asked = dataset[HEIGHT_DIMENSION].values if HEIGHT_DIMENSION in dataset else np.asarray(ROUND_HEIGHTS)
    levels = [level for level in asked if norm.vmin < level < norm.vmax]
    if not levels:
        return False
    smooth = _smoothed(shown)
    lines = axes.contour(x, y, smooth, levels=levels[:: -(-len(levels) // 12)], colors="white", linewidths=0.9)
    outline: list[Any] = [withStroke(linewidth=1.9, foreground="#00000088")]
    lines.set(path_effects=outline)
    if labels:
        for text in axes.clabel(lines, fmt="%g", fontsize=8, inline_spacing=3):
            text.set_path_effects(outline)
    return True


def _smoothed(height: Any) -> np.ndarray:
    """Local geometric mean over about a fiftieth of the map, of the cells that have a height."""
    from scipy.ndimage import gaussian_filter

    sigma = [size / SMOOTHING for size in height.shape]
    known = ~np.ma.getmaskarray(height)
    weight = gaussian_filter(known.astype(float), sigma, mode="nearest")
    total = gaussian_filter(np.where(known, np.log(np.ma.filled(height, 1.0)), 0.0), sigma, mode="nearest")
    return np.ma.masked_where(~known, np.exp(total / np.maximum(weight, 1e-12)))


def _veil(
    axes: "Axes", edges_of: tuple[np.ndarray, np.ndarray], centres: tuple[np.ndarray, np.ndarray], here: np.ndarray
) -> None:
    """Pale every cell that max_steps left open, and hatch the regions where most are."""
    from matplotlib.colors import ListedColormap
    from scipy.ndimage import uniform_filter

    veil = np.ma.masked_where(~here, np.ones(here.shape))
    axes.pcolormesh(*edges_of, veil, cmap=ListedColormap(["#ffffff66"]), rasterized=True)
    _hatch(
        axes, *centres, uniform_filter(here.astype(float), [max(1, size // SMOOTHING) for size in here.shape]), "///"
    )


def _hatch(axes: "Axes", x: np.ndarray, y: np.ndarray, share: np.ndarray, hatch: str) -> None:
    """Hatch where `share` is above one half."""
    if min(share.shape) >= 2:
        hatching = axes.contourf(x, y, share, levels=[0.5, 1.5], colors="none", hatches=[hatch])
        hatching.set(edgecolor=INK, linewidth=0, hatch_linewidth=0.5)


def _mark_flags(
    axes: "Axes", centres: tuple[np.ndarray, np.ndarray], edges_of: tuple[np.ndarray, np.ndarray], flagged: np.ndarray
) -> bool:
    """Dots large enough to be seen where they are few, whole cells where they are many."""
    from matplotlib.colors import ListedColormap

    rows, columns = np.nonzero(flagged)
    if rows.size > FEW:
        marks = np.ma.masked_where(~flagged, np.ones(flagged.shape))
        axes.pcolormesh(*edges_of, marks, cmap=ListedColormap([FLAG_COLOUR]), rasterized=True)
    elif rows.size:
        axes.scatter(centres[0][columns], centres[1][rows], s=1.5, color=FLAG_COLOUR, lw=0, rasterized=True, zorder=3)
    return rows.size > 0


def _legend(seen: set[str], max_steps: int) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    looks: dict[str, Any] = {
        "contours": Line2D([], [], color="#777777", lw=1.2, label="$h^*$ averaged over its teeth"),
        "undecided": Patch(
            facecolor="#e4eed8", edgecolor=INK, hatch="///", lw=0, label=f"undecided within {max_steps:,} steps"
        ),
        "short": Patch(facecolor=LOST_COLOUR, edgecolor=INK, hatch="...", lw=0, label="valley not reached"),
        "flagged": Patch(facecolor=FLAG_COLOUR, label="flagged: rounding decides"),
        "diverged": Patch(facecolor=LOST_COLOUR, edgecolor=INK, hatch="xxxx", lw=0, label="diverged"),
    }
    return [patch for kind, patch in looks.items() if kind in seen]
