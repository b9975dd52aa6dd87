"""A walk drawn on its hill, and in time."""

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np

from hillopt.landscapes import AbstractHill
from hillopt.pictures.style import HEIGHT_COLOUR, INK, WALK_COLOUR, new_figure
from hillopt.questions import CriticalHeightAnswer
from hillopt.walk import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class WalkPanel(NamedTuple):
    """One walk to draw, with the critical height of its setting."""

    title: str
    hill: AbstractHill
    walk: Trajectory
    critical: CriticalHeightAnswer


def walk_figure(panels: list[WalkPanel]) -> "Figure":
    """Draw walks side by side: above on the hill, below in time."""
    figure = new_figure(5.4 * len(panels), 6.4)
    grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=[3, 2])
    for column, panel in enumerate(panels):
        _draw_on_hill(grid[0][column], panel)
        _draw_in_time(grid[1][column], panel)
    return figure


def _draw_on_hill(axes: "Axes", panel: WalkPanel) -> None:
    positions = np.asarray(panel.walk.position, np.float64)
    height, critical = float(np.asarray(panel.hill.height)), float(panel.critical.critical_height)
    right = max(1 + height, positions.max(), 1 + critical) + 0.35
    ground = np.unique(np.concatenate([np.linspace(min(positions.min(), 0.0) - 0.05, right, 400), [1.0, 1 + height]]))
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
    axes.plot([1 - critical, 1 + critical], [critical, critical], color=HEIGHT_COLOUR, lw=1.2, ls="--")
    axes.annotate(
        f"$h^*$ = {critical:.6g}",
        (1, critical),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        color=HEIGHT_COLOUR,
    )
    axes.annotate(
        f"crest, $h$ = {height:g}",
        (1 + height, height),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )
    axes.set(
        xlabel="position $x$", ylabel="elevation $f(x)$", xlim=(ground[0], right), ylim=(floor, elevation.max() + 0.15)
    )
    axes.set_title(panel.title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _few_labels(positions: np.ndarray) -> list[int]:
    """Step numbers worth writing: up to the highest point, where they stand apart."""
    apart = (positions.max() - positions.min()) / 25
    chosen: list[int] = []
    for number in range(int(positions.argmax()) + 1):
        if all(abs(positions[number] - positions[other]) > apart for other in chosen):
            chosen.append(number)
    return chosen


def _draw_in_time(axes: "Axes", panel: WalkPanel) -> None:
    positions = np.asarray(panel.walk.position, np.float64)
    height, critical = float(np.asarray(panel.hill.height)), float(panel.critical.critical_height)
    axes.plot(positions, "o-", color=WALK_COLOUR, lw=1, ms=3)
    for level, text, colour, style in (
        (1.0, "valley", INK, ":"),
        (1 + height, "crest", INK, "-"),
        (1 + critical, "$1 + h^*$", HEIGHT_COLOUR, "--"),
    ):
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
