"""What was trained once is trained again: bit by bit on the machine that wrote the file, and nearly so elsewhere."""

import functools

import golden_aecluster
import numpy as np
import pytest
from golden import machine


@functools.cache
def kept():
    with np.load(golden_aecluster.FILE) as file:
        return dict(file)


@pytest.mark.parametrize("name", golden_aecluster.CASES)
def test_trainings_are_what_they_were(name):
    start = f"{name}/"
    before = {key.removeprefix(start): values for key, values in kept().items() if key.startswith(start)}
    now = golden_aecluster.CASES[name]()
    assert set(now) == set(before)
    for field, values in before.items():
        if str(kept()["machine"]) == machine():
            np.testing.assert_array_equal(np.asarray(now[field]), values, err_msg=field)
        else:  # training enlarges what the last digits differ in
            near = np.isclose(np.asarray(now[field], float), values.astype(float), rtol=0.02, atol=0.02)
            assert near.mean() >= 0.9, field


def test_the_file_holds_no_case_that_is_not_asked():
    assert {key.rpartition("/")[0] for key in kept()} - {""} == set(golden_aecluster.CASES)
