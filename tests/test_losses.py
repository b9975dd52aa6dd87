"""Losses against NumPy's formulas, the defect of L1 under a sigmoid, and recipes: what describes them, what they refuse."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import expit, log_expit

import aecluster as ae
from aecluster.recipes import constant, linear

RNG = np.random.default_rng(2)
LOGITS = jnp.asarray(RNG.normal(scale=4, size=(3, 4, 5, 2)))
TARGETS = jnp.asarray(RNG.random((3, 4, 5, 2)))
GIVEN = jnp.asarray(RNG.random((3, 4, 5, 2)))
START = jnp.asarray(0.0)

FORMULAS = {
    ae.L1(): lambda x, t: np.abs(expit(x) - t).mean(),
    ae.L2(): lambda x, t: ((expit(x) - t) ** 2).mean(),
    ae.CrossEntropy(): lambda x, t: -(t * log_expit(x) + (1 - t) * log_expit(-x)).mean(),
}


@pytest.mark.parametrize("loss", FORMULAS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_a_loss_is_its_formula(loss, scale):
    found = loss(scale * LOGITS, TARGETS, GIVEN, START)
    np.testing.assert_allclose(found, FORMULAS[loss](scale * LOGITS, TARGETS), rtol=1e-12)


@pytest.mark.parametrize("loss", FORMULAS)
def test_a_gradient_is_that_of_the_formula(loss):
    gradient = jax.grad(loss)(LOGITS, TARGETS, GIVEN, START)
    for place in [(0, 0, 0, 0), (2, 3, 4, 1), (1, 2, 0, 1)]:
        nudge = np.zeros_like(LOGITS)
        nudge[place] = 1e-6
        above, below = (FORMULAS[loss](LOGITS + sign * nudge, TARGETS) for sign in (1, -1))
        np.testing.assert_allclose(gradient[place], (above - below) / 2e-6, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("loss", "pull"), [(ae.L1(), 0.0), (ae.L2(), 0.0), (ae.CrossEntropy(), -1.0)])
def test_a_saturated_pixel_feels_cross_entropy_alone(loss, pull):
    black, ink = jnp.full((1, 1, 1, 1), -120.0, "float32"), jnp.ones((1, 1, 1, 1), "float32")
    assert jax.grad(loss)(black, ink, ink, START).item() == pull


@pytest.mark.parametrize(
    ("epochs", "first"),
    [(1.0, [0.0, 0.5, 0.999]), (2.5, [0.0, 0.5, 0.999, 1.0, 2.0, 2.25]), (0.0, [])],
)
def test_a_warm_up_ends_with_its_last_epoch(epochs, first):
    loss = ae.WarmUp(ae.L2(), ae.L1(), epochs)
    for epoch in (0.0, 0.5, 0.999, 1.0, 2.0, 2.25, 2.5, 40.0):
        expected = ae.L2() if epoch in first else ae.L1()
        found = loss(LOGITS, TARGETS, GIVEN, jnp.asarray(epoch))
        np.testing.assert_allclose(found, FORMULAS[expected](LOGITS, TARGETS), rtol=1e-12)


def test_by_default_cross_entropy_comes_before_l1():
    assert (ae.WarmUp().first, ae.WarmUp().then) == (ae.CrossEntropy(), ae.L1())
    named = {"warm_up": ae.WarmUp(), "l1": ae.L1(), "l2": ae.L2(), "cross_entropy": ae.CrossEntropy()}
    assert named.items() <= ae.LOSSES.items()


# Recipes


def mine(learning_rate):
    return optax.sgd(learning_rate, momentum=0.5)


ALIKE = [
    (ae.Recipe(), ae.RECIPES["cured"]),
    (ae.Recipe(optimizer=optax.adam), ae.Recipe(optimizer=ae.optimizer_named("adam"))),
    (ae.Recipe(loss=ae.WarmUp(epochs=3.0)), ae.Recipe(loss=ae.WarmUp(ae.CrossEntropy(), ae.L1(), 3))),
    (ae.Recipe(optimizer=ae.optimizer_named("sgd", {"momentum": 0.9})),
     ae.Recipe(optimizer=functools.partial(optax.sgd, momentum=0.9))),
    (ae.Recipe(corruption=ae.Deformation(shear=1.0)), ae.Recipe(corruption=ae.Deformation(shear=1))),
    (ae.Recipe(optimizer=functools.partial(optax.adamw, mask=mine)),
     ae.Recipe(optimizer=functools.partial(functools.partial(optax.adamw), mask=mine))),
]  # fmt: skip
BASE = ae.Recipe(40, 256, optax.adam, 2e-3, optax.cosine_decay_schedule, ae.WarmUp(epochs=1.0))
CHANGES = [
    {"epochs": 41},
    {"batch_size": 128},
    {"optimizer": optax.sgd},
    {"optimizer": mine},
    {"optimizer": functools.partial(optax.adam, b1=0.8)},
    {"optimizer": functools.partial(optax.adam, b1=0.7)},
    {"optimizer": functools.partial(optax.adamw, mask=mine)},
    {"optimizer": functools.partial(optax.adamw, mask=linear)},
    {"learning_rate": 1e-3},
    {"schedule": constant},
    {"schedule": functools.partial(optax.cosine_decay_schedule, alpha=0.1)},
    {"loss": ae.L1()},
    {"loss": ae.L2()},
    {"loss": ae.WarmUp(epochs=2.0)},
    {"loss": ae.WarmUp(then=ae.L2())},
    {"corruption": ae.Deformation()},
    {"corruption": ae.Deformation(shear=0.1)},
    {"degradation": ae.Blur()},
    {"degradation": ae.Blur(size=3)},
    {"adversary": ae.Adversary()},
    {"adversary": ae.Adversary(weight=0.1)},
    {"loss": ae.composite(1.0, 0.5)},
    {"loss": ae.composite(1.0, 0.25)},
    {"loss": ae.GreyTargets()},
    {"precision": "bfloat16"},
]


def told(recipe):
    return json.loads(json.dumps(recipe.describe()))


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_recipes_that_train_alike_read_alike(one, other):
    assert told(one) == told(other)


def test_recipes_that_train_otherwise_read_otherwise():
    descriptions = [told(dataclasses.replace(BASE, **change)) for change in [{}, *CHANGES]]
    for index, description in enumerate(descriptions):
        assert descriptions.count(description) == 1, index


def test_a_description_names_every_field():
    corruption = ae.Deformation(rotation=15.0, shift=0.07, scale=0.15, shear=0.3)
    recipe = ae.Recipe(
        3, 256, optax.adam, 2e-3, optax.cosine_decay_schedule, loss=ae.CrossEntropy(), corruption=corruption
    )
    assert told(recipe) == {
        "epochs": 3,
        "batch_size": 256,
        "optimizer": "adam",
        "learning_rate": 2e-3,
        "schedule": "cosine_decay_schedule",
        "loss": {"name": "CrossEntropy"},
        "corruption": {"name": "Deformation", "rotation": 15.0, "shift": 0.07, "scale": 0.15, "shear": 0.3},
        "degradation": None,
        "adversary": None,
        "small_steps": 600,
        "stopping": None,
        "precision": "float32",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, r"`epochs` must be a whole number of at least 1, got 0; give more\."),
        ({"batch_size": -1}, r"`batch_size` must be a whole number of at least 1, got -1; give more\."),
        ({"learning_rate": 0.0}, r"`learning_rate` must be a finite number above 0, got 0\.0; give more\."),
        ({"learning_rate": -1e-3}, r"`learning_rate` must be a finite number above 0, got -0\.001; give more\."),
        (
            {"learning_rate": float("nan")},
            r"`learning_rate` must be a finite number above 0, got nan; give such a value\.",
        ),
        ({"precision": "float16"}, r"`precision` must be 'float32' or 'bfloat16', got 'float16'; choose one\."),
    ],
)
def test_a_recipe_that_cannot_train_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(ae.Recipe(), **change)


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("constant", [0.4, 0.4, 0.4, 0.4, 0.4]),
        ("linear", [0.4, 0.3, 0.2, 0.1, 0.0]),
        ("cosine", 0.2 * (1 + np.cos(np.pi * np.arange(5) / 4))),
    ],
)
def test_schedules_run_from_the_learning_rate(name, rates):
    schedule = ae.SCHEDULES[name](0.4, 4)
    np.testing.assert_allclose([schedule(step) for step in range(5)], rates, atol=1e-7)


def test_a_transformation_follows_its_schedule():
    recipe = ae.Recipe(optimizer=optax.sgd, learning_rate=0.4, schedule=linear)
    transformation, taken = recipe.transformation(4), []
    state = transformation.init(START)
    for _ in range(5):
        update, state = transformation.update(jnp.asarray(1.0), state, START)
        taken.append(update)
    np.testing.assert_allclose(taken, [-0.4, -0.3, -0.2, -0.1, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("adam", None, optax.adam(0.1)),
        ("adam", {"b1": 0.5, "eps": 0.1}, optax.adam(0.1, b1=0.5, eps=0.1)),
        ("sgd", {"momentum": 0.9}, optax.sgd(0.1, momentum=0.9)),
        ("muon", {"beta": 0.5}, optax.contrib.muon(0.1, beta=0.5)),
    ],
)
def test_an_optimizer_is_optaxs_own(name, options, expected):
    found = ae.optimizer_named(name, options)(0.1)
    weights, gradient = np.ones((2, 2), np.float32), np.array([[1, -2], [3, 4]], np.float32)
    steps = [rule.update(gradient, rule.init(weights), weights)[0] for rule in (found, expected)]
    np.testing.assert_allclose(*steps, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("adm", None, "optax has no optimizer 'adm'; did you mean 'adam'?"),
        ("Muon", None, "optax has no optimizer 'Muon'; did you mean 'muon'?"),
        ("cosine_decay_schedule", None, "optax has no optimizer 'cosine_decay_schedule'; "),
        (
            "adam",
            {"b3": 0.9},
            "optax.adam has no option 'b3'; choose one of b1, b2, eps, eps_root, mu_dtype, nesterov.",
        ),
        ("sgd", {"momentun": 0.9}, "optax.sgd has no option 'momentun'; did you mean 'momentum'?"),
        ("adam", {"learning_rate": 0.9}, "optax.adam has no option 'learning_rate'; choose one of b1, b2, "),
    ],
)
def test_an_unknown_optimizer_or_option_is_refused_with_the_near_miss(name, options, message):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the beginning is compared
        ae.optimizer_named(name, options)
    assert str(refused.value).startswith(message)
