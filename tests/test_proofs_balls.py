"""Balls hold the exact result: every rule against 60-digit arithmetic."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from operations import CASES, COUNT, DTYPES, HALF, POSITIVE, SIGNED, SMALL, UNIT, UNOPTIMISED, log_uniform

from hillopt.jaxprs import equations
from hillopt.proofs import Ball, at_most, bounded, lower_end, midpoints, radii, rounded, upper_end
from hillopt.proofs.interpreter import CONTROL
from hillopt.proofs.rules import BALLS, RADII

NUM_BALLS = 180


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mpmath.workdps(60):
        yield


def _draw(kind, rng, dtype):
    """Midpoints and radii: exact, of a few units in the last place, or wide; a third each."""
    if kind == COUNT:
        return Ball(rng.integers(1, 300, NUM_BALLS).astype(np.int32))
    sign, positive = rng.choice([-1.0, 1.0], NUM_BALLS), 10.0 ** rng.uniform(-4, 4, NUM_BALLS)
    unit, small = 1 - 10.0 ** rng.uniform(-4, -0.5, NUM_BALLS), rng.uniform(-3, 3, NUM_BALLS)
    drawn = {POSITIVE: positive, SIGNED: sign * positive, UNIT: unit, SMALL: small, HALF: small / 6}
    midpoint = drawn[kind].astype(dtype)
    widest = {POSITIVE: -0.01, SIGNED: 1.0, UNIT: -2.0, SMALL: 1.0, HALF: 0.0}[kind]
    third, share = np.arange(NUM_BALLS) % 3, 10.0 ** rng.uniform(-6, widest, NUM_BALLS)
    share = np.select([third == 0, third == 1], [0.0, 3 * np.finfo(dtype).eps], share)
    return Ball(midpoint, (np.abs(midpoint) * share).astype(dtype))


def _inside(balls, lane, rng):
    """Exact arguments inside the input balls: their ends, their middles, and anywhere.

    The ends are drawn in by 0.1 %: the radii of a walk hold twice what they must, and part of that pays for their own
    rounding, which is what a radius of any other origin would lack.
    """
    ends = 1 - 2.0**-10
    number = len(balls)
    for places in (
        [-ends] * number,
        [ends] * number,
        rng.choice([-ends, 0, ends], number),
        rng.uniform(-ends, ends, number),
    ):
        yield [
            mpmath.mpf(ball.midpoint[lane].item()) + mpmath.mpf(float(place)) * mpmath.mpf(float(radii(ball)[lane]))
            for ball, place in zip(balls, places, strict=True)
        ]


def _is_inside(ball, lane, exact):
    midpoint, radius = (float(part[lane]) for part in ball)
    return not np.isfinite(radius) or abs(exact - mpmath.mpf(midpoint)) <= mpmath.mpf(radius)


@functools.cache
def _evaluate_all(dtype, **compiler_options):
    """All cases in one program, which compiles in half the time of one by one: arguments, results, ambiguities."""
    rng = np.random.default_rng(7)
    arguments = {name: [_draw(kind, rng, dtype) for kind in kinds] for name, (_, _, *kinds) in CASES.items()}

    def evaluate(arguments):
        return {name: jax.vmap(bounded(CASES[name][0]))(*balls) for name, balls in arguments.items()}

    results = jax.tree.map(np.asarray, jax.jit(evaluate, compiler_options=compiler_options)(arguments))
    return {name: (arguments[name], *results[name]) for name in CASES}


# In float64 the same rules hold walks of tests/test_honesty.py, by the charges that tests/test_proofs_charges.py measures.
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)], ids=DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_a_ball_holds_the_exact_result(name, dtype):
    balls, result, ambiguous = _evaluate_all(dtype)[name]
    balls = [Ball(ball.midpoint, np.asarray(radii(ball))) for ball in balls]
    rng = np.random.default_rng(8)
    sure = np.flatnonzero(~ambiguous & np.isfinite(result.radius))
    assert len(sure) >= NUM_BALLS // 2
    for lane in sure:
        for exact in _inside(balls, lane, rng):
            assert _is_inside(result, lane, CASES[name][1](*exact)), (lane, [ball.midpoint[lane] for ball in balls])


@pytest.mark.parametrize("name", CASES)
def test_exact_arguments_cost_roundings_only(name):
    """Sharpness: without it a radius of infinity would pass for every rule."""
    _, result, ambiguous = _evaluate_all(np.float32)[name]
    relative = result.radius[::3] / np.maximum(np.abs(result.midpoint[::3]), 1e-3)
    assert not np.any(ambiguous[::3])
    assert np.median(relative) < 20 * np.finfo(np.float32).eps


@functools.cache
def _computed_all():
    """What the functions themselves compute, operation by operation: optimised programs are free to fuse a multiply-add."""
    arguments = {name: midpoints(_evaluate_all(np.float32, **UNOPTIMISED)[name][0]) for name in CASES}
    run = jax.jit(
        lambda arguments: {name: jax.vmap(CASES[name][0])(*numbers) for name, numbers in arguments.items()},
        compiler_options=UNOPTIMISED,
    )
    return run(arguments)


@pytest.mark.parametrize("name", CASES)
def test_a_midpoint_is_what_the_function_computes(name):
    """Bit for bit."""
    _, result, _ = _evaluate_all(np.float32, **UNOPTIMISED)[name]
    np.testing.assert_array_equal(result.midpoint, _computed_all()[name], strict=True)


def test_every_rule_meets_a_case_with_a_radius():
    met = {"sign", "eq_to", "le_to", "eq", "ge"}  # see test_a_comparison_inside_its_radius_is_ambiguous
    met |= {"pcast", "pvary"}  # inside shard_map
    met |= {"lt_to", "polynomial"}  # of one version of JAX or another
    for function, _, *kinds in CASES.values():
        arguments = [_draw(kind, np.random.default_rng(0), np.float64).midpoint[0] for kind in kinds]
        met |= {equation.primitive.name for equation in equations(jax.make_jaxpr(function)(*arguments))}
    assert {*RADII, *BALLS, *CONTROL} - met == set()


TINY = 2.0**-126
UNDERFLOWS = {
    "exp": (jnp.exp, mpmath.exp, (-100.0, 0.0)),
    "exp of a wide ball": (jnp.exp, mpmath.exp, (-110.0, 50.0)),
    "integer power": (lambda x: x**3, lambda x: x**3, (1e-15, 0.0)),
    "integer power of a wide ball": (lambda x: x**-4, lambda x: x**-4, (1e10, 9.99e9)),
    "power of a beta in a wide ball": (lambda x: x**200, lambda x: x**200, (0.6, 0.25)),
    "power of a wide ball": (lambda x: x**-4.5, lambda x: x**-4.5, (1e10, 9.99e9)),
    "difference": (lambda x: x - TINY, lambda x: x - TINY, (1.5 * TINY, 0.0)),
    "product": (lambda x: x * x, lambda x: x * x, (1e-25, 0.0)),
    "quotient by a wide ball": (lambda x: 1e-20 / x, lambda x: mpmath.mpf("1e-20") / x, (1e20, 0.999999e20)),
}


@pytest.mark.parametrize("case", UNDERFLOWS.values(), ids=UNDERFLOWS)
def test_a_result_that_underflows_stays_in_its_ball(case):
    function, truth, (midpoint, radius) = case
    ball = Ball(np.float32([midpoint]), np.float32([radius]))
    result, _ = jax.vmap(bounded(function))(ball)
    for exact in _inside([ball], 0, np.random.default_rng(0)):
        assert _is_inside(result, 0, truth(*exact))


def test_balls_pass_through_pytrees():
    (out, nothing), _ = bounded(lambda tree: ({"a": tree["x"] + 1, "n": tree["n"] + 1}, None))(
        {"x": Ball(jnp.float32(1), jnp.float32(0.5)), "n": jnp.int32(3)}
    )
    assert nothing is None
    assert (out["a"].midpoint, out["n"]) == (2, 4)
    assert out["a"].radius == pytest.approx(0.5, rel=1e-5)


def test_a_clear_maximum_has_the_radius_of_the_greater():
    for one, other, radius in (
        ((3.0, 0.1), (1.0, 0.5), 0.1),
        ((1.0, 0.5), (3.0, 0.1), 0.1),
        ((1.0, 0.5), (1.2, 0.1), 0.5),
    ):
        greatest, _ = bounded(jnp.maximum)(*(Ball(jnp.asarray(m), jnp.asarray(r)) for m, r in (one, other)))
        assert float(greatest.radius) == radius


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_the_ends_of_a_ball_lie_outside_of_it(dtype):
    rng = np.random.default_rng(1)
    midpoint, radius = rng.normal(size=300).astype(dtype), log_uniform(rng, -12, 2, 300).astype(dtype)
    low, high = lower_end(Ball(midpoint, radius)), upper_end(Ball(midpoint, radius))
    for lane in range(300):
        m, r = mpmath.mpf(float(midpoint[lane])), mpmath.mpf(float(radius[lane]))
        assert float(low[lane]) <= m - r
        assert float(high[lane]) >= m + r
    assert upper_end(Ball(jnp.asarray(0.3))) == 0.3
    assert upper_end(Ball(jnp.asarray(np.nan), jnp.asarray(0.0))) == np.inf
    assert at_most(lambda x: x / 3, rounded(jnp.asarray(dtype(0.1)))) > dtype(0.1) / 3
