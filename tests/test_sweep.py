"""Sweeps: one labelled answer a cell, however the grid is cut, and the same again from a file."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray
from small_sweeps import BETAS, HEIGHTS, HILL, MAX_STEPS, QUESTION, RATE, RATES

import hillopt as ho

AXES = {"b1": BETAS, "learning_rate": RATES, "eps": (0.0, 0.01, 0.1)}


@functools.cache
def _whole() -> xarray.Dataset:
    return ho.sweep(ho.CriticalHeight(MAX_STEPS, heights=HEIGHTS), HILL, ho.Adam(0.1, b2=0.99), AXES)


def _grid(ours, dataset, **fixed):
    dims = dataset.critical_height.dims
    swept = {name: dataset[name].values.reshape([-1 if other == name else 1 for other in dims]) for name in dims}
    return ours(**swept, **fixed)


@functools.cache
def _without_lattice(tile=2**16) -> xarray.Dataset:
    axes = {"decay": BETAS, "learning_rate": RATES}
    return ho.sweep(ho.CriticalHeight(MAX_STEPS), HILL, ho.RMSprop(0.1), axes, tile=tile)


@functools.cache
def _in_float32(climb, num, tile=2**16) -> xarray.Dataset:
    axes = {"eps": (0.0, 0.01, 0.1), "learning_rate": ho.Axis.log(0.033, 0.9, num)}
    return ho.sweep(ho.CriticalHeight(40, climb), HILL, ho.Adam(0.1), axes, dtype="float32", tile=tile)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sweep", "ours", "fixed"),
    [
        pytest.param(_whole, ho.Adam, {"b2": 0.99}, id="adam"),
        pytest.param(_without_lattice, ho.RMSprop, {}, id="rmsprop"),
    ],
)
def test_every_cell_is_its_critical_height(sweep, ours, fixed):
    dataset = sweep()
    expected = ho.critical_height(HILL, _grid(ours, dataset, **fixed), max_steps=MAX_STEPS)
    assert np.mean(expected.certainty != ho.Certainty.CERTIFIED) < 0.1
    for name in ("step", "verdict", "period", "certainty", "num_steps"):
        np.testing.assert_array_equal(dataset[name], getattr(expected, name), err_msg=name)
    for name in ("critical_height", "upper"):
        np.testing.assert_allclose(dataset[name], getattr(expected, name), rtol=1e-13, atol=1e-14, err_msg=name)


@functools.cache
def _noisy(question, hill, tile=2**16) -> xarray.Dataset:
    axes = {"learning_rate": ho.Axis.log(0.01, 1, 40), "momentum": ho.Axis.linear(0.1, 0.9, 25)}
    return ho.sweep(question, hill, ho.HeavyBall(0.1), axes, tile=tile)


NOISE = ho.GaussianNoise(1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sweep", "tile"),
    [
        (functools.partial(_noisy, ho.PassageTime(NOISE, 10, 30), ho.DoubleWell(0.2)), 37),
        (functools.partial(_in_float32, ho.PlainClimb(), 55), 7),
        (functools.partial(_in_float32, ho.PlainClimb(), 55), 64),
        (functools.partial(_in_float32, ho.PlainClimb(), 55), 165),
        (functools.partial(_in_float32, ho.LatticeClimb(), 1500), 1009),
        (functools.partial(_in_float32, ho.BlockedClimb(), 1500), 1009),
        (functools.partial(_in_float32, ho.BlockedClimb(), 55), 7),
        (functools.partial(_in_float32, ho.PallasClimb(interpret=True), 55), 64),
        (_without_lattice, 37),
    ],
)
def test_the_tile_size_changes_no_bit(sweep, tile):
    xarray.testing.assert_identical(sweep(tile=tile), sweep())


def test_dimensions_follow_the_given_order():
    names = ["learning_rate", "eps", "b1"]
    axes = {name: AXES[name] for name in names}
    turned = ho.sweep(ho.CriticalHeight(MAX_STEPS, ho.PlainClimb()), HILL, ho.Adam(0.1, b2=0.99), axes)
    assert _whole().critical_height.dims == ("b1", "learning_rate", "eps")
    assert _whole().verdict_at_height.dims == ("height", "b1", "learning_rate", "eps")
    assert turned.critical_height.dims == tuple(names)
    clear = (_whole().certainty == ho.Certainty.CERTIFIED).transpose(*names).values
    expected = _whole().critical_height.transpose(*names).values
    assert clear.mean() > 0.9
    np.testing.assert_allclose(turned.critical_height.values[clear], expected[clear], rtol=1e-12, atol=1e-13)


def test_walks_without_proofs_are_unchecked_and_not_flagged():
    dataset = ho.sweep(ho.CriticalHeight(20, ho.PlainClimb(), HEIGHTS), HILL, ho.Adam(0.1), {"b1": [0.3, 0.9]})
    assert set(dataset.certainty.values.flat) == {ho.Certainty.UNCHECKED}
    assert set(dataset.certainty_at_height.values.flat) == {ho.Certainty.UNCHECKED}


def test_coordinates_are_the_axes():
    assert {name: tuple(values.values) for name, values in _whole().coords.items()} == {
        "b1": BETAS.values,
        "learning_rate": RATES.values,
        "eps": (0.0, 0.01, 0.1),
        "height": tuple(HEIGHTS),
    }
    scales = {name: values.attrs["scale"] for name, values in _whole().coords.items()}
    assert scales == {"b1": "log_complement", "learning_rate": "log", "eps": "list", "height": "linear"}


def test_everything_is_labelled():
    dataset = _whole()
    assert set(dataset.data_vars) == set(ho.CriticalHeightAnswer.about())
    assert all(values.attrs["long_name"] for values in dataset.data_vars.values())
    measured = ["critical_height", "upper", "error", "step", "period", "num_steps", *dataset.coords]
    assert {dataset[name].attrs["units"] for name in measured} == {"1"}
    for name in ("verdict", "verdict_at_height"):
        assert dataset[name].attrs["flag_values"].tolist() == [0, 1, 2, 3]
        assert dataset[name].attrs["flag_meanings"] == "undecided escaped trapped diverged"
    for name in ("certainty", "certainty_at_height"):
        assert dataset[name].attrs["flag_values"].tolist() == [0, 1, 2, 3]
        assert dataset[name].attrs["flag_meanings"] == "unchecked flagged as_typed certified"


def test_the_data_set_tells_where_it_comes_from():
    attributes = _whole().attrs
    told = ("title", "question", "hill", "optimizer", "max_steps", "dtype", "climb")
    assert {name: attributes[name] for name in told} == {
        "title": "Critical heights of Adam on TentHill",
        "question": "CriticalHeight",
        "hill": "TentHill",
        "optimizer": "Adam",
        "max_steps": MAX_STEPS,
        "dtype": "float64",
        "climb": "LatticeClimb",
    }
    versions = json.loads(attributes["versions"])
    assert versions["jax"] == jax.__version__
    assert set(versions) >= {"hillopt", "jax", "jaxlib", "numpy", "optax"}
    device = jax.local_devices()[0]
    assert attributes["device"] == f"{device.platform} {device.device_kind}"
    for told in ("TentHill", "Adam", '"learning_rate": [0.033, 0.9, 11, "log"]', "heights=f64[4]", "b2=0.99", "150"):
        assert told in attributes["call"]


def test_the_data_set_tells_every_number_given_or_not():
    numbers = json.loads(_whole().attrs["numbers"])
    assert numbers["optimizer"] == {"b2": 0.99}
    assert numbers["hill"] == {}  # whose height plays no part
    assert (numbers["question"]["max_steps"], numbers["question"]["heights"]) == (MAX_STEPS, HEIGHTS.tolist())
    other = ho.sweep(ho.Escape(5, ho.PlainClimb()), ho.WedgeHill(0.5), ho.Adam(0.1), {"learning_rate": [0.1, 0.2]})
    defaults = json.loads(other.attrs["numbers"])
    assert defaults["optimizer"] == {"b1": 0.9, "b2": 0.999, "eps": 0.0}
    assert defaults["hill"]["height"] == 0.5
    assert defaults["question"]["max_steps"] == 5


@pytest.mark.parametrize(
    ("optimizer", "told"),
    [
        (ho.from_optax(optax.adagrad, learning_rate=0.1, eps=0.25), ["OptaxOptimizer", "adagrad", "'eps': 0.25"]),
        (ho.Adam(0.1, b1=0.5), ["Adam", "b1=0.5"]),
    ],
    ids=["from optax", "keyword"],
)
def test_an_optimizer_is_told_in_full(optimizer, told):
    question = ho.CriticalHeight(5, ho.PlainClimb())
    call = ho.sweep(question, HILL, optimizer, {"learning_rate": [0.2, 0.3]}).attrs["call"]
    assert [part for part in told if part not in call] == []
    assert "0x" not in call


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_that_of_values_and_coordinates(dtype):
    question = ho.CriticalHeight(20, ho.PlainClimb(), heights=HEIGHTS)
    dataset = ho.sweep(question, HILL, ho.Adam(0.1), {"learning_rate": RATES}, dtype=dtype)
    floats = [dataset[name].dtype for name in ("critical_height", "upper", "error", "learning_rate", "height")]
    assert {dataset.attrs["dtype"], *map(str, floats)} == {dtype}
    assert (dataset.verdict.dtype, dataset.certainty.dtype, dataset.step.dtype) == (np.int8, np.int8, np.int32)


@pytest.mark.parametrize("value", [np.float64(0.5), jnp.float64(0.5), np.array(0.5)], ids=type)
def test_a_number_of_any_dtype_leaves_the_walk_its_dtype(value):
    question, axes = ho.CriticalHeight(5, ho.PlainClimb()), {"learning_rate": [0.3]}
    dataset = ho.sweep(question, HILL, ho.HeavyBall(0.1, value), axes, dtype="float32")
    assert dataset.critical_height.dtype == np.float32


def test_without_float64_the_walk_is_in_float32():
    with jax.enable_x64(False):
        question = ho.CriticalHeight(5, ho.PlainClimb())
        dataset = ho.sweep(question, HILL, ho.GradientDescent(0.1), {"learning_rate": [0.3]})
    assert (dataset.attrs["dtype"], dataset.critical_height.dtype) == ("float32", np.float32)


def test_float64_may_be_switched_on_for_the_caller_alone():
    """The walks are in threads of their own, where it is off."""
    expected = ho.sweep(QUESTION, HILL, ho.Adam(0.1), RATE)
    jax.config.update("jax_enable_x64", False)
    try:
        with jax.enable_x64(True):
            found = ho.sweep(QUESTION, HILL, ho.Adam(0.1), RATE)
    finally:
        jax.config.update("jax_enable_x64", True)
    xarray.testing.assert_identical(found, expected)


@pytest.mark.slow
def test_judged_heights_answer_as_escape_does():
    dataset = _whole()
    clear = dataset.certainty_at_height.values == ho.Certainty.CERTIFIED
    hills = ho.TentHill(HEIGHTS.reshape(-1, 1, 1, 1))
    answer = ho.escape(hills, _grid(ho.Adam, dataset, b2=0.99), max_steps=MAX_STEPS)
    np.testing.assert_array_equal(dataset.verdict_at_height.values[clear], np.asarray(answer.verdict)[clear])
    assert clear.mean() > 0.9
    assert set(np.unique(dataset.verdict_at_height)) >= {ho.Verdict.ESCAPED, ho.Verdict.TRAPPED}


@pytest.mark.slow
def test_a_height_within_rounding_of_the_critical_one_is_flagged():
    question = ho.CriticalHeight(MAX_STEPS, ho.BoundedClimb(), heights=[0.2 - 1e-9, 0.2, 0.2 + 1e-9])
    dataset = ho.sweep(question, HILL, ho.GradientDescent(0.1), {"learning_rate": [0.3]})
    certified, flagged = ho.Certainty.CERTIFIED, ho.Certainty.FLAGGED
    assert dataset.certainty_at_height.values.ravel().tolist() == [certified, flagged, certified]
    assert dataset.verdict_at_height.values.ravel().tolist()[::2] == [ho.Verdict.ESCAPED, ho.Verdict.TRAPPED]


def test_progress_adds_up_to_the_whole():
    told: list[ho.Progress] = []
    question, axes = ho.CriticalHeight(60, ho.PlainClimb()), {"learning_rate": RATES}
    dataset = ho.sweep(question, HILL, ho.GradientDescent(0.1), axes, tile=4, on_progress=told.append)
    assert [progress.tiles for progress in told] == [1, 2, 3]
    assert [progress.cells for progress in told] in ([4, 8, 11], [4, 7, 11], [3, 7, 11])
    assert {(progress.num_cells, progress.num_tiles, progress.found) for progress in told} == {(11, 3, 0)}
    assert told[-1].steps == dataset.num_steps.values.sum()


def test_a_saved_sweep_reads_back_the_same(tmp_path):
    ho.save(_whole(), tmp_path / "sweep.zarr")
    with xarray.open_zarr(tmp_path / "sweep.zarr", consolidated=False, chunks=None) as reopened:
        xarray.testing.assert_identical(reopened.load(), _whole())
        assert {name: values.dtype for name, values in reopened.items()} == {
            name: values.dtype for name, values in _whole().items()
        }


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.touch()], ids=["folder", "file"])
def test_nothing_is_written_over(make, tmp_path):
    make(tmp_path / "taken")
    with pytest.raises(ValueError, match=r"^`path` '.*taken' exists; choose another name or remove it first\.$"):
        ho.save(_whole(), tmp_path / "taken")
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


def test_an_older_sweep_survives_an_attempt_to_replace_it(tmp_path):
    ho.save(_whole(), str(tmp_path / "sweep.zarr"))
    with pytest.raises(ValueError, match="exists"):
        ho.save(_whole() * 0, str(tmp_path / "sweep.zarr"))
    with xarray.open_zarr(tmp_path / "sweep.zarr", consolidated=False, chunks=None) as reopened:
        xarray.testing.assert_identical(reopened.load(), _whole())


def test_a_sweep_saves_what_it_returns(tmp_path):
    question = ho.CriticalHeight(20, ho.PlainClimb(), heights=[0.1])
    data = ho.sweep(question, HILL, ho.Adam(0.1), RATE, store=ho.Store(tmp_path / "x.zarr"))
    xarray.testing.assert_identical(data, xarray.open_zarr(tmp_path / "x.zarr", consolidated=False, chunks=None).load())
