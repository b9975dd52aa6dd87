"""How a tile's settings lie in rows and columns, and how what comes out becomes cells of the grid again."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Array, UInt32

from hillopt.axes import Axis
from hillopt.pytrees import Number
from hillopt.sweeps.tiles import Tiling

T = TypeVar("T")

FASTEST = "learning_rate"


class Lanes(NamedTuple):
    """Settings in rows and columns: every swept number as [row, 1] or [1, column], or as one lane after the other."""

    swept: dict[str, Number]
    row_index: UInt32[np.ndarray, "row 1"] | Array
    """Of the rows and columns in the whole grid; they decide the noise."""
    column_index: UInt32[np.ndarray, "1 column"] | Array


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """The axes, cut into tiles. Of the axes the learning rate runs fastest, along the columns of a tile.

    Neighbouring lanes then differ in the learning rate alone: numbers that only the other axes decide are computed once a
    row, and since the ramp is skipped, neighbours settle after about as many steps.
    """

    axes: Mapping[str, Axis]
    dtype: np.dtype
    tiling: Tiling
    """In the order of the axes as given."""
    call_shape: tuple[int, int]
    """Rows and columns that a device walks at once: a tile, filled up to whole blocks."""

    @functools.cached_property
    def order(self) -> list[str]:
        """The axes as they are walked, the fastest last."""
        return walking_order(self.axes)

    @property
    def num_columns(self) -> int:
        """Of the whole grid."""
        return len(self.axes[self.order[-1]].values)

    def lanes(self, tile_index: int) -> Lanes:
        """The settings of a tile, its last row and column standing in beyond its end."""
        region, sizes = self._in_walking_order(self.tiling.region(tile_index)), self._sizes(tile_index)
        rows, columns = self.call_shape
        row = np.minimum(np.arange(rows), math.prod(sizes[:-1]) - 1)
        within = [*np.unravel_index(row, sizes[:-1])] if len(sizes) > 1 else []
        index = [part.start + along for part, along in zip(region[:-1], within, strict=True)]
        column = region[-1].start + np.minimum(np.arange(columns), sizes[-1] - 1)
        grid = self._in_walking_order(self.tiling.shape)
        row_index = np.ravel_multi_index(index, grid[:-1]) if index else np.zeros(rows)
        values = {
            name: np.asarray(self.axes[name].values, self.dtype)[where]
            for name, where in zip(self.order, [*index, column], strict=True)
        }
        swept = {name: array[None, :] if name == self.order[-1] else array[:, None] for name, array in values.items()}
        return Lanes(swept, row_index.astype(np.uint32)[:, None], column.astype(np.uint32)[None, :])

    def without_filling(self, tile_index: int, field: np.ndarray) -> np.ndarray:
        """The rows and columns of a call that are a tile's own; a field's own dimensions stand before them."""
        *rows, columns = self._sizes(tile_index)
        return field[..., : math.prod(rows), :columns]

    def as_cells(self, tile_index: int, field: np.ndarray) -> np.ndarray:
        """A tile's rows and columns as its cells in the order of the axes as given."""
        own = field.ndim - 2
        cells = field.reshape(*field.shape[:own], *self._sizes(tile_index))
        moved = [*range(own), *(own + self.order.index(name) for name in self.axes)]
        return np.ascontiguousarray(np.transpose(cells, moved))

    def _sizes(self, tile_index: int) -> list[int]:
        return [part.stop - part.start for part in self._in_walking_order(self.tiling.region(tile_index))]

    def _in_walking_order(self, values: Sequence[T]) -> list[T]:
        by_name = dict(zip(self.axes, values, strict=True))
        return [by_name[name] for name in self.order]


def walking_order(names: Mapping[str, object] | Sequence[str]) -> list[str]:
    """Names of axes, the one that runs fastest last."""
    return sorted(names, key=lambda name: name == FASTEST)
