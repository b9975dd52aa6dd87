"""Many small images as one raster: ink on paper, row under row, with names and numbers around."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from aecluster.figures.style import INK, PAPER, SMALL, TEXT
from aecluster.images import HostImages


def on_paper(images: Float[np.ndarray, "*batch height width channel"]) -> Float[np.ndarray, "*batch height width 3"]:
    """Colour images as they are; grey ones as ink on paper, for the black they are stored on prints badly."""
    shown = np.clip(images, 0, 1)
    return shown if images.shape[-1] == 3 else 1 - shown * (1 - np.asarray(to_rgb(INK), images.dtype))


def tiled(grid: Float[np.ndarray, "row column height width channel"], gap: int) -> Float[np.ndarray, "tall wide 3"]:
    """The images of a grid on one sheet of paper, the first row on top, with `gap` pixels around each."""
    rows, columns, height, width, _ = grid.shape
    sheet = np.empty((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), grid.dtype)
    sheet[:] = to_rgb(PAPER)
    for i, row in enumerate(on_paper(grid)):
        for j, image in enumerate(row):
            top, left = gap + i * (height + gap), gap + j * (width + gap)
            sheet[top : top + height, left : left + width] = image
    return sheet


def middles(num_tiles: int, side: int, gap: int) -> np.ndarray:
    """Where the middles of so many tiled images lie, in pixels, the first pixel's middle being 0."""
    return gap + (side - 1) / 2 + np.arange(num_tiles) * (side + gap)


def draw_rows(
    axes: Axes,
    rows: Mapping[str, HostImages],
    headings: Sequence[str],
    notes: Mapping[str, str],
) -> None:
    """One row of images under the other, its name at the left, its note at the right, headings on top."""
    grid = np.stack(list(rows.values()))
    _, columns, height, width, _ = grid.shape
    gap = max(1, width // 10)
    axes.imshow(tiled(grid, gap), interpolation="nearest")
    heights = middles(len(rows), height, gap)
    axes.set_yticks(heights, list(rows), fontsize=TEXT)
    axes.set_xticks(middles(columns, width, gap)[: len(headings)], headings, fontsize=TEXT)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    for name, y in zip(rows, heights, strict=True):
        if name in notes:
            right = axes.get_yaxis_transform()
            axes.text(1.01, y, notes[name], transform=right, va="center", fontsize=SMALL)
