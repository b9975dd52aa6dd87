"""The axes of a picture: on which scale values stand, where their cells end, and which ticks they get."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hillopt.pictures.style import label_of, size_of, width_of

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MOST_TICKS = 12  # values of a list that may get a tick each
TICK_LETTERS = 10.0  # points
CLEARLY = 1.5  # times as even another scale has to be, before a list leaves the linear one
SLIVER = 1e-6  # half of the width of a lone value's cell, beside the value

_NINES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999, 0.999999)

Map = Callable[[np.ndarray], np.ndarray]
MAPS: dict[str, tuple[Map, Map]] = {
    "linear": (lambda x: x, lambda y: y),
    "log": (np.log, np.exp),
    "log_complement": (lambda x: -np.log1p(-x), lambda y: -np.expm1(-y)),
}
"""There, and back."""


class Grid(NamedTuple):
    """The cells of a map along both axes: the values, the borders, and the middles between these."""

    x: np.ndarray
    y: np.ndarray
    x_edges: np.ndarray
    y_edges: np.ndarray
    x_middles: np.ndarray
    y_middles: np.ndarray


def grid_of(x: "xarray.DataArray", y: "xarray.DataArray") -> Grid:
    """The cells over two axes of a sweep."""
    scales = [scale_of_axis(axis) for axis in (x, y)]
    borders = [edges(_numbers(axis), scale) for axis, scale in zip((x, y), scales, strict=True)]
    return Grid(_numbers(x), _numbers(y), *borders, *map(middles, borders, scales))


def scale_of_axis(axis: "xarray.DataArray") -> str:
    """The scale that a sweep's axis is even on; of a list the one on which it is evenest."""
    values, scale = _numbers(axis), axis.attrs.get("scale", "list")
    if scale in MAPS:
        return str(scale)
    if values.size < 3:
        return "linear"
    possible = {"linear": True, "log": values.min() > 0, "log_complement": values.max() < 1}
    uneven = {name: _unevenness(MAPS[name][0](values)) for name, is_possible in possible.items() if is_possible}
    best = min(uneven, key=lambda name: uneven[name])
    return best if CLEARLY * uneven[best] < uneven["linear"] else "linear"


def _numbers(axis: "xarray.DataArray") -> np.ndarray:
    return np.asarray(axis.values, np.float64)


def _unevenness(points: np.ndarray) -> float:
    steps = np.abs(np.diff(points))
    return float(steps.max() / steps.min())


def edges(values: np.ndarray, scale: str) -> np.ndarray:
    """The borders of the cells of these values: halfway between neighbours on the scale, the outer ones at the ends.

    So no axis goes where no value is, and b1 does not reach 1.
    """
    there, back = MAPS[scale]
    points = there(np.asarray(values, np.float64))
    if points.size == 1:
        sliver = SLIVER * max(1.0, abs(float(points[0])))
        return back(np.array([points[0] - sliver, points[0] + sliver]))
    ends = np.asarray(values, np.float64)[[0, -1]]
    return np.concatenate([ends[:1], back((points[1:] + points[:-1]) / 2), ends[1:]])


def middles(borders: np.ndarray, scale: str) -> np.ndarray:
    """Of the cells between these borders."""
    there, back = MAPS[scale]
    points = there(borders)
    return back((points[1:] + points[:-1]) / 2)


def scale_axis(axes: "Axes", which: str, axis: "xarray.DataArray") -> None:
    """Put one axis of a plot on the scale of a sweep's axis, with its label and ticks."""
    name, values, scale = str(axis.name), _numbers(axis), scale_of_axis(axis)
    ruler = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}label")(label_of(name))
    if scale == "log":
        getattr(axes, f"set_{which}scale")("log")
    elif scale == "log_complement":
        least = (1 - float(values.max())) / 1e3
        forward = lambda beta: -np.log10(np.maximum(1 - np.asarray(beta), least))  # noqa: E731
        inverse = lambda nines: 1 - 10 ** -np.asarray(nines)  # noqa: E731
        getattr(axes, f"set_{which}scale")("function", functions=(forward, inverse))
    if values.size == 1 or (axis.attrs.get("scale", "list") == "list" and values.size <= MOST_TICKS):
        ticks = _apart(values, scale, size_of(axes)[which == "y"], which)
    elif scale == "log_complement":
        ticks = np.array([tick for tick in _NINES if values.min() - 1e-9 <= tick <= values.max() + 1e-9])
    else:
        return
    ruler.set_ticks(ticks, [_told(tick) for tick in ticks])
    ruler.set_ticks([], minor=True)


def _told(tick: float) -> str:
    return f"{tick:.6g}" if tick in _NINES else f"{tick:.4g}"


def _apart(values: np.ndarray, scale: str, length: float, which: str) -> np.ndarray:
    """Those values whose ticks stand apart on an axis of this length, the last one among them."""
    points = MAPS[scale][0](values)
    places = (points - points[0]) / max(float(points[-1] - points[0]), SLIVER) * length
    needed = [width_of(_told(value), TICK_LETTERS) + 6 if which == "x" else 1.4 * TICK_LETTERS for value in values]
    chosen = [values.size - 1]
    for index in range(values.size - 2, -1, -1):
        if places[chosen[-1]] - places[index] >= (needed[chosen[-1]] + needed[index]) / 2:
            chosen.append(index)
    return values[chosen[::-1]]
