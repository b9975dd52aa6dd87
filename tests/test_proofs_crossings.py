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
from hillopt.proofs import Ball, Whereabouts, crossings
from hillopt.proofs.crossings import bound_by_crossings

mp = mpmath.mp.clone()
mp.dps = 60
STARTS, STEPS = 8, 150


def well(z, height):
    """The slope at a distance to the right of the left well's bottom, which is exact there however near."""
    return 4 * height * (z - 1) * z * (z - 2)


def walk(numbers, height, z, u, root, num_steps, number=mp.mpf, sqrt=mp.sqrt):
    """Distances from the bottom, from a place, a momentum in parts of the root of the second moment, and that root, on."""
    b1, b2, rate = (number(numbers[name]) for name in ("b1", "b2", "learning_rate"))
    m, v = u * root, root * root
    for _ in range(num_steps):
        g = well(z, number(height))
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        z = z - rate * m / sqrt(v)
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


def late(optimizer, root):
    """At the bottom, at rest, long after the start."""
    zero, second = (Ball(jnp.asarray(each, optimizer.b1.dtype), jnp.zeros_like(optimizer.b1)) for each in (0, root**2))
    return Whereabouts(zero._replace(midpoint=zero.midpoint - 1), AdamState(zero, second, zero, zero))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_walk_from_anywhere_on_the_other_side_gets_beyond_and_the_worst_comes_as_near_as_is_spare(dtype):
    """The worst of thousands in floating point, walked again in 60 digits."""
    rng, near, bounded = np.random.default_rng(1), 0.0, 0
    for _ in range(16):
        b2 = 1 - np.exp(rng.uniform(np.log(1e-3), np.log(0.3)))
        b1 = rng.uniform(0, 0.97) * np.sqrt(b2)
        most = (1 - b1) / np.sqrt((1 - b2) * (1 - b1 * b1 / b2))
        drawn = {"learning_rate": rng.uniform(0.02, 0.6) / most, "b1": b1, "b2": b2, "height": rng.uniform(0.01, 0.3)}
        numbers = {name: float(np.dtype(dtype).type(value)) for name, value in drawn.items()}
        height, typed = numbers.pop("height"), {name: jnp.asarray(value, dtype) for name, value in numbers.items()}
        optimizer = as_arrays(ho.Adam(**typed))
        upper = float(bound()(ho.DoubleWell(jnp.asarray(height, dtype)), optimizer, late(optimizer, 1e-3 * height)))
        far = -numbers["learning_rate"] * most
        steepest, z = abs(well(far, height)), far * rng.uniform(size=4_000) ** rng.integers(1, 9)
        root = steepest * 10 ** rng.uniform(-7, 0, z.size)
        u = np.clip(most * rng.uniform(-1, 1, z.size), -steepest / root, steepest / root)
        found = np.max(list(walk(numbers, height, z, u, root, 60, float, np.sqrt)), 0)
        worst = np.argmax(found)
        reached = max(walk(numbers, height, *(mp.mpf(float(each[worst])) for each in (z, u, root)), 60))
        assert reached <= upper
        near, bounded = max(near, float(reached) / upper), bounded + np.isfinite(upper)
    assert bounded >= 8
    assert near > 0.98


@pytest.mark.slow
def test_pads_alone_hold_what_rounds_to_the_numbers(monkeypatch):
    """In float32 1 - b2 is known to a thousandth here, and nothing is spare: the longest leap, for the ends of what b2 may be."""
    monkeypatch.setattr(crossings, "SPARE", 2.0**-30)
    monkeypatch.setattr(crossings, "WIDENED", 0.0)
    numbers = {"learning_rate": 0.0044767651706933975, "b1": 0.2731548249721527, "b2": 0.9999765157699585}
    height, (rate, b1) = 0.07475986331701279, (mp.mpf(numbers[name]) for name in ("learning_rate", "b1"))
    optimizer = as_arrays(ho.Adam(**{name: jnp.asarray(value, jnp.float32) for name, value in numbers.items()}))
    upper = jax.jit(lambda *given: bound_by_crossings(*given, jnp.asarray(jnp.inf, jnp.float32)))(
        ho.DoubleWell(jnp.asarray(height, jnp.float32)), optimizer, late(optimizer, 1e-6)
    )
    assert float(upper) < 1
    for end in (-1, 1):
        b2 = mp.mpf(numbers["b2"]) + end * mp.mpf(2) ** -25 * (1 - mp.mpf(10) ** -6)
        most = (1 - b1) / mp.sqrt((1 - b2) * (1 - b1 * b1 / b2))
        z, root = mp.mpf(-1e-6), mp.mpf(1e-6) * 8 * height * b1 * (1 - b2) * most / ((1 - b1) * b2)
        assert max(walk({"learning_rate": rate, "b1": b1, "b2": b2}, height, z, -most, root, 60)) <= float(upper)
