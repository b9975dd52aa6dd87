"""A sweep before it is walked: checked, cut into tiles, and ready to be compiled."""

import dataclasses
import functools
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.front_door import check_count, check_dtype, check_is
from hillopt.landscapes import AbstractLandscape
from hillopt.lanes import num_blocks, on_accelerator, size_class
from hillopt.names import near_miss
from hillopt.optimizers import DECAY, AbstractOptimizer, undecayed
from hillopt.questions import AbstractQuestion, asked_of
from hillopt.runs import AbstractRun
from hillopt.sweeps.budget import Doubling
from hillopt.sweeps.layout import Lanes, Layout, walking_order
from hillopt.sweeps.memory import settings_that_fit
from hillopt.sweeps.program import World, program_for
from hillopt.sweeps.tiles import cut

TILES = {"cpu": (65_536, 8_192), "accelerator": (2**21, 2**19)}  # settings of the largest and the smallest by default
TILES_AT_LEAST = 32  # so that several devices end together


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A checked sweep."""

    world: World
    layout: Layout
    first: int
    """Steps that every setting gets; those that are then undecided get more, up to `most`."""
    most: int
    seed: int

    @property
    def question(self) -> AbstractQuestion:
        return self.world.question

    @property
    def axes(self) -> Mapping[str, Axis]:
        return self.layout.axes

    @property
    def size(self) -> int:
        """Settings of the grid."""
        return math.prod(self.layout.tiling.shape)

    def arguments(self, lanes: Lanes, max_steps: int) -> tuple[Any, ...]:
        """Those of `solve`."""
        key_data = jax.random.key_data(jax.random.key(self.seed))
        return (
            _undecayed(self.world, self.axes),
            lanes,
            np.uint32(self.layout.num_columns),
            key_data,
            np.int32(max_steps),
        )

    @functools.cached_property
    def fields(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes and dtypes of a call's fields by name, [own dimensions, row, column]."""
        program = program_for(jax.local_devices()[0], *self.arguments(self.layout.lanes(0), self.first))
        return {name: program.shapes[name] for name in self.question.answer_type.about() if name in program.shapes}


def make_plan(
    question: AbstractQuestion,
    hill: AbstractLandscape | AbstractRun,
    optimizer: AbstractOptimizer | None,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    dtype: str | None = None,
    budget: Doubling | None = None,
    tile: int | None = None,
    seed: int = 0,
) -> Plan:
    """The plan of a sweep; ValueError for whatever is wrong with it."""
    question = check_is(question, AbstractQuestion, "question", "ho.CriticalHeight()")
    world = World(question, *asked_of(question, hill, optimizer))
    number_type = check_dtype(dtype)
    named = _checked_axes(world, axes, number_type)
    _check_ranges(world, named, number_type)
    first_cells = {name: number_type.type(axis.values[0]) for name, axis in named.items()}
    one = _undecayed(_as_numbers(world, number_type).replace(**first_cells), named)
    world = _as_numbers(world._replace(question=question.prepared(one.hill, one.optimizer)), number_type)
    most = int(world.question.max_steps)
    first = _first_budget(world.question, budget, most)
    shape = tuple(len(axis.values) for axis in named.values())
    cells = min(_tile_size(world.question, tile, math.prod(shape)), world.question.settings_at_once)
    order = [list(named).index(name) for name in walking_order(named)]
    tiling = cut(shape, order, int(cells))
    layout = Layout(named, number_type, tiling, _call_shape(world.question, tiling.shape, tiling.tile, order))
    return Plan(world, layout, first, most, _checked_seed(seed))


def _undecayed(world: World, axes: Mapping[str, Axis]) -> World:
    """As it is walked: without a weight decay that is zero, unless that is swept."""
    is_swept = any(name.endswith(DECAY) for name in axes)
    return world if is_swept or world.optimizer is None else world._replace(optimizer=undecayed(world.optimizer))


def _checked_axes(
    world: World, axes: Mapping[str, Axis | ArrayLike | Sequence[float]], dtype: np.dtype
) -> dict[str, Axis]:
    if not (isinstance(axes, Mapping) and axes and all(isinstance(name, str) for name in axes)):
        got = "none" if isinstance(axes, Mapping) and not axes else f"{axes!r:.60}"
        raise ValueError(
            f"`axes` must name at least one hyperparameter to sweep, with its values, got {got}; write "
            '{"learning_rate": [0.1, 0.2]}.'
        )
    named = {name: Axis.named(name, values) for name, values in axes.items()}
    owners = {field: part.hyperparameters() for field, part in world.parts.items()}
    results = world.question.answer_type.about()
    for name, axis in named.items():
        _check_name(world, name, owners)
        if name in results:
            raise ValueError(
                f"`axes` must not name {name!r}, which is a field of the answer; name the number otherwise in a class of yours."
            )
        if np.any(np.diff(np.asarray(axis.values, dtype)) <= 0):
            raise ValueError(
                f"`axes[{name!r}]`: neighbours are the same number in {dtype}; take fewer points or float64."
            )
    return named


def _check_name(world: World, name: str, owners: Mapping[str, Mapping[str, object]]) -> None:
    having = [field for field, numbers in owners.items() if name in numbers]
    if world.question.ignores_height and having == ["hill"] and name == "height":
        raise ValueError(
            "`axes['height']` is not walked for critical heights, which answer for all heights at once; judge them by "
            "ho.CriticalHeight(heights=...), or ask ho.Escape()."
        )
    if not having:
        known = [number for numbers in owners.values() for number in numbers]
        owner = (world.optimizer or world.hill).label()
        raise ValueError(f"`{owner}` has no hyperparameter {name!r}; {near_miss(name, known)}")
    if len(having) > 1:
        raise ValueError(
            f"`axes[{name!r}]` is a number of the {' and of the '.join(having)}; name one of them otherwise in a class of yours."
        )


def _check_ranges(world: World, axes: Mapping[str, Axis], dtype: np.dtype) -> None:
    """Every number in its range, those on the axes too; and no arrays beside the axes."""
    swept = world.replace(**{name: np.asarray(axis.values, dtype) for name, axis in axes.items()})
    for owner in swept.parts.values():
        owner.check()
    for field, part in world.parts.items():
        for name, value in part.hyperparameters().items():
            if name not in axes and np.ndim(value) > 0:
                raise ValueError(
                    f"`{field}` must have one value of {name!r}, got the shape {np.shape(value)}; sweep it as an axis."
                )


def _as_numbers(world: World, dtype: np.dtype) -> World:
    """With every number in the sweep's dtype; steps and what else is whole stay what they are."""

    def convert(leaf: object) -> Any:
        values = np.asarray(leaf)
        return values.astype(dtype)[()] if np.issubdtype(values.dtype, np.floating) else leaf

    return jax.tree.map(convert, world)


def _checked_seed(seed: object) -> int:
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"`seed` must be an integer, got {seed!r}; give a number such as 0.") from error
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"`seed` must have at most 64 bits, got {number}; give a smaller number.")
    return number


def _first_budget(question: AbstractQuestion, budget: Doubling | None, most: int) -> int:
    if budget is None:
        return most
    check_is(budget, Doubling, "budget", "ho.Doubling()")
    climb = question.climb_used
    if climb is None or not climb.proves:
        raise ValueError(
            "`budget` goes on with what is undecided, which takes critical heights or escapes, and proofs; leave it out."
        )
    return most if climb.gathers else min(budget.first, most)


def _tile_size(question: AbstractQuestion, tile: int | None, cells: int) -> float:
    """Cells of a tile, as asked for, or by default as many as are walked well and fit into memory."""
    if tile is None:
        widest, narrowest = TILES["accelerator" if on_accelerator() else "cpu"]
        return min(widest, max(narrowest, cells // TILES_AT_LEAST), settings_that_fit(question, jax.local_devices()))
    return check_count(tile, "tile", remedy="leave it out for a good one")


def _call_shape(
    question: AbstractQuestion, shape: tuple[int, ...], tile: tuple[int, ...], order: list[int]
) -> tuple[int, int]:
    """Rows and columns that a device walks at once.

    There are at least two blocks: the compiler merges a single one with the code around it and rounds its last digits
    otherwise, and every tile size shall give the same bits.
    """
    grid, sizes = ([values[index] for index in order] for values in (shape, tile))
    rows, columns = size_class(math.prod(sizes[:-1])), size_class(sizes[-1])
    if question.climb_used is not None:
        return question.climb_used.call_shape(rows, columns, size_class(grid[-1]))
    return max(rows, num_blocks(2 * question.block, columns)), columns
