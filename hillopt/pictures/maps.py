"""What every map of a sweep has in common: facets, cells, marks for what is not certain."""

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hillopt.pictures.read import Picture
from hillopt.pictures.style import FLAG_COLOUR, INK, LOST_COLOUR, edges, new_figure, scale_axis
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

LETTERS_AN_INCH = 15
FEW = 20_000  # flagged cells that are drawn as dots
VERDICT_LOOKS: dict[Verdict, tuple[str, str | None]] = {
    Verdict.ESCAPED: ("#f3e9b5", None),
    Verdict.TRAPPED: ("#31688e", None),
    Verdict.UNDECIDED: ("#b8c8d6", "////"),
    Verdict.DIVERGED: (LOST_COLOUR, "xxxx"),
}
"""Colour and hatch: classes are told apart without colour too."""


class Grid(NamedTuple):
    """The cells of a map: centres and borders along both axes."""

    x: np.ndarray
    y: np.ndarray
    x_edges: np.ndarray
    y_edges: np.ndarray


def faceted(
    picture: Picture, draw: Callable[["Axes", "xarray.Dataset"], None], size: tuple[float, float] = (7.2, 5.8)
) -> tuple["Figure", np.ndarray]:
    """A figure with one map, or with one for every facet, drawn by `draw(axes, dataset of two axes)`; and its axes."""
    across, down = picture.facets()
    one = len(across) == len(down) == 1
    figure = new_figure(*size) if one else new_figure(2.2 + 3.1 * len(across), 1.2 + 3.0 * len(down))
    grid = figure.subplots(len(down), len(across), squeeze=False, sharex=True, sharey=True)
    for row, below in enumerate(down):
        for column, beside in enumerate(across):
            axes = grid[row][column]
            draw(axes, picture.dataset.isel({**picture.rest(), **below, **beside}))
            if not one:
                axes.set_title(picture.note({**beside, **below}), loc="left", fontsize=9)
            axes.label_outer()
    entitle(figure, picture)
    return figure, grid


def entitle(figure: "Figure", picture: Picture) -> None:
    """Write what was asked, and below it every number that is not on an axis."""
    rest = picture.note(picture.rest())
    below = picture.subtitle + (f"; {rest}" if rest else "")
    lines = textwrap.wrap(below, int(LETTERS_AN_INCH * figure.get_figwidth()))
    figure.suptitle("\n".join([picture.title, *lines]), fontsize=9.5, x=0.02, ha="left")


def grid_of(axes: "Axes", dataset: "xarray.Dataset", dims: tuple[str, str]) -> Grid:
    """The cells over two dimensions, whose scales the axes get."""
    x, y = dataset[dims[0]], dataset[dims[1]]
    grid = Grid(
        x.values, y.values, edges(x.values, x.attrs.get("scale", "list")), edges(y.values, y.attrs.get("scale", "list"))
    )
    axes.set_facecolor(LOST_COLOUR)
    scale_axis(axes, "x", dims[0], grid.x, x.attrs.get("scale", "list"))
    scale_axis(axes, "y", dims[1], grid.y, y.attrs.get("scale", "list"))
    axes.set(xlim=(grid.x_edges[0], grid.x_edges[-1]), ylim=(grid.y_edges[0], grid.y_edges[-1]))
    return grid


def draw_cells(
    axes: "Axes", grid: Grid, values: np.ndarray, colours: "Colormap | str", norm: "Normalize | None" = None
) -> None:
    """The cells of a map, [y, x]."""
    axes.pcolormesh(grid.x_edges, grid.y_edges, values, cmap=colours, norm=norm, rasterized=True)


def draw_verdicts(axes: "Axes", grid: Grid, verdict: np.ndarray) -> list[Verdict]:
    """One colour and hatch for every verdict; returns those that there are."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colours = ListedColormap([VERDICT_LOOKS[kind][0] for kind in Verdict])
    norm = BoundaryNorm(np.arange(len(Verdict) + 1) - 0.5, len(Verdict))
    draw_cells(axes, grid, verdict, colours, norm)
    present = [kind for kind in Verdict if (verdict == kind).any()]
    for kind in present:
        mark = VERDICT_LOOKS[kind][1]
        if mark is not None:
            hatch(axes, grid, (verdict == kind).astype(float), mark)
    return present


def verdict_handles(present: set[Verdict], max_steps: int | None) -> list["Artist"]:
    """Entries of a legend."""
    from matplotlib.patches import Patch

    names = {Verdict.UNDECIDED: undecided(max_steps)}
    return [
        Patch(facecolor=colour, edgecolor=INK, hatch=mark, label=names.get(kind, kind.name.lower()), lw=0.5)
        for kind, (colour, mark) in VERDICT_LOOKS.items()
        if kind in present
    ]


def undecided(max_steps: int | None) -> str:
    """The legend's words for what more steps may decide."""
    return "undecided" if max_steps is None else f"undecided within {max_steps:,} steps"


def hatch(axes: "Axes", grid: Grid, share: np.ndarray, mark: str) -> None:
    """Hatch where `share` is above one half."""
    if min(share.shape) >= 2:
        hatching = axes.contourf(grid.x, grid.y, share, levels=[0.5, 1.5], colors="none", hatches=[mark])
        hatching.set(edgecolor=INK, linewidth=0, hatch_linewidth=0.5)


def mark_flags(axes: "Axes", grid: Grid, certainty: np.ndarray) -> bool:
    """Mark what rounding could change: dots large enough to be seen where they are few, whole cells where they are many."""
    from matplotlib.colors import ListedColormap

    flagged = certainty == Certainty.FLAGGED
    rows, columns = np.nonzero(flagged)
    if rows.size > FEW:
        draw_cells(axes, grid, np.ma.masked_where(~flagged, np.ones(flagged.shape)), ListedColormap([FLAG_COLOUR]))
    elif rows.size:
        axes.scatter(grid.x[columns], grid.y[rows], s=1.5, color=FLAG_COLOUR, lw=0, rasterized=True, zorder=3)
    return rows.size > 0


def flag_handle() -> "Artist":
    """Its entry of a legend."""
    from matplotlib.patches import Patch

    return Patch(color=FLAG_COLOUR, label="flagged: rounding decides")


def legend(figure: "Figure", handles: list["Artist"], columns: int = 4) -> None:
    """A legend below the maps, if there is anything to explain."""
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(columns, len(handles)), frameon=False, fontsize=9
        )
