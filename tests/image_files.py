"""Files of images that tests write, and how what was read of them is compared."""

import re
from pathlib import Path

import numpy as np
import pytest

from aecluster.data import write_idx

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason="the original files of MNIST are not there")

FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
RNG = np.random.default_rng(7)
ARRAYS = [
    RNG.integers(0, 256, (12, 6, 5), np.uint8),
    RNG.integers(0, 10, 12, np.uint8),
    RNG.integers(0, 256, (4, 6, 5), np.uint8),
    RNG.integers(0, 10, 4, np.uint8),
]
WHOLE = [ARRAYS[0], ARRAYS[1]]


def write_all(folder, names, arrays=ARRAYS):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, arrays, strict=True):
        write_idx(folder / name, array)
    return folder


def assert_holds(split, images, labels):
    np.testing.assert_array_equal(split.images[..., 0], images / np.float32(255))
    np.testing.assert_array_equal(split.labels, labels)
    assert split.images.dtype == np.float32


def refusal(*parts):
    """Matches one sentence that holds all parts, in their order."""
    return "^[^\n]*" + "[^\n]*".join(map(re.escape, parts)) + "[^\n]*(?<=[.?])$"
