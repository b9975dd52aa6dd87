"""Learning rates that change from step to step: beside optax's schedules, which take known numbers alone."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest

import hillopt as ho

PAIRS = {
    "warm-up": (ho.WarmupCosine(0.3, 10.0, 60.0), optax.warmup_cosine_decay_schedule(0.0, 0.3, 10, 60)),
    "both ends": (
        ho.WarmupCosine(0.3, 7.0, 50.0, 0.1, 0.05),
        optax.warmup_cosine_decay_schedule(0.1, 0.3, 7, 50, 0.05),
    ),
    "no warm-up": (ho.WarmupCosine(0.2, 0.0, 40.0), optax.cosine_decay_schedule(0.2, 40)),
    "decay": (ho.ExponentialDecay(0.2, 30.0, 0.5), optax.exponential_decay(0.2, 30, 0.5)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_schedule_is_that_of_optax(name):
    ours, theirs = PAIRS[name]
    steps = np.arange(80)
    np.testing.assert_allclose(jax.vmap(ours.at)(steps), [theirs(step) for step in steps], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["warm-up", "decay"])
def test_a_walk_by_a_schedule_is_that_of_optax(name):
    ours, theirs = PAIRS[name]
    hill = ho.QuadraticBowl(1.0)
    walk = ho.trajectory(hill, ho.Scheduled(ho.Adam(1.0, eps=1e-8), ours), max_steps=30).position
    transformation, position = optax.adam(theirs), jnp.asarray(hill.start, float)
    state, expected = transformation.init(position), [position]
    for _ in range(30):
        update, state = transformation.update(hill.slope(position), state, position)
        position = position + update
        expected.append(position)
    np.testing.assert_allclose(walk, expected, rtol=1e-5, atol=1e-6)


def test_the_numbers_of_a_schedule_are_swept():
    """A bowl of curvature 1 diverges beyond a rate of 2, unless a warm-up has met its minimum by then, at a rate of 1."""
    run = ho.WalkRun(ho.QuadraticBowl(1.0), ho.optimizer_named("warmup_cosine.gradient_descent", decay_steps=1e6))
    axes = {"peak_value": [1.0, 3.0, 20.0], "warmup_steps": [0.0, 400.0]}
    dataset = ho.sweep(ho.Trainability(max_steps=200), run, None, axes, dtype="float64")
    np.testing.assert_array_equal(
        dataset["outcome"] == ho.Training.CONVERGED, [[True, True], [False, True], [False, True]]
    )
    assert "learning_rate" not in run.hyperparameters()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: ho.Scheduled(ho.Adam(0.1), ho.WarmupCosine(-1.0)).check(),
            r"`WarmupCosine\(peak_value=...\)` must lie in",
        ),
        (
            lambda: ho.Scheduled(ho.by_part(a=ho.Adam(0.1)), ho.WarmupCosine()).check(),
            "has no learning_rate to follow a schedule",
        ),
        (lambda: ho.optimizer_named("warmup_cosine.adm"), "No optimizer is called 'adm'; did you mean 'adam'"),
    ],
)
def test_what_follows_no_schedule_is_refused(make, sentence, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=sentence):
        make()
