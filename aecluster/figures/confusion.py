"""Which classes a clustering takes for which."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Integer
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.figure import Figure

from aecluster.arguments import is_array, short
from aecluster.figures.checks import names_of
from aecluster.figures.style import INK, PAPER, SMALL, TEXT, TITLE, new_figure

GAMMA = 0.4  # of the colour scale: a cell of 1 % shows against the paper, and 90 % against 100 %
DARK = 0.6  # from this part of the colours on, numbers are written in paper


def confusion_matrix(
    counts: Integer[np.ndarray, "true cluster"], *, class_names: Sequence[str] | None = None
) -> Figure:
    """Draw how many images of each true class (rows) are in each cluster (columns), matched so that the diagonal is right.

    Colours are shares of the row, on a scale that lifts the small ones; the numbers are counts, and empty cells stay
    empty. At the right stands the share of each class that is found; the title gives the accuracy.
    """
    _check(counts)
    names = names_of(len(counts), class_names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(5.6, 6.2)
    axes = figure.add_subplot()
    colours = ListedColormap(colormaps["Blues"](np.linspace(0.04, 0.92, 256)))
    axes.imshow(np.ma.masked_where(counts == 0, shares), cmap=colours, norm=PowerNorm(GAMMA, 0, 1))
    _write_counts(axes, counts, shares)
    slant: dict[str, Any] = (
        {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 4 else {}
    )
    axes.set_xticks(range(len(names)), names, fontsize=TEXT, **slant)
    axes.set_yticks(range(len(names)), names, fontsize=TEXT)
    axes.set_xlabel("cluster, named by the class it is matched with", fontsize=TEXT)
    axes.set_ylabel("true class", fontsize=TEXT)
    _write_found(axes, shares)
    accuracy = np.trace(counts) / counts.sum()
    axes.set_title(f"accuracy {accuracy:.4f} on {counts.sum():,} images", loc="left", fontsize=TITLE)
    return figure


def _check(counts: np.ndarray) -> None:
    if not is_array(counts):
        raise ValueError(f"`counts` must be an array, got {short(counts)}; make it by `clustering.counts`.")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(
            f"`counts` must be square, one matched cluster a class, got the shape {counts.shape}; "
            f"match clusters with classes first."
        )
    if counts.size == 0 or counts.min() < 0 or counts.sum() == 0:
        raise ValueError("`counts` must be numbers of images, none negative and some positive; count without weights.")


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    for row, column in np.argwhere(counts):
        dark = shares[row, column] ** GAMMA > DARK
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=SMALL,
            color=PAPER if dark else INK,
            weight="bold" if row == column else "normal",
        )


def _write_found(axes: Axes, shares: np.ndarray) -> None:
    """The diagonal's shares, as a second scale at the right."""
    found = axes.secondary_yaxis("right")
    found.set_yticks(range(len(shares)), [f"{share:.1%}" for share in np.diag(shares)], fontsize=SMALL)
    found.tick_params(length=0)
    axes.annotate("found", (1, 1), xycoords="axes fraction", xytext=(5, 4), textcoords="offset points", fontsize=SMALL)
    axes.tick_params(length=0)
    for each in (axes, found):
        each.spines[:].set_visible(False)
