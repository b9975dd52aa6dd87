"""The list of what is asked thoroughly names tests that there are."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = [line for line in (HERE / "thorough.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_beginning_of_a_test(name):
    file, _, beginning = name.partition("::")
    functions = re.findall(r"^def (test_\w+)", (HERE / file).read_text(), re.M)
    function, bracket, _ = beginning.partition("[")
    assert any(each == function if bracket else each.startswith(function) for each in functions)


def test_the_list_is_sorted_and_names_nothing_twice():
    assert sorted(set(NAMES)) == NAMES
