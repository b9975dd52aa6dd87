"""A data set as a picture needs it: what to draw, what to write above it, and which facets there are."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints

import numpy as np

from hillopt.landscapes import EndlessTent, PiecewiseLinearHill, TentHill, WedgeHill
from hillopt.pictures.style import label_of, plain_text
from hillopt.questions import Look, Loss, Trainability
from hillopt.sweeps import thinned
from hillopt.sweeps.dataset import DRAWN_CELLS
from hillopt.walk import Certainty

if TYPE_CHECKING:
    import xarray

MOST_FACETS = 4  # a direction; more become too small to read
NEEDED = {"heights": ("verdict", "certainty"), "training": ("measure",)}  # beside the field itself
SCALES = get_args(get_type_hints(Look)["scale"])
STRAIGHT = {kind.__name__ for kind in (TentHill, EndlessTent, WedgeHill, PiecewiseLinearHill)}
DOUBT = "labels near a boundary may turn with the last digit"
DOUBT_OF_LOSSES = "unchecked: where walks are chaotic losses hang on the last digit"
TOLD_APART = ("max_steps", "climb", "heights", "lanes")  # of a question's numbers

Choice = dict[str, int]
"""Which index of which further axis."""


class Panel(NamedTuple):
    """A map or a curve of a picture."""

    choice: Choice
    """Of which values of the third axis on it is."""
    dataset: "xarray.Dataset"
    """Over the first two axes, thinned to what a picture can show."""


class Picture(NamedTuple):
    """A sweep to draw."""

    whole: "xarray.Dataset"
    look: Look
    dims: list[str]
    """The axes, in order."""
    panels: list[list[Panel]]
    """By rows: the third axis goes across, the fourth down."""
    every: int
    """Along the first two axes every so many values are drawn."""

    @classmethod
    def of(cls, dataset: "xarray.Dataset") -> "Picture":
        """Of a data set; ValueError for one that no sweep made."""
        look = _look_of(dataset)
        dims = [str(name) for name in dataset[look.field].dims]
        if not dims:
            raise ValueError(
                f"`dataset` must have an axis, got {look.field!r} of one setting; sweep some number of it."
            )
        if any(dataset.sizes[name] == 0 for name in dims):
            raise ValueError("`dataset` must hold a setting, got an axis without values; select fewer away.")
        across, down = (_some(dataset, dims[index : index + 1]) for index in (2, 3))
        rest = dict.fromkeys(dims[4:], 0)
        most = DRAWN_CELLS // (len(across) * len(down))
        panels = [
            [Panel(choice, thinned(dataset.isel({**choice, **rest}), most)) for choice in row]
            for row in ([{**beside, **below} for beside in across] for below in down)
        ]
        return cls(dataset, look, dims, panels, _step_between(dataset, panels[0][0].dataset, dims[:2]))

    @property
    def first(self) -> "xarray.Dataset":
        """What is drawn, or the first facet of it."""
        return self.panels[0][0].dataset

    def values(self, name: str) -> np.ndarray:
        """Of a field, in all panels together."""
        return np.concatenate([panel.dataset[name].values.ravel() for row in self.panels for panel in row])

    @property
    def numbers(self) -> Mapping[str, Mapping[str, Any]]:
        """What was not swept, by its owner; and what was, of which one value was selected."""
        selected = {
            str(name): float(value) for name, value in self.whole.coords.items() if value.ndim == 0 and _is_real(value)
        }
        return {"selected": selected, **json.loads(self.whole.attrs.get("numbers", "{}"))}

    def number(self, name: str) -> float | None:
        """Of the optimizer or of its selected axis."""
        return {**self.numbers["selected"], **self.numbers.get("optimizer", {})}.get(name)

    @property
    def title(self) -> str:
        """What was asked of what."""
        return plain_text(str(self.whole.attrs.get("title", self.look.label)))

    @property
    def told(self) -> list[str]:
        """Every number that is not on an axis, the steps, the dtype, what is not drawn, and whether anything was proved."""
        attributes = self.whole.attrs
        shown = [
            told
            for owner in ("selected", "optimizer", "hill", "question")
            for name, value in self.numbers.get(owner, {}).items()
            if not (owner == "question" and name in TOLD_APART) and (told := _told(name, value))
        ]
        shown += [f"{self.max_steps:,} steps"] if self.max_steps is not None else []
        shown += [str(attributes["dtype"])] if "dtype" in attributes else []
        shown += self._left_out()
        return [*shown, *self._doubts()]

    def _left_out(self) -> Iterator[str]:
        sizes = self.whole.sizes
        if self.every > 1:
            yield f"every {_ordinal(self.every)} value of {'each axis' if len(self.dims) > 1 else 'the axis'} drawn"
        for name, number in zip(self.dims[2:4], (len(self.panels[0]), len(self.panels)), strict=False):
            if number < sizes[name]:
                yield f"{number} of {sizes[name]:,} values of {label_of(name)} drawn"
        for name in self.dims[4:]:
            yield self.note({name: 0}) + ("" if sizes[name] == 1 else f" (the first of {sizes[name]:,} values)")

    def _doubts(self) -> Iterator[str]:
        """That nothing was proved, where that is so, and what it means on this ground."""
        is_unchecked = "certainty" in self.whole and bool(np.all(self.values("certainty") == Certainty.UNCHECKED))
        if is_unchecked:
            yield "unchecked: no proof was attempted"
        if (doubt := doubt_of(self.whole, is_unchecked)) is not None:
            yield doubt

    @property
    def max_steps(self) -> int | None:
        """Of every walk, where the data set tells."""
        steps = self.whole.attrs.get("max_steps")
        return None if steps is None else int(steps)

    def note(self, choice: Choice) -> str:
        """The values that a choice stands for."""
        return ", ".join(f"{label_of(name)} = {self.whole[name].values[index]:.4g}" for name, index in choice.items())


def doubt_of(dataset: "xarray.Dataset", is_unchecked: bool) -> str | None:
    """What an answer without proofs is worth where walks may be chaotic; None where nothing speaks against it."""
    if not is_curved(dataset):
        return None
    if dataset.attrs.get("question") == Loss.__name__:
        return DOUBT_OF_LOSSES
    if dataset.attrs.get("question") == Trainability.__name__:
        return DOUBT
    return DOUBT if is_unchecked else None


def is_curved(dataset: "xarray.Dataset") -> bool:
    """Whether walks may be chaotic, and hang on the last digit: the ground is none of those of straight pieces."""
    return "hill" in dataset.attrs and str(dataset.attrs["hill"]).partition(" ")[0] not in STRAIGHT


def _some(dataset: "xarray.Dataset", names: list[str]) -> list[Choice]:
    """Of an axis at most `MOST_FACETS` values, spread evenly; of none one choice that leaves everything open."""
    if not names:
        return [{}]
    size = dataset.sizes[names[0]]
    chosen = np.unique(np.linspace(0, size - 1, min(size, MOST_FACETS)).round().astype(int))
    return [{names[0]: int(index)} for index in chosen]


def _look_of(dataset: "xarray.Dataset") -> Look:
    import xarray

    remedy = "pass what ho.sweep or to_dataset gives."
    if not isinstance(dataset, xarray.Dataset):
        raise ValueError(f"`dataset` must be a sweep's or an answer's, got {_kind_of(dataset)}; {remedy}")
    if "look" not in dataset.attrs:
        raise ValueError(f"`dataset` must be a sweep's or an answer's, got one without the attribute 'look'; {remedy}")
    try:
        look = Look(**json.loads(dataset.attrs["look"]))
        if look.scale not in SCALES:
            raise ValueError(f"no scale {look.scale!r}")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`dataset` must be a sweep's or an answer's, got the attribute 'look' damaged; {remedy}"
        ) from error
    for name in (look.field, *NEEDED.get(look.scale, ()), *([look.outlined] if look.outlined else [])):
        if name not in dataset:
            raise ValueError(f"`dataset` must have the field {name!r} to be drawn, got one without; {remedy}")
        if dataset[name].dims != dataset[look.field].dims:
            raise ValueError(f"`dataset` must have {name!r} over the axes of {look.field!r}, got others; {remedy}")
    return look


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _step_between(whole: "xarray.Dataset", drawn: "xarray.Dataset", dims: list[str]) -> int:
    """Of how many values of an axis one was taken."""
    for name in dims:
        if 1 < drawn.sizes[name] < whole.sizes[name]:
            return int(np.flatnonzero(whole[name].values == drawn[name].values[1])[0])
    return max(whole.sizes[name] - drawn.sizes[name] for name in dims) + 1


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _is_real(value: "xarray.DataArray") -> bool:
    return value.dtype.kind in "fiu"


def _told(name: str, value: object) -> str | None:
    """A number as a title tells it: switches as on or off, a few numbers as they are; None for what is no number."""
    if isinstance(value, bool):
        return f"{label_of(name)} {'on' if value else 'off'}"
    if isinstance(value, int) and name.startswith("num_"):
        return f"{value:,} {label_of(name.removeprefix('num_'))}"
    if isinstance(value, (int, float)):
        return f"{label_of(name)} = {value:,}" if isinstance(value, int) else f"{label_of(name)} = {value:g}"
    if isinstance(value, list) and 0 < len(value) <= MOST_FACETS and all(type(each) in (int, float) for each in value):
        return f"{label_of(name)} = ({', '.join(f'{each:g}' for each in value)})"
    return None
