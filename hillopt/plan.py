"""A sweep before it is walked: checked, cut into tiles, and as a pure function of the lanes of one."""

import dataclasses
import functools
import importlib.metadata
import json
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hillopt import blocks
from hillopt.axes import Axis
from hillopt.critical import BLOCKS, PROOFS, choose_implementation
from hillopt.dataset import Template
from hillopt.landscapes import AbstractHill
from hillopt.names import check_names, name_of, near_miss
from hillopt.optimizers import AbstractOptimizer
from hillopt.outcomes import DECIDED, NOISY, OUTCOMES, RESULTS, Question
from hillopt.rollout import check_steps
from hillopt.tiles import Tiling, cut

MATHEMATICS = 2
"""Counts up whenever a change of this package changes a bit of some sweep's results."""

ADDRESS = re.compile(" at 0x[0-9a-f]+")  # of a function, which is another one in another process
AUTO = "auto"
FIRST_BUDGET = 1_024  # steps that every setting gets where the number of steps is found
TILES = {"cpu": (65_536, 8_192), "accelerator": (2**21, 2**19)}  # settings of the largest and the smallest by default
TILES_AT_LEAST = 32  # so that several devices end together
WALKS_AT_ONCE = 2**22  # noisy walks of a tile, whose steps and rises are in memory together
TITLES = {
    "height": "Critical heights",
    "escape": "Escapes",
    "probability": "Probabilities of escape",
    "first_passage": "First-passage times",
    "loss": "Losses",
    "stability": "Stability of the labels",
}


class Lanes(NamedTuple):
    """Settings in rows and columns: every swept number as [row, 1] or [1, column], or as one lane after the other."""

    swept: dict[str, Any]
    row: Any
    """Numbers of the rows and columns in the whole grid; they decide the noise."""
    column: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A checked sweep. Of its axes the learning rate runs fastest, along the columns of a tile.

    Neighbouring lanes then differ in the learning rate alone: numbers that only the other axes decide are computed once a
    row, and since the ramp is skipped, neighbours settle after about as many steps.
    """

    hill: AbstractHill
    make: Callable[..., AbstractOptimizer]
    axes: dict[str, Axis]
    heights: Axis | None
    fixed: dict[str, Any]
    max_steps: int
    """The first budget where `cap` is more."""
    cap: int
    dtype: np.dtype
    most: int
    """Cells of a tile."""
    implementation: str
    outcome: str
    noise: float | None
    num_walks: int
    seed: int

    @property
    def size(self) -> int:
        return math.prod(self.tiling.shape)

    @functools.cached_property
    def order(self) -> list[str]:
        """The axes as they are walked, the fastest last."""
        return sorted(self.axes, key=lambda name: name == "learning_rate")

    @functools.cached_property
    def tiling(self) -> Tiling:
        """In the order of the axes as given."""
        names = list(self.axes)
        shape = tuple(len(axis.values) for axis in self.axes.values())
        return cut(shape, [names.index(name) for name in self.order], self.most)

    @functools.cached_property
    def results(self) -> dict[str, Any]:
        """Shapes and dtypes of one cell's results, those that follow from others included."""
        one = {name: jnp.zeros((1, 1), self.dtype) for name in self.axes}
        number = jnp.zeros((1, 1), jnp.uint32)
        fields = jax.eval_shape(self.solve, Lanes(one, number, number), jnp.int32(1))
        if self.heights is not None:
            flags = {"escape": np.dtype(np.int8), "escape_flagged": np.dtype(bool)}
            fields |= {name: jax.ShapeDtypeStruct((1, 1), dtype) for name, dtype in flags.items()}
        return fields

    @functools.cached_property
    def call_shape(self) -> tuple[int, int]:
        """Rows and columns that a device walks at once: a tile, filled up to whole blocks.

        There are at least two of them: the compiler merges a single one with the code around it and rounds its last digits
        otherwise, and every tile size shall give the same bits.
        """
        grid, tile = (self._in_walking_order(shape) for shape in (self.tiling.shape, self.tiling.tile))
        rows, columns = math.prod(tile[:-1]), tile[-1]
        if self.outcome in NOISY:
            return (2, 1) if rows * columns == 1 else (rows, columns)
        if self.outcome in DECIDED and self.implementation == "blocked":
            lanes = blocks.lanes_at_once(blocks.LANES)
            columns = grid[-1] if grid[-1] <= lanes else -(-columns // lanes) * lanes
            height = max(1, lanes // columns)
            return max(2, -(-rows // height)) * height, columns
        return max(rows, -(-2 * self.block // columns)), columns

    @property
    def block(self) -> int:
        """Lanes that are walked side by side."""
        return BLOCKS[self.implementation] if self.outcome in DECIDED else BLOCKS["plain"]

    def lanes(self, number: int) -> Lanes:
        """The settings of a tile, its last row and column standing in beyond its end."""
        region, sizes = self._in_walking_order(self.tiling.region(number)), self._sizes(number)
        rows, columns = self.call_shape
        row = np.minimum(np.arange(rows), math.prod(sizes[:-1]) - 1)
        within = [*np.unravel_index(row, sizes[:-1])] if len(sizes) > 1 else []
        index = [part.start + along for part, along in zip(region[:-1], within, strict=True)]
        column = region[-1].start + np.minimum(np.arange(columns), sizes[-1] - 1)
        grid = self._in_walking_order(self.tiling.shape)
        row_number = np.ravel_multi_index(index, grid[:-1]) if index else np.zeros(rows)
        values = {
            name: np.asarray(self.axes[name].values, self.dtype)[where]
            for name, where in zip(self.order, [*index, column], strict=True)
        }
        swept = {name: array[None, :] if name == self.order[-1] else array[:, None] for name, array in values.items()}
        return Lanes(swept, row_number.astype(np.uint32)[:, None], column.astype(np.uint32)[None, :])

    def without_filling(self, number: int, field: np.ndarray) -> np.ndarray:
        """The rows and columns of a call that are a tile's own."""
        *rows, columns = self._sizes(number)
        return field[: math.prod(rows), :columns]

    def as_cells(self, number: int, field: np.ndarray) -> np.ndarray:
        """A tile's rows and columns as its cells in the order of the axes as given."""
        cells = np.transpose(field.reshape(self._sizes(number)), [self.order.index(name) for name in self.axes])
        return np.ascontiguousarray(cells)

    def _sizes(self, number: int) -> list[int]:
        return [part.stop - part.start for part in self._in_walking_order(self.tiling.region(number))]

    def _in_walking_order(self, values: Sequence[Any]) -> list[Any]:
        by_name = dict(zip(self.axes, values, strict=True))
        return [by_name[name] for name in self.order]

    def solve(self, lanes: Lanes, max_steps: Any) -> dict[str, Any]:
        """The outcome's fields for lanes of settings, of their broadcast shape."""
        lands = set(hill_numbers(self.hill))
        hill, swept = self.hill, lanes.swept
        for name in lands & set(swept):
            hill = hill.at(swept[name]) if name == "height" else dataclasses.replace(hill, **{name: swept[name]})  # type: ignore[type-var]
        noise = swept.get("noise", self.noise)
        steps = max_steps if self.outcome in DECIDED else self.max_steps
        question = Question(steps, self.implementation, self.num_walks)
        columns = len(self.axes[self.order[-1]].values)
        number = lanes.row * np.uint32(columns) + lanes.column
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(self.seed), number.reshape(-1))
        optimizer = self.optimizer({name: value for name, value in swept.items() if name not in (*lands, "noise")})
        answer = OUTCOMES[self.outcome](question, hill, optimizer, noise, keys.reshape(number.shape))
        return {name: jnp.broadcast_to(field, number.shape) for name, field in answer._asdict().items()}

    def optimizer(self, swept: Mapping[str, Any]) -> AbstractOptimizer:
        fixed = {name: self.dtype.type(value) if _is_float(value) else value for name, value in self.fixed.items()}
        return self.make(**swept, **fixed)

    @functools.cached_property
    def template(self) -> Template:
        """The data set without its numbers."""
        return Template(self.axes, self.heights, self.dtype, self._attributes())

    def _attributes(self) -> dict[str, Any]:
        device = jax.local_devices()[0]
        versions = {name: importlib.metadata.version(name) for name in ("hillopt", "jax", "jaxlib", "numpy", "optax")}
        axes = {name: _told(axis) for name, axis in self._all_axes().items()}
        label = name_of(self.make)
        kept = [f"{name}={_short(value)}" for name, value in self._kept().items()]
        call = f"sweep({self.hill}, {label}, axes={axes}, fixed={self.fixed}, max_steps={self._steps_told()})"
        return {
            "title": f"{TITLES[self.outcome]} of {label} on {type(self.hill).__name__}",
            "outcome": self.outcome,
            "hill": type(self.hill).__name__ + (f"({', '.join(kept)})" if kept else ""),
            "optimizer": label,
            "fixed": json.dumps(self.fixed, default=str),
            "max_steps": self.cap,
            "dtype": str(self.dtype),
            "implementation": self.implementation,
            "device": f"{device.platform} {device.device_kind}",
            "versions": json.dumps(versions),
            "call": call,
        }

    def settings(self) -> dict[str, Any]:
        """All that decides a bit of the results, as JSON takes it."""
        told = self.template.attributes
        axes = {
            f"axis {name}": [*_told(axis), zlib.crc32(np.asarray(axis.values).tobytes())]
            for name, axis in self._all_axes().items()
        }
        numbers = {name: ADDRESS.sub("", repr(value)) for name, value in self._kept().items()}
        kept = ("outcome", "optimizer", "fixed", "dtype", "implementation", "device")
        noisy = {"noise": self.noise, "num_walks": self.num_walks, "seed": self.seed}
        return {
            **{name: told[name] for name in kept},
            "hill": type(self.hill).__name__,
            **{f"hill's {name}": text for name, text in numbers.items()},
            **axes,
            "max_steps": self._steps_told(),
            **(noisy if self.outcome in (*NOISY, "stability") else {}),
            "tile": list(self.tiling.tile),
            "mathematics": MATHEMATICS,
            "jax": jax.__version__,
        }

    def _steps_told(self) -> int | str:
        return self.cap if self.cap == self.max_steps else f"auto, at most {self.cap}"

    def _all_axes(self) -> dict[str, Axis]:
        return self.axes if self.heights is None else {**self.axes, "height": self.heights}

    def _kept(self) -> dict[str, Any]:
        """The hill's numbers that are not swept; critical heights do not depend on the height."""
        swept = {*self.axes, "height"} if self.outcome == "height" else set(self.axes)
        fields = dataclasses.fields(self.hill)  # type: ignore[arg-type]
        return {field.name: getattr(self.hill, field.name) for field in fields if field.name not in swept}


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(axis: Axis) -> list[Any]:
    return [axis.values[0], axis.values[-1], len(axis.values), axis.scale]


def make_plan(
    hill: AbstractHill,
    make: Callable[..., AbstractOptimizer],
    axes: Mapping[str, Any],
    fixed: Mapping[str, Any],
    max_steps: int | str,
    most_steps: int,
    dtype: str | None,
    tile: int | None,
    implementation: str | None,
    outcome: str,
    noise: float | None,
    num_walks: int,
    seed: int,
) -> Plan:
    """The plan of a sweep; ValueError for whatever is wrong with it."""
    checked = {name: _named_axis(name, values) for name, values in axes.items()}
    _check_outcome(outcome, noise, num_walks, "noise" in checked)
    heights = checked.pop("height", None) if outcome == "height" else None
    if outcome == "height" and "height" in axes and not hill.flank_is_shared:
        raise ValueError(f"`axes['height']` is walked on {type(hill).__name__}; ask for outcome='escape'.")
    if not checked:
        raise ValueError("`axes` must name at least one hyperparameter to sweep, such as learning_rate; got none.")
    lands = [*hill_numbers(hill), "noise"] if outcome != "height" else [n for n in hill_numbers(hill) if n != "height"]
    ours = {name: axis for name, axis in checked.items() if name not in lands}
    check_names(make, [*ours, *fixed])
    twice = sorted(set(checked) & set(fixed))
    if twice:
        raise ValueError(f"`fixed` must not name what `axes` sweeps, got {twice[0]!r} in both; remove one of them.")
    if heights is not None and heights.values[0] < 0:
        raise ValueError(f"`axes['height']` must not be negative, got {heights.values[0]:g}; start at 0 or above.")
    tile = _tile_size(tile, math.prod(len(axis.values) for axis in checked.values()))
    for name, value in fixed.items():
        if np.ndim(value) > 0:
            raise ValueError(f"`fixed[{name!r}]` must be one value, got shape {np.shape(value)}; sweep it as an axis.")
    for name in checked:
        if name in RESULTS[outcome]:
            raise ValueError(
                f"`axes` must not name {name!r}, which is a result's name; wrap the optimizer under another."
            )
    cap: int = check_steps(most_steps, "most_steps") if max_steps == AUTO else check_steps(max_steps, "max_steps")
    steps_are_found = max_steps == AUTO
    first = min(FIRST_BUDGET, cap) if steps_are_found else cap
    if outcome in NOISY:
        tile = max(1, min(tile, WALKS_AT_ONCE // num_walks))
    plan = Plan(
        hill,
        make,
        checked,
        heights,
        dict(fixed),
        first,
        cap,
        check_dtype(dtype),
        tile,
        "",
        outcome,
        noise,
        num_walks,
        seed,
    )
    for name, axis in checked.items():
        if np.any(np.diff(np.asarray(axis.values, plan.dtype)) <= 0):
            raise ValueError(
                f"`axes[{name!r}]`: neighbours are the same number in {plan.dtype}; take fewer points or float64."
            )
    optimizer = plan.optimizer({name: np.asarray(axis.values, plan.dtype) for name, axis in ours.items()})
    optimizer.check()
    scalars = plan.optimizer({name: plan.dtype.type(axis.values[0]) for name, axis in ours.items()})
    plan = dataclasses.replace(plan, implementation=choose_implementation(hill, scalars, implementation))
    if plan.implementation == "lattice":
        plan = dataclasses.replace(plan, max_steps=cap)  # it goes on with those that still walk by itself
    if steps_are_found and not (outcome in DECIDED and plan.implementation in PROOFS):
        raise ValueError(
            "`max_steps='auto'` goes on with what is undecided, which takes outcome 'height' or 'escape' and proofs; give a "
            "number."
        )
    return plan


def _tile_size(tile: int | None, cells: int) -> int:
    """Cells of a tile, as asked for or by default."""
    if tile is None:
        widest, narrowest = TILES["cpu" if jax.default_backend() == "cpu" else "accelerator"]
        return min(widest, max(narrowest, cells // TILES_AT_LEAST))
    if not isinstance(tile, int) or tile < 1:
        raise ValueError(f"`tile` must be an integer of at least 1, got {tile!r}; leave it out for a good one.")
    return tile


def hill_numbers(hill: AbstractHill) -> list[str]:
    """The numbers of a hill that may be swept, by name."""
    fields = dataclasses.fields(hill)  # type: ignore[arg-type]
    return [field.name for field in fields if not field.metadata.get("static", False)]


def _check_outcome(outcome: str, noise: float | None, num_walks: int, swept: bool) -> None:
    if outcome not in OUTCOMES:
        raise ValueError(f"`outcome` {outcome!r} is unknown; {near_miss(outcome, OUTCOMES)}")
    if outcome in NOISY and not swept and (noise is None or not 0 <= noise < math.inf):
        raise ValueError(
            f"`noise` must be finite and not negative for outcome={outcome!r}, got {noise}; give its deviation."
        )
    if outcome not in NOISY and (noise is not None or swept):
        raise ValueError(f"`noise` is for the outcomes {' and '.join(NOISY)}, not for {outcome!r}; leave it out.")
    if num_walks < 1:
        raise ValueError(f"`num_walks` must be at least 1, got {num_walks}.")


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or jnp.issubdtype(getattr(value, "dtype", np.dtype(bool)), jnp.floating)


def _named_axis(name: str, values: Any) -> Axis:
    try:
        return Axis.of(values)
    except ValueError as error:
        raise ValueError(f"`axes[{name!r}]`: {error}") from error


def check_dtype(dtype: str | None) -> np.dtype:
    """The walk's dtype; ValueError for one that is not a float, or float64 while JAX has it switched off."""
    try:
        wanted = np.dtype(dtype) if dtype is not None else np.dtype(jnp.result_type(float))
    except TypeError as error:
        raise ValueError(f"`dtype` must be float32 or float64, got {dtype!r}.") from error
    if wanted not in (np.float32, np.float64):
        raise ValueError(f"`dtype` must be float32 or float64, got {wanted}.")
    if wanted == np.float64 and not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "`dtype` float64 is switched off in JAX; call jax.config.update('jax_enable_x64', True) first, or take float32."
        )
    return wanted
