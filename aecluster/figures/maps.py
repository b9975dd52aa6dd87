"""A map of images drawn as small images, as many as fit without touching; the rest are dots."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from aecluster.arguments import maybe, whole
from aecluster.figures.checks import check_classes, check_drawable, check_points, check_same_shape, names_of
from aecluster.figures.mosaic import on_paper
from aecluster.figures.points import ALPHA, LATENT_AXES, scatter
from aecluster.figures.style import KEY_HEIGHT, caption, colour_of, key, new_figure
from aecluster.figures.view import View, frame, height_of, outside, robust_view
from aecluster.images import HostImages

SIDE = 28  # pixels of a thumbnail's longer side, without its border
BORDER = 2
GAP = 1
TINT = 0.3  # of a cluster's colour in its paper
PALE = 0.25  # of the strength of what is right, where mistakes are pointed out


def thumbnails(
    positions: Float[np.ndarray, "image 2"],
    images: HostImages,
    labels: Integer[np.ndarray, " image"],
    *,
    clusters: Integer[np.ndarray, " image"] | None = None,
    mistakes: Bool[np.ndarray, " image"] | None = None,
    across: int = 60,
    max_count: int | None = None,
    class_names: Sequence[str] | None = None,
    axis_names: tuple[str, str] | None = LATENT_AXES,
) -> Figure:
    """Draw images where they lie in a plane, bordered in the colour of their class.

    Ten thousand would be a wall of ink. So they are taken in a fixed random order, and one is drawn where it touches
    none before it; the others are dots of the same colour. `across` thumbnails would fill the width: fewer are larger.
    `clusters`, numbered by the class each is matched with, tint the paper: where it differs from the border the image
    is in a wrong cluster. `mistakes` are drawn first, and all others pale. The line above says how many are drawn.
    """
    _check(positions, images, labels, clusters, mistakes, across, max_count)
    names = names_of(int(labels.max()) + 1, class_names)
    view = robust_view(positions, margin=0.55 / (across - 1))  # outermost thumbnails fit in too
    size = _size(images)
    sheet = _sheet(view, size, across)
    corners = _corners(positions, view, sheet, size)
    chosen = first_come(_order(mistakes, len(images)), corners, sheet, size, max_count)
    raster = np.zeros((*sheet, 4), np.uint8)
    for index, thumbnail in zip(chosen, _framed(images, labels, clusters, mistakes, chosen), strict=True):
        top, left = corners[index]
        raster[top : top + size[0], left : left + size[1]] = thumbnail

    figure = new_figure(height_of(view) + KEY_HEIGHT)
    axes = figure.add_subplot()
    rest = np.setdiff1d(np.arange(len(images)), chosen)
    alpha = ALPHA if mistakes is None else np.where(mistakes, ALPHA, ALPHA * PALE)[rest]
    scatter(axes, positions[rest], labels[rest], size=3, alpha=alpha)
    axes.imshow(raster, extent=(view.low[0], view.high[0], view.low[1], view.high[1]), zorder=2)
    frame(axes, view, axis_names)
    key(figure, [(name, colour_of(label)) for label, name in enumerate(names)])
    caption(axes, _words(positions, view, chosen, clusters, mistakes))
    return figure


def first_come(
    order: Integer[np.ndarray, " image"],
    corners: Integer[np.ndarray, "image 2"],
    sheet: tuple[int, int],
    size: tuple[int, int],
    max_count: int | None = None,
) -> Integer[np.ndarray, " chosen"]:
    """The images, in `order`, that find their place on the sheet free: corners are (top, left), all in pixels."""
    taken = np.zeros(sheet, bool)
    tall, wide = size[0] + GAP, size[1] + GAP
    inside = np.all((corners >= 0) & (corners + size <= sheet), axis=1)
    chosen: list[int] = []
    for index in order[inside[order]]:
        if len(chosen) == max_count:
            break
        top, left = corners[index]
        place = taken[top : top + tall, left : left + wide]
        if not place.any():
            place[:] = True
            chosen.append(int(index))
    return np.array(chosen, int)


def _order(mistakes: np.ndarray | None, num_images: int) -> np.ndarray:
    order = np.random.default_rng(0).permutation(num_images)
    return order if mistakes is None else order[np.argsort(~mistakes[order], kind="stable")]


def _size(images: np.ndarray) -> tuple[int, int]:
    """Height and width of a thumbnail in pixels, with its border."""
    height, width = images.shape[1:3]
    scale = SIDE / max(height, width)
    return max(1, round(scale * height)) + 2 * BORDER, max(1, round(scale * width)) + 2 * BORDER


def _sheet(view: View, size: tuple[int, int], across: int) -> tuple[int, int]:
    """Height and width of the whole map in pixels."""
    wide = across * (size[1] + GAP)
    return round(wide * float(view.size[1] / view.size[0])), wide


def _corners(
    positions: Float[np.ndarray, "image 2"], view: View, sheet: tuple[int, int], size: tuple[int, int]
) -> Integer[np.ndarray, "image 2"]:
    """Top and left pixel of each thumbnail, whose middle is at its position."""
    share = (positions - view.low) / view.size
    middle = np.stack([1 - share[:, 1], share[:, 0]], axis=1) * sheet
    return np.round(middle - np.array(size) / 2).astype(int)


def _framed(
    images: np.ndarray,
    labels: np.ndarray,
    clusters: np.ndarray | None,
    mistakes: np.ndarray | None,
    chosen: np.ndarray,
) -> UInt8[np.ndarray, "chosen tall wide 4"]:
    """The chosen images as thumbnails: ink on (tinted) paper, in a border of the class's colour."""
    tall, wide = _size(images)
    rows = np.arange(tall - 2 * BORDER) * images.shape[1] // (tall - 2 * BORDER)
    columns = np.arange(wide - 2 * BORDER) * images.shape[2] // (wide - 2 * BORDER)
    picture = on_paper(images[chosen][:, rows][:, :, columns])
    if clusters is not None:
        picture = picture * (1 - TINT * (1 - _colours(clusters[chosen])))
    framed = np.empty((len(chosen), tall, wide, 4))
    framed[..., :3] = _colours(labels[chosen])
    framed[:, BORDER:-BORDER, BORDER:-BORDER, :3] = picture
    if mistakes is not None:
        right = ~mistakes[chosen]
        framed[right] = 1 - PALE * (1 - framed[right])
    framed[..., 3] = 1
    return np.round(255 * framed).astype(np.uint8)


def _colours(labels: np.ndarray) -> Float[np.ndarray, "image 1 1 3"]:
    return np.array([to_rgb(colour_of(int(label))) for label in labels]).reshape(-1, 1, 1, 3)


def _words(
    positions: np.ndarray, view: View, chosen: np.ndarray, clusters: np.ndarray | None, mistakes: np.ndarray | None
) -> str:
    """What the map leaves out, and what its colours say."""
    words = [f"{len(chosen):,} of {len(positions):,} images drawn, the others dots"]
    if (~view.holds(positions)).any():
        words.append(outside(positions, view))
    words.append("border: class" if clusters is None else "border: class, paper: cluster")
    if mistakes is not None:
        words.append(f"{mistakes[chosen].sum():,} of {mistakes.sum():,} mistakes in full colour")
    return "; ".join(words)


def _check(
    positions: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    clusters: np.ndarray | None,
    mistakes: np.ndarray | None,
    across: int,
    max_count: int | None,
) -> None:
    check_points("positions", positions)
    check_drawable("images", images)
    if len(images) != len(positions):
        raise ValueError(
            f"`images` must hold one image a position, {len(positions)}, got {len(images)}; choose the same for both."
        )
    check_classes("labels", labels, len(images))
    if clusters is not None:
        check_classes("clusters", clusters, len(images))
    if mistakes is not None:
        check_same_shape("mistakes", mistakes, labels.shape, "`labels`")
    whole(2)("across", across)
    maybe(whole(1))("max_count", max_count)
