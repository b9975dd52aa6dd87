"""From what a reader hands over to images in [0, 1] and whole numbers, in a training and a test part."""

from typing import Any

import numpy as np

from aecluster.data.formats.labels import numbered, one_each
from aecluster.data.formats.options import Options, Part, Parts
from aecluster.data.formats.pixels import extremes, resized, scaled, stacked
from aecluster.data.record import ImageData, Split

TEST_SHARE = 0.2


def splits_of(name: str, parts: Parts, options: Options) -> ImageData:
    """Parts as a set: validation images join the training images, or are the test where there is no other.

    One part alone is divided (see `divided`). Raises ValueError for what `Split` refuses, layouts and ranges that are ambiguous,
    and labels that are none.
    """
    arrays = {part: stacked(each, options) for part, each in parts.items()}
    first = next(iter(parts.values()))
    stored = _stored(arrays, parts)
    images = {part: resized(array, options) for part, array in scaled(arrays, options, parts).items()}
    labels, classes = numbered(
        {
            part: one_each(each.labels, len(images[part]), each.source)
            for part, each in parts.items()
            if each.labels is not None
        }
    )
    splits = {part: _split(images[part], labels.get(part), each) for part, each in parts.items()}
    train, test = _train_and_test(splits)
    told: dict[str, Any] = {"classes": first.classes or classes, "stored": stored}
    if test is None:
        return divided(name, train, source=first.source, **told)
    return ImageData(name, train, test, **told)


def divided(name: str, whole: Split, *, source: str, **told) -> ImageData:  # type: ignore[no-untyped-def]
    """A fifth of the images, at least one, as the test part; both parts keep the images' order.

    The choice looks random, so that a file sorted by class gives both parts all classes, and is the same on every
    machine and every day: it follows the raw numbers of PCG64, which NumPy promises never to change.
    """
    num = len(whole.images)
    if num < 2:
        raise ValueError(f"{source} must hold two images or more, got {num}; one is set aside for the test.")
    order = np.argsort(np.random.PCG64(0).random_raw(num), kind="stable")
    num_test = max(1, round(TEST_SHARE * num))
    return ImageData(name, _rows(whole, np.sort(order[num_test:])), _rows(whole, np.sort(order[:num_test])), **told)


def _split(images: np.ndarray, labels: np.ndarray | None, part: Part) -> Split:
    return Split.of(np.ascontiguousarray(images), labels, source=part.source)


def _train_and_test(splits: dict[str, Split]) -> tuple[Split, Split | None]:
    """The two parts; the second is None where there is one."""
    train, *rest = [splits[part] for part in ("train", "val", "test") if part in splits]
    if len(rest) == 2:
        return ImageData("both", train, rest[0]).everything(), rest[1]
    return train, rest[0] if rest else None


def _stored(arrays: dict[str, np.ndarray], parts: Parts) -> str:
    """How the pixels were stored, in words."""
    low, high = extremes(arrays.values())
    skipped = sum(part.skipped for part in parts.values())
    words = f"{next(iter(arrays.values())).dtype} from {low:g} to {high:g}"
    return words + (f", {skipped} broken left out" if skipped else "")


def _rows(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], None if split.labels is None else split.labels[rows])
