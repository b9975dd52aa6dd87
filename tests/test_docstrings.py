"""The examples in docstrings are run, and print what they say."""

import doctest
import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import aecluster as ae
import hillopt as ho
from aecluster import clustering, deblurring

ROOMS = ("hillopt", "aecluster", "aecluster.clustering", "aecluster.deblurring", "aecluster.figures")
READY = {
    "ho": ho,
    "ae": ae,
    "clustering": clustering,
    "deblurring": deblurring,
    "jax": jax,
    "jnp": jnp,
    "np": np,
    "optax": optax,
}
"""What the examples take for imported, as the reference's front page says."""
MOST_USED = """
    hillopt: critical_height escape escaping_heights sweep certificate cycles boundary zoom compare plot explore network_run
        trajectory hill_from from_optax by_part Axis TentHill WedgeHill GradientDescent HeavyBall Adam Scheduled
    aecluster: load train Dense Recipe Blur corrupted loss_named
    aecluster.clustering: DeepClustering k_means score
    aecluster.deblurring: RichardsonLucy score
"""


def examples():
    """Every public name whose docstring has an example, once."""
    parser, found = doctest.DocTestParser(), {}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            text = (inspect.isclass(value) or inspect.isroutine(value)) and inspect.getdoc(value)
            if text and ">>> " in text:
                test = parser.get_doctest(text, dict(READY), f"{room}.{name}", None, 0)
                found[test.name] = test
    return found


EXAMPLES = examples()


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_what_it_says(name):
    said = []
    failed = doctest.DocTestRunner().run(EXAMPLES[name], out=said.append).failed
    assert failed == 0, "".join(said)


@pytest.mark.parametrize("line", [line.strip() for line in MOST_USED.replace("\n        ", " ").strip().split("\n")])
def test_what_is_used_most_has_an_example(line):
    room, _, names = line.partition(": ")
    assert [name for name in names.split() if f"{room}.{name}" not in EXAMPLES] == []


def test_an_example_that_is_wrong_fails():
    test = doctest.DocTestParser().get_doctest(">>> jnp.arange(3).sum().item()\n4\n", dict(READY), "wrong", None, 0)
    assert doctest.DocTestRunner().run(test, out=lambda text: None).failed == 1
