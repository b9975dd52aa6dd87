"""What cannot be swept is refused by one sentence before any walk."""

import re

import jax
import numpy as np
import optax
import pytest
from small_sweeps import HILL, QUESTION, RATE

import hillopt as ho

BIG = ho.Axis.linear(0.1, 0.9, 40_000)


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
