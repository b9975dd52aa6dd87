"""The README's examples are run, and print what it says."""

import ast
import re
from pathlib import Path

import jax
import numpy as np
import pytest

README = (Path(__file__).parent.parent / "README.md").read_text().partition("\n## aecluster")[0]
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
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
def test_the_examples_run_and_print_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    assert sum(run(block, names) for block in BLOCKS) >= 5
