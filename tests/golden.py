"""Golden files: small sweeps and answers of every question by every climb, as they came out on one machine.

    PYTHONPATH=tests python -m golden

writes tests/golden.npz anew. That is done knowingly, by whoever changes the mathematics, and the change is read in the test's
failure first.
"""

import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import hillopt as ho

FILE = Path(__file__).parent / "golden.npz"
RATES = ho.Axis.log(0.011, 0.9, 7)
BETAS = ho.Axis.of([0.0, 0.31, 0.9, 0.95, 0.97])
STEPS = 400
DTYPES = ("float32", "float64")

Answer = dict[str, Any]
Case = tuple[str, Callable[[str], Answer]]


def sweep(*args: Any, **options: Any) -> Callable[[str], Answer]:
    def ask(dtype: str) -> Answer:
        data = ho.sweep(*args, dtype=dtype, **options)
        return {str(name): values.values for name, values in data.data_vars.items()}

    return ask


def heights() -> Iterator[Case]:
    """Critical heights by every climb."""
    momentum = {"learning_rate": RATES, "momentum": BETAS}
    adam = {"learning_rate": RATES, "b1": BETAS}
    for name in ("lattice", "bounded", "plain", "blocked", "pallas"):
        yield f"height/{name}/adam", sweep(ho.TentHill(), ho.Adam, adam, max_steps=STEPS, implementation=name)
    for name, make in {"heavy_ball": ho.HeavyBall, "nesterov": ho.Nesterov}.items():
        yield f"height/lattice/{name}", sweep(ho.TentHill(), make, momentum, max_steps=STEPS)
    yield "height/lattice/lion", sweep(ho.TentHill(), ho.Lion, adam, fixed={"b2": 0.9}, max_steps=STEPS)
    rate = {"learning_rate": RATES}
    for name, make in {"gradient_descent": ho.GradientDescent, "sign_descent": ho.SignDescent}.items():
        yield f"height/lattice/{name}", sweep(ho.TentHill(), make, rate, max_steps=STEPS)
    for name, make in {"adagrad": ho.Adagrad, "rmsprop": ho.RMSprop, "adamw": ho.AdamW}.items():
        yield f"height/bounded/{name}", sweep(ho.TentHill(), make, rate, max_steps=STEPS)

    def radam(learning_rate: Any) -> Any:
        return ho.from_optax(optax.radam, learning_rate=learning_rate)

    for name in ("bounded", "plain", "blocked"):
        yield f"height/{name}/optax.radam", sweep(ho.TentHill(), radam, rate, max_steps=STEPS, implementation=name)
    yield "height/judged", sweep(ho.TentHill(), ho.Adam, {**rate, "height": ho.Axis.linear(0, 1, 9)}, max_steps=STEPS)
    yield "height/auto", sweep(ho.TentHill(), ho.RMSprop, rate, max_steps="auto", most_steps=3_000)


def others() -> Iterator[Case]:
    """All other questions, as sweeps."""
    rate, height = {"learning_rate": RATES}, {"height": ho.Axis.linear(0.01, 0.6, 5)}
    both = {**rate, **height}
    for name in ("bounded", "plain", "blocked"):
        options: dict[str, Any] = {"outcome": "escape", "implementation": name, "max_steps": 100}
        yield f"escape/{name}/wedge", sweep(ho.WedgeHill(1.0), ho.GradientDescent, both, **options)
        yield f"escape/{name}/double_well", sweep(ho.DoubleWell(1.0), ho.HeavyBall, both, **options)
    yield "escape/lattice/tent", sweep(ho.TentHill(1.0), ho.Adam, both, outcome="escape", max_steps=STEPS)
    yield "escape/bounded/mueller_brown", sweep(ho.MuellerBrown(1.0), ho.Adam, both, outcome="escape", max_steps=60)
    noisy: dict[str, Any] = {"num_walks": 50, "max_steps": 120, "seed": 3}
    loud = {**rate, "noise": ho.Axis.linear(0.5, 3.0, 3)}
    yield "probability", sweep(ho.TentHill(0.2), ho.Adam, loud, outcome="probability", **noisy)
    yield (
        "first_passage",
        sweep(ho.DoubleWell(0.2), ho.GradientDescent, rate, outcome="first_passage", noise=2.0, **noisy),
    )
    yield "loss", sweep(ho.RoughBowl(1.0), ho.Adam, both, outcome="loss", max_steps=100)
    yield "stability", sweep(ho.RoughBowl(0.2), ho.GradientDescent, rate, outcome="stability", max_steps=300, seed=1)


def direct() -> Iterator[Case]:
    """What is asked directly."""

    def rates(dtype: str) -> Any:
        return jnp.asarray(RATES.values, dtype)

    def trajectory(dtype: str) -> Answer:
        walk = ho.trajectory(ho.WedgeHill(0.3), ho.Adam(rates(dtype)), num_steps=30)
        return {"position": walk.position, "slope": walk.slope, "first": walk.state.first}

    def switches(dtype: str) -> Answer:
        grid = np.linspace(0.01, 0.6, 60)
        return ho.escaping_heights(ho.WedgeHill(1.0), ho.GradientDescent(rates(dtype)), grid, max_steps=100)._asdict()

    def sensitivity(dtype: str) -> Answer:
        found = ho.sensitivity(ho.TentHill(), ho.Adam(rates(dtype), 0.9), max_steps=STEPS)
        return {**found.slopes, "at_jump": found.at_jump}

    def design(dtype: str) -> Answer:
        free = {"learning_rate": ho.Axis.log(0.02, 1, 60)}
        return ho.design(ho.TentHill(), ho.Adam, 0.25, free, max_steps=STEPS).settings

    def passages(dtype: str) -> Answer:
        noise, key = ho.GaussianNoise(jnp.asarray(1.5, dtype)), jax.random.key(5)
        found = ho.first_passages(ho.TentHill(0.3), ho.HeavyBall(rates(dtype)), noise, key, num_walks=20, max_steps=90)
        return found._asdict()

    yield "trajectory", trajectory
    yield "escaping_heights", switches
    yield "sensitivity", sensitivity
    yield "design", design
    yield "first_passages", passages


CASES: dict[str, Callable[[str], Answer]] = dict([*heights(), *others(), *direct()])


def machine() -> str:
    """What decides the last bits: the processor, and JAX."""
    found = platform.processor()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), found)
    return f"{found}, jax {jax.__version__}"


def main() -> None:
    """Ask everything once more and write it down."""
    kept: dict[str, Any] = {"machine": machine()}
    for name, ask in CASES.items():
        for dtype in DTYPES:
            kept |= {f"{name}/{dtype}/{field}": np.asarray(values) for field, values in ask(dtype).items()}
    np.savez_compressed(FILE, **kept)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    main()
