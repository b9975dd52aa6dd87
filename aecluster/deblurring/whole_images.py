"""Images of any size, restored by networks that were trained on small ones: at once, or tile by tile to the same pixels."""

import itertools

import numpy as np
from jaxtyping import Float

from aecluster.arguments import is_array, short, some, whole
from aecluster.ensemble import Ensemble
from aecluster.images import check_images
from aecluster.models import Restorer

TILE = 256  # pixels of a side that are restored at once, without what surrounds them


def restore(
    ensemble: Ensemble, image: Float[np.ndarray, "height width channel"], *, tile: int = TILE
) -> Float[np.ndarray, "seed height width channel"]:
    """What every restorer of an ensemble makes of one image of any size; its memory is that of a tile.

    A restorer is fully convolutional, and sees no farther than `Restorer.radius`. Tiles that are restored with so much
    around them are those of the whole, up to the order in which numbers are added. Networks for one channel restore the
    channels of a colour image one by one; networks for as many restore them together.

    **Arguments**

    - `ensemble`: trained restorers.
    - `image`: pixels in [0, 1]; a grey image has one channel.
    - `tile`: side of the tiles in pixels, without what surrounds them; odd ones are taken one larger.

    Raises ValueError for networks that suit one size alone, for what is no image, and for other channels than trained on.
    """
    side = whole(1)("tile", tile)
    side += side % 2  # the network pairs pixels: a tile begins where a pair does
    radius = _restorer(ensemble).radius()
    image = _checked(image, ensemble.image_shape[2])
    height, width, _ = image.shape
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")  # as the network does it
    window = [min(length, side + 2 * radius) for length in even.shape[:2]]  # of one shape, for one compilation
    restored = np.empty((len(ensemble), *even.shape), np.float32)
    for down, right in itertools.product(*(range(0, length, side) for length in even.shape[:2])):
        top, left = (
            min(max(start - radius, 0), length - size)
            for start, length, size in zip((down, right), even.shape[:2], window, strict=True)
        )
        seen = _by_channels(ensemble, even[top : top + window[0], left : left + window[1]])
        inner = seen[:, down - top : down - top + side, right - left : right - left + side]
        restored[:, down : down + side, right : right + side] = inner
    return restored[:, :height, :width]


def _restorer(ensemble: Ensemble) -> Restorer:
    architecture = some(Ensemble, "ae.restore(path)")("ensemble", ensemble).architecture
    if not isinstance(architecture, Restorer):
        raise ValueError(
            f"`ensemble` must be of restorers, which suit any size, got {architecture}; train an `ae.Restorer()`."
        )
    return architecture


def _checked(image: np.ndarray, channels: int) -> Float[np.ndarray, "height width channel"]:
    if not is_array(image) or image.ndim != 3:
        raise ValueError(
            f"`image` must be an array (height, width, channel), got {short(image)}; of a grey one give `image[..., None]`."
        )
    check_images("image", image[None])
    if channels not in (1, image.shape[2]):
        raise ValueError(
            f"`image` must have {channels} channels as those trained on, got {image.shape[2]}; convert it, or train on "
            "grey images, whose networks restore channels one by one."
        )
    return np.asarray(image, np.float32)


def _by_channels(
    ensemble: Ensemble, image: Float[np.ndarray, "height width channel"]
) -> Float[np.ndarray, "seed height width channel"]:
    """All channels together, or one by one, as many as the networks were made for at a time."""
    together = image[None] if ensemble.image_shape[2] == image.shape[2] else np.moveaxis(image, 2, 0)[..., None]
    restored = ensemble.reconstruct(together)
    return restored[:, 0] if len(together) == 1 else np.moveaxis(restored[..., 0], 1, -1)
