"""Nine optimizers against optax, step for step, and what they refuse."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho

NUM_STEPS = 200
HEIGHT = 0.347
CLEAR = 1e-10

# Ours, optax's factory with its flags, and hyperparameters under the names that both know. Of every optimizer some
# walks escape and some are trapped, and none comes within CLEAR of a kink, where a last digit would decide.
TABLE = [
    (ho.GradientDescent, optax.sgd, {}, {"learning_rate": 0.3}),
    (ho.GradientDescent, optax.sgd, {}, {"learning_rate": 0.0703}),
    (ho.GradientDescent, optax.sgd, {}, {"learning_rate": 0.7}),
    (ho.HeavyBall, optax.sgd, {}, {"learning_rate": 0.3, "momentum": 0.0}),
    (ho.HeavyBall, optax.sgd, {}, {"learning_rate": 0.013, "momentum": 0.9}),
    (ho.HeavyBall, optax.sgd, {}, {"learning_rate": 0.05, "momentum": 0.9}),
    (ho.HeavyBall, optax.sgd, {}, {"learning_rate": 0.0017, "momentum": 0.97}),
    (ho.Nesterov, optax.sgd, {"nesterov": True}, {"learning_rate": 0.3, "momentum": 0.0}),
    (ho.Nesterov, optax.sgd, {"nesterov": True}, {"learning_rate": 0.05, "momentum": 0.9}),
    (ho.Nesterov, optax.sgd, {"nesterov": True}, {"learning_rate": 0.21, "momentum": 0.6}),
    (ho.Nesterov, optax.sgd, {"nesterov": True}, {"learning_rate": 0.21, "momentum": 0.8}),
    (ho.SignDescent, optax.sign_sgd, {}, {"learning_rate": 0.3}),
    (ho.SignDescent, optax.sign_sgd, {}, {"learning_rate": 0.0113}),
    (ho.SignDescent, optax.sign_sgd, {}, {"learning_rate": 1.5}),
    (ho.RMSprop, optax.rmsprop, {}, {"learning_rate": 0.1, "decay": 0.9, "eps": 0.0}),
    (ho.RMSprop, optax.rmsprop, {}, {"learning_rate": 0.05, "decay": 0.99, "eps": 1e-3}),
    (ho.RMSprop, optax.rmsprop, {}, {"learning_rate": 0.02, "decay": 0.5, "eps": 1e-8, "initial_scale": 0.7}),
    (ho.RMSprop, optax.rmsprop, {}, {"learning_rate": 0.47, "decay": 0.95, "eps": 0.0, "initial_scale": 0.3}),
    (ho.Adagrad, optax.adagrad, {}, {"learning_rate": 0.3, "initial_accumulator_value": 0.0, "eps": 0.0}),
    (ho.Adagrad, optax.adagrad, {}, {"learning_rate": 0.13, "initial_accumulator_value": 0.1, "eps": 1e-7}),
    (ho.Adagrad, optax.adagrad, {}, {"learning_rate": 1.7, "initial_accumulator_value": 0.4, "eps": 0.2}),
    (ho.Adam, optax.adam, {}, {"learning_rate": 0.3, "b1": 0.9, "b2": 0.999, "eps": 0.0}),
    (ho.Adam, optax.adam, {}, {"learning_rate": 0.07, "b1": 0.5, "b2": 0.9, "eps": 1e-8}),
    (ho.Adam, optax.adam, {}, {"learning_rate": 0.23, "b1": 0.8, "b2": 0.95, "eps": 0.3}),
    (ho.Adam, optax.adam, {}, {"learning_rate": 0.031, "b1": 0.0, "b2": 0.0, "eps": 1e-3}),
    (ho.AdamW, optax.adamw, {}, {"learning_rate": 0.3, "b1": 0.9, "b2": 0.999, "eps": 0.0, "weight_decay": 0.0}),
    (ho.AdamW, optax.adamw, {}, {"learning_rate": 0.07, "b1": 0.9, "b2": 0.99, "eps": 1e-8, "weight_decay": 1e-4}),
    (ho.AdamW, optax.adamw, {}, {"learning_rate": 0.21, "b1": 0.8, "b2": 0.95, "eps": 0.1, "weight_decay": 0.3}),
    (ho.Lion, optax.lion, {}, {"learning_rate": 0.0703, "b1": 0.9, "b2": 0.99, "weight_decay": 0.0}),
    (ho.Lion, optax.lion, {}, {"learning_rate": 0.0703, "b1": 0.8, "b2": 0.9, "weight_decay": 1e-3}),
    (ho.Lion, optax.lion, {}, {"learning_rate": 0.017, "b1": 0.97, "b2": 0.98, "weight_decay": 0.02}),
]
IDS = [f"{ours.__name__}({', '.join(f'{value:g}' for value in swept.values())})" for ours, _, _, swept in TABLE]


def _optax_loop(transformation, hill):
    """The definition: optax on Python floats, one step after the other, without jit."""
    position, state, walk = jnp.zeros(()), transformation.init(jnp.zeros(())), [0.0]
    for _ in range(NUM_STEPS):
        uphill = 1 < walk[-1] < 1 + hill.height
        update, state = transformation.update(jnp.asarray(1.0 if uphill else -1.0), state, position)
        position = optax.apply_updates(position, update)
        walk.append(float(position))
    return np.array(walk)


@pytest.mark.parametrize(("ours", "factory", "flags", "swept"), TABLE, ids=IDS)
def test_a_walk_is_that_of_optax(ours, factory, flags, swept):
    hill = ho.TentHill(HEIGHT)
    expected = _optax_loop(factory(**swept, **flags), hill)
    own = ho.trajectory(hill, ours(**swept), max_steps=NUM_STEPS)
    wrapped = ho.trajectory(hill, ho.from_optax(factory, **swept, **flags), max_steps=NUM_STEPS)
    assert np.min(np.abs(expected[:, None] - [1, 1 + HEIGHT])) > CLEAR
    assert own.position.dtype == wrapped.position.dtype == np.float64
    np.testing.assert_allclose(own.position, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(wrapped.position, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(own.slope, hill.slope(own.position))


@pytest.mark.parametrize("ours", ho.OPTIMIZERS.values(), ids=ho.OPTIMIZERS)
def test_the_table_has_escapes_and_traps(ours):
    rows = [swept for row, _, _, swept in TABLE if row is ours]
    ends = [
        float(ho.trajectory(ho.TentHill(HEIGHT), ours(**swept), max_steps=NUM_STEPS).position[-1]) for swept in rows
    ]
    assert len(rows) >= 3
    assert min(ends) < 1 + HEIGHT < max(ends)


@pytest.mark.parametrize("ours", ho.OPTIMIZERS.values(), ids=ho.OPTIMIZERS)
def test_array_hyperparameters_walk_as_floats_do(ours):
    hill = ho.TentHill(HEIGHT)
    rows = [swept for row, _, _, swept in TABLE if row is ours]
    rows = [row for row in rows if row.keys() == rows[0].keys()]
    stacked = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    together = ho.trajectory(hill, ours(**stacked), max_steps=NUM_STEPS).position
    alone = [ho.trajectory(hill, ours(**row), max_steps=NUM_STEPS).position for row in rows]
    np.testing.assert_array_equal(together, np.stack(alone, axis=1))


def test_hyperparameters_broadcast():
    rates, betas = np.array([0.07, 0.13, 0.3]), np.array([0.5, 0.9])
    hill = ho.TentHill(HEIGHT)
    grid = ho.trajectory(hill, ho.Adam(rates[:, None], b1=betas[None, :], b2=0.95), max_steps=30)
    assert grid.position.shape == grid.slope.shape == grid.state.first.shape == (31, 3, 2)
    for (i, j), _ in np.ndenumerate(np.empty((3, 2))):
        alone = ho.trajectory(hill, ho.Adam(float(rates[i]), b1=float(betas[j]), b2=0.95), max_steps=30)
        np.testing.assert_array_equal(grid.position[:, i, j], alone.position)


def test_hyperparameters_of_optax_broadcast():
    rates, betas = np.array([0.07, 0.13, 0.3]), np.array([0.5, 0.9])
    optimizer = ho.from_optax(optax.amsgrad, learning_rate=rates[:, None], b1=betas[None, :], eps=1e-3)
    position = ho.trajectory(ho.TentHill(HEIGHT), optimizer, max_steps=30).position
    assert position.shape == (31, 3, 2)
    expected = _optax_loop(optax.amsgrad(0.13, b1=0.9, eps=1e-3), ho.TentHill(HEIGHT))[:31]
    np.testing.assert_allclose(position[:, 1, 1], expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("rate", [1, np.array([1]), [1.0]], ids=["int", "ints", "list"])
def test_a_learning_rate_of_any_kind_serves_from_optax(rate):
    position = ho.trajectory(ho.TentHill(HEIGHT), ho.from_optax(optax.sgd, learning_rate=rate), max_steps=3).position
    np.testing.assert_array_equal(np.ravel(position), [0, 1, 2, 3])


def test_a_factory_with_nothing_to_sweep_is_refused():
    with pytest.raises(ValueError, match="`sgd` needs a float or an array of floats to sweep"):
        ho.from_optax(optax.sgd, learning_rate=optax.constant_schedule(1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_walk_has_the_dtype_of_its_hyperparameters(dtype):
    walk = ho.trajectory(ho.TentHill(HEIGHT), ho.Adam(dtype(0.3), b1=0.8), max_steps=3)
    assert {leaf.dtype for leaf in jax.tree.leaves(walk)} == {np.dtype(dtype)}


FIELDS = [(ours, field.name) for ours in ho.OPTIMIZERS.values() for field in dataclasses.fields(ours)]
FRACTIONS = {"b1", "b2", "momentum", "decay"}
REMEDY = "; give a finite value inside that range."


def _domain(name):
    return "(0, inf)" if name == "learning_rate" else "[0, 1)" if name in FRACTIONS else "[0, inf)"


@pytest.mark.parametrize(("ours", "name"), FIELDS, ids=[f"{ours.__name__}.{name}" for ours, name in FIELDS])
@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (-1e-3, "-0.001")])
def test_every_hyperparameter_must_be_finite_and_not_negative(ours, name, value, told):
    message = f"`{ours.__name__}({name}=...)` must lie in {_domain(name)}, got {told}{REMEDY}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ours(**{"learning_rate": 0.3, name: value}).check()


@pytest.mark.parametrize(("ours", "name"), [row for row in FIELDS if row[1] in FRACTIONS])
@pytest.mark.parametrize("value", [1, 1.0, 1.5, np.array([0.5, 1.0])])
def test_a_decay_must_stay_below_1(ours, name, value):
    message = rf"^`{ours.__name__}\({name}=\.\.\.\)` must lie in \[0, 1\), got 1(\.5)?; give a finite value inside"
    with pytest.raises(ValueError, match=message):
        ours(learning_rate=0.3, **{name: value}).check()


@pytest.mark.parametrize("ours", ho.OPTIMIZERS.values(), ids=ho.OPTIMIZERS)
@pytest.mark.parametrize("value", [0, 0.0, -0.0, np.array([[0.1], [0.0]])])
def test_a_learning_rate_must_be_positive(ours, value):
    with pytest.raises(
        ValueError, match=rf"^`{ours.__name__}\(learning_rate=\.\.\.\)` must lie in \(0, inf\), got -?0; give"
    ):
        ours(value).check()


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("value", ["fast", 0.3j, {}, None])
def test_a_hyperparameter_must_be_a_number(value):
    with pytest.raises(
        ValueError, match=r"^`Adam\(learning_rate=\.\.\.\)` must be a number or an array of numbers, got"
    ):
        ho.Adam(value).check()


@pytest.mark.parametrize("ours", ho.OPTIMIZERS.values(), ids=ho.OPTIMIZERS)
def test_the_ends_that_belong_to_a_range_are_taken(ours):
    zeros = {field.name: 0.0 for field in dataclasses.fields(ours) if field.name != "learning_rate"}
    optimizer = ours(learning_rate=0.3, **zeros)
    optimizer.check()
    assert optimizer.hyperparameters() == {"learning_rate": 0.3, **zeros}


ASKING = {
    "trajectory": lambda optimizer: ho.trajectory(ho.TentHill(0.3), optimizer, max_steps=3),
    "critical_height": lambda optimizer: ho.critical_height(ho.TentHill(), optimizer, max_steps=3),
    "escape": lambda optimizer: ho.escape(ho.TentHill(0.3), optimizer, max_steps=3),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_every_question_checks_the_hyperparameters(ask):
    with pytest.raises(ValueError, match=r"`Adam\(b1=\.\.\.\)` must lie in \[0, 1\), got 1;"):
        ask(ho.Adam(0.3, b1=1))
    with pytest.raises(ValueError, match=r"`adam\(b1=\.\.\.\)` must be finite"):
        ask(ho.from_optax(optax.adam, learning_rate=0.3, b1=np.array([0.5, np.nan])))


def test_traced_hyperparameters_pass_the_check():
    walk = jax.jit(
        jax.vmap(lambda rate: ho.critical_height(ho.TentHill(), ho.Adam(rate), max_steps=20).critical_height)
    )
    np.testing.assert_allclose(walk(jnp.array([0.3])), 0.41018429512997, atol=1e-13)


@pytest.mark.parametrize(
    ("factory", "given", "message"),
    [
        (
            optax.adam,
            {"learning_rat": 0.1},
            r"^`adam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'\?",
        ),
        (
            optax.adam,
            {"learning_rate": 0.1, "momentun": 0.1},
            r"^`adam` has no hyperparameter 'momentun'; .*Known are: b1, b2,",
        ),
        (optax.sgd, {"learning_rate": 0.1, "momentun": 0.1}, r"^`sgd` has no .* 'momentun'; did you mean 'momentum'\?"),
        (optax.adam, {}, r"^`adam` needs a value for 'learning_rate'; "),
        (optax.lion, {"b1": 0.9}, r"^`lion` needs a value for 'learning_rate'; "),
    ],
)
def test_from_optax_names_what_is_wrong(factory, given, message):
    with pytest.raises(ValueError, match=message):
        ho.from_optax(factory, **given)


@pytest.mark.parametrize("value", [np.nan, np.inf, np.array([0.1, -np.inf])])
def test_from_optax_wants_finite_numbers(value):
    with pytest.raises(ValueError, match=r"^`adam\(eps=\.\.\.\)` must be finite"):
        ho.from_optax(optax.adam, learning_rate=0.1, eps=value).check()


def test_different_optimizers_have_different_structures():
    """Guards against jit handing one class another's program: dataclass structures of JAX's own compare equal."""
    structures = [jax.tree.structure(factory(0.1)) for factory in ho.OPTIMIZERS.values()]
    assert all(a != b for i, a in enumerate(structures) for b in structures[:i])
    for factory in ho.OPTIMIZERS.values():
        leaves, structure = jax.tree.flatten(factory(0.1))
        assert type(jax.tree.unflatten(structure, leaves)) is factory
        assert structure == jax.tree.structure(factory(0.2))
