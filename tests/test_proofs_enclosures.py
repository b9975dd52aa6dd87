"""Enclosures hold the exact result wherever in wide intervals the arguments lie, and take both ways where a decision is open."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import optax
import pytest
from operations import CASES, COUNT, DTYPES, ELEMENTARY, POSITIVE, UNIT, UNOPTIMISED

from hillopt.proofs import Ball, Interval, enclosed, is_inside, rounded

NUM = 60
WIDTHS = (1e-6, 0.3, 3.0)


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mpmath.workdps(60):
        yield


def _draw(kind, rng, dtype):
    """Low and high ends: narrow ones, and such as hold 0 or reach far."""
    middle = {
        POSITIVE: 10.0 ** rng.uniform(-3, 3, NUM),
        UNIT: rng.uniform(0.3, 1, NUM),
        COUNT: rng.integers(1, 90, NUM),
    }
    middle = middle.get(kind, rng.uniform(-3, 3, NUM))
    width = np.abs(middle) * rng.choice(WIDTHS, NUM) * rng.uniform(0, 1, NUM)
    low, high = middle - width, middle + width
    if kind == "half":
        low, high = np.clip(low / 6, -0.6, 0.6), np.clip(high / 6, -0.6, 0.6)
    if kind in (POSITIVE, UNIT):
        low = np.abs(low)
        low, high = np.minimum(low, high), np.maximum(low, high)
    if kind == COUNT:
        return Interval(low.clip(1).astype(np.int32), high.astype(np.int32))
    return Interval(low.astype(dtype), high.astype(dtype))


@functools.cache
def _enclosed_all():
    """Elementary operations in float32, composed ones in float64; all in one program, operation by operation."""
    rng = np.random.default_rng(3)
    arguments = {
        name: [_draw(kind, rng, np.float32 if name in ELEMENTARY else np.float64) for kind in kinds]
        for name, (_, _, *kinds) in CASES.items()
    }

    def enclose(arguments):
        return {name: jax.vmap(enclosed(CASES[name][0]))(*each) for name, each in arguments.items()}

    results = jax.jit(enclose, compiler_options=UNOPTIMISED)(arguments)
    return arguments, jax.tree.map(np.asarray, results)


@pytest.mark.parametrize("name", CASES)
def test_an_enclosure_holds_the_exact_results_of_wide_intervals(name):
    arguments, results = (each[name] for each in _enclosed_all())
    rng = np.random.default_rng(4)
    for lane in range(NUM):
        ends = [(mpmath.mpf(low[lane].item()), mpmath.mpf(high[lane].item())) for low, high in arguments]
        for places in ([0] * len(ends), [1] * len(ends), rng.integers(0, 2, len(ends)), rng.uniform(0, 1, len(ends))):
            numbers = [low + (high - low) * mpmath.mpf(float(p)) for (low, high), p in zip(ends, places, strict=True)]
            if COUNT in CASES[name][2:]:
                numbers[-1] = mpmath.floor(numbers[-1])
            try:
                exact = mpmath.mpf(CASES[name][1](*numbers))
            except (ValueError, ZeroDivisionError, OverflowError, StopIteration, TypeError):
                continue
            low, high = (float(end[lane]) for end in results)
            assert low <= exact <= high, (numbers, low, high, exact)


OPEN = {name for name in CASES if name.startswith("derivative of")}
OPEN |= {
    "argmax",
    "argmin",
    "argsort",
    "loop until",
    "median",
    "polynomial",
    "top_k",
    "unstack",
}  # where even narrow intervals decide nothing


def test_narrow_intervals_stay_narrow():
    """Sharpness: without it the whole line would pass for every rule."""
    arguments, results = _enclosed_all()
    for name, (low, high) in results.items():
        narrow = np.all([(b - a) <= 1e-5 * np.abs(a) for a, b in arguments[name]], axis=0)
        if narrow.any() and COUNT not in CASES[name][2:] and name not in OPEN:
            assert np.all(np.isfinite(low[narrow]) & np.isfinite(high[narrow])), name
            assert np.median((high - low)[narrow] / np.maximum(np.abs(low[narrow]), 1)) < 1e-2, name


F, T = False, True
BOTH = (F, T)
UNDECIDED = {  # of x from 0.5 to 2.5: what comes out
    "comparison": (lambda x: x < 1, BOTH),
    "clear comparison": (lambda x: x < 3, (T, T)),
    "beside itself": (lambda x: jnp.isnan(x), (F, F)),
    "not": (lambda x: ~(x < 1), BOTH),
    "and with what is clear": (lambda x: (x < 1) & (x > 3), (F, F)),
    "or with what is clear": (lambda x: (x < 1) | (x > 0), (T, T)),
    "choice": (lambda x: jnp.where(x < 1, -1.0, 7.0), (-1, 7)),
    "branches": (lambda x: jax.lax.cond(x < 1, lambda: -1.0, lambda: 7.0), (-1, 7)),
    "clear branches": (lambda x: jax.lax.cond(x < 3, lambda: -1.0, lambda: 7.0), (-1, -1)),
    "switch": (lambda x: jax.lax.switch(x.astype(int), [lambda: 5.0, lambda: 1.0, lambda: 2.0, lambda: 9.0]), (1, 5)),
    "sign": (lambda x: jnp.sign(x - 1), (-1, 1)),
    "as a number": (lambda x: (x < 1).astype(float), (0, 1)),
    "whole number": (jnp.floor, (0, 2)),
    "to an integer": (lambda x: x.astype(jnp.int32), (0, 2)),
    "square of what holds 0": (lambda x: (x - 1) * 1 * 0 + jnp.square(jnp.floor(x) - 1), (0, 1)),
    "by itself": (lambda x: (lambda y: y * y)(jnp.floor(x) - 1), (0, 1)),
    "divided by what holds 0": (lambda x: 1 / (x - 1), (-np.inf, np.inf)),
    "divided by what begins at 0": (lambda x: 1 / jnp.floor(x), (0.5, np.inf)),
    "root of what may be negative": (lambda x: jnp.sqrt(jnp.floor(x) - 1), (-np.inf, np.inf)),
    "log of what begins at 0": (lambda x: jnp.log(jnp.floor(x) / 2), (-np.inf, 0)),
    "loop whose end is open": (lambda x: jax.lax.while_loop(lambda y: y < 2, lambda y: y + 1, x), (-np.inf, np.inf)),
    "loop": (lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y / 2, x), (0.0625, 0.3125)),
    "place of the greatest": (lambda x: jnp.argmax(jnp.stack([x, 2 + 0 * x])), None),
    "to a narrow integer": (lambda x: ((2**31 - 1) * x.astype(jnp.int64)).astype(jnp.int32), (-(2**31), 2**31 - 1)),
    "less than nothing": (lambda x: jnp.uint32(1) - x.astype(jnp.uint32), (0, 1)),
    "whole product": (lambda x: 3 * x.astype(int), (0, 6)),
    "whole quotient": (lambda x: jax.lax.div(7 * x.astype(int), 2), (0, 7)),
    "whole remainder": (lambda x: (5 + x.astype(int)) % 4, (0, 3)),
    "entry of a row": (lambda x: jnp.asarray([5.0, 1.0, 2.0, 9.0])[x.astype(int)], (1, 5)),
    "number put into a row": (
        lambda x: jax.lax.dynamic_update_slice(jnp.arange(4.0), 10 * x[None], (x.astype(int),))[2],
        (2, 25),
    ),
    "number put elsewhere": (
        lambda x: jax.lax.dynamic_update_slice(jnp.arange(4.0), 10 * x[None], (x.astype(int),))[3],
        (3, 3),
    ),
    "slope of the greater": (jax.grad(lambda x: jnp.maximum(x - 1, 0)), (0, 1)),
    "slope of the clearly greater": (jax.grad(lambda x: jnp.maximum(x, 0.25)), (1, 1)),
    "slope of the clearly lesser": (jax.grad(lambda x: jnp.minimum(3 * x, 0.25)), (0, 0)),
    "slopes of several": (jax.grad(lambda x: jnp.maximum(jnp.stack([x - 3, x, 2 * x]), 0.25).sum()), (3, 3)),
    "what has no rule": (lambda x: jax.lax.lgamma(x), (-np.inf, np.inf)),
}


@pytest.mark.parametrize(("function", "expected"), UNDECIDED.values(), ids=UNDECIDED)
def test_both_ways_of_an_undecided_choice_are_taken(function, expected):
    found = enclosed(function)(Interval(jnp.float64(0.5), jnp.float64(2.5)))
    if expected is None:
        assert found.low <= 0 < 1 <= found.high
    else:
        np.testing.assert_allclose(
            [np.asarray(end, float) for end in found], np.asarray(expected, float), rtol=1e-12, atol=1e-15
        )


MOST = 2**31 - 1


def _one_more(count):
    return jnp.where(count < MOST, count + 1, MOST)


def test_a_count_from_an_index_where_numbers_have_32_bits():
    """The greatest number without a sign fits no signed one of as many bits."""
    with jax.enable_x64(False):
        counts = Interval(jnp.uint32(4), jnp.uint32(2**32 - 1))
        after = enclosed(lambda count: count + jnp.uint32(1))(counts)
        assert (int(after.low), int(after.high)) == (5, 2**32 - 1)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_count_that_is_only_known_from_below(dtype):
    counts = Interval(jnp.int32(40), jnp.int32(MOST))
    after = enclosed(_one_more)(counts)
    assert (after.low, after.high) == (41, MOST)
    power = enclosed(lambda count: dtype(0.75) ** count.astype(dtype))(counts)
    assert power.low == 0
    assert 0.75**40 <= power.high <= 0.75**40 * (1 + 1e-5)
    assert bool(is_inside(after, counts))
    assert not bool(is_inside(counts, after))


@pytest.mark.parametrize("name", ["adam", "rmsprop", "lion", "nadam", "adabelief", "yogi", "adamax"])
def test_a_step_from_a_set_of_states_holds_the_steps_from_each(name):
    optimizer = getattr(optax, name)(0.1)
    start, rng = optimizer.init(jnp.float64(0.3)), np.random.default_rng(1)

    def wide(leaf):
        return Interval(leaf + 5, leaf + 90) if leaf.dtype == jnp.int32 else Interval(leaf + 0.1, leaf + 0.7)

    def step(slope, state):
        return optimizer.update(jnp.asarray(slope), state, jnp.float64(0.3))

    box = jax.tree.map(wide, start)
    for slope in (-1.0, 1.0):
        found = enclosed(functools.partial(step, slope))(box)
        assert all(np.isfinite(end) for end in jax.tree.leaves(found[0]))
        for _ in range(5):
            state = jax.tree.map(
                lambda each: (
                    jnp.asarray(rng.integers(each.low, each.high + 1), each.low.dtype)
                    if each.low.dtype == jnp.int32
                    else jnp.asarray(rng.uniform(each.low, each.high))
                ),
                box,
                is_leaf=lambda leaf: isinstance(leaf, Interval),
            )
            assert bool(is_inside(jax.tree.map(lambda leaf: Interval(leaf, leaf), step(slope, state)), found))


def test_balls_and_exact_numbers_are_intervals_too():
    found = enclosed(lambda a, b, n: (a + b) * n)(rounded(jnp.float64(0.1)), Ball(jnp.float64(1), jnp.float64(0.5)), 2)
    assert found.low <= 1.2 <= 3.2 <= found.high
    assert found.high - found.low < 2.0000001


def test_a_sum_that_grows_is_no_less_than_it_was():
    largest = jnp.finfo(float).max
    for start in (3.0, 1e300, largest):
        total, more = Interval(jnp.asarray(start), jnp.asarray(jnp.inf)), Interval(jnp.asarray(1.0), jnp.asarray(2.0))
        grown = enclosed(lambda total, more: total + more)(total, more)
        assert is_inside(grown, total)
        shrunk = enclosed(lambda total, more: -total - more)(total, more)
        assert is_inside(shrunk, Interval(-total.high, -total.low))
