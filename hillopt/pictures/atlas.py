"""The atlas of heavy ball: what is proved of every setting, and what is left open."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hillopt.fates import AbstractGround, AllFunctions, AllQuadratics, Atlas, Fate
from hillopt.pictures.maps import draw_cells, laid_out
from hillopt.pictures.marks import Style, handle, in_per_cent, legend
from hillopt.pictures.style import FLAG_COLOUR, INK, LETTERS, MARGIN, new_figure
from hillopt.theory import largest_stable_rate, smallest_cycling_rate

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL, TALL = 4.3, 5.3  # inches
ORDERS = range(3, 13)  # of the cycles over roots of unity whose lines are drawn
LINE_POINTS = 600
STYLES = {
    Fate.CONVERGES: Style("#cfe3ea"),
    Fate.UNSTABLE: Style("#c9c9c9"),
    Fate.OPEN: Style(FLAG_COLOUR),
}
LABELS = {
    Fate.CONVERGES: "converges",
    Fate.UNSTABLE: "unstable",
    Fate.OPEN: "open",
}
CYCLE_COLOURS = ("#3b1f6b", "#6a3aa8", "#9a4fb3", "#c7659b", "#e48a7a", "#f2b366", "#f5dd7f")
"""Of cycles of 2 or 3 steps, 4, 5, ...; all longer ones have the last."""
SHORTEST = 3
TUNED: dict[str, Any] = {"marker": "*", "ms": 11, "mfc": "white", "mec": INK, "mew": 0.8, "ls": "none"}
ROOM, LEFT = 0.04, 0.15  # of the momenta and of the learning rates, that a line's label needs


class AtlasPanel(NamedTuple):
    """One map to draw."""

    ground: AbstractGround
    atlas: Atlas


def atlas_figure(panels: Sequence[AtlasPanel]) -> "Figure":
    """Draw atlases side by side, from what is asked of few functions to what is asked of many."""
    figure = new_figure(PANEL * len(panels) + 0.6, TALL)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for each, panel in zip(axes, panels, strict=True):
        _draw(each, panel)
        each.label_outer()
    least, most = panels[-1].ground.ends
    figure.suptitle(
        f"Heavy ball on functions of curvature {least:g} to {most:g}: what is proved of every setting",
        fontsize=LETTERS + 1,
        x=MARGIN / 72 / figure.get_figwidth(),
        ha="left",
    )
    legend(figure, _entries(panels))
    return figure


def _entries(panels: Sequence[AtlasPanel]) -> list["Artist"]:
    from matplotlib.lines import Line2D

    longest = max((int(panel.atlas.period.max()) for panel in panels), default=0)
    fates = [handle(STYLES[fate], LABELS[fate]) for fate in LABELS]
    cycles = [
        handle(Style(colour), _steps(SHORTEST + index, index == len(CYCLE_COLOURS) - 1))
        for index, colour in enumerate(CYCLE_COLOURS)
        if SHORTEST + index <= longest
    ]
    lines = [
        Line2D([], [], color=INK, lw=1.2, ls=":", label="some function cycles"),
        Line2D([], [], **TUNED, label="tuned for quadratics"),
    ]
    return [*fates, *cycles, *lines]


def _steps(period: int, is_last: bool) -> str:
    return f"cycles of {period}" if period == SHORTEST else f"{period} or more" if is_last else f"{period}"


def _draw(axes: "Axes", panel: AtlasPanel) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    atlas = panel.atlas
    grid = laid_out(axes, atlas.to_dataset(), ("learning_rate", "momentum"))
    classes = np.where(atlas.fate == Fate.CYCLES, len(Fate) + _colour_of(atlas.period), atlas.fate)
    colours = [STYLES.get(fate, STYLES[Fate.OPEN]).colour for fate in Fate] + list(CYCLE_COLOURS)
    draw_cells(
        axes, grid, classes, ListedColormap(colours), BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    )
    _draw_lines(axes, panel)
    is_open = int((atlas.fate == Fate.OPEN).sum())
    told = f"{in_per_cent(is_open, atlas.fate.size, 2)} open"
    axes.set_title(f"{panel.ground.title[0].upper()}{panel.ground.title[1:]}\n{told}", loc="left", fontsize=9.5)


def _colour_of(period: np.ndarray) -> np.ndarray:
    return np.clip(period - SHORTEST, 0, len(CYCLE_COLOURS) - 1)


def _draw_lines(axes: "Axes", panel: AtlasPanel) -> None:
    """The edge of stability on the steepest quadratic, and where cycles over the K-th roots of unity begin on some function."""
    (low, high), (least, most) = axes.get_ylim(), panel.ground.ends
    momenta = np.linspace(max(low, 0.0), min(high, 1 - 1e-9), LINE_POINTS)
    edge = np.array(largest_stable_rate(most, momenta))
    axes.plot(edge, momenta, color=INK, lw=1.2)
    axes.plot(*_tuned(least, most), **TUNED, zorder=3)
    if isinstance(panel.ground, AllQuadratics):
        return
    begins = np.array(smallest_cycling_rate(momenta[:, None], np.array(ORDERS), least, most))
    begins = np.where(begins < edge[:, None], begins, np.inf)
    first, is_one = begins.min(1), np.isfinite(begins).any(1)
    style = "-" if isinstance(panel.ground, AllFunctions) else ":"
    axes.plot(np.where(is_one, first, np.nan), momenta, color=INK, lw=1.2, ls=style)
    if isinstance(panel.ground, AllFunctions):
        for order, line in zip(ORDERS, begins.T, strict=True):
            axes.plot(np.where(np.isfinite(line), line, np.nan), momenta, color="white", lw=0.7, zorder=1.5)
            leads = is_one & (line == first)
            _name(axes, line[leads], momenta[leads], f"$K$ = {order}", high - low)


def _tuned(least: float, most: float) -> tuple[float, float]:
    """The numbers with which heavy ball is fastest on quadratics (Polyak 1964)."""
    low, high = math.sqrt(least), math.sqrt(most)
    return 4 / (low + high) ** 2, ((high - low) / (high + low)) ** 2


def _name(axes: "Axes", rates: np.ndarray, momenta: np.ndarray, text: str, whole: float) -> None:
    """The order, left of the part of its line that comes first, where there is room."""
    left, right = axes.get_xlim()
    if momenta.size < 2 or momenta[-1] - momenta[0] < ROOM * whole:
        return
    middle = momenta.size // 2
    if rates[middle] - left < LEFT * (right - left):
        return
    place = rates[middle], momenta[middle]
    axes.annotate(text, place, xytext=(-5, -3), textcoords="offset points", ha="right", va="center", fontsize=8)
