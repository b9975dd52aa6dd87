"""What a sweep is: everything that decides a bit of its results, so that no other one goes on in its store.

Not names: two lambdas share one. What is walked is told by the compiled program's text, with all its operations and constants,
and by every number that goes into it. The parts have fingerprints of their own, only to say *what* differs.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, PyTree

from hillopt.axes import Axis
from hillopt.landscapes import AbstractHill, AbstractLandscape
from hillopt.optimizers import AbstractOptimizer
from hillopt.runs import AbstractRun
from hillopt.sweeps.plan import Plan
from hillopt.sweeps.program import World, program_for

MATHEMATICS = 12
"""Counts up whenever a change of this package changes a bit of some sweep's results."""


def identity(plan: Plan) -> dict[str, object]:
    """All that decides a bit of the results, by name, as JSON takes it."""
    device = jax.local_devices()[0]
    numbers = {f"{owner}'s {name}": value for owner, named in numbers_of(plan).items() for name, value in named.items()}
    axes = {
        f"axis {name}": [*told(axis), zlib.crc32(np.asarray(axis.values).tobytes())] for name, axis in plan.axes.items()
    }
    dtype = plan.layout.dtype
    found = {
        **labels_of(plan.world),
        **numbers,
        **axes,
        "first steps": plan.first,
        "seed": plan.seed,
        "dtype": str(dtype),
        "climb": climb_of(plan),
        "device": f"{device.platform} {device.device_kind}",
        "tile": list(plan.layout.tiling.tile),
        **_programs(plan.world, dtype),
        "program": program_for(device, *plan.arguments(plan.layout.lanes(0), plan.first)).fingerprint,
        "mathematics": MATHEMATICS,
        "jax": jax.__version__,
    }
    return json.loads(json.dumps(found, default=str))


def labels_of(world: World) -> dict[str, str]:
    """What is asked of what; a training run brings its own optimizer."""
    return {name: part.label() for name, part in world.parts.items()}


def numbers_of(plan: Plan) -> dict[str, dict[str, object]]:
    """Every number of question, hill and optimizer that is not swept, given or not; the height where it is ignored is left out."""
    found: dict[str, dict[str, object]] = {}
    for owner, part in plan.world.parts.items():
        ignored = {"height"} if owner == "hill" and plan.question.ignores_height else set()
        numbers = {**part.hyperparameters(), **part.fixed()}
        found[owner] = {name: plain(value) for name, value in numbers.items() if name not in {*plan.axes, *ignored}}
    return found


def plain(value: object) -> object:
    """A number of NumPy or JAX as one of Python, an array as a list; whatever else by its repr, which has no address."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        return np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    name = getattr(value, "__name__", None)
    return name if callable(value) and name else repr(value).partition(" at 0x")[0]


def told(axis: Axis) -> list[object]:
    """An axis in short: its ends, its length and its scale."""
    return [axis.values[0], axis.values[-1], len(axis.values), axis.scale]


def climb_of(plan: Plan) -> str:
    """The climb's name, or that nothing is climbed."""
    climb = plan.question.climb_used
    return "none" if climb is None else climb.label()


def _programs(world: World, dtype: DTypeLike) -> dict[str, str]:
    """Fingerprints of the parts."""
    if isinstance(world.hill, AbstractRun):
        return {"run's program": _hash(_run, _one(world.hill, dtype))}
    return {
        "hill's program": _fingerprint(_landscape, world.hill, world.optimizer, dtype),
        "optimizer's program": _fingerprint(_steps, world.hill, world.optimizer, dtype),
    }


def _one(tree: PyTree, dtype: DTypeLike) -> PyTree:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), dtype), tree)


def _hash(function: Callable[..., PyTree], *shapes: PyTree) -> str:
    return hashlib.sha256(jax.jit(function).lower(*shapes).as_text().encode()).hexdigest()[:16]


def _run(run: AbstractRun) -> PyTree:
    return run.step(run.begin(), jnp.zeros((), jnp.int32))


def _fingerprint(
    function: Callable[..., PyTree], hill: AbstractLandscape, optimizer: AbstractOptimizer | None, dtype: DTypeLike
) -> str:
    """Of a function of one hill, one optimizer and one position; their numbers are its arguments."""
    position = jax.ShapeDtypeStruct(np.shape(hill.start), dtype)
    return _hash(function, *_one((hill, optimizer), dtype), position)


def _landscape(hill: AbstractLandscape, optimizer: AbstractOptimizer, position: Array) -> PyTree:
    del optimizer
    if not isinstance(hill, AbstractHill):
        return jnp.asarray(hill.start), hill.value(position), hill.slope(position)
    ground = hill.flank()
    return jnp.asarray(hill.start), ground.value(position), ground.slope(position), ground.rise(position), hill.goal()


def _steps(hill: AbstractLandscape, optimizer: AbstractOptimizer, position: Array) -> PyTree:
    del hill
    facing = optimizer.facing(lambda place: jnp.sum(jnp.square(place)))
    return facing.step(position, facing.init(position), position)


def differences(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """What differs between two identities, in words, the parts before the whole."""
    names = [name for name in dict.fromkeys([*now, *before]) if before.get(name) != now.get(name)]
    whole = "program" in names and len(names) > 1  # it differs wherever a part does
    return [
        f"{name}={before.get(name)!r}, not {now.get(name)!r}" for name in names if not (whole and name == "program")
    ]
