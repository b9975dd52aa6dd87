"""Golden files: small sweeps and answers of every question by every climb, as they came out on one machine.

    PYTHONPATH=tests python -m golden

writes tests/golden.npz anew. That is done knowingly, by whoever changes the mathematics, and the change is read in the test's
failure first.
"""

import os
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


def climbs(*names: str) -> dict[str, Any]:
    kernel = ho.PallasClimb(interpret=True)
    return {name: kernel if name == "pallas" else ho.CLIMBS[name] for name in names}


def heights() -> Iterator[Case]:
    """Critical heights by every climb."""
    momentum = {"learning_rate": RATES, "momentum": BETAS}
    adam = {"learning_rate": RATES, "b1": BETAS}
    rate = {"learning_rate": RATES}
    proved = ho.CriticalHeight(STEPS)
    for name, climb in climbs("lattice", "bounded", "plain", "blocked", "pallas").items():
        yield f"height/{name}/adam", sweep(ho.CriticalHeight(STEPS, climb), ho.TentHill(), ho.Adam(0.1), adam)
    for name, optimizer in {"heavy_ball": ho.HeavyBall(0.1), "nesterov": ho.Nesterov(0.1)}.items():
        yield f"height/lattice/{name}", sweep(proved, ho.TentHill(), optimizer, momentum)
    yield "height/lattice/lion", sweep(proved, ho.TentHill(), ho.Lion(0.1, b2=0.9), adam)
    for name, optimizer in {"gradient_descent": ho.GradientDescent(0.1), "sign_descent": ho.SignDescent(0.1)}.items():
        yield f"height/lattice/{name}", sweep(proved, ho.TentHill(), optimizer, rate)
    for name, optimizer in {"adagrad": ho.Adagrad(0.1), "rmsprop": ho.RMSprop(0.1), "adamw": ho.AdamW(0.1)}.items():
        yield f"height/bounded/{name}", sweep(proved, ho.TentHill(), optimizer, rate)
    radam = ho.from_optax(optax.radam, learning_rate=0.1)
    for name, climb in climbs("bounded", "plain", "blocked").items():
        yield f"height/{name}/optax.radam", sweep(ho.CriticalHeight(STEPS, climb), ho.TentHill(), radam, rate)
    judged = ho.CriticalHeight(STEPS, heights=np.linspace(0, 1, 9))
    yield "height/judged", sweep(judged, ho.TentHill(), ho.Adam(0.1), rate)
    yield "height/auto", sweep(ho.CriticalHeight(3_000), ho.TentHill(), ho.RMSprop(0.1), rate, budget=ho.Doubling())


def others() -> Iterator[Case]:
    """All other questions, as sweeps."""
    rate, height = {"learning_rate": RATES}, {"height": ho.Axis.linear(0.01, 0.6, 5)}
    both = {**rate, **height}
    for name, climb in climbs("bounded", "plain", "blocked").items():
        escape = ho.Escape(100, climb)
        yield f"escape/{name}/wedge", sweep(escape, ho.WedgeHill(1.0), ho.GradientDescent(0.1), both)
        yield f"escape/{name}/double_well", sweep(escape, ho.DoubleWell(1.0), ho.HeavyBall(0.1), both)
    yield "escape/lattice/tent", sweep(ho.Escape(STEPS), ho.TentHill(1.0), ho.Adam(0.1), both)
    yield "escape/bounded/mueller_brown", sweep(ho.Escape(60), ho.MuellerBrown(1.0), ho.Adam(0.1), both)
    loud = {**rate, "noise_scale": ho.Axis.linear(0.5, 3.0, 3)}
    likely = ho.EscapeProbability(ho.GaussianNoise(1.0), 50, 120)
    yield "probability", sweep(likely, ho.TentHill(0.2), ho.Adam(0.1), loud, seed=3)
    passage = ho.PassageTime(ho.GaussianNoise(2.0), 50, 120)
    yield "first_passage", sweep(passage, ho.DoubleWell(0.2), ho.GradientDescent(0.1), rate, seed=3)
    yield "loss", sweep(ho.Loss(100), ho.RoughBowl(1.0), ho.Adam(0.1), both)
    yield "stability", sweep(ho.Stability(16, 300), ho.RoughBowl(0.2), ho.GradientDescent(0.1), rate, seed=1)


def direct() -> Iterator[Case]:
    """What is asked directly."""

    def rates(dtype: str) -> Any:
        return jnp.asarray(RATES.values, dtype)

    def trajectory(dtype: str) -> Answer:
        walk = ho.trajectory(ho.WedgeHill(0.3), ho.Adam(rates(dtype)), max_steps=30)
        return {"position": walk.position, "slope": walk.slope, "first": walk.state.first}

    def switches(dtype: str) -> Answer:
        grid = np.linspace(0.01, 0.6, 60)
        found = ho.escaping_heights(ho.WedgeHill(1.0), ho.GradientDescent(rates(dtype)), grid, max_steps=100)
        return dict(found.items())

    def sensitivity(dtype: str) -> Answer:
        found = ho.sensitivity(ho.TentHill(), ho.Adam(rates(dtype), 0.9), max_steps=STEPS)
        return {**found.slopes, "at_jump": found.at_jump}

    def design(dtype: str) -> Answer:
        free = {"learning_rate": ho.Axis.log(0.02, 1, 60)}
        return ho.design(ho.TentHill(), ho.Adam(0.1), 0.25, free, max_steps=STEPS).settings

    def passages(dtype: str) -> Answer:
        noise, key = ho.GaussianNoise(jnp.asarray(1.5, dtype)), jax.random.key(5)
        found = ho.first_passages(ho.TentHill(0.3), ho.HeavyBall(rates(dtype)), noise, key, num_walks=20, max_steps=90)
        return dict(found.items())

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
        lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
        told = {name.strip(): value.strip() for name, _, value in lines}  # names are shared by generations
        found = " ".join(told[name] for name in ("model name", "cpu family", "model") if name in told)
    return f"{found}, jax {jax.__version__}"


def main() -> None:
    """Ask everything once more and write it down."""
    kept: dict[str, Any] = {"machine": machine()}
    for name, ask in CASES.items():
        for dtype in DTYPES:
            kept |= {f"{name}/{dtype}/{field}": np.asarray(values) for field, values in ask(dtype).items()}
    np.savez_compressed(FILE, **kept)


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()  # as in the tests
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    main()
