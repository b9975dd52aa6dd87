"""A walk drawn on its hill, and in time."""

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np

from hillopt.landscapes import AbstractHill
from hillopt.pictures.colours import MOST
from hillopt.pictures.style import HEIGHT_COLOUR, INK, MARGIN, WALK_COLOUR, fitted, new_figure, plain_text
from hillopt.questions import CriticalHeightAnswer
from hillopt.walk import Trajectory, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PANEL = 5.4  # inches wide
TITLE_LETTERS = 10.0  # points
FAR = 3.0  # times as far as the walk's own landmarks, the hill is out of sight


class WalkPanel(NamedTuple):
    """One walk to draw, with the critical height of its setting."""

    title: str
    hill: AbstractHill
    walk: Trajectory
    critical: CriticalHeightAnswer

    @property
    def positions(self) -> np.ndarray:
        """Where the walk was, as long as that can be drawn."""
        positions = np.asarray(self.walk.position, np.float64)
        return positions[: int(np.append(np.abs(positions) < MOST, False).argmin())]

    @property
    def height(self) -> float:
        """Of the hill, which may be infinite."""
        return float(np.asarray(self.hill.height))

    @property
    def highest(self) -> float | None:
        """The critical height, of a walk that has one."""
        critical = float(self.critical.critical_height)
        has_one = int(self.critical.verdict) != Verdict.DIVERGED and critical >= 0 and np.isfinite(critical)
        return critical if has_one else None

    @property
    def crest(self) -> float | None:
        """Where the crest is, if it is in sight."""
        return 1 + self.height if self.height <= FAR * (1 + (self.highest or 0.0)) else None

    @property
    def sight(self) -> tuple[float, float]:
        """The ground from where to where is drawn: the walk, the valley and the crest, but nothing far away from them."""
        landmark = max(1 + (self.highest or 0.0), self.crest or 1.0)
        right = min(max(landmark, self.positions.max()), FAR * landmark) + 0.35
        return max(min(self.positions.min(), 0.0), -FAR * landmark) - 0.05, right


def walk_figure(panels: list[WalkPanel]) -> "Figure":
    """Draw walks side by side: above on the hill, below in time."""
    figure = new_figure(PANEL * len(panels), 6.6)
    grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=[3, 2])
    for column, panel in enumerate(panels):
        _draw_on_hill(grid[0][column], panel)
        _draw_in_time(grid[1][column], panel)
    return figure


def _draw_on_hill(axes: "Axes", panel: WalkPanel) -> None:
    positions, (left, right) = panel.positions, panel.sight
    kinks = [1.0] if panel.crest is None else [1.0, panel.crest]
    ground = np.unique(np.concatenate([np.linspace(left, right, 400), kinks]))
    elevation = np.asarray(panel.hill.value(jnp.asarray(ground)))
    floor = min(elevation.min(), 0.0) - 0.15
    axes.fill_between(ground, elevation, floor, color="#e9e4d8", lw=0)
    axes.plot(ground, elevation, color=INK, lw=1.2)
    heights = np.asarray(panel.hill.value(jnp.asarray(positions)))
    axes.plot(positions, heights, "-", color=WALK_COLOUR, lw=0.6, alpha=0.5)
    axes.scatter(
        positions, heights, c=np.arange(positions.size), cmap="viridis_r", s=26, zorder=3, edgecolor=INK, lw=0.4
    )
    for number in _few_labels(positions):
        axes.annotate(
            str(number),
            (positions[number], heights[number]),
            xytext=(8, 5) if positions[number] <= 1 else (8, -9),
            textcoords="offset points",
            fontsize=8,
            ha="center",
        )
    if panel.highest is not None:
        _draw_highest(axes, panel.highest)
    crest = f"crest, $h$ = {panel.height:g}"
    if panel.crest is None:
        axes.annotate(
            f"{crest}, out of sight",
            (1, 0),
            xycoords="axes fraction",
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
        )
    else:
        axes.annotate(
            crest, (panel.crest, panel.height), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=9
        )
    top = elevation.max() + max(0.15, 0.12 * (elevation.max() - floor))
    axes.set(xlabel="position $x$", ylabel="elevation $f(x)$", xlim=(left, right), ylim=(floor, top))
    lines = fitted(plain_text(panel.title).split(", "), 72 * PANEL - 4 * MARGIN, TITLE_LETTERS)
    axes.set_title("\n".join(lines), loc="left", fontsize=TITLE_LETTERS)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_highest(axes: "Axes", highest: float) -> None:
    axes.plot([1 - highest, 1 + highest], [highest, highest], color=HEIGHT_COLOUR, lw=1.2, ls="--")
    axes.annotate(
        f"$h^*$ = {highest:.6g}",
        (1, highest),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        color=HEIGHT_COLOUR,
    )


def _few_labels(positions: np.ndarray) -> list[int]:
    """Step numbers worth writing: up to the highest point, where they stand apart."""
    apart = (positions.max() - positions.min()) / 25
    chosen: list[int] = []
    for number in range(int(positions.argmax()) + 1):
        if all(abs(positions[number] - positions[other]) > apart for other in chosen):
            chosen.append(number)
    return chosen


def _draw_in_time(axes: "Axes", panel: WalkPanel) -> None:
    axes.plot(panel.positions, "o-", color=WALK_COLOUR, lw=1, ms=3)
    levels = [(1.0, "valley", INK, ":")]
    levels += [] if panel.crest is None else [(panel.crest, "crest", INK, "-")]
    levels += [] if panel.highest is None else [(1 + panel.highest, "$1 + h^*$", HEIGHT_COLOUR, "--")]
    for level, text, colour, style in levels:
        axes.axhline(level, color=colour, lw=0.9, ls=style)
        axes.annotate(
            text,
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(4, -3),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set(xlabel="step $t$", ylabel="position $x_t$")
    axes.spines[["top", "right"]].set_visible(False)
