"""What colour does not give: hatches, flags, and the legend that explains them."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hillopt.pictures.scales import Grid
from hillopt.pictures.style import FLAG_COLOUR, INK, LOST_COLOUR, size_of, width_of
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Style(NamedTuple):
    """How a class of cells is drawn."""

    colour: str
    mark: str | None = None
    ink: str = INK
    """Colour of the mark."""


VERDICT_STYLES = {
    Verdict.ESCAPED: Style("#f3e9b5"),
    Verdict.UNDECIDED: Style("#9fb4c7", "////"),
    Verdict.TRAPPED: Style("#3b77a0"),
    Verdict.DIVERGED: Style("#1f1f1f", "xxxx", "#a0a0a0"),
}
"""From bright to dark in steps that print and every eye tells apart; hatched where nothing was decided."""

SHORT, NO_VALUE = Style(LOST_COLOUR, "...."), Style(LOST_COLOUR)
LEGEND_LETTERS = 9.0  # points
HANDLE = 44.0  # points that an entry's patch and the room around it take
WINDOW = 50  # neighbourhoods that a map has along each axis
MOST = 0.5 + 1e-9  # of a neighbourhood's cells
OUTLINE = "#e08214"
FLAG_MARK = r"\\"
DOTS = (1.2, 5.0)  # points, the least and the greatest diameter of a flag


def hatch(axes: "Axes", grid: Grid, here: np.ndarray, style: Style, width: float = 0.5) -> None:
    """Hatch exactly these cells, [y, x]; nothing where there are none."""
    if style.mark is None or not here.any():
        return
    hatching = axes.contourf(*_to_the_edges(grid, here), levels=[0.5, 1.5], colors="none", hatches=[style.mark])
    hatching.set(edgecolor=style.ink, linewidth=0, hatch_linewidth=width)


def outline(axes: "Axes", grid: Grid, labels: np.ndarray) -> None:
    """A line around the cells of every label, [y, x], between one cell and the next."""
    for label in np.unique(labels):
        here = labels == label
        if not here.all():
            axes.contour(*_to_the_edges(grid, here), levels=[0.5], colors=OUTLINE, linewidths=0.6)


def _to_the_edges(grid: Grid, here: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and values of which contours follow the edges of these cells, [y, x]."""
    x, y = (np.repeat(borders, 2)[1:-1] for borders in (grid.x_edges, grid.y_edges))
    return x, y, np.repeat(np.repeat(here.astype(float), 2, axis=0), 2, axis=1)


def around(here: np.ndarray, least: int = 1) -> np.ndarray:
    """The share of each cell's neighbourhood that is here: about a fiftieth of the map wide, and so many cells at least."""
    from scipy.ndimage import uniform_filter

    sides = [max(least, size // WINDOW) for size in here.shape]
    total, room = (uniform_filter(cells, sides, mode="constant") for cells in (here.astype(float), np.ones(here.shape)))
    return total / room


def mark_flags(axes: "Axes", grid: Grid, certainty: np.ndarray) -> None:
    """Mark what rounding could change: hatched where most cells around are flagged, else a dot for each."""
    flagged = certainty == Certainty.FLAGGED
    many = flagged & (around(flagged, least=3) > MOST)
    hatch(axes, grid, many, Style("none", FLAG_MARK, "white"), width=1.8)
    hatch(axes, grid, many, Style("none", FLAG_MARK, FLAG_COLOUR), width=1.0)
    rows, columns = np.nonzero(flagged & ~many)
    if rows.size:
        diameter = float(np.clip(0.6 * _cell_size(axes, flagged.shape), *DOTS))
        casing: dict[str, Any] = {"linewidth": 0.5, "edgecolor": "white"} if diameter > 2 else {"linewidth": 0}
        axes.scatter(
            grid.x_middles[columns],
            grid.y_middles[rows],
            s=diameter**2,
            color=FLAG_COLOUR,
            rasterized=True,
            zorder=3,
            **casing,
        )


def _cell_size(axes: "Axes", shape: tuple[int, ...]) -> float:
    """The smaller side of a cell in points."""
    width, height = size_of(axes)
    return min(width / shape[1], height / shape[0])


def in_per_cent(count: int, size: int, digits: int) -> str:
    """A share to so many digits behind the point, which reads 100 only where it is all, and 0 only where it is none."""
    told, least = f"{count / max(size, 1):.{digits}%}", 10.0**-digits
    if count < size and told == f"{1:.{digits}%}":
        return f"> {100 - least:.{digits}f}%"
    return f"< {least:.{digits}f}%" if count and told == f"{0:.{digits}%}" else told


def told_share(count: int, size: int) -> str:
    """A share of the cells in the words of a legend."""
    return "all" if count == size else in_per_cent(count, size, 1)


def flag_label(certainty: np.ndarray) -> str:
    """The legend's words for flags, with their share."""
    count = int((certainty == Certainty.FLAGGED).sum())
    return f"flagged: rounding decides ({told_share(count, certainty.size)})"


def flag_handle(certainty: np.ndarray) -> list["Artist"]:
    """Its entry of a legend, with the share of the cells; none where none is flagged."""
    from matplotlib.patches import Patch

    if not np.any(certainty == Certainty.FLAGGED):
        return []
    label = flag_label(certainty)
    return [Patch(facecolor="white", edgecolor=FLAG_COLOUR, hatch=2 * FLAG_MARK, label=label, lw=0.5)]


def outline_handle(label: str) -> "Artist":
    """The entry of the lines between labels."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=OUTLINE, lw=1.2, label=f"changes here: {label}")


def handle(style: Style, label: str) -> "Artist":
    """The entry of a class of cells."""
    from matplotlib.patches import Patch

    return Patch(facecolor=style.colour, edgecolor=style.ink, hatch=style.mark, label=label, lw=0.5)


def undecided(max_steps: int | None) -> str:
    """The legend's words for what more steps may decide."""
    return "undecided" if max_steps is None else f"undecided within {max_steps:,} steps"


def legend(figure: "Figure", handles: list["Artist"]) -> None:
    """A legend below the maps in as many columns as fit, if there is anything to explain."""
    if not handles:
        return
    widths = [width_of(str(each.get_label()), LEGEND_LETTERS) + HANDLE for each in handles]
    room = 72 * figure.get_figwidth()
    fitting = (n for n in range(len(widths), 0, -1) if sum(map(max, np.array_split(widths, n))) <= room)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=next(fitting, 1),
        frameon=False,
        fontsize=LEGEND_LETTERS,
    )
