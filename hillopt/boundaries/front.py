"""The boundary between labels over two axes, found by asking a small part of the settings."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.boundaries.asking import Asker, default_batch
from hillopt.boundaries.labels import Labelling, labelling_of
from hillopt.boundaries.record import Record, RecordTemplate
from hillopt.boundaries.search import Known, Settings, filled, follow_from, search
from hillopt.front_door import check_count, check_is
from hillopt.landscapes import AbstractLandscape
from hillopt.names import check_function
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import is_traced
from hillopt.questions import AbstractQuestion, Look
from hillopt.runs import AbstractRun
from hillopt.sweeps.plan import Plan, make_plan
from hillopt.sweeps.store import Store
from hillopt.sweeps.template import Template
from hillopt.sweeps.zarr_store import ZarrTiles, open_tiles

if TYPE_CHECKING:
    import xarray

SPACING = 16
CHECKS = 500
GUARANTEE = (
    "complete but for islands: whoever goes from a mixed cell to the next across a side whose ends differ comes to one that is "
    "known; an island on which no asked setting lies is missed"
)


class Refinement(NamedTuple):
    """What a refinement tells on its way."""

    evaluations: int
    """Settings asked so far, those of a resumed store among them."""
    num_cells: int
    """Settings of the grid."""
    stride: int
    """Of the lattice that is searched."""


def boundary(
    question: AbstractQuestion,
    hill: AbstractLandscape | AbstractRun,
    optimizer: AbstractOptimizer | None,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    of: str | None = None,
    level: float | None = None,
    spacing: int = SPACING,
    margin: int = 0,
    checks: int = CHECKS,
    batch: int | None = None,
    dtype: str | None = None,
    seed: int = 0,
    store: Store | None = None,
    on_progress: Callable[[Refinement], None] | None = None,
) -> "xarray.Dataset":
    """Find where labels change over two axes, by a small part of the evaluations that a sweep of the grid takes.

    A cell is the square between four neighbouring settings; it is mixed if the labels of its corners are not all the same. A
    lattice of settings is asked first; where labels differ it is refined, and on every lattice the boundary is followed along
    rows and columns until it ends (`hillopt.boundaries.search`).

    **Arguments**

    - `question`, `hill`, `optimizer`, `axes`, `dtype`, `seed`: as for `sweep`, with exactly two axes of at least two values.
    - `of`: the field of the answer whose labels are told apart, small integers or a bool; None for the field that is drawn.
    - `level`: of a field that is a number, the value at which it is divided: labels are below, reached, and no_number for NaN.
    - `spacing`: of the first lattice, a power of two. Islands smaller than it, that touch nothing found, may be missed.
    - `margin`: rings of settings around mixed cells that are asked too. The islands of a rough boundary lie close to it.
    - `checks`: so many settings that were not asked, chosen by the seed, are asked in the end. One that differs from what
      surrounds it has found an island, which is followed too; the share that differs tells how much is missed.
    - `batch`: settings asked at once on a device.
    - `store`: where all that is asked is kept as it comes. An interrupted refinement goes on with `resume=True`, and gives the
      same.
    - `on_progress`: called after every round of the search.

    Returns a data set over the axes: `label`, known where `evaluated` and else that of the surroundings; over the cells
    `mixed`; and as attributes `evaluations`, `num_mixed`, `num_labels`, `num_checked`, `num_differing`, and `guarantee`, which
    says what may be missed. `ho.plot` draws it. A label is the one that the sweep gives, where the compiler rounds alike: the
    same program walks one lane after the other here, and rows and columns there. Raises ValueError as `sweep` does, for other
    than two axes, for a field or a level that is none, and where all that was asked has one label.

    Examples:
        >>> axes = {"learning_rate": ho.Axis.linear(0.1, 0.5, 17), "height": ho.Axis.linear(0.05, 0.8, 17)}
        >>> edge = ho.boundary(ho.Escape(200, ho.FAST), ho.TentHill(), ho.Adam(0.1), axes)
        >>> int(edge.mixed.sum()), edge.mixed.size
        (56, 256)
    """
    if is_traced((question, hill, optimizer)):
        raise ValueError(
            "`boundary` asks what labels decide, which JAX cannot trace; call it outside of jit, vmap and grad."
        )
    plan = make_plan(question, hill, optimizer, axes, dtype=dtype, seed=seed)
    search_of = prepare(plan, of, level, Rules(spacing, margin, checks), batch, on_progress)
    return with_labels(refine(search_of, None, store))


class Rules(NamedTuple):
    """What decides which settings are asked."""

    spacing: int
    margin: int
    checks: int

    def check(self) -> "Rules":
        """These; ValueError for what is none."""
        check_count(self.spacing, "spacing", remedy="take 16, say")
        if self.spacing & (self.spacing - 1):
            raise ValueError(
                f"`spacing` must be a power of two, since it is divided, got {self.spacing}; take 16, say."
            )
        for name, value, none in (
            ("margin", self.margin, "asks none around"),
            ("checks", self.checks, "checks nothing"),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"`{name}` must be a whole number of at least 0, got {value!r}; 0 {none}.")
        return self


class Search(NamedTuple):
    """A checked refinement."""

    asker: Asker
    labelling: Labelling
    rules: Rules
    on_progress: Callable[[Refinement], None] | None


def prepare(
    plan: Plan,
    of: str | None,
    level: float | None,
    rules: Rules,
    batch: int | None,
    on_progress: Callable[[Refinement], None] | None,
) -> Search:
    """The refinement of a plan; ValueError for whatever is wrong with it."""
    if len(plan.axes) != 2 or min(plan.layout.tiling.shape) < 2:
        told = ", ".join(f"{name!r} of {len(axis.values)}" for name, axis in plan.axes.items())
        raise ValueError(f"`axes` must be two, of at least two values each, got {told}; a boundary is a line on a map.")
    at_once = (
        default_batch(plan) if batch is None else check_count(batch, "batch", remedy="leave it out for a good one")
    )
    if on_progress is not None:
        check_function(on_progress, "on_progress", ("progress",))
    asker = Asker(plan, int(min(at_once, plan.question.settings_at_once)))
    labelling = labelling_of(plan.question, of, level, asker.fields)
    return Search(asker, labelling, rules.check(), on_progress)


def refine(job: Search, before: Known | None, store: Store | None) -> "xarray.Dataset":
    """The data set of a refinement, of which some labels may be known before."""
    plan, labelling = job.asker.plan, job.labelling
    template = RecordTemplate(plan, labelling, job.rules._asdict())
    record = Record(template, _opened(store, template))
    shape = plan.layout.tiling.shape
    known = Known.nothing((shape[0], shape[1]), labelling.dtype)
    evaluations = 0

    def ask(settings: Settings, stride: int) -> Settings:
        nonlocal evaluations
        settings = known.unknown(settings)
        if before is not None:
            recall(before, settings)
        fresh = known.unknown(settings)
        recall(record.before, fresh)
        asked = known.unknown(fresh)
        known.note(asked, labelling.of(job.asker.answers(asked, labelling.field)))
        record.add(fresh, known.labels.reshape(-1)[fresh])
        evaluations += fresh.size
        if job.on_progress is not None and fresh.size:
            job.on_progress(Refinement(evaluations, plan.size, stride))
        return settings

    def recall(source: Known, settings: Settings) -> None:
        settings = settings[source.is_known.reshape(-1)[settings]]
        known.note(settings, source.labels.reshape(-1)[settings])

    search(known, ask, job.rules.spacing, job.rules.margin)
    checked, differing = _check(known, ask, job.rules, plan.seed)
    record.close()
    return _dataset(job, known, evaluations, checked, differing)


def with_labels(dataset: "xarray.Dataset") -> "xarray.Dataset":
    """The data set; ValueError where there is no boundary in it."""
    if dataset.attrs["num_labels"] < 2:
        label = dataset["label"]
        names = dict(zip(label.attrs["flag_values"].tolist(), label.attrs["flag_meanings"].split(), strict=True))
        only = int(label.values[0, 0])
        raise ValueError(
            f"`axes` show no boundary: {label.attrs['long_name']} is {names.get(only, only)!r} at all "
            f"{dataset.attrs['evaluations']:,} settings asked; choose other axes or another level, or a smaller `spacing`."
        )
    return dataset


def _opened(store: Store | None, template: RecordTemplate) -> ZarrTiles | None:
    if store is None:
        return None
    check_is(store, Store, "store", 'ho.Store("boundary.zarr")')
    if store.shard is not None or jax.process_count() > 1:
        raise ValueError(
            "`store` is filled by one process, since what is asked next hangs on all labels; leave `shard` out."
        )
    tiles = open_tiles(store, template)
    tiles.forget_damaged(lambda sentence: warnings.warn(sentence, stacklevel=5))
    return tiles


def _check(known: Known, ask: Callable[[Settings, int], Settings], rules: Rules, seed: int) -> tuple[int, int]:
    """Ask some settings that were not asked; how many, and how many of them differ from what surrounds them."""
    expected = filled(known).reshape(-1)
    unknown = np.flatnonzero(~known.is_known)
    chosen = np.random.default_rng(seed & (2**63 - 1)).choice(unknown, min(rules.checks, unknown.size), replace=False)
    chosen = ask(chosen, 1)
    differing = chosen[known.labels.reshape(-1)[chosen] != expected[chosen]]
    follow_from(known, ask, differing, rules.margin)
    return chosen.size, differing.size


def _dataset(job: Search, known: Known, evaluations: int, checked: int, differing: int) -> "xarray.Dataset":
    import xarray

    plan, labelling = job.asker.plan, job.labelling
    template, names = Template(plan), list(plan.axes)
    labels, mixed = filled(known), known.mixed
    about = {
        "long_name": labelling.told,
        "flag_values": np.array(list(labelling.names.values()), labelling.dtype),
        "flag_meanings": " ".join(labelling.names),
    }
    attributes = {
        **template.attributes,
        "title": f"{template.attributes['title']}: boundary of {labelling.told}",
        "look": json.dumps(Look("label", labelling.told)._asdict()),
        "boundary_of": json.dumps({"field": labelling.field, "level": labelling.level}),
        **job.rules._asdict(),
        "evaluations": evaluations,
        "num_mixed": int(mixed.sum()),
        "num_labels": int(np.unique(known.labels[known.is_known]).size),
        "num_checked": checked,
        "num_differing": differing,
        "guarantee": GUARANTEE,
    }
    coordinates = {name: template.coordinates[name] for name in names}
    variables = {
        "label": (names, labels, about),
        "evaluated": (names, known.is_known, {"long_name": "whether the setting was asked"}),
        "mixed": ([f"{name}_cell" for name in names], mixed, {"long_name": "whether the corners' labels differ"}),
    }
    return xarray.Dataset(variables, coordinates, attributes)
