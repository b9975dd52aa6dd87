"""A boundary in ever smaller windows, each of which has the settings of the one before between its own.

Windows are dyadic: on its scale an axis has the values first + k spacing, where the spacing is a power of two and first one of its
multiples. Halving the spacing leaves every second value what it was, bit for bit, as long as the number format holds first to the
last place of the spacing. So what is known of a window is known of a part of the next one, and where this ends the zoom ends.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from hillopt.axes import Axis
from hillopt.boundaries.front import SPACING, Refinement, Rules, prepare, refine, with_labels
from hillopt.boundaries.search import Known
from hillopt.front_door import check_count, check_is, check_memory
from hillopt.landscapes import AbstractLandscape
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import is_traced
from hillopt.questions import AbstractQuestion
from hillopt.runs import AbstractRun
from hillopt.sweeps.plan import make_plan
from hillopt.sweeps.store import Store

if TYPE_CHECKING:
    import xarray

NUM_FRAMES = 8
BYTES = 4  # of a setting in a frame: a label, two marks, and as much again while it is made
MANTISSA = 2.0**53
SCALES = ("linear", "log")


class Zoom(NamedTuple):
    """Windows on a boundary, each half as wide and high as the one before."""

    frames: list["xarray.Dataset"]
    """As `boundary` gives them."""
    ended: str | None
    """Why there are fewer frames than were asked for; None where there are not."""


@dataclasses.dataclass(frozen=True)
class Ladder:
    """Values that are evenly spaced on a scale, by a power of two."""

    scale: str
    first: float
    spacing: float
    num: int

    @classmethod
    def within(cls, axis: Axis, name: str) -> "Ladder":
        """As many values as an axis has, in the middle between its ends."""
        if axis.scale not in SCALES or len(axis.values) < 2:
            told = f"a {axis.scale} axis" if axis.scale not in SCALES else "one value"
            raise ValueError(
                f"`axes[{name!r}]` must be a linear or logarithmic axis of several values, got {told}; write for example "
                "Axis.linear(0.1, 1.0, 257)."
            )
        low, high = (_there(axis.scale, value) for value in (axis.values[0], axis.values[-1]))
        spacing = 2.0 ** math.floor(math.log2((high - low) / len(axis.values)))
        first = (low + high - spacing * (len(axis.values) - 1)) / 2
        return cls(axis.scale, math.ceil(first / spacing) * spacing, spacing, len(axis.values))

    @property
    def values(self) -> Float[np.ndarray, " value"]:
        """In increasing order."""
        return np.array([_back(self.scale, self.first + index * self.spacing) for index in range(self.num)])

    def resolves(self, dtype: np.dtype) -> bool:
        """Whether all values are exact on their scale, and neighbours differ in the dtype."""
        far = max(abs(self.first), abs(self.first + self.num * self.spacing))
        return far < MANTISSA * self.spacing and bool(np.all(np.diff(self.values.astype(dtype)) > 0))

    def offset(self, index: int) -> int:
        """Of the window of half the width around a value, within this one, in halves of the spacing."""
        return min(max(2 * index - (self.num - 1) // 2, 0), self.num - 1)

    def half(self, index: int) -> "Ladder":
        """That window."""
        spacing = self.spacing / 2
        return Ladder(self.scale, self.first + self.offset(index) * spacing, spacing, self.num)

    def shared(self, index: int) -> tuple[slice, slice]:
        """Which values of that window are which of these."""
        offset = self.offset(index)
        begin, first = offset % 2, (offset + 1) // 2
        count = min((self.num - begin + 1) // 2, self.num - first)
        return slice(begin, begin + 2 * count - 1, 2), slice(first, first + count)

    def nearest(self, value: float) -> int:
        """Which value lies nearest."""
        return int(np.argmin(np.abs(self.values - value)))


def _there(scale: str, value: float) -> float:
    return value if scale == "linear" else math.log2(value)


def _back(scale: str, place: float) -> float:
    return place if scale == "linear" else 2.0**place


def zoom(
    question: AbstractQuestion,
    hill: AbstractLandscape | AbstractRun,
    optimizer: AbstractOptimizer | None,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    about: Mapping[str, float] | None = None,
    num_frames: int = NUM_FRAMES,
    of: str | None = None,
    level: float | None = None,
    spacing: int = SPACING,
    margin: int = 0,
    batch: int | None = None,
    dtype: str | None = None,
    seed: int = 0,
    store: Store | None = None,
    on_frame: Callable[[int, Refinement], None] | None = None,
) -> Zoom:
    """Zoom into a boundary: window after window, each half as wide and high, around a mixed cell of the one before.

    **Arguments**

    - `question`, `hill`, `optimizer`, `of`, `level`, `spacing`, `margin`, `batch`, `dtype`, `seed`: as for `boundary`.
    - `axes`: two, linear or logarithmic. The first window has as many values, the spacing rounded down to a power of two (on a
      logarithmic axis of the logarithm to base 2), so it covers more than half of the range, in the middle.
    - `about`: where to go: the first window is left for its mixed cell nearest to this point, None for the middle of the window.
      Every later one is left for the mixed cell nearest to its middle.
    - `num_frames`: windows, the first among them.
    - `store`: a folder in which every window has a store of what was asked in it, 000.zarr and so on. An interrupted zoom goes on
      with `resume=True`, and gives the same.
    - `on_frame`: called with the number of the window, from 0, and how far its search is.

    What is known of a window is taken over into the next one, whose attribute `evaluations` counts what was asked anew. The zoom
    ends early where the number format does not tell neighbours apart any more, and `ended` says so. Raises ValueError as
    `boundary` does, for more frames than fit into memory, and for a first window without a boundary.

    Examples:
        >>> axes = {"learning_rate": ho.Axis.linear(0.1, 0.5, 17), "height": ho.Axis.linear(0.05, 0.8, 17)}
        >>> windows = ho.zoom(ho.Escape(200, ho.FAST), ho.TentHill(), ho.Adam(0.1), axes, num_frames=2)
        >>> [float(window.height[-1] - window.height[0]) for window in windows.frames]
        [0.5, 0.25]
    """
    if is_traced((question, hill, optimizer)):
        raise ValueError(
            "`zoom` asks what labels decide, which JAX cannot trace; call it outside of jit, vmap and grad."
        )
    rules = Rules(spacing, margin, checks=0)
    check_count(num_frames, "num_frames", remedy="give at least one")
    if store is not None:
        check_is(store, Store, "store", 'ho.Store("zoom")')
    first = make_plan(question, hill, optimizer, axes, dtype=dtype, seed=seed)
    prepare(first, of, level, rules, batch, None)
    check_memory(num_frames * first.size * BYTES, "num_frames", "take fewer frames or fewer points")
    ladders = {name: Ladder.within(axis, name) for name, axis in first.axes.items()}
    focus = _focus(ladders, about)
    frames, before = list["xarray.Dataset"](), None
    for number in range(num_frames):
        if blurred := [name for name, ladder in ladders.items() if not ladder.resolves(first.layout.dtype)]:
            return Zoom(frames, _told_end(number, blurred[0], first.layout.dtype))
        window = {name: Axis(tuple(ladder.values.tolist()), ladder.scale) for name, ladder in ladders.items()}
        plan = make_plan(question, hill, optimizer, window, dtype=dtype, seed=seed)
        tell = None if on_frame is None else _telling(on_frame, number)
        frame = refine(prepare(plan, of, level, rules, batch, tell), before, _store_of(store, number))
        frames.append(frame if number else with_labels(frame))
        if not frame.attrs["num_mixed"]:
            return Zoom(
                frames, f"window {number} has no boundary; take a smaller `spacing`, or go elsewhere by `about`."
            )
        row, column = _nearest_mixed(frame["mixed"].values, focus)
        before = _carried(
            frame, *(ladder.shared(at) for ladder, at in zip(ladders.values(), (row, column), strict=True))
        )
        ladders = {name: ladder.half(at) for (name, ladder), at in zip(ladders.items(), (row, column), strict=True)}
        focus = _middle(ladders)
    return Zoom(frames, None)


def _middle(ladders: Mapping[str, Ladder]) -> tuple[int, ...]:
    return tuple((ladder.num - 1) // 2 for ladder in ladders.values())


def _focus(ladders: Mapping[str, Ladder], about: Mapping[str, float] | None) -> tuple[int, ...]:
    """The setting nearest to a point of the first window."""
    if about is None:
        return _middle(ladders)
    if not isinstance(about, Mapping) or set(about) != set(ladders):
        raise ValueError(
            f"`about` must give one value for each of {', '.join(ladders)}, got {about!r}; leave it out for the middle."
        )
    for name, ladder in ladders.items():
        if not ladder.values[0] <= about[name] <= ladder.values[-1]:
            raise ValueError(
                f"`about` must lie in the first window, {name} from {ladder.values[0]:g} to {ladder.values[-1]:g}, got "
                f"{about[name]!r}; go elsewhere, or take wider axes."
            )
    return tuple(ladder.nearest(about[name]) for name, ladder in ladders.items())


def _nearest_mixed(mixed: np.ndarray, focus: tuple[int, ...]) -> tuple[int, int]:
    row, column = np.nonzero(mixed)
    nearest = np.argmin((row - focus[0]) ** 2 + (column - focus[1]) ** 2)
    return int(row[nearest]), int(column[nearest])


def _carried(frame: "xarray.Dataset", rows: tuple[slice, slice], columns: tuple[slice, slice]) -> Known:
    """What the next window knows before it asks."""
    known = Known.nothing((frame["label"].shape[0], frame["label"].shape[1]), frame["label"].dtype)
    known.labels[rows[0], columns[0]] = frame["label"].values[rows[1], columns[1]]
    known.is_known[rows[0], columns[0]] = frame["evaluated"].values[rows[1], columns[1]]
    return known


def _store_of(store: Store | None, number: int) -> Store | None:
    """A window's own, inside the folder."""
    if store is None:
        return None
    return dataclasses.replace(store, path=f"{os.fspath(store.path).rstrip('/')}/{number:03d}.zarr")


def _telling(on_frame: Callable[[int, Refinement], None], number: int) -> Callable[[Refinement], None]:
    return lambda progress: on_frame(number, progress)


def _told_end(number: int, name: str, dtype: np.dtype) -> str:
    return (
        f"the number format ends: after {number} windows {dtype} does not tell neighbouring values of {name} apart; take float64, "
        "fewer points or fewer frames."
    )
