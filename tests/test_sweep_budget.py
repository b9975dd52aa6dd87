"""Budgets that double for what is undecided, until all is settled."""

import numpy as np
import pytest
import xarray
from small_sweeps import BETAS, HEIGHTS, HILL, RATES

import hillopt as ho
from hillopt.sweeps.budget import settle
from hillopt.sweeps.layout import Lanes


@pytest.mark.slow
def test_a_doubling_budget_goes_on_until_all_is_settled():
    axes = {"learning_rate": RATES}

    def walk(max_steps, **options):
        judged = ho.CriticalHeight(max_steps, ho.BoundedClimb(), heights=HEIGHTS)
        return ho.sweep(judged, HILL, ho.GradientDescent(0.1), axes, **options)

    told: list[ho.Progress] = []
    doubled = walk(300, budget=ho.Doubling(16), on_progress=told.append)
    fixed, short = walk(300), walk(16)
    assert (short.verdict == ho.Verdict.UNDECIDED).any()
    for name in ("critical_height", "verdict", "step"):
        np.testing.assert_array_equal(doubled[name], fixed[name], err_msg=name)
    settled = (short.verdict != ho.Verdict.UNDECIDED) & (short.verdict_at_height != ho.Verdict.UNDECIDED).all("height")
    same = settled.values
    for name in short.data_vars:
        found, before = (each[name].values[..., same] for each in (doubled, short))
        np.testing.assert_array_equal(found, before, err_msg=str(name))
    assert doubled.attrs["max_steps"] == 300
    assert told[-1].steps == doubled.num_steps.values.sum()


@pytest.mark.slow  # who is asked again is the same whatever the tile, which the next test but one tells
def test_a_doubling_budget_does_not_depend_on_the_tile():
    axes, question = {"decay": BETAS, "learning_rate": RATES}, ho.CriticalHeight(3000)
    whole, parts = (
        ho.sweep(question, HILL, ho.RMSprop(0.1), axes, tile=tile, budget=ho.Doubling()) for tile in (2**16, 7)
    )
    xarray.testing.assert_identical(whole, parts)


def test_a_doubling_budget_begins_where_it_is_told():
    axes = {"learning_rate": RATES}
    judged, descent = ho.CriticalHeight(300, ho.BoundedClimb(), heights=HEIGHTS), ho.GradientDescent(0.1)
    early, late = (ho.sweep(judged, HILL, descent, axes, budget=ho.Doubling(first)) for first in (16, 300))
    for name in ("critical_height", "verdict", "step", "certainty", "verdict_at_height", "certainty_at_height"):
        np.testing.assert_array_equal(early[name], late[name], err_msg=name)
    assert early.num_steps.values.sum() <= late.num_steps.values.sum()


@pytest.mark.slow
def test_a_doubling_budget_goes_on_for_a_height_between_the_ends_of_a_settled_one():
    trapped, undecided, escaped = ho.Verdict.TRAPPED, ho.Verdict.UNDECIDED, ho.Verdict.ESCAPED
    first = {
        "verdict": [trapped, trapped, undecided],
        "verdict_at_height": [[escaped, undecided, escaped], [trapped] * 3],
    }
    lanes, walked = Lanes({"x": np.arange(3.0)[None]}, np.zeros((1, 3), int), np.arange(3)[None]), []

    def walk(lanes, steps):
        walked.append((lanes.swept["x"].tolist(), steps))
        return {"verdict": np.full((1, 2), trapped), "verdict_at_height": np.full((2, 1, 2), trapped)}

    answer = {name: np.asarray(values).reshape(*np.shape(values)[:-1], 1, 3) for name, values in first.items()}
    found = settle(answer, lanes, walk, first=16, most=64, width=2)
    assert walked == [([[1.0, 2.0]], 32)]
    np.testing.assert_array_equal(found["verdict_at_height"][:, 0], [[escaped, trapped, trapped], [trapped] * 3])


@pytest.mark.parametrize(
    "question",
    [ho.CriticalHeight(climb=ho.BlockedClimb()), ho.Loss(), ho.Stability()],
    ids=["blocked", "loss", "stability"],
)
def test_a_doubling_budget_takes_proofs(question):
    with pytest.raises(ValueError, match=r"^`budget` goes on with what is undecided"):
        ho.sweep(question, HILL, ho.Adam(0.1), {"learning_rate": [0.1]}, budget=ho.Doubling())


def test_a_budget_has_a_first_step():
    with pytest.raises(ValueError, match=r"^`first` must lie between 1 and 2147483647, got 0;"):
        ho.Doubling(0)
