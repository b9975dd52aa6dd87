"""What the benchmarks share: cores, ceilings, spreads."""

import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

SIDE = 2048  # of the matrices whose product tells the ceiling


def confine(cores: int | None) -> None:
    """Keep this process to so many cores (Linux); None leaves it all of them."""
    if cores is not None:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call, to the end of the computation."""
    began = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - began


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
