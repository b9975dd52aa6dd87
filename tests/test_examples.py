"""The examples are run as they stand, from the first cell to the last."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(ROOT.glob("*/examples/*.py"))
FAST = {"first_hour"}


def test_there_are_four():
    assert [path.stem for path in EXAMPLES] == ["autoencoders", "first_hour", "gpu_box_study", "own_hill_and_optimizer"]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.stem in FAST else pytest.mark.slow, id=path.stem) for path in EXAMPLES],
)
def test_an_example_runs(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
