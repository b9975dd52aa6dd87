"""Comparisons: small multiples on one scale, contours over each other, the ratio of two, and who wins where."""

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hillopt.comparison import ENTRIES, entries_of, on_each_hill, winner
from hillopt.pictures.charts import COLOURS
from hillopt.pictures.colours import almost_zero, drawable, extend_for, norm_for, ticks_for, within
from hillopt.pictures.heights import averaged
from hillopt.pictures.maps import draw_cells, draw_verdicts, entitle, laid_out, verdict_handles
from hillopt.pictures.marks import NO_VALUE, Style, handle, hatch, legend
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import grid_of, scale_axis
from hillopt.pictures.style import COLOUR_MAP, INK, new_figure, plain_text
from hillopt.pictures.training import draw_runs, ranked_speeds, training_handles
from hillopt.questions import Training
from hillopt.walk import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

PANEL, SMALL, COLUMNS = 3.4, 2.7, 3  # inches of a panel, of one of a row a hill; panels side by side
TIE, UNDECIDED = Style("#e4e0d6"), Style("#ffffff", "////", "#8a8a8a")
LEVELS = (0.2, 0.5, 0.8)  # shares of the cells below the contours that lie over each other
OUTLINED = {"verdicts": Verdict.ESCAPED, "training": Training.CONVERGED}
"""Of labels, the one whose cells a contour goes around."""
RATIO_MAP = "PuOr"
LINES = ("-", "--", "-.", ":")


class Compared(NamedTuple):
    """A comparison to draw: a picture of its first entry, for what all share, and the entries by name."""

    picture: Picture
    entries: dict[str, "xarray.Dataset"]

    @classmethod
    def of(cls, dataset: "xarray.Dataset") -> "Compared":
        """ValueError for what is no comparison over one or two axes."""
        dimension = entries_of(dataset)
        names = [str(name) for name in dataset[dimension].values]
        found = {name: dataset.isel({dimension: index}, drop=True) for index, name in enumerate(names)}
        picture = Picture.of(next(iter(found.values())))
        if len(picture.dims) > 2:
            raise ValueError(
                f"`dataset` must have one or two axes to be compared in a figure, got {', '.join(picture.dims)}; select values of "
                "the others, or call ho.over_seeds."
            )
        if len(names) > len(COLOURS):
            raise ValueError(
                f"`dataset` must compare at most {len(COLOURS)} in a figure, to be told apart, got {len(names)}; select fewer."
            )
        return cls(picture, {name: Picture.of(each).first for name, each in found.items()})

    def values(self, field: str) -> np.ndarray:
        """Of all entries together."""
        return np.concatenate([np.asarray(each[field].values, np.float64).ravel() for each in self.entries.values()])

    def winner(self) -> "xarray.Dataset":
        """Of what is drawn."""
        import xarray

        dataset = xarray.concat(list(self.entries.values()), "optimizer")
        return winner(dataset.assign_coords(optimizer=list(self.entries)))


class Shown(NamedTuple):
    """Comparisons drawn in one figure, by the hill that each is on; one without a name where hills are no rows."""

    title: Picture
    """Of an entry of all, for what is written above."""
    parts: dict[str, Compared]

    @classmethod
    def of(cls, dataset: "xarray.Dataset") -> "Shown":
        """ValueError for what is no comparison over one or two axes."""
        parts = {name: Compared.of(each) for name, each in on_each_hill(dataset).items()}
        first = dict.fromkeys([name for name in ENTRIES if name in dataset.dims], 0)
        return cls(Picture.of(dataset.isel(first, drop=True)), parts)

    @property
    def first(self) -> Compared:
        """One of them, for what all share."""
        return next(iter(self.parts.values()))

    def values(self, field: str) -> np.ndarray:
        """Of all entries together."""
        return np.concatenate([part.values(field) for part in self.parts.values()])


def comparison_figure(dataset: "xarray.Dataset", field: str | None = None) -> "Figure":
    """Draw a comparison: lines over one axis; over two a map of each on one scale of colours, and who wins where.

    Of several optimizers on several hills every hill has a panel of lines, or a row of maps. `field` is another one than the
    question's own, such as "loss_spread" of `ho.over_seeds`, which is drawn without winners. Raises ValueError for what is no
    comparison, more than two axes, and a field that there is none of.
    """
    shown = Shown.of(dataset)
    if field is not None and field not in dataset:
        raise ValueError(f"`field` must be one of {', '.join(map(str, dataset.data_vars))}, got {field!r}.")
    if len(shown.first.picture.dims) == 1:
        look = shown.first.picture.look
        own = LINE_FIELDS.get(look.scale, (look.field, look.scale))
        return _lines(shown, *((field, "linear") if field else own))
    return _multiples(shown, field)


LINE_FIELDS = {"training": ("loss", "log")}
"""What is drawn over one axis, and on which scale, where that is not the look's."""


def _lines(shown: Shown, field: str, scale: str) -> "Figure":
    figure = new_figure(7.2 if len(shown.parts) == 1 else 1.2 + 3.8 * len(shown.parts), 4.8)
    entitle(figure, shown.title)
    panels = figure.subplots(1, len(shown.parts), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (hill, compared) in zip(panels, shown.parts.items(), strict=True):
        _draw_lines(axes, compared, field)
        _scale(axes, shown.values(field), scale)
        axes.set_title(plain_text(hill), loc="left", fontsize=9.5)
        axes.grid(alpha=0.25, lw=0.5)
        axes.label_outer()
    panels[0].legend(frameon=False)
    return figure


def _draw_lines(axes: "Axes", compared: Compared, field: str) -> None:
    axis = compared.picture.first[compared.picture.dims[0]]
    scale_axis(axes, "x", axis)
    own = field == compared.picture.look.field
    axes.set_ylabel(compared.picture.look.label if own else _told_field(compared, field))
    for (name, each), colour, line in zip(compared.entries.items(), COLOURS, 2 * LINES, strict=False):
        values = drawable(each[field].values)
        axes.plot(axis.values, values, line, color=colour, lw=1.6, label=name)
        if f"{field}_spread" in each:
            spread = each[f"{field}_spread"].values
            axes.fill_between(axis.values, values - spread, values + spread, color=colour, alpha=0.18, lw=0)


def _scale(axes: "Axes", values: np.ndarray, scale: str) -> None:
    """As the colours of a map of these values would be, without what lies far beyond the others."""
    norm = norm_for(values, scale if scale != "verdicts" else "linear")
    known, low, high = values[np.isfinite(values)], float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    if scale in ("log", "heights") and np.any(known > 0):
        axes.set_yscale("log")
    elif scale == "signed_log" and known.size:
        axes.set_yscale("symlog", linthresh=almost_zero(np.array([low, high])))
        axes.set_ylim(low, high)
    elif scale == "verdicts":
        axes.set_yticks([int(kind) for kind in Verdict], [kind.name.lower() for kind in Verdict])


def _told_field(compared: Compared, field: str) -> str:
    about = next(iter(compared.entries.values()))[field].attrs
    return plain_text(str(about.get("long_name", field)))


def _multiples(shown: Shown, field: str | None) -> "Figure":
    look = shown.first.picture.look
    own = field or look.field
    values = shown.values(own)
    scale = look.scale if field is None else "share" if field.endswith(("_agreement", "_finite")) else "linear"
    norm = norm_for(values, scale) if scale not in ("verdicts", "training") else None
    ranked = ranked_speeds(values, shown.values("measure")) if scale == "training" else None
    with_winner = field is None and len(shown.first.entries) > 1
    figure, rows, grid = _panels(shown, len(shown.first.entries) + with_winner)
    won = []
    for (hill, compared), row in zip(shown.parts.items(), rows, strict=True):
        for axes, (name, each) in zip(row, compared.entries.items(), strict=False):
            _draw_entry(axes, compared, each, own, norm, ranked)
            axes.set_title(plain_text(f"{name}, {hill}" if hill else name), loc="left", fontsize=9.5)
        won += [_draw_winner(row[-1], compared)] if with_winner else []
    for axes in grid.flat:
        axes.label_outer()
    handles: list[Artist] = _winner_handles(won)
    if ranked is not None:
        handles = [*training_handles(values), *handles]
    elif norm is None:
        handles = [*verdict_handles(values, shown.first.picture.max_steps), *handles]
    else:
        _bar(figure, grid, norm, values, look.label if field is None else _told_field(shown.first, field))
        handles += [] if np.isfinite(values).all() else [handle(NO_VALUE, "not finite")]
    legend(figure, handles)
    return figure


def _panels(shown: Shown, num_panels: int) -> tuple["Figure", list[list["Axes"]], np.ndarray]:
    """A figure, its panels by the hill, and all in their places: a row a hill, or rows of three of one."""
    several = len(shown.parts) > 1
    columns = num_panels if several else min(COLUMNS if num_panels != 4 else 2, num_panels)
    rows = len(shown.parts) if several else math.ceil(num_panels / columns)
    side = SMALL if several else PANEL
    figure = new_figure(1.6 + side * columns, 1.3 + 0.88 * side * rows)
    entitle(figure, shown.title)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[num_panels * len(shown.parts) :]:
        axes.set_visible(False)
    return figure, ([list(row) for row in grid] if several else [list(grid.flat[:num_panels])]), grid


def _draw_entry(
    axes: "Axes",
    compared: Compared,
    each: "xarray.Dataset",
    field: str,
    norm: "Normalize | None",
    ranked: dict[Training, np.ndarray] | None,
) -> None:
    across, up = compared.picture.dims
    grid = laid_out(axes, each, (across, up))
    cells = each[field].transpose(up, across).values
    if ranked is not None:
        draw_runs(axes, grid, each.transpose(..., up, across), ranked)
    elif norm is None:
        draw_verdicts(axes, grid, cells)
    else:
        draw_cells(axes, grid, within(cells, norm), COLOUR_MAP, norm)


def _bar(figure: "Figure", grid: np.ndarray, norm: "Normalize", values: np.ndarray, label: str) -> None:
    from matplotlib.cm import ScalarMappable

    mappable, extend = ScalarMappable(norm, COLOUR_MAP), extend_for(norm, values)
    figure.colorbar(mappable, ax=grid, pad=0.02, aspect=30, extend=extend, ticks=ticks_for(norm)).set_label(label)


class Won(NamedTuple):
    """A drawn map of winners."""

    cells: np.ndarray
    names: list[str]
    styles: list[Style]


def _draw_winner(axes: "Axes", compared: Compared) -> Won:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    across, up = compared.picture.dims
    won = compared.winner()
    grid = laid_out(axes, won, (across, up))
    cells = won["winner"].transpose(up, across).values
    names = json.loads(won["winner"].attrs["names"])
    styles = [*(Style(colour) for colour in COLOURS[: len(names) - 2]), TIE, UNDECIDED]
    colours = ListedColormap([style.colour for style in styles])
    draw_cells(axes, grid, cells, colours, BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names)))
    hatch(axes, grid, cells == len(names) - 1, UNDECIDED)
    alone = compared.picture.look.scale == "verdicts"
    title = "who escapes where no other does" if alone else str(won["winner"].attrs["long_name"])
    axes.set_title(title, loc="left", fontsize=9.5)
    return Won(cells, names, styles)


def _winner_handles(won: list[Won]) -> list["Artist"]:
    """The entries of the legend, with the share of all settings."""
    if not won:
        return []
    cells = np.concatenate([each.cells.ravel() for each in won])
    shares = [(cells == index).mean() for index in range(len(won[0].names))]
    return [
        handle(style, f"{plain_text(name)} ({share:.0%})")
        for style, name, share in zip(won[0].styles, won[0].names, shares, strict=True)
        if share > 0
    ]


def overlay_figure(dataset: "xarray.Dataset") -> "Figure":
    """Contours of all over each other, a colour for each and a line style for each level.

    Critical heights are averaged over their teeth. Raises ValueError as `comparison_figure` does, and for one axis.
    """
    from matplotlib.lines import Line2D

    compared = Compared.of(dataset)
    look, dims = compared.picture.look, compared.picture.dims
    if len(dims) != 2 or min(compared.picture.first.sizes[name] for name in dims) < 2:
        raise ValueError(
            f"`dataset` must have two axes of two values at least for contours, got {', '.join(dims)}; call comparison_figure."
        )
    figure = new_figure(7.2, 5.6)
    entitle(figure, compared.picture)
    axes = figure.add_subplot()
    across, up = dims
    for name in dims:
        scale_axis(axes, "x" if name == across else "y", compared.picture.first[name])
    grid = grid_of(compared.picture.first[across], compared.picture.first[up])
    values = compared.values(look.field)
    levels = _levels(values, look.scale)
    for each, colour in zip(compared.entries.values(), COLOURS, strict=False):
        cells: Any = np.ma.masked_invalid(drawable(each[look.field].transpose(up, across).values))
        if look.scale in OUTLINED:
            cells = (cells == OUTLINED[look.scale]).astype(float)
        if look.scale == "heights":
            cells = averaged(np.ma.masked_less_equal(cells, 0))
        for level, line in zip(levels, LINES, strict=False):
            if cells.min() < level < cells.max():
                axes.contour(grid.x, grid.y, cells, levels=[level], colors=[colour], linestyles=[line], linewidths=1.6)
    axes.set(xlim=(grid.x_edges[0], grid.x_edges[-1]), ylim=(grid.y_edges[0], grid.y_edges[-1]))
    axes.grid(alpha=0.25, lw=0.5)
    handles: list[Any] = [
        Line2D([], [], color=colour, lw=2, label=plain_text(name))
        for name, colour in zip(compared.entries, COLOURS, strict=False)
    ]
    told = {"verdicts": "escaped on one side", "training": "converged on one side"}.get(look.scale)
    handles += [
        Line2D([], [], color=INK, lw=1.2, ls=line, label=told or f"{level:.3g}")
        for level, line in zip(levels, LINES, strict=False)
    ]
    legend(figure, handles)
    return figure


def _levels(values: np.ndarray, scale: str) -> list[float]:
    """Of labels the border of the outlined ones; else values below which lie even shares of the cells."""
    if scale in OUTLINED:
        return [0.5]
    known = drawable(values[np.isfinite(values)])
    return np.unique(np.quantile(known, LEVELS)).tolist() if known.size else []


def ratio_figure(dataset: "xarray.Dataset", above: str, below: str) -> "Figure":
    """Draw how many times as large one answer is as another, where both are positive; ValueError as for `comparison_figure`."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    compared = Compared.of(dataset)
    look, dims = compared.picture.look, compared.picture.dims
    field = LINE_FIELDS.get(look.scale, (look.field, ""))[0]
    for name in (above, below):
        if name not in compared.entries:
            raise ValueError(f"`dataset` compares {', '.join(compared.entries)}, got {name!r}; name two of them.")
    top, bottom = (compared.entries[name][field].transpose(*dims[::-1]).values for name in (above, below))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((top > 0) & (bottom > 0), top / bottom, np.nan)
    label = f"{plain_text(above)} over {plain_text(below)}"
    figure = new_figure(7.2, 5.4)
    entitle(figure, compared.picture)
    axes = figure.add_subplot()
    if len(dims) == 1:
        scale_axis(axes, "x", compared.picture.first[dims[0]])
        axes.plot(compared.picture.first[dims[0]].values, ratio, color=COLOURS[0], lw=1.6)
        axes.axhline(1, color=INK, lw=0.9, ls=":")
        axes.set(yscale="log", ylabel=f"{compared.picture.look.label}: {label}")
        return figure
    known = np.abs(np.log(ratio[np.isfinite(ratio) & (ratio > 0)]))
    most = max(float(np.exp(np.quantile(known, 0.99))), 1.01) if known.size else 2.0
    norm = LogNorm(1 / most, most)
    grid = laid_out(axes, compared.picture.first, (dims[0], dims[1]))
    draw_cells(axes, grid, np.ma.masked_invalid(ratio), RATIO_MAP, norm)
    bar = figure.colorbar(
        ScalarMappable(norm, RATIO_MAP), ax=axes, pad=0.02, aspect=30, extend=extend_for(norm, ratio), format="%.3g"
    )
    bar.set_label(f"{compared.picture.look.label}:\n{label}")
    bar.ax.yaxis.set_minor_formatter("")
    legend(figure, [] if np.isfinite(ratio).all() else [handle(NO_VALUE, "not both positive and finite")])
    return figure
