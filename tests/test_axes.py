"""Axes: the scales' closed forms, exact ends, and refusals by their text."""

import re

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import hillopt as ho


def _linear(low, high, share):
    return low + (high - low) * share


def _log(low, high, share):
    return low * (high / low) ** share


def _log_complement(low, high, share):
    return 1 - _log(1 - low, 1 - high, share)


SCALES = [
    ("linear", ho.Axis.linear, _linear, (0.0, 1.0)),
    ("linear", ho.Axis.linear, _linear, (-3.0, 0.1)),
    ("linear", ho.Axis.linear, _linear, (0.3, 0.30000001)),
    ("log", ho.Axis.log, _log, (1e-4, 1.0)),
    ("log", ho.Axis.log, _log, (0.003, 0.7)),
    ("log", ho.Axis.log, _log, (1e-300, 1e300)),
    ("log_complement", ho.Axis.log_complement, _log_complement, (0.5, 0.9999)),
    ("log_complement", ho.Axis.log_complement, _log_complement, (0.0, 0.3)),
    ("log_complement", ho.Axis.log_complement, _log_complement, (-7.0, 1 - 1e-9)),
]


@pytest.mark.parametrize(("scale", "make", "formula", "ends"), SCALES)
@pytest.mark.parametrize("num", [2, 3, 10, 257])
def test_an_axis_follows_its_closed_form(scale, make, formula, ends, num):
    axis = make(*ends, num)
    with mpmath.workdps(60):
        low, high = map(mpmath.mpf, ends)
        expected = [float(formula(low, high, mpmath.mpf(i) / (num - 1))) for i in range(num)]
    np.testing.assert_allclose(axis.values, expected, rtol=1e-12, atol=4e-16 * max(map(abs, ends)) * (scale != "log"))
    assert (axis.scale, len(axis.values)) == (scale, num)


@pytest.mark.parametrize(
    ("make", "low", "high"), [(ho.Axis.linear, -3, 3), (ho.Axis.log, 1e-5, 3), (ho.Axis.log_complement, -3, 1)]
)
def test_the_ends_are_exact_and_the_values_increase(make, low, high):
    rng = np.random.default_rng(5)
    for num in (2, 3, 7, 100):
        first, last = np.sort(rng.uniform(low, high, 2))
        values = make(first, last, num).values
        assert (values[0], values[-1]) == (first, last)
        assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("make", [ho.Axis.linear, ho.Axis.log, ho.Axis.log_complement])
def test_an_axis_may_have_one_point(make):
    assert make(0.3, 0.3, 1).values == (0.3,)
    assert make(0.3, 0.7, 1).values == (0.3,)


@pytest.mark.parametrize(
    "values", [(0.1, 0.2), [0.1, 0.2], np.array([0.1, 0.2]), jnp.array([0.1, 0.2]), ho.Axis((0.1, 0.2))], ids=type
)
def test_a_list_of_values_is_an_axis(values):
    axis = ho.Axis.of(values)
    assert (axis.values, axis.scale) == ((0.1, 0.2), "list")
    assert axis == ho.Axis((0.1, 0.2))
    assert hash(axis) == hash(ho.Axis((0.1, 0.2)))


@pytest.mark.usefixtures("as_users_call")
def test_an_axis_of_any_row_can_be_compared_and_hashed():
    assert hash(ho.Axis([0.1, 0.2])) == hash(ho.Axis(np.array([0.1, 0.2]))) == hash(ho.Axis((0.1, 0.2)))


def test_an_axis_is_kept_with_its_scale():
    axis = ho.Axis.log(0.1, 1, 3)
    assert ho.Axis.of(axis) is axis


NO_POINT = "an axis needs at least one point, got "
FINITE = "an axis must be finite, got "
INCREASE = "an axis must increase, got "


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ho.Axis(()), NO_POINT + "none"),
        (lambda: ho.Axis.of([]), NO_POINT + "none"),
        (lambda: ho.Axis(((0.1, 0.2), (0.3, 0.4))), "an axis must be one row of values, got the shape (2, 2);"),
        (lambda: ho.Axis.of({0.1, 0.2}), "an axis must be numbers in a row, got a set; write a list of them."),
        (lambda: ho.Axis.of(x for x in (1, 2)), "an axis must be numbers in a row, got a generator;"),
        (lambda: ho.Axis.of("abc"), "an axis must be numbers in a row, got 'abc';"),
        (lambda: ho.Axis.of([0.1, [0.2]]), "an axis must be numbers in a row, got [0.1, [0.2]];"),
        (lambda: ho.Axis.named("b1", {0.1}), "`axes['b1']`: an axis must be numbers in a row, got a set;"),
        (lambda: ho.Axis((0.1,), "cubic"), "`scale` must be one of linear, log, log_complement, list, got 'cubic';"),
        (lambda: ho.Axis.linear(0, 1, 2.5), "an axis needs a whole number of points, got 2.5;"),
        (lambda: ho.Axis.linear(0, 1, True), "an axis needs a whole number of points, got True;"),
        (lambda: ho.Axis.log("a", 1, 3), "the ends of an axis must be numbers, got 'a';"),
        (lambda: ho.Axis.log_complement(0, None, 3), "the ends of an axis must be numbers, got None;"),
        (lambda: ho.Axis.linear(0, 1, 0), NO_POINT + "0"),
        (lambda: ho.Axis.log(0.1, 1, -2), NO_POINT + "-2"),
        (lambda: ho.Axis.log_complement(0.1, 0.9, 0), NO_POINT + "0"),
        (lambda: ho.Axis.of(np.array([[0.1], [0.2]])), "an axis must be one row of values, got the shape (2, 1);"),
        (lambda: ho.Axis.named("b1", [0.2, 0.1]), "`axes['b1']`: an axis must increase, got 0.2 before 0.1;"),
        (lambda: ho.Axis((0.1, np.nan)), FINITE + "nan"),
        (lambda: ho.Axis.of([0.1, np.inf]), FINITE + "inf"),
        (lambda: ho.Axis.of([-np.inf, 0.1]), FINITE + "-inf"),
        (lambda: ho.Axis.of(None), FINITE + "nan"),
        (lambda: ho.Axis.linear(0, np.nan, 3), FINITE + "0 to nan"),
        (lambda: ho.Axis.linear(-np.inf, 1, 3), FINITE + "-inf to 1"),
        (lambda: ho.Axis.log(0.1, np.inf, 3), FINITE + "0.1 to inf"),
        (lambda: ho.Axis.log(np.nan, 1, 3), FINITE + "nan to 1"),
        (lambda: ho.Axis.log_complement(np.nan, 0.9, 3), FINITE + "nan to 0.9"),
        (lambda: ho.Axis.log_complement(0.9, np.nan, 3), FINITE + "0.9 to nan"),
        (lambda: ho.Axis((0.2, 0.1)), INCREASE + "0.2 before 0.1"),
        (lambda: ho.Axis.of([0.1, 0.3, 0.3, 0.5]), INCREASE + "0.3 before 0.3"),
        (lambda: ho.Axis.linear(1, 0, 3), INCREASE + "1 to 0"),
        (lambda: ho.Axis.linear(1, 0, 1), INCREASE + "1 to 0"),
        (lambda: ho.Axis.log(0.3, 0.3, 2), INCREASE + "0.3 to 0.3"),
        (lambda: ho.Axis.log_complement(0.9, 0.5, 3), INCREASE + "0.9 to 0.5"),
        (lambda: ho.Axis.linear(1, 1 + 2**-52, 5), INCREASE + "1 before 1"),
        (lambda: ho.Axis.log(0, 1, 3), "a log axis must be positive, got 0;"),
        (lambda: ho.Axis.log(-0.1, 1, 3), "a log axis must be positive, got -0.1;"),
        (lambda: ho.Axis.log_complement(0.9, 1, 3), "a log-complement axis must stay below 1, got 1;"),
        (lambda: ho.Axis.log_complement(0.9, 1.5, 3), "a log-complement axis must stay below 1, got 1.5;"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_a_bad_axis_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        make()


def test_an_axis_is_told_in_short():
    assert repr(ho.Axis.log(0.1, 1, 300)) == "Axis(log, 0.1 to 1, 300 values)"
    assert repr(ho.Axis((0.5,))) == "Axis(list, 0.5, 1 values)"


def test_an_axis_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot assign"):
        ho.Axis((0.1, 0.2)).values = (1.0,)
