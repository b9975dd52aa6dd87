"""Escape verdicts against exact first passages, and against critical heights."""

from decimal import Decimal

import numpy as np
import oracle
import pytest

import hillopt as ho

# (optimizer, height, verdict, step at which an exact walk is first beyond the crest)
CASES = [
    (ho.Adam(0.3), 0.41, ho.Verdict.ESCAPED, 6),
    (ho.Adam(0.3), 0.5, ho.Verdict.TRAPPED, 0),
    (ho.Adam(0.3), 2.0, ho.Verdict.TRAPPED, 0),
    (ho.GradientDescent(0.3), 0.19, ho.Verdict.ESCAPED, 4),
    (ho.GradientDescent(0.3), 0.21, ho.Verdict.TRAPPED, 0),
    (ho.HeavyBall(0.05), 0.5, ho.Verdict.ESCAPED, 10),
    (ho.RMSprop(0.1, 0.9), 0.06, ho.Verdict.ESCAPED, 5),
    (ho.RMSprop(0.1, 0.9), 0.2, ho.Verdict.TRAPPED, 0),
    (ho.Adam(0.35, 0.8), 0.18, ho.Verdict.ESCAPED, None),
    (ho.Lion(0.07), 0.25, ho.Verdict.ESCAPED, 18),
]


@pytest.mark.parametrize(("optimizer", "height", "verdict", "step"), CASES)
def test_verdicts(optimizer, height, verdict, step):
    answer = ho.escape(ho.TentHill(height), optimizer)
    assert answer.verdict == verdict
    assert answer.certified
    if verdict == ho.Verdict.ESCAPED:
        name = next(key for key, kind in ho.OPTIMIZERS.items() if kind is type(optimizer))
        values = (Decimal(str(value)) for value in optimizer.hyperparameters().values() if value is not None)
        assert answer.step == oracle.first_passage(oracle.WALKS[name](*values), Decimal(str(height)), 1000)
        assert step is None or answer.step == step


def test_what_merely_did_not_escape_is_undecided():
    assert ho.escape(ho.TentHill(0.5), ho.Adam(0.3), max_steps=7).verdict == ho.Verdict.UNDECIDED
    assert ho.escape(ho.TentHill(0.5), ho.Adam(0.3), max_steps=7, climb=ho.PlainClimb()).verdict == ho.Verdict.UNDECIDED


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lion", "adam", "rmsprop"])
def test_escaping_a_hill_means_escaping_every_lower_one(name):
    heights = np.linspace(0, 1.5, 40)[:, None]
    rates = np.linspace(0.043, 1.1, 30)
    answer = ho.escape(ho.TentHill(heights), ho.OPTIMIZERS[name](rates), max_steps=400)
    escaped = np.asarray(answer.verdict) == ho.Verdict.ESCAPED
    assert np.all(escaped[:-1] >= escaped[1:])
    critical = ho.critical_height(ho.TentHill(), ho.OPTIMIZERS[name](rates), max_steps=400)
    sure = np.asarray(answer.certified)
    np.testing.assert_array_equal(escaped[sure], (heights <= np.asarray(critical.critical_height))[sure])


def test_a_height_that_the_walk_just_meets_is_flagged():
    height = float(ho.critical_height(ho.TentHill(), ho.Adam(0.3)).critical_height)
    assert not ho.escape(ho.TentHill(height), ho.Adam(0.3)).certified
    assert ho.escape(ho.TentHill(height - 1e-9), ho.Adam(0.3)).certified
    assert ho.escape(ho.TentHill(height + 1e-9), ho.Adam(0.3)).certified


@pytest.mark.parametrize("height", [-0.1, np.nan, np.inf, np.array([0.3, -1.0])])
def test_heights_that_no_hill_has_are_refused(height):
    with pytest.raises(ValueError, match="`height` must be finite and not negative"):
        ho.escape(ho.TentHill(height), ho.Adam(0.3))
