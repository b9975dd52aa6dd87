"""Noisy walks against exact passage times, stationary variances, and a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho
from hillopt import theory

KEY = jax.random.key(7)
OVERSHOOT = (
    0.5826  # -zeta(1/2) / sqrt(2 pi): a walk in steps of deviation s meets a level as if it lay this share of s higher
)


def tent(height, start=0.0):
    """The tent with its valley at 0, so that walks begin there."""
    return ho.hill_from(
        lambda x, h: jnp.where(x < h, jnp.abs(x), 2 * h - x), height, start=start, passed=lambda x, h: x - h
    )


@pytest.mark.parametrize(("height", "temperature"), [pytest.param(0.2, 0.1, marks=pytest.mark.slow), (0.1, 0.08)])
def test_the_mean_passage_over_the_tent_is_the_exact_one(height, temperature):
    rate, walks = 5e-4, 2_000
    noise = np.sqrt(2 * temperature / rate)
    assert theory.temperature(rate, noise) == pytest.approx(temperature)
    found = ho.first_passages(
        tent(height), ho.GradientDescent(rate), ho.GaussianNoise(noise), KEY, num_walks=walks, max_steps=60_000
    )
    assert bool(found.escaped.all())
    exact = theory.tent_passage_time(height + OVERSHOOT * rate * noise, temperature)
    error = float(found.step.std()) * rate / np.sqrt(walks)
    assert abs(ho.passage_time(found).value * rate - exact) < 4 * error


@pytest.mark.slow  # the engine is the tent's, and tests/test_theory.py has the exact time
def test_the_mean_passage_in_the_double_well_is_the_exact_one():
    rate, temperature, walks = 0.01, 0.1, 1_500
    noise = np.sqrt(2 * temperature / rate)
    well = ho.hill_from(
        lambda x, h: h * jnp.square(x * x - 1), 0.25, start=-1.0, passed=lambda x, h: x - 1 + OVERSHOOT * rate * noise
    )
    found = ho.first_passages(
        well, ho.GradientDescent(rate), ho.GaussianNoise(noise), KEY, num_walks=walks, max_steps=100_000
    )
    exact = theory.double_well_passage_time(temperature)
    error = float(found.step.std()) * rate / np.sqrt(walks)
    assert (
        abs(ho.passage_time(found).value * rate - exact) < 4 * error + 0.01 * exact
    )  # and a bias of the order of rate


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_variance_on_a_parabola_is_the_stationary_one(momentum):
    rate, curvature, noise = 0.3, 1.7, 0.5
    bowl = ho.hill_from(lambda x, h: h * x * x / 2, curvature, start=0.0, passed=lambda x, h: x * 0 - 1)

    @jax.jit
    def walk(key):
        optimizer = ho.HeavyBall(rate, momentum)

        def step(carry, key):
            position, state = carry
            slope = bowl.slope(position) + noise * jax.random.normal(key)
            return optimizer.step(slope, state, position), position

        start = jnp.zeros(())
        return jax.lax.scan(step, (start, optimizer.init(start)), jax.random.split(key, 400))[1][-1]

    places = np.asarray(jax.vmap(walk)(jax.random.split(KEY, 20_000)))
    expected = float(theory.stationary_variance(rate, noise, curvature, momentum))
    assert abs(places.var() - expected) < 4 * expected * np.sqrt(2 / len(places))


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_beyond_the_edge_of_stability_there_is_no_variance(momentum):
    edge = float(theory.largest_stable_rate(2.0, momentum))
    assert np.isinf(theory.stationary_variance(1.0001 * edge, 1.0, 2.0, momentum))
    bowl = ho.hill_from(lambda x, h: h * x * x / 2, 2.0, start=1.0, passed=lambda x, h: jnp.abs(x) - 1e6)
    rates = jnp.array([0.97, 1.03]) * edge
    np.testing.assert_array_equal(
        np.asarray(ho.escape(bowl, ho.HeavyBall(rates, momentum), max_steps=4000, climb=ho.PlainClimb()).verdict),
        [ho.Verdict.UNDECIDED, ho.Verdict.ESCAPED],
    )


# The engine


@pytest.mark.slow
def test_without_noise_a_walk_is_the_noiseless_one():
    hill, rates = ho.WedgeHill(0.2), np.array([0.1, 0.3, 0.45])
    found = ho.first_passages(hill, ho.HeavyBall(rates), ho.GaussianNoise(0.0), KEY, num_walks=3, max_steps=90)
    exact = ho.escape(hill, ho.HeavyBall(rates), max_steps=90)
    for walk in range(3):
        np.testing.assert_array_equal(found.escaped[:, walk], exact.verdict == ho.Verdict.ESCAPED)
        np.testing.assert_array_equal(found.step[:, walk], exact.step)


def test_any_sampler_serves_and_its_numbers_are_the_ones_added():
    def coin(key, slope):
        return jax.random.rademacher(key, slope.shape, slope.dtype)

    found = ho.first_passages(ho.TentHill(0.3), ho.GradientDescent(0.05), coin, KEY, num_walks=4, max_steps=40)
    for walk in range(4):
        key = jax.random.fold_in(jax.random.fold_in(KEY, 0), walk)
        position, highest, passage = 0.0, -1.0, 0
        for step in range(40):
            slope = 1.0 if position > 1 and position - 1 < 0.3 else -1.0
            position -= 0.05 * (slope + float(coin(jax.random.fold_in(key, step), jnp.zeros(()))))
            highest = max(highest, position - 1)
            if position - 1 >= 0.3:
                passage = step + 1
                break
        assert bool(found.escaped[walk]) == (passage > 0)
        assert int(found.step[walk]) == (passage or 40)
        assert float(found.highest[walk]) == pytest.approx(highest, abs=1e-12)


def test_a_walk_is_the_same_however_many_others_there_are():
    arguments = (ho.GradientDescent(0.05), ho.GaussianNoise(3.0))
    many = ho.first_passages(ho.TentHill(np.array([0.05, 0.5])), *arguments, KEY, num_walks=6_000, max_steps=60)
    few = ho.first_passages(ho.TentHill(0.5), *arguments, jax.random.fold_in(KEY, 1)[None], num_walks=7, max_steps=60)
    np.testing.assert_array_equal(many.step[1, :7], few.step.reshape(-1))


def test_more_walks_than_a_block_holds_keep_their_shape_and_their_keys():
    arguments = (ho.TentHill(np.array([0.05, 0.5])), ho.GradientDescent(0.05), ho.GaussianNoise(3.0))
    found = ho.first_passages(*arguments, KEY, num_walks=3_001, max_steps=100)
    again = ho.first_passages(*arguments, KEY, num_walks=3_001, max_steps=100)
    assert found.step.shape == (2, 3_001)
    np.testing.assert_array_equal(found.step, again.step)
    assert found.escaped[0].mean() > found.escaped[1].mean()
    other = ho.first_passages(*arguments, jax.random.key(8), num_walks=3_001, max_steps=100)
    assert not np.array_equal(found.step, other.step)


# Estimates


def passages(steps, escaped, highest=None):
    steps = jnp.asarray(steps)
    return ho.Passages(steps, jnp.asarray(escaped), jnp.zeros(steps.shape) if highest is None else jnp.asarray(highest))


def test_wilsons_interval_is_the_published_one():
    """Wilson's interval for 1 of 10 at 95 %: 0.0179 to 0.4042 (Newcombe 1998, table I's method 3)."""
    share, low, high = ho.escape_probability(passages(np.ones(10, int), np.arange(10) < 1))
    assert (float(share), float(low), float(high)) == pytest.approx((0.1, 0.0179, 0.4042), abs=1e-4)


def test_intervals_hold_as_often_as_they_say():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(400):
        found = ho.escape_probability(passages(np.ones(60, int), rng.random(60) < 0.3), confidence=0.9)
        hits += found.low <= 0.3 <= found.high
    assert 0.85 < hits / 400 < 0.95


def test_censored_walks_do_not_pull_the_mean_down():
    rng = np.random.default_rng(2)
    steps = rng.exponential(1000, 20_000)
    censored = passages(np.minimum(steps, 700).astype(int) + 1, steps < 700)
    estimate = ho.passage_time(censored)
    assert abs(estimate.value - 1000) < 4 * 1000 / np.sqrt((steps < 700).sum())
    assert estimate.low < 1000 < estimate.high
    assert np.minimum(steps, 700).mean() < 600  # what taking them for escapes would give
    assert np.isinf(ho.passage_time(passages([9, 9], [False, False])).value)


@pytest.mark.slow
def test_the_height_escaped_with_a_probability_is_where_escapes_are_so_frequent():
    optimizer, noise = ho.Adam(0.05), ho.GaussianNoise(1.0)
    endless = ho.first_passages(ho.TentHill(), optimizer, noise, KEY, num_walks=4_000, max_steps=150)
    height = ho.height_at_probability(endless, 0.3)
    assert height.low < height.value < height.high
    again = ho.first_passages(
        ho.TentHill(height.value), optimizer, noise, jax.random.key(5), num_walks=4_000, max_steps=150
    )
    estimate = ho.escape_probability(again, confidence=0.9999)
    assert estimate.low < 0.3 + 0.03
    assert estimate.high > 0.3 - 0.03


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"noise": ho.GaussianNoise(-1.0)},
            r"^`GaussianNoise\(scale=\.\.\.\)` must lie in \[0, inf\), got -1; give a finite value inside that range\.$",
        ),
        (
            {"noise": 0.3},
            r"^`noise` must be callable as noise\(key, slope\), got 0\.3; take GaussianNoise\(scale\)\.$",
        ),
        (
            {"noise": lambda key, s: jnp.zeros(3)},
            r"^`noise` must return an array of the slope's shape \(\), got \(3,\)",
        ),
        ({"num_walks": 0}, r"^`num_walks` must be at least 1, got 0; give a positive number\.$"),
        ({"max_steps": 0}, r"^`max_steps` must lie between 1 and 2147483647, got 0"),
        ({"hill": ho.TentHill(-1.0)}, r"^`height` must be finite and not negative, got -1"),
    ],
)
def test_bad_input_is_refused(changes, message):
    settings = {
        "hill": ho.TentHill(0.3),
        "optimizer": ho.GradientDescent(0.1),
        "noise": ho.GaussianNoise(1.0),
        "key": KEY,
        "num_walks": 4,
        "max_steps": 5,
    }
    with pytest.raises(ValueError, match=message):
        ho.first_passages(**{**settings, **changes})


def test_levels_must_be_probabilities():
    found = passages([1, 2], [True, False])
    with pytest.raises(ValueError, match=r"`probability` must be one number in \(0, 1\), got 1\.5"):
        ho.height_at_probability(found, 1.5)
    with pytest.raises(ValueError, match=r"`confidence` must be one number in \(0, 1\), got 95"):
        ho.escape_probability(found, confidence=95)
