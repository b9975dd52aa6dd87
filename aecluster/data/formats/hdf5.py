"""HDF5 files, and MATLAB's .mat files of version 7.3, which are such: arrays with names, in groups within groups."""

from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.formats.foreign import start_of
from aecluster.data.formats.named_arrays import parts_of
from aecluster.data.formats.options import Options, Parts, Unfit
from aecluster.data.idx import MOST_PACKED

HDF5 = b"\x89HDF\r\n\x1a\n"
MATLAB = b"MATLAB 7.3 MAT-file"
SUFFIXES = (".h5", ".hdf5")


def is_hdf5(path: Path, start: bytes) -> bool:
    """Whether a file begins as HDF5 does, or as MATLAB's version of it."""
    del path
    return start.startswith((HDF5, MATLAB))


def read_hdf5(path: Path, options: Options) -> Parts:
    """The images in an HDF5 file, by the names of its arrays, as `parts_of` reads them: train/data for one in a group.

    Of MATLAB's, names are joined and axes are turned as `read_mat` has them. Links are not followed. Needs h5py, which comes with
    the extra `hdf5`. Raises ValueError where it is missing, for files that are damaged, and for arrays that lie in other files
    or announce more than this one holds.
    """
    try:
        import h5py
    except ImportError:
        raise Unfit(f"'{path}' is an HDF5 file, which h5py reads; install it by `pip install h5py`.") from None

    is_matlab = start_of(path).startswith(MATLAB)
    try:
        with h5py.File(path, "r") as file:
            found = {name: _array_of(path, name, dataset, h5py) for name, dataset in _plain_datasets(file, h5py)}
    except Unfit:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise Unfit(f"'{path}' must be a whole HDF5 file, it is damaged ({reason}); write it again.") from error
    if not is_matlab:
        return parts_of(found, options, f"'{path}'")
    turned = {name.replace("/", "_"): array.T for name, array in found.items()}
    return parts_of(turned, options, f"'{path}'", images_last=True)


def _plain_datasets(file: Any, h5py: Any) -> list[tuple[str, Any]]:
    everything: list[tuple[str, Any]] = []
    file.visititems(lambda name, each: everything.append((name, each)))
    return [(name, each) for name, each in everything if isinstance(each, h5py.Dataset) and _is_plain(each, h5py)]


def _is_plain(dataset: Any, h5py: Any) -> bool:
    """Whether it is an array of numbers or words, and none of MATLAB's letters or of what its other things are made of."""
    is_letters = dataset.attrs.get("MATLAB_class") in (b"char", "char") or "MATLAB_empty" in dataset.attrs
    if not dataset.ndim or is_letters or dataset.name.startswith("/#"):
        return False
    return dataset.dtype.kind in "buifS" or h5py.check_string_dtype(dataset.dtype) is not None


def _array_of(path: Path, name: str, dataset: Any, h5py: Any) -> np.ndarray:
    _check_held(path, name, dataset)
    words = h5py.check_string_dtype(dataset.dtype) is not None
    return np.asarray(dataset.asstr()[()] if words else dataset[()])


def _check_held(path: Path, name: str, dataset: Any) -> None:
    if dataset.is_virtual or dataset.external:
        raise Unfit(f"'{path}' only points to other files, where {name} lies; give a file that holds its arrays.")
    held = MOST_PACKED * min(dataset.id.get_storage_size(), path.stat().st_size)
    if dataset.nbytes > held:
        raise Unfit(
            f"'{path}' is damaged: {name} says that it has {dataset.nbytes:,} bytes, and the file holds {held:,} at most; write "
            "it again."
        )
