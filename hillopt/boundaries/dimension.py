"""How rough a boundary is: its box dimension and its uncertainty exponent, with errors, and a smooth boundary beside.

An estimate hangs on the window, on the scales that are used and on the method, by 0.1 and more. So each comes with the scales, the
residuals of its fit, an error that tells how far the slope moves along the scales, and a null: what the same method finds for a
circle on the same grid.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from hillopt.boundaries.search import differing

OFFSETS = 8  # places of the grid of boxes, over which counts are averaged
GOLDEN = (
    0.6180339887498949,
    0.7548776662466927,
)  # parts of a side by which the boxes move on, along rows and along columns
COARSEST = 8  # boxes along the shorter side, at least, of the coarsest scale that is used
FEWEST = 3  # scales that a line needs to have an error
RADIUS = 0.37  # of the null's circle, in shorter sides
PAIRS = 2**16
LEAST_UNCERTAIN = 10  # settings; a share with fewer is not used


class Fit(NamedTuple):
    """A power law through measurements at several scales, as a line in logarithms."""

    slope: float
    error: float
    """Standard error of the slope by the residuals, and half the difference of the slopes of the finer and the coarser scales,
    whichever is larger."""
    intercept: float
    residuals: Float[np.ndarray, " scale"]
    """In factors of two."""


class BoxDimension(NamedTuple):
    """The box dimension of a set of cells."""

    dimension: float
    error: float
    sizes: Int[np.ndarray, " scale"]
    """Sides of boxes, in cells."""
    counts: Float[np.ndarray, " scale"]
    """Boxes that hold a cell of the set, on average over several places of the boxes."""
    is_used: Bool[np.ndarray, " scale"]
    """Whether a scale is in the fit."""
    fit: Fit
    null: "BoxDimension | None"
    """That of a circle on the same grid by the same scales; None of a circle itself."""


class UncertaintyExponent(NamedTuple):
    """How the share of settings whose label a small change may turn falls with the change."""

    exponent: float
    error: float
    dimension: float
    """Of the boundary: 2 minus the exponent, whose error it has."""
    distances: Int[np.ndarray, " scale"]
    """In settings."""
    shares: Float[np.ndarray, " scale"]
    share_errors: Float[np.ndarray, " scale"]
    """Standard deviations of binomial counts."""
    is_used: Bool[np.ndarray, " scale"]
    fit: Fit
    null: "UncertaintyExponent | None"
    """That of a circle on the same grid; None of a circle itself."""


def box_dimension(
    cells: Bool[np.ndarray, "row column"], *, smallest: int = 1, largest: int | None = None
) -> BoxDimension:
    """The box dimension of a set of cells, such as the mixed ones of a boundary, `dataset["mixed"].values`.

    Boxes of 1, 2, 4, ... cells a side are counted that hold one of the set, on average over several places of the boxes; the
    dimension is minus the slope of log count over log side from `smallest` to `largest`, None for an eighth of the shorter side
    of the grid. Raises ValueError for a set without cells, and for less than three scales.
    """
    cells = _checked(cells)
    return _box_dimension(cells, *_range(cells.shape, smallest, largest), null=True)


def _box_dimension(cells: np.ndarray, smallest: int, largest: int, null: bool) -> BoxDimension:
    sizes = np.array([1 << power for power in range((min(cells.shape) // 2).bit_length())])
    counts = np.array([np.mean([_boxes(cells, int(size), *place) for place in _places(int(size))]) for size in sizes])
    is_used = (sizes >= smallest) & (sizes <= largest)
    fit = _line(np.log2(sizes[is_used]), np.log2(counts[is_used]))
    beside = _box_dimension(_circle(cells.shape), smallest, largest, null=False) if null else None
    return BoxDimension(-fit.slope, fit.error, sizes, counts, is_used, fit, beside)


def uncertainty_exponent(
    labels: Int[np.ndarray, "row column"] | Bool[np.ndarray, "row column"],
    *,
    smallest: int = 1,
    largest: int | None = None,
    num_settings: int = PAIRS,
    seed: int = 0,
) -> UncertaintyExponent:
    """The uncertainty exponent of a map of labels, such as a boundary's, `dataset["label"].values`.

    Of settings drawn at random a share is uncertain at a distance: a setting so far to either side along an axis drawn at random
    has another label. The share falls as distance^exponent, and the boundary has the dimension 2 - exponent (Grebogi, McDonald,
    Ott, Yorke 1983, Physics Letters A 99, 415-418; McDonald, Grebogi, Ott, Yorke 1985, Physica D 17, 125-153). Each share has
    the error of a binomial count, by which it is weighed. Raises ValueError where too few settings are uncertain.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise ValueError(
            f"`labels` must be a map of two axes, got the shape {labels.shape}; pass dataset['label'].values."
        )
    return _uncertainty(labels, *_range(labels.shape, smallest, largest), num_settings, seed, null=True)


def _uncertainty(
    labels: np.ndarray, smallest: int, largest: int, num_settings: int, seed: int, null: bool
) -> UncertaintyExponent:
    random = np.random.default_rng(seed)
    distances = np.array([1 << power for power in range(largest.bit_length())])
    found = np.array([_uncertain(labels, int(distance), num_settings, random) for distance in distances])
    shares = found / num_settings
    errors = np.sqrt(np.maximum(shares * (1 - shares), 1 / num_settings) / num_settings)
    is_used = (distances >= smallest) & (found >= LEAST_UNCERTAIN)
    if is_used.sum() < FEWEST:
        raise ValueError(
            f"`labels` must have {LEAST_UNCERTAIN} uncertain settings at {FEWEST} distances, got {found.tolist()} at "
            f"{distances.tolist()}; take more settings, or a map with a boundary."
        )
    weights = shares[is_used] / errors[is_used]
    fit = _line(np.log2(distances[is_used]), np.log2(shares[is_used]), weights)
    beside = None
    if null:
        beside = _uncertainty(_disc(labels.shape), smallest, largest, num_settings, seed, null=False)
    return UncertaintyExponent(fit.slope, fit.error, 2 - fit.slope, distances, shares, errors, is_used, fit, beside)


def label_changes(labels: Int[np.ndarray, " setting"] | Bool[np.ndarray, " setting"]) -> Int[np.ndarray, " halving"]:
    """Along a row of 2^n + 1 labels, how often neighbours differ: of the two ends, then with every gap halved, n times.

    The slope of its logarithm is the box dimension of the labels' boundary on a line (Liu 2024, arXiv:2406.13971).

    Examples:
        >>> ho.label_changes(jnp.array([0, 0, 1, 1, 0]))
        array([0, 2, 2])
    """
    size = np.size(labels) - 1
    if np.ndim(labels) != 1 or size < 1 or size & (size - 1):
        raise ValueError(
            f"`labels` must be a row of 2^n + 1 labels, got the shape {np.shape(labels)}; halve a range n times."
        )
    halvings = range(size.bit_length())
    return np.array([np.count_nonzero(np.diff(np.asarray(labels, int)[:: size >> halving])) for halving in halvings])


def _checked(cells: np.ndarray) -> np.ndarray:
    cells = np.asarray(cells, bool)
    if cells.ndim != 2 or not cells.any():
        got = "none" if cells.ndim == 2 else f"the shape {cells.shape}"
        raise ValueError(
            f"`cells` must be a map of two axes that holds a mixed cell, got {got}; pass dataset['mixed'].values."
        )
    return cells


def _range(shape: tuple[int, ...], smallest: int, largest: int | None) -> tuple[int, int]:
    """The scales that are used, checked."""
    last = min(shape) // COARSEST if largest is None else largest
    used = [1 << power for power in range(max(1, last).bit_length()) if smallest <= 1 << power <= last]
    if len(used) < FEWEST or last > min(shape):
        told = "an eighth of the shorter side" if largest is None else f"{largest}"
        raise ValueError(
            f"`smallest` and `largest` must leave {FEWEST} scales of 1, 2, 4, ... within {min(shape)}, got {smallest} to {told}: "
            f"{len(used)}; take more points along the axes, or other ends."
        )
    return smallest, last


def _places(size: int) -> Iterator[tuple[int, int]]:
    """Where boxes of a size begin, spread evenly over all places that differ."""
    for index in range(min(OFFSETS, size * size)):
        yield int(size * (index * GOLDEN[0] % 1)), int(size * (index * GOLDEN[1] % 1))


def _boxes(cells: np.ndarray, size: int, down: int, across: int) -> float:
    """How many boxes of a size hold one of the cells; one that sticks out of the map counts with its share inside."""
    shares = []
    for axis, begin in ((0, down), (1, across)):
        starts = np.unique(np.r_[0, np.arange(begin, cells.shape[axis], size)])
        shares.append(np.diff(np.r_[starts, cells.shape[axis]]) / size)
        cells = np.logical_or.reduceat(cells, starts, axis)
        shares[-1] = shares[-1][:, None] if axis == 0 else shares[-1]
    return float((cells * shares[0] * shares[1]).sum())


def _uncertain(labels: np.ndarray, distance: int, num_settings: int, random: np.random.Generator) -> int:
    """How many of so many settings have another label at a distance to either side along an axis; each drawn at random."""
    found = 0
    for axis, count in ((0, num_settings // 2), (1, num_settings - num_settings // 2)):
        turned = np.moveaxis(labels, axis, 0)
        at = random.integers(distance, turned.shape[0] - distance, count)
        along = random.integers(0, turned.shape[1], count)
        here = turned[at, along]
        found += int(((turned[at - distance, along] != here) | (turned[at + distance, along] != here)).sum())
    return found


def _line(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> Fit:
    """Least squares, weighed, with an error that a bend in the line makes larger."""
    weights = np.ones(x.size) if weights is None else weights
    slope, intercept = np.polyfit(x, y, 1, w=weights)
    residuals = y - (slope * x + intercept)
    shares = weights**2 / np.sum(weights**2)
    spread = np.sum(shares * (x - np.sum(shares * x)) ** 2)
    scatter = np.sqrt(np.sum(shares * residuals**2) / max(x.size - 2, 1) / spread)
    half = (x.size + 1) // 2
    finer, coarser = (np.polyfit(x[part], y[part], 1)[0] for part in (slice(half), slice(x.size - half, None)))
    return Fit(float(slope), float(max(scatter, abs(finer - coarser) / 2)), float(intercept), residuals)


@functools.lru_cache(maxsize=8)
def _disc(shape: tuple[int, int]) -> np.ndarray:
    """The labels of a disc, off the middle so that no symmetry helps."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    radius = RADIUS * min(shape)
    return (y - (shape[0] / 2 + 0.3)) ** 2 + (x - (shape[1] / 2 - 0.2)) ** 2 < radius**2


def _circle(shape: tuple[int, ...]) -> np.ndarray:
    """The mixed cells of a disc on a grid with so many cells."""
    labels = _disc((shape[0] + 1, shape[1] + 1))
    down, across = differing(labels, np.ones(labels.shape, bool))
    return down[:, 1:] | down[:, :-1] | across[1:] | across[:-1]
