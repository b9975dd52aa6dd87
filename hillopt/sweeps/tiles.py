"""How a grid is cut into tiles, which are walked, stored and found again one by one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from hillopt.lanes import num_blocks


class Tiling(NamedTuple):
    """A grid and its tiles, boxes of one shape of which the last ones along an axis may stick out."""

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along each axis."""
        return tuple(num_blocks(size, step) for size, step in zip(self.shape, self.tile, strict=True))

    @property
    def num_tiles(self) -> int:
        """Of all tiles."""
        return math.prod(self.counts)

    def place(self, tile_index: int) -> tuple[int, ...]:
        """Where a tile stands among the tiles."""
        place, rest = [], tile_index
        for count in reversed(self.counts):
            rest, along = divmod(rest, count)
            place.append(along)
        return tuple(reversed(place))

    def region(self, tile_index: int) -> tuple[slice, ...]:
        """The cells of a tile."""
        return tuple(
            slice(along * step, min((along + 1) * step, size))
            for along, step, size in zip(self.place(tile_index), self.tile, self.shape, strict=True)
        )

    def cells(self, tile_index: int) -> int:
        """How many cells a tile has."""
        return math.prod(part.stop - part.start for part in self.region(tile_index))


def cut(shape: Sequence[int], order: Sequence[int], most: int) -> Tiling:
    """Tiles of at most so many cells (at least one); they are filled along the axes in the reverse of `order`."""
    tile, left = [1] * len(shape), most
    for axis in reversed(order):
        tile[axis] = min(shape[axis], left)
        left //= tile[axis]
    return Tiling(tuple(shape), tuple(tile))
