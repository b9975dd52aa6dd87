"""How rough a boundary is: sets whose dimension is known, and published counts of label changes."""

import math

import numpy as np
import pytest

import hillopt as ho

SIDE = 729


def segment():
    """All cells that a slanted line crosses."""
    cells = np.zeros((SIDE, SIDE), bool)
    across = np.linspace(60, 660, 20_000)
    cells[(100 + 0.6 * across).astype(int), across.astype(int)] = True
    return cells


def koch():
    """Koch's curve, six times divided, as the cells that its points lie in."""
    points = np.array([0.0 + 0.2j, 1.0 + 0.2j])
    turn = np.exp(1j * math.pi / 3)
    for _ in range(6):
        step = np.diff(points) / 3
        parts = [points[:-1], points[:-1] + step, points[:-1] + step + step * turn, points[:-1] + 2 * step]
        points = np.append(np.stack(parts, axis=1).ravel(), points[-1])
    cells = np.zeros((SIDE, SIDE), bool)
    fine = np.concatenate([points[:-1] + share * np.diff(points) for share in (0, 0.5)])
    cells[(fine.imag * 700).astype(int) + 100, (fine.real * 700).astype(int) + 10] = True
    return cells


SETS = {
    "segment": (segment, 1.0, 0.06),
    "koch": (koch, math.log(4) / math.log(3), 0.04),
}  # a set with ends counts boxes at its ends
SETS["square"] = (lambda: np.pad(np.ones((600, 600), bool), 64), 2.0, 0.06)


@pytest.mark.parametrize(("make", "dimension", "tolerance"), SETS.values(), ids=SETS)
def test_the_box_dimension_of_a_known_set(make, dimension, tolerance):
    found = ho.box_dimension(make())
    assert abs(found.dimension - dimension) < tolerance
    assert found.error < 0.1
    assert found.null is not None
    assert 0.98 < found.null.dimension < 1.06


def test_a_smooth_border_has_an_exponent_of_one():
    down, across = np.mgrid[:512, :512]
    found = ho.uncertainty_exponent(across > 200 + 0.3 * down)
    assert abs(found.exponent - 1) < min(0.15, 2 * found.error)
    assert found.dimension == pytest.approx(2 - found.exponent)


def test_published_label_changes_of_a_rough_bowl():
    """Liu 2024, arXiv 2406.13971: multiplicative, height 0.2, wavelength 0.1, learning rates 1.5 k / 2^9, diverged beyond 1e8."""
    rates = 1.5 * np.arange(1, 2**9 + 1) / 2**9
    answer = ho.escape(ho.RoughBowl(0.2, 0.1, True), ho.GradientDescent(rates), max_steps=1000, climb=ho.FAST)
    escaped = np.concatenate([[False], np.asarray(answer.verdict) == ho.Verdict.ESCAPED])
    assert ho.label_changes(escaped).tolist() == [1, 1, 1, 1, 3, 5, 7, 13, 21, 27]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: ho.box_dimension(np.zeros((64, 64), bool)), "`cells`"),
        (lambda: ho.uncertainty_exponent(np.zeros(8, bool)), "`labels` must be a map of two axes"),
    ],
)
def test_what_has_no_dimension_is_refused(ask, sentence, as_users_call):
    with pytest.raises(ValueError, match=sentence):
        ask()
