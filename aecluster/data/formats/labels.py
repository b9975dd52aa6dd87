"""Labels as files have them, as one whole number an image."""

from typing import Any

import numpy as np


def one_each(labels: Any, num_images: int, source: str) -> np.ndarray:
    """Labels with one axis, integers or words, from columns, rows, one-hot tables, bytes and whole floats.

    Raises ValueError for labels that are several an image, no whole numbers, or missing.
    """
    try:
        array = np.asarray(labels)
    except ValueError:
        raise ValueError(
            f"{source}: `labels` must be one an image, got lists of many lengths; give one each."
        ) from None
    if array.ndim == 2 and len(array) != num_images == array.shape[1]:
        array = array.T
    if array.ndim == 2:
        array = array[:, 0] if array.shape[1] == 1 else _from_one_hot(array, source)
    if array.dtype.kind in "SOU" or array.dtype.kind == "T":
        return _words(array)
    if array.dtype.kind == "f":
        odd = array != np.round(array)  # a NaN differs from itself
        if odd.any():
            image = int(np.argmax(odd.reshape(-1)))
            raise ValueError(
                f"{source}: `labels` must be whole numbers or words, image {image} has {array.reshape(-1)[image]:g}; "
                "give it a class."
            )
    return array.astype(np.int64) if array.dtype.kind in "bfiu" else array


def numbered(labels: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...] | None]:
    """Words become the numbers of their alphabetical order in all parts, and the words are the classes' names."""
    if not any(array.dtype.kind == "U" for array in labels.values()):
        return labels, None
    classes = np.unique(np.concatenate([array.astype(str).reshape(-1) for array in labels.values()]))
    found = {part: np.searchsorted(classes, array.astype(str)).astype(np.int64) for part, array in labels.items()}
    return found, tuple(classes.tolist())


def _from_one_hot(array: np.ndarray, source: str) -> np.ndarray:
    """The column of the one entry of each row that stands out, be it 1 among 0 or 1 among -1."""
    if array.dtype.kind in "bfiu":
        low, high = array.min(), array.max()
        if ((array == high).sum(1) == 1).all() and ((array == low).sum(1) == array.shape[1] - 1).all():
            return array.argmax(1)
    raise ValueError(
        f"{source}: `labels` of shape {array.shape} must have one class an image, as one number or one-hot; choose one each."
    )


def _words(array: np.ndarray) -> np.ndarray:
    """Text, or the whole numbers that it spells."""
    texts = [each.decode() if isinstance(each, bytes) else str(each) for each in array.reshape(-1).tolist()]
    words = np.array([text.strip() for text in texts], dtype=np.str_).reshape(array.shape)
    digits = words.size and all(text.isdecimal() and text.isascii() and len(text) < 10 for text in words.reshape(-1))
    return words.astype(np.int64) if digits else words
