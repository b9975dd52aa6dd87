"""A sweep on disk, which survives whatever happens to the process that fills it.

A Zarr group with one chunk a tile. A tile's results are written first, and then one number in the array `progress/tiles`:
the checksum of these results. So a tile is there with its checksum or not there at all; chunks are put in place by renaming.
What was cut off, truncated or flipped afterwards is found by the checksum. Processes that fill one store together need no
word with each other: they write different chunks, or the same bytes into the same one.
"""

import contextlib
import json
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.sweeps.dataset import check_room
from hillopt.sweeps.identity import differences, identity
from hillopt.sweeps.store import AbstractTiles, Store
from hillopt.sweeps.template import Template

if TYPE_CHECKING:
    import xarray

TILES = "progress/tiles"
UNFINISHED = 0
MAKER = {"made_by": "hillopt"}
"""Attributes that are written first of all: a group without them is somebody else's, and is left alone."""
IDENTITY = "identity"
"""The attribute that is written last of all before the first tile."""
DEBRIS_AGE = 60.0  # seconds after which a half-written file is nobody's any more


class ZarrTiles(AbstractTiles):
    """Tiles of a sweep in a Zarr store. Make it with `open_tiles`."""

    is_shared = True

    def __init__(self, location: str, template: Template, group: Any) -> None:
        self._location, self._tiling, self._names = location, template.plan.layout.tiling, list(template.variables)
        self._arrays = {name: group[name] for name in [*self._names, TILES]}

    def is_finished(self, tile_index: int) -> bool:
        return self._checksum(tile_index) != UNFINISHED

    def finished(self) -> np.ndarray:
        return np.asarray(self._arrays[TILES][...]).reshape(-1) != UNFINISHED

    def write(self, tile_index: int, results: Mapping[str, np.ndarray]) -> None:
        """The results, then the word that they are there."""
        try:
            if not _is_there(self._location):
                raise FileNotFoundError(2, "it is gone")
            for name in self._names:
                self._arrays[name][self._where(name, tile_index)] = results[name]
            self._arrays[TILES][self._tiling.place(tile_index)] = _checksum(results)
        except OSError as error:
            raise ValueError(
                f"`path` {self._location!r} cannot be written ({error.strerror or error}); its {int(self.finished().sum())} "
                f"finished tiles of {self._tiling.num_tiles} are safe: mend that, and sweep on with resume=True."
            ) from error

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
        for tile_index in map(int, np.flatnonzero(self.finished())):
            place = self._tiling.place(tile_index)
            try:
                is_whole = _checksum(self.read(tile_index)) == self._checksum(tile_index)
                damage = "" if is_whole else "its checksum differs"
            except ValueError as error:
                damage = str(error)
            if damage:
                tell(f"tile {place} of {self._location!r} is damaged: {damage}; it is walked again.")
                self._arrays[TILES][place] = UNFINISHED

    def clean(self) -> None:
        """Remove what killed processes have left half-written."""
        root = Path(self._location)
        for left in root.rglob("*.partial") if root.is_dir() else ():
            if time.time() - left.stat().st_mtime > DEBRIS_AGE:
                left.unlink(missing_ok=True)

    def dataset(self) -> "xarray.Dataset":
        """All results, read from the store as they are asked for."""
        import xarray

        return xarray.open_zarr(_zarr_store(self._location, read_only=True), consolidated=False, chunks=None)[
            self._names
        ]

    def _checksum(self, tile_index: int) -> int:
        return int(np.asarray(self._arrays[TILES][self._tiling.place(tile_index)]))

    def _where(self, name: str, tile_index: int) -> tuple[slice, ...]:
        region = self._tiling.region(tile_index)
        return (slice(None),) * (self._arrays[name].ndim - len(region)) + region


def open_tiles(store: Store, template: Template) -> ZarrTiles:
    """Begin a store, or go on with the one that is there.

    Raises ValueError for a path that exists without `resume`, a store that another sweep has made, what is no such store, and a
    disk without room.
    """
    import zarr

    location = store.location
    if not _is_there(location):
        if "://" not in location:
            check_room(location, template.num_bytes)
    elif not store.goes_on:
        raise ValueError(
            f"`path` {location!r} exists; choose another name, remove it, or go on with it by resume=True."
        )
    now = identity(template.plan)
    try:
        if not (_is_there(location) and _identity_of(location)):
            _begin(location, template, now)
        differing = differences(_identity_of(location), now)
        group = zarr.open_group(_zarr_store(location, read_only=False), mode="r+")
    except OSError as error:
        raise ValueError(
            f"`path` {location!r} cannot be opened ({error.strerror or error}); choose another place."
        ) from error
    if differing:
        raise ValueError(
            f"`path` {location!r} was begun with {'; '.join(differing)}; sweep with the same, or choose another name."
        )
    return ZarrTiles(location, template, group)


def _begin(location: str, template: Template, identity: Mapping[str, object]) -> None:
    """Write all that a store has before its first tile. Processes that begin the same store at once write the same."""
    import zarr
    import zarr.codecs

    place = _zarr_store(location, read_only=False)
    with contextlib.suppress(zarr.errors.ContainsGroupError):  # its maker is there from the first moment on
        zarr.create_group(place, zarr_format=3, attributes=dict(MAKER))
    group: Any = zarr.open_group(place, mode="r+")
    compressor = zarr.codecs.ZstdCodec(level=1, checksum=True)

    def make(name: str, **options: object) -> None:
        if name not in group:
            with contextlib.suppress(zarr.errors.ContainsArrayError):  # another process was faster
                group.create_array(name, compressors=compressor, **options)
        found = group[name]
        if (found.shape, found.chunks, found.dtype) != (options["shape"], options["chunks"], options["dtype"]):
            raise ValueError(f"`path` {location!r} was half begun with other settings; remove it.")

    for name, (dimension, values, about) in template.coordinates.items():
        whole = {"shape": values.shape, "chunks": values.shape, "dtype": values.dtype}
        make(name, dimension_names=[dimension], attributes=about, **whole)
        group[name][...] = values
    tiling = template.plan.layout.tiling
    for name, variable in template.variables.items():
        make(
            name,
            shape=variable.shape,
            chunks=(*variable.shape[: -len(tiling.tile)], *tiling.tile),
            dtype=variable.dtype,
            dimension_names=list(variable.dims),
            attributes=variable.about,
            fill_value=np.zeros((), variable.dtype)[()],
        )
    make(TILES, shape=tiling.counts, chunks=(1,) * len(tiling.counts), dtype=np.dtype("uint32"), fill_value=UNFINISHED)
    group.update_attributes({**template.attributes, IDENTITY: json.dumps(dict(identity), sort_keys=True)})


def _identity_of(location: str) -> dict[str, object]:
    """What a store was begun with; nothing of one that is not yet begun in full. ValueError for what is no store of ours."""
    import zarr

    folder = Path(location)  # looked at first, since another process may be about to begin it
    is_empty = folder.is_dir() and all(path.suffix == ".partial" for path in folder.iterdir())
    try:
        group = zarr.open_group(_zarr_store(location, read_only=True), mode="r")
    except FileNotFoundError as error:
        if is_empty:
            return {}
        raise ValueError(f"`path` {location!r} holds no sweep; choose another name.") from error
    if any(group.attrs.get(name) != value for name, value in MAKER.items()):
        raise ValueError(f"`path` {location!r} holds no sweep that can be resumed; choose another name.")
    return json.loads(str(group.attrs.get(IDENTITY, "{}")))


def _checksum(results: Mapping[str, np.ndarray]) -> int:
    value = 0
    for name in sorted(results):
        value = zlib.crc32(np.ascontiguousarray(results[name]).tobytes(), value)
    return value or 1  # 0 says unfinished


def _zarr_store(location: str, read_only: bool) -> Any:
    import zarr

    if "://" in location:
        return zarr.storage.FsspecStore.from_url(location, read_only=read_only)
    return zarr.storage.LocalStore(location, read_only=read_only)


def _is_there(location: str) -> bool:
    if "://" not in location:
        return Path(location).exists()
    import fsspec

    system, inner = fsspec.url_to_fs(location)
    return bool(system.exists(inner))
