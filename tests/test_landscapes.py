"""The tent hill at its kinks, one unit in the last place before and behind them, and on the endless flank."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hillopt as ho

HEIGHTS = [0.1, 0.2, 0.3, 0.35, 0.41, 0.5, 1.0, 1.7, 3.3, 100.1]
DTYPES = [np.float32, np.float64]


def _around(place, dtype, ulps=3):
    """The numbers next to a place, in order, with the nearest one in the middle."""
    numbers = [dtype(place)]
    for _ in range(ulps):
        numbers = [np.nextafter(numbers[0], dtype(-np.inf)), *numbers, np.nextafter(numbers[-1], dtype(np.inf))]
    return jnp.array(numbers)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("height", [*HEIGHTS, np.inf])
def test_the_valley_belongs_to_the_way_down(height, dtype):
    position = _around(1, dtype)
    hill = ho.TentHill(dtype(height))
    slope, value = jax.vmap(hill.slope)(position), jax.vmap(hill.value)(position)
    np.testing.assert_array_equal(slope, np.array([-1, -1, -1, -1, 1, 1, 1], dtype), strict=True)
    np.testing.assert_array_equal(value, np.abs(position - 1), strict=True)
    assert value[3] == 0
    assert not np.any(jax.vmap(hill.escaped)(position))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("height", HEIGHTS)
def test_the_crest_belongs_to_the_way_out(height, dtype):
    """Exactly: against rational arithmetic on the very numbers."""
    position, height = _around(dtype(1) + dtype(height), dtype), dtype(height)
    hill = ho.TentHill(height)
    out = [Fraction(x.item()) >= 1 + Fraction(height.item()) for x in position]
    assert 0 < sum(out) < len(out)
    np.testing.assert_array_equal(jax.vmap(hill.escaped)(position), out)
    np.testing.assert_array_equal(jax.vmap(hill.slope)(position), np.where(out, -1, 1).astype(dtype), strict=True)


def _elevation(x, h):
    return abs(x - 1) if x < 1 + h else 2 * h - (x - 1)


@pytest.mark.parametrize("height", HEIGHTS)
def test_the_value_is_that_of_the_tent(height):
    position = np.random.default_rng(3).uniform(-2, 3 + 3 * height, 200)
    expected = [float(_elevation(Fraction(x), Fraction(height))) for x in position]
    np.testing.assert_allclose(jax.vmap(ho.TentHill(height).value)(position), expected, rtol=1e-15, atol=1e-15)
    assert math.isclose(ho.TentHill(height).value(jnp.asarray(1 + height)), height, rel_tol=1e-13)


@pytest.mark.parametrize("height", [*HEIGHTS, np.inf])
def test_the_slope_is_the_derivative_of_the_value(height):
    position = np.random.default_rng(4).uniform(-2, 3 + 3 * min(height, 10), 200)
    hill = ho.TentHill(height)
    slope = jax.vmap(hill.slope)(position)
    np.testing.assert_array_equal(jax.vmap(jax.grad(hill.value))(position), slope)
    assert set(np.asarray(slope)) == {-1.0, 1.0}


@pytest.mark.parametrize("hill", [ho.TentHill(), ho.TentHill(0.3).at(np.inf)], ids=["default", "at inf"])
def test_the_endless_flank_rises_for_ever(hill):
    position = jnp.array([1.5, 1e6, 1e300, np.finfo(float).max])
    np.testing.assert_array_equal(jax.vmap(hill.slope)(position), 1.0)
    np.testing.assert_array_equal(jax.vmap(hill.value)(position), position - 1)
    assert not np.any(jax.vmap(hill.escaped)(position))


def test_a_hill_of_height_0_is_a_kink_to_step_over():
    position = _around(1, np.float64)
    hill = ho.TentHill(0.0)
    np.testing.assert_array_equal(jax.vmap(hill.slope)(position), -1.0)
    np.testing.assert_array_equal(jax.vmap(hill.escaped)(position), position >= 1)


def test_heights_are_leaves_to_map_over():
    heights, position = jnp.array(HEIGHTS), jnp.array([-0.5, 1.0, 1.2, 1.45, 2.5, 5.0])
    hills = ho.TentHill().at(heights)
    assert jax.tree.leaves(hills)[0] is heights
    for name in ("value", "slope", "rise", "escaped"):
        ask = getattr(ho.TentHill, name)
        grid = jax.vmap(jax.vmap(ask, in_axes=(None, 0)), in_axes=(0, None))(hills, position)
        alone = [[ask(ho.TentHill(height), x) for x in position] for height in HEIGHTS]
        np.testing.assert_array_equal(grid, alone)


@pytest.mark.slow
def test_escape_from_many_hills_at_once():
    """Heights need no vmap in the two questions: the height's shape is the answer's."""
    heights = np.array([[0.1, 0.41], [0.42, 3.0]])
    answer = ho.escape(ho.TentHill(heights), ho.Adam(0.3), max_steps=100)
    np.testing.assert_array_equal(answer.verdict == ho.Verdict.ESCAPED, [[True, True], [False, False]])
    np.testing.assert_array_equal(answer.step[0], [4, 6])
