"""Every optimizer of optax, swept with all of its numbers as arrays, against a plain loop over floats."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho

HILL = ho.TentHill(0.5)
ASKS = {
    "contrib.momo": ("value",),
    "contrib.momo_adam": ("value",),
    "contrib.sophia": ("obj_fn",),
    "lbfgs": ("value", "grad", "value_fn"),
    "polyak_sgd": ("value",),
}
NUM_STEPS = 5
EVERYDAY = {
    "adam",
    "contrib.prodigy",
    "contrib.sam",
    "contrib.schedule_free",
    "contrib.sophia",
    "polyak_sgd",
    "sm3",
}


def plain_walk(name, numbers):
    """Positions by the transformation itself, step by step, unjitted, with floats."""
    factory, _ = ho.optax_settings(name)
    transformation = optax.with_extra_args_support(factory(**numbers))
    position = jnp.zeros((1,) if name == "sm3" else ())
    state, positions = transformation.init(position), [0.0]

    def value(x):
        return HILL.value(x.reshape(()))

    for _ in range(NUM_STEPS):
        slope = HILL.slope(position)
        told = {"value": value(position), "grad": slope, "value_fn": value, "obj_fn": value}
        extra = {wanted: told[wanted] for wanted in ASKS.get(name, ())}
        update, state = transformation.update(slope, state, position, **extra)
        position = optax.apply_updates(position, update)
        positions.append(float(position.reshape(())))
    return np.array(positions)


def lanes_of(name):
    """Its numbers for two settings: the defaults, and a tenth less of each."""
    _, settings = ho.optax_settings(name)
    return {key: np.array([v, 0.9 * v]) if isinstance(v, float) else v for key, v in settings.items()}


CASES = [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.slow) for name in ho.optax_names()]


@pytest.mark.parametrize("name", CASES)
def test_a_sweep_is_a_plain_loop_over_floats(name):
    numbers = lanes_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # optimistic_adam is one of optax's own no longer
        optimizer = ho.optax_named(name, **numbers)
        assert set(optimizer.swept) == {key for key, value in numbers.items() if isinstance(value, np.ndarray)}
        swept = np.asarray(ho.trajectory(HILL, optimizer, max_steps=NUM_STEPS).position)
        for lane in range(2):
            floats = {key: float(v[lane]) if isinstance(v, np.ndarray) else v for key, v in numbers.items()}
            np.testing.assert_allclose(swept[:, lane], plain_walk(name, floats), rtol=1e-7, atol=1e-9)


# the aliases in the documentation of optax 0.2.8, and the optimizers in that of optax.contrib
DOCUMENTED = """
adabelief adadelta adafactor adagrad adam adamax adamaxw adamw adan amsgrad fromage lamb lars lbfgs lion nadam nadamw noisy_sgd
novograd optimistic_adam_v2 optimistic_gradient_descent polyak_sgd radam rmsprop rprop sgd sign_sgd signum sm3 yogi
contrib.acprop contrib.ademamix contrib.adopt contrib.cocob contrib.dadapt_adamw contrib.dog contrib.dowg contrib.dpsgd
contrib.galore contrib.madgrad contrib.mechanize contrib.momo contrib.momo_adam contrib.muon contrib.prodigy contrib.sam
contrib.schedule_free contrib.schedule_free_adamw contrib.schedule_free_sgd contrib.simplified_ademamix contrib.sophia
"""


def test_the_catalogue_holds_all_that_is_documented():
    assert set(DOCUMENTED.split()) <= set(ho.optax_names())


def test_an_unknown_name_is_refused_with_the_near_miss():
    with pytest.raises(ValueError, match=r"^optax has no optimizer 'adamm'; did you mean 'adam'\?"):
        ho.optax_named("adamm")


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_by_its_name_alone_an_optimizer_has_no_momentum(name):
    named, plain = ho.optimizer_named("optax." + name, learning_rate=0.1), getattr(optax, name)(0.1)
    here = there = jnp.asarray(0.5)
    state, plain_state = named.init(here), plain.init(there)
    for _ in range(3):
        here, state = named.step(here, state, here)
        update, plain_state = plain.update(there, plain_state)
        there = there + update
        np.testing.assert_allclose(here, there, rtol=1e-6)
    assert "momentum" not in named.hyperparameters()
    assert ho.optimizer_named("optax." + name, momentum=0.8).hyperparameters()["momentum"] == 0.8


def test_schedules_and_clipping_compose():
    def factory(learning_rate, max_delta):
        schedule = optax.cosine_decay_schedule(learning_rate, 50)
        return optax.chain(optax.clip(max_delta), optax.adam(schedule))

    rates = np.array([0.1, 0.3])
    walk = ho.trajectory(HILL, ho.from_optax(factory, learning_rate=rates, max_delta=0.7), max_steps=30)
    for lane, rate in enumerate(rates):
        transformation = factory(rate, 0.7)
        position, state = jnp.zeros(()), transformation.init(jnp.zeros(()))
        for _ in range(30):
            update, state = transformation.update(HILL.slope(position), state, position)
            position += update
        assert float(walk.position[-1, lane]) == pytest.approx(float(position), abs=1e-12)


@pytest.mark.parametrize("name", ["noisy_sgd", "contrib.dpsgd"])
def test_a_key_in_the_state_is_carried_along(name):
    rates = np.array([0.1, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what dpsgd itself calls
        optimizer = ho.optax_named(name, learning_rate=rates)
        answer = ho.critical_height(ho.TentHill(), optimizer, max_steps=30, climb=ho.PlainClimb())
        walk = ho.trajectory(ho.TentHill(), optimizer, max_steps=30)
    np.testing.assert_allclose(answer.critical_height, np.asarray(walk.position).max(0) - 1, atol=1e-12)


@pytest.mark.slow
def test_what_asks_for_the_elevation_serves_every_question():
    optimizer = ho.optax_named("polyak_sgd", max_learning_rate=np.array([0.3, 0.6]))
    plain = ho.critical_height(ho.TentHill(), optimizer, max_steps=50, climb=ho.PlainClimb())
    bounded = ho.critical_height(ho.TentHill(), optimizer, max_steps=50)
    np.testing.assert_allclose(plain.critical_height, bounded.critical_height, atol=1e-12)
    noisy = ho.first_passages(
        ho.DoubleWell(0.25), optimizer, ho.GaussianNoise(0.1), jax.random.key(0), num_walks=3, max_steps=20
    )
    assert noisy.step.shape == (2, 3)


def test_a_factory_that_branches_on_a_number_is_refused():
    def moody(learning_rate):
        return optax.sgd(learning_rate if learning_rate > 0 else -learning_rate)

    with pytest.raises(
        ValueError, match=r"^`moody` branches in Python on one of learning_rate, which cannot be swept; fix"
    ):
        ho.from_optax(moody, learning_rate=0.1)


def test_an_optimizer_is_called_as_optax_calls_it():
    """optax.nadam is optax.adam with a switch, and does not know its own name."""
    assert [ho.optax_named(name).label() for name in ("nadam", "adam", "contrib.sam")] == ["nadam", "adam", "sam"]
