"""Dead pixels: those of a model's output that stay black for every image, and the holes they leave."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from aecluster.figures.checks import check_map
from aecluster.figures.mosaic import draw_rows
from aecluster.figures.reconstructions import ORIGINAL, check_rows
from aecluster.figures.style import ALARM, FAINT, PAPER, SMALL, WIDTH, key, new_figure
from aecluster.images import HostImages

NAMES = 1.6  # inches for the rows' names and the spaces between


def cure_comparison(
    original: HostImages,
    rows: Mapping[str, HostImages],
    dead: Mapping[str, Bool[np.ndarray, "height width"]],
    inked: Bool[np.ndarray, "height width"] | None = None,
) -> Figure:
    """Draw a handful of images, their reconstructions by each recipe, and each recipe's map of dead pixels.

    `rows` and `dead` map a recipe's name to its reconstructions and to its dead pixels. `inked`, the pixels that often
    carry ink, is shaded behind the maps, and the dead are then counted among those: a pixel that is always black in
    the data is rightly so in the output.
    """
    check_rows(original, rows)
    shape = original.shape[1:3]
    if set(dead) != set(rows):
        raise ValueError(
            f"`dead` must map the same recipes as `rows`, {sorted(rows)}, got {sorted(dead)}; give each its map."
        )
    for name, pixels in dead.items():
        check_map(f"dead[{name!r}]", pixels, shape)
    if inked is not None:
        check_map("inked", inked, shape)
    return _side_by_side({ORIGINAL: original, **rows}, {name: dead[name] for name in rows}, inked)


def _side_by_side(rows: Mapping[str, np.ndarray], dead: Mapping[str, np.ndarray], inked: np.ndarray | None) -> Figure:
    columns, height, width = rows[ORIGINAL].shape[:3]
    share = len(rows)  # a map is as tall as all rows together
    side = (WIDTH - NAMES) / (columns + len(dead) * share)
    figure = new_figure((0.7 if inked is None else 0.9) + side * len(rows) * height / width)
    grid = figure.subplots(1, 1 + len(dead), squeeze=False, width_ratios=[columns, *[share] * len(dead)])
    draw_rows(grid[0][0], rows, [], {})
    for axes, (name, pixels) in zip(grid[0][1:], dead.items(), strict=True):
        _draw_map(axes, name, pixels, inked)
    if inked is not None:
        key(figure, [("dead", ALARM), ("alive, of the pixels that often carry ink", FAINT)], "outside lower right")
    return figure


def _draw_map(axes: Axes, name: str, dead: np.ndarray, inked: np.ndarray | None) -> None:
    shade = np.zeros_like(dead) if inked is None else inked
    counted = dead if inked is None else dead & inked
    colours = np.array([to_rgb(PAPER), to_rgb(FAINT), to_rgb(ALARM)])
    axes.imshow(colours[np.where(counted, 2, shade.astype(int))], interpolation="nearest")
    of = dead.size if inked is None else inked.sum()
    axes.set_title(f"{name}\n{counted.sum():,} of {of:,} pixels dead", fontsize=SMALL)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=FAINT, linewidth=0.6)
