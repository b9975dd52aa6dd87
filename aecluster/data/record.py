"""Images with or without labels, checked once where they enter; everything later trusts them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Integer

from aecluster.arguments import maybe, settle, some, text, whole
from aecluster.images import HostImages, ImageShape, check_images, check_labels
from aecluster.names import shown

MOST_NAMED = 3  # classes that a line names


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Images as float32 in [0, 1], height by width by channel, and one integer label for each, or None.

    Make it with `Split.of`, which also takes bytes, missing channels and lists. Raises ValueError for what `check_images`
    refuses, and unless the labels are as many as the images and not negative.
    """

    images: HostImages
    labels: Integer[np.ndarray, " image"] | None = None

    __repr__ = shown

    def __post_init__(self) -> None:
        if not isinstance(self.images, np.ndarray):
            raise ValueError(
                f"`images` must be an array of NumPy, got a {type(self.images).__name__}; make them with `Split.of`."
            )
        if self.images.ndim != 4 or self.images.dtype != np.float32:
            raise ValueError(
                "`images` must be float32 of shape (image, height, width, channel), "
                f"got {self.images.dtype} of shape {self.images.shape}; make them with `Split.of`."
            )
        check_images("images", self.images)
        if self.labels is not None:
            check_labels("labels", self.labels, len(self.images))

    @classmethod
    def of(
        cls,
        images: np.ndarray | Sequence[Any],
        labels: np.ndarray | Sequence[Any] | None = None,
        *,
        source: str | None = None,
    ) -> "Split":
        """Images of many kinds as float32 in [0, 1] with a channel axis, and labels as int64.

        **Arguments**

        - `images`: an array (image, height, width) or (image, height, width, channel), or a list of such images, all of one
          shape. uint8 is divided by 255, bool becomes 0 and 1, floats must be in [0, 1] already.
        - `labels`: one integer for each image, or None; of shape (image,) or (image, 1).
        - `source`: where they come from, say a file; a refusal names it.

        Raises ValueError for what `Split` refuses, other shapes, other dtypes, and uint8 that hold nothing but 0 and 1; the
        sentence names the first bad image.
        """
        try:
            pixels = _as_pixels(images)
            return cls(pixels, None if labels is None else _as_labels(labels))
        except ValueError as error:
            raise ValueError(f"{source}: {error}" if source else str(error)) from None

    def first(self, num_images: int) -> "Split":
        """The first images and their labels. Raises ValueError unless there are so many."""
        num_images = whole()("num_images", num_images)
        if not 1 <= num_images <= len(self.images):
            raise ValueError(
                f"`num_images` must be between 1 and the {len(self.images)} images there are, got {num_images}; take fewer."
            )
        return Split(self.images[:num_images], None if self.labels is None else self.labels[:num_images])


@dataclasses.dataclass(frozen=True, eq=False)
class ImageData:
    """A named set of images in a training and a test part; all images have one shape, or ValueError is raised.

    **Attributes**

    - `name`, `train`, `test`.
    - `classes`: what the labels 0, 1, ... mean where that is known, or None.
    - `stored`: how the pixels were stored before they were brought to [0, 1], in words, or None.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...] | None = None
    stored: str | None = None

    def __post_init__(self) -> None:
        split = some(Split, "ae.Split.of(images)")
        settle(self, name=text, train=split, test=split, stored=maybe(text))
        shape = self.test.images.shape[1:]
        if shape != self.image_shape:
            raise ValueError(
                f"`test` images must have the shape of the training images, {self.image_shape}, got {shape}; "
                "crop or pad them alike."
            )

    @property
    def image_shape(self) -> ImageShape:
        """Height, width and number of channels of one image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    def __repr__(self) -> str:
        return f"ImageData({self.describe()})"

    def describe(self) -> str:
        """The set in one line: how many images, of which size and range, in how many classes."""
        height, width, channels = self.image_shape
        colour = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
        pixels = self.stored or f"pixels from {self._extreme(np.min):g} to {self._extreme(np.max):g}"
        counts = f"{len(self.train.images):,} images to train on, {len(self.test.images):,} to test on"
        return f"{self.name}: {counts}; {height}x{width}, {colour}, {pixels}; {self._classes()}"

    def _extreme(self, which: Callable[[np.ndarray], Any]) -> float:
        return float(which(np.array([which(self.train.images), which(self.test.images)])))

    def _classes(self) -> str:
        found = [split.labels for split in (self.train, self.test) if split.labels is not None]
        if not found:
            return "no labels"
        labels, counts = np.unique(np.concatenate(found), return_counts=True)
        lone = [self.classes[label] if self.classes else str(label) for label in labels[counts == 1].tolist()]
        named = ", ".join(lone[:MOST_NAMED]) + (", ..." if lone[MOST_NAMED:] else "")
        return f"{len(labels)} classes" + (f", {len(lone)} of a single image ({named})" if lone else "")

    def everything(self) -> Split:
        """The training images followed by the test images; labels only where both parts have them."""
        images = np.concatenate([self.train.images, self.test.images])
        if self.train.labels is None or self.test.labels is None:
            return Split(images)
        return Split(images, np.concatenate([self.train.labels, self.test.labels]))

    def take(self, train: int | None = None, test: int | None = None) -> "ImageData":
        """The same set with only the first `train` and `test` images of its parts; None takes all."""
        return dataclasses.replace(
            self,
            train=self.train if train is None else self.train.first(train),
            test=self.test if test is None else self.test.first(test),
        )


def _as_pixels(images: np.ndarray | Sequence[Any]) -> np.ndarray:
    array = _stacked(images)
    if array.dtype == np.uint8:
        if array.size and array.max() == 1:
            raise ValueError(
                "`images` must be greys from 0 to 255 when they are uint8, got nothing above 1; "
                "make them bool (`images > 0`) if 1 is white."
            )
        array = np.divide(array, np.float32(255), dtype=np.float32)
    elif array.dtype == bool or np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused by its index
            array = array.astype(np.float32)
    else:
        raise ValueError(f"`images` must be uint8, bool or float, got {array.dtype}; scale them to floats in [0, 1].")
    if array.ndim not in (3, 4):
        raise ValueError(
            "`images` must be of shape (image, height, width) or (image, height, width, channel), "
            f"got {array.shape}; reshape them."
        )
    return array if array.ndim == 4 else array[..., np.newaxis]


def _stacked(images: np.ndarray | Sequence[Any]) -> np.ndarray:
    try:
        return np.asarray(images)
    except ValueError:  # NumPy refuses a ragged list without saying which image is to blame
        shapes = [np.shape(image) for image in images]
        odd = next(index for index, shape in enumerate(shapes) if shape != shapes[0])
        raise ValueError(
            f"`images` must all have one shape, image {odd} has {shapes[odd]} and image 0 {shapes[0]}; "
            "crop or pad them alike."
        ) from None


def _as_labels(labels: np.ndarray | Sequence[Any]) -> np.ndarray:
    try:
        array = np.asarray(labels)
    except ValueError:
        raise ValueError(
            "`labels` must be one whole number an image, got lists of many lengths; give one each."
        ) from None
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    return array.astype(np.int64) if np.issubdtype(array.dtype, np.integer) else array
