"""Maps and curves of the other outcomes: verdicts, probabilities, passage times, losses."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.plot.style import COLOUR_MAP, INK, LOST_COLOUR, WALK_COLOUR, edges, label_of, new_figure, scale_axis
from hillopt.verdicts import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIELDS = {
    "escape": "verdict",
    "probability": "probability",
    "first_passage": "passage",
    "loss": "loss",
    "stability": "flipped",
}
LABELS = {
    "escape": "",
    "probability": "probability of an escape",
    "first_passage": "mean steps to the first escape",
    "loss": "elevation at the end",
    "stability": "share of labels that one unit in the last place turns",
}
VERDICT_COLOURS = {
    Verdict.UNDECIDED: "#b8c8d6",
    Verdict.ESCAPED: "#f3e9b5",
    Verdict.TRAPPED: "#31688e",
    Verdict.DIVERGED: LOST_COLOUR,
}


def outcome_diagram(dataset: "xarray.Dataset") -> "Figure":
    """Draw a sweep of another outcome than critical heights.

    One axis gives a curve, with the 95 % interval as a band where there is one; two give a map. Of more, the first value of
    each further axis is shown. What is not finite stays grey.
    """
    outcome = dataset.attrs["outcome"]
    field = FIELDS[outcome]
    dims = [str(name) for name in dataset[field].dims]
    rest = dict.fromkeys(dims[2:], 0)
    shown = dataset.isel(rest)
    figure = new_figure(7.2, 5.2 if len(dims) > 1 else 4.4)
    axes = figure.add_subplot()
    if len(dims) == 1:
        _curve(axes, shown, field, dims[0], LABELS[outcome])
    elif outcome == "escape":
        _verdicts(figure, axes, shown, dims)
    else:
        _map(figure, axes, shown, field, dims, LABELS[outcome])
    beside = "".join(f", {label_of(name)} = {dataset[name].values[0]:.4g}" for name in rest)
    axes.set_title(f"{dataset.attrs['optimizer']} on {dataset.attrs['hill']}{beside}", loc="left", fontsize=9)
    return figure


def _curve(axes: "Axes", dataset: "xarray.Dataset", field: str, name: str, label: str) -> None:
    x, values = dataset[name].values, dataset[field].values
    known = np.isfinite(values)
    if f"{field}_low" in dataset:
        low, high = dataset[f"{field}_low"].values, dataset[f"{field}_high"].values
        axes.fill_between(x[known], low[known], high[known], color=WALK_COLOUR, alpha=0.2, lw=0)
    axes.plot(x[known], values[known], color=WALK_COLOUR, lw=1.3, marker="o", ms=2.5)
    for place in x[~known]:
        axes.axvline(place, color=LOST_COLOUR, lw=2, zorder=0)
    scale_axis(axes, "x", name, x, dataset[name].attrs["scale"])
    if field == "passage":
        axes.set_yscale("log")
    if field == "verdict":
        axes.set_yticks([int(kind) for kind in Verdict], [kind.name.lower() for kind in Verdict])
    axes.set_ylabel(label)
    axes.grid(alpha=0.25, lw=0.5)


def _grid(axes: "Axes", dataset: "xarray.Dataset", dims: list[str]) -> tuple[np.ndarray, np.ndarray]:
    x, y = dataset[dims[0]], dataset[dims[1]]
    borders = edges(x.values, x.attrs["scale"]), edges(y.values, y.attrs["scale"])
    axes.set_facecolor(LOST_COLOUR)
    scale_axis(axes, "x", dims[0], x.values, x.attrs["scale"])
    scale_axis(axes, "y", dims[1], y.values, y.attrs["scale"])
    axes.set(xlim=(borders[0][0], borders[0][-1]), ylim=(borders[1][0], borders[1][-1]))
    return borders


def _map(figure: "Figure", axes: "Axes", dataset: "xarray.Dataset", field: str, dims: list[str], label: str) -> None:
    from matplotlib.colors import LogNorm, Normalize, SymLogNorm

    values = np.ma.masked_invalid(dataset[field].transpose(dims[1], dims[0]).values)
    norm: Any = Normalize(0, 1)
    if field == "passage":
        norm = LogNorm(values.min(), values.max()) if values.count() else LogNorm(1, 10)
    elif field == "loss":
        low, high = np.quantile(values.compressed(), [0.01, 0.99]) if values.count() else (0.0, 1.0)
        norm = SymLogNorm(max(abs(low), 1e-3), vmin=low, vmax=max(high, low + 1e-3))
    image = axes.pcolormesh(*_grid(axes, dataset, dims), values, cmap=COLOUR_MAP, norm=norm, rasterized=True)
    figure.colorbar(image, ax=axes, pad=0.02, aspect=30, extend="both" if field == "loss" else "neither").set_label(
        label
    )
    if field == "probability" and min(values.shape) > 1:
        lines = axes.contour(
            dataset[dims[0]].values, dataset[dims[1]].values, values, levels=[0.5], colors="white", linewidths=1.2
        )
        axes.clabel(lines, fmt="one half", fontsize=8)


def _verdicts(figure: "Figure", axes: "Axes", dataset: "xarray.Dataset", dims: list[str]) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    verdict = dataset["verdict"].transpose(dims[1], dims[0]).values
    colours = ListedColormap([VERDICT_COLOURS[kind] for kind in Verdict])
    norm = BoundaryNorm(np.arange(len(Verdict) + 1) - 0.5, len(Verdict))
    axes.pcolormesh(*_grid(axes, dataset, dims), verdict, cmap=colours, norm=norm, rasterized=True)
    present = [kind for kind in Verdict if (verdict == kind).any()]
    names = {Verdict.UNDECIDED: f"not within {dataset.attrs['max_steps']:,} steps"}
    handles = [
        Patch(facecolor=VERDICT_COLOURS[kind], edgecolor=INK, lw=0.5, label=names.get(kind, kind.name.lower()))
        for kind in present
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
