"""How fast it is, side by side in one run, compilation apart.

    python -m launch.bench --yardstick=adam_hill.c

prints, for this machine, medians with the least and the greatest of the repeats:

- optimizer steps a second in float32, on one core of a CPU or on one accelerator, on the grid of the yardstick: learning
  rates 0.01 + 0.99 i / 256 by b1 = 0.999 j / 256, b2 = 0.999, eps = 1e-8, x 1,000 steps in one jitted call: 65,536 settings on
  a CPU, and 4,194,304 on an accelerator, which fewer do not fill.
  Rows share b1 (`shared`), or every number is given for every setting (`lanes`). On the tent the slope is a sign; the wedge
  has a flank of slope 0.8, so that division and square root are really done for every setting and step. Beside them the
  plain vmap of a loop, NumPy, Numba where it is installed, and the C program where a compiler and its source are given; it
  is called with two arguments, settings and steps, and prints its steps a second first.
- the same grid by optax.adam, on a hill from a Python function whose slope is its derivative;
- two CPU devices on two cores against one;
- critical heights proved a second, against a vmapped bisection over a scan on some of these settings (30 halvings of a bracket
  of length 2, each of as many steps as a proof may take; the step is optax's, or written by hand without powers), for learning
  rates from 0.01 to 1 and around 1e-4; and around 1e-6, whose ramps are 10,000 times as long as those at 1e-2;
- a million noisy walks in one jitted call, and the memory that the process has taken at most after them;
- the arithmetic and the memory ceiling of this device, measured, and the share of the first that a general step reaches: by its
  operations, and on a GPU with the extra `ahead-of-time` by the instructions that its machine code has;
- seconds that `python -m launch.sweep` takes from a cold start.

A figure is the best of five calls, as the yardstick's own; a ratio pairs figures that were taken one after the other. On one
core of a 2-core AMD EPYC (Zen 4, AVX-512) expect 7.0e9 steps a second for `tent, shared`, 1.44e9 for `wedge, lanes`, and
523,000 settled heights a second for learning rates from 0.01 to 1.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax

import hillopt as ho
from launch import command
from launch.bench import heights, rivals, timing, walks
from launch.bench.figures import Figures


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is measured, how often and beside what."""

    yardstick: Path | None = command.flag(None, "C source of a program to compare with.")
    repeats: int = command.flag(5, "Times that everything is measured.", at_least=1)
    settings: int | None = command.flag(
        None, "Settings walked in one call, a multiple of 256; what fills the device by default.", at_least=256
    )
    steps: int = command.flag(1_000, "Steps of each walk.", at_least=1)
    side: int = command.flag(256, "Critical heights are solved for side x side settings.", at_least=2)
    cold_start: bool = command.flag(True, "Also time `python -m launch.sweep` in a process of its own.")
    json: Path | None = command.flag(None, "Write all measurements into this file too.")


NOISY_WALKS, NOISY_STEPS = 1_000_000, 100
COLD_STARTS = 3  # at most


def main(settings: Settings) -> None:
    """Measure and print."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    enough = walks.ENOUGH if jax.default_backend() == "cpu" else walks.MANY
    size = walks.Size(enough if settings.settings is None else settings.settings, settings.steps)
    if size.settings % 256:
        raise ValueError(f"`--settings` must be a multiple of 256, got {size.settings}.")
    with tempfile.TemporaryDirectory() as folder:
        program = rivals.build_yardstick(settings.yardstick, folder) if settings.yardstick else None
        if settings.json is not None:
            settings.json.touch()  # what cannot be written is told before anything is measured
        figures = measure_all(settings, size, program, folder)
    print(*told(figures, settings, size), sep="\n")
    if settings.json is not None:
        about = {"command": sys.argv[1:], "jax": jax.__version__, "device": jax.devices()[0].device_kind}
        settings.json.write_text(json.dumps({**about, **figures.series}))


def measure_all(settings: Settings, size: walks.Size, program: list[str] | None, folder: str) -> Figures:
    """On one core of a CPU first, then on all."""
    figures, cores, repeats = Figures(), timing.cores(), settings.repeats
    if jax.default_backend() == "cpu":
        timing.run_on({min(cores)})
    measure_noise(figures)
    walks.measure(figures, program, size, repeats)
    heights.measure(figures, settings.side, repeats)
    timing.run_on(cores)
    walks.measure_two_devices(figures, size, repeats)
    for _ in range(min(COLD_STARTS, repeats) if settings.cold_start else 0):
        figures.add(f"seconds: python -m launch.sweep, cold start on {len(cores)} cores", cold_start(folder))
    return figures


def measure_noise(figures: Figures) -> None:
    """A million noisy walks, and the memory that the process has taken at most after them."""
    noisy = walks.noisy_walks(NOISY_WALKS, NOISY_STEPS)
    timing.seconds(noisy)
    name = f"seconds: {NOISY_WALKS:,} noisy walks x {NOISY_STEPS} steps in one call"
    figures.add(name, timing.best(noisy, of=2))
    figures.add("memory of the process at most until then, GiB", timing.peak_memory())


def cold_start(folder: str) -> float:
    """Seconds of the main command in a fresh process on all cores."""
    began = time.perf_counter()
    arguments = [sys.executable, "-m", "launch.sweep", f"--out={folder}", "--overwrite", "--compilation_cache=no"]
    subprocess.run(arguments, check=True, capture_output=True)
    return time.perf_counter() - began


def told(figures: Figures, settings: Settings, size: walks.Size) -> list[str]:
    """What was measured, on what, and what it stands beside."""
    device = jax.devices()[0]
    return [
        f"{size.settings:,} settings x {size.steps:,} steps, heights for {settings.side} x {settings.side} "
        "settings, seed 0",
        f"jax {jax.__version__}; {device.platform} {device.device_kind}; one core of a CPU where nothing else is said",
        "command: python -m launch.bench " + " ".join(sys.argv[1:]),
        *(figures.line(name) for name in figures.series),
        f"A general step is at least {walks.OPERATIONS} operations, one of them a division and one a square root, and moves "
        "no\nbytes if its numbers stay in registers; on a CPU ours go to the nearest cache and back every step.",
    ]


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings)
