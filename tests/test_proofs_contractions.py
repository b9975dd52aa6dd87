"""Contractions: cycles are those of rational arithmetic, and no walk ever rises above its bound, no exact one either."""

import itertools
from decimal import Decimal
from fractions import Fraction

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts, in_short
from hillopt.proofs.balls import is_float
from hillopt.proofs.contractions import bound_by_contraction, serves
from hillopt.proofs.tellings import told_shortly
from hillopt.walk import move

LANES, STEPS, LATER = 48, 512, 300_000


def _drawn(seed=5):
    """Rates such as 1/n, at which first steps come to the kink itself, and others; means that remember little and much."""
    rng = np.random.default_rng(seed)
    return {
        "learning_rate": np.where(
            np.arange(LANES) % 3 == 0, 1 / rng.integers(2, 40, LANES), 10 ** rng.uniform(-1.5, 0.2, LANES)
        ),
        "b1": 1 - 10 ** rng.uniform(-1.5, 0, LANES),
        "weight_decay": 10 ** rng.uniform(-3, -0.3, LANES),
    }


MADE = {
    "AdamW": lambda numbers: ho.AdamW(**numbers, b2=np.full(LANES, 0.99), eps=np.zeros(LANES)),
    "Lion": lambda numbers: ho.Lion(**numbers, b2=np.full(LANES, 0.95)),
    "adamw": lambda numbers: ho.from_optax(optax.adamw, **numbers),
    "ademamix": lambda numbers: ho.from_optax(optax.contrib.ademamix, **numbers, b3=np.full(LANES, 0.99)),
    "lion": lambda numbers: ho.from_optax(optax.lion, **numbers),
    "nadamw": lambda numbers: ho.from_optax(optax.nadamw, **numbers),
    "sophia": lambda numbers: ho.optax_named("contrib.sophia", **numbers),
}


def _lanes(name, numbers):
    optimizer = in_short(as_arrays(MADE[name](numbers)))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (LANES,)), optimizer)


def _asked(optimizer, steps=STEPS, later=0):
    """The bound of each lane after some steps, and how high walks rise in so many more."""

    def walk(optimizer):
        begin = jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))
        place = jax.lax.fori_loop(0, steps, lambda _, place: move(EndlessTent(), optimizer, *place), begin)
        wide = lambda leaf: Ball(leaf, 1e-13 + 0 * leaf) if is_float(leaf) else Ball(leaf)  # noqa: E731
        around = Whereabouts(*jax.tree.map(wide, place))
        bound = bound_by_contraction(EndlessTent(), optimizer, around, jnp.asarray(jnp.inf))

        def go(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - 1)

        return bound, jax.lax.fori_loop(0, later, go, (place, place[0] - 1))[1]

    return map(np.asarray, jax.jit(jax.vmap(walk))(optimizer))


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_no_walk_ever_rises_above_its_bound(name):
    bounds, tops = _asked(_lanes(name, _drawn()), later=LATER)
    held = np.isfinite(bounds)
    assert np.all(tops[held] <= bounds[held] + 1e-11)
    assert held.mean() > 0.9
    assert np.median(np.abs(bounds[held] / np.maximum(tops[held], 1e-3) - 1)) < 1e-9


def _adamw(learning_rate, b1, weight_decay):
    return exactly.adamw(learning_rate, b1, Decimal(0), weight_decay)


def _lion(learning_rate, b1, weight_decay):
    x = m = Decimal(0)
    b2 = exactly.exact(0.95)
    while True:
        g = exactly.slope(x)
        drive, m = b1 * m + (1 - b1) * g, b2 * m + (1 - b2) * g
        x -= learning_rate * ((drive > 0) - (drive < 0) + weight_decay * x)
        yield x, m


@pytest.mark.slow
@pytest.mark.parametrize(("name", "walk"), [("AdamW", _adamw), ("Lion", _lion)])
def test_no_exact_walk_of_numbers_that_round_alike_rises_above_its_bound(name, walk):
    numbers = _drawn(seed=6)
    numbers["weight_decay"] = numbers["weight_decay"] ** 0.5
    bounds, _ = _asked(_lanes(name, numbers), steps=100)
    assert np.mean(np.isfinite(bounds)) > 0.9
    for lane in range(LANES):
        for real in exactly.corners({key: values[lane] for key, values in numbers.items()}):
            top = max(x for x, *_ in itertools.islice(walk(**real), 100, 1_000)) - 1
            assert top <= exactly.exact(bounds[lane])


def _cycle(learning_rate, b1, weight_decay, walked=4_000, longest=600):
    """The highest rise of the cycle of AdamW without a second moment that a walk is drawn into, in rational numbers: the walk in
    floating point says which way its steps go, and the affine map of so many has one fixed point, which goes that way."""
    rate, b1, decay = map(Fraction, (learning_rate, b1, weight_decay))
    x, m, ups = 0.0, 0.0, []
    for step in range(walked):
        ups.append(x > 1)
        m = float(b1) * m + (1 - float(b1)) * (1 if ups[-1] else -1)
        x = (1 - float(rate * decay)) * x - float(rate) * m / (1 - float(b1) ** (step + 1))
    period = next(n for n in range(1, longest) if ups[-n - longest :] == ups[-2 * n - longest : -n])
    slopes = [1 if up else -1 for up in ups[-period:]]
    keep = 1 - rate * decay
    m = (1 - b1) * sum(g * b1 ** (period - 1 - at) for at, g in enumerate(slopes)) / (1 - b1**period)
    means = list(itertools.accumulate(slopes, lambda m, g: b1 * m + (1 - b1) * g, initial=m))
    x = -rate * sum(m * keep ** (period - 1 - at) for at, m in enumerate(means[1:])) / (1 - keep**period)
    places = list(itertools.accumulate(means[1:], lambda x, m: keep * x - rate * m, initial=x))
    assert places[-1] == x
    assert [x > 1 for x in places[:-1]] == ups[-period:]
    return float(max(places) - 1)


@pytest.mark.slow
def test_bounds_are_those_of_the_cycle_in_rational_numbers():
    rng = np.random.default_rng(9)
    numbers = {
        "learning_rate": rng.uniform(0.1, 1, LANES),
        "b1": rng.uniform(0, 0.9, LANES),
        "weight_decay": rng.uniform(0.1, 0.5, LANES),
    }
    bounds, _ = _asked(_lanes("AdamW", numbers), steps=4_000)
    held = np.isfinite(bounds)
    assert held.mean() > 0.9
    cycles = [_cycle(**{key: values[lane] for key, values in numbers.items()}) for lane in np.flatnonzero(held)]
    np.testing.assert_allclose(bounds[held], cycles, rtol=0, atol=1e-11)


def test_it_serves_walks_that_decay_and_count_no_steps():
    served = [
        (ho.AdamW(0.1), True),
        (ho.Lion(0.1, weight_decay=0.1), True),
        (ho.Lion(0.1), False),
        (ho.optax_named("lion"), True),
        (ho.optax_named("nadamw"), True),
        (ho.optax_named("contrib.sophia"), True),
        (ho.optax_named("adan"), False),
        (ho.optax_named("lamb"), False),
    ]
    for optimizer, expected in served:
        assert serves(EndlessTent(), in_short(as_arrays(optimizer))) is expected, optimizer
    assert not serves(ho.WedgeHill(0.3), as_arrays(ho.AdamW(0.1)))


def test_lion_of_optax_is_told_as_ours():
    optimizer = as_arrays(ho.from_optax(optax.lion, learning_rate=0.1, b1=0.8, weight_decay=0.1))
    place = jnp.asarray(0.3), optimizer.init(jnp.asarray(0.3))
    told, state = told_shortly(optimizer, place[1])
    assert isinstance(told, ho.Lion)
    other, steps = place[0], [jax.jit(each.step) for each in (optimizer, told)]
    for slope in jnp.asarray(np.random.default_rng(3).choice([-1.0, 1.0], 60)):
        place = steps[0](slope, place[1], place[0])
        other, state = steps[1](slope, state, other)
        np.testing.assert_allclose(other, place[0], rtol=0, atol=1e-12)
