"""The cutting of a grid into tiles."""

import numpy as np
import pytest

from hillopt.sweeps.tiles import Tiling, cut


@pytest.mark.parametrize(
    ("shape", "order", "most", "tile"),
    [
        ((5, 11), (0, 1), 4, (1, 4)),
        ((5, 11), (0, 1), 30, (2, 11)),
        ((5, 11), (1, 0), 30, (5, 6)),
        ((5, 11), (0, 1), 1000, (5, 11)),
        ((7,), (0,), 3, (3,)),
        ((3, 4, 5), (2, 0, 1), 13, (3, 4, 1)),
        ((3, 4), (0, 1), 1, (1, 1)),
    ],
)
def test_tiles_cover_the_grid_once(shape, order, most, tile):
    tiling = cut(shape, order, most)
    assert tiling.tile == tile
    covered = np.zeros(shape, int)
    for number in range(tiling.num_tiles):
        covered[tiling.region(number)] += 1
        assert tiling.cells(number) == covered[tiling.region(number)].size <= most
    assert np.all(covered == 1)


def test_a_tiling_knows_its_places():
    tiling = Tiling((5, 11), (2, 4))
    assert tiling.counts == (3, 3)
    assert [tiling.place(number) for number in (0, 4, 8)] == [(0, 0), (1, 1), (2, 2)]
    assert tiling.region(8) == (slice(4, 5), slice(8, 11))
