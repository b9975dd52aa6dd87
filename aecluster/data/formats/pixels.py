"""Pixels as files have them, as float32 in [0, 1], height by width by channel."""

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from aecluster.data.formats.options import Options, Part, Parts
from aecluster.images import MOST_CHANNELS, TOLERANCE

EIGHT_BIT, SIXTEEN_BIT = 255, 65_535


def stacked(part: Part, options: Options) -> np.ndarray:
    """The images of a part in one array (image, height, width, channel), numbers as they are.

    Images of several sizes are brought to `image_size`. Raises ValueError for a layout that is ambiguous or none.
    """
    if isinstance(part.images, list):
        return _of_list(part, options)
    array = np.asarray(part.images)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{part.source}: `images` must be numbers, got {array.dtype}; give them as such.")
    check_room(part.source, array.size)
    return _channels_last(_images_first(array, part, options), part.source, options)


def check_room(source: str, num_pixels: int) -> None:
    """Refuse more pixels than this machine's memory holds as float32. Raises ValueError."""
    needed, there = 4 * num_pixels, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise ValueError(
            f"{source} announces {num_pixels:,} pixels, {needed / 1e9:,.0f} GB in float32, and this machine has "
            f"{there / 1e9:,.0f} GB of memory; take fewer images."
        )


def scaled(arrays: dict[str, np.ndarray], options: Options, parts: Parts) -> dict[str, np.ndarray]:
    """Arrays of several parts as float32 in [0, 1], all of one kind by one black and one white."""
    alike = {name: [other for other in arrays.values() if other.dtype == array.dtype] for name, array in arrays.items()}
    scales = {name: _scale(alike[name], options, parts[name].source) for name in arrays}
    return {name: _between(array, *scales[name]) for name, array in arrays.items()}


def resized(images: np.ndarray, options: Options) -> np.ndarray:
    """Images of [0, 1] stretched or shrunk to `image_size`, where that is asked for, by triangles that do not alias."""
    if options.image_size is None or options.image_size == images.shape[1:3]:
        return images
    return np.stack([_resized(image, options.image_size) for image in images])


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    planes = [Image.fromarray(image[..., channel]) for channel in range(image.shape[-1])]
    found = [np.asarray(plane.resize(size[::-1], Image.Resampling.BILINEAR)) for plane in planes]
    return np.clip(np.stack(found, -1), image.min(), image.max())


def _of_list(part: Part, options: Options) -> np.ndarray:
    """Pictures: greys become colours where some are, 8 bits become 16 where some are."""
    images = [image if image.ndim == 3 else image[..., None] for image in part.images]
    channels, deepest = max(image.shape[-1] for image in images), max(image.dtype for image in images)
    images = [np.repeat(image, channels, -1) if image.shape[-1] == 1 else image for image in images]
    if deepest == np.uint16:
        images = [image if image.dtype == deepest else image.astype(deepest) * np.uint16(257) for image in images]
    shapes = [image.shape for image in images]
    if len(set(shapes)) > 1:
        if options.image_size is None:
            odd = next(index for index, shape in enumerate(shapes) if shape != shapes[0])
            raise ValueError(
                f"{part.source}: `images` must all have one shape, image {odd} has {shapes[odd]} and image 0 {shapes[0]}; pass "
                "`image_size` to bring them to one."
            )
        images = [_resized(image.astype(np.float32), options.image_size).round().astype(deepest) for image in images]
    return np.stack(images)


def _images_first(array: np.ndarray, part: Part, options: Options) -> np.ndarray:
    """The array with the axis of images in front, which the labels' number or a shape that was given tells."""
    if array.ndim < 2:
        return array
    count = _count(part.labels)
    if count is not None and len(array) != count == array.shape[-1]:
        return np.moveaxis(array, -1, 0)
    if count is not None or not part.images_last or array.ndim < 3 or len(array) == max(array.shape):
        return array
    if options.image_shape in (array.shape[1:], array.shape[:-1]):
        return array if options.image_shape == array.shape[1:] else np.moveaxis(array, -1, 0)
    if array.shape[-1] == max(array.shape):
        return np.moveaxis(array, -1, 0)
    raise ValueError(
        f"{part.source}: `images` of shape {array.shape} and without labels do not tell which axis counts them; pass "
        "`image_shape`."
    )


def _count(labels: Any) -> int | None:
    """How many images there are by their labels, of one axis or of two."""
    return None if labels is None or not np.ndim(labels) else max(np.shape(labels))


def _channels_last(array: np.ndarray, source: str, options: Options) -> np.ndarray:
    shape, told = array.shape, options.image_shape
    if array.ndim == 2:
        return _channels_last(array.reshape(len(array), *_unrolled(shape[1], source, told)), source, options)
    if told is not None and told not in (shape[1:], (*shape[1:], 1)):
        raise ValueError(f"{source}: `image_shape` is {told}, but one image has the shape {shape[1:]}; correct it.")
    if array.ndim == 3:
        if told is None and shape[2] in (3, MOST_CHANNELS) and min(shape[:2]) > MOST_CHANNELS:
            raise ValueError(
                f"{source}: `images` of shape {shape} may be one image in colour or {shape[0]} of {shape[1]}x{shape[2]} pixels; "
                f"add the axis of images, or pass `image_shape`."
            )
        return array[..., None]
    if array.ndim != 4:
        raise ValueError(
            f"{source}: `images` must be of shape (image, height, width) or (image, height, width, channel), got {shape}; "
            "reshape them."
        )
    first, last = shape[1] <= MOST_CHANNELS, shape[3] <= MOST_CHANNELS
    if first and last and told is None:
        raise ValueError(
            f"{source}: `images` of shape {shape} may have their channels first or last; pass `image_shape={shape[1:]}` if they "
            "are last, or move the axis."
        )
    return np.moveaxis(array, 1, -1) if first and not last else array


def _unrolled(length: int, source: str, told: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an image that is given as one row: what is said, else a square."""
    if told is not None:
        if math.prod(told) != length:
            raise ValueError(f"{source}: `image_shape` is {told}, but rows have {length} numbers; correct it.")
        return told
    side = math.isqrt(length)
    if side * side != length:
        raise ValueError(f"{source}: `images` are rows of {length} numbers, which make no square; pass `image_shape`.")
    return side, side


def _scale(arrays: list[np.ndarray], options: Options, source: str) -> tuple[float, float]:
    """Black and white of arrays of one kind; ValueError where their range does not tell."""
    if options.white is not None:
        return 0, options.white
    dtype, low, high = arrays[0].dtype, *extremes(arrays)
    if dtype.kind == "b" or not (np.isfinite(low) and np.isfinite(high)):
        return 0, 1
    if dtype == np.uint8 and high != 1:
        return 0, EIGHT_BIT
    if dtype.kind == "f" and high <= 1 + TOLERANCE and low >= -1 - TOLERANCE:
        return (0, 1) if low >= -TOLERANCE else (-1, 1)
    for white in (EIGHT_BIT, SIXTEEN_BIT):
        if low >= 0 and white / 2 < high <= white:
            return 0, white
    raise ValueError(
        f"{source}: `images` are {dtype} from {low:g} to {high:g}, which tells no white; pass `white`, such as 255 for 8 bits."
    )


def extremes(arrays: Iterable[np.ndarray]) -> tuple[float, float]:
    """The lowest and the highest number of all; 0 where there is none."""
    full = [array for array in arrays if array.size]
    if not full:
        return 0.0, 0.0
    return float(min(array.min() for array in full)), float(max(array.max() for array in full))


def _between(array: np.ndarray, black: float, white: float) -> np.ndarray:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused by its index
        array = array.astype(np.float32)
    if black:
        return np.clip((array - np.float32(black)) / np.float32(white - black), 0, 1)
    return array if white == 1 else np.divide(array, np.float32(white))
