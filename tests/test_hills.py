"""Hills of every kind: their slopes, crests and heights, and walks on them against plain loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

import hillopt as ho

POINTS = [(-1.0, 2.0), (0.5, 0.5), (1.0, 0.2), (1.2, 0.6), (1.4, 0.5), (1.9, 1.1), (3.0, -2.0)]

# (hill, valley, crest)
HILLS = [
    (ho.TentHill(0.41), 1.0, 1.41),
    (ho.WedgeHill(0.2), 1.0, 1.25),
    (ho.WedgeHill(0.7, half_width=0.4, tail_slope=3.0), 1.0, 1.4),
    (ho.PiecewiseLinearHill.through(POINTS), 1.0, 1.9),
    (ho.PiecewiseLinearHill.through(POINTS, 0.3), 1.0, 1.9),
    (ho.DoubleWell(0.25), -1.0, 0.0),
    (ho.DoubleWell(2.0), -1.0, 0.0),
    (ho.MuellerBrown(1.5), (-0.5582236346, 1.4417258418), (-0.8220015587, 0.6243128028)),
    (ho.NarrowPass(0.3), (-1.0, 0.0), (0.0, 0.0)),
]
SMOOTH = [ho.DoubleWell(0.25), ho.GaussianHill(0.4), ho.RoughBowl(0.2, 0.1), ho.RoughBowl(0.2, 0.1, True)]
SMOOTH += [ho.MuellerBrown(1.5), ho.NarrowPass(0.3)]

# One row of settings for all bounded walks here, and one grid of heights: what has the same shapes is compiled once.
RATES = np.array([0.01, 0.1, 0.3, 0.55, 0.9])
GRID = np.linspace(0.01, 0.6, 300)


@pytest.mark.parametrize(("hill", "valley", "crest"), HILLS)
def test_the_crest_is_as_high_above_the_valley_as_the_hill_says(hill, valley, crest):
    difference = hill.value(jnp.asarray(crest, float)) - hill.value(jnp.asarray(valley, float))
    assert float(difference) == pytest.approx(hill.height, rel=1e-7)
    assert float(hill.rise(jnp.asarray(crest, float))) == pytest.approx(float(hill.goal()), abs=1e-9)
    assert not hill.escaped(jnp.asarray(hill.start, float))
    assert hill.at(0.125).height == 0.125


@pytest.mark.parametrize("hill", SMOOTH)
def test_the_slope_is_the_elevations(hill):
    shape = np.shape(hill.start)
    for place in np.random.default_rng(4).uniform(-1.4, 1.6, (20, *shape)):
        expected = optimize.approx_fprime(
            np.atleast_1d(place), lambda x: float(hill.value(jnp.asarray(x.reshape(shape))))
        )
        np.testing.assert_allclose(np.atleast_1d(hill.slope(jnp.asarray(place))), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("hill", [hill for hill, *_ in HILLS if np.ndim(hill.start) == 0])
def test_kinked_hills_have_the_slope_of_their_pieces(hill):
    for place in np.random.default_rng(4).uniform(-0.9, 2.5, 30):
        ahead = (hill.value(jnp.asarray(place + 1e-7)) - hill.value(jnp.asarray(place - 1e-7))) / 2e-7
        assert float(hill.slope(jnp.asarray(place))) == pytest.approx(float(ahead), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("height", "has_valley"), [(0.33, True), (0.4, True), (1.0, True), (0.32, False)])
def test_a_gaussian_has_a_crest_where_it_is_steeper_than_its_slope(height, has_valley):
    hill = ho.GaussianHill(height)
    crest = 1 + hill.goal()
    found = optimize.minimize_scalar(lambda x: -hill.value(jnp.asarray(x)), bounds=(0.8, 1.2), method="bounded")
    if has_valley:
        assert abs(hill.slope(crest)) < 1e-12
        assert jax.grad(hill.slope)(crest) < 0
    else:
        assert crest == 1.0
        assert hill.slope(jnp.asarray(found.x)) < 0


def test_mueller_and_browns_points_are_stationary():
    hill = ho.MuellerBrown(106.0346737)  # its own units
    for place, elevation in [
        ((-0.5582236346, 1.4417258418), -146.69951721),
        ((-0.8220015587, 0.6243128028), -40.66484351),
    ]:
        assert np.abs(hill.slope(jnp.asarray(place))).max() < 1e-5
        assert float(hill.value(jnp.asarray(place))) == pytest.approx(elevation, abs=1e-6)
    curvature, directions = np.linalg.eigh(jax.hessian(hill.value)(jnp.asarray((-0.8220015587, 0.6243128028))))
    assert curvature[0] < 0 < curvature[1]
    downhill = jax.grad(hill.rise)(jnp.asarray((0.0, 0.0)))
    assert float(abs(downhill @ directions[:, 0])) == pytest.approx(1, abs=1e-8)


# Walks


def walk(hill, rates, num_steps):
    """First steps beyond the goal of plain gradient descent, one setting after another; 0 where there is none."""
    slope, past = jax.jit(hill.slope), jax.jit(lambda x: hill.rise(x) >= hill.goal())
    for rate in rates:
        place, met = jnp.asarray(hill.start, float), 0
        for step in range(1, num_steps + 1):
            place = place - rate * slope(place)
            if past(place):
                met = step
                break
        yield met


WALKED = [
    ho.WedgeHill(0.2),
    ho.PiecewiseLinearHill.through(POINTS),
    ho.GaussianHill(0.4),
    ho.DoubleWell(0.25),
    ho.MuellerBrown(1.0),
    ho.NarrowPass(0.3),
]


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["plain", "bounded"])
@pytest.mark.parametrize("hill", WALKED, ids=lambda hill: type(hill).__name__)
def test_escapes_are_those_of_a_plain_loop(hill, implementation):
    answer = ho.escape(hill, ho.GradientDescent(RATES), max_steps=60, climb=ho.CLIMBS[implementation])
    expected = np.array(list(walk(hill, RATES, 60)))
    np.testing.assert_array_equal(np.asarray(answer.verdict) == ho.Verdict.ESCAPED, expected > 0)
    if implementation == "bounded":
        np.testing.assert_array_equal(np.asarray(answer.step)[expected > 0], expected[expected > 0])


def test_heights_and_hyperparameters_broadcast_on_a_flank_of_its_own():
    heights, rates = np.linspace(0.05, 0.6, 7), np.array([0.1, 0.3, 0.45])
    options = {"max_steps": 80, "climb": ho.PlainClimb()}
    answer = ho.escape(ho.WedgeHill(heights[:, None]), ho.GradientDescent(rates), **options)
    assert answer.verdict.shape == (7, 3)
    for row, column in [(3, 1), (0, 2), (6, 0)]:
        one = ho.escape(ho.WedgeHill(heights[row]), ho.GradientDescent(rates[column]), **options)
        assert answer.verdict[row, column] == one.verdict


@pytest.mark.slow
def test_gradient_descent_in_a_wedge_is_trapped_with_proof():
    trapped = ho.escape(ho.WedgeHill(1.0), ho.GradientDescent(RATES), max_steps=200, climb=ho.BoundedClimb())
    assert trapped.verdict[RATES == 0.3] == ho.Verdict.TRAPPED


@pytest.mark.slow  # golden files hold walks in double wells, which are bowls too
def test_a_bowl_is_left_by_diverging():
    left = ho.escape(ho.RoughBowl(0.0), ho.GradientDescent(jnp.array([0.9, 1.1])), max_steps=1000)
    np.testing.assert_array_equal(left.verdict, [ho.Verdict.TRAPPED, ho.Verdict.ESCAPED])


def test_lius_fractal_boundary_has_the_published_number_of_switches():
    """Liu 2024, arXiv:2406.13971, multiplicative roughness 0.2, wavelength 0.1, 1,000 steps."""
    hill, counts = ho.RoughBowl(0.2, 0.1, multiplicative=True), []
    for level in range(10):
        rates = jnp.asarray(1.5 * np.arange(1, 2**level + 1) / 2**level)
        verdict = ho.escape(hill, ho.GradientDescent(rates), max_steps=1000, climb=ho.PlainClimb()).verdict
        labels = np.concatenate([[False], np.asarray(verdict) == ho.Verdict.ESCAPED])
        counts.append(int((labels[1:] != labels[:-1]).sum()))
    assert counts == [1, 1, 1, 1, 3, 5, 7, 13, 21, 27]


def test_without_roughness_the_boundary_is_where_the_bowl_diverges():
    edge = (1 + 1e8 ** (1 / 2000)) / 2
    rates = jnp.asarray([edge - 1e-9, edge + 1e-9])
    verdict = ho.escape(ho.RoughBowl(0.0), ho.GradientDescent(rates), max_steps=1000, climb=ho.PlainClimb()).verdict
    np.testing.assert_array_equal(verdict, [ho.Verdict.UNDECIDED, ho.Verdict.ESCAPED])


# The set of escaping heights


def wedge_escapes(rate, height, half_width=0.25, max_steps=200):
    x = 0.0
    for _ in range(max_steps):
        past = x - 1
        x -= rate * (-1.0 if past <= 0 or past >= half_width else height / half_width)
        if x - 1 >= half_width:
            return True
    return False


@functools.cache
def switches(rates, max_steps=200):
    """Of a wedge, for two learning rates."""
    policy = {"max_switches": 12, "max_steps": max_steps, "climb": ho.PlainClimb()}
    return ho.escaping_heights(ho.WedgeHill(1.0), ho.GradientDescent(np.array(rates)), GRID, **policy)


def first_of(answer):
    return jax.tree.map(lambda leaf: leaf[..., 0], answer)


def test_switches_are_those_of_a_plain_loop():
    answer = first_of(switches((0.3, 0.1)))
    labels = np.array([wedge_escapes(0.3, height) for height in GRID])
    assert answer.num_switches == (labels[1:] != labels[:-1]).sum() > 4
    assert answer.escapes_lowest == labels[0]
    for index in range(int(answer.num_switches)):
        switch, width = float(answer.switch[index]), float(answer.width[index])
        assert width <= 1e-9
        assert wedge_escapes(0.3, switch - width) != wedge_escapes(0.3, switch + width)
    assert np.isnan(answer.switch[int(answer.num_switches) :]).all()
    assert answer.last == answer.switch[int(answer.num_switches) - 1]


def test_the_second_hop_escapes_between_two_thirds_and_five_sixths_of_the_steepness():
    ((low, high),) = first_of(switches((0.3, 0.1), max_steps=6)).intervals()
    assert low == pytest.approx(0.25 * 2 / 3, abs=1e-9)
    assert high == pytest.approx(0.25 * 5 / 6, abs=1e-9)


@pytest.mark.slow
def test_on_a_shared_flank_there_is_one_switch_the_critical_height():
    rates = np.array([0.3, 0.07])
    answer = ho.escaping_heights(ho.TentHill(), ho.GradientDescent(rates), np.linspace(0, 1, 12), max_switches=2)
    np.testing.assert_array_equal(answer.num_switches, 1)
    np.testing.assert_allclose(
        answer.last, ho.critical_height(ho.TentHill(), ho.GradientDescent(rates)).critical_height, atol=1e-9
    )
    assert np.all(answer.settled)


def test_one_bad_setting_does_not_spoil_the_others():
    answer = switches((0.3, 1e200))
    np.testing.assert_array_equal(answer.switch[:, 0], switches((0.3, 0.1)).switch[:, 0])
    assert answer.num_switches[1] == 0


def test_intervals_need_room_for_all_switches():
    options = {"max_switches": 1, "max_steps": 200, "climb": ho.PlainClimb()}
    answer = ho.escaping_heights(ho.WedgeHill(1.0), ho.GradientDescent(0.3), GRID, **options)
    with pytest.raises(ValueError, match=r"there are \d+ switches and room for 1; raise `max_switches`\."):
        answer.intervals()
    assert answer.last > answer.switch[0]


# Hills of one's own


def test_a_hill_from_a_function_is_the_built_in_one():
    hill = ho.hill_from(lambda x, h: jnp.where(x < 1 + h, jnp.abs(x - 1), 2 * h - (x - 1)), [0.3, 0.41, 0.5])
    answer = ho.escape(hill, ho.Adam(0.3), max_steps=500, climb=ho.PlainClimb())
    np.testing.assert_array_equal(np.asarray(answer.verdict) == ho.Verdict.ESCAPED, [True, True, False])


@pytest.mark.slow  # test_flags.py compares a wedge with functions that are one
def test_a_hill_from_a_function_has_the_proofs_of_the_built_in_one():
    named = ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, 0.25, start=-1.5, crest=lambda h: 0.0 * h)
    verdicts = [
        ho.escape(each, ho.GradientDescent(RATES), max_steps=300, climb=ho.BoundedClimb()).verdict
        for each in (named, ho.DoubleWell(0.25))
    ]
    np.testing.assert_array_equal(*verdicts)
    assert ho.Verdict.TRAPPED in verdicts[0]


@pytest.mark.slow
def test_a_hill_in_two_dimensions_says_when_it_is_passed():
    pass_ = ho.NarrowPass(0.3)
    hill = ho.hill_from(
        lambda p, h: h * (p[0] ** 2 - 1) ** 2 + (1 + 10 * jnp.exp(-4 * p[0] ** 2)) * p[1] ** 2 / 2,
        0.3,
        start=(-1.5, 0.5),
        passed=lambda p, h: p[0],
    )
    answers = [
        ho.escape(each, ho.GradientDescent(RATES), max_steps=100, climb=ho.BoundedClimb()) for each in (hill, pass_)
    ]
    np.testing.assert_array_equal(*(answer.verdict for answer in answers))
    np.testing.assert_array_equal(*(answer.step for answer in answers))


class MineFailed(Exception):
    """Not one of the library's."""


def failing(x, h):
    raise MineFailed("my own")


REFUSED = [
    (
        lambda: ho.hill_from(lambda x, h: x if x > 0 else -x, 1.0),
        "`function` branches in Python on its position or hei",
    ),
    (
        lambda: ho.hill_from(lambda x, h: jnp.stack([x, h]), 1.0),
        "`function` must return one floating-point number, got",
    ),
    (
        lambda: ho.hill_from(lambda x, h: jnp.log(x - 1) * h, 1.0),
        "`function` must be finite where walks begin, got nan",
    ),
    (
        lambda: ho.hill_from(lambda x, h: h * jnp.sqrt(x), 1.0),
        "`function` must have a slope where walks begin, got inf",
    ),
    (
        lambda: ho.hill_from(lambda x, h: -h * x, 1.0),
        "`function` has no crest within 10 of the start for height 1; give",
    ),
    (
        lambda: ho.hill_from(lambda x, h: x[0] * h, 1.0, start=(0.0, 1.0)),
        "`passed` is needed where positions are vectors",
    ),
    (
        lambda: ho.PiecewiseLinearHill.through([(0, 1), (1, 0)]),
        "`points` must be at least three pairs (x, y), got the sh",
    ),
    (lambda: ho.PiecewiseLinearHill.through([(0, 1), (0, 0), (1, 1)]), "`points` must be finite and rise in x; sort"),
    (
        lambda: ho.PiecewiseLinearHill.through([(0, 2), (1, 0), (2, 1)]),
        "`points` must go down to a valley, up to a crest",
    ),
    (
        lambda: ho.critical_height(ho.WedgeHill(1.0), ho.Adam(0.3)),
        "`WedgeHill` has another flank for every height, so th",
    ),
    (lambda: ho.escape(ho.DoubleWell(-1.0), ho.Adam(0.3)), "`height` must be finite and not negative, got -1"),
    (
        lambda: ho.escaping_heights(ho.DoubleWell(1.0), ho.Adam(0.3), [0.3, 0.2]),
        "`heights` must be at least two rising",
    ),
    (
        lambda: ho.escaping_heights(ho.DoubleWell(1.0), ho.Adam(0.3), [0, 1], atol=0),
        "`atol` must be one number in (0, inf), got 0",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the sentence is compared
        call()
    assert str(refused.value).startswith(message)


def test_an_error_inside_the_function_reaches_its_user():
    with pytest.raises(MineFailed, match="my own"):
        ho.hill_from(failing, 1.0)
