"""Exact walks against plain loops in 80 digits, rational arithmetic, and what they say of themselves with fewer digits."""

import itertools
import random
from decimal import Decimal, localcontext
from fractions import Fraction

import jax
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.exact import as_typed, exact_goal, walk_exactly
from hillopt.exact import lattice as exact_lattice
from hillopt.exact.numbers import power_down, power_up, product_up, quotient_up, rounded_down, rounded_up
from hillopt.exact.reals import Arithmetic, Interval, MoreDigitsError
from hillopt.exact.steps import walk_steps
from hillopt.exact.swings import Swings
from hillopt.exact.ties import drive_after, rise_after
from hillopt.exact.walk import is_walked_on
from hillopt.proofs import Lattice, lattice_of

FLANK = ho.TentHill().flank()
TIED, NEAR = Decimal("1e-60"), Decimal("1e-45")


@pytest.mark.parametrize(
    ("number", "typed"),
    [
        (0.01, Fraction(1, 100)),
        (np.float32(0.01), Fraction(1, 100)),
        (np.float32(1) / 3, Fraction(33333334, 10**8)),
        (1 / 3, Fraction(3333333333333333, 10**16)),
        (1e-8, Fraction(1, 10**8)),
        (1e30, Fraction(10**30)),
        (np.float64(1.0), Fraction(1)),
        (0.125, Fraction(1, 8)),
    ],
)
def test_a_number_as_typed_is_the_shortest_decimal(number, typed):
    assert as_typed(number) == typed
    assert np.asarray(number).dtype.type(float(typed)) == number


def in_decimals(name, numbers, num_steps):
    """The highest rise and its step after 1, 2, ... steps by the papers' formulas; None from where the loop is in doubt."""
    rate, *rest = (Decimal(n.numerator) / Decimal(n.denominator) for n in numbers)
    x = m = Decimal(0)
    power, best, when, found = Decimal(1), Decimal(-1), 0, []
    for step in range(1, num_steps + 1):
        if TIED < abs(x - 1) < NEAR:
            break
        g = 1 if x > 1 + TIED else -1
        if name == "adam":
            m, power = rest[0] * m + (1 - rest[0]) * g, power * rest[0]
            x -= rate * m / (1 - power)
        elif name == "lion":
            drive = rest[0] * m + (1 - rest[0]) * g
            m = rest[1] * m + (1 - rest[1]) * g
            x -= rate * ((drive > TIED) - (drive < -TIED))
        elif name in ("heavy_ball", "nesterov"):
            m = g + rest[0] * m
            x -= rate * (g + rest[0] * m if name == "nesterov" else m)
        else:
            x -= rate * g
        if x - 1 > best + TIED:
            best, when = x - 1, step
        found.append((best, when))
    return found


def decimal_of(number):
    return Decimal(number.numerator) / Decimal(number.denominator)


def some(name, rng, adversarial):
    """Numbers of a setting: of any digits, or ones whose walks land on the valley."""
    if adversarial:
        rate, power = Fraction(rng.choice([1, 1, 2, 3]), rng.randint(1, 60)), 2 ** rng.randint(1, 8)
        betas = [Fraction(rng.randint(0, power - 1), power) for _ in range(2)]
    else:
        rate = as_typed(10 ** rng.uniform(-1.8, 0.5))
        betas = [as_typed(1 - 10 ** rng.uniform(-3, -0.01)) for _ in range(2)]
    return [rate, *betas[: {"lion": 2, "gradient_descent": 0}.get(name, 1)]]


def optimizer_of(name, numbers):
    eps = {"eps": Fraction(0)} if name == "adam" else {}
    return ho.OPTIMIZERS[name](*numbers, **eps)


@pytest.mark.parametrize("adversarial", [False, True], ids=["any", "1/n and k/2^n"])
@pytest.mark.parametrize("name", ["adam", "heavy_ball", "nesterov", "lion", "gradient_descent"])
def test_exact_walks_are_those_of_80_digits_and_no_proof_is_ever_broken(name, adversarial):
    rng, proved, compared = random.Random(f"{name} {adversarial}"), 0, 0
    for _ in range(40 if adversarial else 200):
        numbers, steps = some(name, rng, adversarial), rng.choice([30, 90])
        walk = exact_lattice.walk_lattice(lattice_of(optimizer_of(name, numbers)), steps, None)
        with localcontext() as context:
            context.prec = 80
            rises = in_decimals(name, numbers, 2 * steps)
            if len(rises) < walk.num_steps:
                continue
            (best, when), (later, _) = rises[walk.num_steps - 1], rises[-1]
            assert abs(best - decimal_of(walk.highest)) <= decimal_of(walk.error) + TIED
            assert best - rises[walk.step - 1][0] <= TIED, (numbers, when)
            assert later <= decimal_of(walk.upper) + TIED
            assert walk.proved or walk.num_steps == steps
        proved, compared = proved + walk.proved, compared + 1
    assert compared >= (38 if adversarial else 200)
    assert proved >= compared // 5


# Learning rate, b1, steps, critical height and step where published, by rational arithmetic or in 60 digits.
HEIGHTS = [
    (0.01, 0.9, 10_000, 0.03434006638609663, 107),
    (0.05, 0.9, 10_000, 0.15803267812220062, 27),
    (0.5, 0.95, 10_000, 0.7994509777711456, 5),
    (0.1, 0.9, 10_000, 0.26428712209549293, None),
    (0.3, 0.9, 10_000, 0.410184295129970012, 6),
    (0.35, 0.5, 200, 0.14126375497959573, None),
    (0.7, 0.5, 200, 0.43417121712104473, None),
    (1.5, 0.99, 1_000, 0.9289713317416691, 59),
    (1.5, 0.999, 3_000, 0.9079649246276901, 383),
    (0.35, 0.8, 20_000, 0.18548526484154937, None),
]


@pytest.mark.parametrize(("rate", "b1", "steps", "height", "step"), HEIGHTS)
def test_published_heights(rate, b1, steps, height, step):
    walk = walk_exactly(FLANK, ho.Adam(rate, b1), steps)
    assert float(walk.highest) == pytest.approx(height, rel=2e-16, abs=0)
    assert step in (None, walk.step)
    assert walk.proved or steps == 3_000
    exact = Fraction(7120673499, 5049463055) - 1
    assert (rate, b1) != (0.3, 0.9) or abs(walk.highest - exact) <= walk.error


def rationally(name, numbers, num_steps):
    """Rises, and slopes and directions from the valley on, in rational arithmetic."""
    rate, beta, *more = numbers
    x = m = Fraction(0)
    power, rises, slopes, directions = Fraction(1), [], [], []
    for _ in range(num_steps):
        g = 1 if x > 1 else -1
        if name == "adam":
            m, power = beta * m + (1 - beta) * g, power * beta
            x, direction = x - rate * m / (1 - power), g
        elif name == "lion":
            drive = beta * m + (1 - beta) * g
            m, direction = more[0] * m + (1 - more[0]) * g, (drive > 0) - (drive < 0)
            x -= rate * direction
        else:
            m, direction = beta * m + g, g
            x -= rate * m
        rises, slopes, directions = [*rises, x - 1], [*slopes, g], [*directions, direction]
    return rises, slopes, directions


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("adam", (Fraction(1, 7), Fraction(9, 10))),
        ("adam", (Fraction(1), Fraction(1, 2))),
        ("heavy_ball", (Fraction(3, 20), Fraction(2, 3))),
        ("lion", (Fraction(1, 4), Fraction(3, 4), Fraction(1, 2))),
    ],
)
def test_ties_are_decided_by_the_rise_in_rational_arithmetic(name, numbers):
    rises, slopes, directions = rationally(name, numbers, 40)
    foot = next(step for step, rise in enumerate(rises, 1) if rise > 0)
    lattice = lattice_of(optimizer_of(name, numbers))
    for step in range(foot, 41):
        site = -sum(directions[foot:step])
        assert rise_after(lattice, foot, slopes[foot:step], site) == rises[step - 1]
    if name == "lion":
        drive = drive_after(lattice, foot, slopes[foot:12], slopes[12])
        assert (drive > 0) - (drive < 0) == directions[12]


@pytest.mark.parametrize(
    ("numbers", "corrected", "served"),
    [
        ((Fraction(1), Fraction(1), Fraction(1, 2)), False, True),
        ((Fraction(1), Fraction(1), Fraction(1, 2)), True, True),
        ((Fraction(1), Fraction(1, 2), Fraction(1, 2)), False, True),
        ((Fraction(1), Fraction(1, 2), Fraction(1, 2)), True, False),
        ((Fraction(1), Fraction(2), Fraction(1, 2)), False, False),
        ((Fraction(1), Fraction(-1), Fraction(1, 2)), False, False),
        ((Fraction(-1), Fraction(0), Fraction(0)), False, False),
        ((1.0, Fraction(0), Fraction(0)), False, False),
    ],
)
def test_a_lattice_is_walked_on_where_the_proofs_hold(numbers, corrected, served):
    spacing, weight, decay = numbers
    assert is_walked_on(Lattice(spacing, weight, decay, 1 - decay, bias_corrected=corrected)) is served


def test_too_much_effort_for_a_tie_is_not_made():
    lattice = lattice_of(ho.HeavyBall(Fraction(1, 7), as_typed(0.987654321987654)))
    assert rise_after(lattice, 100_000, [1], -1) is None
    assert drive_after(lattice, 100_000, [1], 1) is None


@pytest.mark.parametrize("digits", [(110,), (140,)])
def test_a_walk_with_fewer_digits_is_off_by_no_more_than_it_says(digits, monkeypatch):
    used = Fraction(0)
    for rate, b in itertools.product([0.0123, 0.37, 1.9], [0.3, 0.9, 0.99]):
        for optimizer in (ho.Adam(rate, b), ho.HeavyBall(rate, b), ho.Nesterov(rate, b)):
            better = walk_exactly(FLANK, optimizer, 300)
            monkeypatch.setattr(exact_lattice, "DIGITS", digits)
            walk = walk_exactly(FLANK, optimizer, 300)
            monkeypatch.undo()
            off = abs(walk.highest - better.highest)
            assert off <= walk.error + better.error
            used = max(used, off / walk.error)
    assert used > Fraction(1, 1000)  # what the bound could be less by


def test_what_takes_too_much_effort_is_left_open(monkeypatch):
    assert not walk_exactly(FLANK, ho.Adam(0.35, 0.8), 20).proved
    monkeypatch.setattr(exact_lattice, "MOST_STEPS", 20)
    assert walk_exactly(FLANK, ho.Adam(1.0, 0.99), 1_000) is None
    monkeypatch.setattr(exact_lattice, "DIGITS", (20,))
    assert walk_exactly(FLANK, ho.Adam(0.3), 1_000) is None


@pytest.mark.parametrize(
    ("optimizer", "steps", "rise"),
    [(ho.Adam(0.01), 50, Fraction(-1, 2)), (ho.HeavyBall(0.25, 0.5), 2, Fraction(-3, 8)), (ho.Adam(0.01), 100, 0)],
)
def test_a_walk_that_is_too_short_for_the_valley_tells_its_last_rise(optimizer, steps, rise):
    walk = walk_exactly(FLANK, optimizer, steps)
    assert abs(walk.highest - rise) <= walk.error
    assert (walk.step, walk.num_steps, walk.proved) == (steps, steps, False)


@pytest.mark.parametrize(
    ("height", "passage"), [(Fraction(1, 5), 4), (Fraction(1, 5) + Fraction(1, 10**300), 0), (Fraction(1, 10), 4)]
)
def test_a_target_met_exactly_is_passed(height, passage):
    walk = walk_exactly(FLANK, ho.GradientDescent(0.3), 100, height)
    assert walk.passage == passage


def test_rounding_goes_to_the_side_that_is_named():
    rng, bits = random.Random(3), 40
    for _ in range(200):
        number, other = Fraction(rng.randint(0, 10**9), 10**9), Fraction(rng.randint(1, 10**9), 10**9)
        low, high = rounded_down(number, bits), rounded_up(number, bits)
        assert Fraction(low, 1 << bits) <= number <= Fraction(high, 1 << bits)
        assert high - low <= 1
        assert Fraction(product_up(high, high, bits), 1 << bits) >= number**2
        assert Fraction(quotient_up(high, rounded_down(other, bits), bits), 1 << bits) >= number / other
        exponent = rng.randint(0, 60)
        power = number**exponent * (1 << bits)
        assert power - 4 * exponent - 1 <= power_down(low, exponent, bits) <= power
        assert power <= power_up(high, exponent, bits)


def swung(decay, share, momenta, rises, factors):
    """Peaks in spacings of walks that have crossed the valley uphill with such momenta, from such rises on."""
    w, memory, peak = share * decay, -momenta, rises
    for factor in factors:
        slope = np.where(rises > 0, 1.0, -1.0)
        rises = rises - factor * ((1 - w) * slope + w * memory)
        memory, peak = decay * memory + (1 - decay) * slope, np.maximum(peak, rises)
    return float(peak.max())


# Decay, whether the step looks ahead, the greatest factor of a step, and a share of the bound that some walk attains.
SWINGS = [
    (0.6, False, 1.0, 0.9),
    (0.8, False, 1.0, 0.9),
    (0.9, False, 1.05, 0.8),
    (0.97, False, 1.0, 0.9),
    (0.995, False, 1.02, 0.9),
    (0.9, True, 1.0, 0.7),
    (0.97, True, 1.0, 0.9),
    (0.995, True, 1.02, 0.9),
]


@pytest.mark.parametrize(("decay", "nesterov", "factor", "sharp"), SWINGS)
def test_no_swing_ever_passes_its_bound(decay, nesterov, factor, sharp):
    """From crossings with every momentum up to the one that is bounded, at every rise that they may have led to."""
    share, bits, rng, sharpest = decay if nesterov else 1.0, 100, np.random.default_rng(2), 0.0
    swings = Swings(Fraction(decay), Fraction(share), bits)
    for momentum in (0.1, 0.2, 0.4, 0.7, 1.0):
        bound = swings.bound(rounded_up(Fraction(momentum), bits), rounded_up(Fraction(factor), bits))
        if bound is None:
            continue
        most = max(momentum, swings.steady)
        momenta = np.append(most * (1 - rng.uniform(0, 1, 2_000) ** 3), most)
        rises = factor * (1 - share + share * momenta) * np.append(1 - rng.uniform(0, 1, 2_000) ** 3, 1)
        for factors in (1 + (factor - 1) * decay ** np.arange(300), np.full(300, factor), np.ones(300)):
            attained = swung(decay, share, momenta, rises, factors) / (bound / (1 << bits))
            assert attained <= 1 + 1e-12
            sharpest = max(sharpest, attained)
    assert sharpest > sharp


@pytest.mark.parametrize(("decay", "factor"), [(0.3, 1.0), (0.9, 30.0)])
def test_where_momenta_may_grow_there_is_no_bound(decay, factor):
    swings = Swings(Fraction(decay), Fraction(decay), 100)
    assert swings.bound(rounded_up(Fraction(1, 10), 100), rounded_up(Fraction(factor), 100)) is None


def adagrad(rate):
    x, total = Decimal(0), 0
    while True:
        total += 1
        x -= rate * (1 if x > 1 else -1) / Decimal(total).sqrt()
        yield x


def rmsprop(rate, decay):
    x, v = Decimal(0), Decimal(0)
    while True:
        v = decay * v + 1 - decay
        x -= rate * (1 if x > 1 else -1) / v.sqrt()
        yield x


def heavy_ball(rate, momentum):
    x = m = Decimal(0)
    while True:
        m = momentum * m + (1 if x > 1 else -1)
        x -= rate * m
        yield x


STEPPED = [
    (ho.Adagrad(0.3), adagrad(Decimal("0.3"))),
    (ho.RMSprop(0.1, 0.9), rmsprop(Decimal("0.1"), Decimal("0.9"))),
    (ho.from_optax(optax.sgd, learning_rate=0.05, momentum=0.9), heavy_ball(Decimal("0.05"), Decimal("0.9"))),
]


@pytest.mark.parametrize(("optimizer", "positions"), STEPPED, ids=lambda value: getattr(value, "label", str)())
def test_any_optimizer_steps_exactly(optimizer, positions):
    walk = walk_steps(FLANK, optimizer, 60, None)
    with localcontext() as context:
        context.prec = 80
        rises = [x - 1 for x in itertools.islice(positions, 60)]
        assert abs(max(rises) - decimal_of(walk.highest)) <= decimal_of(walk.error) + TIED
    assert rises[walk.step - 1] == max(rises)
    assert (walk.num_steps, walk.proved, walk.upper) == (60, False, None)


def test_what_has_no_lattice_keeps_its_closed_bound_and_is_walked_only_where_that_may_be():
    assert walk_exactly(FLANK, ho.Adagrad(0.3), 60).upper >= Fraction(3, 10)
    assert walk_exactly(FLANK, ho.Adagrad(0.3), 60, step_by_step=False) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adabelief", "adadelta", "amsgrad", "lion", "nadam", "rprop", "yogi"])
def test_optimizers_of_optax_step_exactly(name):
    """Their own program, in floats and in real numbers."""
    optimizer = jax.tree.map(np.float64, ho.optimizer_named(f"optax.{name}"))
    walk = walk_exactly(FLANK, optimizer, 12)
    positions = ho.trajectory(FLANK, optimizer, max_steps=12).position
    assert float(walk.highest) == pytest.approx(float(positions.max()) - 1, abs=1e-12)
    assert positions[walk.step] == positions.max()


@pytest.mark.parametrize(
    ("hill", "optimizer", "highest", "period"),
    [
        (FLANK, ho.from_optax(optax.sgd, learning_rate=0.25), Fraction(1, 4), 2),
        (ho.WedgeHill(0.5, 1.0), ho.GradientDescent(0.25), Fraction(1, 4), 3),
    ],
)
def test_a_state_that_repeats_exactly_is_a_proof(hill, optimizer, highest, period):
    walk = walk_steps(hill, optimizer, 100, None)
    assert (walk.highest, walk.upper, walk.period, walk.proved) == (highest, highest, period, True)


@pytest.mark.parametrize(
    ("hill", "goal"),
    [
        (ho.TentHill(0.3), Fraction(3, 10)),
        (ho.WedgeHill(0.3, 0.2), Fraction(1, 5)),
        (ho.DoubleWell(0.3), Fraction(1)),
        (ho.GaussianHill(0.3), None),
    ],
)
def test_the_goal_as_typed(hill, goal):
    assert exact_goal(hill) == goal


def test_a_wedge_is_passed_where_its_crest_is_met_exactly():
    hill = ho.WedgeHill(0.3, 0.25)
    assert walk_exactly(hill, ho.GradientDescent(0.25), 100, exact_goal(hill)).passage == 5
    assert walk_exactly(hill, ho.GradientDescent(0.2), 100, exact_goal(hill)).passage == 0


def test_more_digits_are_taken_where_intervals_grow():
    walk = walk_exactly(ho.DoubleWell(0.3), ho.GradientDescent(0.1), 150)
    assert walk.error < Fraction(1, 2**50)
    with localcontext() as context:
        context.prec, x, best = 120, Decimal("-1.5"), Decimal(-9)
        for _ in range(150):
            x -= Decimal("0.1") * 4 * Decimal("0.3") * x * (x * x - 1)
            best = max(best, x + 1)
    assert abs(best - decimal_of(walk.highest)) < Decimal("1e-15")


@pytest.mark.parametrize(
    ("hill", "name"), [(FLANK, "optax.noisy_sgd"), (FLANK, "optax.lbfgs"), (ho.RoughBowl(0.2), "gradient_descent")]
)
def test_a_program_that_is_not_known_has_no_exact_walk(hill, name):
    assert walk_exactly(hill, jax.tree.map(np.float64, ho.optimizer_named(name)), 10) is None


def test_real_numbers_are_enclosed():
    """Every operation, of rational numbers and of intervals around them, encloses the rational result."""
    rng, real = random.Random(4), Arithmetic(60)
    for _ in range(40):
        a, b = (Fraction(rng.randint(-(10**6), 10**6), rng.randint(1, 10**6)) for _ in range(2))
        b = b or Fraction(1)
        results = {"add": a + b, "sub": a - b, "mul": a * b, "div": a / b, "maximum": max(a, b), "minimum": min(a, b)}
        for name, result in results.items():
            assert getattr(real, name)(a, b) == result
            low, high = getattr(real, name)(real.enclosed(a), b)
            assert Fraction(low, 2**60) <= result <= Fraction(high, 2**60)
            assert high - low <= 2**24 * (1 + abs(result) / abs(b) / abs(b))
        low, high = real.sqrt(real.enclosed(abs(a)))
        assert Fraction(low, 2**60) ** 2 <= abs(a) <= Fraction(high, 2**60) ** 2
        low, high = real.power(real.enclosed(b), -3)
        assert Fraction(low, 2**60) <= b**-3 <= Fraction(high, 2**60)
        assert real.sqrt(a * a) == abs(a)
        assert real.sign(real.enclosed(a)) == (a > 0) - (a < 0) or a == 0
    for undecided in (
        lambda: real.sign(Interval(-1, 1)),
        lambda: real.div(a, Interval(0, 1)),
        lambda: real.div(a, a - a),
    ):
        with pytest.raises(MoreDigitsError):
            undecided()
