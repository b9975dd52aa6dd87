"""Closed forms against published values, and against walks."""

import re
import warnings

import numpy as np
import pytest
from scipy import integrate

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


@pytest.mark.parametrize(("b1", "low", "high"), [(0.9, 0.793, 1.119), (0.99, 0.979, 1.011), (0.999, 0.998, 1.001)])
def test_small_steps_alone_do_not_reach_the_law_b1_near_1_does(b1, low, high):
    """By where the step over the valley lands the ratio runs through one range, however small the learning rate is."""
    landings = np.linspace(1e-3, 1 - 1e-3, 101)
    for steps in (1e4, 1e7):
        rates = 1 / (steps + landings)
        ratios = theory.adam_first_overshoot(rates, b1) / theory.small_step_height(rates, b1)
        assert (ratios.min(), ratios.max()) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("b1", "low", "high"), [(0.9, 0.793, 1.119), (0.99, 0.979, 1.011)])
def test_so_does_the_critical_height_itself(b1, low, high):
    rates = 1 / (3000 + np.linspace(1e-3, 1 - 1e-3, 64))
    heights = ho.critical_height(ho.TentHill(), ho.Adam(rates, b1))
    assert np.all(heights.settled)
    ratios = np.asarray(heights.critical_height) / theory.small_step_height(rates, b1)
    assert (ratios.min(), ratios.max()) == pytest.approx((low, high), abs=1e-3)


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


def integrated_double_well_time(temperature, height):
    """By adaptive quadrature in two dimensions."""
    energy = lambda x: height * (x**2 - 1) ** 2 / temperature  # noqa: E731
    return integrate.dblquad(lambda z, y: np.exp(energy(y) - energy(z)), -1, 1, -np.inf, lambda y: y)[0] / temperature


@pytest.mark.parametrize(("temperature", "height"), [(0.1, 0.25), (3.0, 0.25)])
def test_the_double_wells_time_is_the_integral_when_it_is_hot_too(temperature, height):
    exact = integrated_double_well_time(temperature, height)
    assert theory.double_well_passage_time(temperature, height) == pytest.approx(exact, rel=1e-5)


def test_the_double_wells_time_broadcasts_and_only_the_ratio_counts():
    times = theory.double_well_passage_time(np.array([[0.1], [0.05]]), np.array([0.25, 0.5, 1.0]))
    assert times.shape == (2, 3)
    assert times[0, 1] == pytest.approx(theory.double_well_passage_time(0.05, 0.25) / 2)
    assert times[1, 2] == theory.double_well_passage_time(0.05, 1.0)


def test_times_are_those_of_kramers_as_long_as_they_are_numbers():
    temperatures = np.geomspace(3.6e-4, 1e-2, 20)
    with warnings.catch_warnings(action="error"):
        times = theory.double_well_passage_time(temperatures)
        law = np.log(np.pi * np.sqrt(2)) + 0.25 / temperatures  # 2 pi / sqrt(V'' |V''|) e^(h / T), Kramers 1940
        np.testing.assert_allclose(np.log(times), law, rtol=0, atol=2 * temperatures.max())
        cold = np.array([1e-4, 1e-300])
        for time in (
            theory.double_well_passage_time(cold),
            theory.tent_passage_time(0.3, cold),
            theory.tent_crossing_time(0.3, cold),
        ):
            assert np.all(np.isposinf(time))


def test_a_crossing_of_a_low_hill_loses_no_digits():
    assert theory.tent_crossing_time(1.0, 1e12) == pytest.approx(2.0, rel=1e-10)
    assert theory.tent_passage_time(0.0, 0.1) == theory.tent_crossing_time(0.0, 0.1) == 0


@pytest.mark.parametrize("rate", [1e-300, 1e-12, 1e-3, 0.3, 1.0, 7.0, 1e300])
@pytest.mark.parametrize("beta", [0.0, 1e-300, 0.5, 0.999, 0.999999])
def test_overshoots_come_soon_whatever_the_numbers(rate, beta):
    for overshoot in (theory.adam_first_overshoot, theory.heavy_ball_first_overshoot):
        assert overshoot(rate, beta) >= -1e-15
    rise = theory.heavy_ball_first_overshoot(rate, beta)
    assert rise <= rate / (1 - beta) ** 2 + 1e-15


RATE = "`learning_rate` must lie in [2.22507e-308, inf), got {}; give a finite value inside that range."
FRACTION = "`{}` must lie in [0, 1), got {}; give a finite value inside that range."
BETA = "`{}` must lie in [0, 0.999999], got {}; give a finite value inside that range."
POSITIVE = "`{}` must lie in (0, inf), got {}; give a finite value inside that range."
NONNEGATIVE = "`{}` must lie in [0, inf), got {}; give a finite value inside that range."
OF_RATES = [
    theory.crossing_step,
    theory.descent_height,
    theory.adam_first_overshoot,
    theory.heavy_ball_first_overshoot,
    theory.small_step_height,
    lambda rate: theory.slope_in_learning_rate(0.1, rate),
    lambda rate: theory.temperature(rate, 1.0),
    lambda rate: theory.stationary_variance(rate, 1.0),
]
OF_TEMPERATURES = [
    theory.double_well_passage_time,
    lambda temperature: theory.tent_passage_time(0.3, temperature),
    lambda temperature: theory.tent_crossing_time(0.3, temperature),
]
REFUSED = [
    *((law, value, RATE.format(f"{value:g}")) for law in OF_RATES for value in (0.0, -1.0, 1e-310, np.nan, np.inf)),
    *(
        (law, value, POSITIVE.format("temperature", f"{value:g}"))
        for law in OF_TEMPERATURES
        for value in (0.0, -1.0, np.nan, np.inf)
    ),
    (lambda b1: theory.adam_first_overshoot(0.3, b1), 1.0, BETA.format("b1", 1)),
    (lambda b1: theory.adam_first_overshoot(0.3, b1), [0.5, -0.1], BETA.format("b1", -0.1)),
    (lambda b1: theory.adam_first_overshoot(0.3, b1), 1 - 1e-9, BETA.format("b1", 0.999999999)),
    (lambda eps: theory.adam_first_overshoot(0.3, eps=eps), -1.0, NONNEGATIVE.format("eps", -1)),
    (lambda b: theory.heavy_ball_first_overshoot(0.3, b), 1.0, BETA.format("momentum", 1)),
    (lambda b: theory.heavy_ball_first_overshoot(0.3, b), np.nan, BETA.format("momentum", "nan")),
    (lambda b1: theory.small_step_height(0.3, b1), 1.0, FRACTION.format("b1", 1)),
    (lambda h: theory.slope_in_learning_rate(h, 0.3), np.nan, "`height` must lie in (-inf, inf), got nan;"),
    (lambda s: theory.temperature(0.3, s), -1, NONNEGATIVE.format("noise", -1)),
    (lambda h: theory.tent_passage_time(h, 0.3), -1, NONNEGATIVE.format("height", -1)),
    (lambda h: theory.tent_crossing_time(h, 0.3), np.inf, NONNEGATIVE.format("height", "inf")),
    (lambda h: theory.double_well_passage_time(0.1, h), 0, POSITIVE.format("height", 0)),
    (
        lambda n: theory.double_well_passage_time(0.1, places=n),
        0,
        "`places` must be a whole number of at least 1, got 0;",
    ),
    (lambda s: theory.stationary_variance(0.1, s), -1, NONNEGATIVE.format("noise", -1)),
    (lambda k: theory.stationary_variance(0.1, 1, k), 0, POSITIVE.format("curvature", 0)),
    (lambda b: theory.stationary_variance(0.1, 1, 1, b), 1, FRACTION.format("momentum", 1)),
    (theory.largest_stable_rate, 0, POSITIVE.format("curvature", 0)),
    (lambda b: theory.largest_stable_rate(1, b), -0.5, FRACTION.format("momentum", -0.5)),
    (
        theory.descent_height,
        "fast",
        "`learning_rate` must be a number or an array of numbers, known when JAX traces, got 'fast';",
    ),
    (
        theory.descent_height,
        None,
        "`learning_rate` must be a number or an array of numbers, known when JAX traces, got None;",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("law", "value", "message"), REFUSED)
def test_numbers_out_of_range_are_refused_in_a_sentence(law, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        law(value)
