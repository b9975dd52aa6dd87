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


# What takes long to compile and shares its steps with a case that stays: the same climb of another optimizer, hill or question.
SLOW = {
    "design",
    "escaping_heights",
    "escape/bounded/double_well",
    "escape/bounded/wedge",
    "sensitivity",
    "escape/bounded/mueller_brown",
    "escape/lattice/tent",
    "height/bounded/adam",
    "height/lattice/nesterov",
    "height/lattice/sign_descent",
}


def marks(name, dtype):
    return pytest.mark.slow if dtype == "float32" or name in SLOW else []


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        pytest.param(name, dtype, id=f"{name}-{dtype}", marks=marks(name, dtype))
        for name in golden.CASES
        for dtype in golden.DTYPES
    ],
)
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
