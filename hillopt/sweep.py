"""A grid of settings, walked tile by tile, as one labelled data set."""

import dataclasses
import importlib.metadata
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from hillopt.axes import Axis
from hillopt.critical import DEFAULT_MAX_STEPS, choose_implementation
from hillopt.dataset import check_room, label, result_bytes, save
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer, check_names, name_of, near_miss
from hillopt.outcomes import NOISY, OUTCOMES, RESULTS, Question
from hillopt.rollout import check_steps

if TYPE_CHECKING:
    import xarray

DEFAULT_TILE = 65_536
WALKS_AT_ONCE = 2**22  # noisy walks of a tile, whose steps and rises are in memory together
TITLES = {
    "height": "Critical heights",
    "escape": "Escapes",
    "probability": "Probabilities of escape",
    "first_passage": "First-passage times",
    "loss": "Losses",
    "stability": "Stability of the labels",
}


class Progress(NamedTuple):
    """What a sweep tells on its way."""

    cells: int
    """Settings answered so far."""
    total: int
    steps: int
    """Optimizer steps that these settings stand for, where the outcome counts them; a ramp walked in closed form counts in
    full."""


def sweep(
    hill: AbstractHill,
    optimizer: Callable[..., AbstractOptimizer],
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    fixed: Mapping[str, Any] | None = None,
    max_steps: int = DEFAULT_MAX_STEPS,
    dtype: str | None = None,
    tile: int = DEFAULT_TILE,
    implementation: str | None = None,
    outcome: str = "height",
    noise: float | None = None,
    num_walks: int = 1_000,
    seed: int = 0,
    path: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> "xarray.Dataset":
    """Critical heights, or another outcome, over the product of all axes.

    **Arguments**

    - `hill`: the landscape; for critical heights its own height is ignored.
    - `optimizer`: what makes one, such as `ho.Adam` or `functools.partial(ho.from_optax, optax.radam)`.
    - `axes`: name to `Axis` or increasing values. A name is a hyperparameter, a number of the hill such as its "height", or
      "noise". For critical heights an axis "height" is not walked: it adds the verdicts on hills of those heights, which
      follow from the critical height.
    - `fixed`: the hyperparameters that are not swept and not left at their default.
    - `max_steps`, `implementation`: as in `critical_height`.
    - `dtype`: "float32" or "float64" (which JAX must have switched on); None for JAX's default.
    - `tile`: settings walked at once, dealt to all local devices. All tiles have one shape, so one compilation serves; they
      are made of whole blocks, and the answer does not depend on their size, bit for bit.
    - `outcome`: "height" (`critical_height`), "escape" (`escape`), "probability" of an escape, mean "first_passage" (both of
      noisy walks), "loss" (the elevation after max_steps), or "stability" (`stability`, 16 repeats).
    - `noise`, `num_walks`, `seed`: deviation of Gaussian noise in the slope and walks a setting, for the noisy outcomes.
    - `path`: save the result there too, as `save` does.
    - `on_progress`: called after every tile.

    Returns a data set whose dimensions are the axes in the given order. Raises ValueError, before any walk, for unknown
    names, bad axes, hyperparameters out of range, a path that exists, and grids that do
    not fit into memory or onto the path's disk.
    """
    plan = _plan(
        hill, optimizer, axes, fixed or {}, max_steps, dtype, tile, implementation, outcome, noise, num_walks, seed
    )
    if path is not None:
        check_room(path, plan.result_bytes)
    flat: dict[str, np.ndarray] = {}
    walked = steps = 0
    for cells, answer in _walk_tiles(plan):
        for name, found in answer.items():
            values = found[: cells.stop - cells.start]
            flat.setdefault(name, np.empty(plan.size, values.dtype))[cells] = values
        walked, steps = (
            cells.stop,
            steps + (int(flat["num_steps"][cells].astype(np.int64).sum()) if "num_steps" in flat else 0),
        )
        if on_progress is not None:
            on_progress(Progress(walked, plan.size, steps))
    grids = {name: plan.in_given_order(values) for name, values in flat.items()}
    dataset = label(grids, plan.axes, plan.heights, _provenance(plan))
    if path is not None:
        save(dataset, path)
    return dataset


class _Plan(NamedTuple):
    """A checked sweep. Lanes are numbered with the learning rate running fastest.

    Neighbouring lanes then differ in the learning rate alone; since the ramp is skipped, they settle after about as many
    steps, and a block of them stops early together.
    """

    hill: AbstractHill
    make: Callable[..., AbstractOptimizer]
    axes: dict[str, Axis]
    heights: Axis | None
    fixed: dict[str, Any]
    max_steps: int
    dtype: np.dtype
    tile: int
    implementation: str
    outcome: str
    noise: float | None
    num_walks: int
    seed: int

    @property
    def size(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes.values())

    @property
    def result_bytes(self) -> int:
        one = jax.eval_shape(
            self.solve, {name: jnp.zeros(1, self.dtype) for name in self.axes}, jnp.zeros(1, jnp.uint32)
        )
        return result_bytes(self.size, 0 if self.heights is None else len(self.heights.values), one)

    @property
    def walk_order(self) -> list[str]:
        return sorted(self.axes, key=lambda name: name == "learning_rate")

    def lanes(self, start: int, num: int) -> dict[str, np.ndarray]:
        """The swept values of `num` lanes from `start` on, the grid's last lane standing in beyond its end."""
        shape = tuple(len(self.axes[name].values) for name in self.walk_order)
        index = np.unravel_index(np.minimum(np.arange(start, start + num), self.size - 1), shape)
        return {
            name: np.asarray(self.axes[name].values, self.dtype)[where]
            for name, where in zip(self.walk_order, index, strict=True)
        }

    def in_given_order(self, flat: np.ndarray) -> np.ndarray:
        grid = flat.reshape([len(self.axes[name].values) for name in self.walk_order])
        return np.transpose(grid, [self.walk_order.index(name) for name in self.axes])

    def solve(self, swept: Mapping[str, Any], lane: Any) -> dict[str, Any]:
        """The outcome's fields for lanes of settings; `lane` numbers them, and with the seed decides their noise."""
        lands = set(hill_numbers(self.hill))
        hill = self.hill
        for name in lands & set(swept):
            hill = hill.at(swept[name]) if name == "height" else dataclasses.replace(hill, **{name: swept[name]})  # type: ignore[type-var]
        noise = swept.get("noise", self.noise)
        question = Question(self.max_steps, self.implementation, self.num_walks)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(self.seed), lane)
        optimizer = self.optimizer({name: value for name, value in swept.items() if name not in (*lands, "noise")})
        return OUTCOMES[self.outcome](question, hill, optimizer, noise, keys)._asdict()

    def optimizer(self, swept: Mapping[str, Any]) -> AbstractOptimizer:
        fixed = {name: self.dtype.type(value) if _is_float(value) else value for name, value in self.fixed.items()}
        return self.make(**swept, **fixed)


def _plan(
    hill: AbstractHill,
    make: Callable[..., AbstractOptimizer],
    axes: Mapping[str, Any],
    fixed: Mapping[str, Any],
    max_steps: int,
    dtype: str | None,
    tile: int,
    implementation: str | None,
    outcome: str,
    noise: float | None,
    num_walks: int,
    seed: int,
) -> _Plan:
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
    if not isinstance(tile, int) or tile < 1:
        raise ValueError(f"`tile` must be an integer of at least 1, got {tile!r}; the default is {DEFAULT_TILE}.")
    for name, value in fixed.items():
        if np.ndim(value) > 0:
            raise ValueError(f"`fixed[{name!r}]` must be one value, got shape {np.shape(value)}; sweep it as an axis.")
    for name in checked:
        if name in RESULTS[outcome]:
            raise ValueError(
                f"`axes` must not name {name!r}, which is a result's name; wrap the optimizer under another."
            )
    check_steps(max_steps, "max_steps")
    if outcome in NOISY:
        tile = max(1, min(tile, WALKS_AT_ONCE // num_walks))
    plan = _Plan(
        hill,
        make,
        checked,
        heights,
        dict(fixed),
        max_steps,
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
    plan = plan._replace(implementation=choose_implementation(hill, scalars, implementation))
    _check_memory(plan)
    return plan


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


def _check_memory(plan: _Plan) -> None:
    needed = 2 * plan.result_bytes  # once more while it is put in order
    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > available:
        raise ValueError(
            f"`axes` give {plan.size:,} settings, whose result needs {needed / 2**30:.3g} GiB of memory, and this machine "
            f"has {available / 2**30:.3g}; take fewer points, or sweep the grid in parts."
        )


def _walk_tiles(plan: _Plan) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Answers by ranges of lanes. The next tile is already walking while one is being read."""
    devices = jax.local_devices()
    tile = min(plan.tile, plan.size)
    # Whole blocks, and at least two of them: the compiler merges a single one with the code around it and rounds its last
    # digits otherwise, and every tile size shall give the same bits.
    block = 1 if plan.outcome in NOISY else 4096
    width = max(2, -(-tile // (len(devices) * block))) * block
    solve = _tile_solver(plan, devices)
    pending: list[tuple[slice, dict[str, Any]]] = []
    for start in range(0, plan.size, tile):
        lanes = plan.lanes(start, width * len(devices))
        dealt = {name: _deal(values, len(devices)) for name, values in lanes.items()}
        numbers = _deal(np.arange(start, start + width * len(devices), dtype=np.uint32), len(devices))
        pending.append((slice(start, min(start + tile, plan.size)), solve(dealt, numbers)))
        if len(pending) == 2:
            yield _collect(*pending.pop(0), len(devices))
    for cells, answer in pending:
        yield _collect(cells, answer, len(devices))


def _deal(values: np.ndarray, hands: int) -> np.ndarray:
    """Deal lanes out like cards, so that every device gets its share of the slow ones."""
    return values.reshape(-1, hands).T.reshape(-1)


def _collect(cells: slice, answer: dict[str, Any], hands: int) -> tuple[slice, dict[str, np.ndarray]]:
    return cells, {name: np.asarray(leaf).reshape(hands, -1).T.reshape(-1) for name, leaf in answer.items()}


def _tile_solver(plan: _Plan, devices: list[Any]) -> Callable[[dict[str, np.ndarray], np.ndarray], dict[str, Any]]:
    mesh = jax.sharding.Mesh(np.asarray(devices), ("lane",))
    spec = jax.sharding.PartitionSpec("lane")
    return jax.jit(jax.shard_map(plan.solve, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))


def _kept(plan: _Plan) -> str:
    """The hill's numbers that are not swept, as they stand in its call; critical heights do not depend on the height."""
    swept = {*plan.axes, "height"} if plan.outcome == "height" else set(plan.axes)
    values = {field.name: getattr(plan.hill, field.name) for field in dataclasses.fields(plan.hill)}  # type: ignore[arg-type]
    texts = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    kept = [f"{name}={text}" for name, text in texts.items() if name not in swept]
    return f"({', '.join(kept)})" if kept else ""


def _provenance(plan: _Plan) -> dict[str, Any]:
    device = jax.local_devices()[0]
    versions = {name: importlib.metadata.version(name) for name in ("hillopt", "jax", "jaxlib", "numpy", "optax")}
    axes = {name: [axis.values[0], axis.values[-1], len(axis.values), axis.scale] for name, axis in plan.axes.items()}
    if plan.heights is not None:
        axes["height"] = [plan.heights.values[0], plan.heights.values[-1], len(plan.heights.values), plan.heights.scale]
    label = name_of(plan.make)
    call = f"sweep({plan.hill}, {label}, axes={axes}, fixed={plan.fixed}, max_steps={plan.max_steps})"
    return {
        "title": f"{TITLES[plan.outcome]} of {label} on {type(plan.hill).__name__}",
        "outcome": plan.outcome,
        "hill": type(plan.hill).__name__ + _kept(plan),
        "optimizer": label,
        "fixed": json.dumps(plan.fixed, default=str),
        "max_steps": plan.max_steps,
        "dtype": str(plan.dtype),
        "implementation": plan.implementation,
        "device": f"{device.platform} {device.device_kind}, {jax.local_device_count()} local",
        "versions": json.dumps(versions),
        "call": call,
    }
