"""Where a sweep is kept: what a user says of it, and the contract of what holds tiles, with the one in memory."""

import abc
import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from hillopt.front_door import memory_of_machine
from hillopt.sweeps.place import location_of
from hillopt.sweeps.template import Template

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True)
class Store:
    """Where a sweep is kept, and how processes share it.

    **Arguments**

    - `path`: a folder or a URL that fsspec knows, for a Zarr store that is filled tile by tile.
    - `resume`: go on with the store at `path`, begun by this process or another, now or long ago. Finished tiles are checked
      against their checksums, then only the others are walked. Several processes may fill one store at once.
    - `shard`: (i, n) to walk every n-th tile only, from the i-th on; processes with all i of n share the work without a word
      to each other. Those of `jax.distributed` do without.

    Raises ValueError for a path or a shard that is none.
    """

    path: str | os.PathLike[str]
    resume: bool = False
    shard: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        location_of(self.path)
        shard = self.shard
        if shard is not None and not _is_shard(shard):
            raise ValueError(f"`shard` must be (i, n) with 0 <= i < n, got {shard!r}; number the shards from 0.")
        if shard is not None and jax.process_count() > 1:
            raise ValueError(
                "`shard` is for processes that do not know each other; those of jax.distributed do without it."
            )

    @property
    def goes_on(self) -> bool:
        """Whether a store that is there is gone on with."""
        return self.resume or self.shard is not None

    @property
    def location(self) -> str:
        """The path or URL as a string, `~` expanded."""
        return location_of(self.path)


def _is_shard(shard: object) -> bool:
    if not (isinstance(shard, tuple | list) and len(shard) == 2 and all(isinstance(part, int) for part in shard)):
        return False
    return 0 <= shard[0] < shard[1]


class AbstractTiles(abc.ABC):
    """Where tiles are put: in memory or on disk."""

    is_shared: bool
    """Whether other processes may finish tiles too."""

    @abc.abstractmethod
    def is_finished(self, tile_index: int) -> bool:
        """Whether a tile stands there now."""

    @abc.abstractmethod
    def finished(self) -> np.ndarray:
        """Of every tile, whether it stands there now."""

    @abc.abstractmethod
    def write(self, tile_index: int, results: Mapping[str, np.ndarray]) -> None:
        """Put a tile's results there. Raises ValueError where they cannot be written."""

    @abc.abstractmethod
    def dataset(self) -> "xarray.Dataset":
        """All results."""


class MemoryTiles(AbstractTiles):
    """Tiles of a sweep in memory; ValueError for one that does not fit."""

    is_shared = False

    def __init__(self, template: Template) -> None:
        needed, available = template.num_bytes, memory_of_machine()
        if needed > available:
            raise ValueError(
                f"`axes` give {template.plan.size:,} settings, whose result needs {needed / 2**30:.3g} GiB of memory, and this "
                f"machine has {available / 2**30:.3g}; give a `store`, or take fewer points."
            )
        self._template, self._tiling = template, template.plan.layout.tiling
        self._results = {name: np.empty(each.shape, each.dtype) for name, each in template.variables.items()}

    def is_finished(self, tile_index: int) -> bool:
        del tile_index
        return False

    def finished(self) -> np.ndarray:
        return np.zeros(self._tiling.num_tiles, bool)

    def write(self, tile_index: int, results: Mapping[str, np.ndarray]) -> None:
        for name, values in results.items():
            region: Any = (..., *self._tiling.region(tile_index))
            self._results[name][region] = values

    def dataset(self) -> "xarray.Dataset":
        return self._template.label(self._results)
