"""Optimizer steps a second: our walks by every hill and implementation, beside NumPy, Numba and a C program."""

import concurrent.futures
import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import hillopt as ho
from launch.bench import rivals, timing
from launch.bench.compiled import compiling, facts
from launch.bench.figures import Figures

NUMPY_SHARE, NUMBA_SHARE = 20, 10  # slow rivals walk so many times fewer steps
OPERATIONS = 23  # of a general step: a division, a square root, 2 comparisons, 19 multiplications and additions
# Settings that fill a core, and an accelerator: 132 x 4 schedulers of an H100 take 64 warps each.
ENOUGH, MANY = 65_536, 4_194_304
TENT = ho.TentHill()
WEDGE = ho.WedgeHill(height=0.8e6, half_width=1e6)
Call = Callable[[], Any]


class Size(NamedTuple):
    """How much is walked in one call."""

    settings: int
    steps: int


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


def walk(hill: ho.AbstractHill, steps: int, climb: str) -> Any:
    """What walks every setting of an optimizer on a hill that nobody escapes from, jitted."""

    def answer(optimizer: Any) -> Any:
        return ho.escape(hill, optimizer, max_steps=steps, climb=ho.CLIMBS[climb])

    def heights(optimizer: Any) -> Any:
        return ho.critical_height(hill, optimizer, max_steps=steps, climb=ho.CLIMBS[climb]).critical_height

    return jax.jit(heights if hill.flank_is_shared else answer, compiler_options=ho.compiler_options())


def walks(hill: ho.AbstractHill, optimizer: Any, steps: int, climb: str) -> Call:
    """The same, compiled, as a call."""
    return functools.partial(walk(hill, steps, climb).lower(optimizer).compile(), optimizer)


def optax_walks(size: Size) -> Call:
    """The grid by optax's own Adam on a hill that is a function, none of which the library knows beforehand."""
    hill = ho.hill_from(lambda x, h: jnp.where(x < 1 + h, jnp.abs(x - 1), 2 * h - x + 1), 1e6, crest=lambda h: 1 + h)
    return walks(hill, ho.optax_named("adam", **the_grid(size.settings, shared=True)), size.steps, "fast")


def noisy_walks(num_walks: int, num_steps: int) -> Call:
    """First passages of so many walks of gradient descent over a tent that few escape."""

    def steps(key: Any) -> Any:
        optimizer = ho.GradientDescent(jnp.float32(0.01))
        return ho.first_passages(
            ho.TentHill(0.5), optimizer, ho.GaussianNoise(1.0), key, num_walks=num_walks, max_steps=num_steps
        ).step

    compiled = jax.jit(steps).lower(jax.random.key(0)).compile()
    return lambda: compiled(jax.random.key(0))


def measure(figures: Figures, program: list[str] | None, size: Size, repeats: int) -> None:
    """Steps a second of everything, in turns, and their ratios."""
    calls, slow = compiled_calls(size), rival_walks(size)
    for _, call in slow.values():
        call()
    for _ in range(repeats):
        ceiling = figures.add("ceiling: float32 operations/s of this device", timing.arithmetic_ceiling())
        figures.add("ceiling: bytes/s of its memory", timing.memory_ceiling())
        theirs = None
        if program is not None:
            theirs = figures.add("steps/s: C yardstick", rivals.yardstick_speed(program, *size))
        work = size.settings * size.steps
        speeds = {name: figures.add(f"steps/s: {name}", work / timing.best(call)) for name, call in calls.items()}
        for name, (steps, call) in slow.items():
            speeds[name] = figures.add(f"steps/s: {name}", steps / timing.best(call, of=1))
        add_ratios(figures, speeds, theirs)
        general = max((name for name in speeds if name.startswith("wedge")), key=lambda name: speeds[name])
        share = "share of the arithmetic ceiling: the fastest general step"
        figures.add(share, speeds[general] * OPERATIONS / ceiling)
        instructions = instructions_of_a_step(general, size)
        if instructions is not None:
            figures.add(f"{share}, by {instructions:.1f} instructions", speeds[general] * instructions / ceiling)


def add_ratios(figures: Figures, speeds: dict[str, float], theirs: float | None) -> None:
    """Each speed beside the C program's and beside the plain loop's."""
    plain = speeds["tent, lanes, plain"]
    for name, speed in speeds.items():
        if theirs is not None:
            figures.add(f"ratio to the C yardstick: {name}", speed / theirs)
        figures.add(f"ratio to plain lanes: {name}", speed / plain)


@functools.cache
def instructions_of_a_step(name: str, size: Size) -> float | None:
    """Of a setting, as `name` walks on the wedge on a GPU; None where no kernel does or no machine code can be read."""
    _, kind, climb = name.split(", ")
    if climb != "pallas" or compiling.lacking() is not None:
        return None
    adam = ho.Adam(**the_grid(size.settings, shared=kind == "shared"))
    compiled = compiling.looked_at(walk(WEDGE, size.steps, climb).lower(adam))
    return max(facts.instructions_of(*loop, size.settings) for loop in facts.written_loops(compiled))


def compiled_calls(size: Size) -> dict[str, Call]:
    """Our walks by name; what each took to compile is printed."""
    makers: dict[str, Callable[[], Call]] = {}
    for name in ("plain", "blocked", *(["pallas"] if jax.default_backend() == "gpu" else [])):
        for shared in (True, False):
            kind = "shared" if shared else "lanes"
            adam = ho.Adam(**the_grid(size.settings, shared))
            makers[f"tent, {kind}, {name}"] = functools.partial(walks, TENT, adam, size.steps, name)
            if name != "plain":
                makers[f"wedge, {kind}, {name}"] = functools.partial(walks, WEDGE, adam, size.steps, name)
    makers["function's hill, shared, optax.adam"] = functools.partial(optax_walks, size)
    calls, took = {}, []
    for name, make in makers.items():
        began = time.perf_counter()
        calls[name] = make()
        took.append(f"{name} {time.perf_counter() - began:.2f}")
        timing.seconds(calls[name])
    print(f"compilation, seconds: {'; '.join(took)}")
    return calls


def rival_walks(size: Size) -> dict[str, tuple[int, Call]]:
    """NumPy and Numba on the grid of a CPU: steps that they make, and the call."""
    size = size._replace(settings=min(size.settings, ENOUGH))
    grid = {name: np.asarray(number) for name, number in the_grid(size.settings, shared=False).items()}
    rates, b1, calls = grid["learning_rate"], grid["b1"], {}
    fewer = max(1, size.steps // NUMPY_SHARE)
    calls["NumPy, arrays of all settings"] = (size.settings * fewer, lambda: rivals.numpy_heights(rates, b1, fewer))
    numba_heights = rivals.numba_heights()
    if numba_heights is not None:
        some = max(1, size.steps // NUMBA_SHARE)
        calls["Numba, setting by setting"] = (size.settings * some, functools.partial(numba_heights, rates, b1, some))
    return calls


def measure_two_devices(figures: Figures, size: Size, repeats: int) -> None:
    """Two CPU devices on two cores beside one; nothing where there is one, or where an accelerator walks."""
    devices = jax.devices("cpu")[:2]
    if jax.default_backend() != "cpu" or len(devices) < 2 or len(timing.cores()) < 2:
        return
    calls = []
    for device in devices:
        with jax.default_device(device):
            adam = jax.device_put(ho.Adam(**the_grid(size.settings, shared=False)), device)
            calls.append(walks(TENT, adam, size.steps, "blocked"))
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for _ in range(repeats):
            one = min(timing.seconds(calls[0]) + timing.seconds(calls[0]) for _ in range(timing.BEST_OF))
            began = []
            for _ in range(timing.BEST_OF):
                then = time.perf_counter()
                list(threads.map(timing.seconds, calls))
                began.append(time.perf_counter() - then)
            figures.add("ratio: two CPU devices on two cores / one", one / min(began))
