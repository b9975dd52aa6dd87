"""How far Adam gets beyond a smooth bottom: against walks in 60 digits, those that have slept near the bottom above all."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import hillopt as ho
from hillopt.optimizers import as_arrays
from hillopt.optimizers.adaptive import AdamState
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.crossings import bound_by_crossings

mp = mpmath.mp.clone()
mp.dps = 60
STARTS, STEPS = 8, 150


def well(z, height):
    """The slope at a distance to the right of the left well's bottom, which is exact there however near."""
    return 4 * height * (z - 1) * z * (z - 2)


def walk(numbers, height, z, u, root, num_steps):
    """Distances from the bottom, from a place, a momentum in parts of the root of the second moment, and that root, on."""
    b1, b2, rate = (mp.mpf(numbers[name]) for name in ("b1", "b2", "learning_rate"))
    m, v = u * root, root * root
    for _ in range(num_steps):
        g = well(z, mp.mpf(height))
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        z -= rate * m / mp.sqrt(v)
        yield z


ROWS = [
    ({"learning_rate": 0.17, "b1": 0.55, "b2": 0.974}, 0.22),
    ({"learning_rate": 0.197, "b1": 0.16, "b2": 0.966}, 0.03),
    ({"learning_rate": 0.22, "b1": 0.58, "b2": 0.936}, 0.11),
    ({"learning_rate": 0.1, "b1": 0.0, "b2": 0.98}, 0.25),
]


@functools.cache
def bound():
    return jax.jit(lambda hill, optimizer, place: bound_by_crossings(hill, optimizer, place, jnp.asarray(jnp.inf)))


@pytest.mark.slow
@pytest.mark.parametrize(("numbers", "height"), ROWS)
def test_no_walk_gets_beyond_the_bound_and_those_that_have_slept_get_near(numbers, height):
    """Asleep: so near to the bottom that the second moment forgets, by which the next slopes count the more. Long after the start,
    when bias corrections are gone."""
    hill, optimizer, rng = ho.DoubleWell(jnp.asarray(height)), as_arrays(ho.Adam(**numbers)), np.random.default_rng(0)
    asleep, near = (-1e-9, 0.0, 1e-12), 0.0
    roots = 8 * height * 10 ** rng.uniform(-6, 0, STARTS)
    awake = [(numbers["learning_rate"] * root * 10 ** rng.uniform(-8, 0), rng.uniform(-1, 1), root) for root in roots]
    for z, u, root in [asleep, *awake]:
        zero = Ball(jnp.zeros(()), jnp.zeros(()))
        first, second = (Ball(jnp.asarray(each), jnp.asarray(1e-15 * abs(each))) for each in (u * root, root * root))
        place = Whereabouts(Ball(jnp.asarray(z - 1), jnp.asarray(1e-15)), AdamState(first, second, zero, zero))
        upper = float(bound()(hill, optimizer, place))
        assert upper < 1
        reached = max(walk(numbers, height, mp.mpf(z), mp.mpf(u), mp.mpf(root), STEPS))
        assert reached <= upper
        near = max(near, float(reached) / upper)
    assert near > 0.7


@pytest.mark.slow
def test_nothing_is_proved_of_what_one_leap_takes_across():
    """Its longest leap is longer than the way to the crest."""
    hill, optimizer = ho.DoubleWell(jnp.asarray(0.2)), as_arrays(ho.Adam(0.5, b1=0.3, b2=0.97))
    zero, small = (Ball(jnp.asarray(each), jnp.zeros(())) for each in (0.0, 0.01))
    place = Whereabouts(Ball(jnp.asarray(-1.0), jnp.zeros(())), AdamState(zero, small, zero, zero))
    assert float(bound()(hill, optimizer, place)) == np.inf
    assert max(walk({"learning_rate": 0.5, "b1": 0.3, "b2": 0.97}, 0.2, mp.mpf("-1e-9"), 0, mp.mpf("1e-12"), 5)) > 1
