"""The formats that images come in, one a file: each knows its own kind and reads it."""

from pathlib import Path

from aecluster.data.formats.files import BROKEN, SHAPE, check_heeded, read_file
from aecluster.data.formats.folders import is_folder_of_files, read_folder
from aecluster.data.formats.foreign import found_in
from aecluster.data.formats.idx_files import is_idx_folder, read_idx_folder
from aecluster.data.formats.memory import is_in_memory, read_memory
from aecluster.data.formats.options import Options, Part, Parts
from aecluster.data.formats.pictures import is_folder_of_pictures, read_pictures
from aecluster.data.formats.split import divided, splits_of

__all__ = ["Options", "Part", "Parts", "divided", "is_in_memory", "read", "read_memory", "splits_of"]


def read(path: Path, options: Options) -> Parts:
    """The images at a path. Raises ValueError saying what is there where no reader knows it."""
    if not path.is_dir():
        return read_file(path, options)
    if is_idx_folder(path):
        check_heeded(options, SHAPE, path, "IDX files")
        return read_idx_folder(path, options)
    if is_folder_of_files(path):
        return read_folder(path, options)
    if is_folder_of_pictures(path):
        check_heeded(options, SHAPE | BROKEN, path, "pictures")
        return read_pictures(path, options)
    raise ValueError(
        f"`data_dir` '{path}' must hold pictures, or files of images such as train-images-idx3-ubyte.gz, x_train.npy or "
        f"train.csv, {found_in(path)}; add some, or give the path of a file."
    )
