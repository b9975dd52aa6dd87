"""One question asked of several optimizers, hills or seeds over the same axes, as one data set."""

import dataclasses
import itertools
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.front_door import check_is
from hillopt.names import near_miss
from hillopt.questions import AbstractQuestion
from hillopt.sweeps import Doubling, Progress, Store, sweep

if TYPE_CHECKING:
    import xarray

SEED = "seed"


class Entry(NamedTuple):
    """One of those that are compared."""

    place: dict[str, Any]
    """Which optimizer, hill and seed it is, by dimension."""
    hill: Any
    optimizer: Any
    seed: int

    @property
    def name(self) -> str:
        """For messages and for its store."""
        return ", ".join(f"{SEED} {value}" if name == SEED else str(value) for name, value in self.place.items())


def compare(
    question: AbstractQuestion,
    hill: Any,
    optimizer: Any,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    seeds: Sequence[int] | None = None,
    dtype: str | None = None,
    seed: int = 0,
    budget: Doubling | None = None,
    tile: int | None = None,
    store: Store | None = None,
    on_progress: Callable[[str, Progress], None] | None = None,
) -> "xarray.Dataset":
    """Ask a question of every setting of each of several optimizers or hills.

    **Arguments**

    - `question`, `axes`, `dtype`, `seed`, `budget`, `tile`: as of `sweep`. All that are compared have the numbers that the axes
      name; what one has and another lacks is fixed in it.
    - `hill`, `optimizer`: one, or several by name, such as `{"adam": ho.Adam(0.1), "heavy ball": ho.HeavyBall(0.1, 0.9)}`.
      Training runs stand in the place of hills, with the optimizer None.
    - `seeds`: of noisy questions each is walked once a seed; of runs that have a number `seed`, that is an axis then.
    - `store`: a folder in which each of them has a store of its own, to be gone on with by `resume`.
    - `on_progress`: called as progress(name, progress of that sweep).

    Returns a data set as sweeps do, with the dimensions "optimizer", "hill" and "seed", as far as there are several, before the
    axes. `ho.winner` says who is best where, `ho.over_seeds` what seeds agree on. Raises ValueError as `sweep` does, before any
    walk for an axis that one of them lacks, for names that are none, and where there is nothing to compare.

    Examples:
        >>> optimizers = {"descent": ho.GradientDescent(0.1), "heavy ball": ho.HeavyBall(0.1, 0.9)}
        >>> data = ho.compare(ho.Loss(20), ho.DoubleWell(0.25), optimizers, {"learning_rate": [0.01, 0.1]})
        >>> dict(data.sizes)
        {'optimizer': 2, 'learning_rate': 2}
    """
    import xarray

    question = check_is(question, AbstractQuestion, "question", "ho.CriticalHeight()")
    several = {
        name: check_names(given, name)
        for name, given in (("optimizer", optimizer), ("hill", hill))
        if isinstance(given, Mapping)
    }
    entries = _entries(several, hill, optimizer, _checked_seeds(seeds), seed)
    if seeds is not None and not question.is_noisy:
        axes = _with_seeds(entries, axes, seeds)
        entries = _entries(several, hill, optimizer, None, seed)
    if not several and seeds is None:
        raise ValueError("`optimizer` or `hill` must be several by name, or `seeds` be given; for one call ho.sweep.")
    for entry in entries:
        _check_axes(question, entry, axes)
    found = []
    for entry in entries:
        tell = None if on_progress is None else _telling(on_progress, entry.name)
        data = sweep(
            question,
            entry.hill,
            entry.optimizer,
            axes,
            dtype=dtype,
            seed=entry.seed,
            budget=budget,
            tile=tile,
            store=_store_of(store, entry),
            on_progress=tell,
        )
        found.append(data.expand_dims({name: [value] for name, value in entry.place.items()}))
    whole: Any = xarray.combine_by_coords(found, combine_attrs="drop") if entries[0].place else found[0]
    whole = whole.sel({name: list(things) for name, things in several.items()})  # combining sorts names
    return _titled(whole, [data.attrs for data in found], several)


def check_names(given: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Several by name; ValueError for none, and for names that are no text."""
    if not given or not all(isinstance(name, str) and name.strip() for name in given):
        raise ValueError(
            f"`{what}` must hold one or more by name, got {list(given)!r}; write {{'adam': ho.Adam(0.1)}}."
        )
    return given


def _entries(
    several: Mapping[str, Mapping[str, Any]], hill: Any, optimizer: Any, seeds: Sequence[int] | None, seed: int
) -> list[Entry]:
    choices: dict[str, list[tuple[Any, Any]]] = {name: list(things.items()) for name, things in several.items()}
    choices |= {SEED: [(each, each) for each in seeds]} if seeds is not None else {}
    found = []
    for picked in itertools.product(*choices.values()):
        place = {name: key for name, (key, _) in zip(choices, picked, strict=True)}
        things = {name: thing for name, (_, thing) in zip(choices, picked, strict=True)}
        found.append(
            Entry(place, things.get("hill", hill), things.get("optimizer", optimizer), int(things.get(SEED, seed)))
        )
    return found


def _checked_seeds(seeds: Sequence[int] | None) -> list[int] | None:
    if seeds is None:
        return None
    numbers = np.asarray(seeds)
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu" or np.any(np.diff(numbers) <= 0):
        raise ValueError(f"`seeds` must be whole numbers that increase, got {seeds!r}; write range(8), say.")
    return numbers.tolist()


def _with_seeds(entries: Sequence[Entry], axes: Mapping[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
    """The axes with the runs' own seeds before them; ValueError where the answer hangs on none."""
    for entry in entries:
        if SEED not in entry.hill.hyperparameters():
            raise ValueError(
                f"`seeds` are for noisy questions and for runs that have a number {SEED!r}, and {entry.hill.label()} has none; "
                "leave them out."
            )
    if SEED in axes:
        raise ValueError("`seeds` and `axes['seed']` both give seeds; choose one.")
    return {SEED: np.asarray(seeds, float), **axes}


def _check_axes(question: AbstractQuestion, entry: Entry, axes: Mapping[str, Any]) -> None:
    owners = [part for part in (question, entry.hill, entry.optimizer) if part is not None]
    known = [name for part in owners if hasattr(part, "hyperparameters") for name in part.hyperparameters()]
    for name in axes:
        if name not in known:
            who = entry.name.partition(f", {SEED} ")[0] or owners[-1].label()
            raise ValueError(
                f"`axes` must name numbers of all that are compared, and {who} has no {name!r}; sweep what all have, and fix the "
                f"rest in each: {near_miss(name, known)}"
            )


def _telling(on_progress: Callable[[str, Progress], None], name: str) -> Callable[[Progress], None]:
    return lambda progress: on_progress(name, progress)


def _store_of(store: Store | None, entry: Entry) -> Store | None:
    """A store of its own inside the folder."""
    if store is None:
        return None
    slug = re.sub(r"\W+", "_", entry.name).strip("_")
    return dataclasses.replace(store, path=f"{os.fspath(store.path).rstrip('/')}/{slug}.zarr")


def _titled(
    dataset: "xarray.Dataset", attributes: Sequence[Mapping[str, Any]], several: Mapping[str, Mapping[str, Any]]
) -> "xarray.Dataset":
    """With what all have in common, and a title of its own."""
    first = attributes[0]
    same = {name: value for name, value in first.items() if all(each.get(name) == value for each in attributes)}
    numbers = [json.loads(each["numbers"]) for each in attributes]
    common = {
        owner: {name: value for name, value in named.items() if all(each[owner].get(name) == value for each in numbers)}
        for owner, named in numbers[0].items()
    }
    names = {name: _listed(list(things)) for name, things in several.items()}
    asked = str(first["title"]).partition(" of ")[0]
    optimizers, hills = names.get("optimizer", first.get("optimizer")), names.get("hill", first["hill"])
    title = f"{asked} of {optimizers} on {hills}" if optimizers else f"{asked} of {hills}"
    return dataset.assign_attrs({**same, "title": title, "numbers": json.dumps(common), "look": first["look"]})


def _listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])
