"""What a user may say of images where the file leaves it open, and what a reader hands over."""

import dataclasses
from typing import Any, NamedTuple, TypeAlias

from aecluster.arguments import flag, maybe, plain, real, settle, short, text, whole, wholes


@dataclasses.dataclass(frozen=True)
class Options:
    """The keywords of `load` that say how a source of images is meant; its docstring describes them."""

    image_shape: tuple[int, ...] | None = None
    image_size: tuple[int, int] | None = None
    images_key: str | None = None
    labels_key: str | None = None
    white: float | None = None
    skip_broken: bool = False

    def __post_init__(self) -> None:
        settle(self, image_shape=maybe(_shape), image_size=maybe(_size), white=maybe(real(above=0)), skip_broken=flag)
        settle(self, images_key=maybe(text), labels_key=maybe(text))

    def given(self) -> list[str]:
        """The names of what was said."""
        return [field.name for field in dataclasses.fields(self) if getattr(self, field.name) != field.default]


class Part(NamedTuple):
    """Images and labels as a file has them, and what a sentence calls them."""

    images: Any
    """An array of any usual layout and numbers, or a list of arrays (height, width, channel)."""
    labels: Any = None
    """Of any usual shape and kind, or None."""
    source: str = "images"
    classes: tuple[str, ...] | None = None
    """Names of the classes 0, 1, ... where the file tells them."""
    images_last: bool = False
    """Whether the images may lie along the last axis, as MATLAB has them."""
    skipped: int = 0
    """Broken images that were left out."""


Parts: TypeAlias = dict[str, Part]
"""By name: "train", "val", "test"; one alone is all there is."""


class Unfit(ValueError):
    """A file that is known for what it is and cannot be read; the sentence is for the user."""


def _shape(name: str, value: Any) -> tuple[int, ...]:
    shape = wholes(1)(name, value)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"`{name}` must be height and width, or those and the channels, got {short(value)}; give two or three."
        )
    return shape


def _size(name: str, value: Any) -> tuple[int, int]:
    number = plain(value)
    if isinstance(number, int) and not isinstance(number, bool):
        return (whole(1)(name, number),) * 2
    size = wholes(1)(name, value)
    if len(size) not in (1, 2):
        raise ValueError(f"`{name}` must be one number, or height and width, got {short(value)}; give one or two.")
    return size[0], size[-1]
