"""Photographs in patches: none in both parts, nothing downloaded, what a patch is cut from."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from aecluster import deblurring
from aecluster.deblurring.photographs import TO_LEARN_FROM, TO_TEST_ON


@pytest.fixture(scope="module")
def patches():
    return deblurring.photographs(64)


def test_no_photograph_is_in_both_parts_and_all_come_with_scikit_image():
    assert not {*TO_LEARN_FROM} & {*TO_TEST_ON}
    assert {*TO_LEARN_FROM, *TO_TEST_ON} <= {path.stem for path in Path(data.__file__).parent.iterdir()}


def test_patches_are_cut_where_they_should_be(patches):
    camera = data.camera() / 255
    mine = patches.train.images[patches.train.labels == TO_LEARN_FROM.index("camera")]
    assert mine.shape == (15 * 15, 64, 64, 1)
    np.testing.assert_allclose(mine[1, ..., 0], camera[:64, 32:96], atol=1e-6)
    np.testing.assert_allclose(mine[-1, ..., 0], camera[-64:, -64:], atol=1e-6)
    red, green, blue = np.moveaxis(data.astronaut()[:64, :64] / 255, -1, 0)
    grey = 0.2125 * red + 0.7154 * green + 0.0721 * blue
    np.testing.assert_allclose(patches.test.images[0, ..., 0], grey, atol=1e-6)
    assert {*patches.test.labels.tolist()} == {*range(len(TO_TEST_ON))}


@pytest.mark.usefixtures("as_users_call")
def test_a_side_that_is_none():
    with pytest.raises(ValueError, match="`side` must be a whole number from 8 to 128, got 4; give more"):
        deblurring.photographs(4)
