"""The published networks: beside a loop over steps, vmapped over the grid, that follows the notebook by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho

STEPS = 100
ACTIVATIONS = {
    "tanh": lambda fields: jax.nn.tanh(fields * jnp.sqrt(2)),
    "relu": lambda fields: jax.nn.relu(fields) * jnp.sqrt(2),
    "linear": lambda fields: fields,
}
CONDITIONS = {
    "tanh": ("tanh", 272, None),
    "relu": ("relu", 272, None),
    "linear": ("linear", 16, None),
    "minibatch": ("tanh", 272, 16),
    "one_example": ("tanh", 1, None),
    "offset": ("tanh", 272, None),
}


def published_losses(condition, first, second, steps=STEPS, width=16):
    """Losses [setting, step] of pairs of numbers: a Python loop over one jitted step of the whole grid."""
    activation, num_examples, batch = CONDITIONS[condition]

    def network(weights, inputs):
        for matrix in weights:
            fields = jnp.dot(inputs, matrix) / jnp.sqrt(matrix.shape[0])
            inputs = ACTIVATIONS[activation](fields)
        return fields / jnp.sqrt(matrix.shape[0])

    def loss(weights, inputs, targets):
        return jnp.mean((network(weights, inputs) - targets) ** 2)

    key, part = jax.random.split(jax.random.PRNGKey(0))
    sizes = [(width, width), (width, 1)]
    weights = [jax.random.normal(one, size) for one, size in zip(jax.random.split(part, 2), sizes, strict=True)]
    key, part = jax.random.split(key)
    inputs = jax.random.normal(part, (num_examples, width))
    key, part = jax.random.split(key)
    targets = jax.random.normal(part, (num_examples, 1))

    @jax.jit
    @lambda step: jax.vmap(step, (None, 0, 0))
    def step(key, weights, pair):
        rates = pair
        if condition == "offset":
            weights, rates = [weights[0] + pair[0], weights[1]], [pair[1], pair[1]]
        found, slopes = jax.value_and_grad(loss)(weights, inputs, targets)
        if batch is not None:
            chosen = jax.random.randint(key, (batch,), 0, num_examples)
            slopes = jax.grad(loss)(weights, inputs[chosen], targets[chosen])
        return [w - rate * slope for w, rate, slope in zip(weights, rates, slopes, strict=True)], found

    all_weights, losses = [jnp.tile(each, (len(first), 1, 1)) for each in weights], []
    for key in jax.random.split(jax.random.PRNGKey(42), steps):
        all_weights, found = step(key, all_weights, jnp.stack([first, second], -1))
        losses.append(np.asarray(found))
    return np.stack(losses, -1)


def published_signs(losses, most=1e6):
    """Whether a run has converged, as the notebook has it."""
    losses = np.where(np.isfinite(losses), losses, most)
    return np.minimum(losses / losses[:, :1], most)[:, -20:].mean(-1) < 1


def axes_of(condition, points):
    values = np.logspace(-3, 6, points)
    names = ("offset", "learning_rate") if condition == "offset" else ("input_learning_rate", "output_learning_rate")
    return dict.fromkeys(names, values)


def both(condition, points):
    """On a grid their signs, their last losses, and our answers."""
    axes = axes_of(condition, points)
    first, second = (each.ravel() for each in np.meshgrid(*axes.values(), indexing="ij"))
    losses = published_losses(condition, first, second)
    theirs = published_signs(losses)
    ours = ho.sweep(ho.Trainability(max_steps=STEPS), ho.NETWORKS[condition], None, axes, dtype="float64")
    return theirs.reshape(points, points), losses[:, -1].reshape(points, points), ours


def check_signs(condition, points):
    """Their signs are ours, and so are their losses where rates are so small that nothing is chaotic."""
    theirs, losses, ours = both(condition, points)
    tame = np.s_[:2, :2]
    np.testing.assert_allclose(ours["loss"].values[tame], losses[tame], rtol=1e-9)
    converged = ours["outcome"].values == ho.Training.CONVERGED
    assert 0.2 < converged.mean() < 0.8
    return (converged != theirs).mean()


@pytest.mark.parametrize("condition", ["tanh", "minibatch", "offset"])
def test_the_signs_are_the_published_ones(condition):
    assert check_signs(condition, 5) == 0


@pytest.mark.slow
@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_signs_of_a_larger_grid_differ_in_few_cells_which_one_unit_in_the_last_place_turns(condition):
    assert check_signs(condition, 32) < 0.005


@pytest.mark.slow
def test_a_seed_draws_other_networks_and_is_an_axis():
    run, question = ho.NetworkRun(ho.MeanFieldNetwork(width=3), ho.GradientDescent(1.0)), ho.Trainability(max_steps=20)
    losses = ho.sweep(question, run, None, {"seed": [0.0, 1.0, 2.0]}, dtype="float64")["loss"].values
    assert len(set(losses)) == 3
    np.testing.assert_allclose(losses[1], ho.ask(question, run.replace(seed=1.0), None).loss, rtol=1e-12)


def test_a_run_that_is_lost_is_not_followed():
    """At a rate of 1e300 all is NaN after some steps, and the answer is that of all steps."""
    run = ho.NetworkRun(ho.MeanFieldNetwork(width=3), ho.GradientDescent(1e300))
    answer = ho.ask(ho.Trainability(max_steps=1_000), run, None)
    assert answer.outcome == ho.Training.DIVERGED
    assert answer.num_steps < 10
    np.testing.assert_allclose(answer.ratio, 1e6)
