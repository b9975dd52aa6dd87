"""The atlas of heavy ball against published values, against conditions for the existence of functions, and against exact walks."""

import functools
import re
from fractions import Fraction

import numpy as np
import pytest

import hillopt as ho
from hillopt import pictures, theory
from hillopt.fates import capture, multipliers

LESSARD = ho.PiecewiseQuadraticBowl((25.0, 1.0, 25.0), (1.0, 2.0))
MOMENTA = np.linspace(0, 0.98, 15)


# Goujaud, Taylor, Dieuleveut 2023 (arXiv:2307.11291).
@pytest.mark.parametrize(
    ("momentum", "order", "rate"),
    [(0.5, 3, 2.644042760970747), (0.8, 6, 1.4645843495937376), (0.9, 9, 0.8101018858573074)],
)
def test_the_smallest_learning_rate_of_a_cycle(momentum, order, rate):
    rates = theory.smallest_cycling_rate(momentum, np.arange(3, 13), 0.1, 1.0)
    assert np.nanargmin(rates) + 3 == order
    assert np.nanmin(rates) == pytest.approx(rate, rel=1e-14)
    assert theory.cycle_margin(rate, momentum, order, 0.1, 1.0) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("order", [2, 3, 5, 8, 12])
def test_there_is_a_function_with_the_cycle_where_the_margin_says_so(order):
    rates, momenta = np.meshgrid(np.linspace(0.05, 3.95, 17), MOMENTA)
    margins = theory.cycle_margin(rates, momenta, order, 0.1, 1.0)
    exists = np.vectorize(functools.partial(can_be_interpolated, order=order, mu=0.1, most=1.0))(rates, momenta)
    clear = np.abs(margins) > 1e-9
    np.testing.assert_array_equal(exists[clear], margins[clear] <= 0)


def can_be_interpolated(rate, momentum, order, mu, most):
    """Whether a function of these curvatures has the slopes that take heavy ball round the roots of unity, at one height, since
    the mean of its turns has: theorem 4 of Taylor, Hendrickx, Glineur 2017 (arXiv:1502.05666)."""
    places = np.exp(2j * np.pi * np.arange(order) / order)
    slopes = (places + momentum * (places - np.roll(places, 1)) - np.roll(places, -1)) / rate
    apart, steeper = places[:, None] - places, slopes[:, None] - slopes
    inner = (slopes.conj() * apart).real
    terms = np.abs(steeper) ** 2 / most + mu * np.abs(apart) ** 2 - 2 * mu / most * (steeper.conj() * apart).real
    return bool(np.all(inner + terms / (2 * (1 - mu / most)) <= 1e-12))


@pytest.mark.parametrize(("least", "most"), [(0.1, 1.0), (1.0, 25.0), (1.0, 1.5), (1.0, 1e4)])
def test_what_converges_on_all_functions_has_no_cycle_and_hardly_anything_is_open(least, most):
    rates = np.linspace(0.013, 3.99, 24) / most
    found = ho.atlas(ho.AllFunctions(least, most), rates, np.linspace(0, 0.99, 24))
    cells = [part.ravel() for part in np.meshgrid(rates, np.linspace(0, 0.99, 24))]
    proved = multipliers.converges(*cells, least, most)
    for order in range(2, 200):
        assert not np.any(proved & (theory.cycle_margin(*cells, order, least, most) <= 0))
    assert not np.any(proved & (cells[0] * most >= 2 * (1 + cells[1])))
    assert found.share(ho.Fate.OPEN) < 0.01
    assert found.share(ho.Fate.CONVERGES) > 0.3


@pytest.mark.parametrize(("momentum", "order"), [(0.4, 3), (0.6, 4), (0.75, 5), (0.9, 9)])
def test_the_proofs_meet_where_cycles_begin(momentum, order):
    edge = float(np.nanmin(theory.smallest_cycling_rate(momentum, np.arange(3, 30), 0.1, 1.0)))
    found = ho.atlas(ho.AllFunctions(0.1, 1.0), edge * np.array([0.995, 1.0001]), [momentum])
    assert found.fate.tolist() == [[ho.Fate.CONVERGES, ho.Fate.CYCLES]]
    assert found.period.tolist() == [[0, order]]


def test_a_polynomial_that_dips_below_zero_between_two_angles_is_not_taken_for_positive():
    places = np.linspace(0, 2, 9)
    setting = multipliers.Setting(np.ones((2, 1)), np.zeros((2, 1)), 1e-9, 1e-9)
    values = 2 * (places - 0.87) ** 2 + np.array([[-0.005], [0.05]])
    np.testing.assert_array_equal(multipliers.is_positive(values, np.full((2, 9), 4.0), places, setting), [False, True])


def test_taps_that_a_program_finds_prove_what_one_tap_does_not():
    """Between the two proofs of a class of curvatures 0.1 to 1, where the plain constraints leave a gap."""
    cells = [(2.6175, 0.3198), (2.5756, 0.4952), (2.0728, 0.6809)]
    rate, momentum = np.array(cells).T
    assert not multipliers.converges(rate, momentum, 0.1, 1.0).any()
    assert all(multipliers.converges_by_many_taps(multipliers.Setting(*cell, 0.1, 1.0)) for cell in cells)
    assert not multipliers.converges_by_many_taps(multipliers.Setting(2.65, 0.5, 0.1, 1.0))


def exact_walk(rate, momentum, start, steps):
    """The positions of heavy ball on the bowl, in rational numbers."""
    x, before, rate, momentum = Fraction(start), Fraction(start), Fraction(rate), Fraction(momentum)
    for _ in range(steps):
        yield x
        slope = 25 * x if x < 1 else x + 24 if x < 2 else 25 * x - 24
        x, before = x + momentum * (x - before) - rate * slope, x


@pytest.mark.parametrize(("rate", "momentum"), [(0.107, 0.44), (0.09, 0.7), (0.06, 0.7), (0.105, 0.5), (0.11, 0.6)])
def test_walks_that_are_proved_to_end_in_the_minimum_do(rate, momentum):
    starts = np.linspace(-6, 6, 7)
    cell = np.array([rate]), np.array([momentum])
    each = np.array([capture.captured(LESSARD, *cell, starts[[index]])[0] for index in range(len(starts))])
    last = [max(abs(x) for x in [*exact_walk(rate, momentum, start, 90)][-12:]) for start in starts.tolist()]
    ends = np.array([float(size) < 0.5 for size in last])
    np.testing.assert_array_equal(each & ~ends, False)
    assert each.sum() >= ends.sum() - 1
    assert bool(capture.captured(LESSARD, *cell, starts)[0]) == each.all()


def test_the_error_of_a_walk_holds_its_exact_twin():
    """The bound that a proof goes by, from a walk that is as far from exact as its arithmetic."""
    shape, of_x, pieces = capture.norms(LESSARD, np.array([0.09]), np.array([0.7]))
    steps = [np.array([[1.7 - 0.09 * c, -0.7], [1.0, 0.0]]) for c in LESSARD.curvatures]
    factor = np.linalg.cholesky(shape[0]).T
    sizes = [np.linalg.norm(factor @ step @ np.linalg.inv(factor), 2) for step in steps]
    np.testing.assert_allclose(pieces[0], sizes, rtol=1e-8)
    assert np.all(pieces[0] >= sizes)
    assert pieces[0, LESSARD.middle] < 1
    directions = np.linalg.inv(factor) @ np.stack([np.cos(np.linspace(0, 7, 99)), np.sin(np.linspace(0, 7, 99))])
    assert np.abs(directions[0]).max() <= of_x[0]


def test_one_bowl_has_its_cycle_and_converges_where_every_function_does():
    found = ho.atlas(ho.OneBowl(LESSARD), [0.05, 1 / 9, 0.15], [4 / 9, 0.9])
    assert found.fate.tolist() == [
        [ho.Fate.CONVERGES, ho.Fate.CYCLES, ho.Fate.UNSTABLE],
        [ho.Fate.CONVERGES, ho.Fate.CYCLES, ho.Fate.CYCLES],
    ]
    assert found.period[0].tolist() == [0, 3, 0]


def test_one_bowl_goes_round_only_where_some_function_does():
    rates, momenta = np.linspace(0.0871, 0.139, 12), np.linspace(0.31, 0.93, 12)
    one, every = (ho.atlas(ground, rates, momenta).fate for ground in (ho.OneBowl(LESSARD), ho.AllFunctions(1.0, 25.0)))
    assert not np.any((one == ho.Fate.CYCLES) & (every == ho.Fate.CONVERGES))
    assert np.all(one[every == ho.Fate.CONVERGES] == ho.Fate.CONVERGES)
    assert np.any((one == ho.Fate.CONVERGES) & (every == ho.Fate.CYCLES))


def test_a_point_that_stays_is_no_cycle_of_two():
    with pytest.raises(
        ValueError, match=r"^`near` must be the points of one round, got 2 in pieces whose only cycle is over sooner"
    ):
        ho.exact_cycle(LESSARD, "1/11", "1/4", [0.1, -0.1])


def test_quadratics_converge_up_to_the_edge_of_stability():
    found = ho.atlas(ho.AllQuadratics(1.0, 4.0), [0.4, 0.5, 0.6, 0.8], [0.0, 0.5])
    converges, unstable, is_open = ho.Fate.CONVERGES, ho.Fate.UNSTABLE, ho.Fate.OPEN
    assert found.fate.tolist() == [
        [converges, is_open, unstable, unstable],
        [converges, converges, converges, unstable],
    ]


def test_an_atlas_is_a_labelled_data_set():
    data = ho.atlas(ho.AllFunctions(1.0, 25.0), ho.Axis.linear(0.05, 0.11, 4), [0.2, 0.5]).to_dataset()
    assert dict(data.sizes) == {"momentum": 2, "learning_rate": 4}
    assert data["fate"].attrs["flag_meanings"] == "open converges cycles unstable"
    assert data["learning_rate"].attrs["scale"] == "linear"
    assert int(data["period"].sel(momentum=0.5).max()) == 3


def test_the_picture_tells_the_open_share_and_names_the_orders():
    grounds = [ho.AllQuadratics(1.0, 25.0), ho.AllFunctions(1.0, 25.0)]
    axes = [ho.Axis.linear(0.01, 0.16, 8), ho.Axis.linear(0, 0.97, 8)]
    panels = [pictures.AtlasPanel(ground, ho.atlas(ground, *axes)) for ground in grounds]
    figure = pictures.atlas_figure(panels)
    assert [axes.get_title(loc="left").splitlines()[1] for axes in figure.axes] == ["0.00% open", "0.00% open"]
    named = [text.get_text() for text in figure.axes[1].texts]
    assert named[:3] == ["$K$ = 3", "$K$ = 4", "$K$ = 5"]
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries[:4] == ["converges", "unstable", "open", "cycles of 3"]


REFUSED = [
    (
        (ho.AllFunctions(25.0, 1.0), [0.1], [0.5]),
        "`AllFunctions(least=...)` must not be above most, got 25 and 1; exchange them.",
    ),
    ((ho.AllQuadratics(-1.0, 1.0), [0.1], [0.5]), "`AllQuadratics(least=...)` must lie in (0, inf), got -1; give"),
    (
        (ho.OneBowl(LESSARD, (0.0,)), [0.1], [0.5]),
        "`OneBowl(starts=...)` must hold a place beside the minimum, got (0.0,); give some.",
    ),
    ((LESSARD, [0.1], [0.5]), "`ground` must be a ground of hillopt, got "),
    ((ho.AllFunctions(1.0, 25.0), [-0.1], [0.5]), "`learning_rate` must lie in (0, inf), got -0.1; give"),
    ((ho.AllFunctions(1.0, 25.0), [0.1], [0.5, 1.0]), "`momentum` must lie in [0, 1), got 1; give"),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("arguments", "told"), REFUSED, ids=[told[:40] for _, told in REFUSED])
def test_bad_input_is_refused_in_a_sentence(arguments, told):
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        ho.atlas(*arguments)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: theory.cycle_margin(0.1, 0.5, 1, 1.0, 2.0), "`order` must lie in [2, inf), got 1; give"),
        (
            lambda: theory.smallest_cycling_rate(0.5, 3, 2.0, 1.0),
            "`least` must not be above most, got 2 and 1; exchange them.",
        ),
        (lambda: theory.smallest_cycling_rate(1.0, 3, 1.0, 2.0), "`momentum` must lie in [0, 1), got 1; give"),
    ],
)
def test_numbers_out_of_range_are_refused(call, told):
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        call()


def test_a_walk_step_of_the_proof_is_that_of_the_optimizer():
    walk = ho.trajectory(ho.StartingAt(LESSARD, 3.1), ho.HeavyBall(1 / 9, 4 / 9), max_steps=40).position
    settled = [float(x) for x in exact_walk(1 / 9, 4 / 9, 3.1, 41)]
    np.testing.assert_allclose(walk, settled, atol=1e-11)
