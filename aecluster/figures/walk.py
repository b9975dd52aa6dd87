"""A walk through a plane of latents: what the decoder draws at each step."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from aecluster.arguments import is_array, short
from aecluster.figures.checks import check_drawable
from aecluster.figures.mosaic import middles, tiled
from aecluster.figures.points import LATENT_AXES
from aecluster.figures.style import FAINT, SMALL, TEXT, WIDTH, new_figure

MOST_TICKS = 8


def lattice(across: Float[np.ndarray, " column"], up: Float[np.ndarray, " row"]) -> Float[np.ndarray, "row column 2"]:
    """The latents to decode: the first coordinate grows to the right, the second from row to row.

    Even steps, `np.linspace(-3, 3, 20)`, show the plane as it is; quantiles of the data's own latents spend the rows
    and columns where the images are.
    """
    for name, values in {"across": across, "up": up}.items():
        if not is_array(values) or values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(
                f"`{name}` must be an array of finite numbers with one axis, got {short(values)}; give one."
            )
    return np.stack(np.meshgrid(across, up), axis=-1)


def latent_walk(
    latents: Float[np.ndarray, "row column 2"],
    images: Float[np.ndarray, "row column height width channel"],
    *,
    axis_names: tuple[str, str] = LATENT_AXES,
) -> Figure:
    """Draw the decoded images of a `lattice` of latents where they lie, the first row at the bottom.

    The axes carry the latents' coordinates; their steps need not be even.
    """
    _check(latents, images)
    rows, columns, height, width, _ = images.shape
    figure = new_figure(0.5 + (WIDTH - 0.6) * rows * height / (columns * width))
    axes = figure.add_subplot()
    sheet = tiled(images[::-1], gap=0)
    axes.imshow(sheet[::-1], origin="lower", interpolation="nearest")  # the first row's ticks are at the bottom too
    for which, side, coordinates in (
        ("x", width, latents[0, :, 0]),
        ("y", height, latents[:, 0, 1]),
    ):
        stride = -(-len(coordinates) // MOST_TICKS)
        texts = [f"{coordinate:.3g}".replace("-", "−") for coordinate in coordinates[::stride]]
        getattr(axes, f"set_{which}ticks")(middles(len(coordinates), side, 0)[::stride], texts, fontsize=SMALL)
    axes.set_xlabel(axis_names[0], fontsize=TEXT)
    axes.set_ylabel(axis_names[1], fontsize=TEXT)
    axes.spines[:].set(color=FAINT, linewidth=0.6)
    return figure


def _check(latents: np.ndarray, images: np.ndarray) -> None:
    for name, values in {"latents": latents, "images": images}.items():
        if not is_array(values):
            raise ValueError(f"`{name}` must be an array, got {short(values)}; make it one by `np.asarray`.")
    if latents.ndim != 3 or latents.shape[-1] != 2 or latents.size == 0:
        raise ValueError(
            f"`latents` must have the shape (row, column, 2), got {latents.shape}; make them by `lattice`."
        )
    if images.ndim != 5 or images.shape[:2] != latents.shape[:2]:
        raise ValueError(
            f"`images` must have the axes (row, column, height, width, channel) with one image a latent, "
            f"{latents.shape[:2]}, got the shape {images.shape}; give the decoded images the lattice's shape."
        )
    across, up = latents[..., 0], latents[..., 1]
    if not ((across == across[:1]).all() and (up == up[:, :1]).all()):
        raise ValueError("`latents` must share their coordinates along rows and columns; make them by `lattice`.")
    check_drawable("images", images.reshape(-1, *images.shape[2:]))
