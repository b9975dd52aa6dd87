"""A plane of latents as points, each class in its colour and with its name written in its midst."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure

from aecluster.figures.checks import check_classes, check_points, names_of
from aecluster.figures.style import INK, KEY_HEIGHT, caption, colour_of, halo, key, new_figure
from aecluster.figures.view import View, frame, height_of, outside, robust_view

LATENT_AXES = ("latent 1", "latent 2")
ALPHA = 0.6
CELLS = 30  # the plane is counted out on so many squares a side, to find where a class stands alone
APART = 2  # squares that two names keep from each other
GOOD_ENOUGH = 0.5  # of its best place, for a name to stand in another one


def latent_points(
    latents: Float[np.ndarray, "image 2"],
    labels: Integer[np.ndarray, " image"],
    *,
    class_names: Sequence[str] | None = None,
    axis_names: tuple[str, str] | None = LATENT_AXES,
) -> Figure:
    """Draw every image as a point of the plane, in its class's colour.

    Ten colours cannot be told apart by eye, so a class is named in place as well wherever there is room. The window
    leaves far outliers out and says how many; see `robust_view`. `axis_names=None` is for maps whose axes mean nothing,
    such as t-SNE's.
    """
    check_points("latents", latents)
    check_classes("labels", labels, len(latents))
    names = names_of(int(labels.max()) + 1, class_names)
    view = robust_view(latents)
    figure = new_figure(height_of(view) + KEY_HEIGHT)
    axes = figure.add_subplot()
    scatter(axes, latents, labels, size=14 if len(latents) < 2_000 else 5)
    for label, (x, y) in lonely_places(latents, labels, view).items():
        axes.text(
            x, y, names[label], color=INK, fontsize=12, weight="bold", ha="center", va="center", path_effects=halo()
        )
    frame(axes, view, axis_names)
    key(figure, [(name, colour_of(label)) for label, name in enumerate(names)])
    caption(axes, outside(latents, view))
    return figure


def scatter(
    axes: Axes,
    points: Float[np.ndarray, "image 2"],
    labels: Integer[np.ndarray, " image"],
    size: float,
    alpha: float | Float[np.ndarray, " image"] = ALPHA,
) -> None:
    """Points in their classes' colours, in a fixed random order so that no class covers the others."""
    order = np.random.default_rng(0).permutation(len(points))
    colours = to_rgba_array([colour_of(int(label)) for label in labels])
    colours[:, 3] = alpha
    x, y = points[order].T
    axes.scatter(x, y, s=size, c=colours[order], lw=0, rasterized=True)


def lonely_places(
    points: Float[np.ndarray, "image 2"], labels: Integer[np.ndarray, " image"], view: View
) -> dict[int, np.ndarray]:
    """Where to write each class's name: where it is both dense and among itself, and no two names meet.

    A class whose good places are all taken gets no name there; the key still has its colour.

    A median would do for round classes. Those of a two-dimensional autoencoder are long and cross one another.
    """
    classes = np.unique(labels)
    counts = np.stack([_counts(points[labels == label], view) for label in classes])
    alone = counts**2 / np.maximum(counts.sum(axis=0), 1)  # how many, times what share of all
    best = alone.max(axis=(1, 2))
    places = {}
    for index in np.argsort(-best, kind="stable"):
        if alone[index].max() < GOOD_ENOUGH * best[index]:
            continue
        cell = np.unravel_index(alone[index].argmax(), alone.shape[1:])
        places[int(classes[index])] = view.low + (np.array(cell) + 0.5) / CELLS * view.size
        near = tuple(slice(max(0, at - APART), at + APART + 1) for at in cell)
        alone[:, *near] = -np.inf
    return places


def _counts(points: np.ndarray, view: View) -> np.ndarray:
    """Points in each square and the eight around it."""
    window = list(zip(view.low, view.high, strict=True))
    counts = np.pad(np.histogramdd(points, bins=CELLS, range=window)[0], 1)
    return np.sum([counts[i : i + CELLS, j : j + CELLS] for i in range(3) for j in range(3)], axis=0)
