"""launch.certify: what a store claims is verified cell by cell, and a number that was changed is found."""

import json
import shutil

import numpy as np
import pytest
import xarray
import zarr
from test_launch import launch_here

import hillopt as ho

pytestmark = pytest.mark.usefixtures("as_users_call")


ESCAPES = {
    "title": "Escapes of GradientDescent on WedgeHill",
    "question": "Escape",
    "hill": "WedgeHill",
    "optimizer": "GradientDescent",
    "numbers": json.dumps({"hill": {"height": 0.3, "half_width": 0.25, "tail_slope": 1.0}, "optimizer": {}}),
    "dtype": "float64",
    "max_steps": 300,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Critical heights as a run folder, and escapes and something else as stores, written by hand."""
    folder = tmp_path_factory.mktemp("runs")
    axes = {"learning_rate": [0.01, 0.07, 0.3, 0.5, 0.9], "b1": [0.5, 0.9]}
    ho.sweep(
        ho.CriticalHeight(300), ho.TentHill(), ho.Adam(0.1), axes, tile=4, store=ho.Store(folder / "adam" / "data.zarr")
    )
    trapped, escaped, sure = ho.Verdict.TRAPPED, ho.Verdict.ESCAPED, ho.Certainty.CERTIFIED
    fields = {"verdict": [trapped, trapped, trapped, escaped], "certainty": [sure] * 4, "step": [300, 300, 300, 13]}
    variables = {name: ("learning_rate", np.array(values)) for name, values in fields.items()}
    rates = {"learning_rate": [0.03, 0.11, 0.13, 0.3]}
    ho.save(xarray.Dataset(variables, rates, ESCAPES), folder / "wedge.zarr")
    ho.save(xarray.Dataset(variables, rates, {**ESCAPES, "question": "Loss"}), folder / "loss.zarr")
    return folder


def test_a_run_is_verified_cell_by_cell(runs):
    done = launch_here("certify", "--run=adam", "--certificates=adam.jsonl", cwd=runs)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Critical heights of Adam on TentHill: 10 of 10 cells"
    assert lines[-2:] == ["  refused             0", "wrote adam.jsonl"]
    written = (runs / "adam.jsonl").read_text().splitlines()
    for line in written:
        ho.AbstractCertificate.from_json(line).check()
    told = [line.split() for line in lines[1:-2]]
    assert sum(int(words[1]) for words in told if words[0] == "verified") == len(written)
    assert sum(int(words[2]) for words in told if words[0] == "no") == 10 - len(written)
    assert {words[2] for words in told if words[0] == "verified"} >= {"Recurrence:"}


def test_escapes_are_verified_too_and_a_draw_is_a_draw(runs):
    done = launch_here("certify", "--run=wedge.zarr", "--cells=3", "--seed=2", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Escapes of GradientDescent on WedgeHill: 3 of 4 cells\n")
    assert "  refused             0" in done.stdout
    assert "  verified            1  Passage: the walk escapes;" in done.stdout


@pytest.mark.parametrize(("field", "change"), [("upper", -1e-6), ("critical_height", 1e-6), ("step", 1), ("period", 1)])
def test_a_number_that_was_changed_is_found(field, change, runs, tmp_path):
    shutil.copytree(runs / "adam", tmp_path / "adam")
    group = zarr.open_group(tmp_path / "adam" / "data.zarr", mode="r+", use_consolidated=False)
    row, column = 2, 1  # learning rate 0.3, b1 0.9
    group[field][row, column] = group[field][row, column] + change
    done = launch_here("certify", "--run=adam", "--cells=all", cwd=tmp_path)
    assert done.returncode == 1
    assert "  refused             1\n  refused at b1 = 0.9, learning_rate = 0.3: `" in done.stdout


REFUSED = [
    (["--run=nowhere"], "`--run=nowhere` holds no finished sweep; give a run folder of launch.sweep or a store."),
    (
        ["--run=loss.zarr"],
        "`--run=loss.zarr` must be of critical heights or escapes, got Loss; others have no certificates.",
    ),
    (["--run=adam", "--cells=0"], "`--cells` must be at least 1, got 0."),
    (["--run=adam", "--cells=some"], "`--cells` must be a whole number or all, got 'some'."),
    (
        ["--run=adam", "--certificates=wedge.zarr"],
        "`--certificates=wedge.zarr` exists; choose another name or remove it first.",
    ),
    (
        ["--run=adam", "--certificates=wedge.zarr/a/b"],
        "is in no folder that is there; make it, or choose another place.",
    ),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_bad_input_is_refused_in_one_sentence(arguments, told, runs):
    done = launch_here("certify", *arguments, cwd=runs)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_cell_has_the_certificate_of_its_setting(runs):
    data = xarray.open_zarr(runs / "adam" / "data.zarr", chunks=None)
    cell = ho.cell_certificate(data.isel(learning_rate=2, b1=1).load())
    assert cell == ho.certificate(ho.TentHill(), ho.Adam(0.3, 0.9), max_steps=300)
    assert float(cell.upper) == float(data["upper"][2, 1])
    with pytest.raises(ValueError, match=r"must be one cell of a sweep of CriticalHeight or Escape, got 10 cells"):
        ho.cell_certificate(data)
