"""launch.report: every part can be run, and what they leave becomes one page."""

import html
import importlib
import re

import numpy as np
import pytest
import xarray
from test_launch import launch_here

from launch import command
from launch.report import __main__ as report
from launch.report.page import page_of
from launch.report.parts import PARTS, Table

SHORT = ("--axis=learning_rate:log:0.1:0.9:4", "--axis=b1:list:0.5,0.9", "--max_steps=50")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_is_a_command_that_takes_its_flags(part, quick, tmp_path):
    module = importlib.import_module(f"launch.{part.command}")
    given = part.arguments(quick, tmp_path, tmp_path if part.follows else None)
    settings = command.parse(given, module.Settings, module.PRESETS, module.tiny)
    assert settings.out
    assert [flag for flag in given if flag.startswith("--data_dir")] == (
        [f"--data_dir={tmp_path}"] if part.of_images else []
    )
    before = {each.name for each in PARTS[: PARTS.index(part)]}
    assert part.follows is None or part.follows in before


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A report of a walk and a small map."""
    walk, whole = PARTS[:2]
    parts = (walk, type(whole)(**{**vars(whole), "quick": SHORT, "flags": SHORT}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "PARTS", parts)
        patch.setattr("launch.report.page.PARTS", parts)
        folder = tmp_path_factory.mktemp("report")
        first = launch_here("report.__main__", "--quick", "--name=short", cwd=folder)
        (folder / "runs" / "short").rename(folder / "runs" / ".short.unfinished")
        yield folder / "runs", first, lambda *flags: launch_here("report.__main__", *flags, cwd=folder)


def test_a_report_is_one_page_with_all_in_it(short):
    runs, first, again = short
    assert first.returncode == 0, first.stderr
    assert "1 of 2, An optimizer stuck behind a hill: python -m launch.trajectory" in first.stdout
    done = again("--quick", "--name=short", "--resume")
    assert done.returncode == 0, done.stderr
    assert "2 of 2, How high a hill each setting escapes: is there" in done.stdout
    page = (runs / "short" / report.PAGE).read_text()
    assert page.count("data:image/webp;base64,") == 2
    assert f"python -m launch.sweep {' '.join(SHORT)} {' '.join(SHORT)}" in html.unescape(page)
    assert "h* = 0.4101842951" in page  # what the first command printed
    assert re.findall(r'(?:src|href)="(?!data:image|#)', page) == []
    data = xarray.open_zarr(runs / "short" / "map" / "data.zarr", consolidated=False, chunks=None)
    assert data.sizes == {"learning_rate": 4, "b1": 2}
    assert (runs / "short" / report.MAP).stat().st_size > 10_000


def test_a_part_that_fails_is_named_and_what_is_made_is_kept(tmp_path, monkeypatch):
    walk = PARTS[0]
    broken = type(walk)("broken", "A part of no use", "trajectory", ("--num_steps=0",))
    monkeypatch.setattr(report, "PARTS", (broken,))
    done = launch_here("report.__main__", "--name=short", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "the part 'A part of no use' ended with exit code 2, and has said why; mend that and go on by --resume."
        in done.stderr
    )
    assert not (tmp_path / "runs" / "short").exists()


def test_numbers_are_told_to_the_place_of_their_spread(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "m.csv").write_text("kind,error,error_std,size\nx,0.123456,0.00123,41634\ny,0.5,0,7.25\n")
    part = type(PARTS[0])(
        "a", "A", "trajectory", tables=(Table("m.csv", {"kind": "kind", "error": "error", "size": "size"}),)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("launch.report.page.PARTS", (part,))
        page = page_of("A & B", tmp_path, {"a": ["python"]}, {"a": "<done>"})
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert cells == ["x", "0.1235 ± 0.0012", "41,634", "y", "0.5", "7.25"]
    assert "&lt;done&gt;" in page
    assert "<h1>A &amp; B</h1>" in page


@pytest.mark.slow
def test_the_quick_report_of_the_whole_study(tmp_path):
    done = launch_here("report.__main__", "--quick", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "runs" / "report" / report.PAGE).read_text()
    assert page.count("data:image/webp;base64,") == sum(len(part.figures) for part in PARTS)
    assert np.all([f'id="{part.name}"' in page for part in PARTS])
