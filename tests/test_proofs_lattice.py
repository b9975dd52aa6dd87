"""The lattice's mathematics against 120-digit walks, at both ends of every hyperparameter's last digit."""

import dataclasses
import functools
import itertools
from decimal import Decimal

import exactly
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exactly import DTYPES, NEXT_BELOW_1, corners, exact

import hillopt as ho
from hillopt.optimizers import as_arrays
from hillopt.proofs import (
    Ball,
    Lattice,
    LatticeState,
    advance,
    at_most,
    bounded,
    descend,
    drift_after,
    errors,
    lattice_of,
    loss,
    midpoints,
    padded,
    rounded,
    shift_left,
    wander,
)
from hillopt.proofs.lattice import ROUNDED_DRIVE, ROUNDED_MEMORY, ROUNDED_RISE
from hillopt.proofs.rules.arithmetic import division_charge


def _slowly(name):
    return pytest.param(name, marks=pytest.mark.slow)


def numbers_of(name, dtype, rng, lanes):
    """Random settings, the last ones at the edges: decays of 0, tiny, and a few units below 1; huge and tiny rates."""
    below = 1 - np.array([1, 2, 3, 5, 8, 13, 30, 100]) * (1 - NEXT_BELOW_1[dtype])
    decays = np.concatenate([1 - 10.0 ** rng.uniform(-3, -0.02, lanes - 12), [0, 0, 1e-30, 1e-4], below])
    rates = np.concatenate([10.0 ** rng.uniform(-2.3, 0.6, lanes - 12), [1.7, 0.3, 0.9, 30.0], [0.4, 1.3, 50, 3] * 2])
    given = {"learning_rate": rates}
    if name in ("heavy_ball", "nesterov"):
        given["momentum"] = decays
    if name == "lion":
        given |= {"b1": rng.permutation(decays), "b2": decays}
    if name == "adam":
        given |= {"b1": decays, "eps": rng.choice([0, 1e-8, 0.3], lanes)}
    return {key: values.astype(dtype) for key, values in given.items()}


@functools.cache
def walked(name, dtype, lanes, num_steps):
    """The floating-point walk from the foot on, and what is said of it: all that the lattice climb does, without a climb."""
    numbers = numbers_of(name, dtype, np.random.default_rng(5), lanes)
    optimizer = as_arrays(ho.OPTIMIZERS[name](**numbers))

    @jax.jit
    def walk(optimizer):
        balls, _ = bounded(lattice_of)(jax.tree.map(rounded, optimizer))
        foot, doubt = descend(balls, jnp.asarray(100_000))
        reach = ho.reach_of(optimizer, optimizer.init(jnp.zeros(lanes, dtype)))
        lattice, at = midpoints((balls, foot))
        zero = jnp.zeros_like(at.rise)

        def take_step(state, _):
            after, drive = advance(lattice, at.origin, state)
            return after, (state.rise, state.memory, drive)

        begin = LatticeState(at.rise, zero, at.memory, zero, at.power)
        _, steps = jax.lax.scan(take_step, begin, length=num_steps)
        return foot, doubt, errors(balls, foot, reach), steps

    return numbers, jax.tree.map(np.asarray, walk(optimizer))


def exact_walk(name, corner, first, num_steps):
    """Rises, memories and drives of the exact walk, from step `first` on; the drive is the one decided at that state."""
    steps = exactly.WALKS[name](**corner)
    for _ in range(first - 1):
        next(steps)
    x, memory, _ = next(steps)
    for _ in range(num_steps):
        after = next(steps)
        yield x - 1, memory, after[2]
        x, memory, _ = after


def shares(name, dtype, lanes, num_steps):
    """How much of each bound is used, at most: (rise, memory, drive); wherever decisions are clear."""
    numbers, (foot, doubt, bounds, (rises, memories, drives)) = walked(name, dtype, lanes, num_steps)
    used, compared = {"rise": 0.0, "memory": 0.0, "drive": 0.0}, 0
    for lane in np.flatnonzero(~doubt):
        error = {key: exact(getattr(bounds, key)[lane]) for key in used}
        for corner in corners({key: values[lane] for key, values in numbers.items()}):
            walk = exact_walk(name, corner, int(foot.step[lane]), num_steps)
            for step, (rise, memory, drive) in enumerate(walk):
                found = rises[step, lane]
                if abs(exact(found)) <= error["rise"]:
                    break  # told: decisions from here on may differ
                assert (found > 0) == (rise > 0)
                used["rise"] = max(used["rise"], abs(exact(found) - rise) / error["rise"])
                if name not in ("gradient_descent", "sign_descent"):  # they have no memory
                    used["memory"] = max(used["memory"], abs(exact(memories[step, lane]) - memory) / error["memory"])
                if name == "lion":
                    if abs(exact(drives[step, lane])) <= error["drive"]:
                        break
                    used["drive"] = max(used["drive"], abs(exact(drives[step, lane]) - drive) / error["drive"])
                compared += 1
    assert compared > num_steps
    return {key: float(value) for key, value in used.items()}


# Least shares of its bounds that walks of random settings use: without them a bound of infinity would pass.
USED = {"gradient_descent": 0.1, "sign_descent": 0.1, "heavy_ball": 0.05, "nesterov": 0.05, "lion": 0.1, "adam": 0.05}
SIZES = [(18, 300), pytest.param(150, 3_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("lanes", "num_steps"), SIZES)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", [_slowly(name) if name == "sign_descent" else name for name in exactly.WALKS])
def test_a_lattice_walk_stays_within_its_errors(name, dtype, lanes, num_steps):
    used = shares(name, dtype, lanes, num_steps)
    assert max(used.values()) <= 1
    assert used["rise"] >= USED[name]


@functools.cache
def walked_from_exact_numbers(name, dtype, lanes, num_steps):
    """The walk where lattice and foot are the very numbers given, so that rounding is all that can be wrong."""
    rng = np.random.default_rng(6)
    numbers = {key: values[: lanes - 12] for key, values in numbers_of(name, dtype, rng, lanes).items()}
    optimizer = as_arrays(ho.OPTIMIZERS[name](**numbers))

    @jax.jit
    def walk(optimizer):
        balls, _ = bounded(lattice_of)(jax.tree.map(rounded, optimizer))
        foot, _ = descend(balls, jnp.asarray(100_000))
        lattice, at = midpoints((balls, foot))
        sure = jax.tree.map(lambda leaf: Ball(leaf, jnp.zeros_like(leaf)), (lattice, at._replace(step=None)))
        reach = ho.reach_of(optimizer, optimizer.init(jnp.zeros_like(at.rise)))
        bounds = errors(sure[0], sure[1]._replace(step=at.step), reach)
        zero = jnp.zeros_like(at.rise)

        def take_step(state, _):
            after, drive = advance(lattice, at.origin, state)
            return after, (state, drive)

        begin = LatticeState(at.rise, zero, at.memory, zero, at.power)
        _, steps = jax.lax.scan(take_step, begin, length=num_steps)
        return lattice, at, bounds, steps

    return jax.tree.map(np.asarray, walk(optimizer))


def rounding_shares(name, dtype, lanes=40, num_steps=400):
    """How much of the bounds rounding alone uses, against the same steps in 120 digits."""
    lattice, foot, bounds, (states, drives) = walked_from_exact_numbers(name, dtype, lanes, num_steps)
    used = {"rise": 0.0, "memory": 0.0, "drive": 0.0}
    for lane in range(lanes - 12):
        number = {key: exact(value[lane]) for key, value in vars(lattice).items() if isinstance(value, np.ndarray)}
        origin, memory, power = (exact(part[lane]) for part in (foot.origin, foot.memory, foot.power))
        # the foot's own rise is rounded too: what walks on is origin + weight memory
        site, shift, rise = Decimal(0), Decimal(0), origin + number["weight"] * memory
        most = {key: exact(getattr(bounds, key)[lane]) for key in used}
        for step in range(num_steps):
            found = states.rise[step, lane]
            if abs(exact(found)) <= most["rise"]:
                break
            if step:
                used["rise"] = max(used["rise"], abs(exact(found) - rise) / most["rise"])
                used["memory"] = max(used["memory"], abs(exact(states.memory[step, lane]) - memory) / most["memory"])
            slope = Decimal(1 if rise > 0 else -1)
            drive = slope
            if "interpolation" in number:
                drive = number["interpolation"] * memory + (1 - number["interpolation"]) * slope
                used["drive"] = max(used["drive"], abs(exact(drives[step, lane]) - drive) / most["drive"])
                if abs(exact(drives[step, lane])) <= most["drive"]:
                    break
            site -= drive / abs(drive)
            memory = number["decay"] * memory + number["complement"] * slope
            if lattice.bias_corrected:
                power *= number["decay"]
                shift -= number["spacing"] * memory * power / (1 - power)
            rise = origin + number["spacing"] * site + number["weight"] * memory + shift
    return {key: float(value) for key, value in used.items()}


# Least shares that rounding alone uses of bounds for exact numbers. (Gradient descent's two places differ by an exact number.)
ROUNDING = {"heavy_ball": (0.05, 0.08, 0), "lion": (0.08, 0.08, 0.06), "adam": (0.03, 0.08, 0)}


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", ROUNDING)
def test_rounding_alone_stays_within_its_errors(name, dtype):
    used = rounding_shares(name, dtype)
    assert max(used.values()) <= 1
    assert np.all(np.array(list(used.values())) >= ROUNDING[name])


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_one_step_rounds_by_what_it_is_charged(dtype):
    """From random states; every charge is used by more than a tenth, so none could be ten times less."""
    rng, number, eps = np.random.default_rng(8), 4_000, exact(np.finfo(dtype).eps)
    decay, spacing, weight, power = (rng.uniform(0.01, 0.99, number).astype(dtype) for _ in range(4))
    interpolation, memory = rng.uniform(0, 1, number).astype(dtype), rng.uniform(-1, 1, number).astype(dtype)
    site, shift = rng.integers(-5, 5, number).astype(dtype), rng.uniform(-1, 1, number).astype(dtype)
    origin, rise = rng.uniform(-3, 3, number).astype(dtype), rng.choice([-1, 1], number).astype(dtype)
    complement = (1 - decay.astype(np.float64)).astype(dtype)
    lattice = Lattice(spacing, weight, decay, complement, interpolation, bias_corrected=True)
    lattice = jax.tree.map(jnp.asarray, lattice)
    state = LatticeState(*(jnp.asarray(part) for part in (rise, site, memory, shift, power)))
    after, drive = jax.jit(advance)(lattice, jnp.asarray(origin), state)
    after, drive = jax.tree.map(np.asarray, (after, drive))
    used = dict.fromkeys(("memory", "drive", "power", "term", "rise"), Decimal(0))
    for lane in range(number):
        d, c, h, w, i = (exact(part[lane]) for part in (decay, complement, spacing, weight, interpolation))
        m, q, z, o, g = (exact(part[lane]) for part in (memory, power, shift, origin, rise))
        m1, q1, z1, s1 = (exact(part[lane]) for part in (after.memory, after.power, after.shift, after.site))
        term = h * m1 * q1 / (1 - q1)
        span = max(abs(o), abs(h * s1), abs(o + h * s1), abs(o + h * s1 + w * m1), abs(o + h * s1 + w * m1 + z1), w)
        charged = {
            "memory": (abs(m1 - (d * m + c * g)), ROUNDED_MEMORY / 2),
            "drive": (abs(exact(drive[lane]) - (i * m + (1 - i) * g)), ROUNDED_DRIVE),
            "power": (abs(q1 / (d * q) - 1), 0.5),
            "term": (
                max(abs(z1 - (z - term)) - eps / 2 * max(abs(z1), abs(z)), 0) / abs(term),
                1.5 + division_charge(dtype),
            ),
            "rise": (abs(exact(after.rise[lane]) - (o + h * s1 + w * m1 + z1)) / span, ROUNDED_RISE),
        }
        for key, (error, charge) in charged.items():
            used[key] = max(used[key], error / (eps * exact(charge)))
    assert all(Decimal("0.1") < share <= 1 for share in used.values()), used


def lattices_at(dtype, decays):
    """Adam's lattices, on balls."""
    optimizer = as_arrays(ho.Adam(np.ones_like(decays), b1=decays))
    return bounded(lattice_of)(jax.tree.map(rounded, optimizer))[0]


def series(decay, power):
    """sum_{s >= 1} |m| p / (1 - p), p = power decay^s, of memories as full as they can be, |m| = 1 - p."""
    return power * decay / (1 - decay)


def decays_of(dtype, *units_below_1):
    near = [1 - units * (1 - NEXT_BELOW_1[dtype]) for units in units_below_1]
    return np.array([0, 1e-30, 1e-3, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999, *near], dtype)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_the_shift_that_is_left_is_bounded_and_sharply(dtype):
    powers = np.array([0, 1e-30, 1e-6, 0.01, 0.3, 0.6, 0.9, 0.97], dtype)[:, None]
    decays = decays_of(dtype, 1, 2, 3, 4, 8, 30, 1000)
    bounds = np.asarray(jax.jit(lambda lattice: at_most(shift_left, lattice, powers))(lattices_at(dtype, decays)))
    for row, column in np.ndindex(bounds.shape):
        decay, power, bound = decays[column], powers[row, 0], exact(bounds[row, column])
        worst = series(exactly.ends(decay)[1], exact(power))
        assert bound >= worst
        if 0.5 <= decay <= 0.9999 and 1e-6 <= power <= 0.9:
            assert bound <= worst * Decimal("1.01")


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_the_drift_after_so_many_steps_is_bounded(dtype):
    steps, decays = np.array([1, 40, 1000, 100_000], np.int32)[:, None], decays_of(dtype, 100, 10_000)
    drift = jax.jit(drift_after)(worst_of(dtype, decays), jnp.asarray(steps))
    in_all, share = np.asarray(drift.in_all), np.asarray(drift.share)
    for row, column in np.ndindex(in_all.shape):
        greatest = exactly.ends(decays[column])[1]
        power = greatest ** int(steps[row, 0])
        assert exact(in_all[row, column]) >= series(greatest, power)
        assert exact(share[row, column]) >= power / (1 - power)


def test_a_shift_moves_by_its_share_of_how_far_the_walk_comes():
    """Abel's inequality, of Adam's exact walks, from any step on."""
    for rate, b1 in (("0.3", "0.9"), ("0.07", "0.99"), ("0.9", "0.6")):
        memories = [
            memory for _, memory, _ in itertools.islice(exactly.adam(Decimal(rate), Decimal(b1), Decimal(0)), 900)
        ]
        for begin in (3, 50, 400):
            way = list(itertools.accumulate(memories[begin:]))
            weights = [Decimal(b1) ** (t + 1) / (1 - Decimal(b1) ** (t + 1)) for t in range(begin, 900)]
            shifts = itertools.accumulate(w * m for w, m in zip(weights, memories[begin:], strict=True))
            furthest = Decimal(0)
            for moved, shift in zip(way, shifts, strict=True):
                furthest = max(furthest, abs(moved))
                assert abs(shift) <= weights[0] * furthest


def worst_of(dtype, decays):
    zero = Ball(jnp.zeros_like(decays))
    foot = ho.proofs.Foot(jnp.int32(1), zero, zero, Ball(jnp.full_like(decays, 0.5)), zero)
    return errors(lattices_at(dtype, decays), foot, jnp.ones_like(decays)).worst


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_the_loss_of_a_turn_is_not_overrated(dtype):
    """Products one by one, as a climb makes them, against the exact power of the greatest decay; and how sharp that is."""
    decays, sharp = decays_of(dtype, 1, 2, 3, 4, 10, 100, 10_000), 0
    worst = worst_of(dtype, jnp.asarray(decays)).decay
    _, products = jax.lax.scan(lambda c, _: (c * worst, c * worst), jnp.ones_like(worst), length=4_000)
    found = np.asarray(loss(products))
    for column, decay in enumerate(decays):
        for steps in (1, 2, 3, 7, 20, 100, 999, 4_000):
            exactly_lost = 1 - exactly.ends(decay)[1] ** steps
            assert exact(found[steps - 1, column]) <= exactly_lost
            sharp += found[steps - 1, column] >= 0.9 * float(exactly_lost)
    assert sharp > 60


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_a_certificate_that_is_given_is_right(dtype):
    """Numbers a few units around the tie: margin (1 - D) > weight moved in floating point is so in exact arithmetic."""
    rng = np.random.default_rng(0)
    share = rng.uniform(1e-3, 1, 4_000).astype(dtype)
    moved, weight, drift = (rng.uniform(0.1, 10, 4_000).astype(dtype) for _ in range(3))
    margin = (weight * moved / share + drift) * (1 + rng.uniform(-20, 20, 4_000) * np.finfo(dtype).eps)
    margin = margin.astype(dtype)
    given = np.asarray((margin - drift) * share > weight * padded(jnp.asarray(moved)))
    assert 500 < given.sum() < 3_500
    for lane in np.flatnonzero(given):
        m, d, s, w, v = (exact(part[lane]) for part in (margin, drift, share, weight, moved))
        assert (m - d) * s > w * v
    series = np.asarray(wander(jnp.asarray(moved), jnp.asarray(share)))
    for lane in range(400):
        assert exact(series[lane]) >= exact(moved[lane]) / exact(share[lane])


FEET = {
    "gradient_descent": lambda rate, _: ho.GradientDescent(rate),
    "heavy_ball": lambda rate, decay: ho.HeavyBall(rate, momentum=decay),
    "nesterov": lambda rate, decay: ho.Nesterov(rate, momentum=decay),
    "lion": lambda rate, decay: ho.Lion(rate, b2=decay),
    "adam": lambda rate, decay: ho.Adam(rate, b1=decay),
}


def position_downhill(name, rate, decay, n):
    """After n steps down from rest, in closed form, and the memory."""
    if decay == 0 or name in ("gradient_descent", "lion", "adam"):
        return rate * n, decay**n - 1
    first = 2 if name == "nesterov" else 1  # the trace that a step moves by: 1 + ... + decay^(n - 2 + first)
    lag = decay**first * (1 - decay**n) / (1 - decay)
    return rate / (1 - decay) * (n - lag), decay**n - 1


def exact_foot(name, rate, decay):
    """The first n whose position is beyond the valley."""
    low, high = 0, 1
    while position_downhill(name, rate, decay, high)[0] <= 1:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if position_downhill(name, rate, decay, middle)[0] <= 1 else (low, middle)
    return high


RATES = [1 / 2, 1 / 3, 1 / 7, 1 / 10, 1 / 100, 1.0, 1.5, 3.0, 1e3, 1e6, 1e-3, 1.37e-5, 1e-7, 0.3, 0.0317, 0.77]


def feet(name, dtype, max_steps):
    """Rates by decays, some of them next below 1."""
    near = [1 - units * (1 - NEXT_BELOW_1[dtype]) for units in (1, 2, 5, 20, 1000)]
    rates, decays = np.meshgrid(np.array(RATES, dtype), np.array([0, 1e-3, 0.5, 0.9, 0.99, 0.9999, *near], dtype))
    rates, decays = rates.ravel(), decays.ravel()

    @jax.jit
    def run(optimizer):
        return descend(bounded(lattice_of)(jax.tree.map(rounded, optimizer))[0], jnp.asarray(max_steps))

    with jax.default_device(jax.devices("cpu")[0]):
        return rates, decays, *jax.tree.map(np.asarray, run(as_arrays(FEET[name](rates, decays))))


@pytest.mark.parametrize("max_steps", [2**31 - 1, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("name", [name if name == "heavy_ball" else _slowly(name) for name in FEET])
def test_a_foot_is_where_the_exact_walk_lands_or_there_is_a_doubt(name, dtype, max_steps):
    rates, decays, foot, doubt = feet(name, dtype, max_steps)
    swept = {"learning_rate": rates} if name in ("gradient_descent", "lion") else {"rate": rates, "decay": decays}
    for lane in np.flatnonzero(~doubt):
        for corner in corners({key: values[lane] for key, values in swept.items()}):
            rate, decay = corner.get("rate", corner.get("learning_rate")), corner.get("decay", exact(decays[lane]))
            step = int(foot.step[lane])
            assert step == min(exact_foot(name, rate, decay), max_steps)
            position, memory = position_downhill(name, rate, decay, step)
            assert _holds(foot.rise, lane, position - 1)
            if name != "gradient_descent":
                assert _holds(foot.memory, lane, memory)
                assert _holds(foot.power, lane, decay**step)
    usual = (decays < 0.95) & (rates > 0.01) & (rates < 0.9) & (1 / rates % 1 > 0.01) & (1 / rates % 1 < 0.99)
    assert not doubt[usual].any()


def _holds(ball, lane, truth):
    return abs(exact(ball.midpoint[lane]) - truth) <= exact(ball.radius[lane])


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_landing_on_the_valley_is_taken_to_be_exact_and_doubted(dtype):
    rates, _, foot, doubt = feet("adam", dtype, 2**31 - 1)
    whole = np.isin(rates, np.array([1 / 2, 1 / 3, 1 / 7, 1 / 10, 1 / 100, 1.0], dtype))
    assert doubt[whole].all()
    np.testing.assert_array_equal(foot.step[whole], np.round(1 / rates[whole]) + 1)
    np.testing.assert_array_equal(foot.rise.midpoint[whole], rates[whole])


@dataclasses.dataclass(frozen=True)
class Mine(ho.AbstractOptimizer):
    """Gradient descent by someone else."""

    rate: float

    def init(self, position):
        return ()

    def step(self, slope, state, position):
        return position - self.rate * slope, state


def test_an_optimizer_of_ones_own_registers_its_proofs():
    assert ho.lattice_of(Mine(0.25)) is None
    assert ho.reach_of(Mine(0.25), ()) == np.inf
    ho.lattice_of.register(Mine)(lambda mine: ho.lattice_of(ho.SignDescent(jnp.asarray(mine.rate))))
    ho.reach_of.register(Mine)(lambda mine, state: jnp.asarray(mine.rate))
    assert float(ho.lattice_of(Mine(0.25)).spacing) == float(ho.reach_of(Mine(0.25), ())) == 0.25
