"""Returns: what is told shortly steps as optax does, walks keep what they are said to, and none ever rises above its bound."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import as_arrays
from hillopt.proofs import Ball, Whereabouts
from hillopt.proofs.balls import rounded
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import as_intervals
from hillopt.proofs.means import kept_by
from hillopt.proofs.returns import bound_by_returns, serves
from hillopt.proofs.tellings import told_shortly
from hillopt.walk import move

pytestmark = pytest.mark.filterwarnings("ignore:.*optimistic_adam.* is deprecated")
TOLD = {
    "adam that looks ahead": (optax.adam, {"nesterov": True, "b1": 0.8}),
    "adamw": (optax.adamw, {"b1": 0.7, "weight_decay": 0.1}),
    "adamw without a decay": (optax.adamw, {"weight_decay": 0.0}),
    "adopt": (optax.contrib.adopt, {"b1": 0.8}),
    "ademamix": (optax.contrib.ademamix, {"b1": 0.8, "b3": 0.99, "alpha": 2.0, "eps": 0.1, "weight_decay": 0.1}),
    "muon": (optax.contrib.muon, {"adam_b1": 0.8, "adam_weight_decay": 0.1, "eps": 0.2}),
    "nadam": (optax.nadam, {"b1": 0.8, "eps": 0.1, "eps_root": 0.3}),
    "nadamw": (optax.nadamw, {"b1": 0.8, "weight_decay": 0.1}),
    "novograd": (optax.novograd, {"b1": 0.8, "eps": 0.1, "weight_decay": 0.1}),
    "optimistic adam": (optax.optimistic_adam, {"optimism": 0.3, "b1": 0.8}),
    "optimistic adam, optimistic as it is fast": (optax.optimistic_adam, {"b1": 0.8}),
    "optimistic adam, second version": (optax.optimistic_adam_v2, {"alpha": 0.7, "beta": 0.4, "b1": 0.8}),
    "radam": (optax.radam, {"b1": 0.8, "b2": 0.95, "eps": 0.1}),
    "radam that is never rectified": (optax.radam, {"b1": 0.8, "b2": 0.4, "eps": 0.1}),
    "rmsprop": (optax.rmsprop, {"decay": 0.8, "eps": 0.1, "initial_scale": 3.0}),
    "rmsprop with momentum": (optax.rmsprop, {"decay": 0.8, "momentum": 0.7}),
    "simplified ademamix": (optax.contrib.simplified_ademamix, {"b1": 0.8, "alpha": 0.5, "weight_decay": 0.1}),
    "yogi": (optax.yogi, {"b1": 0.8, "b2": 0.93, "eps": 0.1}),
}
AWAY = {  # what else would decay the position, so that nothing was kept
    "adamw": {"weight_decay": 0.0},
    "ademamix": {"weight_decay": 0.0},
    "muon": {"adam_weight_decay": 0.0},
    "nadamw": {"weight_decay": 0.0},
    "novograd": {"weight_decay": 0.0},
    "simplified ademamix": {"weight_decay": 0.0},
}
BEFORE, AFTER = 40, 60


def _made(name, **numbers):
    factory, others = TOLD[name]
    return as_arrays(ho.from_optax(factory, learning_rate=0.1, **others | numbers))


def _drawn(optimizer, number, seed=3):
    """A walk over so many slopes that are drawn, and these: nothing that holds for it hangs on a hill."""
    slopes = np.random.default_rng(seed).choice([-1.0, 1.0], number)
    place = jnp.asarray(0.3), optimizer.init(jnp.asarray(0.3))
    step = jax.jit(optimizer.step)
    for slope in slopes[:BEFORE]:
        place = step(jnp.asarray(slope), place[1], place[0])
    return place, slopes[BEFORE:]


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_shortly_steps_as_it_did(name):
    optimizer = _made(name)
    place, slopes = _drawn(optimizer, BEFORE + AFTER)
    told, state = told_shortly(optimizer, place[1])
    assert type(told) is not type(optimizer)
    steps, other = (jax.jit(each.step) for each in (optimizer, told)), place[0]
    of_optax, of_told = steps
    for slope in jnp.asarray(slopes):
        place = of_optax(slope, place[1], place[0])
        other, state = of_told(slope, state, other)
        np.testing.assert_allclose(other, place[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TOLD)
def test_the_position_less_an_offset_moves_by_one_length_and_what_is_left(name):
    optimizer = _made(name, **AWAY.get(name, {}))
    place, slopes = _drawn(optimizer, BEFORE + 4 * AFTER)
    told, state = told_shortly(optimizer, place[1])
    kept = kept_by(told, state)
    if name == "radam that is never rectified":
        assert float(kept.left) == np.inf
        return
    # of as many ups as downs at even steps, and at odd ones, in any order, nothing is left but what fades
    pairs = slopes.reshape(-1, 2)
    paired = np.stack([pairs, -pairs], 1)
    orders = np.concatenate([paired.ravel(), np.sort(slopes), -np.sort(slopes)])
    moved = state, place[0]
    for slope in jnp.asarray(orders):
        position, after = told.step(slope, moved[0], moved[1])
        moved = after, position
    far = abs((moved[1] - kept_by(told, moved[0]).offset) - (place[0] - kept.offset))
    assert far <= float(kept.left) + 1e-11
    assert float(kept.left) < 2  # lengths


@pytest.mark.parametrize("name", AWAY)
def test_nothing_is_kept_where_the_position_decays(name):
    optimizer = _made(name)
    (_, state), _ = _drawn(optimizer, BEFORE)
    assert float(kept_by(*told_shortly(optimizer, state)).left) == np.inf


@pytest.mark.parametrize(("second", "taking_turns"), [(1.0005, True), (0.9995, True), (0.5, False), (1.0, False)])
def test_yogi_is_told_only_once_its_second_moment_takes_turns(second, taking_turns):
    optimizer = _made("yogi", b2=0.999)
    adam, *others = optimizer.init(jnp.asarray(0.3))
    state = (adam._replace(nu=Ball(jnp.asarray(second), jnp.asarray(1e-9))), *others)
    told, _ = enclosed(told_shortly)(jax.tree.map(rounded, optimizer), as_intervals(state))
    assert np.isfinite(told.learning_rate.high) == taking_turns


def test_it_serves_walks_of_means_on_the_tent():
    for name in TOLD:
        assert serves(EndlessTent(), _made(name)), name
    for other in (ho.RMSprop(0.1), ho.optax_named("adabelief"), ho.optax_named("sgd")):
        assert not serves(EndlessTent(), as_arrays(other))
    assert not serves(ho.WedgeHill(0.3), _made("nadam"))


LANES, STEPS, LATER = 48, 1_024, 100_000


def _numbers(name):
    """Rates such as 1/n, at which walks come to the kink itself, and others; means that remember little and much."""
    rng = np.random.default_rng(11)
    rate = np.where(np.arange(LANES) % 3 == 0, 1 / rng.integers(2, 40, LANES), 10 ** rng.uniform(-1.7, 0.3, LANES))
    means = [key for key in ("b1", "b2", "b3", "adam_b1", "decay", "momentum") if key in TOLD[name][1]]
    drawn = {key: 1 - 10 ** rng.uniform(-2.2, 0, LANES) for key in means}
    if "b2" in drawn:
        drawn["b2"] = 1 - 10 ** rng.uniform(-2, -0.7, LANES)
    return {"learning_rate": rate, **drawn}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(TOLD) - {"radam that is never rectified", "adam that looks ahead"}))
def test_no_walk_ever_rises_above_its_bound(name):
    optimizer = as_arrays(_made(name, **AWAY.get(name, {})).replace(**_numbers(name)))
    lanes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (LANES,)), optimizer)

    def walk(optimizer):
        begin = jnp.asarray(0.0), optimizer.init(jnp.asarray(0.0))
        place = jax.lax.fori_loop(0, STEPS, lambda _, place: move(EndlessTent(), optimizer, *place), begin)
        wide = lambda leaf: Ball(leaf, 1e-12 * jnp.maximum(jnp.abs(leaf), 1e-3))  # noqa: E731
        around = jax.tree.map(lambda leaf: wide(leaf) if leaf.dtype == jnp.float64 else leaf, place)
        bound = bound_by_returns(EndlessTent(), optimizer, Whereabouts(*around), jnp.asarray(jnp.inf))

        def go(_, carry):
            place, top = carry
            place = move(EndlessTent(), optimizer, *place)
            return place, jnp.maximum(top, place[0] - 1)

        return bound, jax.lax.fori_loop(0, LATER, go, (place, place[0] - 1))[1]

    bounds, tops = map(np.asarray, jax.jit(jax.vmap(walk))(lanes))
    held = np.isfinite(bounds)
    assert np.all(tops[held] <= bounds[held] + 1e-9)
    assert held.mean() > 0.3  # a third comes to the kink itself
    assert np.median(bounds[held] / np.maximum(tops[held], 1e-3)) < 1 + 1e-6


def test_bounds_are_met_by_walks():
    nadam = ho.from_optax(optax.nadam, learning_rate=np.geomspace(0.01, 1, 24))
    found = ho.critical_height(ho.TentHill(), nadam, max_steps=2_000)
    assert np.all(found.verdict == ho.Verdict.TRAPPED)
    later = ho.critical_height(ho.TentHill(), nadam, max_steps=50_000, climb=ho.CLIMBS["plain"])
    assert np.all(np.asarray(later.critical_height) <= np.asarray(found.upper) + 1e-12)
