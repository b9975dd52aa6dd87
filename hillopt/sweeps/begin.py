"""What a store has before its first tile: who made it, of what, and empty arrays. What somebody else has made is left alone."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hillopt.sweeps.identity import plain
from hillopt.sweeps.place import is_url, shown, told_in_a_sentence, zarr_store
from hillopt.sweeps.template import AbstractTemplate

TILES = "progress/tiles"
MAKER = {"made_by": "hillopt"}
"""Attributes that are written first of all: a group without them is somebody else's."""
IDENTITY = "identity"
"""The attribute that is written last of all before the first tile."""


def identity_of(location: str) -> dict[str, object]:
    """What a store was begun with; nothing of one that is not yet begun in full. ValueError for what is no store of ours."""
    try:
        is_empty = _is_empty(location)  # looked at first, since another process may be about to begin it
        group = _group(location, read_only=True)
        attributes = group.attrs.asdict()
        is_ours = group.metadata.zarr_format == 3 and all(attributes.get(name) == MAKER[name] for name in MAKER)
        found = json.loads(str(attributes.get(IDENTITY, "{}")))
    except FileNotFoundError as error:
        if is_empty:
            return {}
        raise ValueError(f"`path` {shown(location)} holds no sweep; choose another name.") from error
    except Exception as error:  # whatever somebody else's files may be
        raise ValueError(
            f"`path` {shown(location)} holds no sweep that can be read ({type(error).__name__}); choose another name."
        ) from error
    if not is_ours:
        raise ValueError(f"`path` {shown(location)} holds no sweep that can be resumed; choose another name.")
    return found


def is_whole(location: str, template: AbstractTemplate) -> bool:
    """Whether every array of a store is still there. ValueError for one that cannot be read."""
    group = _group(location, read_only=True)
    for name in (*template.coordinates, *template.variables, TILES):
        try:
            group[name]
        except KeyError:
            return False
        except Exception as error:  # cut off or overwritten
            raise ValueError(
                f"`path` {shown(location)} has metadata of {name!r} that do not decode; remove {name}/zarr.json, and sweep on "
                "with resume=True: it is written again."
            ) from error
    return True


def begin(location: str, template: AbstractTemplate, identity: Mapping[str, object]) -> None:
    """Write what is missing of all that a store has before its first tile.

    Processes that begin the same store at once write the same. Raises ValueError for a place that takes nothing, and for a store
    that others have half begun otherwise.
    """
    with told_in_a_sentence(location):
        misfits = _write(location, template, identity)
    if misfits:
        raise ValueError(f"`path` {shown(location)} was half begun with other settings; remove it.")


def _write(location: str, template: AbstractTemplate, identity: Mapping[str, object]) -> list[str]:
    """As `begin`; the names of arrays that are there in other shapes."""
    import zarr
    import zarr.codecs

    with contextlib.suppress(zarr.errors.ContainsGroupError):  # its maker is there from the first moment on
        zarr.create_group(zarr_store(location, read_only=False), zarr_format=3, attributes=dict(MAKER))
    group = _group(location, read_only=False)
    compressor = zarr.codecs.ZstdCodec(level=1, checksum=True)
    misfits = []

    def make(name: str, **options: Any) -> None:
        if name not in group:
            with contextlib.suppress(zarr.errors.ContainsArrayError):  # another process was faster
                group.create_array(name, compressors=compressor, **options)
        found = group[name]
        if (found.shape, found.chunks, found.dtype) != (options["shape"], options["chunks"], options["dtype"]):
            misfits.append(name)

    tiling = template.tiling
    for name, (dimension, values, about) in template.coordinates.items():
        whole = {"shape": values.shape, "chunks": values.shape, "dtype": values.dtype}
        make(name, dimension_names=[dimension], attributes=about, **whole)
        if name not in misfits:
            group[name][...] = values
    for name, variable in template.variables.items():
        make(
            name,
            shape=variable.shape,
            chunks=(*variable.shape[: -len(tiling.tile)], *tiling.tile),
            dtype=variable.dtype,
            dimension_names=list(variable.dims),
            attributes={key: plain(value) for key, value in variable.about.items()},
            fill_value=np.zeros((), variable.dtype)[()],
        )
    make(
        TILES,
        shape=tiling.counts,
        chunks=(1,) * len(tiling.counts),
        dtype=np.dtype("uint32"),
        dimension_names=[f"tile_of_{name}" for name in template.tiled],
        fill_value=0,
    )
    if not misfits:
        group.update_attributes({**template.attributes, IDENTITY: json.dumps(dict(identity), sort_keys=True)})
    return misfits


def _group(location: str, read_only: bool) -> Any:
    """The store as its own files tell it, and not what was gathered from them."""
    import zarr

    return zarr.open_group(zarr_store(location, read_only), mode="r" if read_only else "r+", use_consolidated=False)


def _is_empty(location: str) -> bool:
    folder = Path(location)
    return not is_url(location) and folder.is_dir() and all(path.suffix == ".partial" for path in folder.iterdir())
