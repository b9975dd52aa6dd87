"""Labels under nudges of one unit in the last place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho

KEY = jax.random.key(3)


def test_labels_far_from_a_boundary_do_not_flip():
    answer = ho.stability(ho.TentHill(0.5), ho.GradientDescent(np.array([0.1, 0.3, 0.7])), KEY, max_steps=60)
    np.testing.assert_array_equal(answer.flipped, 0)
    np.testing.assert_array_equal(answer.verdict == ho.Verdict.ESCAPED, [False, False, False])


def test_on_a_knife_edge_some_nudges_flip_the_label():
    """lr = 1/8 lands on the valley exactly, and lr n on a height of 1/8 exactly: a smaller step falls short of it."""
    answer = ho.stability(ho.TentHill(0.125), ho.GradientDescent(0.125), KEY, num_repeats=200, max_steps=60)
    assert 0.2 < float(answer.flipped) < 0.95


@pytest.mark.slow
def test_nudges_are_of_one_unit_in_the_last_place():
    rate, repeats = 0.125, 50
    answer = ho.stability(ho.TentHill(0.125), ho.GradientDescent(rate), KEY, num_repeats=repeats, max_steps=12)
    (key,) = jax.random.split(KEY, 1)

    def nudged(value, number):
        step = np.asarray(jax.random.randint(jax.random.fold_in(key, number), (repeats,), -1, 2))
        return np.where(step == 0, value, np.nextafter(value, np.where(step > 0, np.inf, -np.inf)))

    heights, starts, rates = nudged(0.125, 0), nudged(0.0, 1), nudged(rate, 2)
    flips = 0
    for height, start, rate in zip(heights, starts, rates, strict=True):
        x, escaped = start, False
        for _ in range(12):
            x = x + rate if x <= 1 or x - 1 >= height else x - rate
            escaped |= x - 1 >= height
        flips += not escaped
    assert float(answer.flipped) == pytest.approx(flips / repeats)


@pytest.mark.slow
def test_on_the_fractal_boundary_labels_flip_and_inside_they_do_not():
    hill = ho.RoughBowl(0.2, 0.1, multiplicative=True)
    inside = ho.stability(hill, ho.GradientDescent(np.array([0.01, 1.4])), KEY, max_steps=300)
    np.testing.assert_array_equal(inside.flipped, 0)
    rates = 1.5 * np.arange(1, 257) / 256
    escapes = labels(hill, rates)
    low, high = (rates[edge:][: len(rates) - 1][escapes[1:] != escapes[:-1]] for edge in (0, 1))
    below = labels(hill, low)
    for _ in range(45):
        middle = (low + high) / 2
        same = labels(hill, middle) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    assert (high - low < 1e-15).all()
    assert (np.asarray(ho.stability(hill, ho.GradientDescent(low), KEY, max_steps=1000).flipped) > 0).mean() > 0.5


def labels(hill, rates):
    answer = ho.escape(hill, ho.GradientDescent(rates), max_steps=1000, climb=ho.PlainClimb())
    return np.asarray(answer.verdict) == ho.Verdict.ESCAPED


def test_a_start_may_be_swept():
    starts = np.array([-1.5, -0.2])
    optimizer, options = ho.HeavyBall(0.5, 0.9), {"max_steps": 100, "climb": ho.PlainClimb()}
    answer = ho.escape(ho.StartingAt(ho.DoubleWell(0.25), starts), optimizer, **options)
    np.testing.assert_array_equal(answer.verdict, [ho.Verdict.ESCAPED, ho.Verdict.UNDECIDED])
    for start, verdict in zip(starts, answer.verdict, strict=True):
        one = ho.escape(ho.StartingAt(ho.DoubleWell(0.25), float(start)), optimizer, **options)
        assert verdict == one.verdict
    moved = ho.StartingAt(ho.NarrowPass(0.3), (-1.2, 0.1))
    walk = ho.trajectory(moved, ho.GradientDescent(jnp.asarray(0.1)), max_steps=3)
    np.testing.assert_allclose(walk.position[0], [-1.2, 0.1])


def test_at_least_one_repeat_is_needed():
    with pytest.raises(ValueError, match=r"^`num_repeats` must be at least 1, got 0; 16 tell shares of a fifth\.$"):
        ho.stability(ho.TentHill(0.5), ho.GradientDescent(0.1), KEY, num_repeats=0)
