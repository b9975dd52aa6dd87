"""The examples of the front page and of hillopt's manual are run, and print what they say."""

import ast
import re
from pathlib import Path

import jax
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": 1, "hillopt/README.md": 5}
"""With the fewest values that each promises."""
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROMISE = re.compile(r"# prints (.*)$")


def run(source, names):
    """Run a block; what stands behind `# prints` must be the value of the expression before it."""
    lines, checked = source.splitlines(), 0
    for statement in ast.parse(source).body:
        promise = PROMISE.search(lines[statement.end_lineno - 1])
        if promise and isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "README.md", "eval"), names)
            with np.printoptions(precision=6):
                assert str(np.asarray(value) if isinstance(value, jax.Array) else value) == promise[1]
            checked += 1
        else:
            exec(compile(ast.Module([statement], []), "README.md", "exec"), names)
    return checked


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run_and_print_what_they_say(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    assert sum(run(block, names) for block in BLOCK.findall((ROOT / page).read_text())) >= PAGES[page]


EVERY_PAGE = ("README.md", "hillopt/README.md", "aecluster/README.md")


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_what_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text()
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.M)
    }
    for target in re.findall(r"\]\(([^)]*)\)", text):
        if target.startswith("https://"):
            continue  # for a network to find
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / page).parent.joinpath(target).resolve().is_relative_to(ROOT), target
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
