"""Images and their labels: records, readers of files, and the known data sets."""

from aecluster.data.idx import read_idx, write_idx
from aecluster.data.loading import NAMES, load
from aecluster.data.picture import check_picture_path, read_picture, write_picture
from aecluster.data.record import ImageData, Split

__all__ = [
    "NAMES",
    "ImageData",
    "Split",
    "check_picture_path",
    "load",
    "read_idx",
    "read_picture",
    "write_idx",
    "write_picture",
]
