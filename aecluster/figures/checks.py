"""What the figures ask of the arrays they are given; each rule says which argument broke it and what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aecluster.arguments import is_array, short, some
from aecluster.images import check_images, check_labels

MOST_CLASSES = 1_000


def check_drawable(name: str, images: np.ndarray) -> None:
    """Refuse what cannot be drawn: images are a batch of grey or RGB ones in [0, 1]. Raises ValueError naming the argument."""
    check_images(name, images)
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            f"`{name}` must have 1 or 3 channels to be drawn, got the shape {images.shape}; choose some of the channels."
        )


def check_points(name: str, points: np.ndarray) -> None:
    """Points are finite and live in the plane."""
    if not is_array(points):
        raise ValueError(f"`{name}` must be an array (image, 2), got {short(points)}; make it one by `np.asarray`.")
    if points.ndim != 2 or points.shape[-1] != 2:
        raise ValueError(
            f"`{name}` must have the shape (image, 2), got {points.shape}; project to two dimensions first."
        )
    if len(points) == 0:
        raise ValueError(f"`{name}` must hold at least one point, got none; choose some.")
    if not np.isfinite(points).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinity; remove such points.")


def check_classes(name: str, labels: np.ndarray, num_images: int | None = None) -> None:
    """Labels count the classes from 0, one an image, and not more of them than a figure can name."""
    check_labels(name, labels, num_images)
    if labels.max() >= MOST_CLASSES:
        raise ValueError(
            f"`{name}` must be below {MOST_CLASSES:,} to be drawn, got {labels.max()}; number them by "
            "`np.unique(labels, return_inverse=True)[1]`."
        )


def check_same_shape(name: str, array: np.ndarray, shape: tuple[int, ...], other: str) -> None:
    """Two arrays show the same things."""
    if not is_array(array):
        raise ValueError(f"`{name}` must be an array, got {short(array)}; make it one by `np.asarray`.")
    if array.shape != shape:
        raise ValueError(
            f"`{name}` must have the shape of {other}, {shape}, got {array.shape}; choose the same images for both."
        )


def check_map(name: str, pixels: np.ndarray, shape: tuple[int, ...]) -> None:
    """A map says yes or no for each pixel of an image."""
    check_same_shape(name, pixels, shape, "one image")
    if pixels.dtype != bool:
        raise ValueError(f"`{name}` must be true or false, got {pixels.dtype}; compare with a threshold.")


def check_filled(name: str, mapping: Mapping[str, Any]) -> None:
    """There is something to draw."""
    some(Mapping, "{'latent 2': images}")(name, mapping)
    if not mapping:
        raise ValueError(f"`{name}` must name at least one thing to draw, got none; give some.")


def check_keys(name: str, mapping: Mapping[str, Any], known: Sequence[str]) -> None:
    """What is said belongs to something drawn."""
    strays = [key for key in mapping if key not in known]
    if strays:
        raise ValueError(f"`{name}` must speak of the rows drawn, got {strays[0]!r}; choose among {list(known)}.")


def names_of(classes: int, class_names: Sequence[str] | None) -> list[str]:
    """The classes' names: their numbers, unless names are given."""
    if class_names is None:
        return [str(label) for label in range(classes)]
    if len(class_names) < classes:
        raise ValueError(
            f"`class_names` must name all {classes} classes, got {len(class_names)} names; name the last ones too."
        )
    return list(class_names)
