"""A sweep's answers as one labelled data set, in memory and on disk."""

import itertools
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hillopt.axes import Axis
from hillopt.verdicts import Verdict, judge

if TYPE_CHECKING:
    import xarray

HEIGHT_DIMENSION = "hill_height"
DRAWN_CELLS = 2**20


class Template(NamedTuple):
    """What a sweep's data set is before it has numbers."""

    axes: dict[str, Axis]
    heights: Axis | None
    """At which hills of a shared flank are judged."""
    dtype: np.dtype
    attributes: dict[str, Any]

    def dims(self, name: str) -> list[str]:
        """The dimensions of a result."""
        return [*([HEIGHT_DIMENSION] if name in ("escape", "escape_flagged") else []), *self.axes]

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a result."""
        axes = tuple(len(axis.values) for axis in self.axes.values())
        return (len(self.heights.values), *axes) if self.heights and self.dims(name)[0] == HEIGHT_DIMENSION else axes

    def num_bytes(self, results: Mapping[str, Any]) -> int:
        """Size of results with these dtypes, by name."""
        return sum(math.prod(self.shape(name)) * np.dtype(field.dtype).itemsize for name, field in results.items())

    def coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, Any]]]:
        """By name: dimension, values, attributes."""
        found: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
            name: (name, np.asarray(axis.values, self.dtype), {"scale": axis.scale, "units": "1"})
            for name, axis in self.axes.items()
        }
        if self.heights is not None:
            about = {"scale": self.heights.scale, "units": "1"}
            about["long_name"] = "height of the hill, in lengths of the run"
            found[HEIGHT_DIMENSION] = (HEIGHT_DIMENSION, np.asarray(self.heights.values, self.dtype), about)
        return found

    def judged(self, results: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The results, and where heights were given the verdicts there, which follow from them."""
        if self.heights is None:
            return results
        verdict, flagged = _judge_heights(results, np.asarray(self.heights.values, self.dtype))
        return {**results, "escape": verdict, "escape_flagged": flagged}


def label(template: Template, results: dict[str, np.ndarray]) -> "xarray.Dataset":
    """A sweep's results as a data set with coordinates, units and meanings."""
    import xarray

    variables = {name: (template.dims(name), values, ABOUT[name]) for name, values in results.items()}
    return xarray.Dataset(variables, template.coordinates(), attrs=template.attributes)


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

ABOUT: dict[str, dict[str, Any]] = {
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
    axes = {name: size for name, size in dataset.sizes.items() if name != HEIGHT_DIMENSION}
    step = 1
    while math.prod(-(-size // step) for size in axes.values()) > most:
        step += 1
    return dataset.isel({name: slice(None, None, step) for name in axes}) if step > 1 else dataset


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
