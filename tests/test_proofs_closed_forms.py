"""Closed bounds of optax's optimizers: no long walk exceeds them, walks meet them, and other settings have none."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.landscapes import EndlessTent
from hillopt.optimizers import DECAY, as_arrays, undecayed
from hillopt.proofs import Ball, Whereabouts, alternation, reach_of
from hillopt.proofs.averages import bound_by_averages, serves
from hillopt.walk import move

LANES = 48
UNSURE = 1e-9  # what double precision may do to a walk


def _rates(rng):
    """Some like 1/n, which land on the valley, and the greatest there are."""
    random = 10 ** rng.uniform(-2.5, 0, LANES)
    return np.where(np.arange(LANES) % 4 == 0, 1 / rng.integers(1, 60, LANES), random)


SETTINGS = {
    "fromage": lambda rng: {"learning_rate": 3 * _rates(rng), "min_norm": rng.choice([0, 1e-6, 0.3, 1], LANES)},
    "adafactor": lambda rng: {
        "learning_rate": 2 * _rates(rng),
        "clipping_threshold": rng.choice([0.2, 1, 3], LANES),
        "eps": rng.choice([1e-30, 0.5], LANES),
        "decay_rate": rng.uniform(0.1, 1, LANES),
    },
    "adagrad": lambda rng: {
        "learning_rate": 3 * _rates(rng),
        "initial_accumulator_value": rng.choice([0, 0.1, 5], LANES),
    },
    "sm3": lambda rng: {"learning_rate": 3 * _rates(rng), "momentum": rng.choice([0, 0.3, 0.9, 0.97], LANES)},
    "adadelta": lambda rng: {
        "learning_rate": 30 * _rates(rng),
        "rho": rng.choice([0.5, 0.9, 0.99], LANES),
        "eps": rng.choice([1e-6, 1e-2, 1], LANES),
    },
    "contrib.cocob": lambda rng: {"learning_rate": _rates(rng), "alpha": rng.choice([1, 30, 100, 2_000], LANES)},
    "contrib.dog": lambda rng: {"learning_rate": 0.2 + 3 * _rates(rng)},
    "contrib.dowg": lambda rng: {"learning_rate": 2 * _rates(rng), "eps": rng.choice([1e-4, 0.1], LANES)},
    "polyak_sgd": lambda rng: {
        "max_learning_rate": _rates(rng),
        "scaling": rng.choice([0.6, 0.9, 1, 2], LANES),
        "eps": rng.choice([0, 0.1, 2], LANES),
    },
    "contrib.momo": lambda rng: {
        "learning_rate": 3 * _rates(rng),
        "beta": rng.uniform(0, 0.99, LANES),
        "lower_bound": rng.choice([0, 0.2], LANES),
    },
    "contrib.momo_adam": lambda rng: {
        "learning_rate": 3 * _rates(rng),
        "b1": rng.uniform(0, 0.99, LANES),
        "eps": rng.choice([1e-8, 0.5], LANES),
        "lower_bound": rng.choice([0, 0.2], LANES),
    },
    "contrib.schedule_free": lambda rng: {"learning_rate": 3 * _rates(rng), "b1": rng.uniform(0.01, 0.98, LANES)},
    "contrib.schedule_free_sgd": lambda rng: {
        "learning_rate": 3 * _rates(rng),
        "b1": rng.uniform(0.01, 0.98, LANES),
        "weight_lr_power": rng.uniform(0, 3, LANES),
    },
    "contrib.schedule_free_adamw": lambda rng: {
        "learning_rate": 3 * _rates(rng),
        "b1": rng.uniform(0.01, 0.98, LANES),
        "eps": rng.choice([1e-8, 1], LANES),
    },
}

SINCE = {"contrib.cocob": 20_000}  # how many steps most have a bound after, if not after a thousand


def _named(name, seed=3):
    return as_arrays(ho.optax_named(name, **SETTINGS[name](np.random.default_rng(seed))))


def _balls(tree):
    return jax.tree.map(
        lambda leaf: Ball(leaf, 0 * leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else Ball(leaf), tree
    )


def _bound(optimizer, place):
    position, state = _balls(place)
    asked = EndlessTent(), optimizer, Whereabouts(position, state), jnp.asarray(jnp.inf)
    if serves(EndlessTent(), optimizer):
        return bound_by_averages(*asked)
    if alternation.serves(EndlessTent(), optimizer):
        return jnp.minimum(alternation.bound_by_alternation(*asked), reach_of(optimizer, state))
    return reach_of(optimizer, state)


@functools.partial(jax.jit, static_argnames=("before", "after"))
def _bounds_and_tops(optimizer, before, after):
    """The bound at the first place below the valley after so many steps, and the highest rise of so many steps from there."""
    hill = EndlessTent()

    def of_lane(numbers):
        lane = optimizer.replace(**numbers)
        begin = jnp.asarray(0.0), lane.init(jnp.asarray(0.0))
        step = lambda _, place: move(hill, lane, *place)  # noqa: E731
        place = jax.lax.fori_loop(0, before, step, begin)
        place = jax.lax.while_loop(lambda place: place[0] > 1, lambda place: step(0, place), place)

        def climb(_, carry):
            after = step(0, carry[0])
            return after, jnp.maximum(carry[1], after[0] - 1)

        return _bound(lane, place), jax.lax.fori_loop(0, after, climb, (place, jnp.asarray(-jnp.inf)))[1]

    shape = jnp.broadcast_shapes(*(jnp.shape(number) for number in optimizer.swept.values()))
    return jax.vmap(of_lane)({name: jnp.broadcast_to(number, shape) for name, number in optimizer.swept.items()})


@pytest.mark.parametrize(
    ("before", "after"),
    [(0, 3_000), *(pytest.param(b, 100_000, marks=pytest.mark.slow) for b in (0, 5, 60, 1_000, 20_000))],
)
@pytest.mark.parametrize("name", SETTINGS)
def test_no_walk_exceeds_its_bound(name, before, after):
    bounds, tops = _bounds_and_tops(_named(name, seed=before), before, after)
    assert np.all(tops <= bounds + UNSURE)
    if before >= SINCE.get(name, 1_000):
        assert np.mean(np.isfinite(bounds)) >= 0.7


def test_adadelta_comes_to_its_bound():
    """With a great eps its steps are soon as long as they ever will be, from either side of the valley."""
    eps = jnp.array([0.02, 0.1, 0.5, 2.0])
    optimizer = as_arrays(ho.optax_named("adadelta", learning_rate=jnp.full(4, 0.013), eps=eps))
    early, tops = _bounds_and_tops(optimizer, 200, 60_000)
    late, _ = _bounds_and_tops(optimizer, 201, 0)
    np.testing.assert_allclose(early, tops, rtol=0.03)
    np.testing.assert_allclose(late, early, rtol=0.03)
    assert np.all(tops <= np.minimum(early, late) + UNSURE)


@pytest.mark.parametrize("sign", [1, -1])
def test_steps_that_shorten_lead_no_further_than_said(sign):
    """DoG's, from any place at or below the valley, or one above it, against plain NumPy."""
    rng, lanes, far = np.random.default_rng(4), 4_000, 1.4
    sums, length = 10 ** rng.uniform(0, 4, lanes), rng.uniform(0.01, 1, lanes)
    rates, x = length * np.sqrt(sums + 1) / far, 1 - sign * np.minimum(length, 0.4) * rng.uniform(0, 1, lanes)

    def bound(rate, x, squares):
        optimizer = as_arrays(ho.optax_named("contrib.dog", learning_rate=rate, eps=0.0))
        told = {"is_init_step": jnp.asarray(False), "max_dist": jnp.asarray(far), "sum_sq_norm_grads": squares}
        is_dog = lambda part: hasattr(part, "max_dist")  # noqa: E731
        replaced = lambda part: part._replace(**told) if is_dog(part) else part  # noqa: E731
        state = jax.tree.map(replaced, optimizer.init(jnp.asarray(0.0)), is_leaf=is_dog)
        place = Whereabouts(*_balls((x, state)))
        return alternation.bound_by_alternation(EndlessTent(), optimizer, place, jnp.asarray(jnp.inf))

    bounds = np.asarray(jax.jit(jax.vmap(bound))(*map(jnp.asarray, (rates, x, sums))))
    assert 0.3 < np.mean(np.isfinite(bounds)) < 1
    top = np.full(lanes, -np.inf)
    for step in range(20_000):
        x = x + np.where(x <= 1, 1, -1) * rates * far / np.sqrt(sums + 1 + step)
        rose = x > 1 if step > 0 or sign > 0 else np.zeros(lanes, bool)
        top = np.where(rose, np.maximum(top, x - 1), top)
    assert np.all(top <= bounds + 1e-9)
    assert np.median((bounds / top)[np.isfinite(bounds)]) < 1.01


def test_cocob_is_bounded_from_any_place_near_the_valley():
    """Its bound, told in numbers of its walk, against plain NumPy."""
    rng, lanes, rate = np.random.default_rng(0), 4_000, 0.5
    w, x = 10 ** rng.uniform(3.5, 5, lanes), 1 - 0.25 * rng.uniform(0, 1, lanes) ** 3
    skew = rng.uniform(-0.08, 0.08, lanes) * w
    p, s = ((np.sqrt(skew**2 + 4 * x * w) + sign * skew) / 2 for sign in (1, -1))
    optimizer = as_arrays(ho.optax_named("contrib.cocob", learning_rate=rate))
    told = {"cumulative_gradients": rate * s, "reward": rate * (p - 1), "subgradients": rate * (w - 1)}
    state = jax.tree.map(jnp.asarray, told)

    def bound(numbers):
        state = optimizer.init(jnp.asarray(0.0))
        return reach_of(optimizer, _balls((*state[:-1], state[-1]._replace(**numbers))))

    bounds = np.asarray(jax.jit(jax.vmap(bound))(state))
    assert 0.3 < np.mean(np.isfinite(bounds)) < 0.9
    top = np.full(lanes, -np.inf)
    for _ in range(3_000):
        is_up = x <= 1
        s, p, w = s + np.where(is_up, 1, -1), np.where(is_up, p + x, np.maximum(p - x, 1)), w + 1
        x = s * p / w
        top = np.maximum(top, x - 1)
    assert np.all(top <= bounds)
    assert np.max(top / bounds) > 0.9  # it is no more than it has to be


MET = {  # which part of them, after how many steps, is met or proved to rise no higher; and how nearly
    "fromage": (2_000, 0.01, 0.9),
    "adafactor": (2_000, 0.01, 0.9),
    "adagrad": (20_000, 0, 1),
    "contrib.cocob": (20_000, 0, 1),
    "sm3": (20_000, 0, 1),
    "contrib.dowg": (20_000, 0, 0.9),
    "polyak_sgd": (200, 0, 1),
    "contrib.momo": (200, 0, 1),
    "contrib.momo_adam": (200, 0, 1),
    "contrib.schedule_free": (2_000, 0, 0.9),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MET)
def test_walks_meet_their_bounds(name):
    num_steps, gap, share = MET[name]
    _, defaults = ho.optax_settings(name)
    rate = "learning_rate" if "learning_rate" in defaults else "max_learning_rate"
    optimizer = ho.optax_named(name, **{rate: np.geomspace(0.0131, 0.97, 32)})
    walks = ho.critical_height(ho.TentHill(), optimizer, max_steps=num_steps, climb=ho.THOROUGH)
    met = np.asarray(walks.settled | (walks.upper - walks.critical_height <= gap * walks.critical_height))
    assert np.mean(met & np.asarray(walks.certified)) >= share


@pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(ho.optax_named("adafactor", learning_rate=1.5), id="adafactor that is thrown far below"),
        pytest.param(ho.optax_named("fromage", min_norm=1.5), id="a norm above the valley"),
        pytest.param(ho.from_optax(optax.adafactor, learning_rate=0.1, momentum=0.9), id="adafactor with momentum"),
        pytest.param(
            ho.from_optax(optax.adafactor, learning_rate=0.1, clipping_threshold=-1.0), id="a threshold below 0"
        ),
        pytest.param(ho.optax_named("sm3", learning_rate=-3.0), id="sm3 uphill"),
        pytest.param(ho.optax_named("adadelta", weight_decay=0.1), id="adadelta with a decay"),
        pytest.param(ho.optax_named("adadelta", rho=1.5), id="adadelta with a mean that grows"),
        pytest.param(ho.optax_named("contrib.cocob"), id="cocob from its start"),
        pytest.param(ho.optax_named("contrib.momo_adam", b1=1.5), id="a mean that grows"),
        pytest.param(ho.optax_named("polyak_sgd", scaling=0.3), id="polyak far beyond"),
        pytest.param(ho.optax_named("polyak_sgd", f_min=0.1), id="polyak to another height"),
        pytest.param(ho.optax_named("contrib.momo", lower_bound=-0.1), id="momo to below the valley"),
        pytest.param(ho.optax_named("contrib.momo", weight_decay=0.1), id="momo with a decay"),
        pytest.param(
            ho.from_optax(optax.contrib.momo, learning_rate=0.1, adapt_lower_bound=True), id="momo that adapts"
        ),
        pytest.param(ho.from_optax(optax.contrib.dog, learning_rate=1.0, weight_decay=0.1), id="dog with a decay"),
        pytest.param(
            ho.from_optax(optax.contrib.dog, learning_rate=optax.linear_schedule(1, 0, 9), eps=0.1), id="a schedule"
        ),
    ],
)
def test_other_settings_have_no_bound(optimizer):
    optimizer = as_arrays(optimizer)
    start = jnp.zeros(1) if optimizer.wants_axis else jnp.asarray(0.0)
    assert reach_of(optimizer, _balls(optimizer.init(start))) == jnp.inf


def test_schedule_free_with_a_decay_or_a_warm_up_has_none():
    place = jnp.asarray(0.9), None
    decays = as_arrays(ho.optax_named("contrib.schedule_free_adamw", weight_decay=0.1))
    place = place[0], decays.init(jnp.asarray(1.0))
    assert _bound(decays, place) == jnp.inf
    warms_up = ho.from_optax(optax.contrib.schedule_free_sgd, learning_rate=0.1, warmup_steps=5)
    assert not serves(EndlessTent(), as_arrays(warms_up))
    assert not serves(ho.WedgeHill(0.3), as_arrays(ho.optax_named("contrib.schedule_free")))


WITHOUT = {
    "contrib.galore": ho.optax_named("contrib.galore"),
    "AdamW": ho.AdamW(0.1, weight_decay=0.0),
    "Lion": ho.Lion(0.1, weight_decay=0.0),
    "optax.lion": ho.optax_named("lion", weight_decay=0.0),
}


def _with_two_rates(optimizer):
    return optimizer.replace(learning_rate=jnp.array([0.07, 0.3]))


@pytest.mark.parametrize("optimizer", WITHOUT.values(), ids=WITHOUT)
def test_a_decay_of_zero_is_walked_as_none(optimizer):
    with_rates = _with_two_rates(optimizer)
    assert DECAY in with_rates.hyperparameters()
    assert undecayed(with_rates).hyperparameters().get(DECAY) is None
    walks = [
        ho.trajectory(ho.TentHill(0.9), each, max_steps=40).position for each in (with_rates, undecayed(with_rates))
    ]
    np.testing.assert_allclose(*walks, rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", WITHOUT.values(), ids=WITHOUT)
def test_a_decay_of_zero_is_proved_as_none(optimizer):
    assert np.all(ho.critical_height(ho.TentHill(), _with_two_rates(optimizer), max_steps=2_000).settled)


def test_a_decay_that_may_be_another_one_stays():
    for kept in (ho.AdamW(0.1), ho.AdamW(0.1, weight_decay=jnp.zeros(3)), ho.Lion(0.1), ho.Adam(0.1)):
        assert undecayed(kept) is kept
    chain = lambda weight_decay: optax.chain(optax.add_decayed_weights(weight_decay), optax.sgd(0.1))  # noqa: E731
    assert undecayed(ho.from_optax(chain, weight_decay=0.0)).swept.keys() == {DECAY}


@pytest.mark.slow
def test_a_decay_of_zero_has_a_derivative():
    def height(decay):
        return ho.critical_height(ho.TentHill(), ho.AdamW(0.3, weight_decay=decay)).critical_height

    assert jax.grad(height)(0.0) < 0


@pytest.mark.slow
def test_a_sweep_walks_without_a_decay_of_zero_unless_it_is_swept():
    question, axes = ho.CriticalHeight(max_steps=300), {"learning_rate": [0.07, 0.3]}
    data = ho.sweep(question, ho.TentHill(), ho.AdamW(0.1, weight_decay=0.0), axes)
    answer = ho.critical_height(ho.TentHill(), ho.Adam(jnp.array(axes["learning_rate"])), max_steps=300)
    np.testing.assert_array_equal(data.upper, answer.upper)
    assert data.attrs["optimizer"] == "AdamW"
    both = ho.sweep(question, ho.TentHill(), ho.AdamW(0.1), {**axes, "weight_decay": [0, 0.1]})
    assert both.sizes == {"learning_rate": 2, "weight_decay": 2}


@pytest.mark.slow
def test_a_certificate_knows_no_decay_of_zero():
    ho.certificate(ho.TentHill(), ho.AdamW(0.3, weight_decay=0.0)).check()
