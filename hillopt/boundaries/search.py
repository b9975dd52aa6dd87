"""Which settings of a grid to ask, so that every boundary between labels that is met is followed to its end.

A grid of settings has *cells*, the squares between four neighbouring settings. A cell is *mixed* if its corners have different
labels. The search asks a coarse lattice first. There, and on every lattice four times as fine, it goes on by four rules:

- follow: all corners of a mixed box of the lattice are asked; a side whose ends differ is shared with the next box, which is
  mixed too, and so on along the boundary,
- narrow: of a side whose ends differ the middle is asked, and so on until the change lies between neighbours on the next lattice,
- close, on the finest one: of two settings in a row or a column that differ, with none asked between them, the middle is asked,
- surround, if wanted: the settings around mixed cells are asked, since islands of a rough boundary lie close to it.

In the end every side of a cell across which the labels of asked settings differ has been followed: whoever walks from a mixed
cell across such a side comes to a mixed cell that is known. Labels alone cannot tell of an island that holds no setting asked.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Int

from hillopt.lanes import num_blocks

FINER = 4  # times, that a lattice is as fine as the one before; by 2 a fifth more is asked, by 8 there are more rounds

Settings = Int[np.ndarray, "..."]
"""Flat indices into the grid, one after the other."""


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """The labels that are known of a grid; `is_known` says where. Both are filled as the search goes on."""

    labels: Int[np.ndarray, "row column"]
    is_known: Bool[np.ndarray, "row column"]

    @classmethod
    def nothing(cls, shape: tuple[int, int], dtype: np.dtype) -> "Known":
        """Of a grid of which nothing is known yet."""
        return cls(np.zeros(shape, dtype), np.zeros(shape, bool))

    def unknown(self, settings: Settings) -> Settings:
        """Those that are not known, each once, in order."""
        settings = np.unique(settings)
        return settings[~self.is_known.reshape(-1)[settings]]

    def note(self, settings: Settings, labels: np.ndarray) -> None:
        """Labels that came to be known."""
        self.labels.reshape(-1)[settings] = labels
        self.is_known.reshape(-1)[settings] = True

    @property
    def mixed(self) -> Bool[np.ndarray, "row_cell column_cell"]:
        """The cells that are known to be mixed, one fewer than the settings along each axis."""
        down, across = differing(self.labels, self.is_known)
        return down[:, 1:] | down[:, :-1] | across[1:] | across[:-1]


def differing(labels: np.ndarray, is_known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether neighbours in a column, and neighbours in a row, are known to differ."""
    down = is_known[1:] & is_known[:-1] & (labels[1:] != labels[:-1])
    across = is_known[:, 1:] & is_known[:, :-1] & (labels[:, 1:] != labels[:, :-1])
    return down, across


@dataclasses.dataclass(frozen=True)
class Lattice:
    """Every so many settings of a grid along both axes, the last ones always among them."""

    shape: tuple[int, int]
    stride: int

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows and the columns of its settings."""
        rows, columns = (self.at(np.arange(boxes + 1), axis) for axis, boxes in enumerate(self.boxes))
        return rows, columns

    @property
    def boxes(self) -> tuple[int, int]:
        """How many boxes between its settings there are along each axis."""
        rows, columns = (num_blocks(size - 1, self.stride) for size in self.shape)
        return rows, columns

    def at(self, box: np.ndarray, axis: int) -> np.ndarray:
        """Row or column at which a box begins."""
        return np.minimum(box * self.stride, self.shape[axis] - 1)

    @property
    def settings(self) -> Settings:
        """All of them."""
        rows, columns = self.places
        return (rows[:, None] * self.shape[1] + columns).reshape(-1)

    def corners_around(self, settings: Settings) -> Int[np.ndarray, "box 4"]:
        """The corners of all boxes that have one of its settings as a corner."""
        row, column = (
            -(-part // self.stride) for part in np.divmod(settings, self.shape[1])
        )  # the last may lie nearer
        rows = (row[:, None] + np.array([-1, -1, 0, 0])).reshape(-1)
        columns = (column[:, None] + np.array([-1, 0, -1, 0])).reshape(-1)
        is_inside = (rows >= 0) & (rows < self.boxes[0]) & (columns >= 0) & (columns < self.boxes[1])
        rows, columns = np.divmod(np.unique((rows * self.boxes[1] + columns)[is_inside]), self.boxes[1])
        top, bottom = self.at(rows, 0) * self.shape[1], self.at(rows + 1, 0) * self.shape[1]
        left, right = self.at(columns, 1), self.at(columns + 1, 1)
        return np.stack([top + left, top + right, bottom + left, bottom + right], 1)


def search(known: Known, ask: Callable[[Settings, int], Settings], spacing: int, margin: int = 0) -> None:
    """Ask what has to be asked, from a lattice of this spacing, a power of two, down to the grid itself.

    `ask(settings, stride)` notes the labels of those that are unknown, and returns what is new. Around mixed cells `margin` rings
    of settings are asked too.
    """
    shape = (known.labels.shape[0], known.labels.shape[1])
    ask(Lattice(shape, spacing).settings, spacing)
    steps = strides(spacing)
    for stride, finer in zip(steps, [*steps[1:], 1], strict=True):
        lattice = Lattice(shape, stride)
        _follow(known, ask, lattice, lattice.settings)
        _narrow(known, ask, lattice, finer)
    follow_from(known, ask, ask(_gaps(known), 1), margin)


def strides(spacing: int) -> list[int]:
    """From a spacing down to 1, each a fourth of the one before."""
    return [spacing, *strides(max(1, spacing // FINER))] if spacing > 1 else [1]


def follow_from(known: Known, ask: Callable[[Settings, int], Settings], settings: Settings, margin: int = 0) -> None:
    """Follow the boundaries that these settings have come upon, and those that they lead to."""
    shape = (known.labels.shape[0], known.labels.shape[1])
    while True:
        _follow(known, ask, Lattice(shape, 1), settings)
        settings = ask(_gaps(known), 1)
        if not settings.size and margin:
            settings = ask(_around(known, margin), 1)
        if not settings.size:
            return


def _around(known: Known, margin: int) -> Settings:
    """All settings within so many rings of the corners of mixed cells."""
    from scipy.ndimage import maximum_filter

    down, across = differing(known.labels, known.is_known)
    is_corner = np.zeros(known.labels.shape, bool)
    for ends, sides in ((is_corner, down), (is_corner.T, across.T)):
        ends[1:] |= sides
        ends[:-1] |= sides
    return np.flatnonzero(maximum_filter(is_corner, 2 * margin + 1, mode="constant"))


def _follow(known: Known, ask: Callable[[Settings, int], Settings], lattice: Lattice, settings: Settings) -> None:
    """From those of these settings of a lattice that are known."""
    settings = settings[known.is_known.reshape(-1)[settings]]
    while settings.size:
        corners = lattice.corners_around(settings)
        are_known, labels = known.is_known.reshape(-1)[corners], known.labels.reshape(-1)[corners]
        ends = np.iinfo(labels.dtype)
        least = np.where(are_known, labels, ends.max).min(1, initial=ends.max)
        is_mixed = np.where(are_known, labels, ends.min).max(1, initial=ends.min) > least
        settings = ask(corners[is_mixed][~are_known[is_mixed]], lattice.stride)


def _narrow(known: Known, ask: Callable[[Settings, int], Settings], lattice: Lattice, finer: int) -> None:
    """Halve the lattice's sides whose ends differ, until a change lies between neighbours on a finer lattice."""
    width, (rows, columns) = lattice.shape[1], lattice.places
    sides = differing(*(values[np.ix_(rows, columns)] for values in (known.labels, known.is_known)))
    (above, column), (row, before) = map(np.nonzero, sides)
    first = np.concatenate([rows[above] * width + columns[column], rows[row] * width + columns[before]])
    last = np.concatenate([rows[above + 1] * width + columns[column], rows[row] * width + columns[before + 1]])
    step = np.repeat([width, 1], [above.size, row.size])
    labels = known.labels.reshape(-1)
    while (is_wide := last - first > finer * step).any():
        first, last, step = first[is_wide], last[is_wide], step[is_wide]
        middle = first + -(-(last - first) // (2 * finer * step)) * finer * step
        ask(middle, finer)
        is_same = labels[middle] == labels[first]
        first, last = np.where(is_same, middle, first), np.where(is_same, last, middle)


def _gaps(known: Known) -> Settings:
    """The middles of gaps in rows and columns whose ends differ."""
    width = known.labels.shape[1]
    row, column = _gaps_in_rows(known.labels, known.is_known)
    column_too, row_too = _gaps_in_rows(known.labels.T, known.is_known.T)
    return np.concatenate([row * width + column, row_too * width + column_too])


def _gaps_in_rows(labels: np.ndarray, is_known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.nonzero(is_known)
    found = labels[row, column]
    differ = (row[1:] == row[:-1]) & (found[1:] != found[:-1]) & (column[1:] - column[:-1] > 1)
    return row[1:][differ], (column[1:] + column[:-1])[differ] // 2


def filled(known: Known) -> Int[np.ndarray, "row column"]:
    """The labels of all settings: of what was not asked, that of the nearest setting asked.

    Where every boundary has been followed this is the label: between a setting and one beyond a boundary lie corners of mixed
    cells, which were asked.
    """
    from scipy.ndimage import distance_transform_edt

    row, column = distance_transform_edt(~known.is_known, return_distances=False, return_indices=True)
    return known.labels[row, column]
