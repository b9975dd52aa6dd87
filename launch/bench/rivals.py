"""What `launch.bench` is held against: the same sweep as people write it today."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

YARDSTICK_FLAGS = "-O3 -march=native -mprefer-vector-width=512 -fno-math-errno -fno-trapping-math"
BISECTIONS = 30  # of a bracket of length 2: to 2e-9


def bisection(num_steps: int, by_hand: bool) -> Callable[[Any, Any], Any]:
    """Critical heights of Adam by vmap of a bisection over a scan; rates and b1 of one shape, float64.

    The step is optax's own; or one written by hand, which carries the powers of b1 and b2 along.
    """

    def step_of_optax(learning_rate: Any, b1: Any) -> tuple[Any, Callable]:
        transformation = optax.adam(learning_rate, b1=b1, eps=0.0)

        def step(x: Any, state: Any, slope: Any) -> tuple[Any, Any]:
            update, state = transformation.update(slope, state)
            return x + update, state

        return transformation.init(jnp.zeros(())), step

    def step_by_hand(learning_rate: Any, b1: Any) -> tuple[Any, Callable]:
        def step(x: Any, state: tuple, slope: Any) -> tuple[Any, tuple]:
            m, v, p1, p2 = state
            m, v, p1, p2 = b1 * m + (1 - b1) * slope, 0.999 * v + 0.001 * slope * slope, p1 * b1, p2 * 0.999
            return x - learning_rate * (m / (1 - p1)) / jnp.sqrt(v / (1 - p2)), (m, v, p1, p2)

        return (jnp.zeros(()), jnp.zeros(()), jnp.ones(()), jnp.ones(())), step

    def escapes(height: Any, learning_rate: Any, b1: Any) -> Any:
        state, step = (step_by_hand if by_hand else step_of_optax)(learning_rate, b1)

        def walk(carry: tuple, _: None) -> tuple[tuple, None]:
            x, state, over = carry
            x, state = step(x, state, jnp.where((x > 1) & (x < 1 + height), 1.0, -1.0))
            return (x, state, over | (x >= 1 + height)), None

        return jax.lax.scan(walk, (jnp.zeros(()), state, jnp.zeros((), bool)), length=num_steps)[0][2]

    def solve(learning_rate: Any, b1: Any) -> Any:
        def halve(_: Any, bracket: tuple) -> tuple:
            low, high = bracket
            middle = (low + high) / 2
            over = escapes(middle, learning_rate, b1)
            return jnp.where(over, middle, low), jnp.where(over, high, middle)

        return jax.lax.fori_loop(0, BISECTIONS, halve, (jnp.zeros(()), jnp.full((), 2.0)))[0]

    return jax.vmap(solve)


def numpy_heights(rates: np.ndarray, b1: np.ndarray, num_steps: int) -> np.ndarray:
    """Highest rises of Adam with arrays of NumPy, step by step; float32 in, float32 out."""
    one, b2, eps = np.float32(1), np.float32(0.999), np.float32(1e-8)
    x = np.zeros_like(rates)
    m, v, p1, p2, top = x.copy(), x.copy(), x + one, x + one, x - one
    for _ in range(num_steps):
        g = np.where(x > one, one, -one)
        m = b1 * m + (one - b1) * g
        v = b2 * v + (one - b2) * g * g
        p1 *= b1
        p2 *= b2
        x = x - rates * (m / (one - p1)) / (np.sqrt(v / (one - p2)) + eps)
        top = np.maximum(top, x - one)
    return top


def numba_heights() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray] | None:
    """The same setting by setting, compiled by Numba; None where it is not installed."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit
    def heights(rates: np.ndarray, b1: np.ndarray, num_steps: int) -> np.ndarray:
        one, b2, eps = np.float32(1), np.float32(0.999), np.float32(1e-8)
        tops = np.empty_like(rates)
        for lane in range(rates.size):
            x, m, v, p1, p2, top = np.float32(0), np.float32(0), np.float32(0), one, one, -one
            for _ in range(num_steps):
                g = one if x > one else -one
                m = b1[lane] * m + (one - b1[lane]) * g
                v = b2 * v + (one - b2) * g * g
                p1 *= b1[lane]
                p2 *= b2
                x -= rates[lane] * (m / (one - p1)) / (np.sqrt(v / (one - p2)) + eps)
                top = max(top, x - one)
            tops[lane] = top
        return tops

    return heights


def build_yardstick(source: Path, folder: str) -> list[str]:
    """Compile the C program; the command that runs it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not source.is_file():
        raise ValueError(
            f"`--yardstick` {str(source)!r} is no file; give the C source to compare with, or leave the flag out."
        )
    if compiler is None:
        raise ValueError("`--yardstick` needs a C compiler, and none of cc, gcc and clang is found; install one.")
    program = str(Path(folder) / "yardstick")
    built = subprocess.run(
        [compiler, *YARDSTICK_FLAGS.split(), "-fopenmp", str(source), "-lm", "-o", program],
        capture_output=True,
        text=True,
    )
    if built.returncode:
        raise ValueError(f"`--yardstick` {str(source)!r} does not compile: {built.stderr.strip().splitlines()[-1]}")
    return [program]


def yardstick_speed(program: list[str], num_settings: int, num_steps: int) -> float:
    """Steps a second that the yardstick says it makes on one core."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    printed = subprocess.run(
        [*program, str(num_settings), str(num_steps)], capture_output=True, text=True, env=environment, check=True
    ).stdout
    found = re.match(r"\s*([0-9.eE+]+) steps/s", printed)
    if found is None:
        raise ValueError(f"`--yardstick` must print its steps/s first, got {printed!r}.")
    return float(found.group(1))
