"""MATLAB's .mat files, to version 7: SVHN's, USPS' and EMNIST's layouts, and others with sensible names. (7.3 is HDF5.)"""

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.formats.named_arrays import parts_of
from aecluster.data.formats.options import Options, Parts, Unfit
from aecluster.data.idx import MOST_PACKED

MAGIC = b"MATLAB 5.0 MAT-file"


def is_mat(path: Path, start: bytes) -> bool:
    """Whether a file begins as MATLAB's do."""
    del path
    return start.startswith(MAGIC)


def read_mat(path: Path, options: Options) -> Parts:
    """The images in a .mat file, by the names of its arrays, as `parts_of` reads them; in structs names are joined.

    The images may lie along the first or the last axis (SVHN's are height, width, channel, image). Raises ValueError for files
    that are damaged, and for arrays that announce more than the file holds.
    """
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    try:
        for name, shape, _ in whosmat(path):
            if math.prod(shape) > MOST_PACKED * path.stat().st_size:
                raise Unfit(
                    f"'{path}' is damaged: {name} says that it has {math.prod(shape):,} numbers, more than it can hold; write it "
                    "again."
                )
        found = loadmat(path, simplify_cells=True)
    except Unfit:
        raise
    except (
        MatReadError,
        ValueError,
        TypeError,
        EOFError,
        OSError,
        KeyError,
        struct.error,
        zlib.error,
        MemoryError,
    ) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise Unfit(f"'{path}' must be a whole .mat file, it is damaged ({reason}); write it again.") from error
    return parts_of(dict(_arrays(found)), options, f"'{path}'", images_last=True)


def _arrays(found: dict[str, Any], before: str = "") -> list[tuple[str, np.ndarray]]:
    arrays: list[tuple[str, np.ndarray]] = []
    for name, value in found.items():
        if isinstance(value, dict):
            arrays += _arrays(value, f"{before}{name}_")
        elif isinstance(value, np.ndarray) and not name.startswith("__"):
            arrays.append((before + name, value))
    return arrays
