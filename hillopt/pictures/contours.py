"""A walk in two dimensions: on contour lines, and how high it is in time."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from hillopt.landscapes import AbstractLandscape
from hillopt.pictures.colours import drawable
from hillopt.pictures.style import HEIGHT_COLOUR, INK, WALK_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHAPE = (240, 320)  # places at which the elevation is looked at, up and across
ASPECT = 4 / 3  # of the ground that is drawn
ROOM = 0.12  # beside the walk, of its width
FAR = 3.0  # times as far from the start as the landmarks, a walk is out of sight
LEVELS = 22  # contours, which cut the ground into shares of one size
HIGHEST = 0.97  # of the ground, that contours reach
DECADES = 2.0  # from which on elevations are drawn on a logarithmic scale
GROUND = "Greys"
FAINT = 0.55  # of that colour map, the darkest that is used


def elevations(hill: AbstractLandscape, places: np.ndarray) -> np.ndarray:
    """Of many places, [..., 2]."""
    values = jax.vmap(hill.value)(jnp.asarray(places.reshape(-1, 2)))
    return drawable(np.asarray(values, np.float64)).reshape(places.shape[:-1])


def draw_on_contours(axes: "Axes", hill: AbstractLandscape, positions: np.ndarray) -> None:
    """The walk [time, 2] over the ground, coloured by step, with its ends and the landscape's landmarks."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    marks = {name: np.asarray(place, np.float64) for name, place in hill.landmarks().items()}
    x, y = _ground(positions, [*marks.values()])
    heights = elevations(hill, np.stack(np.meshgrid(x, y), axis=-1))
    levels = _levels(heights)
    shades = ListedColormap(_shades(len(levels) + 1))
    norm = BoundaryNorm([-np.inf, *levels, np.inf], len(levels) + 1)
    axes.contourf(x, y, heights, levels=[heights.min() - 1, *levels, heights.max() + 1], cmap=shades, norm=norm)
    axes.contour(x, y, heights, levels=levels, colors="#8a8578", linewidths=0.5, linestyles="-")
    for name, place in marks.items():
        is_pass = name == "pass"
        if is_pass and heights.min() < (level := float(elevations(hill, place))) < heights.max():
            axes.contour(x, y, heights, levels=[level], colors=HEIGHT_COLOUR, linewidths=1.1, linestyles="--")
        colour = HEIGHT_COLOUR if is_pass else INK
        axes.plot(*place, "X" if is_pass else "P", color=colour, ms=8, mec="white", mew=0.8, zorder=5)
        _name(axes, place, name, colour, above=True)
    axes.plot(positions[:, 0], positions[:, 1], "-", color=WALK_COLOUR, lw=0.9, alpha=0.7, zorder=3)
    steps = np.arange(len(positions))
    axes.scatter(positions[:, 0], positions[:, 1], c=steps, cmap="viridis_r", s=20, zorder=4, edgecolor=INK, lw=0.35)
    for place, name, mark in ((positions[0], "start", "o"), (positions[-1], f"step {len(positions) - 1:,}", "s")):
        axes.plot(*place, mark, mfc="none", mec=INK, ms=9, mew=1.4, zorder=6)
        _name(axes, place, name, INK, above=False)
    axes.set(xlabel="position $x$", ylabel="position $y$", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")


def _name(axes: "Axes", place: np.ndarray, text: str, colour: str, above: bool) -> None:
    from matplotlib.patheffects import withStroke

    axes.annotate(
        text,
        (place[0], place[1]),
        xytext=(7, 7 if above else -13),
        textcoords="offset points",
        color=colour,
        fontsize=8.5,
        zorder=7,
        annotation_clip=True,
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
    )


def _ground(positions: np.ndarray, marks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Values along both axes: around the walk and the landmarks, in the shape of the picture."""
    start = positions[0]
    scale = max([float(np.abs(mark - start).max()) for mark in marks] + [float(np.abs(start).max())]) or 1.0
    seen = np.clip(np.stack([*positions, *marks]), start - FAR * scale, start + FAR * scale)
    low, high = seen.min(axis=0), seen.max(axis=0)
    width, height = np.maximum(high - low, 1e-3 * scale) * (1 + 2 * ROOM)
    half = np.array([max(width, height * ASPECT), max(height, width / ASPECT)]) / 2
    left, right = (low + high) / 2 - half, (low + high) / 2 + half
    return np.linspace(left[0], right[0], SHAPE[1]), np.linspace(left[1], right[1], SHAPE[0])


def _levels(heights: np.ndarray) -> np.ndarray:
    """Elevations between which equal shares of the ground lie, the lowest ones closer together: valleys are what matters."""
    shares = np.linspace(0, 1, LEVELS) ** 1.5 * HIGHEST + 0.002
    levels = np.unique(np.quantile(heights[np.isfinite(heights)], shares))
    return levels[(levels > heights.min()) & (levels < heights.max())]


def _shades(number: int) -> np.ndarray:
    """From white valleys to grey heights."""
    from matplotlib import colormaps

    return colormaps[GROUND](np.linspace(0, FAINT, number))


def draw_elevation_in_time(axes: "Axes", hill: AbstractLandscape, positions: np.ndarray) -> None:
    """How high the walk is at every step, on a logarithmic scale where it falls through orders of magnitude; and the pass."""
    heights = elevations(hill, positions)
    axes.plot(heights, "o-", color=WALK_COLOUR, lw=1, ms=3)
    positive = heights[heights > 0]
    if positive.size == heights.size and np.log10(positive.max() / positive.min()) > DECADES:
        axes.set_yscale("log")
    if "pass" in hill.landmarks():
        level = float(elevations(hill, np.asarray(hill.landmarks()["pass"], np.float64)))
        axes.axhline(level, color=HEIGHT_COLOUR, lw=0.9, ls="--")
        where: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "xytext": (4, -3),
            "textcoords": "offset points",
        }
        axes.annotate("pass", (1.0, level), fontsize=8, color=HEIGHT_COLOUR, **where)
    axes.set_ylabel("elevation $f$")
