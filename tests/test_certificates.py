"""Certificates: what they prove is true, what they do not prove they refuse, and their check knows nothing of what was walked."""

import ast
import collections
import dataclasses
import json
import math
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import exactly
import numpy as np
import oracle
import pytest

import hillopt as ho
from hillopt import certificates
from hillopt.certificates import Part, Range, as_written, certificate_of, found_certificate, reals_that_round_to
from hillopt.certificates.braking import carried
from hillopt.certificates.intervals import ONE, Interval, Open, geometric_sum, power
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk
from hillopt.certificates.making import height_certificate
from hillopt.certificates.search import searched
from hillopt.certificates.swing_bound import Swings

ROOT = Path(certificates.__file__).parent
TENT = Part("TentHill", {})
HALF = Fraction(1, 2)

pytestmark = pytest.mark.usefixtures(
    "as_users_call"
)  # a check is arithmetic, whose annotations would cost most of the time


def exact(kind, **numbers):
    """A part whose numbers are decimals."""
    return Part(kind, {name: as_written(number) for name, number in numbers.items()})


def adam(rate, b1=0.9, eps=0.0):
    return exact("Adam", learning_rate=rate, b1=b1, b2=0.999, eps=eps)


def wedge(height=0.3):
    return exact("WedgeHill", height=height, half_width=0.25, tail_slope=1.0)


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=lambda path: path.stem)
def test_the_check_imports_the_standard_library_and_itself_alone(path):
    allowed = sys.stdlib_module_names | {"hillopt.certificates"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] in allowed or ".".join(name.split(".")[:2]) in allowed, name
            assert not isinstance(node, ast.ImportFrom) or node.level == 0


# arithmetic


def fractions(interval):
    return Fraction(interval.low, ONE), Fraction(interval.high, ONE)


def test_intervals_enclose_what_fractions_say():
    rng = np.random.default_rng(0)

    def drawn():
        ends = sorted(Fraction(int(rng.integers(-(10**6), 10**6)), int(rng.integers(1, 10**6))) for _ in range(2))
        return ends, Interval.around(*ends)

    operations = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b]
    compared = 0
    for _ in range(200):
        (a, in_a), (b, in_b) = drawn(), drawn()
        for operation in operations:
            try:
                low, high = fractions(operation(in_a, in_b))
            except Open:
                assert b[0] <= 0 <= b[1]
                continue
            exact_ones = [operation(x, y) for x in (*a, sum(a) / 2) for y in (*b, sum(b) / 2)]
            assert low <= min(exact_ones)
            assert max(exact_ones) <= high
            assert high - low <= max(exact_ones) - min(exact_ones) + Fraction(1, 10**90)
            compared += 1
    assert compared > 600


@pytest.mark.parametrize("base", ["0", "1/3", "0.9", "0.9999999999999999"])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 60])
def test_powers_sums_and_roots_enclose_what_fractions_say(base, count):
    number = Fraction(base)
    around = Interval.around(number, number)
    for found, wanted in [
        (power(around, count), number**count),
        (geometric_sum(around, count), sum(number**j for j in range(count))),
        (around.root() * around.root(), number),
    ]:
        low, high = fractions(found)
        assert low <= wanted <= high
        assert high - low < Fraction(1, 10**60)
    if number:
        total = sum(max(0, 2 * number**j - 1) for j in range(1, 800 if number < HALF * 1.9 else 1))
        assert number > HALF * 1.9 or total <= Fraction(
            carried(Interval(2 * ONE, 2 * ONE), around), ONE
        ) <= total + Fraction(1, 10**60)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [0.3, 1.0, -2.0, 0.9, 1e-30, 2.0**-140, 0.0])
def test_all_reals_that_round_to_a_number(number, dtype):
    kind = np.dtype(dtype).type
    number = kind(number)
    found = reals_that_round_to(float(number), dtype)
    if number == 0:
        assert found == (0, 0)
        return
    neighbours = [Fraction(float(np.nextafter(number, kind(side)))) for side in (-math.inf, math.inf)]
    assert found == tuple((Fraction(float(number)) + neighbour) / 2 for neighbour in neighbours)


# what is true


KNIFE_EDGES = [
    (adam(0.01), "0.03434006638609663", 107),
    (adam(0.05), "0.15803267812220062", 27),
    (adam(0.5, 0.95), "0.7994509777711456", 5),
    (adam(0.1), "0.26428712209549293", None),
    (adam(0.3), "0.41018429512997", 6),
    (exact("HeavyBall", learning_rate=0.05, momentum=0.9), "0.50805298045", None),
    (exact("Nesterov", learning_rate=0.05, momentum=0.9), "0.2323922005", None),
    (exact("Lion", learning_rate=0.07, b1=0.9, b2=0.99), "0.26", None),
    (exact("GradientDescent", learning_rate=0.125), "0.125", 9),
    (exact("SignDescent", learning_rate=0.07), "0.05", 15),
]


@pytest.mark.parametrize(("optimizer", "height", "step"), KNIFE_EDGES, ids=lambda value: getattr(value, "kind", value))
def test_numbers_as_typed_settle_knife_edges(optimizer, height, step):
    found = found_certificate(TENT, optimizer, 2_000)
    assert found.height <= Fraction(height) + Fraction(1, 10**15)
    assert Fraction(height) - Fraction(1, 10**15) <= found.upper <= found.height + Fraction(1, 10**14)
    assert step is None or found.step == step


WALKS = {
    "HeavyBall": "heavy_ball",
    "Nesterov": "nesterov",
    "Adam": "adam",
    "Lion": "lion",
    "GradientDescent": "gradient_descent",
    "RMSprop": "rmsprop",
}


def random_settings(rng, kind, number):
    """Decimals with two digits, which land on the valley now and then, and decays up to 0.995."""
    for _ in range(number):
        numbers = {"learning_rate": round(10 ** rng.uniform(-1.7, 0.3), 2)}
        decay = round(1 - 10 ** rng.uniform(-2.3, 0), 3)
        numbers |= {"momentum": decay} if kind in ("HeavyBall", "Nesterov") else {}
        numbers |= {"decay": decay, "eps": 0.01, "initial_scale": 0.5} if kind == "RMSprop" else {}
        numbers |= {"b1": decay, "eps": 0.0} if kind == "Adam" else {}
        numbers |= {"b1": round(rng.uniform(0.1, 0.99), 2), "b2": decay} if kind == "Lion" else {}
        yield numbers


@pytest.mark.parametrize("kind", WALKS)
def test_no_walk_in_120_digits_rises_above_what_is_proved(kind):
    rng, kinds = np.random.default_rng(7), collections.Counter()
    for numbers in random_settings(rng, kind, 40):
        part = exact(kind, **numbers, **({"b2": 0.5} if kind == "Adam" else {}))
        try:
            found = found_certificate(TENT, part, 600)
        except ValueError as error:  # a tie that no number of digits decides
            assert "must decide every" in str(error) or "may not be" in str(error)  # noqa: PT017
            kinds["open"] += 1
            continue
        walk = getattr(exactly, WALKS[kind])(**{name: Decimal(str(number)) for name, number in numbers.items()})
        rises = [next(walk)[0] - 1 for _ in range(1_500)]
        assert max(rises) <= Decimal(found.upper.numerator) / found.upper.denominator
        assert rises[found.step - 1] >= Decimal(found.height.numerator) / found.height.denominator
        kinds[type(found).__name__] += 1
    assert kinds.total() - kinds["open"] > 30


RATE, BETA, ZERO = ("log", 0.01, 2.0), ("complement", 0.0, 0.99), ("one of", 0.0, 0.0)
ANSWERED = [
    ("Adam", {"learning_rate": RATE, "b1": BETA, "eps": ("one of", 0.0, 0.3)}),
    ("HeavyBall", {"learning_rate": RATE, "momentum": BETA}),
    ("Nesterov", {"learning_rate": RATE, "momentum": BETA}),
    ("Lion", {"learning_rate": RATE, "b1": BETA, "b2": BETA}),
    ("GradientDescent", {"learning_rate": RATE}),
    ("SignDescent", {"learning_rate": RATE}),
    ("RMSprop", {"learning_rate": RATE, "decay": BETA, "eps": ZERO, "initial_scale": ZERO}),
]
SLOW = [
    ("Adam", {"learning_rate": RATE, "b1": ("complement", 0.99, 0.9995), "eps": ("one of", 0.0, 0.0)}),
    ("HeavyBall", {"learning_rate": RATE, "momentum": ("complement", 0.9, 0.999)}),
    ("Nesterov", {"learning_rate": RATE, "momentum": ("complement", 0.9, 0.999)}),
]
"""Memories that are proved long before they repeat."""
LANES = 250  # as many as other tests ask for, so that they share what is compiled


SPREADS = {
    "log": lambda share, low, high: low * (high / low) ** share,
    "complement": lambda share, low, high: 1 - (1 - low) * ((1 - high) / (1 - low)) ** share,
    "one of": lambda share, low, high: np.where(share < 0.5, low, high),
}


def random_numbers(rng, number, ranges):
    """Log-uniform numbers, numbers log-uniform in their distance to 1, and one of two."""
    return {name: SPREADS[kind](rng.uniform(size=number), *ends) for name, (kind, *ends) in ranges.items()}


def certificates_of(name, ranges, max_steps, every=1):
    """Of the certified answers to random settings, each once through its JSON: how many there are of each verdict and kind."""
    numbers = random_numbers(np.random.default_rng(3), LANES, ranges)
    answer = ho.critical_height(ho.TentHill(), getattr(ho, name)(**numbers), max_steps=max_steps)
    numbers |= {"b2": np.full(LANES, 0.999)} if name == "Adam" else {}
    fields, kinds = {field: np.asarray(value) for field, value in answer.items()}, collections.Counter()
    for lane in range(0, LANES, every):
        optimizer = Part(
            name, {key: reals_that_round_to(float(each[lane]), "float64") for key, each in numbers.items()}
        )
        one = {field: values[lane].item() for field, values in fields.items()}
        if one["certainty"] != ho.Certainty.CERTIFIED or one["critical_height"] < 0:
            with pytest.raises(ho.NoClaim, match=r"rounding decides here|has not reached it"):
                certificate_of(TENT, optimizer, one, max_steps)
            continue
        found = certificate_of(TENT, optimizer, one, max_steps)
        assert found.upper == Fraction(one["upper"])
        assert found.height == Fraction(one["critical_height"]) - Fraction(one["error"])
        assert type(found).from_json(found.to_json()) == found
        kinds[ho.Verdict(one["verdict"]).name, type(found).__name__] += 1
    return kinds


DAILY = ("Adam", "GradientDescent")


@pytest.mark.parametrize(
    ("name", "ranges"),
    [pytest.param(*row, id=row[0], marks=[] if row[0] in DAILY else pytest.mark.slow) for row in ANSWERED],
)
def test_every_certified_answer_on_the_tent_has_a_certificate(name, ranges):
    kinds = certificates_of(name, ranges, 300)
    assert kinds.total() > 0.9 * LANES
    assert kinds["TRAPPED", "Recurrence"] > (0.1 if name == "RMSprop" else 0.5) * LANES


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ranges"), SLOW, ids=[row[0] for row in SLOW])
def test_slow_memories_have_certificates_of_their_swings(name, ranges):
    kinds = certificates_of(name, ranges, 1_500, every=10)
    assert kinds.total() > 0.09 * LANES
    assert kinds["TRAPPED", "SwingBound"] + kinds["UNDECIDED", "SwingBound"] > 0.01 * LANES


def test_no_swing_from_anywhere_has_more_than_is_proved():
    """From random crossings with at most the momentum, in floating point: the other side's momentum and the peak on the way."""
    rng, nearest = np.random.default_rng(4), 0.0
    for _ in range(300):
        kind, decay = rng.choice(["HeavyBall", "Nesterov", "Adam"]), round(1 - 10 ** rng.uniform(-2, -0.05), 3)
        numbers = {"b1": decay, "b2": 0.5, "eps": 0.0} if kind == "Adam" else {"momentum": decay}
        lattice = Lattice(exact(str(kind), learning_rate=0.3, **numbers))
        walk = LatticeWalk(lattice, lattice.foot(100))
        most, start = float(rng.uniform() ** 2), walk.step if kind == "Adam" else 10**9
        swings = Swings(walk, Fraction(most))
        after, climb, ahead = swings.after() / ONE, swings.climb.high / ONE, decay if kind == "Nesterov" else 1.0
        for momentum in most * rng.uniform(size=10) ** rng.choice([0, 1], 10):
            rise = (1 - ahead * (1 - momentum)) / (1 - decay**start) * rng.choice([1 - 1e-9, rng.uniform()])
            memory, step, peak = -momentum, start, rise
            while rise > 0:
                memory, step, peak = decay * memory + 1 - decay, step + 1, max(peak, rise)
                rise -= (1 - ahead + ahead * memory) / (1 - decay**step)
            assert memory <= after + 1e-9
            assert peak <= climb + 1e-9
            nearest = max(nearest, memory / after)
    assert nearest > 0.999  # and no less is true


TYPED = [
    ("escape", exact("TentHill", height=0.4), adam(0.3), "Passage", {"step": 6}),
    ("trapped", exact("TentHill", height=0.42), adam(0.3), "Recurrence", {}),
    ("slow swings", exact("TentHill", height=1.0), adam(0.25, 0.99), "SwingBound", {}),
    ("a bound", exact("TentHill", height=0.3), exact("Adagrad", learning_rate=0.3, initial_accumulator_value=0.0, eps=0.0),
     "ClosedBound", {}),
    ("a wedge", wedge(), exact("GradientDescent", learning_rate=0.11), "TrappingRegion", {}),
    ("a kink met", wedge(), exact("GradientDescent", learning_rate=0.1), "TrappingRegion", {}),
    ("a cycle on a wedge", wedge(0.25), exact("GradientDescent", learning_rate=0.3), "TrappingRegion", {"step": 3}),
    ("over a wedge", wedge(), exact("GradientDescent", learning_rate=0.3), "Passage", {"step": 13}),
    ("Adam over a wedge", wedge(), adam(0.3), "Passage", {"step": 5}),
    ("a minimum", exact("DoubleWell", height=0.25), exact("GradientDescent", learning_rate=0.5), "TrappingRegion", {}),
    ("over a double well", exact("DoubleWell", height=0.25), exact("GradientDescent", learning_rate=1.3), "Passage", {"step": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("hill", "optimizer", "kind", "numbers"), [row[1:] for row in TYPED], ids=[row[0] for row in TYPED]
)
def test_verdicts_have_certificates(hill, optimizer, kind, numbers):
    found = found_certificate(hill, optimizer, 500)
    assert type(found).__name__ == kind
    assert {name: getattr(found, name) for name in numbers} == numbers
    assert ho.AbstractCertificate.from_json(found.to_json()) == found


def optimizers(rng):
    """Random settings of every optimizer, their numbers in the order of the oracle's walks."""
    rate, beta = round(10 ** rng.uniform(-1.5, 0), 2), round(rng.uniform(0.1, 0.99), 2)
    yield "adam", exact("Adam", learning_rate=rate, b1=beta, b2=0.9, eps=1e-3)
    yield "adamw", exact("AdamW", learning_rate=rate, b1=beta, b2=0.9, eps=1e-3, weight_decay=0.01)
    yield "heavy_ball", exact("HeavyBall", learning_rate=rate, momentum=beta)
    yield "nesterov", exact("Nesterov", learning_rate=rate, momentum=beta)
    yield "lion", exact("Lion", learning_rate=rate, b1=beta, b2=0.93)
    yield "lion", exact("Lion", learning_rate=rate, b1=beta, b2=0.93, weight_decay=0.1)
    yield "adagrad", exact("Adagrad", learning_rate=rate, initial_accumulator_value=0.1, eps=1e-3)
    yield "rmsprop", exact("RMSprop", learning_rate=rate, decay=beta, eps=1e-3, initial_scale=0.1)
    yield "gradient_descent", exact("GradientDescent", learning_rate=rate)
    yield "sign_descent", exact("SignDescent", learning_rate=rate)


def test_verdicts_are_those_of_60_digits():
    rng, kinds = np.random.default_rng(5), collections.Counter()
    for _ in range(12):
        for name, optimizer in optimizers(rng):
            height = round(rng.uniform(0.02, 0.6), 3)
            numbers = [Decimal(each.low.numerator) / each.low.denominator for each in optimizer.numbers.values()]
            wanted = oracle.first_passage(oracle.WALKS[name](*numbers), Decimal(str(height)), 300)
            try:
                found = found_certificate(exact("TentHill", height=height), optimizer, 100)
            except ValueError:
                kinds["open"] += 1
                continue
            assert wanted == (found.step if isinstance(found, ho.Passage) else 0)
            kinds[type(found).__name__] += 1
    assert kinds["Passage"] > 30
    assert kinds.total() - kinds["open"] - kinds["Passage"] > 30


def test_a_region_holds_what_a_walk_visits():
    """Another walk than the check's: floating point, far beyond the steps that it was found with."""
    hill, optimizer = ho.WedgeHill(0.3), ho.GradientDescent(0.11)
    region = ho.certificate(hill, optimizer, max_steps=300, as_typed=True)
    (low, high), late = (
        region.pieces[0],
        np.asarray(ho.trajectory(hill, optimizer, max_steps=3_000).position)[region.step :],
    )
    assert float(low) <= late.min()
    assert late.max() <= float(high) < 1.25
    assert late.max() - late.min() > 0.9 * float(high - low)


# what is refused

RETURN = found_certificate(TENT, adam(0.3), 500)
BOUND = certificates.ClosedBound(TENT, adam(0.3), RETURN.height, RETURN.step, Fraction(3), 0)
PUSHED = exact("HeavyBall", learning_rate=0.16, momentum=0.9)
SWING = height_certificate(TENT, PUSHED, next(searched(PUSHED, 300))._replace(period=0))
ESCAPE = found_certificate(exact("TentHill", height=0.4), adam(0.3), 500)
REGION = found_certificate(wedge(), exact("GradientDescent", learning_rate=0.11), 300)
(LOW, HIGH) = REGION.pieces[0]
SLACK, TENTH, KNOWN = Fraction(1, 10**9), Fraction(1, 10), RETURN.optimizer.numbers

TAMPERED = [
    (RETURN, {"height": RETURN.height + SLACK}, r"`height` must be met at step 6, and the rise there may be"),
    (RETURN, {"step": 7}, r"`height` must be met at step 7,"),
    (RETURN, {"step": 3}, r"`step` must lie between 4 and 96, got 3;"),
    (RETURN, {"upper": RETURN.upper - SLACK}, r"`upper` must bound every rise, and some may come to"),
    (RETURN, {"foot": 5}, r"`foot` must be the first step beyond the valley for all numbers of `optimizer`, and 5 may not be;"),
    (RETURN, {"foot": 3}, r"`foot` must be the first step beyond the valley"),
    (RETURN, {"period": 19}, r"`period` must lead back to the checkpoint's site, and 19 steps on it is"),
    (RETURN, {"period": 0}, r"`period` must lie between 1 and 1000000, got 0;"),
    (RETURN, {"checkpoint": 4, "step": 4, "height": Fraction(1, 10)}, r"`period` must lead back|`checkpoint` must come when"),
    (RETURN, {"checkpoint": 10**9}, r"`checkpoint` must lie between 4 and 2097152, got 1000000000;"),
    (RETURN, {"optimizer": adam(0.31)}, r"`(foot|height|period|upper)` must"),
    (RETURN, {"optimizer": exact("Adam", learning_rate=0.3, b1=0.9, b2=0.999)}, r"`optimizer` Adam needs its number 'eps';"),
    (RETURN, {"optimizer": adam(0.3, 1.5)}, r"`b1` must be at least 0 and below 1, got 1.5 to 1.5;"),
    (RETURN, {"optimizer": adam(-0.3)}, r"`learning_rate` must be above 0, got"),
    (RETURN, {"optimizer": Part("Adam", {**KNOWN, "b1": Range(9 * TENTH, 8 * TENTH)})}, "`b1` must go from"),
    (RETURN, {"optimizer": Part("Adam", {**KNOWN, "b1": Range(8 * TENTH, 9 * TENTH)})}, "must (be|decide)"),
    (RETURN, {"optimizer": exact("Adom", learning_rate=0.3)}, r"`optimizer` must be one of Adagrad, Adam, AdamW,"),
    (RETURN, {"optimizer": exact("Adagrad", learning_rate=0.3, initial_accumulator_value=0.0, eps=0.0)},
     r"`optimizer` must be one of GradientDescent, SignDescent, .* got Adagrad; the steps of others do not add up\."),
    (RETURN, {"optimizer": exact("Lion", learning_rate=0.3, b1=0.9, b2=0.9, weight_decay=0.1)}, "without weight decay, got"),
    (RETURN, {"hill": wedge()}, r"`hill` must be the TentHill for such a certificate, got WedgeHill;"),
    (RETURN, {"hill": exact("TentHill", height=0.41)}, r"`upper` must be below the height of `hill`"),
    (BOUND, {"upper": Fraction(1)}, r"`upper` must be what the formula says at least, and that is 1\.0302"),
    (BOUND, {"upper": Fraction(1, 5)}, r"`upper` must bound every rise, and some may come to 0\.41"),
    (BOUND, {"since": 3}, r"`since` must lie between 0 and 0, got 3;"),
    (BOUND, {"optimizer": exact("AdamW", learning_rate=2.0, b1=0.9, b2=0.999, eps=0.0, weight_decay=0.6), "step": 1},
     r"`height` must|`weight_decay` must be at most 1 / learning_rate"),
    (SWING, {"momentum": Fraction(1, 100)}, rf"`momentum` must be at least what the walk has at step {SWING.crossing},"),
    (SWING, {"momentum": Fraction(9, 10)}, r"`upper` must bound every rise"),
    (SWING, {"momentum": Fraction(3, 2)}, r"`momentum` must lie between 0 and 1, got 1\.5;"),
    (SWING, {"crossing": SWING.crossing + 1}, r"`crossing` must be a step that crosses the valley uphill, and \d+ does not;"),
    (SWING, {"upper": Fraction(8, 10)}, r"`upper` must bound every rise"),
    (ESCAPE, {"step": 5}, r"`step` must be at the crest or beyond it, and 5 may not be;"),
    (ESCAPE, {"step": 7}, r"`step` must be the first at the crest, and one before 7 may be there;"),
    (ESCAPE, {"hill": TENT}, r"`hill` must have a height, since nobody escapes from an endless flank;"),
    (ESCAPE, {"hill": exact("TentHill", height=0.42)}, r"`step` must be at the crest or beyond it"),
    (REGION, {"pieces": (Range(LOW, HIGH - SLACK),)}, r"`pieces` must be mapped into themselves, and"),
    (REGION, {"pieces": (Range(LOW + SLACK, HIGH),)}, r"`pieces` must be mapped into themselves, and"),
    (REGION, {"pieces": (Range(LOW, Fraction(13, 10)),)}, r"`pieces` must be before the crest"),
    (REGION, {"step": 2}, r"`pieces` must hold the walk at step 2, and it may be at"),
    (REGION, {"optimizer": exact("SignDescent", learning_rate=0.11)}, r"`optimizer` must be GradientDescent in a region"),
    (REGION, {"hill": wedge(0.4)}, r"`pieces` must be mapped into themselves"),
]  # fmt: skip


@pytest.mark.parametrize("certificate", [RETURN, BOUND, SWING, ESCAPE, REGION], ids=lambda one: type(one).__name__)
def test_what_is_tampered_with_was_right(certificate):
    certificate.check()


@pytest.mark.parametrize(
    ("certificate", "changes", "told"),
    TAMPERED,
    ids=[f"{type(row[0]).__name__}-{'-'.join(row[1])}" for row in TAMPERED],
)
def test_a_tampered_certificate_is_refused_by_the_number_that_is_wrong(certificate, changes, told):
    with pytest.raises(ValueError, match=told) as refused:
        dataclasses.replace(certificate, **changes).check()
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


PLAIN = json.loads(RETURN.to_json())
WRITTEN = [
    ("no JSON", "{", "a certificate must be JSON, and this is none;"),
    ("a list", "[]", "`kind` must be one of ClosedBound, Passage, Recurrence, SwingBound, TrappingRegion, got"),
    ("another kind", json.dumps({**PLAIN, "kind": "Proof"}), "got 'Proof'; none else is checked."),
    ("a field too many", json.dumps({**PLAIN, "trust": "me"}), "`Recurrence` has no 'trust'; its fields are hill, optimizer,"),
    ("a field too few", json.dumps({k: v for k, v in PLAIN.items() if k != "foot"}), "`Recurrence` needs 'foot'; its fields are"),
    ("a float", json.dumps({**PLAIN, "upper": 0.5}), "`upper` must be a fraction as text"),
    ("a power", json.dumps({**PLAIN, "upper": "1e999999999"}), "`upper` must be a fraction as text"),
    ("a long number", json.dumps({**PLAIN, "upper": "1" * 5_000}), "`upper` must be a fraction as text"),
    ("a division by 0", json.dumps({**PLAIN, "upper": "1/0"}), "`upper` must be a fraction as text"),
    ("a truth", json.dumps({**PLAIN, "step": True}), "`step` must be a whole number, got True;"),
    ("a number as text", json.dumps({**PLAIN, "step": "6"}), "`step` must be a whole number, got '6';"),
    ("no part", json.dumps({**PLAIN, "hill": "TentHill"}), "`hill` must be its kind and its numbers, got 'TentHill';"),
    ("three ends", json.dumps({**PLAIN, "hill": {"kind": "TentHill", "height": ["1", "2", "3"]}}), "or two ends, got 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in WRITTEN], ids=[row[0] for row in WRITTEN])
def test_what_is_no_certificate_is_refused_in_a_sentence(text, told):
    with pytest.raises(ValueError, match=r"^[^\n]*\.$") as refused:
        ho.AbstractCertificate.from_json(text)
    assert told in str(refused.value)


ASKED = [
    ("several", lambda: ho.certificate(ho.TentHill(), ho.Adam(np.array([0.1, 0.2]))), "must be one setting for a certificate"),
    ("no steps", lambda: ho.certificate(ho.TentHill(), ho.Adam(0.3), max_steps=0), "`max_steps` must lie between 1 and"),
    ("before the valley", lambda: ho.certificate(ho.TentHill(), ho.Adam(0.01), max_steps=50, as_typed=True),
     "`max_steps` must lead beyond the valley, and 50 do not;"),
    ("a strange hill", lambda: ho.certificate(ho.GaussianHill(0.3), ho.Adam(0.3), as_typed=True), "`hill` must be one of"),
    ("a strange proof", lambda: ho.certificate(wedge_hill(), ho.HeavyBall(0.01, 0.5), max_steps=500, as_typed=True),
     "`optimizer` HeavyBall has no certificate of being trapped on WedgeHill;"),
]  # fmt: skip


def wedge_hill():
    return ho.WedgeHill(0.3)


@pytest.mark.parametrize(("call", "told"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_what_has_no_certificate_is_told_in_a_sentence(call, told):
    with pytest.raises(ValueError, match=r"^[^\n]*\.$") as refused:
        call()
    assert told in str(refused.value)
