"""What a GPU would run: the default sweep, the fast walks, a map of small networks, and epochs of training."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

import aecluster as ae
import hillopt as ho
from launch.bench import walks
from launch.bench.compiled.compiling import Made, Program

SIDE, STEPS = 512, 10_000  # of the default sweep
WALKED = 1_000  # of the benchmark
SEEDS, IMAGES = 3, 60_000
NETWORKS, TRAINED = 4_096, 100  # of a block of a map, and their steps
WIDTHS = {"tanh": 272 * 16, "one_example": 16 * 16}  # numbers of a network's activations, or of its weights


def programs() -> dict[str, Program]:
    """All of them by name."""
    found = {"walk, default sweep, float64": Program(default_sweep, True, SIDE**2)}
    for climb in ("pallas", "blocked"):
        for land, hill in (("tent", walks.TENT), ("wedge", walks.WEDGE)):
            for kind in ("shared", "lanes"):
                for dtype in ("float32", "float64"):
                    make = functools.partial(fast_walk, climb, hill, kind == "shared", dtype)
                    found[f"walk, {land}, {kind}, {climb}, {dtype}"] = Program(make, dtype == "float64", walks.MANY)
    for condition in ("tanh", "one_example"):
        for dtype in ("float32", "float64"):
            make = functools.partial(networks, condition, dtype)
            found[f"networks, {condition}, {dtype}"] = Program(make, dtype == "float64", NETWORKS, WIDTHS[condition])
    architectures = {"dense": ae.Dense(16), "convolutional": ae.Convolutional(16), "restorer": ae.Restorer()}
    for name, architecture in architectures.items():
        for precision in ("float32", "bfloat16"):
            found[f"epoch, {name}, {precision}"] = Program(functools.partial(epoch, architecture, precision), False)
    return found


def default_sweep(sharding: jax.sharding.Sharding) -> Made:
    """What `python -m launch.sweep` walks, in one tile."""
    rates = np.asarray(ho.Axis.log(1e-3, 1, SIDE).values)[None, :]
    b1 = np.asarray(ho.Axis.log_complement(0.0, 0.999, SIDE).values)[:, None]
    optimizer = ho.Adam(rates, b1, np.float64(0.999), np.float64(1e-8))
    question = ho.CriticalHeight(max_steps=STEPS).prepared(walks.TENT, optimizer)

    def solve(optimizer: ho.AbstractOptimizer) -> ho.AbstractAnswer:
        return question.answer(walks.TENT, optimizer, None)

    return jax.jit(solve, compiler_options=question.compiler_options), (placed(optimizer, sharding),)


def fast_walk(climb: str, hill: ho.AbstractHill, shared: bool, dtype: str, sharding: jax.sharding.Sharding) -> Made:
    """Adam on the grid of `launch.bench`."""
    adam = jax.eval_shape(lambda: ho.Adam(**walks.the_grid(walks.MANY, shared)))
    numbers = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, np.dtype(dtype)), adam)
    return walks.walk(hill, WALKED, climb), (placed(numbers, sharding),)


def networks(condition: str, dtype: str, sharding: jax.sharding.Sharding) -> Made:
    """A block of the map of which learning rates train a network."""
    run = ho.NETWORKS[condition]
    rates = jax.ShapeDtypeStruct((NETWORKS,), np.dtype(dtype), sharding=sharding)
    question = ho.Trainability(max_steps=TRAINED).prepared(run, None)

    def train(input_rates: jax.Array, output_rates: jax.Array) -> ho.AbstractAnswer:
        world = run.replace(input_learning_rate=input_rates, output_learning_rate=output_rates)
        return question.answer(world, None, None)

    return jax.jit(train, compiler_options=question.compiler_options), (rates, rates)


def epoch(architecture: ae.AbstractArchitecture, precision: str, sharding: jax.sharding.Sharding) -> Made:
    """By the original recipe, from three seeds."""
    recipe = dataclasses.replace(ae.RECIPES["original"], precision=precision)
    function, arguments = ae.epoch_program(architecture, recipe, (28, 28, 1), IMAGES, SEEDS)
    return function, placed(arguments, sharding)


def placed(tree: Any, sharding: jax.sharding.Sharding) -> Any:
    """Shapes of arrays that lie somewhere."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype, sharding=sharding), tree)
