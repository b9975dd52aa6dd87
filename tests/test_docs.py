"""The documentation holds every public name, and is built without a warning."""

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("contents", ROOT / ".docs" / "contents.py")
contents = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(contents)
ROOMS = (
    "hillopt",
    "hillopt.pictures",
    "aecluster",
    "aecluster.benchmark",
    "aecluster.clustering",
    "aecluster.deblurring",
    "aecluster.figures",
    "aecluster.pages",
)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_stands_on_one_page_of_the_reference(room):
    pages = contents.reference(room.partition(".")[0])
    told = [name for text in pages.values() for name in re.findall(r"^::: (.*)$", text, re.MULTILINE)]
    wanted = {f"{room}.{name}" for name in importlib.import_module(room).__all__ if name != "__version__"}
    assert wanted - set(told) == set()
    assert len(told) == len(set(told))


def test_every_name_of_the_reference_can_be_imported():
    for package in contents.PAGES:
        for rooms in contents.names_by_room(package).values():
            for name in rooms:
                module, _, last = name.rpartition(".")
                found = getattr(importlib.import_module(module), last, None)
                assert found is not None or importlib.import_module(name), name


@pytest.mark.slow
def test_the_documentation_is_built_without_a_warning_and_needs_no_network(tmp_path):
    pytest.importorskip("mkdocs")
    command = ["-m", "mkdocs", "build", "--strict", "-f", ".docs/mkdocs.yml", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert {"index.html", "questions.html", "first_hour.html"} <= {page.name for page in pages}
    for page in pages:
        assert re.findall(r'(?:src|<link[^>]*href)="https?:[^"]*"', page.read_text()) == [], page
