"""Estimates of learning rates: what is told steps as optax does, growth and all, and no walk ever rises above its bound."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.means import kept_by
from hillopt.proofs.returns import bound_by_returns, serves
from hillopt.proofs.tellings import told_shortly
from hillopt.walk import move

PRODIGY, DADAPT = optax.contrib.prodigy, optax.contrib.dadapt_adamw
QUICK = {"betas": (0.8, 0.9), "eps": 0.1}
TOLD = {
    "prodigy": (PRODIGY, {"estim_lr0": 0.1}),
    "prodigy that forgets soon": (PRODIGY, {**QUICK, "beta3": 0.9, "estim_lr_coef": 1.7, "weight_decay": 0.05}),
    "dadapt_adamw": (DADAPT, {"estim_lr0": 0.1}),
    "dadapt_adamw that forgets soon": (DADAPT, {**QUICK, "weight_decay": 0.05}),
}

SOON = [name for name in TOLD if "soon" in name]


def _made(name, **numbers):
    """Both betas are a pair, which no array stands for."""
    factory, others = TOLD[name]
    others = {"learning_rate": 0.3, **others} | numbers
    betas = others.pop("betas", (0.9, 0.999))
    optimizer = as_arrays(ho.from_optax(factory, **others))
    return dataclasses.replace(optimizer, settings=(*optimizer.settings, ("betas", betas)))


def _steps(step, slopes, place):
    """All places on the way."""

    def go(place, slope):
        place = step(slope, place[1], place[0])
        return place, place

    return jax.jit(lambda place: jax.lax.scan(go, place, jnp.asarray(slopes))[1])(place)


def _last(places):
    return jax.tree.map(lambda leaf: leaf[-1], places)


def _under_way(optimizer, slopes):
    return _last(_steps(optimizer.step, slopes, (jnp.asarray(0.3), optimizer.init(jnp.asarray(0.3)))))


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_steps_as_it_did_and_grows_as_it_did(name):
    optimizer = _made(name)
    slopes = np.where(np.random.default_rng(5).random(300) < 0.3, 1.0, -1.0)
    place = _under_way(optimizer, slopes[:3])
    told, state = told_shortly(optimizer, place[1])
    of_optax = _steps(optimizer.step, slopes[3:], place)
    of_told = _steps(told.step, slopes[3:], (place[0], state))
    furthest = np.max(np.abs(of_optax[0]))
    np.testing.assert_allclose(of_told[0], of_optax[0], rtol=0, atol=1e-9 * furthest)
    np.testing.assert_allclose(of_told[1].estimate, of_optax[1].estim_lr, rtol=1e-9)
    assert of_optax[1].estim_lr[-1] > 10 * place[1].estim_lr
    grows = np.diff(np.append(place[1].estim_lr, of_optax[1].estim_lr)) > 0
    np.testing.assert_array_equal(of_told[1].growths, np.cumsum(grows))


@pytest.mark.parametrize("name", SOON)
def test_the_position_less_an_offset_moves_by_one_length_and_what_is_left(name):
    """As long as the estimate stays, which a numerator far below zero sees to."""
    optimizer = _made(name, weight_decay=0.0, estim_lr0=0.5)
    position, state = _under_way(optimizer, np.tile([-1.0, 1.0], 30))
    told, state = told_shortly(optimizer, state)
    state = state._replace(numerator=state.numerator - 1e30)
    kept = kept_by(told, state)
    signs = np.random.default_rng(3).choice([-1.0, 1.0], 100)
    later, after = _last(_steps(told.step, np.stack([signs, -signs]).T.ravel(), (position, state)))
    assert after.growths == 0
    far = abs((later - kept_by(told, after).offset) - (position - kept.offset))
    assert 1e-9 < far <= float(kept.left)
    assert float(kept.left) < 1  # length


@pytest.mark.parametrize("name", SOON)
def test_nothing_is_kept_where_the_position_decays(name):
    for decay, is_kept in ((0.0, True), (0.05, False)):
        optimizer = _made(name, weight_decay=decay)
        _, state = _under_way(optimizer, -np.ones(3))
        kept = kept_by(*told_shortly(optimizer, state))
        assert np.isfinite(kept.left) == is_kept


def test_nothing_is_told_of_estimates_below_zero_or_sums_that_weigh_otherwise():
    optimizer = _made("prodigy", estim_lr0=-0.1)
    assert np.isnan(told_shortly(optimizer, optimizer.init(jnp.asarray(0.0)))[1].estimate)
    assert serves(EndlessTent(), optimizer)
    assert not serves(EndlessTent(), as_arrays(ho.from_optax(PRODIGY, learning_rate=0.1, safeguard_warmup=True)))


LANES, LATER = 48, 100_000


@pytest.mark.slow
@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.0, 0.7)])
@pytest.mark.parametrize("name", ["prodigy", "dadapt_adamw"])
def test_no_walk_ever_rises_above_its_bound(name, betas):
    """Rates such as 1/n, at which walks come to the kink itself, and others; estimates that begin low and high."""
    draws = np.random.default_rng(11)
    rate = np.where(np.arange(LANES) % 3 == 0, 1 / draws.integers(1, 40, LANES), 10 ** draws.uniform(-2, 0.5, LANES))
    numbers = {"learning_rate": rate, "eps": 10 ** draws.uniform(-8, -1, LANES)}
    numbers |= {"estim_lr0": 10 ** draws.uniform(-6, 0.3, LANES)}
    numbers |= {"estim_lr_coef": 10 ** draws.uniform(-0.7, 0.7, LANES)} if name == "prodigy" else {}
    lanes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (LANES,)), _made(name, betas=betas, **numbers))

    def walk(optimizer):
        def go(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - 1)

        begin = jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))
        place, before = jax.lax.fori_loop(0, 2_048, go, (begin, -jnp.inf))
        wide = lambda leaf: Ball(leaf, 1e-12 * jnp.maximum(jnp.abs(leaf), 1e-3))  # noqa: E731
        around = jax.tree.map(lambda leaf: wide(leaf) if leaf.dtype == jnp.float64 else leaf, place)
        bound = bound_by_returns(EndlessTent(), optimizer, Whereabouts(*around), jnp.asarray(jnp.inf))
        later, top = jax.lax.fori_loop(0, LATER, go, (place, place[0] - 1))
        return bound, top, (before > 0) & (later[1].estim_lr == place[1].estim_lr)

    bounds, tops, settled = map(np.asarray, jax.jit(jax.vmap(walk))(lanes))
    held = np.isfinite(bounds)
    assert np.all(tops[held] <= bounds[held] + 1e-9)
    assert np.all(settled[held])
    assert held[settled].mean() > 0.8  # others come to the kink itself
    assert np.median(bounds[held] / np.maximum(tops[held], 1e-3)) < 1 + 1e-5
