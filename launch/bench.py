"""How fast it is, side by side in one run, compilation apart.

    python -m launch.bench --yardstick=adam_hill.c

prints, for this machine, medians with the least and the greatest of the repeats:

- optimizer steps a second in float32, on one core of a CPU or on one accelerator, on the grid of the yardstick: learning
  rates 0.01 + 0.99 i / 256 by b1 = 0.999 j / 256, b2 = 0.999, eps = 1e-8, 65,536 settings x 1,000 steps in one jitted call.
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
- the arithmetic and the memory ceiling of this device, measured, and the share of the first that a general step reaches;
- seconds that `python -m launch.sweep` takes from a cold start.

A figure is the best of five calls, as the yardstick's own; a ratio pairs figures that were taken one after the other.
"""

import concurrent.futures
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

import hillopt as ho
from launch import old_command as command
from launch import rivals, timing

FLAGS = flags.FLAGS

flags.DEFINE_string("yardstick", None, "C source of a program to compare with.")
flags.DEFINE_integer("repeats", 5, "Times that everything is measured.", lower_bound=1)
flags.DEFINE_integer("settings", 65_536, "Settings walked in one call; a multiple of 256.", lower_bound=256)
flags.DEFINE_integer("steps", 1_000, "Steps of each walk.", lower_bound=1)
flags.DEFINE_integer("side", 256, "Critical heights are solved for side x side settings.", lower_bound=2)
flags.DEFINE_bool("cold_start", True, "Also time `python -m launch.sweep` in a process of its own.")
flags.DEFINE_string("json", None, "Write all measurements into this file too.")

NOISY_WALKS, NOISY_STEPS = 1_000_000, 100
NUMPY_SHARE, NUMBA_SHARE = 20, 10  # slow rivals walk so many times fewer steps
BEST_OF, RIVALS_SIDE = 5, 64
CHAIN, CHAIN_LANES, LARGE = 256, 2**20, 2**26
OPERATIONS = 23  # of a general step: a division, a square root, 2 comparisons, 19 multiplications and additions
TENT = ho.TentHill()
WEDGE = ho.WedgeHill(height=0.8e6, half_width=1e6)


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
        return f"{name:<84} {statistics.median(values):>10.4g}   ({min(values):.4g} to {max(values):.4g})"


def the_grid(num_settings: int, shared: bool) -> dict[str, Any]:
    """The yardstick's grid: rows of 256 learning rates that share b1, or all of it setting by setting."""
    rates = jnp.asarray(0.01 + 0.99 * np.arange(256) / 256, jnp.float32)
    b1 = jnp.asarray(0.999 * np.arange(num_settings // 256) / (num_settings // 256), jnp.float32)
    numbers = {"learning_rate": rates[None, :], "b1": b1[:, None]}
    numbers |= {"b2": jnp.float32(0.999), "eps": jnp.float32(1e-8)}
    if shared:
        return numbers
    shape = (b1.size, rates.size)
    return {name: jnp.broadcast_to(number, shape).reshape(-1) for name, number in numbers.items()}


def walks(hill: ho.AbstractHill, optimizer: Any, implementation: str) -> Callable[[], Any]:
    """A compiled call that walks on a hill that nobody escapes from."""

    def answer(optimizer: Any) -> Any:
        return ho.escape(hill, optimizer, max_steps=FLAGS.steps, implementation=implementation)

    def heights(optimizer: Any) -> Any:
        return ho.critical_height(hill, optimizer, max_steps=FLAGS.steps, implementation=implementation).height

    solve = jax.jit(heights if hill.flank_is_shared else answer, compiler_options=ho.compiler_options())
    return functools.partial(solve.lower(optimizer).compile(), optimizer)


def optax_walks() -> Callable[[], Any]:
    """The grid by optax's own Adam on a hill that is a function, none of which the library knows beforehand."""
    hill = ho.hill_from(lambda x, h: jnp.where(x < 1 + h, jnp.abs(x - 1), 2 * h - x + 1), 1e6, crest=lambda h: 1 + h)
    return walks(hill, ho.optax_named("adam", **the_grid(FLAGS.settings, shared=True)), "fast")


def rival_walks() -> dict[str, tuple[int, Callable[[], Any]]]:
    """NumPy and Numba on the same grid: steps that they make, and the call."""
    grid = {name: np.asarray(number) for name, number in the_grid(FLAGS.settings, shared=False).items()}
    rates, b1, calls = grid["learning_rate"], grid["b1"], {}
    fewer = max(1, FLAGS.steps // NUMPY_SHARE)
    calls["NumPy, arrays of all settings"] = (fewer, lambda: rivals.numpy_heights(rates, b1, fewer))
    numba_heights = rivals.numba_heights()
    if numba_heights is not None:
        some = max(1, FLAGS.steps // NUMBA_SHARE)
        calls["Numba, setting by setting"] = (some, functools.partial(numba_heights, rates, b1, some))
    return calls


def noisy_walks(num_walks: int, num_steps: int) -> Callable[[], Any]:
    """First passages of so many walks of gradient descent over a tent that few escape."""

    def steps(key: Any) -> Any:
        optimizer = ho.GradientDescent(jnp.float32(0.01))
        return ho.first_passages(
            ho.TentHill(0.5), optimizer, ho.GaussianNoise(1.0), key, num_walks=num_walks, max_steps=num_steps
        ).step

    compiled = jax.jit(steps).lower(jax.random.key(0)).compile()
    return lambda: compiled(jax.random.key(0))


class Heights:
    """Critical heights with proofs in float64, and the bisections that go for them today, on some of the same settings."""

    def __init__(self, low: float, high: float, with_rivals: bool = True) -> None:
        rates, b1 = np.geomspace(low, high, FLAGS.side)[None, :], np.linspace(0.0, 0.97, FLAGS.side)[:, None]
        self.steps = int(1.1 / low) + 10_000
        self.optimizer = ho.Adam(jnp.asarray(rates), jnp.asarray(b1))
        thin = -(-FLAGS.side // RIVALS_SIDE)
        some = np.broadcast_arrays(rates[:, ::thin], b1[::thin])
        self.size = some[0].size
        self.rivals: dict[str, Callable[[], Any]] = {}
        for name, by_hand in {"over optax.adam": False, "over Adam by hand": True}.items() if with_rivals else ():
            flat = [jnp.asarray(each.reshape(-1)) for each in some]
            compiled = jax.jit(rivals.bisection(self.steps, by_hand)).lower(*flat).compile()
            self.rivals[name] = functools.partial(compiled, *flat)

    def ours(self) -> Any:
        """Solve."""
        return ho.critical_height(TENT, self.optimizer, max_steps=self.steps)


def arithmetic_ceiling() -> float:
    """Operations a second in float32: of a matrix product on a CPU, of chains of multiply-adds on an accelerator.

    (There a matrix product has units of its own, which no walk can use; on a CPU a chain waits for itself.)
    """
    if jax.default_backend() == "cpu":
        return timing.matmul_speed()

    def links(x: Any) -> Any:
        for _ in range(CHAIN):
            x = x * jnp.float32(0.999) + jnp.float32(0.001)
        return x

    numbers = jnp.ones(CHAIN_LANES, jnp.float32)
    chain = jax.jit(lambda x: jax.lax.fori_loop(0, 8, lambda _, x: links(x), x)).lower(numbers).compile()
    timing.seconds(lambda: chain(numbers))
    return 2 * CHAIN_LANES * CHAIN * 8 / best(lambda: chain(numbers))


def memory_ceiling() -> float:
    """Bytes a second that a large array is read and written with."""
    numbers = jnp.ones(LARGE, jnp.float32)
    increase = jax.jit(lambda x: x + 1).lower(numbers).compile()
    timing.seconds(lambda: increase(numbers))
    return 2 * 4 * LARGE / best(lambda: increase(numbers))


def two_devices() -> Callable[[], tuple[float, float]] | None:
    """Seconds of two calls on one CPU device after the other, and on two at once; None where there is one."""
    devices = jax.devices("cpu")[:2]
    if len(devices) < 2 or len(_cores()) < 2:
        return None
    calls = []
    for device in devices:
        with jax.default_device(device):
            calls.append(
                walks(TENT, jax.device_put(ho.Adam(**the_grid(FLAGS.settings, shared=False)), device), "blocked")
            )

    def measure() -> tuple[float, float]:
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            one = min(timing.seconds(calls[0]) + timing.seconds(calls[0]) for _ in range(BEST_OF))
            began = []
            for _ in range(BEST_OF):
                then = time.perf_counter()
                list(threads.map(timing.seconds, calls))
                began.append(time.perf_counter() - then)
        return one, min(began)

    return measure


def cold_start(folder: str) -> float:
    """Seconds of the main command in a fresh process on all cores."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "launch.sweep", f"--out={folder}", "--overwrite"], check=True, capture_output=True
    )
    return time.perf_counter() - began


def best(call: Callable[[], Any], of: int = BEST_OF) -> float:
    """Seconds of the fastest of some calls."""
    return min(timing.seconds(call) for _ in range(of))


def compiled_calls(compilations: dict[str, float]) -> dict[str, Callable[[], Any]]:
    """Our walks by name; what each took to compile is noted."""
    makers: dict[str, Callable[[], Callable[[], Any]]] = {}
    for name in ("plain", "blocked", *(["pallas"] if jax.default_backend() == "gpu" else [])):
        for shared in (True, False):
            kind = "shared" if shared else "lanes"
            adam = ho.Adam(**the_grid(FLAGS.settings, shared))
            makers[f"tent, {kind}, {name}"] = functools.partial(walks, TENT, adam, name)
            if name != "plain":
                makers[f"wedge, {kind}, {name}"] = functools.partial(walks, WEDGE, adam, name)
    makers["function's hill, shared, optax.adam"] = optax_walks
    calls = {}
    for name, make in makers.items():
        began = time.perf_counter()
        calls[name] = make()
        compilations[name] = time.perf_counter() - began
        timing.seconds(calls[name])
    return calls


def measure_steps(figures: Figures, program: list[str] | None) -> None:
    """Optimizer steps a second."""
    compilations: dict[str, float] = {}
    calls, slow = compiled_calls(compilations), rival_walks()
    for _, call in slow.values():
        call()
    work = FLAGS.settings * FLAGS.steps
    for _ in range(FLAGS.repeats):
        ceiling = figures.add("ceiling: float32 operations/s of this device", arithmetic_ceiling())
        figures.add("ceiling: bytes/s of its memory", memory_ceiling())
        theirs = None
        if program is not None:
            theirs = figures.add("steps/s: C yardstick", rivals.yardstick_speed(program, FLAGS.settings, FLAGS.steps))
        speeds = {name: figures.add(f"steps/s: {name}", work / best(call)) for name, call in calls.items()}
        for name, (steps, call) in slow.items():
            speeds[name] = figures.add(f"steps/s: {name}", FLAGS.settings * steps / best(call, of=1))
        plain = speeds["tent, lanes, plain"]
        for name, speed in speeds.items():
            if theirs is not None:
                figures.add(f"ratio to the C yardstick: {name}", speed / theirs)
            figures.add(f"ratio to plain lanes: {name}", speed / plain)
        general = max(speed for name, speed in speeds.items() if name.startswith("wedge"))
        figures.add("share of the arithmetic ceiling: the fastest general step", general * OPERATIONS / ceiling)
    print("compilation, seconds: " + "; ".join(f"{name} {seconds:.2f}" for name, seconds in compilations.items()))


def measure_heights(figures: Figures) -> None:
    """Critical heights a second."""
    sets = {"0.01 to 1": Heights(0.01, 1.0), "around 1e-4": Heights(0.95e-4, 1.05e-4)}
    sets |= {
        name: Heights(0.95 * rate, 1.05 * rate, False) for name, rate in (("around 1e-2", 1e-2), ("around 1e-6", 1e-6))
    }
    for each in sets.values():
        timing.seconds(each.ours)
    for _ in range(FLAGS.repeats):
        ours = {}
        for name, each in sets.items():
            settled = int(each.ours().settled.sum())
            ours[name] = figures.add(f"settled heights/s: learning rates {name}", settled / best(each.ours))
            for rival, call in each.rivals.items():
                theirs = figures.add(
                    f"heights/s: bisection {rival}, learning rates {name}, {each.steps:,} steps",
                    each.size / best(call, of=1),
                )
                figures.add(f"ratio to the bisection {rival}: learning rates {name}", ours[name] / theirs)
        figures.add("time at 1e-6 / time at 1e-2", ours["around 1e-2"] / ours["around 1e-6"])


def main() -> None:
    """Measure and print."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    if FLAGS.settings % 256:
        raise ValueError(f"`--settings` must be a multiple of 256, got {FLAGS.settings}.")
    figures, cores = Figures(), _cores()
    with tempfile.TemporaryDirectory() as folder:
        program = rivals.build_yardstick(FLAGS.yardstick, folder) if FLAGS.yardstick else None
        _run_on({min(cores)})
        noisy = noisy_walks(NOISY_WALKS, NOISY_STEPS)
        timing.seconds(noisy)
        figures.add(f"seconds: {NOISY_WALKS:,} noisy walks x {NOISY_STEPS} steps in one call", best(noisy, of=2))
        figures.add("memory of the process at most until then, GiB", _peak_memory())
        measure_steps(figures, program)
        measure_heights(figures)
        _run_on(cores)
        both = two_devices()
        for _ in range(FLAGS.repeats if both is not None else 0):
            one, two = both()  # type: ignore[misc]
            figures.add("ratio: two CPU devices on two cores / one", one / two)
        for _ in range(min(3, FLAGS.repeats) if FLAGS.cold_start else 0):
            figures.add(f"seconds: python -m launch.sweep, cold start on {len(cores)} cores", cold_start(folder))
    device = jax.devices()[0]
    print(
        f"{FLAGS.settings:,} settings x {FLAGS.steps:,} steps, heights for {FLAGS.side} x {FLAGS.side} settings, seed 0"
    )
    print(
        f"jax {jax.__version__}; {device.platform} {device.device_kind}; one core of a CPU where nothing else is said"
    )
    print("command: python -m launch.bench " + " ".join(sys.argv[1:]))
    print(*(figures.line(name) for name in figures.series), sep="\n")
    print(
        f"A general step is at least {OPERATIONS} operations, one of them a division and one a square root, and moves no\n"
        "bytes if its numbers stay in registers; on a CPU ours go to the second-level cache and back every step."
    )
    if FLAGS.json is not None:
        with open(FLAGS.json, "w") as file:
            json.dump(
                {"command": sys.argv[1:], "jax": jax.__version__, "device": device.device_kind, **figures.series}, file
            )


def _peak_memory() -> float:
    """GiB that this process has held at most, so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _run_on(cores: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        for thread in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ["0"]:
            os.sched_setaffinity(int(thread), cores)


if __name__ == "__main__":
    command.run(main)
