"""How fast it is, side by side in one run, compilation apart.

    python -m launch.bench --yardstick=adam_hill.c

prints, for this machine,
- optimizer steps a second of the general Adam update (eps > 0, division and square root really done) on one core in
  float32, 65,536 settings x 1,000 steps in one jitted call; and, where a C compiler and the source of a yardstick are
  given, that of the C program beside it. The yardstick is called with two arguments, settings and steps, and prints its
  steps a second first;
- the same grid and steps by the generic path: optax.adam, on a hill from a Python function whose slope is its derivative;
- a million noisy walks in one jitted call, and the memory that the process has taken at most after it;
- what certified critical heights cost at learning rates of 1e-6 against 1e-2, whose ramps are 10,000 times as long;
- seconds that `python -m launch.sweep` takes from a cold start.
Every figure is the median of the repeats, with the least and the greatest; a ratio pairs runs that followed each other.
A run of the general update is the best of five calls, like the yardstick's own figure.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags

import hillopt as ho
from launch import command, timing

FLAGS = flags.FLAGS

flags.DEFINE_string("yardstick", None, "C source of a program to compare with.")
flags.DEFINE_integer("repeats", 7, "Times that everything is measured.", lower_bound=1)
flags.DEFINE_integer("settings", 65_536, "Settings walked in one call; a multiple of 64.", lower_bound=64)
flags.DEFINE_integer("steps", 1_000, "Steps of each walk.", lower_bound=1)
flags.DEFINE_bool("cold_start", True, "Also time `python -m launch.sweep` in a process of its own.")
flags.DEFINE_bool("json", False, "Print the figures as JSON too.")

NOISY_WALKS, NOISY_STEPS = 1_000_000, 100
BEST_OF = 5  # as the yardstick does: each of its figures is its best of five runs
YARDSTICK_FLAGS = "-O3 -march=native -mprefer-vector-width=512 -fno-math-errno -fno-trapping-math"


class Figures:
    """Named series of measurements, printed with their spread."""

    def __init__(self) -> None:
        self.series: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> float:
        """Note one measurement."""
        self.series.setdefault(name, []).append(value)
        return value

    def line(self, name: str) -> str:
        """Median, least and greatest."""
        values = self.series[name]
        return f"{name:<62} {statistics.median(values):>10.4g}   ({min(values):.4g} to {max(values):.4g})"


def general_adam(num_settings: int, num_steps: int) -> Callable[[], Any]:
    """The yardstick's own grid, walked plainly in one compiled call."""
    number = np.arange(num_settings)
    optimizer = ho.Adam(
        learning_rate=jnp.asarray(0.01 + 0.99 * (number // 256 % 256) / 256, jnp.float32),
        b1=jnp.asarray(0.999 * (number % 256) / 256, jnp.float32),
        b2=jnp.full(num_settings, 0.999, jnp.float32),
        eps=jnp.full(num_settings, 1e-8, jnp.float32),
    )

    def heights(optimizer: ho.Adam) -> Any:
        return ho.critical_height(ho.TentHill(), optimizer, max_steps=num_steps, implementation="plain").height

    compiled = jax.jit(heights).lower(optimizer).compile()
    return lambda: compiled(optimizer)


def generic_adam(num_settings: int, num_steps: int) -> Callable[[], Any]:
    """The same grid by optax's own Adam on a hill that is a function, none of which the library knows beforehand."""
    number = np.arange(num_settings)
    hill = ho.hill_from(lambda x, h: jnp.where(x < 1 + h, jnp.abs(x - 1), 2 * h - x + 1), 1e6, crest=lambda h: 1 + h)
    optimizer = ho.from_optax(
        optax.adam,
        learning_rate=jnp.asarray(0.01 + 0.99 * (number // 256 % 256) / 256, jnp.float32),
        b1=jnp.asarray(0.999 * (number % 256) / 256, jnp.float32),
        b2=jnp.full(num_settings, 0.999, jnp.float32),
        eps=jnp.full(num_settings, 1e-8, jnp.float32),
    )

    def verdicts(optimizer: Any) -> Any:
        return ho.escape(hill, optimizer, max_steps=num_steps, implementation="plain").verdict

    compiled = jax.jit(verdicts).lower(optimizer).compile()
    return lambda: compiled(optimizer)


def noisy_walks(num_walks: int, num_steps: int) -> Callable[[], Any]:
    """First passages of so many walks of gradient descent over a tent that few escape."""

    def steps(key: Any) -> Any:
        optimizer = ho.GradientDescent(jnp.float32(0.01))
        return ho.first_passages(
            ho.TentHill(0.5), optimizer, ho.GaussianNoise(1.0), key, num_walks=num_walks, max_steps=num_steps
        ).step

    compiled = jax.jit(steps).lower(jax.random.key(0)).compile()
    return lambda: compiled(jax.random.key(0))


def certified(learning_rate: float) -> Callable[[], Any]:
    """Critical heights with proofs, for 64 x 64 settings whose learning rates lie within 10 % of the given one."""
    rates = learning_rate * np.linspace(0.95, 1.05, 64)
    optimizer = ho.Adam(jnp.asarray(rates)[:, None], jnp.linspace(0.0, 0.97, 64)[None, :])
    max_steps = int(1.1 / learning_rate) + 10_000
    return lambda: ho.critical_height(ho.TentHill(), optimizer, max_steps=max_steps)


def build_yardstick(source: str, folder: str) -> list[str]:
    """Compile the C program; the command that runs it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not Path(source).is_file():
        raise ValueError(
            f"`--yardstick` {source!r} is no file; give the C source to compare with, or leave the flag out."
        )
    if compiler is None:
        raise ValueError("`--yardstick` needs a C compiler, and none of cc, gcc and clang is found; install one.")
    program = str(Path(folder) / "yardstick")
    built = subprocess.run(
        [compiler, *YARDSTICK_FLAGS.split(), "-fopenmp", source, "-lm", "-o", program], capture_output=True, text=True
    )
    if built.returncode:
        raise ValueError(f"`--yardstick` {source!r} does not compile: {built.stderr.strip().splitlines()[-1]}")
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


def cold_start(folder: str) -> float:
    """Seconds of the main command in a fresh process on all cores."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "launch.sweep", f"--out={folder}", "--overwrite"], check=True, capture_output=True
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    jax.config.update("jax_enable_x64", True)
    figures = Figures()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    work = FLAGS.settings * FLAGS.steps
    with tempfile.TemporaryDirectory() as folder:
        program = build_yardstick(FLAGS.yardstick, folder) if FLAGS.yardstick else None
        _run_on({min(cores)})
        began = time.perf_counter()
        walk, low, high = general_adam(FLAGS.settings, FLAGS.steps), certified(1e-6), certified(1e-2)
        generic = generic_adam(FLAGS.settings, FLAGS.steps)
        for call in (walk, generic, low, high):
            timing.seconds(call)
        compiling = time.perf_counter() - began
        for _ in range(FLAGS.repeats):
            ours = figures.add(
                "general Adam, float32, steps/s, best of 5", work / min(timing.seconds(walk) for _ in range(BEST_OF))
            )
            anyones = figures.add(
                "optax.adam on a function's hill, float32, steps/s, best of 5",
                work / min(timing.seconds(generic) for _ in range(BEST_OF)),
            )
            figures.add("generic path / general Adam", anyones / ours)
            if program is not None:
                theirs = figures.add(
                    "C yardstick, float32, steps/s, best of 5", yardstick_speed(program, FLAGS.settings, FLAGS.steps)
                )
                figures.add("general Adam / C yardstick", ours / theirs)
            slow, fast = timing.seconds(low), timing.seconds(high)
            figures.add("certified heights at learning rates around 1e-2, settings/s", 4096 / fast)
            figures.add("certified heights at learning rates around 1e-6, settings/s", 4096 / slow)
            figures.add("time at 1e-6 / time at 1e-2", slow / fast)
        noisy = noisy_walks(NOISY_WALKS, NOISY_STEPS)
        figures.add(f"{NOISY_WALKS:,} noisy walks x {NOISY_STEPS} steps in one call, s", timing.seconds(noisy))
        figures.add("memory of the process at most, GiB", _peak_memory())
        _run_on(cores)
        for _ in range(min(3, FLAGS.repeats) if FLAGS.cold_start else 0):
            figures.add(f"python -m launch.sweep, cold start on {len(cores)} cores, s", cold_start(folder))
    print(f"{FLAGS.settings:,} settings x {FLAGS.steps:,} steps; jax {jax.__version__}; {jax.devices()[0].device_kind}")
    print(f"compilation and first calls, apart from all figures: {compiling:.2f} s")
    print(*(figures.line(name) for name in figures.series), sep="\n")
    print(
        "A general step is at least 1 division, 1 square root, 2 comparisons and 19 multiplications and additions, and"
    )
    print(
        "moves no bytes if its 6 numbers stay in registers; ours go to the second-level cache and back every 2 steps."
    )
    if FLAGS.json:
        print(json.dumps(figures.series))


def _peak_memory() -> float:
    """GiB that this process has held at most, so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _run_on(cores: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


if __name__ == "__main__":
    command.run(main)
