"""Sweeps that stand on disk, as commands that look at them open them."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

DATA = "data.zarr"


def is_run(place: Path) -> bool:
    """Whether a place is a run folder with a sweep in it, not a store."""
    return (place / DATA).is_dir()


def opened(run: Path) -> "xarray.Dataset":
    """A finished sweep, from its run folder or its store; ValueError for what is none."""
    import xarray

    unfinished = run.with_name(f".{run.name}.unfinished")
    if not run.exists() and unfinished.is_dir():
        raise ValueError(f"`--run={run}` is unfinished; launch.sweep --resume goes on with it.")
    try:
        return xarray.open_zarr(run / DATA if is_run(run) else run, consolidated=True, chunks=None)
    except Exception as error:  # whatever a file system or a store of another kind may raise
        raise ValueError(
            f"`--run={run}` holds no finished sweep; give a run folder of launch.sweep or a store."
        ) from error
