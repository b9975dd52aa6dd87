"""Photographs that scikit-image carries, in patches of grey: some to learn from, others to be tested on."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from aecluster.arguments import whole
from aecluster.data import ImageData, Split

PHOTOGRAPHS = "photographs"
TO_LEARN_FROM = ("brick", "camera", "coffee", "coins", "grass", "rocket", "text")
TO_TEST_ON = ("astronaut", "chelsea", "gravel", "moon", "page")
SIDE = 32  # pixels of a patch


def photographs(side: int = SIDE) -> ImageData:
    """Grey patches of scikit-image's photographs; no photograph is in both parts, and the label of a patch is its photograph's.

    All come with scikit-image, nothing is downloaded. Patches to learn from overlap by half, those to be tested on do not.
    Colour is made grey by the weights of ITU-R BT.709, as scikit-image does. Raises ValueError unless the side is a whole
    number from 8 to 128.
    """
    side = whole(8, 128)("side", side)
    return ImageData(PHOTOGRAPHS, _patches(TO_LEARN_FROM, side, side // 2), _patches(TO_TEST_ON, side, side))


def photograph(name: str) -> Float[np.ndarray, "height width 1"]:
    """One of the photographs in grey, in [0, 1]."""
    from skimage import color, data

    image = getattr(data, name)()
    grey = color.rgb2gray(image) if image.ndim == 3 else image / 255
    return grey[..., None].astype(np.float32).clip(0, 1)


def _patches(names: Sequence[str], side: int, stride: int) -> Split:
    labelled = [(patch, label) for label, name in enumerate(names) for patch in _cut(photograph(name), side, stride)]
    patches, labels = zip(*labelled, strict=True)
    return Split(np.stack(patches), np.array(labels))


def _cut(image: np.ndarray, side: int, stride: int) -> Iterator[np.ndarray]:
    height, width, _ = image.shape
    for down in range(0, height - side + 1, stride):
        for right in range(0, width - side + 1, stride):
            yield image[down : down + side, right : right + side]
