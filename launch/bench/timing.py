"""What the benchmarks share: cores, ceilings, spreads."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

SIDE = 2048  # of the matrices whose product tells the ceiling
BEST_OF = 5
LINKS, ROUNDS, CHAINS = 64, 512, 2**22  # of chains on an accelerator, which they keep busy for 8 ms
LANES = 128  # of a kernel's program: four chains a thread
LARGE, LARGE_ON_AN_ACCELERATOR = 2**26, 2**29  # numbers that are read and written


def confine(cores: int | None) -> None:
    """Keep this process to so many cores (Linux); None leaves it all of them."""
    if cores is not None:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call, to the end of the computation."""
    began = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - began


def best(call: Callable[[], Any], of: int = BEST_OF) -> float:
    """Seconds of the fastest of some calls."""
    return min(seconds(call) for _ in range(of))


def cores() -> set[int]:
    """Those that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def run_on(chosen: set[int]) -> None:
    """Move all threads of this process to these cores (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        for thread in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ["0"]:
            os.sched_setaffinity(int(thread), chosen)


def peak_memory() -> float:
    """GiB that this process has held at most, so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def arithmetic_ceiling() -> float:
    """Operations a second in float32: of a matrix product on a CPU, of chains of products and sums on an accelerator.

    There a matrix product has units of its own, which no walk can use, and a product and a sum are an instruction each, so that
    this is the number of instructions that a GPU issues. On a CPU a chain waits for itself.
    """
    if jax.default_backend() == "cpu":
        return matmul_speed()
    numbers = jnp.ones(CHAINS, jnp.float32)
    chain = jax.jit(chained).lower(numbers).compile()
    seconds(lambda: chain(numbers))
    return 2 * CHAINS * LINKS * ROUNDS / best(lambda: chain(numbers))


def chained(numbers: Array) -> Array:
    """The end of a chain from each of the numbers; on a GPU in one kernel, where JAX has Triton."""
    try:
        from jax.experimental import pallas
        from jax.experimental.pallas import triton
    except ImportError:
        return links(numbers)
    if jax.default_backend() != "gpu":
        return links(numbers)

    def kernel(given: Any, ends: Any) -> None:
        ends[...] = links(given[...])

    block = pallas.BlockSpec((LANES,), lambda index: (index,))
    return pallas.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct(numbers.shape, numbers.dtype),
        grid=(numbers.size // LANES,),
        in_specs=[block],
        out_specs=block,
        compiler_params=triton.CompilerParams(num_warps=1, num_stages=1),
    )(numbers)


def links(numbers: Array) -> Array:
    """All rounds of products and sums."""

    def walk_round(index: Array, numbers: Array) -> Array:
        del index
        for _ in range(LINKS):
            numbers = numbers * 0.999 + 0.001
        return numbers

    return jax.lax.fori_loop(0, ROUNDS, walk_round, numbers)


def memory_ceiling() -> float:
    """Bytes a second that a large array is read and written with."""
    numbers = jnp.ones(LARGE if jax.default_backend() == "cpu" else LARGE_ON_AN_ACCELERATOR, jnp.float32)
    increase = jax.jit(lambda x: x + 1).lower(numbers).compile()
    seconds(lambda: increase(numbers))
    return 2 * numbers.nbytes / best(lambda: increase(numbers))


def matmul_speed() -> float:
    """Floating-point operations a second of a large float32 matrix product, the best of five."""
    matrix = jnp.asarray(np.random.default_rng(0).random((SIDE, SIDE), np.float32))
    product = jax.jit(lambda a: a @ a)
    product(matrix).block_until_ready()
    return 2 * SIDE**3 / min(seconds(lambda: product(matrix)) for _ in range(5))


def spread(values: list[float]) -> str:
    """Median, least and greatest."""
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def machine(ceiling: float) -> str:
    """The device, JAX's version and the measured ceiling in one line."""
    device = jax.devices()[0].device_kind
    return f"{device}, jax {jax.__version__}; a {SIDE} x {SIDE} product: {ceiling / 1e9:.0f} GFLOP/s"
