"""A data set as a picture needs it: what to draw, what to write above it, and which facets there are."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hillopt.pictures.style import label_of
from hillopt.questions import Look
from hillopt.sweeps import settings_dims
from hillopt.walk import Certainty

if TYPE_CHECKING:
    import xarray

MOST_FACETS = 4  # a direction; more become too small to read

Choice = dict[str, int]
"""Which index of which further axis."""


class Picture(NamedTuple):
    """A sweep to draw."""

    dataset: "xarray.Dataset"
    look: Look
    dims: list[str]
    """The axes, in order."""

    @classmethod
    def of(cls, dataset: "xarray.Dataset") -> "Picture":
        """Of a data set; ValueError for one that no sweep made."""
        if "look" not in dataset.attrs:
            raise ValueError(
                "`dataset` must be a sweep's or an answer's, got one without the attribute 'look'; pass what ho.sweep or "
                "to_dataset gives."
            )
        return cls(dataset, Look(**json.loads(dataset.attrs["look"])), settings_dims(dataset))

    @property
    def numbers(self) -> Mapping[str, Mapping[str, Any]]:
        """What was not swept, by its owner."""
        return json.loads(self.dataset.attrs.get("numbers", "{}"))

    @property
    def title(self) -> str:
        """What was asked of what."""
        return str(self.dataset.attrs["title"])

    @property
    def subtitle(self) -> str:
        """Every number that is not on an axis, the steps, the dtype, and whether anything was proved."""
        shown = [
            f"{label_of(name)} = {value:g}"
            for owner in ("optimizer", "hill", "question")
            for name, value in self.numbers.get(owner, {}).items()
            if isinstance(value, float)
        ]
        shown += [f"{steps:,} steps, {self.dataset.attrs['dtype']}"] if (steps := self.max_steps) else []
        walks = self.numbers.get("question", {}).get("num_walks")
        shown += [f"{walks:,} walks a setting"] if walks else []
        shown += ["unchecked: no proof was attempted"] if self.is_unchecked else []
        return ", ".join(shown)

    @property
    def max_steps(self) -> int | None:
        """Of every walk, where the data set tells."""
        steps = self.dataset.attrs.get("max_steps")
        return None if steps is None else int(steps)

    @property
    def is_unchecked(self) -> bool:
        """Whether no proof was attempted anywhere."""
        certainty = self.dataset.get("certainty")
        return certainty is not None and bool((certainty == Certainty.UNCHECKED).all())

    def facets(self) -> tuple[list[Choice], list[Choice]]:
        """The facets across and down: of the third and fourth axis at most `MOST_FACETS` values, spread evenly."""
        return self._some(self.dims[2:3]), self._some(self.dims[3:4])

    def rest(self) -> Choice:
        """Of the fifth axis on, the first value."""
        return dict.fromkeys(self.dims[4:], 0)

    def note(self, choice: Choice) -> str:
        """The values that a choice stands for."""
        return ", ".join(f"{label_of(name)} = {self.dataset[name].values[index]:.4g}" for name, index in choice.items())

    def _some(self, names: list[str]) -> list[Choice]:
        if not names:
            return [{}]
        size = self.dataset.sizes[names[0]]
        chosen = np.unique(np.linspace(0, size - 1, min(size, MOST_FACETS)).round().astype(int))
        return [{names[0]: int(index)} for index in chosen]
