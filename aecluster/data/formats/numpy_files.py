"""NumPy's own files: .npz of named arrays, and .npy of one."""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.formats.named_arrays import parts_of
from aecluster.data.formats.options import Options, Part, Parts, Unfit
from aecluster.data.idx import MOST_PACKED

NPY = b"\x93NUMPY"


def is_npz(path: Path, start: bytes) -> bool:
    """Whether the file is a zip archive."""
    return start.startswith(b"PK") and zipfile.is_zipfile(path)


def is_npy(path: Path, start: bytes) -> bool:
    """Whether the file begins as NumPy's do."""
    del path
    return start.startswith(NPY)


def read_npz(path: Path, options: Options) -> Parts:
    """The images in a .npz file, by the names of its arrays, as `parts_of` reads them; other arrays are left alone."""
    return parts_of(arrays_of(path), options, f"'{path}'")


def read_npy(path: Path, options: Options) -> Parts:
    """The images in a .npy file, which holds no labels."""
    del options
    return {"train": Part(array_of(path), source=f"'{path}'")}


def array_of(path: Path) -> np.ndarray:
    """The one array of a .npy file, or of a .npz file that holds no other; ValueError for several."""
    if path.suffix == ".npz":
        arrays = arrays_of(path)
        if len(arrays) != 1:
            raise Unfit(f"'{path}' must hold one array, as its name says, got {', '.join(arrays)}; give its own path.")
        return next(iter(arrays.values()))
    with _whole(path, ".npy"):
        with path.open("rb") as file:
            announced = _announced(file)
        if announced > path.stat().st_size:
            raise Unfit(_lies(path, path.name, announced, path.stat().st_size))
        return np.load(path, allow_pickle=False)


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """The arrays of numbers and words in a .npz file, by name; those of objects are left out, and refused where all are."""
    if not zipfile.is_zipfile(path):
        raise Unfit(f"'{path}' must be a .npz file, it is damaged or none; write it again.")
    with _whole(path, ".npz"):
        names = _plain_names(path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}


@contextmanager
def _whole(path: Path, suffix: str) -> Iterator[None]:
    """Say in one sentence what NumPy has against a file."""
    try:
        yield
    except MemoryError as error:
        raise Unfit(f"'{path}' must fit into this machine's memory ({error}); save fewer images.") from None
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, Unfit) or (isinstance(error, OSError) and error.errno is not None):
            raise
        if "allow_pickle" in str(error):
            raise Unfit(_pickled(path)) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unfit(f"'{path}' must be a whole {suffix} file, it is damaged ({reason}); write it again.") from error


def _plain_names(path: Path) -> list[str]:
    """The arrays that hold no objects; refuses, before memory is asked for, those that say more than the file holds."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if members and not any(member.filename.endswith(".npy") for member in members):
            raise Unfit(
                f"'{path}' must be a .npz file, it is a zip archive of {members[0].filename} and the like; unpack it, and give "
                "the folder."
            )
        arrays = [member for member in members if member.filename.endswith(".npy")]
        plain = [member for member in arrays if _check_size(path, archive, member)]
        if arrays and not plain:
            raise Unfit(_pickled(path))
        return [member.filename.removesuffix(".npy") for member in plain]


def _check_size(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether an array holds plain numbers or words; ValueError where it says that it is larger than what is held of it."""
    most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MOST_PACKED}.get(member.compress_type, math.inf)
    held = min(member.file_size, most * min(member.compress_size, path.stat().st_size))
    if member.file_size > held:
        raise Unfit(_lies(path, member.filename, member.file_size, held))
    with archive.open(member) as file:
        announced = _announced(file)
    if announced > held:
        raise Unfit(_lies(path, member.filename, announced, held))
    return announced > 0


def _announced(file: Any) -> int:
    """Bytes of an array, its header included, as the header says; 0 where that holds objects."""
    version = np.lib.format.read_magic(file)
    header: Callable[[Any], Any] = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = header(file)
    return 0 if dtype.hasobject else file.tell() + math.prod(shape) * dtype.itemsize


def _lies(path: Path, name: str, announced: int, held: float) -> str:
    return (
        f"'{path}' is cut short or damaged: {name} says that it has {announced:,} bytes, and the file holds {held:,} at most; "
        "write it again."
    )


def _pickled(path: Path) -> str:
    return (
        f"'{path}' must hold plain arrays, it has pickled objects, which could run foreign code when read; "
        "save the images as one array of numbers."
    )
