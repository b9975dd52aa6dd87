"""Objects that are pytrees: registered by themselves, told apart by their class, frozen, and short to read."""

import dataclasses
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho


class Ball(ho.AbstractOptimizer):
    """Heavy ball."""

    rate: Any = ho.hyperparameter(ho.POSITIVE)
    memory: Any = ho.hyperparameter(ho.FRACTION, default=0.9)

    def init(self, position):
        return jnp.zeros_like(position)

    def step(self, slope, state, position):
        trace = slope + self.memory * state
        return position - self.rate * trace, trace


@dataclasses.dataclass(frozen=True)
class LookAhead(ho.AbstractOptimizer):
    """Nesterov's momentum."""

    rate: Any = ho.hyperparameter(ho.POSITIVE)
    memory: Any = ho.hyperparameter(ho.FRACTION, default=0.9)

    def init(self, position):
        return jnp.zeros_like(position)

    def step(self, slope, state, position):
        trace = slope + self.memory * state
        return position - self.rate * (slope + self.memory * trace), trace


@pytest.mark.parametrize("seed", range(12))
def test_a_class_never_gets_another_ones_answer(seed):
    """With JAX's own registration of dataclasses 19 of 250 such pairs did: their structures compare equal."""
    rate, memory = np.random.default_rng(seed).uniform([0.02, 0.1], [0.4, 0.9])
    policy = {"max_steps": 200, "climb": ho.PlainClimb()}
    for mine, ours in ((Ball, ho.HeavyBall), (LookAhead, ho.Nesterov)):
        answer = ho.critical_height(ho.TentHill(), mine(rate, memory), **policy)
        expected = ho.critical_height(ho.TentHill(), ours(rate, memory), **policy)
        np.testing.assert_allclose(answer.critical_height, expected.critical_height, atol=1e-11)
    assert jax.tree.structure(Ball(0.1)) != jax.tree.structure(LookAhead(0.1))


def test_a_decorated_class_keeps_its_ranges_and_its_short_repr():
    assert repr(LookAhead(np.ones(3))) == "LookAhead(rate=f64[3], memory=0.9)"
    with pytest.raises(
        ValueError, match=r"^`LookAhead\(memory=...\)` must lie in \[0, 1\), got 1; give a finite value"
    ):
        ho.trajectory(ho.TentHill(0.3), LookAhead(0.1, 1.0), max_steps=3)


def test_a_second_registration_is_refused_by_jax():
    with pytest.raises(ValueError, match=r"Duplicate custom .*registration"):

        @jax.tree_util.register_dataclass
        class Twice(ho.AbstractOptimizer):
            rate: Any

            def init(self, position):
                return ()

            def step(self, slope, state, position):
                return position, state


def test_objects_are_frozen_and_pickle():
    adam = ho.Adam(0.3, b1=0.8)
    with pytest.raises(dataclasses.FrozenInstanceError):
        adam.b1 = 0.9
    with pytest.raises(dataclasses.FrozenInstanceError):
        del adam.b1
    assert pickle.loads(pickle.dumps(adam)) == adam
    by_name = ho.optax_named("adam", b1=0.8)
    assert pickle.loads(pickle.dumps(by_name)) == by_name
    question = ho.EscapeProbability(ho.GaussianNoise(0.5), num_walks=10)
    assert pickle.loads(pickle.dumps(question)) == question


def test_numbers_of_an_object_inside_bear_its_fields_name():
    question = ho.EscapeProbability(ho.GaussianNoise(0.5), num_walks=10)
    assert question.hyperparameters() == {"noise_scale": 0.5}
    assert question.replace(noise_scale=2.0) == ho.EscapeProbability(ho.GaussianNoise(2.0), num_walks=10)
    moved = ho.StartingAt(ho.WedgeHill(0.3), -0.5)
    assert moved.hyperparameters() == {"height": 0.3, "half_width": 0.25, "tail_slope": 1.0, "place": -0.5}
    assert moved.replace(height=0.4, place=0.1) == ho.StartingAt(ho.WedgeHill(0.4), 0.1)


REPRS = [
    (ho.Adam(0.3), "Adam(learning_rate=0.3, b1=0.9, b2=0.999, eps=0.0)"),
    (ho.Adam(np.linspace(0.1, 1, 5)), "Adam(learning_rate=f64[5], b1=0.9, b2=0.999, eps=0.0)"),
    (ho.TentHill(np.float32(0.25)), "TentHill(height=0.25)"),
    (ho.BlockedClimb(), "BlockedClimb(lanes=None)"),
    (ho.GaussianNoise(jnp.asarray(0.5)), "GaussianNoise(scale=0.5)"),
    (ho.Axis.log(0.001, 1, 512), "Axis(log, 0.001 to 1, 512 values)"),
]


@pytest.mark.parametrize(("value", "text"), REPRS, ids=lambda value: str(value)[:30])
def test_reprs_hold_numbers_and_shapes(value, text):
    assert repr(value) == text


@pytest.mark.slow
def test_an_answer_tells_verdicts_by_name():
    one = repr(ho.escape(ho.TentHill(0.5), ho.Adam(0.3)))
    assert one.startswith("EscapeAnswer(verdict=TRAPPED, step=")
    assert one.endswith("certainty=CERTIFIED)")
    many = repr(ho.critical_height(ho.TentHill(), ho.Adam(np.linspace(0.31, 0.9, 50))))
    assert "critical_height=f64[50]" in many
    assert "verdict=i8[50](50 TRAPPED)" in many
    assert len(many) < 400


@pytest.mark.slow
def test_an_answer_becomes_a_data_set():
    rates = np.linspace(0.1, 0.9, 4)
    heights = [0.1, 0.2, 0.3]
    answer = ho.ask(ho.CriticalHeight(heights=heights), ho.TentHill(), ho.Adam(rates))
    data = answer.to_dataset({"learning_rate": rates}, height=heights)
    assert data["verdict_at_height"].dims == ("height", "learning_rate")
    assert data["critical_height"].attrs["long_name"] == "critical height, lower end"
    np.testing.assert_array_equal(data["learning_rate"], rates)
    assert data["learning_rate"].attrs["scale"] == "linear"
    assert ho.plot(data).get_suptitle().startswith("Critical heights")
    with pytest.raises(ValueError, match="must be a sweep's or an answer's, got one without the attribute 'look'"):
        ho.plot(data.drop_attrs())
    assert answer.to_dataset()["critical_height"].dims == ("setting_0",)
    table = answer.to_dataframe({"learning_rate": rates}, height=heights)
    assert set(table.index.names) == {"height", "learning_rate"}
    assert table.xs(rates[1], level="learning_rate")["critical_height"].tolist() == [answer.critical_height[1]] * 3
    with pytest.raises(ValueError, match="`dims` must name the 1 dimensions of the settings, got a, b"):
        answer.to_dataset(["a", "b"])


def test_optax_numbers_given_or_not_are_told():
    fixed = ho.from_optax(optax.nadam, learning_rate=0.1).fixed()
    assert fixed["b1"] == 0.9
    assert fixed["b2"] == 0.999
    assert "learning_rate" not in fixed


def test_the_version_is_told():
    assert ho.__version__.count(".") == 2
