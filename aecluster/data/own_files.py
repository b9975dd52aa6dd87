"""Images of one's own: a folder of IDX files, or a .npz file."""

import math
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from aecluster.data.foreign import HOW, described
from aecluster.data.idx import MOST_PACKED, read_idx
from aecluster.data.record import ImageData, Split

TEST_SHARE = 0.2

_IDX_NAME = re.compile(r"(?=.*(idx|ubyte)).*(?P<kind>image|label)", re.IGNORECASE)
_TEST_NAME = re.compile("test|t10k", re.IGNORECASE)
_PARTED_KEYS: list[tuple[str, ...]] = [  # training images and labels, test images and labels
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
]
_WHOLE_KEYS: list[tuple[str, ...]] = [("images", "labels"), ("x", "y")]


def load_idx_folder(folder: Path, name: str) -> ImageData:
    """The images in a folder of IDX files, gzipped or not, told apart by their names.

    An IDX file's name holds "idx" or "ubyte", and "image" or "label"; "test" or "t10k" makes it part of the test set.
    Labels are optional. Of a file that is there twice, gzipped and not, the gzipped one is read. If there is only one
    file of images, a fixed share of them is set aside for the test (see `set_aside`).
    """
    files = _idx_files(folder)
    splits = {part: _read_part(files, part) for part in ("train", "test") if (part, "image") in files}
    if not splits:
        raise ValueError(
            f"`data_dir` '{folder}' must hold a file of images in IDX format, named like train-images-idx3-ubyte.gz, "
            f"{_found(folder)}."
        )
    for part, kind in files:
        if kind == "label" and part not in splits:
            raise ValueError(f"'{files[part, kind]}' has labels without images; add the {part} images or remove it.")
    return ImageData(name, **splits) if len(splits) == 2 else set_aside(name, *splits.values(), source=str(folder))


def load_npz(path: Path, name: str) -> ImageData:
    """The images in a .npz file: arrays x_train, y_train, x_test, y_test, as Keras names them, or the like.

    Also train_images, train_labels, test_images, test_labels; and images, labels or x, y, of which a fixed share is
    set aside for the test (see `set_aside`). Labels are optional; other arrays are left alone.
    """
    arrays, keys = _read_npz(path)
    for images, labels, test_images, test_labels in _PARTED_KEYS:
        if images in arrays and test_images in arrays:
            train = _npz_split(path, arrays, images, labels)
            return ImageData(name, train, _npz_split(path, arrays, test_images, test_labels))
    for images, labels, *_ in _WHOLE_KEYS + _PARTED_KEYS:
        if images in arrays:
            return set_aside(name, _npz_split(path, arrays, images, labels), source=str(path))
    raise ValueError(
        f"'{path}' must hold arrays x_train and x_test (labels: y_train, y_test), train_images and test_images (labels: "
        f"train_labels, test_labels), images (labels) or x (y), got {', '.join(keys) or 'none'}; write them again by "
        "`numpy.savez(path, x=images, y=labels)`."
    )


def set_aside(name: str, whole: Split, *, source: str) -> ImageData:
    """A fifth of the images, at least one, as the test part; both parts keep the images' order.

    The choice looks random, so that a file sorted by class gives both parts all classes, and is the same on every
    machine and every day: it follows the raw numbers of PCG64, which NumPy promises never to change.
    """
    num = len(whole.images)
    if num < 2:
        raise ValueError(f"'{source}' must hold two images or more, got {num}; one is set aside for the test.")
    order = np.argsort(np.random.PCG64(0).random_raw(num), kind="stable")
    num_test = max(1, round(TEST_SHARE * num))
    return ImageData(name, _rows(whole, np.sort(order[num_test:])), _rows(whole, np.sort(order[:num_test])))


def _rows(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], None if split.labels is None else split.labels[rows])


def _idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """By part ("train" or "test") and kind ("image" or "label")."""
    files: dict[tuple[str, str], Path] = {}
    paths = {path.name.removesuffix(".gz"): path for path in sorted(folder.iterdir()) if path.is_file()}
    for path in paths.values():
        match = _IDX_NAME.match(path.name)
        if not match or path.name.startswith("."):
            continue
        role = ("test" if _TEST_NAME.search(path.name) else "train", match["kind"].lower())
        if role in files:
            raise ValueError(
                f"`data_dir` '{folder}' must hold one file of {role[0]} {role[1]}s, "
                f"got {files[role].name} and {path.name}; keep one of them."
            )
        files[role] = path
    return files


def _found(folder: Path) -> str:
    """What lies in a folder that holds no IDX files, and what to do with it."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    archives = [name for name in names if name.endswith(".npz")]
    if archives:
        return f"it holds {archives[0]}; give the path of that file"
    pictures = [name for name in names if name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif"))]
    if pictures:
        return f"it holds {pictures[0]} and the like; read them by `PIL.Image.open` and {HOW}"
    held = f"it holds {names[0]}{' and others' if names[1:] else ''}" if names else "it is empty"
    return f"{held}; add one, or give the path of a .npz file"


def _read_part(files: dict[tuple[str, str], Path], part: str) -> Split:
    images, labels = files[part, "image"], files.get((part, "label"))
    source = f"'{images}'" + (f" with {labels.name}" if labels else "")
    return Split.of(read_idx(images), read_idx(labels) if labels else None, source=source)


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of known names, and the names of all."""
    if not zipfile.is_zipfile(path):
        what, how = described(path)
        raise ValueError(f"'{path}' must be a .npz file, it is {what}; {how}.")
    known = {key for keys in _PARTED_KEYS + _WHOLE_KEYS for key in keys}
    try:
        _check_sizes(path, known)
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files if key in known}, file.files
    except MemoryError as error:
        raise ValueError(f"'{path}' must fit into this machine's memory ({error}); save fewer images.") from None
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, Unfit):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "allow_pickle" in str(error):
            raise ValueError(
                f"'{path}' must hold plain arrays, it has pickled objects, which could run foreign code when read; "
                "save the images as one array of numbers."
            ) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"'{path}' must be a whole .npz file, it is damaged ({reason}); write it again.") from error


class Unfit(ValueError):
    """A .npz file whose arrays cannot be what they say."""


def _check_sizes(path: Path, known: set[str]) -> None:
    """Refuse, before memory is asked for, arrays that say they are larger than what the file holds of them."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if members and not any(member.filename.endswith(".npy") for member in members):
            raise Unfit(
                f"'{path}' must be a .npz file, it is a zip archive of {members[0].filename} and the like; unpack it, and "
                f"{HOW}."
            )
        for member in members:
            if member.filename.removesuffix(".npy") not in known or not member.filename.endswith(".npy"):
                continue
            most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MOST_PACKED}.get(member.compress_type, math.inf)
            held = min(member.file_size, most * min(member.compress_size, path.stat().st_size))
            announced = member.file_size if member.file_size > held else _announced(archive, member)
            if announced > held:
                raise Unfit(
                    f"'{path}' is cut short or damaged: {member.filename} says that it has {announced:,} bytes, and the file "
                    f"holds {held:,} at most; write it again."
                )


def _announced(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Bytes of an array, its header included, as the header says; 0 where that holds no plain numbers."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        return 0 if dtype.hasobject else file.tell() + math.prod(shape) * dtype.itemsize


def _npz_split(path: Path, arrays: dict[str, np.ndarray], images: str, labels: str) -> Split:
    return Split.of(arrays[images], arrays.get(labels), source=f"'{path}', {images} and {labels}")
