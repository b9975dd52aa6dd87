"""Sweeps: one labelled answer a cell, however the grid is cut, stored and read back; and bad input by its text."""

import functools
import json
import math
import re
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray

import hillopt as ho
from hillopt.questions.contract import _answer
from hillopt.sweeps.budget import settle
from hillopt.sweeps.layout import Lanes
from hillopt.sweeps.memory import settings_that_fit
from hillopt.sweeps.program import Program, _program
from hillopt.sweeps.scheduler import _TileWalker

HILL = ho.TentHill()
RATES = ho.Axis.log(0.033, 0.9, 11)
BETAS = ho.Axis.log_complement(0.3, 0.95, 5)
HEIGHTS = np.linspace(0.0, 0.6, 4)
MAX_STEPS = 150
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


@pytest.mark.parametrize(
    ("sweep", "ours", "fixed"),
    [
        pytest.param(_whole, ho.Adam, {"b2": 0.99}, id="adam"),
        pytest.param(
            _without_lattice, ho.RMSprop, {}, id="rmsprop", marks=pytest.mark.slow
        ),  # golden files have its bits
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
    assert attributes["device"] == "cpu cpu"
    for told in ("TentHill", "Adam", '"learning_rate": [0.033, 0.9, 11, "log"]', "heights=f64[4]", "b2=0.99", "150"):
        assert told in attributes["call"]


def test_the_data_set_tells_every_number_given_or_not():
    numbers = json.loads(_whole().attrs["numbers"])
    assert numbers["optimizer"] == {"b2": 0.99}
    assert numbers["hill"] == {}  # whose height plays no part
    assert (numbers["question"]["max_steps"], numbers["question"]["heights"]) == (MAX_STEPS, HEIGHTS.tolist())
    other = ho.sweep(ho.Escape(5), ho.WedgeHill(0.5), ho.Adam(0.1), {"learning_rate": [0.1, 0.2]})
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


def test_judged_heights_answer_as_escape_does():
    dataset = _whole()
    clear = dataset.certainty_at_height.values == ho.Certainty.CERTIFIED
    hills = ho.TentHill(HEIGHTS.reshape(-1, 1, 1, 1))
    answer = ho.escape(hills, _grid(ho.Adam, dataset, b2=0.99), max_steps=MAX_STEPS)
    np.testing.assert_array_equal(dataset.verdict_at_height.values[clear], np.asarray(answer.verdict)[clear])
    assert clear.mean() > 0.9
    assert set(np.unique(dataset.verdict_at_height)) >= {ho.Verdict.ESCAPED, ho.Verdict.TRAPPED}


def test_a_height_within_rounding_of_the_critical_one_is_flagged():
    question = ho.CriticalHeight(MAX_STEPS, ho.BoundedClimb(), heights=[0.2 - 1e-9, 0.2, 0.2 + 1e-9])
    dataset = ho.sweep(question, HILL, ho.GradientDescent(0.1), {"learning_rate": [0.3]})
    certified, flagged = ho.Certainty.CERTIFIED, ho.Certainty.FLAGGED
    assert dataset.certainty_at_height.values.ravel().tolist() == [certified, flagged, certified]
    assert dataset.verdict_at_height.values.ravel().tolist()[::2] == [ho.Verdict.ESCAPED, ho.Verdict.TRAPPED]


def test_progress_adds_up_to_the_whole():
    told: list[ho.Progress] = []
    question, axes = ho.CriticalHeight(60, ho.BoundedClimb()), {"learning_rate": RATES}
    dataset = ho.sweep(question, HILL, ho.GradientDescent(0.1), axes, tile=4, on_progress=told.append)
    assert [progress.tiles for progress in told] == [1, 2, 3]
    assert [progress.cells for progress in told] in ([4, 8, 11], [4, 7, 11], [3, 7, 11])
    assert {(progress.num_cells, progress.num_tiles, progress.found) for progress in told} == {(11, 3, 0)}
    assert told[-1].steps == dataset.num_steps.values.sum()


@pytest.fixture
def compiled():
    """The names of the functions that XLA compiles during a test, in whichever thread."""
    names: list[str] = []

    def note(event, seconds, **about):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(about["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(note)
    yield names
    jax.monitoring.unregister_event_duration_listener(note)


def test_one_compilation_serves_all_tiles_of_all_cpu_devices(compiled):
    axes = {"learning_rate": ho.Axis.linear(0.1, 0.8, 23)}
    ho.sweep(ho.CriticalHeight(20, ho.PlainClimb()), HILL, ho.GradientDescent(0.1), axes, tile=5)
    assert len(jax.local_devices()) == 2
    assert compiled.count("jit(solve)") == 1


SECOND_SWEEPS = {
    "critical heights": (
        lambda number, steps: ho.CriticalHeight(steps, ho.PlainClimb(), heights=[number, 2 * number]),
        lambda number: ho.TentHill(),
    ),
    "escapes": (lambda number, steps: ho.Escape(steps, ho.PlainClimb()), lambda number: ho.WedgeHill(0.5, number)),
    "probabilities": (
        lambda number, steps: ho.EscapeProbability(ho.GaussianNoise(number), 10, steps),
        lambda number: ho.DoubleWell(number),
    ),
    "losses": (lambda number, steps: ho.Loss(steps), lambda number: ho.RoughBowl(number)),
}


@pytest.mark.parametrize("kind", SECOND_SWEEPS)
def test_a_second_sweep_of_the_same_kind_compiles_nothing(kind, compiled):
    question, hill = SECOND_SWEEPS[kind]

    def walk(number, steps, rates, seed):
        optimizer = ho.Adam(number, b1=number, eps=number / 10)
        axes = {"learning_rate": rates, "b2": [0.1, 0.5 + number]}
        return ho.sweep(question(number, steps), hill(number), optimizer, axes, seed=seed, tile=4)

    walk(0.2, 20, [0.1, 0.2, 0.3], 0)
    assert "jit(solve)" in compiled
    compiled.clear()
    before = _program.cache_info().misses
    walk(0.3, 30, [0.2, 0.25, 0.5], 1)
    assert compiled == []
    assert _program.cache_info().misses == before


def test_lengths_that_differ_a_little_share_a_compilation(compiled):
    def walk(rates, betas):
        axes = {"learning_rate": np.linspace(0.1, 0.5, rates), "b1": np.linspace(0.1, 0.9, betas)}
        ho.sweep(ho.CriticalHeight(20, ho.PlainClimb()), HILL, ho.Adam(0.1), axes)

    walk(49, 17)
    compiled.clear()
    for lengths in ((49, 17), (50, 17), (52, 18), (51, 18)):
        walk(*lengths)
    assert compiled == []


def test_a_second_sweep_takes_its_own_numbers():
    """What compiles nothing must not answer what the first sweep asked."""
    axes, question = {"learning_rate": [0.1, 0.2, 0.3]}, ho.CriticalHeight(60, ho.PlainClimb())
    answers = [ho.sweep(question, HILL, ho.Adam(0.1, b1=b1), axes).critical_height.values for b1 in (0.3, 0.9)]
    for b1, answer in zip((0.3, 0.9), answers, strict=True):
        optimizer = ho.Adam(np.array(axes["learning_rate"]), b1=b1)
        alone = ho.critical_height(HILL, optimizer, max_steps=60, climb=ho.PlainClimb())
        np.testing.assert_allclose(answer, alone.critical_height, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("climb", [ho.LatticeClimb(), ho.BoundedClimb(), ho.PlainClimb()], ids=repr)
def test_new_values_compile_nothing(climb, compiled):
    def solve(rates, max_steps):
        return ho.critical_height(HILL, ho.SignDescent(np.array(rates)), max_steps=max_steps, climb=climb)

    before = _answer._cache_size()
    solve([0.1, 0.2, 0.3], 20)
    assert "jit(_answer)" in compiled
    compiled.clear()
    solve([0.4, 0.25, 0.7], 77)
    assert compiled == []
    assert _answer._cache_size() == before + 1


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
QUESTION = ho.CriticalHeight(20, ho.PlainClimb())
KNOWN = "Known are: b1, b2, eps, height, learning_rate."


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"axes": {"learning_rat": [0.1]}},
            "`Adam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'? " + KNOWN,
        ),
        ({"axes": {}}, "`axes` must name at least one hyperparameter to sweep"),
        ({"axes": {**RATE, "height": [0.1]}}, "`axes['height']` is not walked for critical heights"),
        ({"axes": {**RATE, "max_steps": [10, 20]}}, "`Adam` has no hyperparameter 'max_steps';"),
        ({"question": ho.CriticalHeight(heights=[-0.1, 0.1])}, "`heights` must be finite and not negative, got -0.1;"),
        ({"question": ho.CriticalHeight(heights=[0.1, np.inf])}, "`heights` must be finite and not negative, got inf;"),
        (
            {"question": ho.CriticalHeight(heights=ho.Axis.linear(0, 1, 5))},
            "`heights` must be a number or an array of numbers, got Axis(linear, 0 to 1, 5 values); write",
        ),
        ({"question": ho.CriticalHeight(heights=[])}, "`heights` must be finite and not negative, got none;"),
        ({"axes": {"learning_rate": []}}, "`axes['learning_rate']`: an axis needs at least one point, got none;"),
        (
            {"axes": {"learning_rate": [0.2, 0.1]}},
            "`axes['learning_rate']`: an axis must increase, got 0.2 before 0.1;",
        ),
        ({"axes": {"learning_rate": [0.1, np.inf]}}, "`axes['learning_rate']`: an axis must be finite, got inf;"),
        ({"axes": {"learning_rate": [0.0, 0.1]}}, "`Adam(learning_rate=...)` must lie in (0, inf), got 0;"),
        ({"axes": {**RATE, "b1": [0.5, 1.0]}}, "`Adam(b1=...)` must lie in [0, 1), got 1;"),
        (
            {"axes": {**RATE, "b1": [0.5, 1 - 1e-9]}, "dtype": "float32"},
            "`Adam(b1=...)` must lie in [0, 1), got 1;",
        ),
        ({"optimizer": ho.Adam(0.1, eps=np.nan)}, "`Adam(eps=...)` must lie in [0, inf), got nan;"),
        ({"optimizer": ho.Adam(0.1, b1="high")}, "`Adam(b1=...)` must be a number"),
        (
            {"optimizer": ho.Adam(0.1, b1=np.array([0.5, 0.6]))},
            "`optimizer` must have one value of 'b1', got the shape (2,); sweep it as an axis.",
        ),
        ({"optimizer": ho.Adam(0.1, b1=[0.5])}, "`optimizer` must have one value of 'b1', got the shape (1,);"),
        ({"tile": 0}, "`tile` must be at least 1, got 0;"),
        ({"tile": -5}, "`tile` must be at least 1, got -5;"),
        ({"question": ho.CriticalHeight(0)}, "`max_steps` must lie between 1 and 2147483647, got 0;"),
        ({"question": ho.CriticalHeight(2.5)}, "`max_steps` must be an integer, got 2.5;"),
        ({"dtype": "int32"}, "`dtype` must be float32 or float64, got int32."),
        ({"dtype": "float16"}, "`dtype` must be float32 or float64, got float16."),
        ({"dtype": "float65"}, "`dtype` must be float32 or float64, got 'float65'."),
        (
            {"axes": {"learning_rate": BIG, "b1": BIG, "b2": BIG}},
            "`axes` give 64,000,000,000,000 settings, whose result needs",
        ),
    ],
)
def test_bad_input_is_refused_before_any_walk(changes, message):
    walked: list[ho.Progress] = []
    given = {"question": QUESTION, "hill": HILL, "optimizer": ho.Adam(0.1), "axes": RATE, **changes}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ho.sweep(**given, on_progress=walked.append)
    assert walked == []


def quadratic(position):
    return position**2


TRANSFORMATION = (
    "`optimizer` must be an optimizer of hillopt, got a transformation of optax, whose numbers are sealed in; "
    "write for example ho.from_optax(optax.adam, learning_rate=0.3)."
)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"question": ho.CriticalHeight},
            "`question` must be an instance, got the class CriticalHeight; write CriticalHeight(...).",
        ),
        (
            {"question": "height"},
            "`question` must be a question of hillopt, got 'height'; write for example ho.CriticalHeight().",
        ),
        ({"hill": ho.TentHill}, "`hill` must be an instance, got the class TentHill; write TentHill(...)."),
        (
            {"hill": quadratic},
            "`hill` must be a hill of hillopt, got the function quadratic; write ho.hill_from(quadratic, height).",
        ),
        ({"hill": 0.5}, "`hill` must be a hill of hillopt, got 0.5; write for example ho.TentHill(height=0.5)."),
        ({"optimizer": ho.Adam}, "`optimizer` must be an instance, got the class Adam; write Adam(...)."),
        (
            {"optimizer": ho.TentHill},
            "`optimizer` must be an optimizer of hillopt, got the class TentHill; "
            "write for example ho.Adam(learning_rate=0.3).",
        ),
        ({"optimizer": optax.adam(0.3)}, TRANSFORMATION),
        (
            {"optimizer": optax.adam},
            "`optimizer` must be an optimizer of hillopt, got the function adam; "
            "write for example ho.from_optax(adam, learning_rate=0.3).",
        ),
        (
            {"question": ho.CriticalHeight(climb="plain")},
            "`climb` must be a climb of hillopt, got 'plain'; write for example ho.PlainClimb().",
        ),
        (
            {"question": ho.CriticalHeight(climb="latice")},
            "`climb` must be a climb of hillopt, got 'latice'; write for example ho.BlockedClimb().",
        ),
        (
            {"question": ho.CriticalHeight(climb=ho.PlainClimb)},
            "`climb` must be an instance, got the class PlainClimb; write PlainClimb(...).",
        ),
        (
            {"question": ho.CriticalHeight(climb=())},
            "`climb` names none; leave `climb` out, or take ho.BoundedClimb().",
        ),
        (
            {"budget": ho.Doubling},
            "`budget` must be an instance, got the class Doubling; write Doubling(...).",
        ),
    ],
)
def test_a_wrong_kind_is_refused_by_one_sentence(changes, message):
    given = {"question": QUESTION, "hill": HILL, "optimizer": ho.Adam(0.1), "axes": RATE, **changes}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ho.sweep(**given)


GIB = 2**30


@pytest.mark.usefixtures("as_users_call")  # these devices are none
@pytest.mark.parametrize(
    ("reported", "heights", "fit"),
    [
        ([None], None, math.inf),
        ([{"bytes_in_use": 5}], None, math.inf),
        ([{"bytes_limit": 80 * GIB}], None, 2**24),
        ([{"bytes_limit": 4 * GIB}], None, 2**19),
        ([{"bytes_limit": 4 * GIB}, None, {"bytes_limit": 80 * GIB}], None, 2**19),  # the least of them
        ([{"bytes_limit": 4 * GIB}], np.linspace(0.01, 1, 4_000), 2**14),
        ([{"bytes_limit": 100}], None, 1),
    ],
)
def test_a_tile_fits_into_what_every_device_reports(reported, heights, fit):
    devices = [types.SimpleNamespace(memory_stats=lambda told=told: told) for told in reported]
    assert settings_that_fit(ho.CriticalHeight(heights=heights), devices) == fit


def test_a_small_device_has_small_tiles_and_the_same_answer(monkeypatch):
    axes = {"learning_rate": ho.Axis.linear(0.1, 0.8, 23)}
    whole = ho.sweep(QUESTION, HILL, ho.GradientDescent(0.1), axes)
    told: list[ho.Progress] = []
    monkeypatch.setattr("hillopt.sweeps.memory._memory_of", lambda device: 40_000)
    parts = ho.sweep(QUESTION, HILL, ho.GradientDescent(0.1), axes, on_progress=told.append)
    assert told[-1].num_tiles == 3
    assert parts.equals(whole)


def test_a_device_has_its_next_tile_before_the_last_one_is_read(monkeypatch):
    done: list[str] = []

    def walked(self, *args):
        done.append("walk")
        return walk(self, *args)

    def read_by(self, *args):
        done.append("read")
        return read(self, *args)

    walk, read = Program.__call__, _TileWalker._read
    monkeypatch.setattr(Program, "__call__", walked)
    monkeypatch.setattr(_TileWalker, "_read", read_by)
    monkeypatch.setattr(jax, "local_devices", lambda **_: jax.devices()[:1])
    ho.sweep(QUESTION, HILL, ho.GradientDescent(0.1), {"learning_rate": ho.Axis.linear(0.1, 0.8, 23)}, tile=8)
    assert done == ["walk", "walk", "read", "walk", "read", "read"]


def test_what_does_not_fit_into_memory_is_told(monkeypatch):
    def walk(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1800000000736 bytes.")

    monkeypatch.setattr("hillopt.sweeps.scheduler._TileWalker.walk", walk)
    with pytest.raises(
        ValueError, match=r"^`tile` does not fit into the device's memory; give a smaller one, or fewer"
    ):
        ho.sweep(QUESTION, HILL, ho.Adam(0.1), RATE)


@pytest.mark.usefixtures("as_users_call")
def test_an_optax_factory_names_what_is_wrong():
    message = "`radam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'?"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ho.sweep(QUESTION, HILL, ho.from_optax(optax.radam, learning_rate=0.1), {"learning_rat": [0.1]})


def test_float64_must_be_switched_on():
    message = r"^`dtype` float64 is switched off in JAX; call jax\.config\.update\('jax_enable_x64', True\) first"
    with jax.enable_x64(False), pytest.raises(ValueError, match=message):
        ho.sweep(QUESTION, HILL, ho.Adam(0.1), {"learning_rate": [0.3]}, dtype="float64")


def test_an_optimizer_without_a_lattice_cannot_walk_on_one():
    message = r"^`climb=LatticeClimb\(lanes=None\)` cannot serve: Adagrad does not move on a lattice; leave"
    with pytest.raises(ValueError, match=message):
        ho.sweep(ho.CriticalHeight(5, ho.LatticeClimb()), HILL, ho.Adagrad(0.1), {"learning_rate": [0.3]})


def test_an_axis_must_increase_in_the_dtype_of_the_walk():
    axes = {"learning_rate": ho.Axis.linear(0.3, 0.3 + 1e-9, 5)}
    with pytest.raises(ValueError, match=r"`axes\['learning_rate'\]`"):
        ho.sweep(QUESTION, HILL, ho.Adam(0.1), axes, dtype="float32")


def test_a_doubling_budget_goes_on_until_all_is_settled():
    axes = {"b1": BETAS, "learning_rate": RATES}

    def walk(max_steps, **options):
        return ho.sweep(ho.CriticalHeight(max_steps, ho.BoundedClimb()), HILL, ho.Adam(0.1), axes, **options)

    told: list[ho.Progress] = []
    doubled = walk(700, budget=ho.Doubling(64), on_progress=told.append)
    fixed, short = walk(700), walk(64)
    assert (short.verdict == ho.Verdict.UNDECIDED).any()
    for name in ("critical_height", "verdict", "step"):
        np.testing.assert_array_equal(doubled[name], fixed[name], err_msg=name)
    same = (short.verdict != ho.Verdict.UNDECIDED).values
    for name in short.data_vars:
        np.testing.assert_array_equal(doubled[name].values[same], short[name].values[same], err_msg=str(name))
    assert doubled.attrs["max_steps"] == 700
    assert told[-1].steps == doubled.num_steps.values.sum()


@pytest.mark.slow  # who is asked again is the same whatever the tile, which the next test but one tells
def test_a_doubling_budget_does_not_depend_on_the_tile():
    axes, question = {"decay": BETAS, "learning_rate": RATES}, ho.CriticalHeight(3000)
    whole, parts = (
        ho.sweep(question, HILL, ho.RMSprop(0.1), axes, tile=tile, budget=ho.Doubling()) for tile in (2**16, 7)
    )
    xarray.testing.assert_identical(whole, parts)


def test_a_doubling_budget_begins_where_it_is_told():
    axes = {"learning_rate": RATES}
    judged = ho.CriticalHeight(700, ho.BoundedClimb(), heights=HEIGHTS)
    early, late = (ho.sweep(judged, HILL, ho.Adam(0.1), axes, budget=ho.Doubling(first)) for first in (64, 700))
    for name in ("critical_height", "verdict", "step", "certainty", "verdict_at_height", "certainty_at_height"):
        np.testing.assert_array_equal(early[name], late[name], err_msg=name)
    assert early.num_steps.values.sum() <= late.num_steps.values.sum()


def test_a_doubling_budget_goes_on_for_a_height_between_the_ends_of_a_settled_one():
    trapped, undecided, escaped = ho.Verdict.TRAPPED, ho.Verdict.UNDECIDED, ho.Verdict.ESCAPED
    first = {
        "verdict": [trapped, trapped, undecided],
        "verdict_at_height": [[escaped, undecided, escaped], [trapped] * 3],
    }
    lanes, walked = Lanes({"x": np.arange(3.0)[None]}, np.zeros((1, 3), int), np.arange(3)[None]), []

    def walk(lanes, steps):
        walked.append((lanes.swept["x"].tolist(), steps))
        return {"verdict": np.full((1, 2), trapped), "verdict_at_height": np.full((2, 1, 2), trapped)}

    answer = {name: np.asarray(values).reshape(*np.shape(values)[:-1], 1, 3) for name, values in first.items()}
    found = settle(answer, lanes, walk, first=16, most=64, width=2)
    assert walked == [([[1.0, 2.0]], 32)]
    np.testing.assert_array_equal(found["verdict_at_height"][:, 0], [[escaped, trapped, trapped], [trapped] * 3])


@pytest.mark.parametrize(
    "question",
    [ho.CriticalHeight(climb=ho.BlockedClimb()), ho.Loss(), ho.Stability()],
    ids=["blocked", "loss", "stability"],
)
def test_a_doubling_budget_takes_proofs(question):
    with pytest.raises(ValueError, match=r"^`budget` goes on with what is undecided"):
        ho.sweep(question, HILL, ho.Adam(0.1), {"learning_rate": [0.1]}, budget=ho.Doubling())


def test_a_budget_has_a_first_step():
    with pytest.raises(ValueError, match=r"^`first` must lie between 1 and 2147483647, got 0;"):
        ho.Doubling(0)


def test_a_disk_without_room_is_refused_before_any_walk(tmp_path, monkeypatch):
    monkeypatch.setattr("hillopt.sweeps.place.shutil.disk_usage", lambda _: type("Usage", (), {"free": 50}))
    walked = []
    store = ho.Store(tmp_path / "x.zarr")
    with pytest.raises(
        ValueError, match=r"2\.38e-07 GiB for its checksums alone \(tiles: 1\), and the disk has 4\.66e-08"
    ):
        ho.sweep(QUESTION, HILL, ho.Adam(0.1), RATE, store=store, on_progress=walked.append)
    assert not walked
    assert not list(tmp_path.iterdir())


def test_a_sweep_saves_what_it_returns(tmp_path):
    question = ho.CriticalHeight(heights=[0.1])
    data = ho.sweep(question, HILL, ho.Adam(0.1), RATE, store=ho.Store(tmp_path / "x.zarr"))
    xarray.testing.assert_identical(data, xarray.open_zarr(tmp_path / "x.zarr", consolidated=False, chunks=None).load())
