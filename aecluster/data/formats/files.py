"""The table of files: how each kind is known and read."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aecluster.data.formats.foreign import described, start_of
from aecluster.data.formats.hdf5 import SUFFIXES as HDF5
from aecluster.data.formats.hdf5 import is_hdf5, read_hdf5
from aecluster.data.formats.idx_files import is_idx_file, read_idx_file
from aecluster.data.formats.matlab import is_mat, read_mat
from aecluster.data.formats.numpy_files import is_npy, is_npz, read_npy, read_npz
from aecluster.data.formats.options import Options, Parts
from aecluster.data.formats.parquet import is_parquet, read_parquet
from aecluster.data.formats.tables import SUFFIXES as TABLES
from aecluster.data.formats.tables import is_table, read_table

SHAPE = frozenset({"image_shape", "image_size", "white"})
KEYS = frozenset({"images_key", "labels_key"})
BROKEN = frozenset({"skip_broken"})


class FileReader(NamedTuple):
    """How one kind of file is known, by its path and how it begins, and read."""

    what: str
    suffixes: tuple[str, ...]
    """By which it is known in a folder of several."""
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path, Options], Parts]
    heeds: frozenset[str] = SHAPE
    """Those of `Options` that mean something to it."""


FILES = [
    FileReader("IDX", (), is_idx_file, read_idx_file),
    FileReader(".npz", (".npz",), is_npz, read_npz, SHAPE | KEYS),
    FileReader(".npy", (".npy",), is_npy, read_npy),
    FileReader("parquet", (".parquet",), is_parquet, read_parquet, SHAPE | KEYS | BROKEN),
    FileReader(".mat", (".mat",), is_mat, read_mat, SHAPE | KEYS),
    FileReader("HDF5", HDF5, is_hdf5, read_hdf5, SHAPE | KEYS),
    FileReader("CSV", TABLES, is_table, read_table, SHAPE | {"labels_key"}),
]


def read_file(path: Path, options: Options) -> Parts:
    """The images in a file, by the first reader that knows it. Raises ValueError saying what it is where none does."""
    start = start_of(path)
    for reader in FILES:
        if start and reader.recognises(path, start):
            check_heeded(options, reader.heeds, path, reader.what)
            return reader.read(path, options)
    what, how = described(start)
    kinds = ", ".join(reader.what for reader in FILES)
    raise ValueError(f"'{path}' must be a file of images ({kinds}), it is {what}; {how}.")


def check_heeded(options: Options, heeds: frozenset[str], path: Path, what: str) -> None:
    """Refuse what was said and means nothing here. Raises ValueError."""
    strays = [name for name in options.given() if name not in heeds]
    if strays:
        raise ValueError(f"`{strays[0]}` means nothing for '{path}' ({what}); leave it out.")
