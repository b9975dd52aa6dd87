"""Folders of files that are told apart by their names: x_train.npy, kmnist-test-labels.npz, mnist_train.csv, shards of parquet."""

from pathlib import Path

import numpy as np

from aecluster.data.formats.files import FILES, read_file
from aecluster.data.formats.numpy_files import array_of
from aecluster.data.formats.options import Options, Part, Parts
from aecluster.data.formats.roles import kind_of, part_of

PLAIN = (".npz", ".npy")  # files that may hold the labels alone
SHARDED = (".parquet",)  # of which several make one part


def is_folder_of_files(folder: Path) -> bool:
    """Whether there is a file of a known kind in the folder."""
    return bool(_files(folder))


def read_folder(folder: Path, options: Options) -> Parts:
    """The images in the files of a folder, all of one kind: of the first kind of `FILES` that is there.

    One file alone is read as such. Of several, the names say which hold training, validation and test images, and which of
    them labels alone; several of one part follow one another as shards, and those that name no part are left alone where
    others do. Raises ValueError where the names leave it open.
    """
    files = _files(folder)
    if len(files) == 1:
        return read_file(files[0], options)
    named = [path for path in files if part_of(path.name)] or files
    images = [path for path in named if not _holds_labels(path)]
    labels = {part_of(path.name): path for path in named if _holds_labels(path)}
    if not images:
        raise ValueError(f"'{folder}' has labels without images; add the images, or give the path of one file.")
    parts: Parts = {}
    for path in images:
        part = part_of(path.name)
        if part is None and len(images) > 1 and path.suffix not in SHARDED:
            raise ValueError(
                f"'{folder}' holds {images[0].name} and {images[1].name}, whose names say neither train nor test; give one."
            )
        found = _with_labels(path, labels[part]) if part in labels else _lone(path, options)
        name = part or "train"
        parts[name] = _joined(parts[name], found) if name in parts else found
    return parts


def _files(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    kinds = ([path for path in paths if path.name.lower().endswith(reader.suffixes)] for reader in FILES)
    return next((found for found in kinds if found), [])


def _holds_labels(path: Path) -> bool:
    return path.suffix in PLAIN and kind_of(path.stem) == "labels"


def _with_labels(images: Path, labels: Path) -> Part:
    return Part(array_of(images), array_of(labels), f"'{images}' with {labels.name}")


def _lone(path: Path, options: Options) -> Part:
    parts = read_file(path, options)
    if len(parts) > 1:
        raise ValueError(f"'{path}' holds several parts itself; give its path instead of the folder's.")
    return next(iter(parts.values()))


def _joined(first: Part, second: Part) -> Part:
    """Two shards of one part; ValueError where they are not of a kind."""
    if (first.labels is None) != (second.labels is None) or isinstance(first.images, list) != isinstance(
        second.images, list
    ):
        raise ValueError(f"{first.source} and {second.source} must be of a kind, labelled or not; keep one of them.")
    images = (
        [*first.images, *second.images]
        if isinstance(first.images, list)
        else np.concatenate([np.asarray(first.images), np.asarray(second.images)])
    )
    labels = None if first.labels is None else np.concatenate([first.labels, second.labels])
    return first._replace(images=images, labels=labels, skipped=first.skipped + second.skipped)
