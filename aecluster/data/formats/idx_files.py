"""IDX files: a folder of them told apart by their names, or one."""

import re
from pathlib import Path

from aecluster.data.formats.options import Options, Part, Parts
from aecluster.data.idx import is_idx, read_idx

__all__ = ["is_idx_file", "is_idx_folder", "read_idx_file", "read_idx_folder"]

_NAME = re.compile(r"(?=.*(idx|ubyte)).*(?P<kind>image|label)", re.IGNORECASE)
_TEST = re.compile("test|t10k", re.IGNORECASE)


def is_idx_file(path: Path, start: bytes) -> bool:
    """Whether a file begins as IDX does, gzipped or not."""
    return is_idx(start) or (start.startswith(b"\x1f\x8b") and _NAME.match(path.name) is not None)


def is_idx_folder(folder: Path) -> bool:
    """Whether a file in the folder has a name as IDX files have."""
    return any(_NAME.match(path.name) and not path.name.startswith(".") for path in folder.iterdir())


def read_idx_file(path: Path, options: Options) -> Parts:
    """The images of one IDX file, and the labels of the file beside it that is named alike."""
    del options
    beside = path.with_name(path.name.replace("image", "label").replace("idx3", "idx1"))
    labels = beside if beside != path and beside.is_file() else None
    return {"train": _part(path, labels)}


def read_idx_folder(folder: Path, options: Options) -> Parts:
    """The images in a folder of IDX files, gzipped or not.

    An IDX file's name holds "idx" or "ubyte", and "image" or "label"; "test" or "t10k" makes it part of the test set.
    Labels are optional. Of a file that is there twice, gzipped and not, the gzipped one is read.
    """
    del options
    files = _files(folder)
    for part, kind in files:
        if kind == "label" and (part, "image") not in files:
            raise ValueError(f"'{files[part, kind]}' has labels without images; add the {part} images or remove it.")
    parts = [part for part in ("train", "test") if (part, "image") in files]
    return {part: _part(files[part, "image"], files.get((part, "label"))) for part in parts}


def _part(images: Path, labels: Path | None) -> Part:
    source = f"'{images}'" + (f" with {labels.name}" if labels else "")
    return Part(read_idx(images), read_idx(labels) if labels else None, source)


def _files(folder: Path) -> dict[tuple[str, str], Path]:
    """By part ("train" or "test") and kind ("image" or "label")."""
    files: dict[tuple[str, str], Path] = {}
    paths = {path.name.removesuffix(".gz"): path for path in sorted(folder.iterdir()) if path.is_file()}
    for path in paths.values():
        match = _NAME.match(path.name)
        if not match or path.name.startswith("."):
            continue
        role = ("test" if _TEST.search(path.name) else "train", match["kind"].lower())
        if role in files:
            remedy = "keep one of them"
            if path.name.startswith("emnist-"):
                remedy = f"name the split, such as 'emnist/{path.name.split('-')[1]}', beside the folder"
            raise ValueError(
                f"`data_dir` '{folder}' must hold one file of {role[0]} {role[1]}s, "
                f"got {files[role].name} and {path.name}; {remedy}."
            )
        files[role] = path
    return files
