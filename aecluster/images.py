"""Images: what their arrays are called, the one rule for their pixels, and the one way through many of them."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aecluster.arguments import is_array, short

Images: TypeAlias = Float[Array, "image height width channel"]  # on a device, or traced
HostImages: TypeAlias = Float[np.ndarray, "image height width channel"]  # in memory, as the front doors take them
PerImage: TypeAlias = Float[Array, " image"]
Latents: TypeAlias = Float[Array, "image latent"]
Scalar: TypeAlias = Float[Array, ""]
ImageShape: TypeAlias = tuple[int, int, int]  # height, width, channels

CHUNK = 2_000  # images that go through a network, a blur or a measure at once
TOLERANCE = 1e-5  # beyond [0, 1]: float32 rounds a weighted mean of ones by less, and a grey value is 400 times as much
MOST_CHANNELS = 4  # of images that could be meant with their channels first


def check_images(name: str, images: Any, image_shape: ImageShape | None = None) -> None:
    """Refuse what are no images: floats, channels last, at least one pixel, all finite and in [0, 1] but for rounding.

    Raises ValueError naming the argument, what is wrong with it (and the first image that is wrong), and the remedy; with
    an `image_shape`, for images of any other shape too.
    """
    if not is_array(images) or isinstance(images, np.ma.MaskedArray):
        raise ValueError(f"`{name}` must be a plain array, got a {type(images).__name__}; make it one by `np.asarray`.")
    _check_shape(name, images.shape, image_shape)
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(f"`{name}` must be floats in [0, 1], got {images.dtype}; divide 8-bit greys by 255.")
    _check_pixels(name, images)


def check_labels(name: str, labels: Any, num_images: int | None = None) -> None:
    """Refuse what are no labels: one whole number an image, counted from 0. Raises ValueError naming the first that is none."""
    if not is_array(labels):
        raise ValueError(f"`{name}` must be an array, got {short(labels)}; make it one by `np.asarray`.")
    if labels.ndim == 2 and labels.shape[1] > 1 and (num_images is None or len(labels) == num_images):
        raise ValueError(
            f"`{name}` must be one whole number an image, got the shape {labels.shape}; "
            "of one-hot labels take `labels.argmax(1)`."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        words = labels.dtype.kind in "USO"
        remedy = "by `np.unique(labels, return_inverse=True)[1]`" if words else "as integers from 0"
        raise ValueError(f"`{name}` must be whole numbers, got {labels.dtype}; number the classes {remedy}.")
    if labels.ndim != 1 or num_images not in (None, len(labels)):
        many = "the" if num_images is None else f"each of the {num_images}"
        raise ValueError(
            f"`{name}` must be one whole number for {many} images, got the shape {labels.shape}; "
            "give as many labels as images."
        )
    if labels.size == 0:
        raise ValueError(f"`{name}` must count from 0, got none; give one an image.")
    if labels.min() < 0:
        image = int(np.argmax(labels < 0))
        raise ValueError(
            f"`{name}` must count from 0, image {image} has {labels[image]}; give it a class of its own, or leave it out."
        )


def _check_pixels(name: str, images: Any) -> None:
    """Refuse pixels that are not finite or not in [0, 1] but for rounding. Raises ValueError naming the first such image."""
    low, high = -TOLERANCE, 1 + TOLERANCE
    if images.min() >= low and images.max() <= high:  # a NaN makes both comparisons false
        return
    for index, pixels in enumerate(np.asarray(images)):
        if not np.isfinite(pixels).all():
            raise ValueError(
                f"`{name}` must be finite, image {index} has a NaN or infinite pixel; repair or remove it."
            )
        outside = pixels[(pixels < low) | (pixels > high)]
        if outside.size:
            raise ValueError(
                f"`{name}` must lie in [0, 1], image {index} has a pixel {outside[0]:g}; "
                "divide by the largest value (255 for 8-bit greys), or clip."
            )


def _check_shape(name: str, shape: tuple[int, ...], image_shape: ImageShape | None) -> None:
    if image_shape is not None and tuple(shape[1:]) != tuple(image_shape):
        expected = ", ".join(map(str, image_shape))
        raise ValueError(
            f"`{name}` must have shape (images, {expected}) as in training, got {tuple(shape)}; "
            "crop, pad or reshape them alike."
        )
    if len(shape) != 4:
        raise ValueError(
            f"`{name}` must have the axes (image, height, width, channel), got the shape {tuple(shape)}; "
            "add the missing axis, or reshape."
        )
    if 0 in shape:
        raise ValueError(f"`{name}` must hold at least one image, got the shape {tuple(shape)}; choose some.")
    if channels_first(shape):
        raise ValueError(
            f"`{name}` must have the channel last, got the shape {tuple(shape)}, which looks like channels first; "
            "move the axis by `np.moveaxis(images, 1, -1)`."
        )


def channels_first(shape: tuple[int, ...]) -> bool:
    """Whether images of this shape are more likely (image, channel, height, width): hardly a row, and many channels."""
    return shape[1] <= MOST_CHANNELS < shape[3] and shape[2] > MOST_CHANNELS


def chunks(*arrays: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Arrays of as many rows, `CHUNK` rows at a time, and where each time begins."""
    for start in range(0, len(arrays[0]), CHUNK):
        yield start, tuple(array[start : start + CHUNK] for array in arrays)


def joined(parts: Iterable[Any]) -> Any:
    """What was computed chunk by chunk, arrays or trees of them, as one in memory."""
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves]), *parts)
