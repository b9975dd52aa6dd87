"""Published results of gradient descent on small models, and the command that repeats them."""

import dataclasses
import functools
import itertools
import math
import re

import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt import theory
from launch import reproduce
from launch.published import RESULTS

QUICK = ("original", "cycle", "roots", "catapult")


@pytest.mark.parametrize(
    "result",
    [pytest.param(each, marks=[] if each.name in QUICK else [pytest.mark.slow], id=each.name) for each in RESULTS],
)
def test_every_published_number_is_repeated(result):
    if result.run is None:
        assert result.about
        return
    assert [check for check in result.run().checks if not check.holds] == []


@pytest.mark.parametrize(("rate", "curvature"), [(1.9, 0.96695), (2.1, 0.86744), (2.5, 0.50151), (3.99, None)])
def test_gradient_descent_on_a_product_is_the_catapults_map(rate, curvature):
    hill, steps = ho.Factorisation.catapult(1.0, 1.0, 500.0), 400
    positions = ho.trajectory(hill, ho.GradientDescent(rate), max_steps=steps).position
    walk, curvatures = np.asarray(positions), np.asarray(hill.curvature(positions))
    f, l = 1.0, 1.0  # noqa: E741
    for position, found in zip(walk[1:60], curvatures[1:60], strict=True):
        f, l = theory.catapult_map(f, l, rate, 500.0)  # noqa: E741
        assert np.prod(position) / math.sqrt(500) == pytest.approx(f, rel=1e-9, abs=1e-12)
        assert found == pytest.approx(l, rel=1e-9)
    assert np.isfinite(walk[-1]).all()
    assert curvature is None or curvatures[-1] == pytest.approx(curvature, abs=5e-6)


def test_the_catapult_diverges_beyond_four():
    walk = ho.trajectory(ho.Factorisation.catapult(), ho.GradientDescent(4.01), max_steps=400)
    assert not np.isfinite(walk.position[-1]).all()


@pytest.mark.parametrize(("output", "curvature", "width"), [(1.0, 1.0, 500.0), (-0.5, 2.0, 4.0), (0.0, 3.0, 1.0)])
def test_the_catapult_begins_where_it_is_told(output, curvature, width):
    hill = ho.Factorisation.catapult(output, curvature, width)
    assert float(hill.u * hill.v) / math.sqrt(width) == pytest.approx(output, abs=1e-13)
    assert float(hill.curvature(hill.start)) == pytest.approx(curvature)


def test_a_layer_whose_output_is_large_is_not_flat():
    message = "`curvature` must be at least 2 output / sqrt(width), 0.2, got 0.1; give more."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ho.Factorisation.catapult(1.0, 0.1, 100.0)


@pytest.mark.parametrize("a", [0.3, 0.9, 1.1, 1.5])
def test_gradient_descent_on_a_square_is_the_cubic_map(a):
    walk = np.asarray(ho.trajectory(ho.QuadraticRegression(2.0, 0.7), ho.GradientDescent(a / 2), max_steps=20).position)
    residuals = a / 2 * (walk**2 / 2 - 2.0)
    for before, after in itertools.pairwise(residuals):
        assert after == pytest.approx(float(theory.regression_map(before, a)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("threshold", "polynomial"),
    [
        (
            theory.MONOTONE,
            lambda a: a**2 + 4 * a - 4,
        ),  # z goes to -z somewhere: the discriminant of z² + (a - 2) z + 2 - 2 a
        (theory.CATAPULT, lambda a: (1 - 2 * a) + 1),  # the map's slope at 0 is -1
        (theory.DOUBLED, lambda a: a**2 + 2 * a - 4),
    ],
)
def test_phases_end_where_their_equations_say(threshold, polynomial):
    assert polynomial(threshold) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("target", "u", "v"), [(1.0, 3.0, 0.5), (-0.7, 2.0, 1.0), (2.0, 0.5, 0.4), (0.5, 1.5, -2.0)])
@pytest.mark.parametrize(("share", "converges"), [(0.99, True), (1.01, False)])
def test_a_product_converges_up_to_its_critical_rate(target, u, v, share, converges):
    rate = share * float(theory.critical_factorisation_rate(target, u, v))
    for _ in range(2_000):
        error = u * v - target
        u, v = u - rate * error * v, v - rate * error * u
        if not abs(u) + abs(v) < 1e6:
            break
    assert (abs(u * v - target) < 1e-6) == converges


def test_edges_are_where_walks_leave_the_bowl():
    tiny = 1e-6
    for optimizer, edge in [
        (ho.GradientDescent, 2.0),
        (lambda rate: ho.HeavyBall(rate, 0.5), float(1 / theory.stable_sharpness(1.0, 0.5)) * 9.0),
        (lambda rate: ho.Adam(rate, 0.9, 0.9, eps=1.0), 38.0),
    ]:
        walk = ho.trajectory(ho.QuadraticBowl(1.0, tiny), optimizer(edge * np.array([0.97, 1.03])), max_steps=2_000)
        stays = np.abs(np.asarray(walk.position[-1])) < tiny
        np.testing.assert_array_equal(stays, [True, False])
    assert theory.adam_stable_sharpness(0.1) == pytest.approx(380)


@pytest.mark.parametrize("hill", [ho.QuadraticBowl(2.0), ho.Factorisation(0.5, 0.2, 3.0), ho.QuadraticRegression(2.0)])
def test_losses_are_asked_of_them_over_every_number(hill):
    axes = {name: [float(value), float(value) + 0.5] for name, value in hill.hyperparameters().items()}
    data = ho.sweep(ho.Loss(3), hill, ho.GradientDescent(0.1), axes)
    last = {name: values[-1] for name, values in axes.items()}
    alone = ho.ask(ho.Loss(3), hill.replace(**last), ho.GradientDescent(0.1))
    np.testing.assert_allclose(data.loss.values.ravel()[-1], alone.loss, rtol=1e-12)


def test_the_list_names_every_result_and_writes_nothing(tmp_path, capsys):
    reproduce.main(reproduce.Settings(list=True, out=tmp_path))
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == [result.name for result in RESULTS]
    assert not list(tmp_path.iterdir())


def test_a_number_that_is_off_is_told_and_ends_the_command_with_1(tmp_path, capsys, monkeypatch):
    (result,) = reproduce.chosen_of(["roots"])
    found = result.run()
    off = dataclasses.replace(result, run=lambda: found._replace(checks=[found.checks[0]._replace(published=2.0)]))
    monkeypatch.setattr(reproduce, "RESULTS", [off])
    monkeypatch.setattr(reproduce, "set_up", lambda settings: None)
    with pytest.raises(SystemExit) as ended:
        reproduce.main(reproduce.Settings(out=tmp_path))
    assert ended.value.code == 1
    assert "DIFFERS" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "published").iterdir()) == [
        "checks.csv",
        "roots.pdf",
        "roots.png",
        "settings.json",
    ]


@pytest.mark.parametrize(("make", "end"), [(ho.Adam, 1.0), (functools.partial(ho.from_optax, optax.amsgrad), -1.0)])
def test_adam_goes_the_wrong_way_and_amsgrad_the_right_one(make, end):
    numbers = {"learning_rate": 0.02, "b1": 0.0, "b2": 1 / 226, "eps": 1e-8}
    losses = ho.loss_curve(ho.OnlineRun(make(**numbers)), max_steps=600)
    np.testing.assert_allclose(3 * np.asarray(losses)[-9:] / 13 - 1, end, atol=0.05)
    short = ho.ask(ho.Trainability(max_steps=30), ho.OnlineRun(make(**numbers), 15.0, 0.5), None)
    assert short.loss == pytest.approx(float(ho.loss_curve(ho.OnlineRun(make(**numbers), x=0.5), max_steps=30)[-1]))


def test_the_online_walk_is_a_plain_loops():
    x, v, losses = 0.3, 0.0, []
    for step in range(1, 40):
        losses.append(13 * (x + 1) / 3)
        slope = 15.0 if step % 3 == 1 else -1.0
        v = v / 226 + (1 - 1 / 226) * slope**2
        x = min(1.0, max(-1.0, x - 0.05 * slope / math.sqrt(v / (1 - 226.0**-step))))
    run = ho.OnlineRun(ho.Adam(0.05, 0.0, 1 / 226), x=0.3)
    np.testing.assert_allclose(ho.loss_curve(run, max_steps=39), losses, rtol=1e-9)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("run", "max_steps", "message"),
    [
        (ho.Adam(0.1), 3, "`run` must be a run of hillopt, got Adam("),
        (
            ho.WalkRun(ho.QuadraticBowl(), ho.Adam(np.array([0.1, 0.2]))),
            3,
            "`run` must be one run, got numbers of the shape (2,)",
        ),
        (ho.OnlineRun(ho.Adam(0.1), 1.0), 3, "`OnlineRun(cost=...)` must lie in (2, inf), got 1;"),
        (ho.OnlineRun(ho.Adam(0.1)), 0, "`max_steps` must lie between 1 and"),
    ],
)
def test_losses_are_of_one_run(run, max_steps, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ho.loss_curve(run, max_steps=max_steps)
