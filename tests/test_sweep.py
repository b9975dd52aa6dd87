"""Sweeps: one labelled answer a cell, however the grid is cut, stored and read back; and bad input by its text."""

import functools
import json
import logging
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray

import hillopt as ho
from hillopt.critical import _climb_broadcast

HILL = ho.TentHill()
RATES = ho.Axis.log(0.033, 0.9, 11)
BETAS = ho.Axis.log_complement(0.3, 0.95, 5)
HEIGHTS = ho.Axis.linear(0.0, 0.6, 4)
MAX_STEPS = 150
AXES = {"b1": BETAS, "learning_rate": RATES, "eps": (0.0, 0.01, 0.1), "height": HEIGHTS}


@functools.cache
def _whole() -> xarray.Dataset:
    return ho.sweep(HILL, ho.Adam, AXES, fixed={"b2": 0.99}, max_steps=MAX_STEPS)


def _grid(ours, dataset, **fixed):
    dims = dataset.height.dims
    swept = {name: dataset[name].values.reshape([-1 if other == name else 1 for other in dims]) for name in dims}
    return ours(**swept, **fixed)


@functools.cache
def _without_lattice(tile=2**16) -> xarray.Dataset:
    return ho.sweep(HILL, ho.RMSprop, {"decay": BETAS, "learning_rate": RATES}, max_steps=MAX_STEPS, tile=tile)


@functools.cache
def _in_float32(implementation, num, tile=2**16) -> xarray.Dataset:
    axes = {"eps": (0.0, 0.01, 0.1), "learning_rate": ho.Axis.log(0.033, 0.9, num)}
    return ho.sweep(HILL, ho.Adam, axes, max_steps=40, dtype="float32", tile=tile, implementation=implementation)


@pytest.mark.parametrize(
    ("sweep", "ours", "fixed"),
    [(_whole, ho.Adam, {"b2": 0.99}), (_without_lattice, ho.RMSprop, {})],
    ids=["adam", "rmsprop"],
)
def test_every_cell_is_its_critical_height(sweep, ours, fixed):
    dataset = sweep()
    expected = ho.critical_height(HILL, _grid(ours, dataset, **fixed), max_steps=MAX_STEPS)
    assert np.mean(expected.flagged) < 0.1
    for name in ("step", "verdict", "period", "flagged", "num_steps"):
        np.testing.assert_array_equal(dataset[name], getattr(expected, name), err_msg=name)
    for name in ("height", "upper"):
        np.testing.assert_allclose(dataset[name], getattr(expected, name), rtol=1e-13, atol=1e-14, err_msg=name)


@pytest.mark.parametrize(
    ("sweep", "tile"),
    [
        (functools.partial(_in_float32, "plain", 55), 7),
        (functools.partial(_in_float32, "plain", 55), 64),
        (functools.partial(_in_float32, "plain", 55), 165),
        (functools.partial(_in_float32, "lattice", 1500), 1009),
        (functools.partial(_in_float32, "blocked", 1500), 1009),
        (functools.partial(_in_float32, "blocked", 55), 7),
        (functools.partial(_in_float32, "pallas", 55), 64),
        (_without_lattice, 37),
    ],
)
def test_the_tile_size_changes_no_bit(sweep, tile):
    xarray.testing.assert_identical(sweep(tile=tile), sweep())


def test_dimensions_follow_the_given_order():
    names = ["learning_rate", "eps", "b1"]
    axes = {name: AXES[name] for name in names}
    turned = ho.sweep(HILL, ho.Adam, axes, fixed={"b2": 0.99}, max_steps=MAX_STEPS, implementation="plain")
    assert _whole().height.dims == ("b1", "learning_rate", "eps")
    assert _whole().escape.dims == ("hill_height", "b1", "learning_rate", "eps")
    assert turned.height.dims == tuple(names)
    clear = ~_whole().flagged.transpose(*names).values
    expected = _whole().height.transpose(*names).values
    assert clear.mean() > 0.9
    np.testing.assert_allclose(turned.height.values[clear], expected[clear], rtol=1e-12, atol=1e-13)


def test_coordinates_are_the_axes():
    assert {name: tuple(values.values) for name, values in _whole().coords.items()} == {
        "b1": BETAS.values,
        "learning_rate": RATES.values,
        "eps": (0.0, 0.01, 0.1),
        "hill_height": HEIGHTS.values,
    }
    scales = {name: values.attrs["scale"] for name, values in _whole().coords.items()}
    assert scales == {"b1": "log_complement", "learning_rate": "log", "eps": "list", "hill_height": "linear"}


def test_everything_is_labelled():
    dataset = _whole()
    assert set(dataset.data_vars) == {*ho.CriticalHeight._fields, "escape", "escape_flagged"}
    assert all(values.attrs["long_name"] for values in dataset.data_vars.values())
    measured = ["height", "upper", "error", "step", "period", "num_steps", *dataset.coords]
    assert {dataset[name].attrs["units"] for name in measured} == {"1"}
    for name in ("verdict", "escape"):
        assert dataset[name].attrs["flag_values"] == [0, 1, 2, 3]
        assert dataset[name].attrs["flag_meanings"] == "undecided escaped trapped diverged"
    for name in ("flagged", "escape_flagged"):
        assert dataset[name].attrs["flag_meanings"] == "certified flagged"


def test_the_data_set_tells_where_it_comes_from():
    attributes = _whole().attrs
    assert {name: attributes[name] for name in ("hill", "optimizer", "max_steps", "dtype", "implementation")} == {
        "hill": "TentHill",
        "optimizer": "Adam",
        "max_steps": MAX_STEPS,
        "dtype": "float64",
        "implementation": "lattice",
    }
    assert json.loads(attributes["fixed"]) == {"b2": 0.99}
    versions = json.loads(attributes["versions"])
    assert versions["jax"] == jax.__version__
    assert set(versions) >= {"hillopt", "jax", "jaxlib", "numpy", "optax"}
    assert attributes["device"] == "cpu cpu"
    for told in (
        "TentHill",
        "Adam",
        "'learning_rate': [0.033, 0.9, 11, 'log']",
        "'height'",
        "'b2': 0.99",
        "max_steps=150",
    ):
        assert told in attributes["call"]


@pytest.mark.parametrize(
    ("make", "axis", "told"),
    [
        (functools.partial(ho.from_optax, optax.adagrad), "learning_rate", ["from_optax", "adagrad"]),
        (functools.partial(ho.Adam, b1=0.5), "learning_rate", ["Adam", "b1=0.5"]),
    ],
    ids=["from optax", "keyword"],
)
def test_a_partial_optimizer_is_told_in_full(make, axis, told):
    call = ho.sweep(HILL, make, {axis: [0.2, 0.3]}, max_steps=5, implementation="plain").attrs["call"]
    assert [part for part in told if part not in call] == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_that_of_values_and_coordinates(dtype):
    axes = {"learning_rate": RATES, "height": HEIGHTS}
    dataset = ho.sweep(HILL, ho.Adam, axes, max_steps=20, dtype=dtype, implementation="plain")
    floats = [dataset[name].dtype for name in ("height", "upper", "error", "learning_rate", "hill_height")]
    assert {dataset.attrs["dtype"], *map(str, floats)} == {dtype}
    assert (dataset.verdict.dtype, dataset.flagged.dtype, dataset.step.dtype) == (np.int8, np.bool_, np.int32)


@pytest.mark.parametrize("value", [np.float64(0.5), jnp.float64(0.5), np.array(0.5)], ids=type)
def test_a_fixed_number_of_any_dtype_leaves_the_walk_its_dtype(value):
    options = {"fixed": {"momentum": value}, "max_steps": 5, "dtype": "float32", "implementation": "plain"}
    assert ho.sweep(HILL, ho.HeavyBall, {"learning_rate": [0.3]}, **options).height.dtype == np.float32


def test_without_float64_the_walk_is_in_float32():
    with jax.enable_x64(False):
        dataset = ho.sweep(HILL, ho.GradientDescent, {"learning_rate": [0.3]}, max_steps=5, implementation="plain")
    assert (dataset.attrs["dtype"], dataset.height.dtype) == ("float32", np.float32)


def test_a_height_axis_answers_as_escape_does():
    dataset = _whole()
    clear = ~dataset.escape_flagged.values
    hills = ho.TentHill(np.array(HEIGHTS.values).reshape(-1, 1, 1, 1))
    answer = ho.escape(hills, _grid(ho.Adam, dataset, b2=0.99), max_steps=MAX_STEPS)
    np.testing.assert_array_equal(dataset.escape.values[clear], np.asarray(answer.verdict)[clear])
    assert clear.mean() > 0.9
    assert set(np.unique(dataset.escape)) >= {ho.Verdict.ESCAPED, ho.Verdict.TRAPPED}


def test_a_height_within_rounding_of_the_critical_one_is_flagged():
    axes = {"learning_rate": [0.3], "height": [0.2 - 1e-9, 0.2, 0.2 + 1e-9]}
    dataset = ho.sweep(HILL, ho.GradientDescent, axes, max_steps=MAX_STEPS, implementation="bounded")
    assert dataset.escape_flagged.values.ravel().tolist() == [False, True, False]
    assert dataset.escape.values.ravel().tolist()[::2] == [ho.Verdict.ESCAPED, ho.Verdict.TRAPPED]


def test_progress_adds_up_to_the_whole():
    told: list[ho.Progress] = []
    options = {"max_steps": 60, "tile": 4, "on_progress": told.append, "implementation": "bounded"}
    dataset = ho.sweep(HILL, ho.GradientDescent, {"learning_rate": RATES}, **options)
    assert [progress.tiles for progress in told] == [1, 2, 3]
    assert [progress.cells for progress in told] in ([4, 8, 11], [4, 7, 11], [3, 7, 11])
    assert {(progress.total, progress.of_tiles, progress.found) for progress in told} == {(11, 3, 0)}
    assert told[-1].steps == dataset.num_steps.values.sum()


def _compilations(caplog, action):
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.WARNING, logger="jax"):
        action()
    return [
        record.getMessage().split(" with ")[0]
        for record in caplog.records
        if record.getMessage().startswith("Compiling")
    ]


def test_one_compilation_a_device_serves_all_tiles(caplog):
    def walk():
        axes = {"learning_rate": ho.Axis.linear(0.1, 0.8, 23)}
        ho.sweep(HILL, ho.GradientDescent, axes, max_steps=20, tile=5, implementation="plain")

    assert sum("solve" in line for line in _compilations(caplog, walk)) == 2  # one a device


@pytest.mark.parametrize("implementation", ["lattice", "bounded", "plain"])
def test_new_values_compile_nothing(implementation, caplog):
    def solve(rates, max_steps):
        optimizer = ho.SignDescent(np.array(rates))
        return ho.critical_height(HILL, optimizer, max_steps=max_steps, implementation=implementation)

    before = _climb_broadcast._cache_size()
    first = _compilations(caplog, lambda: solve([0.1, 0.2, 0.3], 20))
    assert any("_climb_broadcast" in line for line in first)
    assert _compilations(caplog, lambda: solve([0.4, 0.25, 0.7], 77)) == []
    assert _climb_broadcast._cache_size() == before + 1


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


BIG = ho.Axis.linear(0.1, 0.9, 40_000)
RATE = {"learning_rate": [0.1, 0.2]}
KNOWN = "Known are: b1, b2, eps, learning_rate."


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("axes", "options", "message"),
    [
        (
            {"learning_rat": [0.1]},
            {},
            "`Adam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'? " + KNOWN,
        ),
        (RATE, {"fixed": {"b3": 0.5}}, "`Adam` has no hyperparameter 'b3';"),
        ({"b1": [0.1]}, {}, "`Adam` needs a value for 'learning_rate';"),
        (
            RATE,
            {"fixed": {"learning_rate": 0.1}},
            "`fixed` must not name what `axes` sweeps, got 'learning_rate' in both;",
        ),
        ({}, {}, "`axes` must name at least one hyperparameter to sweep"),
        ({"height": [0.1]}, {}, "`axes` must name at least one hyperparameter to sweep"),
        ({**RATE, "height": [-0.1, 0.1]}, {}, "`axes['height']` must not be negative, got -0.1;"),
        ({**RATE, "height": [0.1, np.inf]}, {}, "`axes['height']`: an axis must be finite, got inf;"),
        ({"learning_rate": []}, {}, "`axes['learning_rate']`: an axis needs at least one point, got none;"),
        ({"learning_rate": [0.2, 0.1]}, {}, "`axes['learning_rate']`: an axis must increase, got 0.2 before 0.1;"),
        ({"learning_rate": [0.0, 0.1]}, {}, "`Adam(learning_rate=...)` must lie in (0, inf), got 0;"),
        ({**RATE, "b1": [0.5, 1.0]}, {}, "`Adam(b1=...)` must lie in [0, 1), got 1;"),
        ({**RATE, "b1": [0.5, 1 - 1e-9]}, {"dtype": "float32"}, "`Adam(b1=...)` must lie in [0, 1), got 1;"),
        (RATE, {"fixed": {"eps": np.nan}}, "`Adam(eps=...)` must lie in [0, inf), got nan;"),
        (RATE, {"fixed": {"b1": "high"}}, "`Adam(b1=...)` must be a number"),
        (RATE, {"fixed": {"b1": np.array([0.5, 0.6])}}, "`fixed"),
        (RATE, {"fixed": {"b1": [0.5]}}, "`fixed"),
        (RATE, {"tile": 0}, "`tile` must be an integer of at least 1, got 0;"),
        (RATE, {"tile": -5}, "`tile` must be an integer of at least 1, got -5;"),
        (RATE, {"max_steps": 0}, "`max_steps` must lie between 1 and 2147483647, got 0;"),
        (RATE, {"max_steps": 2.5}, "`max_steps` must be an integer, got 2.5."),
        (RATE, {"dtype": "int32"}, "`dtype` must be float32 or float64, got int32."),
        (RATE, {"dtype": "float16"}, "`dtype` must be float32 or float64, got float16."),
        (RATE, {"dtype": "float65"}, "`dtype` must be float32 or float64, got 'float65'."),
        (RATE, {"implementation": "latice"}, "`implementation` 'latice' is unknown; did you mean 'lattice'?"),
        (
            {"learning_rate": BIG, "b1": BIG, "b2": BIG},
            {},
            "`axes` give 64,000,000,000,000 settings, whose result needs",
        ),
    ],
)
def test_bad_input_is_refused_before_any_walk(axes, options, message):
    walked: list[ho.Progress] = []
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ho.sweep(HILL, ho.Adam, axes, **{"implementation": "plain", "on_progress": walked.append, **options})
    assert walked == []


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"learning_rat": [0.1]}, "`radam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'?"),
        ({"b1": [0.1]}, "`radam` needs a value for 'learning_rate';"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_optax_factories_name_what_is_wrong(axes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ho.sweep(HILL, functools.partial(ho.from_optax, optax.radam), axes, max_steps=5)


def test_float64_must_be_switched_on():
    message = r"^`dtype` float64 is switched off in JAX; call jax\.config\.update\('jax_enable_x64', True\) first"
    with jax.enable_x64(False), pytest.raises(ValueError, match=message):
        ho.sweep(HILL, ho.Adam, {"learning_rate": [0.3]}, max_steps=5, dtype="float64")


def test_an_optimizer_without_a_lattice_cannot_walk_on_one():
    with pytest.raises(
        ValueError, match=r"^`implementation='lattice'` cannot serve: Adagrad on TentHill does not move"
    ):
        ho.sweep(HILL, ho.Adagrad, {"learning_rate": [0.3]}, max_steps=5, implementation="lattice")


def test_an_axis_must_increase_in_the_dtype_of_the_walk():
    axes = {"learning_rate": ho.Axis.linear(0.3, 0.3 + 1e-9, 5)}
    with pytest.raises(ValueError, match=r"`axes\['learning_rate'\]`"):
        ho.sweep(HILL, ho.Adam, axes, max_steps=5, dtype="float32", implementation="plain")


def test_steps_without_a_number_go_on_until_all_is_settled():
    walk = functools.partial(ho.sweep, HILL, ho.Adam, {"b1": BETAS, "learning_rate": RATES}, implementation="bounded")
    told: list[ho.Progress] = []
    auto = walk(max_steps="auto", most_steps=5000, on_progress=told.append)
    fixed, short = walk(max_steps=5000), walk(max_steps=1024)
    assert (short.verdict == ho.Verdict.UNDECIDED).any()
    for name in ("height", "verdict", "step"):
        np.testing.assert_array_equal(auto[name], fixed[name], err_msg=name)
    same = (short.verdict != ho.Verdict.UNDECIDED).values
    for name in short.data_vars:
        np.testing.assert_array_equal(auto[name].values[same], short[name].values[same], err_msg=str(name))
    assert auto.attrs["max_steps"] == 5000
    assert told[-1].steps == auto.num_steps.values.sum()


def test_steps_without_a_number_do_not_depend_on_the_tile():
    axes = {"decay": BETAS, "learning_rate": RATES}
    options = {"max_steps": "auto", "most_steps": 3000}
    whole, parts = (ho.sweep(HILL, ho.RMSprop, axes, tile=tile, **options) for tile in (2**16, 7))
    xarray.testing.assert_identical(whole, parts)


@pytest.mark.parametrize("options", [{"implementation": "blocked"}, {"outcome": "loss"}])
def test_steps_without_a_number_take_proofs(options):
    with pytest.raises(ValueError, match=r"^`max_steps='auto'` goes on with what is undecided"):
        ho.sweep(HILL, ho.Adam, {"learning_rate": [0.1]}, max_steps="auto", **options)


def test_a_disk_without_room_is_refused_before_any_walk(tmp_path, monkeypatch):
    monkeypatch.setattr("hillopt.dataset.shutil.disk_usage", lambda _: type("Usage", (), {"free": 50}))
    walked = []
    with pytest.raises(ValueError, match=r"GiB and the disk has 4\.66e-08 left"):
        ho.sweep(
            ho.TentHill(), ho.Adam, {"learning_rate": [0.1, 0.2]}, path=tmp_path / "x.zarr", on_progress=walked.append
        )
    assert not walked
    assert not list(tmp_path.iterdir())


def test_a_sweep_saves_what_it_returns(tmp_path):
    data = ho.sweep(ho.TentHill(), ho.Adam, {"learning_rate": [0.1, 0.2], "height": [0.1]}, path=tmp_path / "x.zarr")
    xarray.testing.assert_identical(data, xarray.open_zarr(tmp_path / "x.zarr", consolidated=False, chunks=None).load())
