"""One picture in a file, as an image in [0, 1]."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float

from aecluster.data.formats.pictures import Broken, decoded
from aecluster.images import check_images
from aecluster.places import place, quoted, reading, writing_whole

WRITTEN = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".webp")  # endings of what a picture is written as


def read_picture(path: str | os.PathLike[str]) -> Float[np.ndarray, "height width channel"]:
    """The picture in a file (PNG, JPEG and the like, of 8 or 16 bits) in [0, 1], grey with one channel or in colour with three.

    Raises ValueError naming the file if there is none, or it is no whole picture, transparent in part or too large.
    """
    file = place("path", path)
    with reading(file):
        try:
            pixels = decoded(file)
        except Broken as error:
            raise ValueError(f"{quoted(file)} is no whole picture, {error}; mend it, or choose another.") from error
    return (pixels.reshape(*pixels.shape[:2], -1) / np.iinfo(pixels.dtype).max).astype(np.float32)


def write_picture(
    path: str | os.PathLike[str], image: Float[np.ndarray, "height width channel"], *, overwrite: bool = False
) -> Path:
    """Write an image in [0, 1] as a picture of 8 bits, whole or not at all, in the format that the path's ending names.

    Raises ValueError for what is no image of one or three channels, and as `check_picture_path` does.
    """
    from PIL import Image

    check_images("image", np.asarray(image)[None])
    if image.shape[2] not in (1, 3):
        raise ValueError(f"`image` must have one channel or three to be a picture, got {image.shape[2]}; choose some.")
    check_picture_path(path, overwrite=overwrite)
    file = place("path", path)
    greys = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    with writing_whole(file) as half_written:
        Image.fromarray(greys[..., 0] if image.shape[2] == 1 else greys).save(half_written)
    return file


def check_picture_path(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse with ValueError where `write_picture` would: other endings than a picture's, a place that exists or cannot be."""
    file = place("path", path)
    if file.suffix.lower() not in WRITTEN:
        raise ValueError(f"`path` {quoted(file)} must end in one of {', '.join(WRITTEN)}; choose such a name.")
    if file.exists() and not overwrite:
        raise ValueError(f"`path` {quoted(file)} exists; choose another name, or pass overwrite=True.")
    if not file.parent.is_dir():
        raise ValueError(f"`path` {quoted(file)} must lie in a folder that is there; make it, or choose another.")
