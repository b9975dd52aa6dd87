"""What is said of a sweep is said of all its cells, however large it is, and by pieces."""

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
    lines = [" ".join(line.split()) for line in summary.ranges(dataset)]
    counts = [(kind, int((dataset["verdict"] == kind).sum())) for kind in ho.Verdict]
    assert lines == [
        *(f"{kind.name.lower()} {count}" for kind, count in counts if count),
        "loss -9 to 12, 6 of 35 not finite",
        "finite 82.86%",
        "nowhere nowhere finite, 35 of 35 not finite",
    ]


def test_a_needle_in_more_cells_than_a_picture_shows_is_found(monkeypatch):
    loss = np.zeros((2**10 + 1, 2**11))
    loss[1, 1], loss[3, 3] = 5.0, np.nan
    dataset = as_pieces(monkeypatch, xarray.Dataset({"loss": (("x", "y"), loss)}), 100)
    assert float(ho.thinned(dataset)["loss"].max()) == 0  # a picture leaves it out
    assert summary.ranges(dataset) == [f"  {'loss':<16} 0 to 5, 1 of 2,099,200 not finite"]


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
    lines = [" ".join(line.split()) for line in summary.heights(as_pieces(monkeypatch, dataset, size))]
    trapped, undecided = (int((verdict == kind).sum()) for kind in (ho.Verdict.TRAPPED, ho.Verdict.UNDECIDED))
    assert set(lines) == {
        f"trapped {trapped} {trapped / 35:.2%} settled: proved for any number of steps",
        f"undecided {undecided} {undecided / 35:.2%} limited by max_steps",
        f"diverged 1 {1 / 35:.2%}",
        f"unchecked 1 {1 / 35:.2%} no proof was attempted",
        f"flagged {flagged.sum()} {flagged.mean():.2%} rounding decides",
        f"not finite 1 {1 / 35:.2%}",
        "largest h* 3.5 at x = 0.4, y = 0.2",
    }
