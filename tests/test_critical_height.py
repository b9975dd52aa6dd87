"""Critical heights against closed forms, published values and 60-digit walks, and the laws that they obey."""

import itertools
from decimal import Decimal
from math import floor, log

import jax.numpy as jnp
import numpy as np
import optax
import oracle
import pytest

import hillopt as ho

HILL = ho.TentHill()


def solve(optimizer, **policy):
    answer = ho.critical_height(HILL, optimizer, **policy)
    return {**{name: np.asarray(value) for name, value in answer.items()}, "certified": np.asarray(answer.certified)}


# Closed forms, written down here from the update rules: first overshoot of a walk that descends from rest.


def descent_overshoot(rate):
    return rate * (floor(1 / rate) + 1) - 1


def adam_overshoot(rate, b1):
    n = floor(1 / rate) + 1
    swing = [k for k in range(1, 10_000) if b1**k * (2 - b1**n) > 1] if b1 > 0.5 else []
    return rate * n - 1 + rate * sum((2 * b1**j - 1 - b1 ** (n + j)) / (1 - b1 ** (n + j)) for j in swing)


def heavy_ball_overshoot(rate, b):
    x, n = 0.0, 0
    while x <= 1:
        n += 1
        x = rate / (1 - b) * (n - b * (1 - b**n) / (1 - b))
    swing = itertools.takewhile(lambda j: b**j * (2 - b**n) > 1, range(1, 10_000))
    return x - 1 + rate / (1 - b) * sum(b**j * (2 - b**n) - 1 for j in swing)


def rmsprop_overshoot(rate, decay):
    x, n = 0.0, 0
    while x <= 1:
        n += 1
        x += rate / (1 - decay**n) ** 0.5
    return x - 1


def adagrad_overshoot(rate):
    x, n = 0.0, 0
    while x <= 1:
        n += 1
        x += rate / n**0.5
    return x - 1


# (name, optimizer, h*, tolerance); settings whose first overshoot stays the highest
CLOSED_FORMS = [
    ("descent 0.3", ho.GradientDescent(0.3), descent_overshoot(0.3), 1e-15),
    ("descent 0.07", ho.GradientDescent(0.07), descent_overshoot(0.07), 2e-15),
    ("descent 0.0123", ho.GradientDescent(0.0123), descent_overshoot(0.0123), 2e-15),
    ("sign 0.3", ho.SignDescent(0.3), 0.2, 1e-15),
    ("adam 0.3", ho.Adam(0.3), adam_overshoot(0.3, 0.9), 1e-14),
    ("adam 0.013", ho.Adam(0.013, 0.97), adam_overshoot(0.013, 0.97), 1e-13),
    ("adam 0.11, 0.85", ho.Adam(0.11, 0.85), adam_overshoot(0.11, 0.85), 1e-14),
    ("adam eps", ho.Adam(0.3, eps=0.4), adam_overshoot(0.3 / 1.4, 0.9), 1e-14),
    ("heavy ball 0.05", ho.HeavyBall(0.05, 0.9), heavy_ball_overshoot(0.05, 0.9), 1e-13),
    ("heavy ball 0.002", ho.HeavyBall(0.002, 0.8), heavy_ball_overshoot(0.002, 0.8), 1e-14),
    ("rmsprop", ho.RMSprop(0.1, 0.9), rmsprop_overshoot(0.1, 0.9), 1e-14),
    ("adagrad", ho.Adagrad(0.3), adagrad_overshoot(0.3), 1e-14),
]


@pytest.mark.parametrize(("name", "optimizer", "height", "tolerance"), CLOSED_FORMS, ids=lambda value: str(value)[:20])
def test_closed_form(name, optimizer, height, tolerance):
    answer = solve(optimizer)
    assert abs(answer["critical_height"] - height) <= tolerance
    assert answer["certified"]


# (optimizer, max_steps, h*, step or None); published values of the reference, 60 digits or rational arithmetic
PUBLISHED = [
    (ho.Adam(0.3), 10_000, 0.410184295129970012, 6),
    (ho.Adam(0.35, 0.5), 200, 0.14126375497959573, None),
    (ho.Adam(0.7, 0.5), 200, 0.43417121712104473, None),
    (ho.Adam(1.5, 0.99), 1000, 0.9289713317416691, 59),
    (ho.Adam(1.5, 0.999), 3000, 0.9079649246276901, 383),
    (ho.Adam(0.35, 0.8), 20_000, 0.18548526484154937, None),
    (ho.HeavyBall(0.05), 10_000, 0.5080529804500002, None),
    (ho.Nesterov(0.05), 10_000, 0.2323922005, None),
    (ho.RMSprop(0.1, 0.9), 10_000, 0.0645287285, None),
    (ho.Adagrad(0.3), 10_000, 0.0919756809, None),
    (ho.Lion(0.07), 10_000, 0.26, None),
    (ho.GradientDescent(0.125), 10_000, 0.125, 9),
    # knife edges: 1/lr is an integer, and plain double precision is up to 80 % wrong
    (ho.Adam(0.01), 10_000, 0.03434006638609663, 107),
    (ho.Adam(0.05), 10_000, 0.15803267812220062, 27),
    (ho.Adam(0.5, 0.95), 10_000, 0.7994509777711456, 5),
    (ho.Adam(0.1), 10_000, 0.26428712209549293, None),
]


@pytest.mark.parametrize(("optimizer", "max_steps", "height", "step"), PUBLISHED)
def test_published_values(optimizer, max_steps, height, step):
    answer = solve(optimizer, max_steps=max_steps)
    digits = 1e-10 if len(repr(height)) < 14 else 2e-12
    assert abs(answer["critical_height"] - height) <= digits
    assert step is None or answer["step"] == step
    assert answer["error"] < 1e-6
    assert answer["upper"] >= answer["critical_height"]


@pytest.mark.parametrize("denominator", [2, 3, 7, 10, 20, 49, 100, 1000])
@pytest.mark.parametrize("b1", [0.0, 0.5, 0.9, 0.95])
def test_knife_edges_are_right_and_flagged(denominator, b1):
    walk = oracle.adam_on_unit_slopes(1 / Decimal(denominator) + Decimal("1e-45"), Decimal(str(b1)), None, Decimal(0))
    above, _ = oracle.climb(walk, denominator + 500)
    answer = solve(ho.Adam(1 / denominator, b1), max_steps=denominator + 500)
    assert not answer["certified"]
    # exactly on the edge the slope at the valley still points down: one step more than a hair above it
    exact = _rational_adam(denominator, b1, denominator + 500)
    assert abs(answer["critical_height"] - exact) <= 1e-11 or b1 in (0.0, 0.5)
    assert float(above) < 0.999 * exact or denominator < 4 or b1 in (0.0, 0.5)


def _rational_adam(denominator, b1, num_steps):
    """Positions in units of 1/denominator, so that the valley is met exactly."""
    x, m, p, b = Decimal(0), Decimal(0), Decimal(1), Decimal(str(b1))
    best = Decimal(-1)
    for step in range(1, num_steps + 1):
        g = -1 if x <= denominator else 1
        m, p = b * m + (1 - b) * g, p * b
        x = Decimal(step) if step <= denominator + 1 else x - m / (1 - p)
        best = max(best, x / denominator - 1)
    return float(best)


# (optimizer, steps to replay, smallest period of its cycle)
PERIODS = [
    (ho.GradientDescent(0.3), 2),
    (ho.SignDescent(0.07), 2),
    (ho.Adam(0.3), 20),
    (ho.Adam(0.01), 12),
    (ho.Adam(0.05), 14),
    (ho.HeavyBall(0.05), 8),
    (ho.Nesterov(0.05), 4),
    (ho.Lion(0.07), 2),
]


@pytest.mark.parametrize(("optimizer", "period"), PERIODS)
def test_periods_are_those_of_the_exact_walk(optimizer, period):
    answer = solve(optimizer)
    assert answer["verdict"] == ho.Verdict.TRAPPED
    assert answer["period"] == period
    name = next(key for key, kind in ho.OPTIMIZERS.items() if kind is type(optimizer))
    values = [Decimal(str(value)) for value in optimizer.hyperparameters().values() if value is not None]
    rate = optimizer.learning_rate
    if 1 / rate == round(1 / rate):  # rational arithmetic; the decimal's own 1/lr is exact here
        assert Decimal(1) / Decimal(str(rate)) == round(1 / rate)
    walk = (oracle.adam_on_unit_slopes if name == "adam" else oracle.WALKS[name])(*values)
    positions = [next(walk) for _ in range(6000 + 2 * period)][6000:]
    assert all(abs(a - b) < Decimal("1e-40") for a, b in zip(positions, positions[period:], strict=False))
    assert not any(
        all(abs(a - b) < Decimal("1e-40") for a, b in zip(positions, positions[shift:], strict=False))
        for shift in range(1, period)
    )


BOUNDED = [
    (ho.Adam, {"b1": 0.999}),
    (ho.Nesterov, {"momentum": 0.99}),
    (ho.Lion, {"b1": 0.99, "b2": 0.999}),
    (ho.RMSprop, {"decay": 0.99}),
    (ho.Adagrad, {}),
    (ho.AdamW, {"b1": 0.99, "weight_decay": 0.1}),
]


@pytest.mark.slow
@pytest.mark.parametrize(  # tests/test_proofs_reach.py has exact walks of all of them
    ("factory", "high"),
    BOUNDED,
)
def test_no_walk_ever_passes_its_upper_end(factory, high):
    rng = np.random.default_rng(3)
    rates = np.exp(rng.uniform(np.log(0.02), np.log(2), 300))
    others = {name: rng.uniform(0, top, 300) for name, top in high.items()}
    short = solve(factory(rates, **others), max_steps=150)
    plain = solve(factory(rates, **others), max_steps=4000, climb=ho.PlainClimb())
    assert np.all(plain["critical_height"] <= short["upper"] * (1 + 1e-9))
    assert np.isfinite(short["upper"]).all()


@pytest.mark.slow
def test_upper_end_is_the_closed_bound_until_more_is_known():
    for b1 in (0.6, 0.7, 0.9, 0.99):
        answer = solve(ho.Adam(0.31, b1), max_steps=5, climb=ho.BoundedClimb())
        bound = 0.31 * (1 + sum(max(0.0, 2 * b1**j - 1) for j in range(1, 1000)))
        assert answer["verdict"] == ho.Verdict.UNDECIDED
        assert answer["upper"] == pytest.approx(bound, rel=1e-12)


@pytest.mark.slow  # test_climbs.py compares each climb with the plain one
def test_implementations_agree():
    rates, b1 = np.linspace(0.031, 1.3, 83), np.linspace(0.0, 0.97, 83)
    lattice = solve(ho.Adam(rates, b1), max_steps=700, climb=ho.LatticeClimb())
    bounded = solve(ho.Adam(rates, b1), max_steps=700, climb=ho.BoundedClimb())
    plain = solve(ho.Adam(rates, b1), max_steps=700, climb=ho.PlainClimb())
    sure = lattice["certified"] & bounded["certified"]
    assert sure.mean() > 0.9
    np.testing.assert_allclose(lattice["critical_height"][sure], bounded["critical_height"][sure], atol=1e-10)
    np.testing.assert_allclose(lattice["critical_height"][sure], plain["critical_height"][sure], atol=1e-10)
    assert np.all(plain["certainty"] == ho.Certainty.UNCHECKED)
    assert not np.isfinite(plain["upper"]).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lion", "adam", "adamw"])
@pytest.mark.parametrize("lanes", [1, 127])
def test_awkward_numbers_of_lanes_give_the_same_answers(name, lanes):
    rates = np.linspace(0.0512, 0.9, 2049)
    policy = {"max_steps": 40}
    whole, part = solve(ho.OPTIMIZERS[name](rates), **policy), solve(ho.OPTIMIZERS[name](rates[:lanes]), **policy)
    for field in ("step", "verdict", "period", "certainty", "num_steps"):
        np.testing.assert_array_equal(part[field], whole[field][:lanes], err_msg=field)
    assert np.all(np.abs(part["critical_height"] - whole["critical_height"][:lanes]) <= part["error"])
    np.testing.assert_allclose(part["upper"], whole["upper"][:lanes], rtol=1e-11)


def test_other_values_and_more_steps_compile_nothing():
    from hillopt.questions.contract import _answer

    ho.critical_height(HILL, ho.Adam(np.linspace(0.1, 0.9, 5)), max_steps=100)
    compiled = _answer._cache_size()
    ho.critical_height(HILL, ho.Adam(np.linspace(0.2, 0.7, 5), b1=0.8, eps=1e-3), max_steps=333)
    assert _answer._cache_size() == compiled


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nesterov", "adam", "rmsprop"])
def test_float_and_array_hyperparameters_agree(name):
    as_float = solve(ho.OPTIMIZERS[name](0.37), max_steps=300)
    as_array = solve(ho.OPTIMIZERS[name](np.array([0.37, 0.5])), max_steps=300)
    assert abs(as_float["critical_height"] - as_array["critical_height"][0]) <= as_float["error"]


@pytest.mark.slow
def test_broadcasting():
    rates, betas = np.linspace(0.1, 0.9, 4), np.linspace(0, 0.9, 3)
    grid = solve(ho.Adam(rates[:, None], betas))
    assert grid["critical_height"].shape == (4, 3)
    assert grid["critical_height"][2, 1] == solve(ho.Adam(rates[2], betas[1]))["critical_height"]


@pytest.mark.parametrize("d", [0.5, 2.0, 8.0])
def test_eps_only_rescales_the_learning_rate(d):
    scaled = solve(ho.Adam(0.3 * d, 0.8, eps=d - 1)) if d > 1 else solve(ho.Adam(0.15, 0.8))
    expected = solve(ho.Adam(0.3 if d > 1 else 0.15, 0.8))
    assert scaled["critical_height"] == pytest.approx(float(expected["critical_height"]), abs=1e-13)


@pytest.mark.parametrize(("rate", "b"), [(1e-4, 0.9), (1e-5, 0.99), (1e-6, 0.9)])
def test_small_steps_follow_the_law_of_small_steps(rate, b):
    adam = solve(ho.Adam(rate * 1.00037, b), max_steps=2_000_000)
    ball = solve(ho.HeavyBall(rate * 1.00037, b), max_steps=2_000_000)
    assert adam["critical_height"] == pytest.approx((1 - log(2)) * rate / (1 - b), rel=0.25)
    assert ball["critical_height"] == pytest.approx((1 - log(2)) * rate / (1 - b) ** 2, rel=0.25)
    assert adam["num_steps"] - 1 / rate < 20 / (1 - b) + 400  # the ramp itself costs nothing


def test_slopes_between_jumps():
    step = 1e-7
    h = {dx: solve(ho.Adam(0.3 + dx, 0.9))["critical_height"] for dx in (-step, step)}
    assert (h[step] - h[-step]) / (2 * step) == pytest.approx(4.700614317, rel=1e-6)
    h = {dx: solve(ho.Adam(0.3, 0.9 + dx))["critical_height"] for dx in (-step, step)}
    assert (h[step] - h[-step]) / (2 * step) == pytest.approx(0.756720259, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("factory", [ho.GradientDescent, ho.Adam, ho.RMSprop])
def test_a_huge_learning_rate_is_a_verdict_not_a_nan(factory):
    for name in ("proving", "bounded", "plain"):
        answer = solve(factory(np.array([1e30, 0.3])), max_steps=60, climb=ho.CLIMBS[name])
        assert answer["verdict"][0] == ho.Verdict.DIVERGED
        assert np.isfinite(answer["critical_height"]).all()
        assert answer["verdict"][1] != ho.Verdict.DIVERGED


@pytest.mark.slow
def test_a_walk_that_explodes_later_diverges():
    answer = solve(ho.AdamW(1.5, weight_decay=2.0), max_steps=500)
    assert answer["verdict"] == ho.Verdict.DIVERGED
    assert answer["upper"] == np.inf


def test_a_walk_too_short_for_the_valley_is_undecided_and_below_it():
    answer = solve(ho.Adam(1e-6), max_steps=1000)
    assert answer["verdict"] == ho.Verdict.UNDECIDED
    assert answer["critical_height"] == pytest.approx(-0.999, abs=1e-12)
    assert answer["num_steps"] == 1000


@pytest.mark.slow
def test_any_optax_factory_is_solved_with_its_rounding():
    rates = np.array([0.3, 0.11, 0.05])
    ours = solve(ho.HeavyBall(rates), max_steps=3000)
    theirs = solve(ho.from_optax(optax.sgd, learning_rate=rates, momentum=0.9), max_steps=3000)
    np.testing.assert_allclose(theirs["critical_height"], ours["critical_height"], atol=1e-12)
    assert theirs["certified"].all()
    assert theirs["verdict"][2] == ho.Verdict.TRAPPED  # its floating-point state repeats exactly
    assert theirs["period"][2] == ours["period"][2] == 8


@pytest.mark.slow  # golden files hold what it answers
def test_radam_of_optax_is_solved_with_its_rounding():
    rates = np.array([0.3, 0.11, 0.05])
    radam = solve(ho.from_optax(optax.radam, learning_rate=rates, b1=0.9), max_steps=500)
    for rate, height, certified in zip(rates, radam["critical_height"], radam["certified"], strict=True):
        optimizer, x, best = optax.radam(float(rate), b1=0.9), jnp.zeros(()), -1.0
        state = optimizer.init(x)
        for _ in range(60):
            update, state = optimizer.update(jnp.where(x <= 1, -1.0, 1.0), state, x)
            x = x + update
            best = max(best, float(x) - 1)
        assert height >= best - 1e-12
        assert certified


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("optimizer", "policy", "message"),
    [
        (ho.Adam(0.3, b1=1.0), {}, r"`Adam\(b1=...\)` must lie in \[0, 1\), got 1"),
        (ho.Adam(0.0), {}, r"`Adam\(learning_rate=...\)` must lie in \(0, inf\), got 0"),
        (ho.Adam(np.array([0.1, np.nan])), {}, "learning_rate.*got nan"),
        (ho.Adam(np.inf), {}, "learning_rate.*got inf"),
        (ho.HeavyBall(0.1, momentum=-0.1), {}, "momentum.*got -0.1"),
        (ho.Adam("fast"), {}, "must be a number"),
        (ho.Adam(0.3), {"max_steps": 0}, "`max_steps` must lie between 1 and 2147483647, got 0"),
        (ho.Adam(0.3), {"max_steps": 2.5}, "`max_steps` must be an integer, got 2.5"),
        (ho.Adam(0.3), {"max_steps": 2**31}, "`max_steps` must lie between"),
        (
            ho.Adam(0.3),
            {"climb": "blocked"},
            r"must be a climb of hillopt, got 'blocked'; write .* ho.BlockedClimb\(lanes",
        ),
        (
            ho.Adam(0.3),
            {"climb": ho.BlockedClimb},
            r"an instance, got the class BlockedClimb; write BlockedClimb\(\.\.\.\)",
        ),
        (ho.Adam(0.3), {"climb": ()}, "`climb` names none; leave `climb` out"),
        (
            ho.RMSprop(0.3),
            {"climb": ho.LatticeClimb()},
            "cannot serve: RMSprop does not move on a lattice",
        ),
        (ho.Adam, {}, r"`optimizer` must be an instance, got the class Adam; write Adam\(\.\.\.\)"),
        (
            optax.adam(0.3),
            {},
            r"a transformation of optax, .* write .* ho.from_optax\(optax.adam, learning_rate=0.3\)",
        ),
        (optax.adam, {}, r"got the function adam; write for example ho.from_optax\(adam, learning_rate=0.3\)"),
        (0.3, {}, r"`optimizer` must be an optimizer of hillopt, got 0.3; write for example ho.Adam"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(optimizer, policy, message):
    with pytest.raises(ValueError, match=message):
        ho.critical_height(HILL, optimizer, **policy)
