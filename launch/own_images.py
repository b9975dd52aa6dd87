"""Images of one's own for a command: the setting --read, and the set that it and --data_dir give."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aecluster as ae
from launch.fields import flag


def data_dir() -> Any:
    """The setting --data_dir."""
    return flag(None, "Images: a folder of pictures, IDX, .npz, .npy, CSV, parquet, .mat or HDF5, or one such file.")


def read() -> Any:
    """The setting --read."""
    about = f"How those images are meant, where that is open: NAME=VALUE, one a flag; {', '.join(SHOWN)}."
    return flag((), about, repeated=True, may_be_empty=True)


def load(name: str | None, data_dir: Path | None, read: Sequence[str]) -> ae.ImageData:
    """The images by name or from their place; ValueError in the words of the flags."""
    options = dict(map(_option, read))
    try:
        return ae.load(name, data_dir, **options)
    except ValueError as error:
        raise ValueError(_in_flags(str(error))) from error


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if name not in OPTIONS or not value:
        raise ValueError(f"`--read={text}` must be NAME=VALUE, such as {', '.join(SHOWN)}; write it so.")
    try:
        return name, OPTIONS[name](value)
    except (ValueError, KeyError):
        raise ValueError(f"`--read={text}` has no such value; write it as in {', '.join(SHOWN)}.") from None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("x"))


def _in_flags(sentence: str) -> str:
    def told(match: re.Match) -> str:
        value = re.sub(r"[()' ]", "", match["value"] or "").replace(",", "x").replace("True", "true")
        return f"`--read={match['name']}{value}`"

    return re.sub(rf"`(?P<name>{'|'.join(OPTIONS)})(?P<value>=[^`]*)?`", told, sentence)


OPTIONS: dict[str, Callable[[str], Any]] = {
    "image_size": _numbers,
    "image_shape": _numbers,
    "images_key": str,
    "labels_key": str,
    "white": float,
    "skip_broken": {"true": True, "false": False}.__getitem__,
}
SHOWN = (
    "image_size=28 or 28x40",
    "image_shape=3x32x32",
    "images_key=x",
    "labels_key=y",
    "white=255",
    "skip_broken=true",
)
