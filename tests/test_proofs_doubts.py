"""What a ball leaves open is ambiguous, what it decides is not, and what has no rule is never certain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from operations import DTYPES, vector

from hillopt.proofs import Ball, bounded, radii, rounded

COMPARISONS = {
    "lt": lambda x: x < 1,
    "le": lambda x: x <= 1,
    "gt": lambda x: x > 1,
    "ge": lambda x: x >= 1,
    "eq": lambda x: x == 1,
    "ne": lambda x: x != 1,
    "sign": lambda x: jnp.sign(x - 1),
    "in a nested jit": jax.jit(lambda x: jax.jit(lambda x: x * 2 < 2)(x)),
    "in a branch": lambda x: jax.lax.cond(True, lambda x: x < 1, lambda x: x < 9, x),
    "in one of two": lambda x: (x < 1) | (x < 9),
    "of a vector": lambda x: vector(x, x + 5) < 1,
    "that chooses": lambda x: jnp.where(x < 1, -1.0, 1.0),
}


DOUBTS = [  # midpoint, radius, whether it can lie on either side of 1
    (1.0005, 0.001, True),
    (0.9995, 0.001, True),
    (1.0, 1e-6, True),
    (1.5, np.inf, True),
    (1.5, np.nan, True),
    (np.nan, 0.0, True),
    (np.nan, np.inf, True),
    (1.0005, 0.0001, False),
    (0.9995, 0.0001, False),
    (2.0, 0.5, False),
]


@pytest.mark.parametrize("compare", COMPARISONS.values(), ids=COMPARISONS)
def test_a_comparison_inside_its_radius_is_ambiguous(compare):
    midpoint, radius, expected = np.array(DOUBTS, np.float32).T
    _, ambiguous = jax.vmap(bounded(compare))(Ball(midpoint, radius))
    np.testing.assert_array_equal(ambiguous, expected != 0)


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne", "in a branch", "that chooses"])
def test_a_tie_of_exact_numbers_is_clear(name):
    assert not bounded(COMPARISONS[name])(jnp.float32(1))[1]


def test_ambiguity_is_told_lane_by_lane():
    balls = Ball(jnp.array([0.5, 1.0, 1.5]), jnp.array([0.1, 0.1, 0.1]))
    _, ambiguous = jax.vmap(bounded(lambda x: x < 1))(balls)
    np.testing.assert_array_equal(ambiguous, [False, True, False])


UNKNOWN = {
    "lgamma": jax.lax.lgamma,
    "bessel": jax.lax.bessel_i1e,
    "in a loop": lambda x: jax.lax.fori_loop(0, 3, lambda _, x: jax.lax.lgamma(x + 1), x),
    "solve": lambda x: jnp.linalg.solve(jnp.eye(2, dtype=x.dtype) * x, vector(x, x)),
}
UNKNOWN_DECISIONS = {
    "bits": lambda x: jax.lax.bitcast_convert_type(x, jnp.int32),
    "a complex number": lambda x: jnp.fft.fft(vector(x, x)),
    "a comparison of what is unknown": lambda x: jax.lax.lgamma(x) < 7,
}
DECISIONS = {  # of a ball around 1.5 that reaches from 0.5 to 2.5
    "isfinite of an overflow": lambda x: jnp.isfinite(jnp.exp(100 * x)),
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": jnp.round,
    "to an integer": lambda x: x.astype(jnp.int32),
    "rem": lambda x: jax.lax.rem(x, jnp.float32(1)),
    "argmax": lambda x: jnp.argmax(vector(x, 0 * x + 2)),
    "argmin": lambda x: jnp.argmin(vector(x, 0 * x + 2)),
    "argsort": lambda x: jnp.argsort(vector(x, 0 * x + 2)),
    "top_k": lambda x: jax.lax.top_k(vector(x, 0 * x + 2, 0 * x), 1),
    "a loop's end": lambda x: jax.lax.while_loop(lambda n: n < x, lambda n: n + 1, jnp.float32(0)),
    "in a loop": lambda x: jax.lax.fori_loop(0, 3, lambda _, y: jnp.where(x > 2, y, y + 1), jnp.float32(0)),
    "in a scan": lambda x: jax.lax.scan(lambda y, z: (y, z > 2), x, vector(x, x))[1],
}


@pytest.mark.parametrize("function", UNKNOWN.values(), ids=UNKNOWN)
def test_a_primitive_without_a_rule_has_an_infinite_radius(function):
    result, _ = bounded(function)(Ball(jnp.float32(1.5), jnp.float32(0.25)))
    np.testing.assert_array_equal(result.midpoint, function(jnp.float32(1.5)))
    assert np.all(np.isinf(result.radius))


@pytest.mark.parametrize("function", UNKNOWN_DECISIONS.values(), ids=UNKNOWN_DECISIONS)
def test_a_decision_without_a_rule_is_ambiguous(function):
    assert bounded(function)(Ball(jnp.float32(1.5), jnp.float32(0.25)))[1]


@pytest.mark.parametrize("function", DECISIONS.values(), ids=DECISIONS)
def test_what_a_ball_leaves_open_is_ambiguous_and_what_it_decides_is_not(function):
    assert bounded(function)(Ball(jnp.float32(1.5), jnp.float32(1.0)))[1]
    if function is not DECISIONS["isfinite of an overflow"]:
        assert not bounded(function)(Ball(jnp.float32(1.375), jnp.float32(0.0625)))[1]


@pytest.mark.parametrize("base", [Ball(jnp.float32(0)), rounded(jnp.float32(0))], ids=["exact", "rounded"])
@pytest.mark.parametrize("count", [jnp.float32(1), jnp.float32(40), jnp.int32(1), jnp.int32(40)])
def test_a_power_of_zero_is_exact(base, count):
    power, ambiguous = bounded(lambda base, count: base**count)(base, count)
    assert (power.midpoint, radii(power), bool(ambiguous)) == (0, 0, False)


OVERFLOWS = {
    "narrow": lambda x: x.astype(jnp.float32),
    "exp": jnp.exp,
    "mul": lambda x: x * x,
    "add": lambda x: x + x,
}


@pytest.mark.parametrize("function", OVERFLOWS.values(), ids=OVERFLOWS)
def test_an_overflow_is_never_certain(function):
    assert bounded(lambda x: function(x) > 1)(jnp.float64(1.7e308))[1]


def test_an_infinite_constant_is_exact():
    """The endless flank's height, in the walk's dtype."""
    assert not bounded(lambda x: x < jnp.float64(np.inf).astype(jnp.float32))(Ball(jnp.float32(3), jnp.float32(1)))[1]


def test_a_bool_becomes_an_exact_number():
    result, ambiguous = bounded(lambda x: (x > 0).astype(jnp.float32) * x)(Ball(jnp.float32(3), jnp.float32(1)))
    assert (result.midpoint, float(result.radius), bool(ambiguous)) == (3, pytest.approx(1, rel=1e-5), False)


def test_zero_to_an_uncertain_power_is_not_exact():
    """0**0 is 1 and 0**0.25 is 0."""
    result, _ = bounded(lambda x, y: x**y)(jnp.float32(0), Ball(jnp.float32(0), jnp.float32(0.5)))
    assert not result.radius < 1


def test_a_custom_reverse_derivative_does_not_stop_the_bound():
    @jax.custom_vjp
    def third(x):
        return x / 3

    third.defvjp(lambda x: (x / 3, None), lambda _, cotangent: (cotangent / 3,))
    result, _ = bounded(third)(Ball(jnp.float32(1.5), jnp.float32(0.25)))
    assert (result.midpoint, result.radius >= 0.25 / 3) == (0.5, True)


def test_what_was_chosen_leaves_as_a_ball_like_any_other():
    """In a state it would be of another type after the first step."""
    (greatest, rows), _ = bounded(
        lambda x: (jnp.maximum(x, 1), jax.lax.scan(lambda c, _: (c, jnp.minimum(c, 1)), x, length=2)[1])
    )(Ball(jnp.float64(3), jnp.float64(0.5)))
    assert (type(greatest), type(rows)) == (Ball, Ball)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_an_infinite_number_is_exact(dtype):
    """The height of a flank that never ends, given as a number."""
    endless = rounded(jnp.asarray(np.inf, dtype))
    assert float(endless.radius) == 0
    for compare, expected in ((lambda x, h: x < h, True), (lambda x, h: x >= h, False)):
        told, ambiguous = bounded(compare)(Ball(dtype(3), dtype(1)), endless)
        assert (bool(told), bool(ambiguous)) == (expected, False)
    least, _ = bounded(jnp.minimum)(Ball(dtype(3), dtype(1)), endless)
    assert (float(least.midpoint), float(least.radius)) == (3, 1)
    assert bounded(lambda x, h: x < h)(Ball(dtype(np.inf), dtype(np.inf)), endless)[1]
