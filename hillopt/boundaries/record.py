"""What a refinement has asked, kept in a store as it goes on, so that an interrupted one asks nothing twice.

A search asks the same settings in the same order whenever it is begun anew, since only labels decide what it asks next. So its
record is one row of settings with their labels, in tiles that are written as they fill up, each with its checksum as a sweep's
are. Whoever resumes begins the search again, and finds the labels there as far as the record goes.
"""

import dataclasses
import functools

import numpy as np

from hillopt.boundaries.labels import Labelling
from hillopt.boundaries.search import Known, Settings
from hillopt.lanes import num_blocks
from hillopt.sweeps.identity import identity
from hillopt.sweeps.plan import Plan
from hillopt.sweeps.template import AbstractTemplate, Template, Variable
from hillopt.sweeps.tiles import Tiling
from hillopt.sweeps.zarr_store import ZarrTiles

ALONG = "asked"
TILE = 1_024  # settings of the record that are written together


@dataclasses.dataclass(frozen=True, eq=False)
class RecordTemplate(AbstractTemplate):
    """Settings and labels in the order in which they are asked, at most as many as the grid has."""

    plan: Plan
    labelling: Labelling
    rules: dict[str, object]
    """Of the search, as far as they decide what is asked."""

    @property
    def tiling(self) -> Tiling:
        return Tiling((num_blocks(self.plan.size, TILE) * TILE,), (TILE,))

    @property
    def tiled(self) -> list[str]:
        return [ALONG]

    @functools.cached_property
    def variables(self) -> dict[str, Variable]:
        about: dict[str, object] = {"long_name": "index of the setting in the grid, the last axis running fastest"}
        dims, shape = (ALONG,), self.tiling.shape
        return {
            "setting": Variable(dims, shape, np.dtype(np.int64), about),
            "label": Variable(dims, shape, self.labelling.dtype, {"long_name": self.labelling.told}),
        }

    @functools.cached_property
    def coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, object]]]:
        axes = Template(self.plan).coordinates
        return {name: axes[name] for name in self.plan.axes}

    @functools.cached_property
    def attributes(self) -> dict[str, object]:
        return {**Template(self.plan).attributes, **self.rules}

    def identity(self) -> dict[str, object]:
        """As a sweep's, in which no tile plays a part; with what is told apart and how it is searched."""
        whole = {name: value for name, value in identity(self.plan).items() if name != "tile"}
        return {**whole, "field": self.labelling.field, "level": self.labelling.level, **self.rules}


class Record:
    """What was asked before, and what is asked now."""

    def __init__(self, template: RecordTemplate, tiles: ZarrTiles | None) -> None:
        self._tiles, self._written = tiles, 0
        self._rows: list[tuple[np.ndarray, np.ndarray]] = []
        self._filled = 0
        shape = template.plan.layout.tiling.shape
        self.before = Known.nothing((shape[0], shape[1]), template.labelling.dtype)
        for tile_index in np.flatnonzero(tiles.finished()) if tiles is not None else ():
            tile = tiles.read(int(tile_index))  # type: ignore[union-attr]
            self.before.note(tile["setting"], tile["label"])

    def add(self, settings: Settings, labels: np.ndarray) -> None:
        """Settings that have been asked, in order, with their labels."""
        if self._tiles is None:
            return
        self._rows.append((settings, labels))
        self._filled += settings.size
        while self._filled >= TILE:
            self._write(TILE)

    def close(self) -> None:
        """Write the last tile, its rest the last setting again."""
        if self._tiles is not None and self._filled:
            self._write(self._filled)
        if self._tiles is not None:
            self._tiles.close()

    def _write(self, size: int) -> None:
        settings, labels = (np.concatenate(parts) for parts in zip(*self._rows, strict=True))
        self._rows, self._filled = [(settings[size:], labels[size:])], settings.size - size
        tile = np.minimum(np.arange(TILE), size - 1)
        if self._tiles is not None and not self._tiles.is_finished(self._written):
            self._tiles.write(self._written, {"setting": settings[:size][tile], "label": labels[:size][tile]})
        self._written += 1
