"""What comes back from models: one column an image, one row a model."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Integer
from matplotlib.figure import Figure

from aecluster.figures.checks import check_classes, check_drawable, check_filled, check_keys, check_same_shape
from aecluster.figures.mosaic import draw_rows
from aecluster.figures.style import WIDTH, new_figure
from aecluster.images import HostImages

ORIGINAL = "original"


def one_of_each(labels: Integer[np.ndarray, " image"]) -> Integer[np.ndarray, " class"]:
    """Index of the first image of every class, in the order of the classes: the columns of a grid."""
    check_classes("labels", labels)
    return np.unique(labels, return_index=True)[1]


def reconstruction_grid(
    original: HostImages,
    rows: Mapping[str, HostImages],
    labels: Integer[np.ndarray, " image"] | None = None,
    *,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Draw images above what each model makes of them.

    Every image given is a column; ten fit well, and `one_of_each` chooses one a class. `rows` maps a model's name to
    its images, from top to bottom; `labels` head the columns; `notes` stand at the right of the rows they name, as in
    `{"latent 2": "MAE 0.0745"}`.
    """
    check_rows(original, rows)
    if labels is not None:
        check_classes("labels", labels, len(original))
    notes = notes or {}
    shown = {ORIGINAL: original, **rows}
    check_keys("notes", notes, list(shown))
    figure = new_figure(_height(original, len(shown)))
    headings = [] if labels is None else [str(label) for label in labels]
    draw_rows(figure.add_subplot(), shown, headings, notes)
    return figure


def sample_rows(rows: Mapping[str, HostImages]) -> Figure:
    """Draw images that models have made of their own, one row a model; each has as many, ten fit well."""
    check_filled("rows", rows)
    first = next(iter(rows.values()))
    for name, images in rows.items():
        check_same_shape(f"rows[{name!r}]", images, first.shape, "the first row")
        check_drawable(f"rows[{name!r}]", images)
    figure = new_figure(_height(first, len(rows)))
    draw_rows(figure.add_subplot(), rows, [], {})
    return figure


def check_rows(original: np.ndarray, rows: Mapping[str, np.ndarray]) -> None:
    """Rows of a grid hold the images of the original, in its order."""
    check_drawable("original", original)
    check_filled("rows", rows)
    if ORIGINAL in rows:
        raise ValueError("`rows` must leave the name 'original' to the original images; rename that row.")
    for name, images in rows.items():
        check_same_shape(f"rows[{name!r}]", images, original.shape, "`original`")
        check_drawable(f"rows[{name!r}]", images)


def _height(original: np.ndarray, rows: int) -> float:
    """Inches that leave a quarter of the width to names and notes."""
    columns, height, width = original.shape[:3]
    return 0.4 + 0.75 * WIDTH * rows * height / (columns * width)
