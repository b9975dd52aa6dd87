"""A sweep on disk, which survives whatever happens to the process that fills it.

A Zarr group with one chunk a tile. A tile's results are written first, and then one number in the array `progress/tiles`:
the checksum of these results. So a tile is there with its checksum or not there at all; chunks are put in place by renaming.
What was cut off, truncated or flipped afterwards is found by the checksum. Processes that fill one store together need no
word with each other: they write different chunks, or the same bytes into the same one.
"""

import contextlib
import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.dataset import ABOUT, Template, check_room
from hillopt.tiles import Tiling

if TYPE_CHECKING:
    import xarray

TILES = "progress/tiles"
UNFINISHED = 0
SETTINGS = "settings"
DEBRIS_AGE = 60.0  # seconds after which a half-written file is nobody's any more


class Store:
    """A sweep's store, open for tiles. Make it with `open_store`."""

    def __init__(self, path: str, tiling: Tiling, names: list[str], group: Any) -> None:
        self.path, self.tiling, self.names = path, tiling, names
        self._arrays = {name: group[name] for name in [*names, TILES]}

    def is_finished(self, number: int) -> bool:
        """Whether a tile stands in the store now."""
        return self._checksum(number) != UNFINISHED

    def finished(self) -> np.ndarray:
        """Of every tile, whether it stands in the store now."""
        return np.asarray(self._arrays[TILES][...]).reshape(-1) != UNFINISHED

    def write(self, number: int, results: Mapping[str, np.ndarray]) -> None:
        """Store a tile's results, then the word that they are there. Raises ValueError where it cannot be written."""
        try:
            if not _is_there(self.path):
                raise FileNotFoundError(2, "it is gone")
            for name in self.names:
                self._arrays[name][self._where(name, number)] = results[name]
            self._arrays[TILES][self.tiling.place(number)] = _checksum(results)
        except OSError as error:
            raise ValueError(
                f"`path` {self.path!r} cannot be written ({error.strerror or error}); its {int(self.finished().sum())} finished "
                f"tiles of {self.tiling.number} are safe: mend that, and sweep on with resume=True."
            ) from error

    def read(self, number: int) -> dict[str, np.ndarray]:
        """A tile's results. Raises ValueError for a chunk that does not decode."""
        found = {}
        for name in self.names:
            try:
                found[name] = np.asarray(self._arrays[name][self._where(name, number)])
            except Exception as error:  # what a damaged chunk raises is its codec's own affair
                raise ValueError(f"{name!r} does not decode ({type(error).__name__})") from error
        return found

    def forget_damaged(self, tell: Callable[[str], None]) -> None:
        """Check every finished tile against its checksum; one that is damaged is named and becomes unfinished."""
        for number in np.flatnonzero(self.finished()):
            try:
                damage = (
                    "" if _checksum(self.read(int(number))) == self._checksum(int(number)) else "its checksum differs"
                )
            except ValueError as error:
                damage = str(error)
            if damage:
                tell(
                    f"tile {self.tiling.place(int(number))} of {self.path!r} is damaged: {damage}; it is walked again."
                )
                self._arrays[TILES][self.tiling.place(int(number))] = UNFINISHED

    def clean(self) -> None:
        """Remove what killed processes have left half-written."""
        root = Path(self.path)
        for left in root.rglob("*.partial") if root.is_dir() else ():
            if time.time() - left.stat().st_mtime > DEBRIS_AGE:
                left.unlink(missing_ok=True)

    def dataset(self) -> "xarray.Dataset":
        """All results, read from the store as they are asked for."""
        import xarray

        return xarray.open_zarr(_zarr_store(self.path, read_only=True), consolidated=False, chunks=None)[self.names]

    def _checksum(self, number: int) -> int:
        return int(np.asarray(self._arrays[TILES][self.tiling.place(number)]))

    def _where(self, name: str, number: int) -> tuple[slice, ...]:
        region = self.tiling.region(number)
        return (slice(None),) * (self._arrays[name].ndim - len(region)) + region


def open_store(
    path: str | os.PathLike[str],
    template: Template,
    tiling: Tiling,
    results: Mapping[str, Any],
    settings: Mapping[str, Any],
    resume: bool,
) -> Store:
    """Begin a store, or with `resume` go on with the one that is there.

    `results` gives the dtypes by name, `settings` all that decides a bit of them. Raises ValueError for a path that exists
    without `resume`, a store that other settings have made, what is no such store, and a disk without room.
    """
    import zarr

    location = os.fspath(path).removeprefix("file://")
    if not _is_there(location):
        if "://" not in location:
            check_room(location, template.num_bytes(results))
    elif not resume:
        raise ValueError(
            f"`path` {location!r} exists; choose another name, remove it, or go on with it by resume=True."
        )
    try:
        if not (_is_there(location) and _settings_of(location)):
            _begin(location, template, tiling, results, settings)
        _check_settings(location, settings)
        group = zarr.open_group(_zarr_store(location, read_only=False), mode="r+")
    except OSError as error:
        raise ValueError(
            f"`path` {location!r} cannot be opened ({error.strerror or error}); choose another place."
        ) from error
    return Store(location, tiling, list(results), group)


def _begin(
    location: str, template: Template, tiling: Tiling, results: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Write all that a store has before its first tile; the settings last, since a store is one that has them.

    Processes that begin the same store at once write the same.
    """
    import zarr
    import zarr.codecs

    group: Any = zarr.open_group(_zarr_store(location, read_only=False), mode="a", zarr_format=3)
    compressor = zarr.codecs.ZstdCodec(level=1, checksum=True)

    def make(name: str, **options: Any) -> None:
        if name not in group:
            with contextlib.suppress(zarr.errors.ContainsArrayError):  # another process was faster
                group.create_array(name, compressors=compressor, **options)
        found = group[name]
        if (found.shape, found.chunks, found.dtype) != (options["shape"], options["chunks"], options["dtype"]):
            raise ValueError(f"`path` {location!r} was half begun with other settings; remove it.")

    for name, (dimension, values, about) in template.coordinates().items():
        make(
            name,
            shape=values.shape,
            chunks=values.shape,
            dtype=values.dtype,
            dimension_names=[dimension],
            attributes=about,
        )
        group[name][...] = values
    for name, field in results.items():
        shape = template.shape(name)
        make(
            name,
            shape=shape,
            chunks=(*shape[: -len(tiling.tile)], *tiling.tile),
            dtype=field.dtype,
            dimension_names=template.dims(name),
            attributes=ABOUT[name],
            fill_value=np.zeros((), field.dtype)[()],
        )
    make(TILES, shape=tiling.counts, chunks=(1,) * len(tiling.counts), dtype="uint32", fill_value=UNFINISHED)
    group.update_attributes({**template.attributes, SETTINGS: json.dumps(dict(settings), sort_keys=True)})


def _settings_of(location: str) -> dict[str, Any]:
    """The settings of a store; none of one that is not yet begun in full. ValueError for what is no store of ours."""
    import zarr

    try:
        group = zarr.open_group(_zarr_store(location, read_only=True), mode="r")
    except FileNotFoundError as error:
        if Path(location).is_dir() and not any(Path(location).iterdir()):
            return {}
        raise ValueError(f"`path` {location!r} holds no sweep; choose another name.") from error
    if SETTINGS not in group.attrs and group.attrs:
        raise ValueError(f"`path` {location!r} holds no sweep that can be resumed; choose another name.")
    return json.loads(str(group.attrs.get(SETTINGS, "{}")))


def _check_settings(location: str, settings: Mapping[str, Any]) -> None:
    before, now = _settings_of(location), json.loads(json.dumps(dict(settings)))
    differences = [
        f"{name}={before.get(name)!r}, not {now.get(name)!r}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if differences:
        raise ValueError(
            f"`path` {location!r} was begun with {'; '.join(differences)}; sweep with the same, or choose another name."
        )


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
