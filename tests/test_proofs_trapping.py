"""Proofs of trapped walks on hills of every shape: against walks in 60 digits, from where they were tried and never got beyond."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import hillopt as ho
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.overshoots import bound_by_overshoot

LANES = 32
mp = mpmath.mp.clone()
mp.dps = 60


# Slopes and steps in 60 digits, from the formulas


def wedge(x, height):
    return mp.mpf(-1) if x <= 1 else height / mp.mpf("0.25") if x < mp.mpf("1.25") else mp.mpf(-1)


def well(x, height):
    return 4 * height * x * (x * x - 1)


def bump(x, height):
    u = (x - 1) / mp.mpf("0.2")
    return -1 - height * u / mp.mpf("0.2") * mp.exp(-u * u / 2)


def descent(g, m, v, t, learning_rate):
    return learning_rate * g, m, v


def sign(g, m, v, t, learning_rate):
    return learning_rate * mp.sign(g), m, v


def heavy(g, m, v, t, learning_rate, momentum):
    m = g + momentum * m
    return learning_rate * m, m, v


def nesterov(g, m, v, t, learning_rate, momentum):
    m = g + momentum * m
    return learning_rate * (g + momentum * m), m, v


def adagrad(g, m, v, t, learning_rate):
    v += g * g
    return (learning_rate * g / mp.sqrt(v) if v else 0), m, v


def rmsprop(g, m, v, t, learning_rate, decay):
    v = decay * v + (1 - decay) * g * g
    return (learning_rate * g / mp.sqrt(v) if v else 0), m, v


def adam(g, m, v, t, learning_rate, b1, b2):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    return (learning_rate * (m / (1 - b1**t)) / mp.sqrt(v / (1 - b2**t)) if v else 0), m, v


def lion(g, m, v, t, learning_rate, b1, b2):
    return learning_rate * mp.sign(b1 * m + (1 - b1) * g), b2 * m + (1 - b2) * g, v


HILLS = {
    "wedge": (lambda height: ho.WedgeHill(0.05 + 0.95 * height), wedge, 0, 1),
    "well": (lambda height: ho.DoubleWell(0.05 + 0.45 * height), well, -1.5, -1),
    "bump": (lambda height: ho.GaussianHill(0.35 + 0.65 * height), bump, 0, 1),
}
RATE = (np.log(0.01), np.log(1.0))
OPTIMIZERS = {
    ho.GradientDescent: (descent, {"learning_rate": RATE}),
    ho.SignDescent: (sign, {"learning_rate": RATE}),
    ho.HeavyBall: (heavy, {"learning_rate": RATE, "momentum": (0, 0.95)}),
    ho.Nesterov: (nesterov, {"learning_rate": RATE, "momentum": (0, 0.95)}),
    ho.Adagrad: (adagrad, {"learning_rate": RATE}),
    ho.RMSprop: (rmsprop, {"learning_rate": RATE, "decay": (0.5, 0.99)}),
    ho.Adam: (adam, {"learning_rate": RATE, "b1": (0, 0.95), "b2": (0.9, 0.999)}),
    ho.Lion: (lion, {"learning_rate": RATE, "b1": (0.5, 0.95), "b2": (0.9, 0.99)}),
}


def settings(kind, rng):
    """Random numbers; some of them the everyday ones, with which walks land on kinks."""
    numbers = {name: rng.uniform(*ends, LANES) for name, ends in OPTIMIZERS[kind][1].items()}
    numbers["learning_rate"] = np.exp(numbers["learning_rate"])
    numbers["learning_rate"][:6] = [0.25, 0.125, 0.1, 0.05, 0.2, 0.0625]
    return numbers


def exact_walk(kind, slope, start, height, numbers):
    """Positions after every step, for one setting."""
    update = OPTIMIZERS[kind][0]
    height, numbers = mp.mpf(float(height)), {name: mp.mpf(float(value)) for name, value in numbers.items()}
    x, m, v = mp.mpf(start), mp.mpf(0), mp.mpf(0)
    for t in itertools.count(1):
        step, m, v = update(slope(x, height), m, v, t, **numbers)
        x -= step
        yield x


QUICK = {(ho.Nesterov, "wedge")}
ALL = [
    pytest.param(kind, hill, marks=[] if (kind, hill) in QUICK else pytest.mark.slow)
    for kind, hill in itertools.product(OPTIMIZERS, HILLS)
]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_no_trapped_walk_ever_escapes(kind, name):
    """Nor, in 60 digits, does a walk that was proved to be trapped by what it did in a few hundred steps."""
    make, slope, start, valley = HILLS[name]
    rng = np.random.default_rng(5)
    heights, numbers = rng.uniform(size=LANES), settings(kind, rng)
    hill = make(heights)
    answer = jax.tree.map(np.asarray, ho.escape(hill, kind(**numbers), max_steps=600, climb=ho.THOROUGH))
    trapped = np.flatnonzero((answer.verdict == ho.Verdict.TRAPPED) & (answer.certainty == ho.Certainty.CERTIFIED))
    assert len(trapped) >= LANES // 4
    goals = [float(hill.at(height).goal()) for height in hill.height]
    for lane in trapped:
        walk = exact_walk(kind, slope, start, hill.height[lane], {key: value[lane] for key, value in numbers.items()})
        assert max(itertools.islice(walk, 400)) - valley < goals[lane]


def place_of(kind, numbers, slope, num_steps):
    """Where an exact walk on a wedge of height 0.3 is after some steps, rounded, with what rounding may have left out."""
    update, exact = OPTIMIZERS[kind][0], {name: mp.mpf(float(value)) for name, value in numbers.items()}
    x, m, v = mp.mpf(0), mp.mpf(0), mp.mpf(0)
    for t in range(1, num_steps + 1):
        step, m, v = update(slope(x, mp.mpf(0.3)), m, v, t, **exact)
        x -= step
    powers = [exact[name] ** num_steps for name in ("b1", "b2") if name in exact]
    leaves = {ho.HeavyBall: [m], ho.Nesterov: [m], ho.Lion: [m], ho.Adagrad: [v], ho.RMSprop: [v]}.get(kind, [])
    leaves = [m, v, *powers] if kind is ho.Adam else leaves
    structure = jax.tree.structure(as_arrays(kind(**numbers)).init(jnp.zeros(())))
    balls = [Ball(jnp.asarray(float(leaf)), jnp.asarray(abs(float(leaf)) * 1e-15)) for leaf in (x, *leaves)]
    return Whereabouts(balls[0], jax.tree.unflatten(structure, balls[1:]))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind is ho.Adam else pytest.mark.slow) for kind in OPTIMIZERS]
)
def test_no_exact_rise_exceeds_the_bound_of_overshoots(kind):
    """From wherever a walk is when it is asked, on its way up or down."""
    rng, bound, proved = np.random.default_rng(7), jax.jit(bound_by_overshoot), 0
    drawn = settings(kind, rng)
    for lane in range(12):
        numbers, num_steps = {name: values[lane] for name, values in drawn.items()}, int(rng.integers(20, 60))
        hill = ho.WedgeHill(0.3, half_width=50.0).at(
            60.0
        )  # the same flank, so high that nobody escapes: slopes -1 and 1.2

        def slope(x, height):
            return mp.mpf(-1) if x <= 1 else mp.mpf(float(60 / 50.0))

        optimizer = as_arrays(kind(**numbers))
        upper = float(
            bound(jax.tree.map(jnp.asarray, hill), optimizer, place_of(kind, numbers, slope, num_steps), jnp.inf)
        )
        walk = exact_walk(kind, slope, 0, 0.3, numbers)
        later = max(itertools.islice(walk, num_steps, 400)) - 1
        proved += np.isfinite(upper)
        assert later <= upper
    assert proved >= 6


@pytest.mark.slow
def test_a_crest_just_beyond_reach_holds_the_walk_and_one_just_within_does_not():
    rates = np.array([0.21, 0.13, 0.3])
    hills = [ho.WedgeHill(0.1, half_width=rates + offset) for offset in (1e-9, -1e-9)]
    held, free = (ho.escape(hill, ho.GradientDescent(rates), max_steps=64) for hill in hills)
    np.testing.assert_array_equal(held.verdict, ho.Verdict.TRAPPED)
    np.testing.assert_array_equal(held.certainty, ho.Certainty.CERTIFIED)
    assert not np.any(np.asarray(free.verdict) == ho.Verdict.TRAPPED)


@pytest.mark.slow
def test_where_slopes_have_no_bound_nothing_is_proved():
    """A cusp in the place of the valley: no step near to it is bounded."""
    cusp = ho.hill_from(
        lambda x, h: jnp.sqrt(jnp.abs(x - 1)) - 2 * h * jax.nn.relu(x - 2), 1.0, crest=lambda h: 2.0 + 0 * h
    )
    answer = ho.escape(cusp, ho.GradientDescent(jnp.array([0.01, 0.05])), max_steps=64)
    assert not np.any(np.asarray(answer.verdict) == ho.Verdict.TRAPPED)
