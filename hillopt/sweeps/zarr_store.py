"""A sweep on disk, which survives whatever happens to the process that fills it.

A Zarr group with one chunk a tile. A tile's results are written first, and then one number in the array `progress/tiles`:
the checksum of these results. So a tile is there with its checksum or not there at all; chunks are put in place by renaming.
What was cut off, truncated or flipped afterwards is found by the checksum. Processes that fill one store together need no
word with each other: they write different chunks, or the same bytes into the same one.

When the last tile is there, the metadata of all arrays are gathered in the root, for whoever opens the store; nothing here
ever reads them there.
"""

import contextlib
import math
import os
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.lanes import num_blocks
from hillopt.sweeps.begin import TILES, begin, identity_of, is_whole
from hillopt.sweeps.identity import differences
from hillopt.sweeps.place import free_bytes, is_there, shown, told_in_a_sentence, zarr_store
from hillopt.sweeps.store import AbstractTiles, Store
from hillopt.sweeps.template import AbstractTemplate

if TYPE_CHECKING:
    import xarray

UNFINISHED = 0
DEBRIS_AGE = 60.0  # seconds after which a half-written file is nobody's any more
LEAST_OF_A_TILE = 256  # bytes that a tile takes on any disk, however well it is compressed: its checksum's inode


class ZarrTiles(AbstractTiles):
    """Tiles of a sweep in a Zarr store. Make it with `open_tiles`."""

    is_shared = True

    def __init__(self, location: str, template: AbstractTemplate, group: Any) -> None:
        self._location, self._template, self._tiling = location, template, template.tiling
        self._names = list(template.variables)
        self._arrays = {name: group[name] for name in [*self._names, TILES]}
        self._has_written = False

    def is_finished(self, tile_index: int) -> bool:
        return self._checksum(tile_index) != UNFINISHED

    def finished(self) -> np.ndarray:
        try:
            return np.asarray(self._arrays[TILES][...]).reshape(-1) != UNFINISHED
        except Exception:  # a damaged checksum, which raises what its codec likes; the others are as good as ever
            return np.array([self.is_finished(tile_index) for tile_index in range(self._tiling.num_tiles)])

    def write(self, tile_index: int, results: Mapping[str, np.ndarray]) -> None:
        """The results, then the word that they are there. Raises ValueError if, by the first tile, the disk is too small."""
        with self._told("written"):
            if not is_there(self._location):
                raise FileNotFoundError(2, "it is gone")
            is_first = not self._has_written and not self.finished().any()
            for name in self._names:
                self._arrays[name][self._where(name, tile_index)] = results[name]
            self._arrays[TILES][self._tiling.place(tile_index)] = _checksum(results)
        self._has_written = True
        if is_first:
            self._check_room(tile_index)

    def read(self, tile_index: int) -> dict[str, np.ndarray]:
        """A tile's results. Raises ValueError for a chunk that does not decode."""
        found = {}
        for name in self._names:
            try:
                found[name] = np.asarray(self._arrays[name][self._where(name, tile_index)])
            except Exception as error:  # what a damaged chunk raises is its codec's own affair
                raise ValueError(f"{name!r} does not decode ({type(error).__name__})") from error
        return found

    def forget_damaged(self, tell: Callable[[str], None]) -> None:
        """Check every finished tile against its checksum; one that is damaged is named and becomes unfinished."""
        damages = {int(tile_index): self._damage(int(tile_index)) for tile_index in np.flatnonzero(self.finished())}
        for tile_index, damage in damages.items():
            if damage:
                place = self._tiling.place(tile_index)
                tell(f"tile {place} of {self._location!r} is damaged: {damage}; it is walked again.")
                with self._told("written"):
                    self._arrays[TILES][place] = UNFINISHED
        if any(damages.values()):
            self._scatter_metadata()

    def close(self) -> None:
        """Remove what killed processes have left half-written; and of a complete store, gather the metadata.

        Another process may find a tile damaged meanwhile. It says so first and scatters the metadata then, and here they are
        gathered first and the tiles looked at then: so whoever comes last leaves them as they belong.
        """
        root = Path(self._location)
        for left in root.rglob("*.partial") if root.is_dir() else ():
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > DEBRIS_AGE:
                    left.unlink(missing_ok=True)
        if self.finished().all() and not self._has_gathered():
            self._gather_metadata()
            if not self.finished().all():
                self._scatter_metadata()

    def dataset(self) -> "xarray.Dataset":
        """All results, read from the store as they are asked for. Of how they are stored it keeps the tiles alone."""
        import xarray

        store = zarr_store(self._location, read_only=True)
        dataset = xarray.open_zarr(store, consolidated=False, chunks=None)[self._names]
        for name, values in dataset.variables.items():
            values.encoding = {key: part for key, part in values.encoding.items() if "chunks" in key}
            if name in self._names:
                values.attrs = dict(self._template.variables[str(name)].about)
        return dataset

    def _told(self, verb: str) -> contextlib.AbstractContextManager[None]:
        def remedy() -> str:  # made when it is needed, since it reads the checksums of all tiles
            done = f"its {int(self.finished().sum())} finished tiles of {self._tiling.num_tiles} are safe"
            return f"{done}: mend that, and sweep on with resume=True"

        return told_in_a_sentence(self._location, verb, remedy)

    def _damage(self, tile_index: int) -> str:
        try:
            is_sound = _checksum(self.read(tile_index)) == self._checksum(tile_index)
        except ValueError as error:
            return str(error)
        return "" if is_sound else "its checksum differs"

    def _checksum(self, tile_index: int) -> int:
        """The one that stands there; one that is damaged stands for none."""
        try:
            return int(np.asarray(self._arrays[TILES][self._tiling.place(tile_index)]))
        except Exception:  # as in `read`
            return UNFINISHED

    def _where(self, name: str, tile_index: int) -> tuple[slice, ...]:
        region = self._tiling.region(tile_index)
        return (slice(None),) * (self._arrays[name].ndim - len(region)) + region

    def _check_room(self, tile_index: int) -> None:
        """How well numbers compress shows when some are there. Whoever resumes takes the others for smaller than the first."""
        free = free_bytes(self._location)
        if free is None:
            return
        left = math.prod(self._tiling.shape) - self._tiling.cells(tile_index)
        needed = self._size_of(tile_index) * left / self._tiling.cells(tile_index)
        if needed > free:
            raise ValueError(
                f"`path` {shown(self._location)} needs about {needed / 2**30:.3g} GiB more, by the size of its first tile, and "
                f"the disk has {free / 2**30:.3g} left; the tile is kept: make room and sweep on with resume=True, or choose "
                "another disk or fewer points."
            )

    def _size_of(self, tile_index: int) -> int:
        """Bytes of a tile's chunks on the disk, in whole blocks; chunks of nothing but zeros are not written."""
        block, size = os.statvfs(self._location).f_frsize, 0
        for name in [*self._names, TILES]:
            array = self._arrays[name]
            place = (0,) * (array.ndim - len(self._tiling.shape)) + self._tiling.place(tile_index)
            chunk = Path(self._location) / name / array.metadata.encode_chunk_key(place)
            size += num_blocks(chunk.stat().st_size, block) * block if chunk.exists() else 0
        return size

    def _group(self, read_only: bool, gathered: bool = False) -> Any:
        import zarr

        store = zarr_store(self._location, read_only=read_only)
        return zarr.open_group(store, mode="r" if read_only else "r+", use_consolidated=None if gathered else False)

    def _has_gathered(self) -> bool:
        return self._group(read_only=True, gathered=True).metadata.consolidated_metadata is not None

    def _gather_metadata(self) -> None:
        """A convenience, which a disk that takes no more may do without."""
        import zarr

        with contextlib.suppress(OSError), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", UserWarning)
            zarr.consolidate_metadata(zarr_store(self._location, read_only=False))

    def _scatter_metadata(self) -> None:
        if self._has_gathered():
            self._group(read_only=False).update_attributes({})  # opened without them it is written without them


def open_tiles(store: Store, template: AbstractTemplate) -> ZarrTiles:
    """Begin a store, or go on with the one that is there.

    Raises ValueError for a path that exists without `resume`, a store that another sweep has made, what is no such store, and a
    disk that is certainly too small.
    """
    import zarr

    location = store.location
    with told_in_a_sentence(location, "opened"):
        exists = is_there(location)
        free = None if exists else free_bytes(location)
    if exists and not store.goes_on:
        raise ValueError(
            f"`path` {shown(location)} exists; choose another name, remove it, or go on with it by resume=True."
        )
    _check_least(location, template.tiling.num_tiles, free)
    before, now = identity_of(location) if exists else {}, template.identity()
    if before:
        _check_same(location, before, now)
    if not (before and is_whole(location, template)):
        begin(location, template, now)
        _check_same(location, identity_of(location), now)  # another process may have begun it otherwise meanwhile
    with told_in_a_sentence(location, "opened"):
        return ZarrTiles(
            location, template, zarr.open_group(zarr_store(location, False), mode="r+", use_consolidated=False)
        )


def _check_least(location: str, num_tiles: int, free: int | None) -> None:
    """Only what certainly does not fit is refused before anything is walked."""
    least = num_tiles * LEAST_OF_A_TILE
    if free is not None and least > free:
        raise ValueError(
            f"`path` {shown(location)} needs {least / 2**30:.3g} GiB for its checksums alone (tiles: {num_tiles:,}), and the "
            f"disk has {free / 2**30:.3g} left; choose another disk, larger tiles or fewer points."
        )


def _check_same(location: str, before: Mapping[str, object], now: Mapping[str, object]) -> None:
    if differing := differences(before, now):
        raise ValueError(
            f"`path` {shown(location)} was begun with {'; '.join(differing)}; sweep with the same, or choose another name."
        )


def _checksum(results: Mapping[str, np.ndarray]) -> int:
    value = 0
    for name in sorted(results):
        value = zlib.crc32(np.ascontiguousarray(results[name]).tobytes(), value)
    return value or 1  # 0 says unfinished
