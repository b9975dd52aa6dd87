"""What came out once comes out again: bit by bit on the machine that wrote the file, and within the error bound elsewhere."""

import functools

import golden
import numpy as np
import pytest

import hillopt as ho


@functools.cache
def kept():
    with np.load(golden.FILE) as file:
        return dict(file)


def fields_of(name, dtype):
    start = f"{name}/{dtype}/"
    return {key.removeprefix(start): values for key, values in kept().items() if key.startswith(start)}


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
@pytest.mark.parametrize("name", golden.CASES)
def test_answers_are_what_they_were(name, dtype):
    before, now = fields_of(name, dtype), golden.CASES[name](dtype)
    assert set(now) == set(before)
    if str(kept()["machine"]) == golden.machine():
        for field, values in before.items():
            np.testing.assert_array_equal(np.asarray(now[field]), values, err_msg=field)
    elif "error" in before:
        sound = np.minimum(before["certainty"], now["certainty"]) == ho.Certainty.CERTIFIED
        apart = np.abs(before["critical_height"] - now["critical_height"])[sound]
        assert np.all(apart <= (before["error"] + now["error"])[sound])
    else:  # without a bound a walk may fork where rounding decides
        for field, values in before.items():
            same = np.isclose(np.asarray(now[field], float), values.astype(float), rtol=1e-3, equal_nan=True)
            assert same.mean() >= 0.8, field


def test_the_file_holds_no_case_that_is_not_asked():
    asked = {f"{name}/{dtype}" for name in golden.CASES for dtype in golden.DTYPES}
    assert {key.rpartition("/")[0] for key in kept()} - {""} == asked
