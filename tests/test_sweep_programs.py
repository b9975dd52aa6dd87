"""One program for all tiles, devices and sweeps of a kind; tiles that fit, and one that a device has in advance."""

import math
import threading
import types

import jax
import numpy as np
import pytest
from small_sweeps import HILL, QUESTION, RATE

import hillopt as ho
from hillopt.questions.contract import _answer
from hillopt.sweeps.memory import settings_that_fit
from hillopt.sweeps.program import Program, _program
from hillopt.sweeps.scheduler import _TileWalker


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


def test_while_the_devices_compile_the_caller_has_time_for_something_else():
    axes, told = {"learning_rate": [0.1, 0.2]}, []
    ho.sweep(
        ho.CriticalHeight(20, ho.PlainClimb()),
        HILL,
        ho.GradientDescent(0.1),
        axes,
        on_progress=told.append,
        meanwhile=lambda: told.append(threading.current_thread()),
    )
    assert told[0] is threading.current_thread()
    assert [type(each) for each in told[1:]] == [ho.Progress]


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


@pytest.mark.slow
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
