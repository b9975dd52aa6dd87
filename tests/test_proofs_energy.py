"""Bounds of all swings to come, against 120-digit walks that go on."""

import itertools
from decimal import Decimal

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exactly import DTYPES, NEXT_BELOW_1, exact

import hillopt as ho
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, bounded, energy_bound, lattice_of, rounded

KINDS = {
    "heavy_ball": (lambda rate, decay: ho.HeavyBall(rate, decay), lambda rate, decay: exactly.heavy_ball(rate, decay)),
    "nesterov": (lambda rate, decay: ho.Nesterov(rate, decay), lambda rate, decay: exactly.nesterov(rate, decay)),
    "adam": (lambda rate, decay: ho.Adam(rate, decay), lambda rate, decay: exactly.adam(rate, decay, Decimal(0))),
}
LANES, GOES_ON = 48, 800


def settings(dtype, rng):
    """Slow memories, fast ones, and decays a few units below 1; learning rates of 1/n land on the valley, or nearly."""
    near = [1 - units * (1 - NEXT_BELOW_1[dtype]) for units in (1, 100, 10_000)]
    decays = np.concatenate([near, 1 - 10.0 ** rng.uniform(-3, 0, LANES - len(near))]).astype(dtype)
    rates = np.where(np.arange(LANES) % 4 == 3, 1 / rng.integers(1, 20, LANES), 10.0 ** rng.uniform(-1.5, 0.3, LANES))
    return rates.astype(dtype), decays


def bounds_of(name, rates, decays, steps, dtype):
    """Each lane's walk up to its step in 120 digits, then what is proved of the rest, and the rest."""
    optimizer = as_arrays(KINDS[name][0](rates, decays))
    lattice, _ = jax.jit(bounded(lattice_of))(jax.tree.map(rounded, optimizer))
    rises, memories, tops, rests = [], [], [], []
    for rate, decay, step in zip(rates, decays, steps, strict=True):
        walk = KINDS[name][1](exact(rate), exact(decay))
        past = [(x - 1, memory) for x, memory, _ in itertools.islice(walk, int(step))]
        rises.append(past[-1][0])
        memories.append(past[-1][1])
        tops.append(max(abs(rise) for rise, _ in past[-int(step) // 2 :]))
        rests.append(max(abs(x - 1) for x, *_ in itertools.islice(walk, GOES_ON)))
    eps = float(jnp.finfo(dtype).eps)

    def ball(numbers):
        middle = jnp.asarray(np.array([float(number) for number in numbers]), dtype)
        return Ball(middle, jnp.maximum(eps * jnp.abs(middle), jnp.finfo(dtype).tiny))

    correction = np.ones_like(rates)
    if name == "adam":
        powers = [exact(decay) ** (int(step) + 1) for decay, step in zip(decays, steps, strict=True)]
        correction = np.array([float(1 / (1 - power)) * (1 + 4 * eps) for power in powers], dtype)
    scale = np.array([0.9, 1.000001, 3, 30])[np.arange(LANES) % 4]
    tops = (np.array([float(top) for top in tops]) * scale).astype(dtype)
    found = jax.jit(energy_bound)(lattice, ball(rises), ball(memories), jnp.asarray(correction), jnp.asarray(tops))
    return np.asarray(found), tops, rests


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", KINDS)
def test_no_later_swing_exceeds_its_bound(name, dtype, seed):
    rng = np.random.default_rng(seed)
    rates, decays = settings(dtype, rng)
    steps = rng.integers(2, 300, LANES)
    bounds, tops, rests = bounds_of(name, rates, decays, steps, dtype)
    assert not np.isnan(bounds).any()
    for lane in np.flatnonzero(np.isfinite(bounds)):
        assert rests[lane] <= exact(bounds[lane])
    assert (bounds <= tops).mean() > 0.05
    assert np.isfinite(bounds).mean() > 0.25


@pytest.mark.parametrize("decay", [0.8, 0.9, 0.99, 0.999])
def test_swings_of_three_quarters_of_the_spacing_may_last_and_longer_ones_do_not(decay):
    """A walk whose memory is empty a little above the valley; for slow memories the limit is 3/4."""
    optimizer = as_arrays(ho.HeavyBall(1 - decay, decay))  # a spacing of 1
    lattice, _ = bounded(lattice_of)(jax.tree.map(rounded, optimizer))
    nothing, tops = Ball(jnp.zeros(()), jnp.zeros(())), jnp.linspace(0.7, 0.9, 201)

    def bound(top):
        return energy_bound(lattice, Ball(top / 2, jnp.zeros(())), nothing, jnp.ones(()), top)

    proved = np.asarray(jax.jit(jax.vmap(bound))(tops) <= tops)
    assert np.all(np.diff(proved.astype(int)) >= 0)
    assert 0.74 < tops[np.argmax(proved)] < 0.78


@pytest.mark.slow
def test_the_default_map_is_settled_by_slow_memories_too():
    """What used to walk to the end undecided: b1 of 0.995 and more."""
    rates, b1 = np.geomspace(0.0011, 0.45, 5)[:, None], np.array([0.995, 0.998, 0.999])
    answer = ho.critical_height(ho.TentHill(), ho.Adam(rates, b1))
    assert np.asarray(answer.verdict == ho.Verdict.TRAPPED).all()
    assert np.asarray(answer.certified).all()
    longer = ho.critical_height(ho.TentHill(), ho.Adam(rates, b1), max_steps=20_000, climb=ho.BlockedClimb())
    assert np.all(longer.critical_height <= answer.upper * (1 + 1e-9))
