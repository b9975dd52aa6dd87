"""Rounds of Lion on any ground: against walks in 60 digits, and where momenta do not agree."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import hillopt as ho
from hillopt.optimizers import as_arrays
from hillopt.optimizers.first_order import TraceState
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.sites import bound_by_sites

mp = mpmath.mp.clone()
mp.dps = 60

RATES = [0.0136, 0.0377, 0.06, 0.0768, 0.0951, 0.1513, 0.328]


def walk(x, m, height, learning_rate, b1, b2):
    """Positions and momenta of Lion in a double well."""
    while True:
        g = 4 * height * x * (x * x - 1)
        x, m = x - learning_rate * mp.sign(b1 * m + (1 - b1) * g), b2 * m + (1 - b2) * g
        yield x, m


@pytest.mark.slow
@pytest.mark.parametrize("first", [40, 700])
def test_no_exact_rise_exceeds_that_of_a_round(first):
    """From where the walk is early, and late, when more rounds close."""
    bound, proved = jax.jit(lambda *args: bound_by_sites(*args, jnp.asarray(jnp.inf))), 0
    for rate in RATES:
        numbers, height = {"learning_rate": rate, "b1": 0.6, "b2": 0.985}, 0.12
        exact = walk(mp.mpf(-1.5), mp.mpf(0), mp.mpf(height), **{key: mp.mpf(value) for key, value in numbers.items()})
        for _ in range(first):
            x, m = next(exact)
        place = Whereabouts(
            Ball(jnp.asarray(float(x)), jnp.asarray(1e-15)),
            TraceState(Ball(jnp.asarray(float(m)), jnp.asarray(1e-15))),
        )
        upper = float(bound(ho.DoubleWell(jnp.asarray(height)), as_arrays(ho.Lion(**numbers)), place))
        proved += np.isfinite(upper)
        assert max(next(exact)[0] for _ in range(3_000)) + 1 <= upper
    assert proved >= (1 if first < 100 else 6)


@pytest.mark.slow
def test_momenta_that_may_cancel_the_slope_prove_nothing():
    """On a wedge of slope 1 the momentum 1/2 keeps the walk undecided with b1 = 2/3, whatever is known of its last digits."""
    hill, optimizer = ho.WedgeHill(0.25, half_width=jnp.asarray(0.25)), as_arrays(ho.Lion(0.1, b1=2 / 3, b2=0.9))
    place = Whereabouts(
        Ball(jnp.asarray(0.95), jnp.asarray(1e-15)), TraceState(Ball(jnp.asarray(0.5), jnp.asarray(1e-15)))
    )
    hill = jax.tree.map(jnp.asarray, hill)
    assert float(bound_by_sites(hill, optimizer, place, jnp.asarray(jnp.inf))) == np.inf
