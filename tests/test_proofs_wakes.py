"""Wakes: cells hold all of what is cut into them, and no walk of LAMB ever rises above its bound, no exact one either."""

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
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.balls import is_float
from hillopt.proofs.wakes import KINK, NOTHING, _cut, _Grid, bound_by_wake, serves
from hillopt.walk import move

LANES, LATER = 48, 300_000


def _drawn(seed=7):
    """Rates such as 1/n, at which logarithms may share a length, and others; means that remember little and much."""
    rng = np.random.default_rng(seed)
    rate = np.where(np.arange(LANES) % 3 == 0, 1 / rng.integers(2, 40, LANES), 10 ** rng.uniform(-2, -0.01, LANES))
    return {"learning_rate": rate, "b1": 1 - 10 ** rng.uniform(-1.3, 0, LANES)}


def _asked(numbers, steps, later=0, decay=0.0):
    """The bound of each lane after some steps, and how high walks rise in so many more."""
    optimizer = as_arrays(ho.from_optax(optax.lamb, **numbers, weight_decay=np.full(LANES, decay)))
    optimizer = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (LANES,)), optimizer)

    def placed(optimizer):
        begin = jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))
        return jax.lax.fori_loop(0, steps, lambda _, place: move(EndlessTent(), optimizer, *place), begin)

    def bound(optimizer):
        wide = lambda leaf: Ball(leaf, 1e-12 + 0 * leaf) if is_float(leaf) else Ball(leaf)  # noqa: E731
        around = Whereabouts(*jax.tree.map(wide, placed(optimizer)))
        return bound_by_wake(EndlessTent(), optimizer, around, jnp.asarray(jnp.inf))

    def top(optimizer):
        def go(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - KINK)

        place = placed(optimizer)
        return jax.lax.fori_loop(0, later, go, (place, place[0] - KINK))[1]

    bounds = jax.jit(functools.partial(jax.lax.map, bound))(optimizer)
    return np.asarray(bounds), np.asarray(jax.jit(jax.vmap(top))(optimizer))


@pytest.mark.slow
@pytest.mark.parametrize(("decay", "share"), [(0.0, 0.9), (0.1, 0.6)])
def test_no_walk_ever_rises_above_its_bound(decay, share):
    bounds, tops = _asked(_drawn(), steps=512, later=LATER, decay=decay)
    assert np.all(tops <= bounds + 1e-9)
    assert np.isfinite(bounds).mean() > share
    assert np.median(bounds / tops) < 1.005


def _lamb(learning_rate, b1):
    """The first step, from 0, is Adam's."""
    x, m = exactly.exact(1) * learning_rate / (1 + exactly.exact(1e-6)), b1 - 1
    while True:
        yield x
        m = b1 * m + (1 - b1) * exactly.slope(x)
        x *= 1 - learning_rate * ((m > 0) - (m < 0))


@pytest.mark.slow
def test_no_exact_walk_of_numbers_that_round_alike_rises_above_its_bound():
    numbers = _drawn(seed=8)
    bounds, _ = _asked(numbers, steps=200)
    assert np.isfinite(bounds).mean() > 0.9
    for lane in range(LANES):
        for real in exactly.corners({key: values[lane] for key, values in numbers.items()}):
            top = max(itertools.islice(_lamb(**real), 200, 2_000)) - 1
            assert top <= Decimal(float(bounds[lane]))


def test_cells_hold_all_of_a_box_and_the_kink_belongs_below():
    rng = np.random.default_rng(4)
    grid = _Grid(jnp.asarray(0.01), jnp.asarray(0.03), jnp.asarray(2))
    low = rng.normal(0, 0.1, (400, 3)) + np.array([KINK, 0, 0])
    low[:40, 0] = KINK
    high = low + rng.uniform(0, [0.015, 1.0, 0.045], (400, 3))
    cut = jax.jit(jax.vmap(functools.partial(_cut, grid)))
    keys, boxes, is_all = jax.tree.map(np.asarray, cut(low, high))
    assert np.all(is_all)
    for share in rng.uniform(0, 1, (20, 3)):
        place = (low + share * (high - low))[:, None, None]
        inside = np.all((boxes.low <= place) & (place <= boxes.high), -1) & (keys != NOTHING)
        is_up = boxes.high[..., 0] > KINK
        assert np.all(np.any(inside & (is_up == (place[..., 0] > KINK)), (1, 2)))
    for more in ([0.03, 0, 0], [0, 0, np.inf]):
        assert not np.any(cut(low, high + np.array(more))[2])


def test_it_serves_steps_as_long_as_the_position_is():
    assert serves(EndlessTent(), as_arrays(ho.optax_named("lamb")))
    assert not serves(EndlessTent(), as_arrays(ho.optax_named("adamw")))
    assert not serves(EndlessTent(), as_arrays(ho.Adam(0.1)))
    assert not serves(ho.WedgeHill(0.3), as_arrays(ho.optax_named("lamb")))
