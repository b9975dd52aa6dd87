"""Compile a program for a GPU, and look at it."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import jax

from launch.bench.compiled.launches import Launch, Traffic, launches_of, traffic_of
from launch.bench.compiled.machine_code import Kernel, kernels_of, tool
from launch.bench.compiled.targets import Target

CACHE = "jax_enable_compilation_cache"
EXTRA = "install the extra: pip install '.[ahead-of-time]'"


Made = tuple[Any, tuple]
"""A jitted function, and the shapes of its arguments."""


class Program(NamedTuple):
    """One that is compiled: how it is made for arguments that lie somewhere, and how many settings it walks or trains, if any."""

    make: Callable[[jax.sharding.Sharding], Made]
    x64: bool
    settings: int = 0
    width: int = 1
    """Numbers that a setting has in the largest array of a step."""


class Compiled(NamedTuple):
    """A program as a GPU would run it."""

    seconds: float
    processor_seconds: float
    """Of compilation, all threads together."""
    launches: Launch
    kernels: dict[str, Kernel]
    traffic: dict[str, Traffic]


def lacking() -> str | None:
    """What is missing for machine code to be read, in words, or None."""
    packages = {"ptxas": "nvidia-cuda-nvcc", "nvdisasm": "nvidia-cuda-nvdisasm"}
    missing = [package for program, package in packages.items() if tool(program) is None]
    return f"without {' and '.join(missing)} no machine code can be read" if missing else None


def check(target: Target) -> None:
    """Refuse a target that cannot be compiled for here, naming the extra. Raises ValueError."""
    reason = lacking()
    if reason is not None:
        raise ValueError(f"`target` is compiled for ahead of time, and {reason}; {EXTRA}.")
    jax.config.update("jax_platforms", "cpu")  # JAX's plugin for GPUs need not look for one
    device_of(target)


def device_of(target: Target) -> jax.Device:
    """The target as JAX describes its devices. ValueError where JAX cannot compile for it."""
    from jax.experimental import topologies

    try:
        found = topologies.get_topology_desc(platform="cuda", target_config=target.description, topology="1x1x1")
    except Exception as error:  # of whatever kind: without its plugin no such platform is known
        raise ValueError(f"`target` needs JAX's plugin for CUDA, which is not there; {EXTRA}.") from error
    (device,) = found.devices
    return device


def compiled_for(target: Target, program: Program) -> Compiled:
    """A program compiled for a GPU that need not be there."""
    device = device_of(target)
    # which decides how much is walked at once, and by what
    on_gpu = mock.patch.object(jax, "default_backend", return_value="gpu")
    mesh = jax.sharding.AbstractMesh(
        (1,),
        ("x",),
        (jax.sharding.AxisType.Auto,),
        abstract_device=jax.sharding.AbstractDevice(device.device_kind, None, "gpu"),
    )
    with jax.enable_x64(program.x64), on_gpu:
        function, arguments = program.make(jax.sharding.SingleDeviceSharding(device))
        with jax.sharding.use_abstract_mesh(mesh):  # Pallas asks it for the device
            lowered = function.trace(*arguments).lower(lowering_platforms=("cuda",))
        return looked_at(lowered)


def looked_at(lowered: jax.stages.Lowered) -> Compiled:
    """Compile, for the device that it was lowered for, and read what came out."""
    with tempfile.TemporaryDirectory() as name, no_cache():
        folder = Path(name)
        began, used = time.perf_counter(), time.process_time()
        lowered.compile({"xla_dump_to": name, "xla_dump_hlo_as_text": True, "xla_dump_emitter_re": "ptx"})
        took = time.perf_counter() - began, time.process_time() - used
        return Compiled(*took, launches_of(folder), kernels_of(folder), traffic_of(folder))


@contextlib.contextmanager
def no_cache() -> Iterator[None]:
    """A program taken from disk leaves nothing to read."""
    before = getattr(jax.config, CACHE)
    jax.config.update(CACHE, False)
    try:
        yield
    finally:
        jax.config.update(CACHE, before)
