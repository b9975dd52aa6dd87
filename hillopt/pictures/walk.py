"""A walk drawn on its ground, and in time."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hillopt.landscapes import AbstractHill, AbstractLandscape
from hillopt.pictures.colours import MOST
from hillopt.pictures.contours import draw_elevation_in_time, draw_on_contours
from hillopt.pictures.style import HEIGHT_COLOUR, INK, MARGIN, WALK_COLOUR, fitted, new_figure, plain_text
from hillopt.questions import CriticalHeightAnswer
from hillopt.walk import Trajectory, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PANEL = 5.4  # inches wide
TITLE_LETTERS = 10.0  # points
FAR = 3.0  # times as far as the walk's own landmarks, the ground is out of sight
DPI, COLOURS = 80, 96  # of a film
PAUSE, END = 350, 3_000  # milliseconds that a step stays, and the last one
BESIDE = 0.1  # of the picture's height, so near to another line is a line's name written below it
APART = 0.045  # of the picture's sides, that step numbers are
ROOM = (1 / 30, 7 / 30, 1 / 7)  # left, right and above, of what is in sight


class WalkPanel(NamedTuple):
    """One walk to draw, with the critical height of its setting where hills share a flank."""

    title: str
    hill: AbstractLandscape
    walk: Trajectory
    critical: CriticalHeightAnswer | None = None
    so_far: int | None = None
    """Of a film: the step up to which the walk is drawn, with the optimizer there; None for all of it."""

    @property
    def shown(self) -> np.ndarray:
        """The positions that are drawn, of a walk in one dimension."""
        return self.positions if self.so_far is None else self.positions[: self.so_far + 1]

    @property
    def positions(self) -> np.ndarray:
        """Where the walk was, as long as that can be drawn, [time] or [time, coordinate]."""
        positions = np.asarray(self.walk.position, np.float64)
        in_range = (np.abs(positions) < MOST).reshape(len(positions), -1).all(axis=1)
        return positions[: int(np.append(in_range, False).argmin())]

    @property
    def height(self) -> float | None:
        """Of the hill, which may be infinite; None on what is no hill."""
        return float(np.asarray(self.hill.height)) if isinstance(self.hill, AbstractHill) else None

    @property
    def highest(self) -> float | None:
        """The critical height, of a walk that has one."""
        if self.critical is None:
            return None
        critical = float(self.critical.critical_height)
        has_one = int(self.critical.verdict) != Verdict.DIVERGED and critical >= 0 and np.isfinite(critical)
        return critical if has_one else None

    @property
    def has_met_it(self) -> bool:
        """Whether what is drawn of the walk reaches to the step that met the critical height."""
        return self.critical is None or self.so_far is None or self.so_far >= int(self.critical.step)

    @property
    def landmarks(self) -> dict[str, float]:
        """Places that are marked, in sight or not."""
        return {name: float(place) for name, place in self.hill.landmarks().items()}

    @property
    def in_sight(self) -> dict[str, float]:
        """The landmarks, but for those far beyond where the walk has been and could be."""
        places, start = self.landmarks, float(self.hill.start)
        first = next(iter(places.values()), start)
        reach = abs(first - start) + (self.highest or 0.0)
        reach = max(reach, float(np.abs(self.positions - start).max())) if self.highest is None else reach
        return {name: place for name, place in places.items() if abs(place - first) <= FAR * reach}

    @property
    def sight(self) -> tuple[float, float]:
        """The ground from where to where is drawn: the walk and the landmarks, but nothing far away from them."""
        start, near = float(self.hill.start), self.in_sight
        places = [start, *near.values(), *([near["valley"] + self.highest] if self.highest is not None else [])]
        scale = max(abs(place - start) for place in places) or max(abs(start), 1.0)
        low = max(min(*places, self.positions.min()), start - FAR * scale)
        high = min(max(*places, self.positions.max()), start + FAR * scale)
        return low - ROOM[0] * scale, high + ROOM[1] * scale


def walk_figure(panels: list[WalkPanel]) -> "Figure":
    """Draw walks side by side: above on the ground, below in time. In two dimensions the ground is contours."""
    figure = new_figure(PANEL * len(panels), 6.6)
    grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=[3, 2])
    for column, panel in enumerate(panels):
        above, below = grid[0][column], grid[1][column]
        if panel.positions.ndim == 1:
            _draw_on_hill(above, panel)
            _draw_in_time(below, panel)
        else:
            draw_on_contours(above, panel.hill, panel.positions)
            draw_elevation_in_time(below, panel.hill, panel.positions)
        beside = (4 if panel.positions.ndim == 1 else 7) * MARGIN
        lines = fitted(plain_text(panel.title).split(", "), 72 * PANEL - beside, TITLE_LETTERS)
        above.set_title("\n".join(lines), loc="left", fontsize=TITLE_LETTERS)
        below.set_xlabel("step $t$")
        below.spines[["top", "right"]].set_visible(False)
    return figure


def write_walk_film(panels: list[WalkPanel], path: Path) -> None:
    """Write walks in one dimension side by side as a GIF, a picture a step; the last one stays for a while."""
    from PIL import Image

    images = []
    for step in range(max(len(panel.positions) for panel in panels)):
        written = io.BytesIO()
        walk_figure([panel._replace(so_far=step) for panel in panels]).savefig(written, dpi=DPI, format="png")
        images.append(Image.open(written).convert("RGB").quantize(COLOURS))
    pauses = [PAUSE] * (len(images) - 1) + [END]
    images[0].save(path, save_all=True, append_images=images[1:], duration=pauses, loop=0)


def _draw_on_hill(axes: "Axes", panel: WalkPanel) -> None:
    positions, (left, right), near = panel.shown, panel.sight, panel.in_sight
    ground = np.unique(np.concatenate([np.linspace(left, right, 400), list(near.values())]))
    ground = ground[(ground >= left) & (ground <= right)]
    elevation, heights = (
        np.asarray(jax.vmap(panel.hill.value)(jnp.asarray(places)), np.float64) for places in (ground, positions)
    )
    room = ROOM[2] * (elevation.max() - min(elevation.min(), 0.0)) or 1.0
    floor = min(elevation.min(), 0.0) - room
    axes.fill_between(ground, elevation, floor, color="#e9e4d8", lw=0)
    axes.plot(ground, elevation, color=INK, lw=1.2)
    axes.plot(positions, heights, "-", color=WALK_COLOUR, lw=0.6, alpha=0.5)
    axes.scatter(
        positions,
        heights,
        c=np.arange(positions.size),
        cmap="viridis_r",
        vmax=panel.positions.size - 1,
        s=26,
        zorder=3,
        edgecolor=INK,
        lw=0.4,
    )
    if panel.so_far is not None:
        axes.plot(positions[-1:], heights[-1:], "o", ms=13, color=HEIGHT_COLOUR, mec=INK, zorder=4)
    valley = near.get("valley", np.inf)
    size = right - left, elevation.max() + room - floor
    for number in _few_labels(positions, heights, size):
        axes.annotate(
            str(number),
            (positions[number], heights[number]),
            xytext=(8, 5) if positions[number] <= valley else (8, -9),
            textcoords="offset points",
            fontsize=8,
            ha="center",
            annotation_clip=True,
        )
    if panel.highest is not None and panel.has_met_it:
        _draw_highest(axes, near["valley"], panel.highest)
    if "crest" in panel.landmarks:
        _draw_crest(axes, near.get("crest"), panel)
    axes.set(xlabel="position $x$", ylabel="elevation $f(x)$", xlim=(left, right), ylim=(floor, elevation.max() + room))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_highest(axes: "Axes", valley: float, highest: float) -> None:
    axes.plot([valley - highest, valley + highest], [highest, highest], color=HEIGHT_COLOUR, lw=1.2, ls="--")
    axes.annotate(
        f"$h^*$ = {highest:.6g}",
        (valley, highest),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        color=HEIGHT_COLOUR,
    )


def _draw_crest(axes: "Axes", place: float | None, panel: WalkPanel) -> None:
    """What the crest is, above it, or in a corner where it is out of sight."""
    crest = f"crest, $h$ = {panel.height:g}"
    if place is None:
        where, offset, side = (1.0, 0.0), (-4, 4), "right"
        axes.annotate(
            f"{crest}, out of sight",
            where,
            xycoords="axes fraction",
            xytext=offset,
            textcoords="offset points",
            ha=side,
        )
        return
    top = float(panel.hill.value(jnp.asarray(place)))
    axes.annotate(crest, (place, top), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=9)


def _few_labels(positions: np.ndarray, heights: np.ndarray, size: tuple[float, float]) -> list[int]:
    """Step numbers worth writing: up to the highest position, where they stand apart."""
    apart = (positions.max() - positions.min()) / 25
    places = np.stack([positions, heights], axis=1) / size
    chosen: list[int] = []
    for number in range(int(positions.argmax()) + 1):
        if all(
            abs(positions[number] - positions[other]) > apart and math.dist(places[number], places[other]) > APART
            for other in chosen
        ):
            chosen.append(number)
    return chosen


def _draw_in_time(axes: "Axes", panel: WalkPanel) -> None:
    axes.plot(panel.shown, "o-", color=WALK_COLOUR, lw=1, ms=3)
    if panel.so_far is not None:
        axes.plot([len(panel.shown) - 1], panel.shown[-1:], "o", ms=8, color=HEIGHT_COLOUR, mec=INK)
        axes.set(xlim=(-0.5, len(panel.positions) - 0.5), ylim=panel.sight)
    near, (low, high) = panel.in_sight, panel.sight
    levels = [(place, name, INK, "-" if name == "crest" else ":") for name, place in near.items()]
    levels += (
        []
        if panel.highest is None or not panel.has_met_it
        else [(near["valley"] + panel.highest, "$1 + h^*$", HEIGHT_COLOUR, "--")]
    )
    for level, text, colour, style in levels:
        is_below_another = any(0 < other - level < BESIDE * (high - low) for other, *_ in levels)
        axes.axhline(level, color=colour, lw=0.9, ls=style)
        axes.annotate(
            text,
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(4, -9 if is_below_another else -3),
            textcoords="offset points",
            fontsize=8,
        )
    if panel.highest is None and not (low <= panel.positions.min() and panel.positions.max() <= high):
        axes.set_ylim(low, high)
    axes.set_ylabel("position $x_t$")
