"""Slopes of the critical height against closed forms and differences, and designs against the closed sawtooth."""

import numpy as np
import pytest

import hillopt as ho
from hillopt import theory

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
GRID = ho.Axis.linear(0.1, 0.9, 401)  # one program for all designs of gradient descent


def pair(learning_rate, other=None, **settings):
    """A row of two settings, so that all tests of an optimizer share a program."""
    return {"learning_rate": np.array([learning_rate, other or learning_rate]), **settings}


@pytest.mark.slow
def test_slopes_are_the_references():
    found = ho.sensitivity(ho.TentHill(), ho.Adam(**pair(0.3)))
    assert not found.at_jump.any()
    np.testing.assert_allclose(found.slopes["learning_rate"], 4.700614317, atol=1e-8)
    np.testing.assert_allclose(found.slopes["b1"], 0.756720259, atol=1e-8)
    np.testing.assert_allclose(found.slopes["b2"], 0, atol=1e-10)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (ho.Adam, {"learning_rate": 0.123, "b1": 0.8, "eps": 0.05}),
        (ho.RMSprop, {"learning_rate": 0.11, "decay": 0.93}),
        pytest.param(ho.HeavyBall, {"learning_rate": 0.047, "momentum": 0.83}, marks=pytest.mark.slow),
        pytest.param(ho.Nesterov, {"learning_rate": 0.047, "momentum": 0.83}, marks=pytest.mark.slow),
        pytest.param(ho.GradientDescent, {"learning_rate": 0.29}, marks=pytest.mark.slow),
    ],
)
def test_slopes_are_those_of_differences(make, settings):
    settings = pair(**settings)
    found = ho.sensitivity(ho.TentHill(), make(**settings))
    assert not found.at_jump.any()
    for name, value in settings.items():
        step = 1e-6 * value
        above, below = (
            np.asarray(
                ho.critical_height(ho.TentHill(), make(**{**settings, name: value + sign * step})).critical_height
            )
            for sign in (1, -1)
        )
        np.testing.assert_allclose(found.slopes[name], (above - below) / (2 * step), rtol=1e-6, atol=1e-6)


def test_at_a_jump_it_says_so():
    found = ho.sensitivity(ho.TentHill(), ho.Adam(**pair(0.01, 0.0101)))
    np.testing.assert_array_equal(found.at_jump, [True, False])
    assert np.isnan(found.slopes["learning_rate"][0])
    expected = theory.slope_in_learning_rate(np.asarray(found.critical.critical_height)[1], 0.0101)
    assert float(found.slopes["learning_rate"][1]) == pytest.approx(expected, rel=1e-8)


@pytest.mark.slow
def test_a_design_finds_every_tooth_of_the_sawtooth():
    """Gradient descent rises by lr n - 1 on the tooth 1/n < lr <= 1/(n - 1): it is 0.1 at lr = 1.1 / n, if that is there."""
    found = ho.design(ho.TentHill(), ho.GradientDescent(0.1), 0.0371, {"learning_rate": GRID})
    teeth = np.array([1.0371 / n for n in range(1, 40)])
    teeth = np.sort(teeth[(teeth > 0.1) & (teeth < 0.9) & (np.floor(1 / teeth) + 1 == np.round(1.0371 / teeth))])
    np.testing.assert_allclose(np.sort(found.settings["learning_rate"]), teeth, atol=1e-9)
    np.testing.assert_allclose(found.critical_height, 0.0371, atol=1e-9)
    assert found.settled.all()
    np.testing.assert_array_equal(found.certified, found.certainty == ho.Certainty.CERTIFIED)
    assert set(found.certainty) <= {ho.Certainty.FLAGGED, ho.Certainty.CERTIFIED}


@pytest.mark.slow
def test_other_axes_are_kept_and_every_setting_is_walked():
    axes = {"learning_rate": ho.Axis.log(0.02, 0.4, 60), "b1": ho.Axis.of([0.5, 0.9])}
    found = ho.design(ho.TentHill(), ho.Adam(0.1, eps=0.1), 0.2, axes)
    assert set(found.settings["b1"]) == {0.5, 0.9}
    again = ho.critical_height(ho.TentHill(), ho.Adam(**found.settings, eps=0.1), climb=ho.PlainClimb(), max_steps=500)
    np.testing.assert_allclose(again.critical_height, 0.2, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "axes", "message"),
    [
        (
            -0.1,
            {"learning_rate": ho.Axis.linear(0.1, 0.2, 5)},
            r"^`wanted` must be one number in \(0, inf\), got -0\.1",
        ),
        (
            9.0,
            {"learning_rate": GRID},
            r"^`wanted` height 9 is out of reach: on the grid h\* goes fro",
        ),
        (0.1, {"rate": ho.Axis.linear(0.1, 0.2, 5)}, r"^`GradientDescent` has no hyperparameter 'rate'"),
    ],
)
def test_what_cannot_be_designed_is_refused(wanted, axes, message):
    with pytest.raises(ValueError, match=message):
        ho.design(ho.TentHill(), ho.GradientDescent(0.1), wanted, axes)
