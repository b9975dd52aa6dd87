"""What is said of a sweep is said of all its cells, however large it is, and by pieces."""

import re

import numpy as np
import pytest
import xarray

import hillopt as ho
from launch import summary


def as_pieces(monkeypatch, dataset, size):
    def pieces(whole):
        for start in range(0, whole.sizes["x"], size):
            yield whole.isel(x=slice(start, start + size))

    monkeypatch.setattr(ho, "pieces", pieces)
    return dataset


def numbers(rng):
    loss = rng.normal(size=(7, 5))
    loss[0, 0], loss[6, 4], loss[3] = -9, 12, np.nan
    loss[2, 1] = np.inf
    verdict = rng.integers(0, 4, (7, 5)).astype(np.int8)
    return xarray.Dataset(
        {
            "loss": (("x", "y"), loss),
            "finite": (("x", "y"), np.isfinite(loss)),
            "nowhere": (("x", "y"), np.full((7, 5), np.nan)),
            "verdict": (("x", "y"), verdict),
        }
    )


@pytest.mark.parametrize("size", [1, 2, 7])
def test_ranges_are_those_of_all_cells_and_what_is_not_finite_is_counted_apart(size, monkeypatch):
    dataset = as_pieces(monkeypatch, numbers(np.random.default_rng(0)), size)
    lines = [" ".join(line.split()) for line in summary.what_came_out(dataset)]
    counts = [(kind, int((dataset["verdict"] == kind).sum())) for kind in ho.Verdict]
    assert lines == [
        *(f"{kind.name.lower()} {count} {count / 35:.2%}" for kind, count in counts if count),
        "loss -9 to 12, 6 of 35 not finite",
        "finite 82.86%",
        "nowhere nowhere finite, 35 of 35 not finite",
    ]


def test_a_needle_in_more_cells_than_a_picture_shows_is_found(monkeypatch):
    loss = np.zeros((2**10 + 1, 2**11))
    loss[1, 1], loss[3, 3] = 5.0, np.nan
    dataset = as_pieces(monkeypatch, xarray.Dataset({"loss": (("x", "y"), loss)}), 100)
    assert float(ho.thinned(dataset)["loss"].max()) == 0  # a picture leaves it out
    assert summary.what_came_out(dataset) == [f"  {'loss':<16} 0 to 5, 1 of 2,099,200 not finite"]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_critical_heights_are_counted_piece_by_piece(size, monkeypatch):
    rng = np.random.default_rng(1)
    verdict = rng.choice([int(ho.Verdict.TRAPPED), int(ho.Verdict.UNDECIDED)], (7, 5)).astype(np.int8)
    height, flagged = rng.random((7, 5)), rng.random((7, 5)) < 0.3
    height[4, 2], height[1, 1], height[2, 2] = 3.5, 99.0, np.inf
    verdict[1, 1], verdict[2, 2] = ho.Verdict.DIVERGED, ho.Verdict.UNDECIDED
    certainty = np.where(flagged, ho.Certainty.FLAGGED, ho.Certainty.CERTIFIED).astype(np.int8)
    certainty[0, 0] = ho.Certainty.UNCHECKED
    flagged[0, 0] = False
    fields = {"critical_height": height, "verdict": verdict, "certainty": certainty}
    dataset = xarray.Dataset(
        {name: (("x", "y"), field) for name, field in fields.items()},
        {"x": np.arange(7) / 10, "y": np.arange(5) / 10},
    )
    lines = [" ".join(line.split()) for line in summary.what_came_out(as_pieces(monkeypatch, dataset, size))]
    notes = {
        (ho.Verdict.TRAPPED, ho.Certainty.CERTIFIED): " settled: proved for any number of steps",
        (ho.Verdict.UNDECIDED, ho.Certainty.CERTIFIED): " limited by max_steps",
    }
    sure = {ho.Certainty.FLAGGED: " rounding decides", ho.Certainty.UNCHECKED: " no proof was attempted"}
    expected = {
        f"{kind.name.lower()} {known.name.lower()} {count} {count / 35:.2%}{notes.get((kind, known), sure.get(known, ''))}"
        for kind in ho.Verdict
        for known in ho.Certainty
        if (count := int(((verdict == kind) & (certainty == known)).sum()))
    }
    flag = "; flagged: rounding decides" if flagged[4, 2] else ""
    assert set(lines) == {*expected, f"not finite 1 {1 / 35:.2%}", f"largest h* 3.5 at x = 0.4, y = 0.2{flag}"}


def known(verdict, certainty, **attributes):
    fields = {"verdict": verdict, **({} if certainty is None else {"certainty": certainty})}
    return xarray.Dataset(
        {name: ("x", np.asarray(values, np.int8)) for name, values in fields.items()}, attrs=attributes
    )


def test_what_is_open_is_told_with_its_ends():
    ends = known(
        [ho.Verdict.UNDECIDED] * 4, [ho.Certainty.CERTIFIED, ho.Certainty.AS_TYPED] + [ho.Certainty.CERTIFIED] * 2
    )
    heights = {"critical_height": ("x", [0.5, 0.2, 0.1, -0.3]), "upper": ("x", [0.6, 0.4, np.inf, 0.4])}
    lines = summary.what_came_out(ends.assign(heights))
    assert (
        "  of the undecided h* has an upper end 1.2 to 2 times the lower one, 1 have none, and nothing shows yet that they repeat "
        "themselves: --max_steps=auto goes on"
    ) in lines


def test_what_is_flagged_is_never_called_proved():
    lines = summary.what_came_out(
        known([ho.Verdict.TRAPPED] * 4, [ho.Certainty.FLAGGED] * 3 + [ho.Certainty.CERTIFIED])
    )
    assert [" ".join(line.split()) for line in lines] == [
        "trapped flagged 3 75.00% rounding decides",
        "trapped certified 1 25.00% settled: proved for any number of steps",
    ]


@pytest.mark.parametrize(
    ("count", "size", "told"),
    [
        (0, 10**6, "0.00%"),
        (1, 10**6, "< 0.01%"),
        (49, 10**6, "< 0.01%"),
        (50, 10**6, "0.01%"),
        (10**6 - 1, 10**6, "> 99.99%"),
        (10**6, 10**6, "100.00%"),
    ],
)
def test_a_share_is_none_or_all_only_where_it_is(count, size, told):
    assert summary.share(count, size) == told


UNCHECKED, FLAGGED = [ho.Certainty.UNCHECKED] * 2, [ho.Certainty.FLAGGED, ho.Certainty.UNCHECKED]


@pytest.mark.parametrize(
    ("hill", "question", "certainty", "told"),
    [
        ("RoughBowl", "Escape", UNCHECKED, summary.DOUBT),
        ("FunctionHill", "Escape", UNCHECKED, summary.DOUBT),
        ("RoughBowl", "Escape", FLAGGED, None),
        ("TentHill", "CriticalHeight", UNCHECKED, None),
        ("WedgeHill", "Escape", UNCHECKED, None),
        ("RoughBowl", "Stability", None, None),
        ("RoughBowl", "Loss", None, summary.DOUBT_OF_LOSSES),
    ],
)
def test_what_is_unchecked_on_curved_ground_is_doubted(hill, question, certainty, told):
    lines = summary.what_came_out(known([1, 2], certainty, hill=hill, question=question))
    assert [line for line in lines if "unchecked:" in line] == ([] if told is None else [told])


def test_the_flags_that_a_doubt_names_are_there():
    for flag, known_values in (("question", ho.QUESTIONS), ("climb", ho.CLIMBS)):
        values = re.findall(rf"--{flag}=(\w+)", summary.DOUBT + summary.DOUBT_OF_LOSSES + summary.DOUBT_OF_ENDS)
        assert values
        assert set(values) <= set(known_values)
