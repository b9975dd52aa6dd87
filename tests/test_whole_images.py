"""Restorers on images of any size: tiles are the whole, pixels see no farther than they say, channels one by one."""

import jax
import numpy as np
import pytest

import aecluster as ae
from aecluster import deblurring
from aecluster.ensemble import History
from aecluster.models import initialize

RNG = np.random.default_rng(8)


def untrained(architecture, channels=1, num_seeds=1):
    shape = (8, 8, channels)
    params = initialize(architecture, shape, jax.random.split(jax.random.key(1), num_seeds))
    return ae.Ensemble(architecture, shape, tuple(range(num_seeds)), params, History.empty(num_seeds))


def image(*shape):
    return RNG.random(shape, np.float32)


SMALL = ae.Restorer(3, 1, 3)


@pytest.mark.parametrize(
    ("architecture", "shape", "tile"),
    [
        (SMALL, (33, 46, 1), 7),
        (SMALL, (1, 40, 1), 1),
        (ae.Restorer(2, 2, 5), (45, 17, 1), 16),
        (ae.Restorer(2, 1, 4), (41, 30, 1), 10),
    ],
    ids=str,
)
def test_tiles_are_the_whole(architecture, shape, tile):
    ensemble, given = untrained(architecture), image(*shape)
    whole = ensemble.reconstruct(given[None])[:, 0]
    np.testing.assert_allclose(deblurring.restore(ensemble, given, tile=tile), whole, atol=2e-6)


@pytest.mark.parametrize("architecture", [ae.Restorer(3, 1, 5)], ids=str)
def test_a_pixel_sees_as_far_as_it_says_and_hardly_less(architecture):
    """Every pixel but the middle one is moved, and what answers is measured."""
    radius, side = architecture.radius(), 2 * architecture.radius() + 21
    ensemble, given = untrained(architecture), image(side, side, 1)
    other = given.copy()
    middle = side // 2
    other[middle, middle] = 1 - other[middle, middle]
    moved = np.argwhere(
        deblurring.restore(ensemble, given)[0, ..., 0] != deblurring.restore(ensemble, other)[0, ..., 0]
    )
    farthest = abs(moved - middle).max()
    assert radius - 3 <= farthest <= radius


def test_colours_one_by_one_or_together():
    grey, joint, given = untrained(SMALL), untrained(SMALL, 3), image(20, 13, 3)
    one_by_one = deblurring.restore(grey, given)
    for channel in range(3):
        alone = deblurring.restore(grey, given[..., channel : channel + 1])
        np.testing.assert_allclose(one_by_one[..., channel], alone[..., 0], atol=2e-6)
    np.testing.assert_allclose(deblurring.restore(joint, given)[:, None], joint.reconstruct(given[None]), atol=2e-6)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (
            lambda: (untrained(ae.Dense(2)), image(8, 8, 1)),
            "`ensemble` must be of restorers, which suit any size, got Dense(",
        ),
        (lambda: (3, image(8, 8, 1)), "`ensemble` must be an Ensemble, got 3; write ae.restore(path)."),
        (
            lambda: (untrained(SMALL), image(8, 8)),
            "`image` must be an array (height, width, channel), got an array of",
        ),
        (lambda: (untrained(SMALL), 2 * image(8, 8, 1) + 1), "`image` must lie in [0, 1], image 0 has a pixel"),
        (
            lambda: (untrained(SMALL, 3), image(8, 8, 1)),
            "`image` must have 3 channels as those trained on, got 1; convert it,",
        ),
    ],
)
def test_refusals(refused, sentence):
    with pytest.raises(ValueError, match="`") as error:
        deblurring.restore(*refused())
    assert str(error.value).startswith(sentence)


@pytest.mark.usefixtures("as_users_call")
def test_a_tile_is_one_pixel_at_least():
    with pytest.raises(ValueError, match="`tile` must be a whole number of at least 1, got 0; give more"):
        deblurring.restore(untrained(SMALL), image(8, 8, 1), tile=0)
