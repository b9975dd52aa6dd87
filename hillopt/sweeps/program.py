"""The program that a tile is walked by: one pure function, compiled once for all sweeps of a kind."""

import contextlib
import functools
import hashlib
import threading
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from hillopt.landscapes import AbstractLandscape
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Number, Steps
from hillopt.questions import AbstractQuestion
from hillopt.runs import AbstractRun
from hillopt.sweeps.layout import Lanes

PROGRAMS = 64  # kept in a process
_one_at_a_time = threading.Lock()


class World(NamedTuple):
    """What is asked, of what: its numbers that are not swept are arguments of the program, so that others compile nothing."""

    question: AbstractQuestion
    hill: AbstractLandscape | AbstractRun
    """Or a training run, which brings its own optimizer."""
    optimizer: AbstractOptimizer | None

    @property
    def parts(self) -> dict[str, Any]:
        """Those that there are, by name."""
        return {name: part for name, part in zip(self._fields, self, strict=True) if part is not None}

    def owner_of(self, name: str) -> str:
        """The field whose number has this name; the optimizer's come first."""
        return next(field for field, part in reversed(self.parts.items()) if name in part.hyperparameters())

    def replace(self, **numbers: Number) -> "World":
        """With other numbers, wherever they belong."""
        changes: dict[str, dict[str, object]] = {}
        for name, number in numbers.items():
            changes.setdefault(self.owner_of(name), {})[name] = number
        return self._replace(**{field: self.parts[field].replace(**given) for field, given in changes.items()})


def solve(world: World, lanes: Lanes, num_columns: Array, key_data: Array, max_steps: Steps) -> dict[str, object]:
    """The answer's fields for lanes of settings, each of their broadcast shape behind its own dimensions."""
    question, hill, optimizer = world.replace(**lanes.swept)
    key = jax.random.wrap_key_data(key_data)
    index = lanes.row_index * num_columns + lanes.column_index
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, index.reshape(-1)).reshape(index.shape)
    answer = question.replace(max_steps=max_steps).answer(hill, optimizer, keys)
    own = type(answer).dims()
    return {
        name: jnp.broadcast_to(field, (*jnp.shape(field)[: len(own[name])], *index.shape))
        for name, field in answer.items()
    }


class Program:
    """`solve` for one shape of settings on one device, lowered; it is compiled when it is first called."""

    def __init__(self, lowered: jax.stages.Lowered, device: jax.Device, with_x64: bool) -> None:
        self._lowered, self._device, self._with_x64 = lowered, device, with_x64
        self._compiling = threading.Lock()

    def __call__(self, *args: Any) -> dict[str, jax.Array]:
        """The fields, on the device. Other threads than the one that lowered it may call, with JAX's own configuration."""
        with jax.enable_x64(self._with_x64):
            with self._compiling:
                compiled = self._compiled
            return compiled(*jax.device_put(args, self._device))

    @functools.cached_property
    def _compiled(self) -> jax.stages.Compiled:
        """With a persistent cache one after the other: what a device has compiled, others of its kind find there."""
        keeps = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        with _one_at_a_time if keeps else contextlib.nullcontext():
            return self._lowered.compile()

    @property
    def shapes(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Of the fields, by name."""
        return self._lowered.out_info

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of all operations and constants; the same in every process."""
        return hashlib.sha256(self._lowered.as_text().encode()).hexdigest()[:16]


def program_for(device: jax.Device, *args: Any) -> Program:
    """The program for arguments of these shapes, made where this process has none yet.

    It is lowered here, in the caller's thread, whose configuration of JAX counts. CPU devices share it: they are the same memory
    and the same cores, on which as many threads as call it walk side by side.
    """
    if device.platform == "cpu":
        device = jax.local_devices(backend="cpu")[0]
    leaves, structure = jax.tree.flatten(args)
    shapes = tuple((np.shape(leaf), jax.dtypes.canonicalize_dtype(_dtype_of(leaf))) for leaf in leaves)
    options = tuple(args[0].question.compiler_options.items())
    return _program(device, structure, shapes, options, jax.config.read("jax_enable_x64"))


def _dtype_of(leaf: Any) -> Any:
    return leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf)


@functools.lru_cache(maxsize=PROGRAMS)
def _program(
    device: jax.Device, structure: jax.tree_util.PyTreeDef, shapes: tuple, options: tuple, with_x64: bool
) -> Program:
    here = jax.sharding.SingleDeviceSharding(device)
    leaves = [jax.ShapeDtypeStruct(shape, dtype, sharding=here) for shape, dtype in shapes]
    jitted = jax.jit(solve, compiler_options=dict(options))
    return Program(jitted.lower(*jax.tree.unflatten(structure, leaves)), device, with_x64)
