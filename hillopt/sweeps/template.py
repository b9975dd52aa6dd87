"""A sweep's data set before it has numbers: its variables, coordinates and attributes."""

import abc
import dataclasses
import functools
import importlib.metadata
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

from hillopt.axes import scale_of
from hillopt.sweeps.identity import climb_of, identity, labels_of, numbers_of, plain, told
from hillopt.sweeps.plan import Plan
from hillopt.sweeps.tiles import Tiling

if TYPE_CHECKING:
    import xarray


class Variable(NamedTuple):
    """A field of the answers, over its own dimensions and the axes."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    about: dict[str, object]


class AbstractTemplate(abc.ABC):
    """What a store has before its first tile: what it needs to know of whatever is put there tile by tile."""

    @property
    @abc.abstractmethod
    def variables(self) -> dict[str, Variable]:
        """By name; the tiled dimensions are their last."""

    @property
    @abc.abstractmethod
    def coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, object]]]:
        """By name: dimension, values, attributes."""

    @property
    @abc.abstractmethod
    def attributes(self) -> dict[str, object]:
        """Where the numbers come from."""

    @property
    @abc.abstractmethod
    def tiling(self) -> Tiling:
        """How the tiled dimensions are cut."""

    @property
    @abc.abstractmethod
    def tiled(self) -> list[str]:
        """Their names."""

    @abc.abstractmethod
    def identity(self) -> dict[str, object]:
        """All that decides a bit of the results, by name, as JSON takes it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Template(AbstractTemplate):
    """What a sweep's data set is before it has numbers."""

    plan: Plan

    @property
    def tiling(self) -> Tiling:
        return self.plan.layout.tiling

    @property
    def tiled(self) -> list[str]:
        return list(self.plan.axes)

    def identity(self) -> dict[str, object]:
        return identity(self.plan)

    @functools.cached_property
    def variables(self) -> dict[str, Variable]:
        answer, axes = self.plan.question.answer_type, self.plan.axes
        about, own = answer.about(), answer.dims()
        shape = self.plan.layout.tiling.shape
        return {
            name: Variable((*own[name], *axes), (*field.shape[:-2], *shape), np.dtype(field.dtype), about[name])
            for name, field in self.plan.fields.items()
        }

    @functools.cached_property
    def coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, object]]]:
        dtype = self.plan.layout.dtype
        found: dict[str, tuple[str, np.ndarray, dict[str, object]]] = {
            name: (name, np.asarray(axis.values, dtype), {"scale": axis.scale, "units": "1"})
            for name, axis in self.plan.axes.items()
        }
        for name, given in self.plan.question.coordinates().items():
            values = np.asarray(given, dtype)
            about: dict[str, object] = {
                "scale": scale_of(values),
                "units": "1",
                "long_name": "height of the hill, in lengths of the run",
            }
            found[name] = (name, values, about)
        return found

    @property
    def num_bytes(self) -> int:
        """Size of all variables."""
        return sum(math.prod(variable.shape) * variable.dtype.itemsize for variable in self.variables.values())

    @functools.cached_property
    def attributes(self) -> dict[str, object]:
        """Where the numbers come from, and how they are drawn; `numbers` tells every one, given or not."""
        plan = self.plan
        question, hill, optimizer = plan.world
        of_what = [part.label() for part in (optimizer, hill) if part is not None]
        device = jax.local_devices()[0]
        axes = {name: told(axis) for name, axis in plan.axes.items()}
        versions = {name: importlib.metadata.version(name) for name in ("hillopt", "jax", "jaxlib", "numpy", "optax")}
        return {
            "title": f"{question.title} of {' on '.join(of_what)}",
            **labels_of(plan.world),
            "numbers": json.dumps(numbers_of(plan), default=str),
            "look": json.dumps(question.look._asdict()),
            "max_steps": plan.most,
            "dtype": str(plan.layout.dtype),
            "climb": climb_of(plan),
            "device": f"{device.platform} {device.device_kind}",
            "versions": json.dumps(versions),
            "call": f"sweep({question!r}, {hill!r}, {optimizer!r}, {json.dumps(axes, default=plain)})",
        }

    def label(self, results: Mapping[str, np.ndarray]) -> "xarray.Dataset":
        """Results as a data set with coordinates, units and meanings."""
        import xarray

        variables = {
            name: (self.variables[name].dims, values, self.variables[name].about) for name, values in results.items()
        }
        return xarray.Dataset(variables, self.coordinates, attrs=self.attributes)
