"""Many small images as one picture inside a page."""

import base64
import io
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from aecluster.images import HostImages

SIDE = 32  # pixels of a thumbnail's longer side, at most


class Sprite(NamedTuple):
    """Images side by side in one PNG, row after row."""

    source: str
    """As an address that holds the picture itself."""
    across: int
    """Images a row."""
    height: int
    width: int
    """Of one image, in pixels."""


def sprite(images: HostImages, levels: int) -> Sprite:
    """The images, those larger than `SIDE` made smaller, in so many levels of each channel."""
    from PIL import Image

    small = _small(images)
    count, height, width, channels = small.shape
    across = math.ceil(math.sqrt(count))
    tiles = np.zeros((across * -(-count // across), height, width, channels), np.uint8)
    tiles[:count] = np.round(np.round(np.clip(small, 0, 1) * (levels - 1)) * (255 / (levels - 1)))
    sheet = tiles.reshape(-1, across, height, width, channels).swapaxes(1, 2).reshape(-1, across * width, channels)
    written = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(written, "PNG", optimize=True)
    return Sprite(f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}", across, height, width)


def _small(images: HostImages) -> Float[np.ndarray, "image tall wide channel"]:
    """By the mean of squares of pixels; a rest at the right and below is cut off."""
    count, height, width, channels = images.shape
    by = -(-max(height, width) // SIDE)
    if by == 1:
        return images
    tall, wide = max(1, height // by), max(1, width // by)
    cut = images[:, : tall * by, : wide * by].reshape(count, tall, min(by, height), wide, min(by, width), channels)
    return cut.mean((2, 4))
