"""A sweep's data set, read piece by piece, thinned, or saved."""

import itertools
import math
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hillopt.lanes import num_blocks
from hillopt.sweeps.place import is_there, is_url, location_of, shown, told_in_a_sentence

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


def save(dataset: "xarray.Dataset", path: str | os.PathLike[str]) -> None:
    """Write a sweep as a Zarr store; `xarray.open_zarr(path)` reads it anywhere.

    Raises ValueError if the path exists or cannot be written; nothing half-written stays then.
    """
    location = location_of(path)
    with told_in_a_sentence(location):
        exists = is_there(location)
    if exists:
        raise ValueError(f"`path` {shown(location)} exists; choose another name or remove it first.")
    with told_in_a_sentence(location), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", UserWarning)
        if is_url(location):
            dataset.to_zarr(location, mode="w-", zarr_format=3, consolidated=True)
        else:
            _save_beside(dataset, Path(location))


def _save_beside(dataset: "xarray.Dataset", path: Path) -> None:
    """Under another name first, so that what has the right name is whole."""
    half_written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        dataset.to_zarr(half_written, mode="w-", zarr_format=3, consolidated=True)
        half_written.rename(path)
    finally:
        shutil.rmtree(half_written, ignore_errors=True)
