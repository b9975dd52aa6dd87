"""What every map of a sweep has in common: facets, titles, cells and verdicts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hillopt.pictures.colours import extend_for, ticks_for
from hillopt.pictures.marks import VERDICT_STYLES, handle, hatch, undecided
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import Grid, grid_of, scale_axis
from hillopt.pictures.style import COLOUR_MAP, LETTERS, LOST_COLOUR, MARGIN, fitted, new_figure
from hillopt.walk import Verdict

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

LINE = 0.16  # inches of a line of a title


def faceted(
    picture: Picture, draw: Callable[["Axes", "xarray.Dataset"], None], size: tuple[float, float] = (7.2, 5.8)
) -> tuple["Figure", np.ndarray]:
    """A figure with one map, or with one for every facet, drawn by `draw(axes, dataset of two axes)`; and its axes."""
    rows, columns = len(picture.panels), len(picture.panels[0])
    one = rows == columns == 1
    figure = new_figure(*size) if one else new_figure(2.2 + 3.1 * columns, 1.2 + 3.0 * rows)
    entitle(figure, picture)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, panel in zip(grid.flat, (panel for row in picture.panels for panel in row), strict=True):
        draw(axes, panel.dataset)
        if panel.choice:
            axes.set_title(picture.note(panel.choice), loc="left", fontsize=9)
        axes.label_outer()
    return figure, grid


def entitle(figure: "Figure", picture: Picture, *more: str) -> None:
    """Write what was asked, and below it every number that is not on an axis, in lines that fit; the figure grows with them."""
    width = 72 * figure.get_figwidth() - 2 * MARGIN
    lines = [*fitted([picture.title], width, LETTERS), *fitted([*picture.told, *more], width, LETTERS)]
    figure.set_figheight(figure.get_figheight() + LINE * max(0, len(lines) - 2))
    figure.suptitle("\n".join(lines), fontsize=LETTERS, x=MARGIN / 72 / figure.get_figwidth(), ha="left")


def laid_out(axes: "Axes", dataset: "xarray.Dataset", dims: tuple[str, str]) -> Grid:
    """The cells over two dimensions, whose scales the axes get."""
    x, y = dataset[dims[0]], dataset[dims[1]]
    grid = grid_of(x, y)
    axes.set_facecolor(LOST_COLOUR)
    scale_axis(axes, "x", x)
    scale_axis(axes, "y", y)
    axes.set(xlim=(grid.x_edges[0], grid.x_edges[-1]), ylim=(grid.y_edges[0], grid.y_edges[-1]))
    return grid


def draw_cells(
    axes: "Axes", grid: Grid, values: np.ndarray, colours: "Colormap | str", norm: "Normalize | None" = None
) -> None:
    """The cells of a map, [y, x]."""
    axes.pcolormesh(grid.x_edges, grid.y_edges, values, cmap=colours, norm=norm, rasterized=True)


def colour_bar(figure: "Figure", grid: np.ndarray, picture: Picture, norm: "Normalize", values: np.ndarray) -> None:
    """What the colours mean, with an arrow where values lie beyond them."""
    from matplotlib.cm import ScalarMappable

    extend = extend_for(norm, values)
    bar = figure.colorbar(
        ScalarMappable(norm, COLOUR_MAP), ax=grid, pad=0.02, aspect=30, extend=extend, ticks=ticks_for(norm)
    )
    bar.set_label(picture.look.label)


def draw_verdicts(axes: "Axes", grid: Grid, verdict: np.ndarray) -> None:
    """One colour and hatch for every verdict."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colours = ListedColormap([VERDICT_STYLES[kind].colour for kind in Verdict])
    draw_cells(axes, grid, verdict, colours, BoundaryNorm(np.arange(len(Verdict) + 1) - 0.5, len(Verdict)))
    for kind, style in VERDICT_STYLES.items():
        hatch(axes, grid, verdict == kind, style)


def verdict_handles(verdict: np.ndarray, max_steps: int | None) -> list["Artist"]:
    """Entries of a legend, for the verdicts that there are."""
    names = {Verdict.UNDECIDED: undecided(max_steps)}
    return [
        handle(style, names.get(kind, kind.name.lower()))
        for kind, style in VERDICT_STYLES.items()
        if (verdict == kind).any()
    ]
