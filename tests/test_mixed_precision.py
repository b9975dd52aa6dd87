"""What an epoch computes in, and whether seeds are batched: read from the programs, which need not run."""

import collections
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import aecluster as ae
from aecluster.training.loop import Loop, _equations
from aecluster.training.networks import network_task

SHAPE = (12, 12, 1)
IMAGES = np.random.default_rng(0).random((64, *SHAPE), np.float32)
NETWORKS = {
    "dense": ae.Dense(4, (16,)),
    "convolutional": ae.Convolutional(4, (4, 8), 16),
    "restorer": ae.Restorer(4, 1, 3),
}
PRODUCTS = ("dot_general", "conv_general_dilated")


@functools.cache
def loop_of(network, recipe, precision="bfloat16"):
    coarse = dataclasses.replace(ae.RECIPES[recipe], batch_size=32, precision=precision)
    return Loop(network_task(NETWORKS[network], SHAPE, coarse), IMAGES)


def equations(function, *shapes):
    return list(_equations(jax.make_jaxpr(function)(*shapes).jaxpr))


def epoch_of(loop, num_seeds=1):
    program, shapes = loop.program(num_seeds)
    return list(_equations(program.trace(*shapes).jaxpr.jaxpr))


def gradient_of(loop):
    """Equations of the loss and its gradient, as every step takes them."""
    state, batch, key, epoch = loop.abstract()

    def objective(params, batch, key, epoch):
        return loop.task.loss(params, None, batch, key, epoch)

    return equations(jax.value_and_grad(objective, has_aux=True), state.params, batch, key, epoch)


def products(found):
    """How many matrix products and convolutions there are, by the types that they take."""
    return collections.Counter(
        tuple(str(each.aval.dtype) for each in one.invars) for one in found if one.primitive.name in PRODUCTS
    )


def conversions(found):
    kinds = [(one.invars[0].aval.dtype, one.outvars[0].aval.dtype) for one in found if is_conversion(one)]
    return collections.Counter((str(before), str(after)) for before, after in kinds)


def is_conversion(equation):
    return equation.primitive.name == "convert_element_type"


EVERY = [(network, recipe) for recipe in ae.RECIPES for network in NETWORKS]


@pytest.mark.slow
@pytest.mark.parametrize(("network", "recipe"), EVERY)
def test_products_are_in_bfloat16_but_for_the_optimizers_own(network, recipe):
    with jax.enable_x64(False):
        loop = loop_of(network, recipe)
        deformation = (
            {("float32", "float32"): 1} if recipe == "invariant" else {}
        )  # where pixels come from, of each image
        in_gradient = products(gradient_of(loop))
        assert in_gradient.keys() == {("bfloat16", "bfloat16"), *deformation}
        assert in_gradient[("float32", "float32")] == sum(deformation.values())
        params = loop.abstract()[0].params
        update = equations(loop.transformation.update, params, loop.abstract()[0].optimizer, params)
        assert products(epoch_of(loop)) == in_gradient + products(update)


@pytest.mark.parametrize(("network", "recipe"), EVERY)
def test_every_parameter_is_converted_once_a_step_and_nothing_down_and_up_again(network, recipe):
    with jax.enable_x64(False):
        loop = loop_of(network, recipe)
        found = gradient_of(loop)
        params = len(jax.tree.leaves(loop.abstract()[0].params))
        down, up = ("float32", "bfloat16"), ("bfloat16", "float32")
        # Beside the parameters the images go down and the logits up, and with the gradients the other way round. Dense layers
        # answer in float32 where others follow them: that latents go up and down again loses nothing, and XLA leaves it out.
        between = {"dense": 2, "convolutional": 4, "restorer": 0}[network]
        told = {kind: conversions(found)[kind] for kind in (down, up)}
        assert told == {down: params + 2 + between, up: params + 1 + between}
        made = {id(one.outvars[0]): one for one in found if is_conversion(one)}
        after = [one for one in found if is_conversion(one) and id(one.invars[0]) in made]
        assert [one for one in after if made[id(one.invars[0])].invars[0].aval.dtype == jnp.float32] == []


@pytest.mark.parametrize(("network", "recipe"), EVERY)
@pytest.mark.parametrize("x64", [False, True])
def test_no_array_is_of_float64(network, recipe, x64):
    if x64 and recipe == "invariant":
        pytest.skip("a deformation finds its places as exactly as JAX is told to")
    with jax.enable_x64(x64):
        loop = loop_of(network, recipe)
        sizes = [each.aval.size for one in epoch_of(loop) for each in one.outvars if each.aval.dtype == jnp.float64]
        assert max(sizes, default=0) <= (3 if x64 else 0)  # optax's own: a bias correction, a rate, Muon's coefficients
        assert {leaf.dtype for leaf in jax.tree.leaves(loop.abstract()[0].params)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("network", NETWORKS)
def test_on_an_accelerator_seeds_are_batched_unless_they_convolve(network):
    found = epoch_of(loop_of(network, "original", "float32"), num_seeds=3)
    convolutions = [one for one in found if one.primitive.name == "conv_general_dilated"]
    groups = {one.params["feature_group_count"] * one.params["batch_group_count"] for one in convolutions}
    assert groups == (set() if network == "dense" else {1})
    batched = {one.params["dimension_numbers"][1] != ((), ()) for one in found if one.primitive.name == "dot_general"}
    assert batched == ({True} if network == "dense" else {False} if network == "convolutional" else set())


@pytest.mark.slow
def test_seeds_that_convolve_one_after_another_in_one_program_are_those_of_steps_one_by_one():
    loop = loop_of("restorer", "original", "float32")
    seeds = (0, 1)
    program, _ = loop.program(len(seeds))
    keys = jax.tree.map(lambda *each: jnp.stack(each), *(loop.task.keys(seed, 0, loop.num_steps) for seed in seeds))
    _, seen = program(loop.fresh(seeds), keys, jnp.int32(0), loop.examples)
    alone = [
        loop._epoch_step_by_step(state_of(loop, seed), loop.task.keys(seed, 0, loop.num_steps), 0) for seed in seeds
    ]
    np.testing.assert_allclose(seen.loss, [one.loss for _, one in alone], rtol=2e-5)


def state_of(loop, seed):
    return jax.tree.map(lambda leaf: leaf[0], loop.fresh((seed,)))
