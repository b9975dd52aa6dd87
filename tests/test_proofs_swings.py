"""Swings: no exact walk rises above what is proved of it, sections hold what they are told, and what walks as one of ours is."""

import functools
import itertools
from decimal import Decimal

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import OptaxOptimizer, as_arrays
from hillopt.proofs import Ball, Interval, Whereabouts, in_own_terms
from hillopt.proofs.balls import is_float, midpoints
from hillopt.proofs.dual_averages import Madgrad, averaged, lead_of, weight_of
from hillopt.proofs.means import greatest_slow
from hillopt.proofs.section import Cells, Section, hull_of_all, joined, sorted_into
from hillopt.proofs.swings import bound_by_swings, serves
from hillopt.proofs.tellings import told_shortly
from hillopt.walk import move

LANES, STEPS = 24, 200


def _settings():
    """Rates such as 1/n, memories that are none or long, decays that hardly draw and such as draw a lot."""
    rng = np.random.default_rng(21)
    rate = np.where(np.arange(LANES) % 3 == 0, 1 / rng.integers(2, 40, LANES), 10 ** rng.uniform(-1.7, 0, LANES))
    return {
        "learning_rate": rate,
        "b1": np.append([0.0, 0.5, 0.9, 0.97], rng.uniform(0, 0.95, LANES - 4)),
        "weight_decay": np.append([1e-8, 0.5, 1e-3], 10 ** rng.uniform(-4, -1, LANES - 3)),
    }


def _lion(learning_rate, b1, weight_decay):
    x = m = Decimal(0)
    while True:
        g = exactly.slope(x)
        drive = b1 * m + (1 - b1) * g
        m = exactly.exact(0.95) * m + (1 - exactly.exact(0.95)) * g
        x -= learning_rate * ((drive > 0) - (drive < 0) + weight_decay * x)
        yield x, m


def _adamw(learning_rate, b1, weight_decay):
    return exactly.adamw(learning_rate, b1, Decimal(0), weight_decay)


DECAYING = {
    "AdamW": (lambda numbers: ho.AdamW(**numbers, b2=np.full(LANES, 0.99), eps=np.zeros(LANES)), _adamw),
    "Lion": (lambda numbers: ho.Lion(**numbers, b2=np.full(LANES, 0.95)), _lion),
}


def _place(optimizer, steps=STEPS):
    """Where walks are after so many, with room for what rounding has done."""
    begin = jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))
    position, state = jax.lax.fori_loop(0, steps, lambda _, place: move(EndlessTent(), optimizer, *place), begin)
    wide = lambda leaf: Ball(leaf, 1e-12 + 0 * leaf) if is_float(leaf) else Ball(leaf)  # noqa: E731
    return Whereabouts(wide(position), jax.tree.map(wide, state))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["AdamW", "Lion"])
def test_no_exact_walk_rises_above_what_its_swings_are_proved_to(name):
    made, walk = DECAYING[name]
    numbers = _settings()
    optimizer = as_arrays(made(numbers))

    def bound(optimizer):
        return bound_by_swings(EndlessTent(), optimizer, _place(optimizer), jnp.asarray(jnp.inf))

    bounds = np.asarray(jax.jit(functools.partial(jax.lax.map, bound))(optimizer))
    tops = np.empty(LANES)
    for lane in range(LANES):
        steps = walk(**{key: exactly.exact(values[lane]) for key, values in numbers.items()})
        top = max(x for x, *_ in itertools.islice(steps, STEPS, STEPS + 2_500)) - 1
        assert top <= exactly.exact(bounds[lane])
        tops[lane] = top
    assert np.mean(np.isfinite(bounds)) > 0.9
    assert np.median(bounds / tops) < 1.05


RATES = np.linspace(0.4, 1.5, LANES)
NEVER_FORGETTING = {
    "adagrad": (optax.adagrad, {"initial_accumulator_value": RATES**4, "eps": np.full(LANES, 1e-7)}),
    "dog": (optax.contrib.dog, {"eps": np.full(LANES, 1e-8)}),
    "dowg": (optax.contrib.dowg, {"eps": np.full(LANES, 1e-4)}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("factory", "numbers"), NEVER_FORGETTING.values(), ids=NEVER_FORGETTING)
def test_no_long_walk_rises_above_what_is_proved_where_sums_never_forget(factory, numbers):
    def bound_and_tops(optimizer):
        def climb(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - 1)

        begin, here = (jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))), _place(optimizer, 1_000)
        _, earlier = jax.lax.fori_loop(0, 1_000, climb, (begin, -jnp.inf))
        _, later = jax.lax.fori_loop(0, 100_000, climb, (midpoints(tuple(here)), -jnp.inf))
        return bound_by_swings(EndlessTent(), optimizer, here, jnp.asarray(jnp.inf)), earlier, later

    optimizer = as_arrays(ho.from_optax(factory, learning_rate=RATES, **numbers))
    bounds, earlier, later = map(np.asarray, jax.jit(functools.partial(jax.lax.map, bound_and_tops))(optimizer))
    assert np.all(later <= bounds + 1e-9)
    assert np.mean(np.isfinite(bounds)) > 0.9
    assert np.mean(bounds < earlier) > 0.8


def _ademamix(seed, lanes):
    rng = np.random.default_rng(seed)
    numbers = {
        "learning_rate": 10 ** rng.uniform(-1.7, 0, lanes),
        "b1": rng.choice([0.0, 0.5, 0.9, 0.95], lanes),
        "b3": 1 - 10 ** rng.uniform(-5, -2, lanes),
        "alpha": rng.uniform(0, 10, lanes),
    }
    return as_arrays(ho.from_optax(optax.contrib.ademamix, **numbers))


def _madgrad(seed, lanes):
    rng = np.random.default_rng(seed)
    numbers = {"learning_rate": 10 ** rng.uniform(-2, 0, lanes), "momentum": rng.choice([0.0, 0.5, 0.9, 0.95], lanes)}
    return as_arrays(Madgrad(**numbers, eps=np.full(lanes, 1e-6), weight_decay=np.zeros(lanes)))


def test_madgrad_is_led_as_is_told():
    lanes, since = 200, 300

    def lead_and_led(optimizer):
        here = midpoints(tuple(_place(optimizer, since)))

        def climb(_, carry):
            place, *seen = carry
            after = move(EndlessTent(), optimizer, *place)
            roots = [jnp.cbrt(state.weights) + optimizer.eps for state in (place[1], after[1])]
            pull = averaged(optimizer, place[1]) * (1 - roots[0] / roots[1])
            length = weight_of(optimizer, place[1]) / roots[1]
            seen = jnp.minimum(seen[0], length), jnp.maximum(seen[1], length), jnp.maximum(seen[2], jnp.abs(pull))
            return after, *seen

        _, *seen = jax.lax.fori_loop(0, 20_000, climb, (here, jnp.inf, 0.0, 0.0))
        return lead_of(optimizer, here[1], here[0] - 1), seen

    lead, (shortest, longest, pull) = jax.jit(jax.vmap(lead_and_led))(_madgrad(5, lanes))
    assert np.all((lead.shortest <= shortest) & (longest <= lead.longest) & (pull <= lead.pull))
    assert np.mean(np.isfinite(lead.pull)) > 0.9
    assert np.min(lead.longest / lead.shortest) < 1.01


def test_madgrad_is_told_as_it_was_published():
    rate, momentum = np.array([0.3, 0.07, 0.0131]), np.array([0.9, 0.5, 0.0])
    given = as_arrays(ho.from_optax(optax.contrib.madgrad, learning_rate=rate, momentum=momentum))
    walks = [ho.trajectory(ho.TentHill(0.9), each, max_steps=60).position for each in (given, in_own_terms(given))]
    np.testing.assert_allclose(*walks, rtol=0, atol=1e-5)  # optax takes the root of the count in float32
    x, sums, total, walk = np.zeros(3), np.zeros(3), np.zeros(3), []
    for step in range(60):
        weight, slope = (rate + 1e-6) * np.sqrt(step + 1), np.where(x > 1, 1, -1)
        sums, total = sums + weight * slope, total + weight
        x = momentum * x - (1 - momentum) * sums / (np.cbrt(total) + 1e-6)
        walk.append(x)
    np.testing.assert_allclose(walks[1][1:], walk, rtol=0, atol=1e-12)


def test_a_slow_mean_never_pulls_more_than_is_told():
    lanes, since = 200, 500

    def bound_and_most(optimizer):
        here = _place(optimizer, since)
        told, state = told_shortly(optimizer, midpoints(here.state))

        def climb(_, carry):
            place, most = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(most, jnp.abs(told_shortly(optimizer, place[1])[1].slow))

        _, most = jax.lax.fori_loop(0, 20_000, climb, (midpoints(tuple(here)), 0.0))
        return greatest_slow(told, state, midpoints(here.position) - 1), most

    bounds, most = map(np.asarray, jax.jit(jax.vmap(bound_and_most))(_ademamix(7, lanes)))
    assert np.all(most <= bounds)
    assert np.mean(np.isfinite(bounds)) > 0.6
    assert np.min((bounds / most)[np.isfinite(bounds)]) < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("since", [300, 3_000, 20_000])
@pytest.mark.parametrize("drawn", [_ademamix, _madgrad])
def test_no_walk_that_is_pulled_rises_above_what_is_proved(drawn, since):
    def bound_and_top(optimizer):
        def climb(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - 1)

        here = _place(optimizer, since)
        _, top = jax.lax.fori_loop(0, 200_000, climb, (midpoints(tuple(here)), -jnp.inf))
        return bound_by_swings(EndlessTent(), optimizer, here, jnp.asarray(jnp.inf)), top

    optimizer = drawn(since, 64)
    bounds, tops = map(np.asarray, jax.jit(functools.partial(jax.lax.map, bound_and_top))(optimizer))
    assert np.all(tops <= bounds + 1e-9)
    assert np.mean(np.isfinite(bounds)) > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrib.ademamix", "contrib.madgrad"])
def test_nothing_is_told_of_pulls_where_positions_decay(name):
    decaying = as_arrays(ho.optax_named(name, weight_decay=0.1))
    assert bound_by_swings(EndlessTent(), decaying, _place(decaying), jnp.asarray(jnp.inf)) == jnp.inf


def test_it_serves_where_no_closed_bound_is_met():
    served = [
        (ho.AdamW(0.1), True),
        (ho.Lion(0.1), False),
        (ho.Lion(0.1, weight_decay=0.1), True),
        (ho.RMSprop(0.1), False),
        (ho.optax_named("adam"), False),
        (ho.optax_named("adamw"), True),
        (ho.optax_named("adabelief"), True),
        (ho.optax_named("polyak_sgd"), False),
        (ho.optax_named("contrib.galore"), True),
    ]
    for optimizer, expected in served:
        assert serves(EndlessTent(), as_arrays(optimizer)) is expected, optimizer
    assert not serves(ho.WedgeHill(0.3), as_arrays(ho.AdamW(0.1)))


def _section(holds, position, state):
    as_interval = lambda ends: Interval(*(jnp.asarray(end, float) for end in ends))  # noqa: E731
    return Section(jnp.asarray(holds), (as_interval(position), {"m": as_interval(state)}))


def test_cells_hold_all_of_what_is_sorted_into_them():
    rng = np.random.default_rng(2)
    low, wide = rng.normal(size=(2, 9)), rng.uniform(0, 2, (2, 9))
    holds = np.arange(9) != 4
    boxes = _section(holds, (low[0], low[0] + wide[0]), (low[1], low[1] + wide[1]))
    cells = sorted_into(Cells(8, 16), {"m": jnp.asarray(True)}, boxes)
    assert cells.holds.shape == (8 * 16,)
    position, state = cells.place[0], cells.place[1]["m"]
    for box in np.flatnonzero(holds):
        for share in rng.uniform(0, 1, (20, 2)):
            x, m = low[:, box] + share * wide[:, box]
            inside = (position.low <= x) & (x <= position.high) & (state.low <= m) & (m <= state.high)
            assert np.any(inside & cells.holds)
    hull = hull_of_all(cells)
    assert float(hull[0].low[0]) == low[0][holds].min()
    assert float(hull[1]["m"].high[0]) == (low[1] + wide[1])[holds].max()


def test_boxes_that_hold_nothing_add_nothing():
    one, other = (
        jax.tree.map(lambda leaf: leaf[0], _section([h], ([a], [a + 1]), ([a], [a])))
        for h, a in ((True, 0), (False, 5))
    )
    both = joined(one, other)
    assert (float(both.place[0].low), float(both.place[0].high), bool(both.holds)) == (0, 1, True)
    assert not joined(other, other).holds


RATE, BETA = np.array([0.3, 0.07, 0.11]), np.array([0.9, 0.5, 0.0])
ALIKE = {
    "gradient descent": (optax.sgd, {}),
    "heavy ball": (optax.sgd, {"momentum": BETA}),
    "nesterov": (optax.sgd, {"momentum": BETA, "nesterov": True}),
    "sign": (optax.sign_sgd, {}),
    "signum": (optax.signum, {"beta": BETA}),
    "adam": (optax.adam, {"b1": BETA, "b2": 0.99, "eps": 0.1, "eps_root": 0.3}),
    "amsgrad": (optax.amsgrad, {"b1": BETA, "eps": 0.1, "eps_root": 0.3}),
    "adamax": (optax.adamax, {"b1": BETA, "b2": 0.9, "eps": 0.2}),
    "adamw": (optax.adamw, {"b1": BETA, "eps": 0.1, "weight_decay": 0.2}),
    "adamaxw": (optax.adamaxw, {"b1": BETA, "eps": 0.1, "weight_decay": 0.2}),
    "lion": (optax.lion, {"b1": BETA, "weight_decay": 0.2}),
    "galore": (optax.contrib.galore, {"scale": 3.0, "weight_decay": 0.2}),
    "lamb": (optax.lamb, {"b1": BETA, "eps": 0.1, "weight_decay": 0.2}),
    "sophia": (
        optax.contrib.sophia,
        {"b1": BETA, "eps": 0.9, "weight_decay": 0.2, "clip_threshold": np.array([0.5, 1.0, 1.2])},
    ),
    "adafactor": (optax.adafactor, {"clipping_threshold": np.array([0.5, 1.0, 3.0]), "eps": 0.3, "decay_rate": 0.7}),
}


@pytest.mark.parametrize(("factory", "numbers"), ALIKE.values(), ids=ALIKE)
def test_what_walks_as_one_of_ours_does(factory, numbers):
    optimizer = as_arrays(ho.from_optax(factory, learning_rate=RATE, **numbers))
    own = in_own_terms(optimizer)
    assert own is not None
    assert not isinstance(own, OptaxOptimizer)
    walks = [ho.trajectory(ho.TentHill(0.9), each, max_steps=60).position for each in (optimizer, own)]
    np.testing.assert_allclose(*walks, rtol=0, atol=1e-12)


LONG = {
    "adabelief": {"b1": np.append([0.3, 0.5], np.full(10, 0.9)), "b2": np.tile([0.9, 0.99, 0.995], 4)},
    "yogi": {"b1": np.append([0.0, 0.5], np.full(10, 0.9)), "b2": np.tile([0.9, 0.96, 0.99], 4)},
    "lamb": {"b1": np.append([0.0, 0.5], np.full(10, 0.9)), "weight_decay": np.repeat([0.0, 0.1], 6)},
    "adafactor": {},
    "contrib.sophia": {"b1": np.append([0.0, 0.5], np.full(10, 0.965)), "weight_decay": np.repeat([1e-4, 0.1], 6)},
    "contrib.galore": {"weight_decay": np.repeat([0.0, 1e-3, 0.1], 4)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_no_long_walk_of_optax_rises_above_what_is_proved_of_its_terms(name):
    rate = 10 ** np.random.default_rng(8).uniform(-1.7, 0, 12)
    optimizer = as_arrays(ho.optax_named(name, learning_rate=rate, **LONG[name]))
    bounds = ho.critical_height(ho.TentHill(), optimizer, max_steps=1_000, climb=ho.THOROUGH).upper

    def top(numbers):
        lane = optimizer.replace(**numbers)

        def climb(_, carry):
            place = move(EndlessTent(), lane, *carry[0])
            return place, jnp.maximum(carry[1], place[0] - 1)

        begin = jnp.asarray(0.0), lane.init(jnp.asarray(0.0))
        return jax.lax.fori_loop(0, 300_000, climb, (begin, jnp.asarray(-jnp.inf)))[1]

    lanes = {name: jnp.broadcast_to(number, rate.shape) for name, number in optimizer.swept.items()}
    tops = np.asarray(jax.jit(jax.vmap(top))(lanes))
    assert np.all(tops <= np.asarray(bounds) + 1e-9)
    assert np.mean(np.isfinite(bounds)) > 0.7


OTHERS = {
    "adam that looks ahead": (optax.nadam, {}),
    "adam by its flag": (optax.adam, {"nesterov": True}),
    "a mask": (optax.adamw, {"mask": lambda tree: jax.tree.map(lambda _: False, tree)}),
    "another dtype": (optax.adam, {"mu_dtype": jnp.bfloat16}),
    "an uncorrected mean": (optax.amsgrad, {"bias_correction_mu": False}),
    "another one": (optax.adabelief, {}),
}


@pytest.mark.parametrize(("factory", "numbers"), OTHERS.values(), ids=OTHERS)
def test_what_walks_otherwise_is_left_as_it_is(factory, numbers):
    assert in_own_terms(ho.from_optax(factory, learning_rate=0.1, **numbers)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of_optax", "own"),
    [
        pytest.param(
            ho.from_optax(optax.adam, learning_rate=RATE, b1=BETA, eps=0.1), ho.Adam(RATE, BETA, eps=0.1), id="adam"
        ),
        pytest.param(
            ho.from_optax(optax.signum, learning_rate=RATE, beta=BETA), ho.Lion(RATE, BETA, BETA), id="signum"
        ),
    ],
)
def test_optax_is_proved_where_ours_is(of_optax, own):
    found, expected = (ho.critical_height(ho.TentHill(), each, max_steps=2_000) for each in (of_optax, own))
    np.testing.assert_array_equal(found.verdict, expected.verdict)
    np.testing.assert_array_equal(found.certainty, expected.certainty)
    np.testing.assert_allclose(found.upper, expected.upper, rtol=1e-12)
