"""Closed bounds against 120-digit walks and sums, and the answers that rest on them against the exact walks."""

import itertools
from decimal import Decimal

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exactly import DTYPES, NEXT_BELOW_1, corners, exact

import hillopt as ho
from hillopt.climbs.contract import LEAST, NO_GAP, has_met, is_decided, is_lost
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, at_most, reach_of, rounded
from hillopt.proofs.reach import overshoot_sum

LANES = 40


def settings(dtype, rng, names, lanes=LANES):
    """Random numbers by name; betas of 0, tiny and a few units below 1 are among them, and huge rates."""
    near = [1 - units * (1 - NEXT_BELOW_1[dtype]) for units in (1, 4, 30, 1000)]
    fractions = [0, 1e-30, 0.5, 0.4999, 0.5001, 2**-0.5, 0.9, 0.999, *near]
    ranges = {
        "learning_rate": lambda: np.concatenate([10.0 ** rng.uniform(-2, 0.5, lanes - 3), [1e-7, 50, 1e6]]),
        "eps": lambda: rng.choice([0, 1e-8, 0.3, 2], lanes),
        "initial_accumulator_value": lambda: rng.choice([0, 0.1, 7], lanes),
        "initial_scale": lambda: rng.choice([0, 0.1, 7], lanes),
        "weight_decay": lambda: rng.uniform(0, 0.5, lanes),
    }

    def fraction():
        return rng.permutation(np.concatenate([fractions, 1 - 10.0 ** rng.uniform(-3, 0, lanes - len(fractions))]))

    return {name: ranges.get(name, fraction)().astype(dtype) for name in names}


WALKS = {
    ho.GradientDescent: (exactly.gradient_descent, ["learning_rate"]),
    ho.SignDescent: (exactly.sign_descent, ["learning_rate"]),
    ho.HeavyBall: (exactly.heavy_ball, ["learning_rate", "momentum"]),
    ho.Nesterov: (exactly.nesterov, ["learning_rate", "momentum"]),
    ho.Lion: (exactly.lion, ["learning_rate", "b1", "b2"]),
    ho.Adam: (exactly.adam, ["learning_rate", "b1", "eps"]),
    ho.AdamW: (exactly.adamw, ["learning_rate", "b1", "eps", "weight_decay"]),
    ho.Adagrad: (exactly.adagrad, ["learning_rate", "initial_accumulator_value", "eps"]),
    ho.RMSprop: (exactly.rmsprop, ["learning_rate", "decay", "eps", "initial_scale"]),
}


def first_reach(kind, numbers):
    optimizer = as_arrays(kind(**numbers))
    like = jnp.zeros(
        jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in numbers.values())), optimizer.learning_rate.dtype
    )
    return np.asarray(jax.jit(lambda optimizer: reach_of(optimizer, optimizer.init(like)))(optimizer))


@pytest.mark.parametrize("num_steps", [150, pytest.param(3_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("kind", WALKS, ids=lambda kind: kind.__name__)
def test_no_exact_walk_exceeds_its_reach(kind, dtype, num_steps):
    walk, names = WALKS[kind]
    rng = np.random.default_rng(11)
    numbers = settings(dtype, rng, names)
    bounds = first_reach(kind, numbers)
    for lane in range(LANES):
        every = list(corners({name: values[lane] for name, values in numbers.items()}))
        for corner in {id(each): each for each in (every[0], every[-1], every[rng.integers(len(every))])}.values():
            steps = itertools.islice(walk(**corner), num_steps)
            assert max(x for x, *_ in steps) - 1 <= exact(bounds[lane])


FULL = {  # the longest step, the decay, and the first term of the way uphill on a full memory
    ho.HeavyBall: lambda learning_rate, momentum: (learning_rate / (1 - momentum), momentum, 1),
    ho.Nesterov: lambda learning_rate, momentum: (learning_rate / (1 - momentum), momentum, 2),
    ho.Adam: lambda learning_rate, b1, eps: (learning_rate / (1 + eps), b1, 1),
}


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("kind", FULL, ids=lambda kind: kind.__name__)
def test_a_walk_on_a_full_memory_is_within_reach_by_little(kind, dtype):
    """The adversary that the bound allows for: it attains the sum itself."""
    numbers = settings(dtype, np.random.default_rng(12), WALKS[kind][1], 150)
    bounds, eps = first_reach(kind, numbers), float(np.finfo(dtype).eps)
    for lane in range(150):
        truths = []
        for corner in corners({name: values[lane] for name, values in numbers.items()}):
            stride, decay, first = FULL[kind](**corner)
            truths.append(stride * (1 + exactly.swing(decay, first)))
        bound, open_end = exact(bounds[lane]), 1 - float(numbers[WALKS[kind][1][1]][lane])
        assert bound >= max(truths)
        if open_end > 1e3 * eps:
            assert bound <= max(truths) * exact(1 + 32 * eps + 16 * eps / open_end)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("wrong", [-0.3, -0.1, 0.1, 0.4])
def test_a_wrong_guess_of_the_number_of_terms_still_gives_a_bound(wrong, dtype):
    for decay in (0.3, 0.5, 0.7, 0.9, 0.99, 0.999):
        number = dtype(max(0, np.floor((np.log(0.5) / np.log(decay)) * (1 + wrong))))
        bound = at_most(
            lambda decay, number: overshoot_sum(decay, 2, number), rounded(jnp.asarray(dtype(decay))), number
        )
        assert exact(bound) >= exactly.swing(exactly.ends(dtype(decay))[1])


def lions_steps(b1, b2):
    """How many steps uphill a full memory of -1 carries, counted one by one."""
    number, power = 0, Decimal(1)
    while 2 * b1 * power >= 1 and number < 30_000:
        number, power = number + 1, power * b2
    return number


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_lions_steps_are_counted_and_at_most_one_too_many(dtype):
    b1 = np.array(
        [0, 0.3, 0.4999, 0.5, np.nextafter(dtype(0.5), 0), 0.5001, 0.7, 0.9, 0.999, NEXT_BELOW_1[dtype]], dtype
    )
    b2 = np.array([0, 1e-30, 0.3, 2**-0.5, 0.7, 0.9, 0.99, 0.999], dtype)
    bounds = first_reach(ho.Lion, {"learning_rate": dtype(1), "b1": b1[:, None], "b2": b2})
    for row, column in np.ndindex(bounds.shape):
        counts = [lions_steps(**corner) for corner in corners({"b1": b1[row], "b2": b2[column]})]
        assert max(counts) <= exact(bounds[row, column]) - 1
        assert bounds[row, column] <= max(counts) + 2.001


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("kind", [ho.RMSprop, ho.Adagrad])
def test_a_step_from_any_state_is_within_reach(kind, dtype):
    """With what is not known of the state: a ball around it."""
    rng = np.random.default_rng(13)
    numbers = settings(dtype, rng, WALKS[kind][1], 120)
    square = (10.0 ** rng.uniform(-6, 1, 120)).astype(dtype)
    radius = (square * 10.0 ** rng.uniform(-7, -1, 120)).astype(dtype)
    optimizer = as_arrays(kind(**numbers))
    state = optimizer.init(jnp.zeros(120, dtype))._replace(square=Ball(jnp.asarray(square), jnp.asarray(radius)))
    bounds = np.asarray(jax.jit(reach_of)(optimizer, state))
    for lane in range(120):
        v = exact(square[lane]) - exact(radius[lane]) * Decimal("0.999")
        for corner in corners({name: values[lane] for name, values in numbers.items()}):
            if kind is ho.RMSprop:
                size = min(corner["decay"] * v + 1 - corner["decay"], Decimal(1)) + corner["eps"]
            else:
                size = v + 1 + corner["eps"]
            assert corner["learning_rate"] / size.sqrt() <= exact(bounds[lane])


def test_weight_decay_that_flips_the_sign_has_no_bound():
    for kind in (ho.AdamW, ho.Lion):
        bounds = first_reach(kind, {"learning_rate": np.array([0.5, 0.5]), "weight_decay": np.array([1.9, 2.1])})
        np.testing.assert_array_equal(np.isfinite(bounds), [True, False])


# Every one of them compiles a climb.
QUICK = {(ho.Adam, "lattice", np.float32), (ho.RMSprop, "bounded", np.float32)}
ANSWERS = [
    pytest.param(kind, climb, dtype, 120, marks=[] if (kind, climb, dtype) in QUICK else pytest.mark.slow)
    for kind, dtype in itertools.product(WALKS, DTYPES.values())
    for climb in (["bounded", "lattice"] if kind in list(WALKS)[:6] else ["bounded"])
]
ANSWERS += [pytest.param(*row.values[:3], 2_500, marks=pytest.mark.slow) for row in ANSWERS]


@pytest.mark.parametrize(
    ("kind", "climb", "dtype", "num_steps"), ANSWERS, ids=lambda value: getattr(value, "__name__", value)
)
def test_an_answer_holds_the_exact_walk(kind, climb, dtype, num_steps):
    """Within its error where not flagged, and below its upper end, for both ends of every last digit."""
    walk, names = WALKS[kind]
    rng = np.random.default_rng(14)
    numbers = settings(dtype, rng, names)
    answer = ho.critical_height(ho.TentHill(), kind(**numbers), max_steps=num_steps, climb=ho.CLIMBS[climb])
    answer, compared = jax.tree.map(np.asarray, answer), 0
    for lane in np.flatnonzero((answer.certainty == ho.Certainty.CERTIFIED) & (answer.verdict != ho.Verdict.DIVERGED)):
        every = list(corners({name: values[lane] for name, values in numbers.items()}))
        for corner in (every[0], every[-1]):
            height = max(x for x, *_ in itertools.islice(walk(**corner), num_steps)) - 1
            assert abs(height - exact(answer.critical_height[lane])) <= exact(answer.error[lane])
            assert height <= exact(answer.upper[lane])
            compared += 1
    assert compared >= 2  # a running bound flags most float32 walks of thousands of steps


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_bound_that_is_attained_is_met(dtype):
    """Rates 1/n land on the valley, and the next step is as high as the bound. It is met, one of 0 too."""
    rates = (1 / np.arange(2, 200)).astype(dtype)
    bounds = first_reach(ho.GradientDescent, {"learning_rate": rates})
    attained = (1 + rates.astype(dtype)) - dtype(1)  # the rise of a position
    assert np.all(has_met(jnp.asarray(bounds), jnp.asarray(attained)))
    gap = np.maximum(NO_GAP * np.finfo(dtype).eps * rates, LEAST)
    assert not np.any(has_met(jnp.asarray(bounds), jnp.asarray(rates - 2 * gap)))
    assert has_met(jnp.asarray(dtype(0)), jnp.asarray(dtype(-10 * np.finfo(np.float64).eps)))
    assert not has_met(jnp.asarray(np.inf), jnp.asarray(np.inf))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_lost_is_where_neighbours_are_a_whole_run_apart(dtype):
    last = dtype(1 / np.finfo(dtype).eps)
    assert np.spacing(last) == 1
    rises = jnp.asarray([0, -1, np.nextafter(last, 0), last, -last, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(is_lost(rises), [False, False, False, True, True, True, True])


def test_decided_is_escaped_or_below_for_ever():
    rows = [(0.2, np.inf, 0.2, True), (0.1, 0.2, 0.2, False), (0.1, 0.19, 0.2, True), (0.1, 0.19, np.inf, False)]
    height, upper, target, expected = (jnp.asarray(column) for column in zip(*rows, strict=True))
    np.testing.assert_array_equal(is_decided(height, upper, target), expected)
