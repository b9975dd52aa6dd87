"""Trajectories: the original study's table, shapes, and what is refused."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho
from hillopt.front_door import check_steps
from launch import command, trajectory

ADAM = [0, 0.3, 0.6, 0.9, 1.2, 1.353483431418032, 1.4101842951299657]
ON_HALF = [1.3985127716140042, 1.3362158088702085, 1.2351152242311638, 1.1034768180909407]
BEYOND_041 = [1.5135207138708162, 1.6513878189412725, 1.8157221649197492, 2.000885800510925]
DESCENT = [0, 0.3, 0.6, 0.9, 1.2, 0.9, 1.2, 0.9, 1.2]


@pytest.mark.parametrize(
    ("optimizer", "height", "expected"),
    [
        (ho.Adam(0.3), 0.5, ADAM + ON_HALF),
        (ho.Adam(0.3), 0.41, ADAM + BEYOND_041),
        (ho.Adam(0.3), np.inf, ADAM + ON_HALF),
        (ho.GradientDescent(0.3), 0.3, DESCENT),
        (ho.GradientDescent(0.3), 0.19, [*DESCENT[:5], 1.5, 1.8, 2.1]),
    ],
)
def test_the_original_walks(optimizer, height, expected):
    walk = ho.trajectory(ho.TentHill(height), optimizer, max_steps=len(expected) - 1)
    np.testing.assert_allclose(walk.position, expected, rtol=0, atol=1e-14)


def test_gradient_descent_has_period_2():
    position = np.asarray(ho.trajectory(ho.TentHill(0.3), ho.GradientDescent(0.3), max_steps=1000).position)
    np.testing.assert_allclose(position[5:], position[3:-2], rtol=0, atol=1e-15)
    assert not np.any(np.isclose(position[4:], position[3:-1]))


@pytest.mark.parametrize(
    ("height", "rate", "b1", "shape"),
    [
        (0.5, 0.3, 0.9, ()),
        (0.5, np.full(4, 0.3), 0.9, (4,)),
        (0.5, np.full((3, 1), 0.3), np.full(2, 0.9), (3, 2)),
        (np.full(5, 0.5), 0.3, 0.9, (5,)),
        (np.full((5, 1, 1), 0.5), np.full((3, 1), 0.3), np.full(2, 0.9), (5, 3, 2)),
        (np.full((1,), 0.5), np.full((1, 1), 0.3), 0.9, (1, 1)),
        (0.5, np.full((2, 0), 0.3), 0.9, (2, 0)),
    ],
)
def test_arrays_broadcast_behind_the_time_axis(height, rate, b1, shape):
    walk = ho.trajectory(ho.TentHill(height), ho.Adam(rate, b1=b1), max_steps=6)
    expected = np.array(ADAM).reshape(7, *[1] * len(shape))
    assert {leaf.shape for leaf in jax.tree.leaves(walk)} == {(7, *shape)}
    np.testing.assert_allclose(walk.position, np.broadcast_to(expected, (7, *shape)), rtol=0, atol=1e-14)


def test_heights_and_rates_walk_each_on_their_own():
    heights, rates = np.array([0.19, 0.25, 0.5]), np.array([0.3, 0.07])
    walk = ho.trajectory(ho.TentHill(heights[:, None]), ho.HeavyBall(rates, momentum=0.8), max_steps=40)
    for (i, j), _ in np.ndenumerate(np.empty((3, 2))):
        optimizer = ho.HeavyBall(float(rates[j]), momentum=0.8)
        alone = ho.trajectory(ho.TentHill(float(heights[i])), optimizer, max_steps=40)
        np.testing.assert_array_equal(walk.position[:, i, j], alone.position)
        np.testing.assert_array_equal(walk.state.trace[:, i, j], alone.state.trace)


@pytest.mark.parametrize("optimizer", [ho.Adam(0.3), ho.HeavyBall(0.05), ho.Lion(0.07, weight_decay=1e-3)], ids=type)
def test_slope_and_state_are_those_at_each_position(optimizer):
    """Each entry makes the next one, from the start at rest on."""
    walk, hill = ho.trajectory(ho.TentHill(0.4), optimizer, max_steps=30), ho.TentHill(0.4)
    start = jax.tree.map(lambda leaf: leaf[0], walk)
    position, state = jax.vmap(optimizer.step)(walk.slope, walk.state, walk.position)
    assert start.position == 0
    assert jax.tree.all(jax.tree.map(np.array_equal, start.state, optimizer.init(jnp.zeros(()))))
    np.testing.assert_array_equal(walk.slope, jax.vmap(hill.slope)(walk.position))
    np.testing.assert_allclose(position[:-1], walk.position[1:], rtol=1e-14)
    jax.tree.map(lambda new, seen: np.testing.assert_allclose(new[:-1], seen[1:], rtol=1e-14), state, walk.state)


def test_a_longer_walk_begins_as_a_shorter_one():
    short, long = (ho.trajectory(ho.TentHill(0.4), ho.Adam(0.3), max_steps=n).position for n in (1, 50))
    assert short.shape == (2,)
    np.testing.assert_array_equal(short, long[:2])


@pytest.mark.parametrize(
    ("transform", "rate", "expected"),
    [
        (jax.jit, 0.3, ADAM),
        (jax.vmap, [0.3, 0.3], [ADAM, ADAM]),
        (jax.jacfwd, 0.3, np.array(ADAM) / 0.3),  # with the slopes given, a walk is proportional to the learning rate
    ],
    ids=["jit", "vmap", "jacfwd"],
)
def test_a_walk_can_be_transformed(transform, rate, expected):
    def walk(rate):
        return ho.trajectory(ho.TentHill(0.5), ho.Adam(rate), max_steps=6).position

    np.testing.assert_allclose(transform(walk)(jnp.asarray(rate)), expected, rtol=1e-12)


INTEGER = "`max_steps` must be an integer, got {}; give the walk at least one step."
BETWEEN = "`max_steps` must lie between 1 and 2147483647, got {}; give the walk at least one step."


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("num_steps", "message"),
    [
        (0, BETWEEN.format(0)),
        (-3, BETWEEN.format(-3)),
        (2**31, BETWEEN.format(2**31)),
        (2.5, INTEGER.format(2.5)),
        (10.0, INTEGER.format(10.0)),
        ("10", INTEGER.format("'10'")),
        (None, INTEGER.format(None)),
        ([10], INTEGER.format([10])),
    ],
)
def test_the_number_of_steps_is_a_positive_integer(num_steps, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ho.trajectory(ho.TentHill(0.3), ho.Adam(0.3), max_steps=num_steps)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_steps(num_steps, "max_steps")


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("num_steps", [3, np.int64(3), np.uint8(3), jnp.int32(3)])
def test_any_kind_of_integer_counts_steps(num_steps):
    assert ho.trajectory(ho.TentHill(0.3), ho.GradientDescent(0.3), max_steps=num_steps).position.shape == (4,)


@pytest.mark.parametrize("height", ["inf", "nan", "-1", "high"])
def test_the_command_refuses_a_height_that_no_hill_has(height):
    with pytest.raises(ValueError, match=r"^`--height` must be (a finite number|at least 0), got "):
        command.parse([f"--height={height}"], trajectory.Settings)


def test_a_title_names_optimizer_hill_and_every_number():
    settings = trajectory.Settings(height=0.4, num_steps=30)
    hill = trajectory.hill_of(settings)
    assert [trajectory.title_of(hill, walker, settings) for walker in trajectory.walkers_of(settings)] == [
        "Adam on TentHill, height = 0.4, learning_rate = 0.3, b1 = 0.9, b2 = 0.999, eps = 0, 30 steps, "
        "h* within 10,000, float64",
        "GradientDescent on TentHill, height = 0.4, learning_rate = 0.3, 30 steps, h* within 10,000, float64",
    ]


def test_what_is_flagged_is_not_called_proved():
    flagged, certified = (ho.critical_height(ho.TentHill(), ho.Adam(rate)) for rate in (0.01, 0.3))
    assert "proved: no walk" in trajectory.describe(certified)
    assert "proved" not in trajectory.describe(flagged)
    assert trajectory.describe(flagged).endswith("flagged: rounding decides")
