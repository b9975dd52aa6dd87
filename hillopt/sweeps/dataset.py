"""A sweep's data set, read piece by piece, thinned, or saved."""

import itertools
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hillopt.lanes import num_blocks

if TYPE_CHECKING:
    import xarray

DRAWN_CELLS = 2**20


def settings_dims(dataset: "xarray.Dataset") -> list[str]:
    """The axes of a sweep, in order; variables may have dimensions of their own before them."""
    narrowest = min(dataset.data_vars.values(), key=lambda values: values.ndim)
    return [str(name) for name in narrowest.dims]


def pieces(dataset: "xarray.Dataset") -> Iterator["xarray.Dataset"]:
    """A stored sweep tile by tile, each in memory; one that is in memory as a whole."""
    widest = max(dataset.data_vars.values(), key=lambda values: values.ndim)
    chunks = dict(zip(widest.dims, widest.encoding.get("chunks", widest.shape), strict=True))
    starts = [range(0, dataset.sizes[name], step) for name, step in chunks.items()]
    for place in itertools.product(*starts):
        region = {name: slice(start, start + chunks[name]) for name, start in zip(chunks, place, strict=True)}
        yield dataset.isel(region).load()


def thinned(dataset: "xarray.Dataset", most: int = DRAWN_CELLS) -> "xarray.Dataset":
    """Every second, third, ... value of each axis, so that at most `most` cells are left: what a picture can show."""
    axes = {name: dataset.sizes[name] for name in settings_dims(dataset)}
    step = 1
    while math.prod(num_blocks(size, step) for size in axes.values()) > most:
        step += 1
    return dataset.isel({name: slice(None, None, step) for name in axes}) if step > 1 else dataset


def check_room(path: str | os.PathLike[str], num_bytes: int) -> None:
    """Raise ValueError if the disk of the path has no room for so many bytes."""
    path = Path(path)
    free = shutil.disk_usage(_nearest_folder(path)).free
    if num_bytes > free:
        raise ValueError(
            f"`path` {str(path)!r} needs {num_bytes / 2**30:.3g} GiB and the disk has {free / 2**30:.3g} left; "
            "choose another disk or take fewer points."
        )


def save(dataset: "xarray.Dataset", path: str | os.PathLike[str]) -> None:
    """Write a sweep as a Zarr store; `xarray.open_zarr(path)` reads it anywhere.

    Raises ValueError, before anything is written, if the path exists or the disk has no room for the data.
    """
    if Path(path).exists():
        raise ValueError(f"`path` {str(path)!r} exists; choose another name or remove it first.")
    check_room(path, dataset.nbytes)
    dataset.to_zarr(path, mode="w-", zarr_format=3, consolidated=False)


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())
