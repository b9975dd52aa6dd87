"""Cycles against the published ones, in rational numbers and in 40 digits; and what is not to be certified."""

import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.orbits.enclosures import Enclosure, spectral_radius


def never(x, h):
    return x - 1e9


def parabola(x, c):
    return c * x**2 / 2


def cubic(z, a):
    """Its gradient descent with learning rate 1 is z -> z^3 + (a - 2) z^2 + (1 - 2 a) z (Chen et al. 2023)."""
    return a * z**2 - (a - 2) * z**3 / 3 - z**4 / 4


@functools.cache
def bowl(curvature=1.0):
    return ho.hill_from(parabola, curvature, passed=never)


STARTS = tuple(np.linspace(-1, 1, 33))


def found(hill, optimizer, period, starts=STARTS):
    """The cycles of this very period."""
    return [each for each in ho.cycles(hill, optimizer, period=period, starts=starts) if each.period == period]


# Bock and Weiss 2022 (arXiv:2210.02070): points +-w, w = a (1 - b1) / (2 (1 + b1)) - eps / c.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "b1", "b2", "curvature", "attracting"),
    [
        (0.5, 0.2, 0.5, 1.0, True),
        (0.01, 0.1, 0.9, 1.0, True),
        (0.1, 0.9, 0.999, 1.0, False),
        (0.5, 0.2, 0.5, 3.0, True),
    ],
)
def test_adam_goes_to_and_fro_on_a_parabola(rate, b1, b2, curvature, attracting):
    (cycle,) = found(bowl(curvature), ho.Adam(rate, b1, b2, eps=1e-8), 2)
    width = rate * (1 - b1) / (2 * (1 + b1)) - 1e-8 / curvature
    np.testing.assert_allclose(cycle.points, [width, -width], atol=1e-12)
    np.testing.assert_allclose(cycle.states.second, (curvature * width) ** 2, rtol=1e-12)
    assert cycle.certified
    assert cycle.radius < 1e-12
    assert (cycle.attracting, cycle.repelling) == (attracting, not attracting)


def test_optaxs_adam_has_the_cycle_of_ours_when_its_count_has_ended():
    (cycle,) = found(bowl(), ho.from_optax(optax.adam, learning_rate=0.5, b1=0.2, b2=0.5), 2)
    np.testing.assert_allclose(cycle.points, [1 / 6 - 1e-8, -1 / 6 + 1e-8], atol=1e-12)
    assert cycle.certified
    assert cycle.attracting


# Where the map of Chen et al. 2023 (arXiv:2310.01687) changes: the fixed point at 0, and the cycle of two.
DOUBLES = math.sqrt(5) - 1
NEAR = 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("a", "period", "attracting"),
    [
        (1 - NEAR, 1, True),
        (1 + NEAR, 1, False),
        (1.1, 2, True),
        (DOUBLES - NEAR, 2, True),
        (DOUBLES + NEAR, 2, False),
        (DOUBLES + 1e-3, 4, True),
    ],
)
def test_the_cubic_map_doubles_its_period_where_it_should(a, period, attracting):
    hill = ho.hill_from(cubic, a, passed=never)
    cycles = ho.cycles(hill, ho.GradientDescent(1.0), period=4, starts=np.linspace(-1, 1, 64))
    cycles = [each for each in cycles if each.period == period and -0.95 < each.points.min() <= each.points.max() < 1]
    (cycle,) = cycles
    assert cycle.certified
    assert (cycle.attracting, cycle.repelling) == (attracting, not attracting)
    slopes = 3 * cycle.points**2 + 2 * (a - 2) * cycle.points + 1 - 2 * a
    low, high = cycle.multiplier_ends
    assert low <= abs(np.prod(slopes)) * (1 + 1e-12)
    assert abs(np.prod(slopes)) * (1 - 1e-12) <= high
    assert high - low < 1e-7


def from_many(a, starts, max_steps):
    """Distances from the minimum, [time, start]."""
    hill = ho.StartingAt(ho.hill_from(cubic, a, passed=never), starts)
    return np.abs(ho.trajectory(hill, ho.GradientDescent(1.0), max_steps=max_steps).position)


@pytest.mark.parametrize(
    ("a", "is_steady"), [(2 * math.sqrt(2) - 2 - 1e-3, True), (2 * math.sqrt(2) - 2 + 1e-3, False)]
)
def test_on_the_cubic_map_every_step_is_downhill_below_its_first_edge(a, is_steady):
    before, after = from_many(a, np.linspace(-a, 2, 20_001)[1:-1], 1)
    assert np.all(after <= before * (1 + 1e-12)) == is_steady


@pytest.mark.parametrize(("a", "stays"), [(0.99, True), (1.99, True), (2.01, False)])
def test_the_cubic_map_diverges_above_2(a, stays):
    walks = from_many(a, np.array([0.1, -0.2, 0.3]), 2_000)
    assert np.all(walks[-1] < 3) == stays
    assert np.all(walks[-1] < 1e-3) == (a < 1)


LESSARD = ho.PiecewiseQuadraticBowl((25.0, 1.0, 25.0), (1.0, 2.0))
CYCLE = (Fraction(2592, 1225), Fraction(792, 1225), Fraction(-2208, 1225))


def test_heavy_ball_goes_round_the_cycle_of_lessard_recht_packard():
    repelling, attracting = found(LESSARD, ho.HeavyBall(1 / 9, 4 / 9), 3, None)
    np.testing.assert_allclose(attracting.points, [float(point) for point in CYCLE], atol=1e-12)
    assert repelling.certified
    assert repelling.repelling
    assert attracting.certified
    assert attracting.attracting
    exact = ho.exact_cycle(LESSARD, "1/9", "4/9", attracting.points)
    assert exact == ho.ExactCycle(CYCLE, attracting=True)
    other = ho.exact_cycle(LESSARD, "1/9", "4/9", repelling.points)
    np.testing.assert_allclose([float(point) for point in other.points], repelling.points, atol=1e-12)
    assert not other.attracting


def lessard_slope(x):
    return 25 * x if x < 1 else x + 24 if x < 2 else 25 * x - 24


def end_of(start):
    """Where an exact walk from rest is after 99 steps, a multiple of 3."""
    x, trace = start, Fraction(0)
    for _ in range(99):
        trace = lessard_slope(x) + Fraction(4, 9) * trace
        x -= trace / 9
    return x


# Within 1e-6 of the cycle, or of 0, a walk stays in its pieces: powers of the pieces' matrices never exceed a hundred.
@pytest.mark.parametrize("start", ["-4.2", "-3.3", "-2.95", "1", "2.8", "3.1", "3.4", "5.5"])
def test_starts_at_rest_that_end_in_the_cycle(start):
    assert min(abs(end_of(Fraction(start)) - point) for point in CYCLE) < Fraction(1, 10**6)


@pytest.mark.parametrize("start", ["-5", "-4", "-3.15", "0.5", "1.1", "2.7", "3", "3.5", "5.3", "5.7"])
def test_starts_at_rest_that_end_in_the_minimum(start):
    assert abs(end_of(Fraction(start))) < Fraction(1, 10**6)


def on_a_flat_minimum(power, b1):
    hill = ho.hill_from(lambda x, h: x**power / power, 1.0, start=1.0, passed=never)
    return np.asarray(ho.trajectory(hill, ho.Adam(1e-3, b1, 0.93), max_steps=3_000).position)


# Bai et al. 2026 (arXiv:2603.09581): on x^k / k every step shrinks x by b2^(1 / (2 (k - 2))) in the end.
@pytest.mark.parametrize(("power", "shrinks"), [(4, 0.9820209142881304), (6, 0.9909696838390821)])
def test_adam_shrinks_by_a_factor_on_a_flat_minimum(power, shrinks):
    positions = on_a_flat_minimum(power, 0.9)
    np.testing.assert_allclose(positions[-1] / positions[-2], shrinks, rtol=1e-9)
    assert shrinks == pytest.approx(0.93 ** (1 / (2 * (power - 2))), rel=1e-15)


def test_adam_does_not_shrink_where_b1_is_above_a_power_of_b2():
    """b2^((k - 1) / (2 (k - 2))) is 0.947."""
    assert abs(on_a_flat_minimum(4, 0.97)[-1]) > 1e-6


def logistic_like(x, c):
    """A bowl with a flank of its own on either side."""
    return jnp.log(jnp.cosh(c * x)) + x / 3


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_certified_box_holds_the_cycle_of_every_number_that_rounds_to_the_given_one(momentum):
    hill = ho.hill_from(logistic_like, 2.0, passed=never)
    rate = 1.3
    (cycle, *_) = found(hill, ho.HeavyBall(rate, momentum), 2)
    assert cycle.certified
    with mpmath.workdps(40):
        for ulps in (-0.49, 0, 0.49):
            exact = mpmath.mpf(rate) + mpmath.mpf(ulps) * mpmath.mpf(math.ulp(rate))
            points = oracle(exact, mpmath.mpf(momentum), cycle.points)
            assert max(abs(a - b) for a, b in zip(points, map(float, cycle.points), strict=True)) < cycle.radius


def oracle(rate, momentum, near):
    """The 2-cycle of heavy ball, whose memory is known then: x -> x - rate (g + b g') / (1 - b^2)."""

    def slope(x):
        return 2 * mpmath.tanh(2 * x) + mpmath.mpf(1) / 3

    def gaps(x, y):
        first, second = slope(x), slope(y)
        share = 1 - momentum**2
        return x - rate * (first + momentum * second) / share - y, y - rate * (second + momentum * first) / share - x

    return list(mpmath.findroot(gaps, [mpmath.mpf(float(point)) for point in near]))


@jax.custom_jvp
def lying(x):
    return 1.5 * x**2


@lying.defjvp
def _(primals, tangents):
    """Half of the truth: 3 x would be right."""
    return lying(*primals), 1.5 * primals[0] * tangents[0]


def test_a_derivative_that_somebody_has_made_up_is_not_believed():
    """The slope is the made-up derivative, that is what the optimizer sees; but its own derivative is 1.5, whatever rules say."""
    hill = ho.hill_from(lambda x, h: lying(x), 1.0, start=1.0, passed=never)
    (minimum,) = ho.cycles(hill, ho.GradientDescent(1.0), period=1)
    assert minimum.certified
    assert minimum.multiplier == pytest.approx(0.5)


@jax.custom_jvp
def half_lying(x):
    return x


@half_lying.defjvp
def _(primals, tangents):
    return primals[0], tangents[0] / 2


class Deceiving(ho.AbstractHill):
    """x^2 / 2, whose slope lies of its own derivative: in the open, or where a branch hides it."""

    is_hidden: bool = ho.static()
    height: float = 1.0
    start = 1.0

    def value(self, position):
        return position**2 / 2

    def slope(self, position):
        return (
            jax.lax.cond(position > 9, jnp.negative, half_lying, position) if self.is_hidden else half_lying(position)
        )

    def rise(self, position):
        return position - 9


@pytest.mark.parametrize("is_hidden", [False, True])
def test_a_rule_for_a_slopes_derivative_is_not_believed(is_hidden):
    (minimum,) = ho.cycles(Deceiving(is_hidden), ho.GradientDescent(0.5), period=1)
    assert minimum.certified != is_hidden
    assert is_hidden or minimum.multiplier == pytest.approx(0.5)


def kinked(x, h):
    return jnp.abs(x) ** 1.5


NOT_CERTIFIED = {
    "a minimum without a Lipschitz slope": (
        ho.hill_from(kinked, 1.0, start=1.0, passed=never),
        ho.GradientDescent(0.1),
        1,
    ),
    "a whole line of cycles": (ho.TentHill(0.5), ho.GradientDescent(0.3), 2),
    "a bend at a point": (
        ho.PiecewiseQuadraticBowl((25.0, 25.0, 1.0, 25.0), (792 / 1225, 1.0, 2.0)),
        ho.HeavyBall(1 / 9, 4 / 9),
        3,
    ),
    "a minimum that hardly attracts": (
        ho.hill_from(lambda x, h: x**4, 1.0, start=1.0, passed=never),
        ho.GradientDescent(0.1),
        1,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("hill", "optimizer", "period"), NOT_CERTIFIED.values(), ids=NOT_CERTIFIED)
def test_what_cannot_be_proved_is_not_certified(hill, optimizer, period):
    cycles = found(hill, optimizer, period, (0.0, 0.9, 1.0, 2.1))
    doubtful = [each for each in cycles if not each.certified]
    assert doubtful or not cycles
    assert all(np.isnan(each.radius) for each in doubtful)


def test_cycles_of_shorter_periods_are_told_once_with_their_own():
    cycles = ho.cycles(LESSARD, ho.HeavyBall(1 / 9, 4 / 9), period=3)
    assert [each.period for each in cycles] == [1, 3, 3]
    assert all(each.points.argmax() == 0 for each in cycles)


@pytest.mark.parametrize("size", [1e-12, 0.0])
@pytest.mark.parametrize("kind", ["real", "complex", "defective", "zero"])
def test_the_spectral_radius_of_every_matrix_nearby_is_enclosed(kind, size):
    draw = np.random.default_rng(5)
    blocks = {
        "real": np.diag([0.9, -1.25, 0.3]),
        "complex": np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 0.5]]) * 1.1,
        "defective": np.array([[0.5, 1, 0], [0, 0.5, 1], [0, 0, 0.5]]),
        "zero": np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]]),
    }
    turn = draw.normal(size=(3, 3)) if kind != "zero" else np.eye(3)
    matrix = turn @ blocks[kind] @ np.linalg.inv(turn)
    low, high = spectral_radius(Enclosure(matrix, np.full((3, 3), size)))
    for side in draw.uniform(-1, 1, (20, 3, 3)):
        with mpmath.workdps(60):
            moved = mpmath.matrix((matrix + size * side).tolist())
            radius = max(abs(value) for value in mpmath.eig(moved, left=False, right=False))
        assert low <= radius <= high
    assert high - low < {"real": 1e-9, "complex": 1e-7, "defective": 0.2, "zero": 0.01}[kind]


MADE = ho.HeavyBall(0.1, 0.5)
REFUSED = [
    (bowl(), MADE, {"period": 0}, "`period` must lie between 1 and 32, got 0; a walk closes after some whole number"),
    (bowl(), MADE, {"period": 33}, "`period` must lie between 1 and 32, got 33"),
    (
        bowl(),
        MADE,
        {"period": 2.5},
        "`period` must be an integer, got 2.5; a walk closes after some whole number of steps.",
    ),
    (bowl(), MADE, {"starts": [0.0, np.nan]}, "`starts` must lie in (-inf, inf), got nan; give a finite value"),
    (bowl(), MADE, {"starts": []}, "`starts` must hold one place at least, got none; give some, or leave it out."),
    (bowl(), MADE, {"starts": "left"}, "`starts` must be a number or an array of numbers, got 'left'"),
    (
        bowl(),
        ho.HeavyBall(np.array([0.1, 0.2])),
        {},
        "`optimizer` must have one value of 'learning_rate', got the shape (2,)",
    ),
    (
        ho.MuellerBrown(1.0),
        MADE,
        {},
        "`hill` must have positions that are numbers, got MuellerBrown with starts of the shape",
    ),
    (
        bowl(),
        ho.from_optax(optax.noisy_sgd, learning_rate=0.1, eta=0.1, gamma=0.5, key=1),
        {},
        "`optimizer` must step by its position and memory alone, got noisy_sgd, which draws numbers or counts without end; take",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("hill", "optimizer", "given", "told"), REFUSED, ids=[row[-1][:50] for row in REFUSED])
def test_bad_input_is_refused_in_a_sentence(hill, optimizer, given, told):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        ho.cycles(hill, optimizer, **{"period": 2, **given})
    assert str(refused.value).startswith(told)


@pytest.mark.usefixtures("as_users_call")
def test_what_is_traced_is_refused():
    with pytest.raises(
        ValueError, match=r"^`cycles` finds as many cycles as there are, a number that JAX cannot trace; call it"
    ):
        jax.jit(lambda rate: ho.cycles(bowl(), ho.GradientDescent(rate), period=1)[0].points)(0.1)


BOWLS = [
    (
        {"curvatures": (1.0, 2.0)},
        "`PiecewiseQuadraticBowl(curvatures=...)` must be one more than knots, got 2 and 0; give",
    ),
    (
        {"curvatures": (1.0, -2.0), "knots": (1.0,)},
        "`PiecewiseQuadraticBowl(curvatures=...)` must lie in (0, inf), got -2",
    ),
    (
        {"curvatures": (1.0, 2.0, 1.0), "knots": (2.0, 1.0)},
        "`PiecewiseQuadraticBowl(knots=...)` must rise, got (2.0, 1.0); sort",
    ),
    (
        {"curvatures": [1.0]},
        "`PiecewiseQuadraticBowl(curvatures=...)` must be a tuple of finite numbers, got [1.0]; give one.",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("numbers", "told"), BOWLS)
def test_numbers_that_make_no_bowl_are_refused(numbers, told):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        ho.cycles(ho.PiecewiseQuadraticBowl(**numbers), MADE, period=1)
    assert str(refused.value).startswith(told)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("one ninth", "4/9", [2.1]),
            "`learning_rate` must be a rational number, got 'one ninth'; write for example '4/9'.",
        ),
        (("1/9", math.nan, [2.1]), "`momentum` must be a rational number, got nan; write for example '4/9'."),
        (
            ("1/9", "4/9", [3.0, 0.6, 3.0]),
            "`near` must lie in the pieces of a cycle, got pieces that their only cycle leaves at",
        ),
    ],
)
def test_what_is_no_exact_cycle_is_refused(arguments, told):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        ho.exact_cycle(LESSARD, *arguments)
    assert str(refused.value).startswith(told)


def test_a_bowl_is_the_integral_of_its_slope_and_smooth_at_its_knots():
    bowl_of_two = ho.PiecewiseQuadraticBowl((3.0, 1.0, 25.0), (-1.0, 2.0))
    places = jnp.linspace(-3.03, 4.07, 200)
    np.testing.assert_allclose(jax.vmap(bowl_of_two.slope)(places), jax.vmap(jax.grad(bowl_of_two.value))(places))
    expected = np.where(places < -1, 3 * places + 2, np.where(places > 2, 25 * places - 48, places))
    np.testing.assert_allclose(jax.vmap(bowl_of_two.slope)(places), expected, atol=1e-12)
