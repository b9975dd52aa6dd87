"""What rounding decides is asked again in a higher precision, until nothing is flagged."""

import threading
from fractions import Fraction

import jax
import numpy as np
import optax
import pytest
from test_exact import HEIGHTS

import hillopt as ho
from hillopt.exact import as_typed, walk_exactly
from hillopt.exact import lattice as exact_lattice
from hillopt.questions import again
from hillopt.sweeps import scheduler
from launch import asked, summary, sweep

TENT, SGD = ho.TentHill(), ho.from_optax(optax.sgd, learning_rate=0.25)
RATES, BETAS = np.array([0.01, 0.05, 0.1, 0.2, 0.3, 1.0, 0.12345]), np.array([[0.0], [0.5], [0.9], [0.99]])
AUTO = ho.CriticalHeight(2_000, precision="auto")


def fields(answer):
    return {name: np.asarray(field) for name, field in answer.items()}


def answered(dtype):
    """The grid above, asked again where flagged and not."""
    optimizer = ho.Adam(RATES.astype(dtype), BETAS.astype(dtype))
    with jax.enable_x64(dtype == np.float64):
        return fields(ho.ask(AUTO, TENT, optimizer)), fields(ho.ask(AUTO.replace(precision=None), TENT, optimizer))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_stays_flagged_and_what_was_not_stays_what_it_was(dtype):
    again, once = answered(dtype)
    flagged = once["certainty"] == ho.Certainty.FLAGGED
    assert 10 < flagged.sum() < flagged.size
    assert np.array_equal(again["certainty"] == ho.Certainty.AS_TYPED, flagged)
    assert all(again[name].dtype == once[name].dtype for name in once)
    for name, field in once.items():
        np.testing.assert_array_equal(again[name][~flagged], field[~flagged], err_msg=name)


@pytest.mark.parametrize("dtype", [pytest.param(np.float32, marks=pytest.mark.slow), np.float64])
def test_answers_are_those_of_the_numbers_as_typed(dtype):
    again, _ = answered(dtype)
    for index in np.ndindex(again["certainty"].shape):
        rate, b1 = dtype(RATES[index[1]]), dtype(BETAS[index[0], 0])
        assert as_typed(rate) == Fraction(str(RATES[index[1]]))  # of float32 too
        walk = walk_exactly(TENT.flank(), ho.Adam(rate, b1), 2_000)
        off = abs(Fraction(float(again["critical_height"][index])) - walk.highest)
        assert off <= Fraction(float(again["error"][index])) + walk.error
        assert Fraction(float(again["upper"][index])) >= walk.highest
        assert again["verdict"][index] == ho.Verdict.TRAPPED
        if again["certainty"][index] == ho.Certainty.AS_TYPED:
            assert again["error"][index] <= 1e-9 + 2 * np.finfo(dtype).eps * again["critical_height"][index]


@pytest.mark.parametrize(("rate", "b1", "steps", "height", "step"), HEIGHTS[:4])
def test_published_heights_on_knife_edges_are_certified_as_typed(rate, b1, steps, height, step):
    answer = ho.critical_height(TENT, ho.Adam(rate, b1), max_steps=steps, precision="auto")
    assert answer.certainty == ho.Certainty.AS_TYPED
    assert answer.certified
    assert answer.settled
    assert float(answer.critical_height) == pytest.approx(height, rel=3e-16)
    assert step in (None, int(answer.step))
    assert answer.error <= 2.0**-53 * height


@pytest.mark.slow
def test_hills_that_are_met_exactly_are_escaped():
    """Gradient descent with 0.3 rises to exactly 0.2, with 0.1 to exactly 0.1."""
    question = ho.CriticalHeight(100, heights=np.array([0.1, 0.2, 0.3]), precision="auto")
    answer = ho.ask(question, TENT, ho.GradientDescent(np.array([0.3, 0.1])))
    escaped, trapped = ho.Verdict.ESCAPED, ho.Verdict.TRAPPED
    np.testing.assert_array_equal(
        answer.verdict_at_height.T, [[escaped, escaped, trapped], [escaped, trapped, trapped]]
    )
    assert np.all(answer.certainty_at_height == ho.Certainty.AS_TYPED)
    once = ho.ask(question.replace(precision=None), TENT, ho.GradientDescent(np.array([0.3, 0.1])))
    assert once.certainty_at_height[1, 0] == ho.Certainty.FLAGGED


@pytest.mark.parametrize(
    ("optimizer", "height", "verdict", "step"),
    [
        (ho.GradientDescent(0.3), 0.2, ho.Verdict.ESCAPED, 4),
        (ho.Adam(0.01), 0.034, ho.Verdict.ESCAPED, 107),
        (ho.Adam(0.01), 0.0344, ho.Verdict.TRAPPED, None),
    ],
)
def test_escapes_are_decided_as_typed(optimizer, height, verdict, step):
    answer = ho.escape(ho.TentHill(height), optimizer, precision="auto")
    assert (answer.verdict, answer.certainty) == (verdict, ho.Certainty.AS_TYPED)
    assert step in (None, int(answer.step))
    assert ho.escape(ho.TentHill(height), optimizer).certainty == ho.Certainty.FLAGGED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hill", "optimizer", "steps", "verdict"),
    [
        (TENT.at(0.25), SGD, 30, ho.Verdict.ESCAPED),
        (ho.WedgeHill(0.3), ho.GradientDescent(0.25), 30, ho.Verdict.ESCAPED),
        (ho.WedgeHill(0.3), ho.GradientDescent(0.25), again.STEP_BY_STEP + 1, None),
        (ho.GaussianHill(0.3), ho.GradientDescent(0.5), 30, None),
    ],
)
def test_off_the_lattice_few_are_walked_step_by_step(hill, optimizer, steps, verdict):
    once, twice = (ho.escape(hill, optimizer, max_steps=steps, precision=each) for each in (None, "auto"))
    if verdict is None:
        assert repr(once) == repr(twice)
    else:
        assert once.certainty == ho.Certainty.FLAGGED
        assert (twice.verdict, twice.certainty, twice.step) == (verdict, ho.Certainty.AS_TYPED, 5)


def swept(tile, **given):
    told = []
    axes = {"learning_rate": RATES[:6], "b1": BETAS[:, 0]}
    dataset = ho.sweep(AUTO, TENT, ho.Adam(0.1), axes, tile=tile, on_progress=told.append, **given)
    return dataset, told[-1]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sweep_asks_again_whatever_its_tiles_and_tells_what_that_took(dtype):
    whole, told = swept(24, dtype=dtype)
    parts, _ = swept(5, dtype=dtype)
    assert whole.identical(parts)
    assert not np.any(whole["certainty"] == ho.Certainty.FLAGGED)
    assert [cost.precision for cost in told.costs] == (["float64", "exact"] if dtype == "float32" else ["exact"])
    assert told.costs[-1].answered == told.costs[-1].asked >= 10
    again = int((whole["certainty"] == ho.Certainty.AS_TYPED).sum())
    assert again == sum(cost.answered for cost in told.costs) == told.costs[0].asked


@pytest.mark.slow
def test_devices_walk_on_while_the_caller_asks_again(monkeypatch):
    """Exact arithmetic in their threads held up whoever stored a tile."""
    threads, ask = [], scheduler.in_higher_precision

    def noted(*arguments):
        threads.append(threading.current_thread())
        return ask(*arguments)

    monkeypatch.setattr(scheduler, "in_higher_precision", noted)
    swept(5)
    assert set(threads) == {threading.current_thread()}


@pytest.mark.slow
def test_what_takes_too_much_effort_stays_flagged_and_is_told(monkeypatch):
    monkeypatch.setattr(exact_lattice, "MOST_STEPS", 20)
    dataset, told = swept(24)
    (cost,) = told.costs
    assert 0 < cost.answered < cost.asked
    assert int((dataset["certainty"] == ho.Certainty.FLAGGED).sum()) == cost.asked - cost.answered


def test_the_summary_tells_what_was_asked_again():
    told = [summary.cost(ho.Cost(*each)) for each in [("float64", 5_172, 4_916, 1.25), ("exact", 256, 256, 0.04)]]
    assert told == [
        "  asked again in float64: 5,172, of which 4,916 are answered, 1.2 s",
        "  asked again in exact arithmetic: 256, of which 256 are answered, 0.0 s",
    ]


@pytest.mark.parametrize(
    ("settings", "precision"),
    [
        (sweep.Settings(), "auto"),
        (sweep.Settings(precision="once"), None),
        (sweep.Settings(climb="fast"), None),
        (sweep.Settings(climb="bounded"), "auto"),
        (sweep.PRESETS["wedge"], "auto"),
        (sweep.Settings(climb="plain", precision="auto"), "auto"),  # which the library refuses
    ],
)
def test_a_command_asks_again_where_proofs_are_attempted(settings, precision):
    assert asked.question_of(settings).precision == precision
