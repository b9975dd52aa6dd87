"""How many small networks are trained a second, beside the whole grid vmapped under a loop over steps in Python?

    python -m launch.bench.networks

trains a grid of networks in a published condition (https://arxiv.org/abs/2402.06184; width 16, 272 examples, 100 steps, float64)
by `ho.sweep`, and in the layout that was published: every step is one jitted call, vmapped over all settings. Both meet the same
machine in turns, and what compiles is left out. It prints networks a second, their ratio (median, least to greatest), in how many
settings the signs differ, and the share of this machine's measured speed of products that those of the steps taken need.
--cores=1 confines both to one core (Linux). Expect a ratio of 8 to 10 on two cores of an AMD EPYC (Zen 4, AVX-512).
"""

import dataclasses
import os
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import hillopt as ho
from launch import command
from launch.bench import timing

CONDITIONS = ("tanh", "relu", "linear", "one_example")
ENDS = (-3, 6)  # powers of ten of both learning rates


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is trained, and how often."""

    condition: str = command.flag("tanh", "The network and its data.", choices=CONDITIONS)
    side: int = command.flag(32, "The grid has side x side settings.", at_least=2)
    steps: int = command.flag(100, "Steps of a network.", at_least=20)
    repeats: int = command.flag(3, "Times that both are measured.", at_least=1)
    cores: int | None = command.flag(None, "CPU cores to use; all by default.", at_least=1)


def main(settings: Settings) -> None:
    """Train, compare, print."""
    timing.confine(settings.cores)
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", settings.cores or os.cpu_count() or 1)
    ceiling, ours, theirs = product_speed(), our_maps(settings), published_maps(settings)
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}; a float64 product: {ceiling / 1e9:.0f} GFLOP/s")
    ours(), theirs()  # which compiles
    speeds, others, steps, differ = [], [], 0, 0
    for _ in range(settings.repeats):
        began = time.perf_counter()
        ends, steps = ours()
        between = time.perf_counter()
        differ = int((ends != theirs()).sum())
        speeds.append(settings.side**2 / (between - began))
        others.append(settings.side**2 / (time.perf_counter() - between))
    ratios = [one / other for one, other in zip(speeds, others, strict=True)]
    share = operations(settings) * steps / settings.side**2 * float(np.median(speeds)) / ceiling
    print(f"networks a second: ours {timing.spread(speeds)}, the grid under a loop {timing.spread(others)}")
    print(f"ratio {timing.spread(ratios)}; signs differ in {differ:,} of {settings.side**2:,} settings")
    print(f"products of the {steps:,} steps that are needed take {share:.0%} of the ceiling")


def our_maps(settings: Settings) -> Callable[[], tuple[np.ndarray, int]]:
    """What sweeps the grid: whether each setting converges, [input rate, output rate], and the steps taken."""
    rates = np.logspace(*ENDS, settings.side)
    axes = {"input_learning_rate": rates, "output_learning_rate": rates}

    def sweep() -> tuple[np.ndarray, int]:
        question = ho.Trainability(max_steps=settings.steps)
        found = ho.sweep(question, ho.NETWORKS[settings.condition], None, axes, dtype="float64")
        return found["outcome"].values == ho.Training.CONVERGED, int(found["num_steps"].sum())

    return sweep


def published_maps(settings: Settings) -> Callable[[], np.ndarray]:
    """The same by a jitted step of all settings, called by a loop in Python."""
    problem = ho.NETWORKS[settings.condition].problem
    weights, (inputs, targets) = problem.draw(jax.random.key(0))
    rates = np.logspace(*ENDS, settings.side)
    pairs = jnp.stack([each.ravel() for each in np.meshgrid(rates, rates, indexing="ij")], -1)
    activations: dict[str, Callable[[Array], Array]] = {
        "relu": lambda fields: jax.nn.relu(fields) * jnp.sqrt(2),
        "linear": lambda fields: fields,
    }
    activation = activations.get(settings.condition, lambda fields: jnp.tanh(fields * jnp.sqrt(2)))

    def loss(first: Array, second: Array) -> Array:
        hidden = activation(inputs @ first / jnp.sqrt(first.shape[0]))
        outputs = hidden @ second / jnp.sqrt(second.shape[0]) / jnp.sqrt(second.shape[0])
        return jnp.mean((outputs - targets) ** 2)

    def step(first: Array, second: Array, pair: Array) -> tuple[Array, Array, Array]:
        found, (slope, other) = jax.value_and_grad(loss, (0, 1))(first, second)
        return first - pair[0] * slope, second - pair[1] * other, found

    step_all = jax.jit(jax.vmap(step), donate_argnums=(0, 1))

    def train() -> np.ndarray:
        first, second = (jnp.tile(weights[name], (len(pairs), 1, 1)) for name in ("input", "output"))
        losses = []
        for _ in range(settings.steps):
            first, second, found = step_all(first, second, pairs)
            losses.append(found)
        values = np.stack(losses, -1)
        values = np.where(np.isfinite(values), values, np.inf) / values[:, :1]
        return (np.minimum(values, 1e6)[:, -20:].mean(-1) < 1).reshape(settings.side, settings.side)

    return train


def operations(settings: Settings) -> float:
    """Multiplications and additions that the products of a step need: forwards, and back to both layers' weights."""
    weights, (inputs, _) = ho.NETWORKS[settings.condition].problem.draw(jax.random.key(0))
    return len(inputs) * (4 * weights["input"].size + 6 * weights["output"].size)


def product_speed() -> float:
    """Of a large product in float64, in operations a second, the best of some."""
    matrix = jnp.asarray(np.random.default_rng(0).random((timing.SIDE // 2, timing.SIDE // 2)))
    product = jax.jit(lambda a: a @ a)
    timing.seconds(lambda: product(matrix))
    return 2 * (timing.SIDE // 2) ** 3 / timing.best(lambda: product(matrix))


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = ho.xla_flags()
    command.run(main, Settings)
