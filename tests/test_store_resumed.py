"""Stores are gone on with where that is the same sweep, and only there: what was asked, of what, by which program."""

import json
import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray
from stores import (
    AXES,
    BRIEFLY,
    LOW,
    QUESTION,
    ROOT,
    TILES,
    Stopped,
    files,
    finished_tiles,
    forget_identity,
    stop_after,
    sweep,
)

import hillopt as ho
from hillopt.sweeps.identity import identity
from hillopt.sweeps.plan import make_plan


@pytest.fixture(scope="module")
def whole():
    return sweep()


def test_a_sweep_goes_on_where_it_stopped(whole, tmp_path):
    path = tmp_path / "s.zarr"
    with pytest.raises(Stopped):
        sweep(path, on_progress=stop_after(6))
    before = {name: file.stat().st_mtime_ns for name, file in files(path).items() if "c" in name.parts}
    assert 6 <= finished_tiles(path).sum() < TILES
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    after = files(path)
    assert all(after[name].stat().st_mtime_ns == then for name, then in before.items())
    assert finished_tiles(path).all()


def test_a_finished_sweep_is_read_and_not_walked(tmp_path):
    stored = sweep(tmp_path / "s.zarr").load()
    told: list[ho.Progress] = []
    xarray.testing.assert_identical(sweep(tmp_path / "s.zarr", resume=True, on_progress=told.append).load(), stored)
    assert [(progress.found, progress.cells) for progress in told] == [(55, 55)]


def test_resume_begins_what_is_not_there(whole, tmp_path):
    xarray.testing.assert_equal(sweep(tmp_path / "s.zarr", resume=True).load(), whole)


def test_a_store_that_was_half_begun_with_other_settings_is_refused(tmp_path):
    with pytest.raises(Stopped):
        sweep(tmp_path / "s.zarr", on_progress=stop_after(1))
    forget_identity(tmp_path / "s.zarr")
    with pytest.raises(ValueError, match=r"was half begun with other settings; remove it\.$"):
        sweep(tmp_path / "s.zarr", resume=True, tile=5)


DIFFERENCES = [
    ({"question": QUESTION.replace(max_steps=201)}, "question's max_steps=200, not 201"),
    ({"question": QUESTION.replace(heights=[0.1, 0.31])}, "question's heights=[0.1, 0.3], not [0.1, 0.31]"),
    ({"question": QUESTION.replace(climb=ho.BoundedClimb())}, "climb='PlainClimb', not 'BoundedClimb'"),
    ({"question": ho.Loss(200)}, "question='CriticalHeight', not 'Loss'"),
    ({"hill": ho.EndlessTent()}, "hill='TentHill', not 'EndlessTent'"),
    ({"optimizer": ho.Adam(0.1, eps=0.1)}, "optimizer's eps=0.0, not 0.1"),
    ({"optimizer": ho.Adam(0.1, b2=0.99)}, "optimizer's b2=0.999, not 0.99"),
    ({"optimizer": ho.AdamW(0.1)}, "optimizer='Adam', not 'AdamW'"),
    ({"dtype": "float32"}, "dtype='float64', not 'float32'"),
    ({"seed": 1}, "seed=0, not 1"),
    ({"tile": 5}, "tile=[1, 4], not [1, 5]"),
    ({"axes": {**AXES, "b1": ho.Axis.linear(0.1, 0.8, 5)}}, "axis b1=[0.1, 0.9, 5, 'linear', "),
    ({"axes": {**AXES, "b1": (0.1, 0.3, 0.50001, 0.7, 0.9)}}, "axis b1=[0.1, 0.9, 5, 'linear', "),
]


@pytest.mark.parametrize(("options", "message"), DIFFERENCES, ids=[row[1][:30] for row in DIFFERENCES])
def test_other_settings_are_refused_by_name_and_nothing_is_lost(options, message, whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    before = {name: file.stat().st_mtime_ns for name, file in files(path).items()}
    with pytest.raises(ValueError, match="was begun with ") as caught:
        sweep(path, resume=True, **options)
    assert message in str(caught.value)
    assert before == {name: file.stat().st_mtime_ns for name, file in files(path).items()}


@pytest.mark.parametrize(
    ("what", "message"), [("jax.__version__", "jax="), ("hillopt.sweeps.identity.MATHEMATICS", "mathematics=")]
)
def test_other_mathematics_are_refused(what, message, tmp_path, monkeypatch):
    sweep(tmp_path / "s.zarr")
    monkeypatch.setattr(what, "another" if "version" in what else 0)
    with pytest.raises(ValueError, match=f"was begun with {message}"):
        sweep(tmp_path / "s.zarr", resume=True)


def plain_descent(learning_rate):
    return ho.from_optax(lambda learning_rate: optax.sgd(learning_rate), learning_rate=learning_rate)


def hurried_descent(learning_rate):
    return ho.from_optax(
        lambda learning_rate: optax.chain(optax.scale(3.0), optax.sgd(learning_rate)), learning_rate=learning_rate
    )


def wave(constant):
    return ho.hill_from(lambda position, height: -height * constant * jnp.sin(position), height=1.0)


RATES = {"learning_rate": ho.Axis.linear(0.1, 0.5, 6)}
DESCENT = ho.GradientDescent(0.1)
SAME_NAMES = [
    (LOW, plain_descent(0.1), LOW, hurried_descent(0.1), "optimizer's program"),
    (wave(1.0), DESCENT, wave(2.0), DESCENT, "hill's program"),
]


@pytest.mark.parametrize(("hill", "optimizer", "other_hill", "other_optimizer", "message"), SAME_NAMES)
def test_what_differs_only_inside_a_function_is_refused(
    hill, optimizer, other_hill, other_optimizer, message, tmp_path
):
    """Two lambdas share one name, and what they close over has none."""
    options = {"question": BRIEFLY, "axes": RATES}
    sweep(tmp_path / "s.zarr", hill=hill, optimizer=optimizer, **options)
    with pytest.raises(ValueError, match=f"was begun with {message}='") as caught:
        sweep(tmp_path / "s.zarr", hill=other_hill, optimizer=other_optimizer, resume=True, **options)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("program=") == 1  # the whole differs too, which says nothing more


def test_functions_that_do_the_same_go_on(tmp_path):
    told: list[ho.Progress] = []
    for resume in (False, True):
        sweep(
            tmp_path / "s.zarr",
            RATES,
            question=BRIEFLY,
            hill=wave(1.0),
            optimizer=plain_descent(0.1),
            resume=resume,
            on_progress=told.append,
        )
    assert told[-1].found == 6


class ChildishDescent(ho.AbstractOptimizer):
    """Gradient descent, whose step depends on a function of its own."""

    learning_rate: float
    slowed: object = ho.static(default=jnp.tanh)

    def init(self, position):
        return ()

    def step(self, slope, state, position):
        return position - self.learning_rate * self.slowed(slope), state


def test_a_function_of_ones_own_that_is_another_is_refused(tmp_path):
    options = {"question": BRIEFLY, "axes": RATES, "hill": LOW}
    sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.tanh(slope)), **options)
    sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.tanh(slope)), resume=True, **options)
    with pytest.raises(ValueError, match="was begun with optimizer's program='"):
        sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.sin(slope)), resume=True, **options)


def test_a_number_given_or_left_to_its_default_is_the_same(whole, tmp_path):
    sweep(tmp_path / "s.zarr")
    given = ho.Adam(np.float64(0.7), b2=np.array(0.999), eps=0.0)  # the learning rate is an axis
    xarray.testing.assert_equal(sweep(tmp_path / "s.zarr", optimizer=given, resume=True).load(), whole)


def test_the_defaults_of_an_optax_factory_are_told_too(tmp_path):
    axes = {"learning_rate": ho.Axis.linear(0.1, 0.5, 4)}
    plain = ho.from_optax(optax.adam, learning_rate=0.1)
    sweep(tmp_path / "s.zarr", axes, question=BRIEFLY, hill=LOW, optimizer=plain)
    other = ho.from_optax(optax.adam, learning_rate=0.1, nesterov=True)
    with pytest.raises(ValueError, match="was begun with optimizer's nesterov=False, not True"):
        sweep(tmp_path / "s.zarr", axes, question=BRIEFLY, hill=LOW, optimizer=other, resume=True)


FINGERPRINTS = """
import json, sys, jax
jax.config.update("jax_enable_x64", True)
import numpy, optax
import hillopt as ho
from hillopt.sweeps.identity import identity
from hillopt.sweeps.plan import make_plan
descent = ho.from_optax(lambda learning_rate: optax.sgd(learning_rate), learning_rate=0.1)
hill = ho.hill_from(lambda position, height: -height * 1.5 * jax.numpy.sin(position), height=1.0)
plan = make_plan(ho.Escape(20, ho.PlainClimb()), hill, descent, {"learning_rate": [0.1, 0.2]})
print(json.dumps(identity(plan)))
"""


def test_the_identity_is_the_same_in_another_process():
    question, hill = ho.Escape(20, ho.PlainClimb()), wave(1.5)
    mine = identity(make_plan(question, hill, plain_descent(0.1), {"learning_rate": [0.1, 0.2]}))
    environment = {**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"}
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINTS], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == mine
