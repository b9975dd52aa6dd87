"""Hills, optimizers and questions of a user's own, as module:name: what they become, what is refused, and a sweep of them."""

import dataclasses
import importlib
import json
import re

import numpy as np
import pytest

import hillopt as ho
from launch import asked, command, named, sweep, trajectory

MINE = """
import jax
import jax.numpy as jnp
import optax
import hillopt as ho


class Slide(ho.AbstractLandscape):
    steepness: ho.Number = ho.hyperparameter(ho.POSITIVE)
    start = 0.0

    def value(self, position):
        return -self.steepness * position


class Half(ho.AbstractOptimizer):
    learning_rate: ho.Number = ho.hyperparameter(ho.POSITIVE)

    def init(self, position):
        return ()

    def step(self, slope, state, position):
        return position - self.learning_rate * slope / 2, state


class Walked:
    class Far(ho.AbstractAnswer):
        far: float = ho.described("how far the walk came")

    class HowFar(ho.AbstractQuestion):
        max_steps: int = ho.single(default=7)
        times: ho.Number = ho.hyperparameter(ho.POSITIVE, default=1.0)
        title = "Distances"
        look = ho.Look("far", "distance")
        asked_of = ho.AbstractLandscape

        def answer(self, hill, optimizer, key):
            one = optimizer.learning_rate * hill.steepness / 2
            return Walked.Far(self.times * jnp.asarray(self.max_steps) * one)


Walked.HowFar.answer_type = Walked.Far
slide = Slide(2.0)
slope = lambda steepness=3.0: Slide(steepness)
clipped = lambda learning_rate, clip: optax.chain(optax.clip(clip), optax.sgd(learning_rate))
half = Half(0.25)
line = ho.Model(init=lambda key: {"w": jax.random.normal(key, (2,))}, apply=lambda parameters, inputs: inputs @ parameters["w"])
data = jnp.eye(2), jnp.arange(2.0)
trained = lambda learning_rate, momentum=0.5: ho.network_run(line, data, ho.HeavyBall(learning_rate, momentum))
run = trained(0.25)
nothing = lambda: {}
broken = lambda: 1 / 0
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of this test's own name, so that none is imported for another test."""
    name = f"mine_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize(
    ("name", "numbers", "stand_ins", "steepness"),
    [
        ("Slide", {"steepness": 4.0}, {}, 4.0),
        ("Slide", {}, {"steepness": 5.0}, 5.0),
        ("slide", {}, {"steepness": 5.0}, 2.0),
        ("slide", {"steepness": 4.0}, {}, 4.0),
        ("slope", {}, {"steepness": 5.0}, 3.0),
        ("slope", {"steepness": 4.0}, {}, 4.0),
    ],
)
def test_a_landscape_of_ones_own_is_a_class_an_instance_or_a_function(mine, name, numbers, stand_ins, steepness):
    assert named.hill(f"{mine}:{name}", numbers, stand_ins).hyperparameters() == {"steepness": steepness}


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("Half", {}, {"learning_rate": 0.1}),
        ("half", {}, {"learning_rate": 0.25}),
        ("half", {"learning_rate": 0.5}, {"learning_rate": 0.5}),
        ("clipped", {"clip": 2.0}, {"learning_rate": 0.1, "clip": 2.0}),
    ],
)
def test_an_optimizer_of_ones_own_may_be_one_of_optaxs(mine, name, numbers, expected):
    made = named.optimizer(f"{mine}:{name}", numbers)
    assert isinstance(made, ho.AbstractOptimizer)
    assert made.hyperparameters() == expected


def test_heights_have_a_default_where_they_need_one():
    heights = [named.hill(name, {}).height for name in ("tent", "wedge", "mueller_brown")]
    assert heights == [1.0, 1.0, 1.0]
    assert named.hill("tent", {"height": 0.3}).height == 0.3


@pytest.mark.parametrize(
    ("name", "numbers", "message"),
    [
        ("Slide", {}, "`Slide` needs a value for 'steepness'; give one."),
        ("Slide", {"steep": 1.0}, "`Slide` has no hyperparameter 'steep'; did you mean 'steepness'?"),
        ("slide", {"steep": 1.0}, "`Slide` has no number 'steep'; it has steepness."),
        ("Slid", {}, "`--hill=MINE:Slid`: MINE has no 'Slid'; did you mean 'Slide'?"),
        ("Walked.Slide", {}, "`--hill=MINE:Walked.Slide`: MINE has no 'Slide'; write a name that it has."),
        (
            "Half",
            {},
            "`--hill=MINE:Half` must be a landscape or run of hillopt, its class, or a function that makes one, got the class",
        ),
        (
            "half",
            {},
            "must be a landscape or run of hillopt, its class, or a function that makes one, got a Half; give one.",
        ),
        (
            "nothing",
            {},
            "must be a landscape or run of hillopt, its class, or a function that makes one, got a dict; give one.",
        ),
        ("broken", {}, "`--hill=MINE:broken` fails (ZeroDivisionError: division by zero); mend it."),
    ],
)
def test_what_is_no_landscape_is_refused_in_one_sentence(mine, name, numbers, message):
    with pytest.raises(ValueError, match=re.escape(message.replace("MINE", mine))):
        named.hill(f"{mine}:{name}", numbers)


def test_a_module_that_fails_is_told_with_its_error(tmp_path, monkeypatch):
    (tmp_path / "unfinished_module.py").write_text("def half(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ValueError, match=r"^`--hill=unfinished_module:half`: .* cannot be imported \(SyntaxError: .*\); mend"
    ):
        named.hill("unfinished_module:half", {})


def test_a_sweep_of_ones_own_world_is_saved_and_repeated(mine, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sweep, "set_up", lambda settings: None)
    settings = sweep.Settings(
        hill=f"{mine}:Slide",
        optimizer=f"{mine}:Half",
        question=f"{mine}:Walked.HowFar",
        question_numbers={"times": 10.0},
        axis=("learning_rate:list:0.1,0.2", "steepness:list:1,3"),
        max_steps=4,
        out=tmp_path,
    )
    sweep.main(settings)
    assert "Distances of Half on Slide" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "Half").iterdir()) == [
        "data.zarr",
        "phase.pdf",
        "phase.png",
        "settings.json",
    ]
    assert json.loads((tmp_path / "Half" / "settings.json").read_text())["settings"]["hill"] == f"{mine}:Slide"
    again = command.parse([f"--settings={tmp_path / 'Half'}"], sweep.Settings, sweep.PRESETS, sweep.tiny)
    assert dataclasses.replace(again, out=tmp_path) == settings
    data = sweep.sweep(again, tmp_path, None)
    np.testing.assert_allclose(data["far"], np.outer([0.1, 0.2], [1, 3]) * 10 * 4 / 2)


@pytest.mark.parametrize(
    ("name", "optimizer", "fixed", "expected"),
    [
        ("trained", "own", {}, ho.HeavyBall(0.1, 0.5)),
        ("trained", "own", {"momentum": 0.75}, ho.HeavyBall(0.1, 0.75)),
        ("run", "own", {}, ho.HeavyBall(0.1, 0.5)),
        ("run", "gradient_descent", {}, ho.GradientDescent(0.1)),
    ],
)
def test_a_network_of_ones_own_is_trained_by_its_optimizer_or_another(mine, name, optimizer, fixed, expected):
    settings = sweep.Settings(
        hill=f"{mine}:{name}",
        optimizer=optimizer,
        fixed=fixed,
        question="trainability",
        axis=("learning_rate:list:0.1,0.2", "seed:list:0,3"),
        max_steps=3,
    )
    run, none = asked.world_of(settings)
    assert none is None
    rate = {"learning_rate": 0.1}
    assert run.replace(**rate).optimizer == expected
    module = importlib.import_module(mine)
    by_hand = ho.network_run(module.line, module.data, expected)
    np.testing.assert_array_equal(ho.loss_curve(run.replace(**rate), max_steps=3), ho.loss_curve(by_hand, max_steps=3))


def test_a_walk_of_ones_own_is_told(mine, tmp_path, capsys):
    trajectory.main(
        trajectory.Settings(
            hill=f"{mine}:slide", optimizer=f"{mine}:half", hyperparameters={}, num_steps=3, out=tmp_path
        )
    )
    printed = capsys.readouterr().out
    assert "Half on Slide, steepness = 2, learning_rate = 0.25, 3 steps, float64" in printed
    assert "f = -1.5 after 3 steps" in printed
