"""A sweep's answers as one labelled data set, in memory and on disk."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from hillopt.axes import Axis
from hillopt.verdicts import Verdict, judge

if TYPE_CHECKING:
    import xarray

HEIGHT_DIMENSION = "hill_height"


def label(
    grids: dict[str, np.ndarray], axes: dict[str, Axis], heights: Axis | None, attributes: dict[str, Any]
) -> "xarray.Dataset":
    """A sweep's answers, each of the axes' shape, with coordinates, units and meanings; and verdicts at the heights."""
    import xarray

    dtype = np.dtype(attributes["dtype"])
    dims = list(axes)
    variables: dict[str, Any] = {name: (dims, grids[name], _ATTRIBUTES[name]) for name in grids}
    coordinates: dict[str, Any] = {
        name: (name, np.asarray(axis.values, dtype), {"scale": axis.scale, "units": "1"}) for name, axis in axes.items()
    }
    if heights is not None:
        levels = np.asarray(heights.values, dtype)
        verdict, flagged = _judge_heights(grids, levels)
        variables["escape"] = ([HEIGHT_DIMENSION, *dims], verdict, _ATTRIBUTES["escape"])
        variables["escape_flagged"] = ([HEIGHT_DIMENSION, *dims], flagged, _ATTRIBUTES["escape_flagged"])
        coordinates[HEIGHT_DIMENSION] = (
            HEIGHT_DIMENSION,
            levels,
            {"scale": heights.scale, "units": "1", "long_name": "height of the hill, in lengths of the run"},
        )
    return xarray.Dataset(variables, coordinates, attrs=attributes)


def _judge_heights(grids: dict[str, np.ndarray], heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(heights), *grids["height"].shape)
    verdict, flagged = np.empty(shape, np.int8), np.empty(shape, bool)
    diverged = grids["verdict"] == Verdict.DIVERGED
    for row, height in enumerate(heights):
        verdict[row] = judge(
            jnp.asarray(grids["height"]), jnp.asarray(grids["upper"]), jnp.asarray(diverged), jnp.asarray(height)
        )
        flagged[row] = grids["flagged"] | (np.abs(grids["height"] - height) <= grids["error"])
    return verdict, flagged


_FLAGS = {
    "flag_values": [int(verdict) for verdict in Verdict],
    "flag_meanings": " ".join(verdict.name.lower() for verdict in Verdict),
}

_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "height": {
        "units": "1",
        "long_name": "critical height, lower end",
        "comment": "highest rise met within max_steps, in lengths of the run to the valley",
    },
    "upper": {
        "units": "1",
        "long_name": "critical height, upper end",
        "comment": "no number of steps ever climbs higher; infinite where no bound is known",
    },
    "error": {
        "units": "1",
        "long_name": "rounding error of height at most",
        "comment": "where not flagged; hyperparameters count as known to half a unit in their last place",
    },
    "step": {"units": "1", "long_name": "step that met the critical height"},
    "verdict": {
        "long_name": "how the walk on the endless flank ended",
        "comment": "trapped: proved that nothing above upper comes; undecided: max_steps ended the search",
        **_FLAGS,
    },
    "period": {"units": "1", "long_name": "steps after which the walk repeats", "comment": "0 where not found"},
    "flagged": {
        "long_name": "rounding could change the answer",
        "comment": "a decision of the walk lies within its rounding error",
        "flag_values": [0, 1],
        "flag_meanings": "certified flagged",
    },
    "num_steps": {"units": "1", "long_name": "steps that the walk was followed"},
    "escape": {"long_name": "verdict on a hill of this height", **_FLAGS},
    "probability": {"units": "1", "long_name": "probability of an escape within max_steps"},
    "probability_low": {"units": "1", "long_name": "lower end of its 95 % interval"},
    "probability_high": {"units": "1", "long_name": "upper end of its 95 % interval"},
    "passage": {
        "units": "1",
        "long_name": "mean steps to the first escape",
        "comment": "where walks are censored, of an exponential law; infinite where none escaped",
    },
    "passage_low": {"units": "1", "long_name": "lower end of its 95 % interval"},
    "passage_high": {"units": "1", "long_name": "upper end of its 95 % interval"},
    "escaped": {"units": "1", "long_name": "share of the walks that escaped"},
    "flipped": {"units": "1", "long_name": "share of walks, nudged by one unit in the last place, whose label turns"},
    "loss": {"units": "1", "long_name": "elevation after max_steps"},
    "lowest": {"units": "1", "long_name": "lowest elevation met"},
    "finite": {"long_name": "whether the elevation is finite"},
    "escape_flagged": {
        "long_name": "rounding could change the verdict on a hill of this height",
        "flag_values": [0, 1],
        "flag_meanings": "certified flagged",
    },
}


def result_bytes(cells: int, num_heights: int, fields: dict[str, Any]) -> int:
    """Size of a sweep's result: what its fields take a cell, and two bytes a cell and height."""
    return cells * (sum(np.dtype(field.dtype).itemsize for field in fields.values()) + 2 * num_heights)


def check_room(path: str | os.PathLike[str], num_bytes: int) -> None:
    """Raise ValueError if the path exists, or its disk has no room for so many bytes."""
    path = Path(path)
    if path.exists():
        raise ValueError(f"`path` {str(path)!r} exists; choose another name or remove it first.")
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
    check_room(path, dataset.nbytes)
    dataset.to_zarr(path, mode="w-", zarr_format=3, consolidated=False)


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())
