"""Small sweeps into stores, and what the tests of stores look at."""

from pathlib import Path

import numpy as np

import hillopt as ho

ROOT = Path(__file__).parent.parent
HILL = ho.TentHill()
ADAM = ho.Adam(0.1)
QUESTION = ho.CriticalHeight(200, ho.PlainClimb(), heights=[0.1, 0.3])  # what compiles soonest
AXES = {"b1": ho.Axis.linear(0.1, 0.9, 5), "learning_rate": ho.Axis.log(0.05, 0.9, 11)}
TILES = 15
LOW = ho.TentHill(0.3)
BRIEFLY = ho.Escape(20, ho.PlainClimb())


def sweep(path=None, axes=AXES, *, question=QUESTION, hill=HILL, optimizer=ADAM, resume=False, shard=None, **options):
    store = None if path is None else ho.Store(path, resume=resume, shard=shard)
    return ho.sweep(question, hill, optimizer, axes, store=store, **{"tile": 4, **options})


def finished_tiles(path):
    import zarr

    return np.asarray(zarr.open_group(path, mode="r")["progress/tiles"][...]) != 0


def files(path):
    return {file.relative_to(path): file for file in Path(path).rglob("*") if file.is_file()}


class Stopped(Exception):
    """A sweep that a test has had enough of."""


def stop_after(tiles):
    def tell(progress):
        if progress.tiles >= tiles:
            raise Stopped

    return tell


def gathered(path):
    """Whether the metadata of all arrays stand in the root too."""
    import zarr

    return zarr.open_group(path, mode="r").metadata.consolidated_metadata is not None


def forget_identity(path):
    """As a process leaves a store that is killed before it has written all that comes before the first tile."""
    import zarr

    group = zarr.open_group(path, mode="a")
    group.attrs.clear()
    group.attrs["made_by"] = "hillopt"
