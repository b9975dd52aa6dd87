"""Half turns: what is told steps as optax does and is mirrored as it is said to be, and no walk ever rises above its bound."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.balls import midpoints
from hillopt.proofs.half_turns import bound_by_half_turns, serves
from hillopt.proofs.memories import mirrored_by
from hillopt.proofs.tellings import told_shortly
from hillopt.walk import move

TOLD = {
    "acprop": (optax.contrib.acprop, {"b1": 0.8, "b2": 0.95, "eps": 0.1, "eps_root": 0.01, "weight_decay": 0.1}),
    "adabelief": (optax.adabelief, {"b1": 0.8, "b2": 0.95, "eps": 0.1, "eps_root": 0.01}),
}
BEFORE, AFTER = 40, 60


def _made(name, **numbers):
    factory, others = TOLD[name]
    return as_arrays(ho.from_optax(factory, learning_rate=0.1, **others | numbers))


def _without_decay(name):
    return {key: 0.0 for key in TOLD[name][1] if key == "weight_decay"}


def _drawn(optimizer, number):
    """A walk over so many slopes that are drawn, and more of them."""
    slopes = jnp.asarray(np.random.default_rng(3).choice([-1.0, 1.0], BEFORE + number))
    place, step = (jnp.asarray(0.3), optimizer.init(jnp.asarray(0.3))), jax.jit(optimizer.step)
    for slope in slopes[:BEFORE]:
        place = step(slope, place[1], place[0])
    return place, slopes[BEFORE:]


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_steps_as_it_did(name):
    optimizer = _made(name)
    place, slopes = _drawn(optimizer, AFTER)
    told, state = told_shortly(optimizer, place[1])
    assert type(told) is not type(optimizer)
    other, of_optax, of_told = place[0], jax.jit(optimizer.step), jax.jit(told.step)
    for slope in slopes:
        place = of_optax(slope, place[1], place[0])
        other, state = of_told(slope, state, other)
        np.testing.assert_allclose(other, place[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TOLD)
def test_steps_on_opposite_slopes_from_the_mirror_image_are_opposite_wherever_they_begin(name):
    optimizer = _made(name, **_without_decay(name))
    (position, state), slopes = _drawn(optimizer, AFTER)
    told, state = told_shortly(optimizer, state)
    image, holds = mirrored_by(told, state)
    assert holds
    begins, here, there = (float(position), 7.0), position, jnp.asarray(7.0)
    for slope in slopes:
        here, state = told.step(slope, state, here)
        there, image = told.step(-slope, image, there)
        np.testing.assert_allclose(here - begins[0], -(there - begins[1]), rtol=0, atol=1e-12)


def test_nothing_is_mirrored_where_the_position_decays():
    optimizer = _made("acprop")
    (_, state), _ = _drawn(optimizer, 0)
    assert not mirrored_by(*told_shortly(optimizer, state)).holds


def test_it_serves_what_has_a_mirror_image_on_the_tent():
    for name in TOLD:
        assert serves(EndlessTent(), _made(name)), name
    assert not serves(ho.WedgeHill(0.3), _made("adabelief"))
    assert not serves(EndlessTent(), as_arrays(ho.optax_named("nadam")))


def _walked(optimizer, begin, number):
    """Where a walk is after so many steps, and how high it has been on the way."""

    def go(_, carry):
        place, top = carry
        place = move(EndlessTent(), optimizer, *place)
        return place, jnp.maximum(top, place[0] - 1)

    return jax.lax.fori_loop(0, number, go, (begin, begin[0] - 1))


def _around(place):
    wide = lambda leaf: Ball(leaf, 1e-12 * jnp.maximum(jnp.abs(leaf), 1e-3))  # noqa: E731
    return Whereabouts(*jax.tree.map(lambda leaf: wide(leaf) if leaf.dtype == jnp.float64 else leaf, place))


def _bound_and_later(steps, later, optimizer):
    """The bound after so many steps, how high the walk is then, and later."""
    place, _ = _walked(optimizer, (jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))), steps)
    bound = bound_by_half_turns(EndlessTent(), optimizer, _around(place), jnp.asarray(jnp.inf))
    return bound, _walked(optimizer, midpoints(tuple(place)), later)[1]


LANES = 48


def _settings(name):
    """Rates such as 1/n, at which walks come to the kink itself, and others; means that remember little and much."""
    rng = np.random.default_rng(17)
    rate = np.where(np.arange(LANES) % 3 == 0, 1 / rng.integers(2, 40, LANES), 10 ** rng.uniform(-1.7, 0.3, LANES))
    numbers = {"learning_rate": rate, "b1": 1 - 10 ** rng.uniform(-1.5, 0, LANES), "eps": 1e-8, "eps_root": 1e-8}
    numbers["b2"] = 1 - 10 ** rng.uniform(-2.5, -0.5, LANES)
    given = {key: np.broadcast_to(number, LANES) for key, number in numbers.items()}
    return as_arrays(ho.from_optax(TOLD[name][0], **given, **_without_decay(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("steps", [128, 1_024])
def test_no_walk_ever_rises_above_its_bound(name, steps):
    optimizer = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, LANES), _settings(name))
    bounds, tops = map(np.asarray, jax.jit(jax.vmap(functools.partial(_bound_and_later, steps, 100_000)))(optimizer))
    held = np.isfinite(bounds)
    assert np.all(tops[held] <= bounds[held] + 1e-12)
    assert held.mean() > {"acprop": 0.4, "adabelief": 0.15}[name]
    if steps > 1_000:
        assert np.median(bounds[held] / np.maximum(tops[held], 1e-3)) < 1 + 1e-6


@pytest.mark.slow
def test_most_walks_of_acprop_are_trapped():
    acprop = ho.from_optax(optax.contrib.acprop, learning_rate=np.geomspace(0.02, 0.99, 24))
    found = ho.critical_height(ho.TentHill(), acprop, max_steps=20_000)
    assert np.mean(found.verdict == ho.Verdict.TRAPPED) > 0.95
