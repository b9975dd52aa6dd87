"""Closed forms against published values, and against walks."""

import numpy as np
import pytest

import hillopt as ho
from hillopt import theory


@pytest.mark.parametrize(("rate", "height"), [(0.3, 0.2), (0.125, 0.125), (0.07, 0.05)])
def test_descent_rises_by_its_last_step_alone(rate, height):
    assert theory.descent_height(rate) == pytest.approx(height, abs=1e-15)
    assert float(ho.critical_height(ho.TentHill(), ho.GradientDescent(rate)).critical_height) == pytest.approx(
        height, abs=1e-15
    )


@pytest.mark.parametrize(
    ("rate", "b1", "first"),
    [(0.3, 0.9, 0.41018429512997), (0.35, 0.5, 0.05), (0.7, 0.5, 0.4), (0.35, 0.8, 0.1628726287)],
)
def test_adams_first_overshoot(rate, b1, first):
    assert theory.adam_first_overshoot(rate, b1) == pytest.approx(first, abs=1e-10)
    rise = np.asarray(ho.trajectory(ho.TentHill(), ho.Adam(rate, b1), max_steps=200).position) - 1
    peak = int(np.argmax((rise[1:-1] > 0) & (rise[2:] < rise[1:-1]))) + 1
    assert theory.adam_first_overshoot(rate, b1) == pytest.approx(rise[peak], abs=1e-13)


def test_eps_divides_the_learning_rate():
    assert theory.adam_first_overshoot(0.33, 0.9, eps=0.1) == pytest.approx(
        float(theory.adam_first_overshoot(0.3, 0.9))
    )


def test_heavy_balls_first_overshoot():
    assert theory.heavy_ball_first_overshoot(0.05, 0.9) == pytest.approx(0.50805298045, abs=1e-12)
    rise = np.asarray(ho.trajectory(ho.TentHill(), ho.HeavyBall(0.03, 0.8), max_steps=60).position) - 1
    peak = int(np.argmax((rise[1:-1] > 0) & (rise[2:] < rise[1:-1]))) + 1
    assert theory.heavy_ball_first_overshoot(0.03, 0.8) == pytest.approx(rise[peak], abs=1e-13)


@pytest.mark.parametrize("b1", [0.97, 0.99, 0.998])
def test_small_steps_reach_their_limit(b1):
    rate = 1e-5
    limit = float(theory.small_step_height(rate, b1))
    assert theory.adam_first_overshoot(rate, b1) == pytest.approx(limit, rel=2.5 * (1 - b1))


def test_the_slope_between_jumps_is_that_of_the_reference_and_of_finite_differences():
    height = float(ho.critical_height(ho.TentHill(), ho.Adam(0.3)).critical_height)
    assert theory.slope_in_learning_rate(height, 0.3) == pytest.approx(4.700614317, abs=1e-9)
    above, below = (float(ho.critical_height(ho.TentHill(), ho.Adam(0.3 + d)).critical_height) for d in (1e-6, -1e-6))
    assert theory.slope_in_learning_rate(height, 0.3) == pytest.approx((above - below) / 2e-6, abs=1e-7)


def test_passage_times_are_the_references():
    assert theory.tent_crossing_time(0.3, 0.1) == pytest.approx(7.444172, abs=1e-6)
    for temperature, time in [(0.1, 66.269), (0.05, 729.67), (0.03, 19486)]:
        assert theory.double_well_passage_time(temperature) == pytest.approx(time, rel=2e-5)


def test_the_time_to_the_crest_solves_its_equation():
    """T t'' - f' t' = -1 with t(h) = 0 and no slope far before the valley, by finite differences."""
    height, temperature, step = 0.3, 0.1, 1e-3
    x = np.round(np.arange(-3, height + step / 2, step), 9)  # with the kink at 0 exactly
    drift = -np.sign(x)
    matrix = np.diag(np.full(len(x), -2 * temperature / step**2))
    for offset, sign in ((1, 1), (-1, -1)):
        sides = temperature / step**2 + sign * drift / (2 * step)
        matrix += np.diag(sides[:-1] if offset == 1 else sides[1:], offset)
    matrix[0, 1] += temperature / step**2 - drift[0] / (2 * step)
    matrix[-1] = 0.0
    matrix[-1, -1] = 1.0
    times = np.linalg.solve(matrix, np.append(np.full(len(x) - 1, -1.0), 0.0))
    assert theory.tent_passage_time(height, temperature) == pytest.approx(np.interp(0, x, times), rel=2e-3)
