"""Folders of pictures: PNG, JPEG and what else Pillow reads; folders in them name classes, or train and test."""

import io
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from aecluster.data.formats.options import Options, Part, Parts, Unfit
from aecluster.data.formats.pixels import check_room
from aecluster.data.formats.roles import part_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
MOST_PIXELS = 2**26  # of one picture
_DEEP = ("I;16", "I;16B", "I;16L", "I")


class Broken(ValueError):
    """A picture that cannot be read; the text says why."""


def is_folder_of_pictures(folder: Path) -> bool:
    """Whether there is a picture in the folder or below."""
    return any(_pictures(folder))


def read_pictures(folder: Path, options: Options) -> Parts:
    """The pictures in a folder and below, in the order of their names.

    Folders called train, test or val are parts; folders in them, or in the folder itself, are classes. Of a folder that
    holds nothing but another one, that one is read. Raises ValueError naming the first picture that is broken, unless
    `skip_broken`, and for pictures of several sizes, unless `image_size` is given.
    """
    inner = _inner(folder)
    parts = {part_of(each.name): each for each in _folders(inner) if _is_part(each)}
    if parts:
        return {str(part): _part(_inner(each), options) for part, each in sorted(parts.items())}
    return {"train": _part(inner, options)}


def decoded(content: Path | bytes) -> np.ndarray:
    """One picture as uint8 or uint16, (height, width) or (height, width, 3). Raises `Broken` for what is none."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures; they are refused below
        try:
            with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Broken(f"it has {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}")
                return _as_array(image)
        except Broken:
            raise
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise Broken("it cannot be decoded") from error


def all_decoded(contents: Iterable[tuple[str, Path | bytes]], options: Options) -> tuple[list[np.ndarray], list[int]]:
    """Every picture that is not broken, and the places of those that are. Raises ValueError naming the first unless skipped."""
    found: list[np.ndarray] = []
    broken: list[int] = []
    for index, (name, content) in enumerate(contents):
        try:
            found.append(decoded(content))
        except Broken as error:
            if not options.skip_broken:
                raise ValueError(
                    f"{name} is no whole picture, {error}; mend or remove it, or pass `skip_broken=True` to leave such out."
                ) from error
            broken.append(index)
    return found, broken


def _as_array(image) -> np.ndarray:  # type: ignore[no-untyped-def]
    if image.mode in _DEEP:
        deep = np.asarray(image)
        if deep.min() < 0 or deep.max() > np.iinfo(np.uint16).max:
            raise Broken("its greys are of more than 16 bits")
        return deep.astype(np.uint16)
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < alpha.max() or alpha.max() < 255:
            raise Broken("it is transparent in part; put it on a ground of one colour")
    return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))


def _part(folder: Path, options: Options) -> Part:
    paths = list(_pictures(folder))
    depths = {len(path.relative_to(folder).parts) > 1 for path in paths}
    if len(depths) > 1:
        raise ValueError(
            f"'{folder}' must hold pictures or folders of them, it holds both; move the ones or the others."
        )
    if not paths:
        raise ValueError(f"'{folder}' must hold pictures, it has none; add some, or remove the folder.")
    _check_sizes(paths, options)
    images, broken = all_decoded(((f"'{path}'", path) for path in paths), options)
    if not images:
        raise ValueError(f"'{folder}' must hold whole pictures, all {len(paths)} are broken; fetch them again.")
    labels = [path.relative_to(folder).parts[0] for path in paths] if depths == {True} else None
    kept = labels and [label for index, label in enumerate(labels) if index not in set(broken)]
    return Part(images, kept, f"'{folder}'", skipped=len(broken))


def _check_sizes(paths: list[Path], options: Options) -> None:
    """Refuse, by their headers alone, pictures of several sizes and more than memory holds."""
    from PIL import Image

    total, first = 0, None
    for path in paths:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(path) as image:
                    size, channels = image.size, 1 if image.mode in ("1", "L", "LA", *_DEEP) else 3
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue  # broken, which is told when it is read
        first = first or (path, size)
        if size != first[1] and options.image_size is None:
            raise ValueError(
                f"'{first[0]}' has {first[1][0]}x{first[1][1]} pixels and '{path}' {size[0]}x{size[1]}, and images must be of one "
                "size; pass `image_size` to bring them to one."
            )
        total += channels * (
            size[0] * size[1] if options.image_size is None else options.image_size[0] * options.image_size[1]
        )
    check_room(f"'{paths[0].parent}'", total)


def _inner(folder: Path) -> Path:
    """The folder that is not just the cover of another one."""
    folders = _folders(folder)
    lone = len(folders) == 1 and not _is_part(folders[0]) and bool(_folders(folders[0]))
    return _inner(folders[0]) if lone and not any(_is_picture(path) for path in folder.iterdir()) else folder


def _is_part(folder: Path) -> bool:
    return part_of(folder.name) is not None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _pictures(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if _is_picture(path) and "__MACOSX" not in path.parts)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


__all__ = ["Broken", "Unfit", "all_decoded", "decoded", "is_folder_of_pictures", "read_pictures"]
