"""When a run trains: against closed forms, and a loop in plain Python."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest

import hillopt as ho

CURVATURE = 2.0


class Bowl(ho.AbstractLandscape):
    """Curvature x^2 / 2 from 1."""

    curvature: ho.Number = ho.hyperparameter(ho.POSITIVE, default=CURVATURE)
    start = 1.0

    def value(self, position):
        return self.curvature * position * position / 2


def losses_of(learning_rate, momentum, steps):
    """By heavy ball in plain Python."""
    x, trace, losses = 1.0, 0.0, []
    for _ in range(steps):
        losses.append(CURVATURE * x * x / 2)
        trace = CURVATURE * x + momentum * trace
        x -= learning_rate * trace
    return losses


def ended(losses, window=20, level=1.0, ceiling=1e6):
    """Label, ratio and measure by the definition."""
    values = [min(loss / losses[0], ceiling) if math.isfinite(loss) else ceiling for loss in losses]
    ratio = sum(values[-window:]) / window
    if ratio < level:
        return ho.Training.CONVERGED, ratio, -sum(values)
    label = ho.Training.DIVERGED if max(values) >= ceiling else ho.Training.BOUNDED
    return label, ratio, sum(1 / value for value in values)


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.8])
def test_heavy_ball_converges_below_its_edge_alone(momentum):
    """The edge is 2 (1 + b) / curvature; at it the loss neither falls nor rises."""
    edge = 2 * (1 + momentum) / CURVATURE
    rates = edge * np.array([0.1, 0.9, 0.99, 1.0, 1.01, 1.5, 1e150])
    answer = ho.ask(ho.Trainability(max_steps=1_500), Bowl(), ho.HeavyBall(rates, momentum))
    labels = [ho.Training.CONVERGED] * 3 + [ho.Training.DIVERGED] * 3
    np.testing.assert_array_equal(np.asarray(answer.outcome)[[0, 1, 2, 4, 5, 6]], labels)


@pytest.mark.parametrize("rate", [0.3, 0.97, 1.0, 1.001, 1.5, 30.0, 1e200])
def test_every_field_is_that_of_a_plain_loop(rate):
    losses = losses_of(rate, 0.0, 60)
    label, ratio, measure = ended(losses)
    answer = ho.ask(ho.Trainability(max_steps=60, target=0.25), ho.WalkRun(Bowl(), ho.GradientDescent(rate)), None)
    assert answer.outcome == label
    np.testing.assert_allclose([answer.ratio, answer.measure], [ratio, measure], rtol=1e-12)
    np.testing.assert_allclose(answer.loss, losses[-1], rtol=1e-12)
    reached = next((step for step, loss in enumerate(losses) if loss <= 0.25), None)
    assert bool(answer.reached) == (reached is not None)
    assert answer.first_step == (60 if reached is None else reached)


def test_a_run_that_stands_still_is_not_followed_and_has_the_same_answer():
    """At rate 1 / curvature the minimum is met in one step; beyond the range of numbers all is NaN for ever."""
    answer = ho.ask(ho.Trainability(max_steps=100_000), Bowl(), ho.GradientDescent(np.array([1 / CURVATURE, 1e300])))
    np.testing.assert_array_equal(answer.outcome, [ho.Training.CONVERGED, ho.Training.DIVERGED])
    assert np.all(np.asarray(answer.num_steps) < 10)
    np.testing.assert_allclose(answer.measure[0], -1.0)


@pytest.mark.parametrize("optimizer", [ho.Adam(0.1), ho.optax_named("adam", learning_rate=0.1), ho.Lion(0.01)])
def test_any_optimizer_answers(optimizer):
    answer = ho.ask(ho.Trainability(max_steps=200), Bowl(), optimizer)
    assert answer.outcome == ho.Training.CONVERGED


def test_ours_and_optax_agree():
    rates = np.geomspace(1e-3, 10, 20)
    ours, theirs = (
        ho.ask(ho.Trainability(max_steps=100), Bowl(), optimizer)
        for optimizer in (ho.HeavyBall(rates, 0.9), ho.from_optax(optax.sgd, learning_rate=rates, momentum=0.9))
    )
    np.testing.assert_array_equal(ours.outcome, theirs.outcome)
    np.testing.assert_allclose(ours.ratio, theirs.ratio, rtol=1e-9)


def test_a_sweep_is_the_same_as_asking_and_swept_numbers_are_both_owners(tmp_path):
    axes = {
        "learning_rate": np.linspace(0.1, 3, 7),
        "curvature": np.array([0.5, 1.0, 2.0]),
        "level": np.array([0.5, 1.0]),
    }
    question, run = ho.Trainability(max_steps=50), ho.WalkRun(Bowl(), ho.GradientDescent(1.0))
    dataset = ho.sweep(question, run, None, axes, dtype="float64")
    rate, curvature, level = np.meshgrid(*axes.values(), indexing="ij")
    answer = ho.ask(question.replace(level=level), Bowl(curvature), ho.GradientDescent(rate))
    np.testing.assert_array_equal(dataset["outcome"], answer.outcome)
    np.testing.assert_allclose(dataset["ratio"], answer.ratio, rtol=1e-12)
    assert dataset.attrs["title"] == "Trainability of GradientDescent on Bowl"


def test_a_store_goes_on_with_the_same_run_alone(tmp_path):
    question, axes = ho.Trainability(max_steps=50), {"learning_rate": np.linspace(0.1, 3, 7)}
    store = ho.Store(tmp_path / "run.zarr")
    whole = ho.sweep(question, Bowl(), ho.GradientDescent(1.0), axes, dtype="float64", store=store)
    again = ho.sweep(
        question, Bowl(), ho.GradientDescent(1.0), axes, dtype="float64", store=ho.Store(store.path, resume=True)
    )
    assert whole.load().identical(again.load())
    with pytest.raises(ValueError, match="hill='GradientDescent on Bowl', not 'HeavyBall on Bowl'"):
        ho.sweep(question, Bowl(), ho.HeavyBall(1.0), axes, dtype="float64", store=ho.Store(store.path, resume=True))


@pytest.mark.parametrize(
    ("question", "run", "optimizer", "sentence"),
    [
        (
            ho.Trainability(window=21, max_steps=20),
            Bowl(),
            ho.Adam(0.1),
            "`window` must be at most max_steps=20, got 21",
        ),
        (ho.Trainability(window=0), Bowl(), ho.Adam(0.1), "`window` must lie between 1 and"),
        (
            ho.Trainability(level=0.0),
            Bowl(),
            ho.Adam(0.1),
            r"`Trainability\(level=...\)` must lie in \(0, inf\), got 0",
        ),
        (ho.Trainability(), ho.WalkRun(Bowl(), ho.Adam(0.1)), ho.Adam(0.1), "`optimizer` must be None beside a run"),
        (ho.Trainability(), Bowl(), None, "`optimizer` must be an optimizer of hillopt, got None"),
        (ho.Trainability(), 3, None, "`hill` must be a run of hillopt, got 3; write for example ho.WalkRun"),
        (ho.Loss(), ho.WalkRun(Bowl(), ho.Adam(0.1)), None, "`hill` must be a landscape of hillopt, got a WalkRun"),
        (ho.Trainability(), ho.WalkRun(Bowl(), ho.Adam(-1.0)), None, r"`Adam\(learning_rate=...\)` must lie in"),
    ],
)
def test_what_cannot_be_asked_is_refused(question, run, optimizer, sentence, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=sentence):
        ho.ask(question, run, optimizer)


def test_it_has_no_derivative_and_says_so():
    with pytest.raises(ValueError, match="has no derivative: labels jump; ask for losses"):
        jax.grad(lambda rate: ho.ask(ho.Trainability(), Bowl(), ho.GradientDescent(rate)).ratio)(jnp.asarray(0.1))


def test_ends_beside_the_edge_turn_with_the_last_digit_and_no_others_do():
    """At rate 2 / curvature one unit in the last place decides between the ratios 1 and less."""
    rates = np.array([0.5, 2 / CURVATURE, 1.5])
    question = ho.TrainabilityStability(num_repeats=40, max_steps=2_000)
    answer = ho.ask(question, Bowl(), ho.GradientDescent(rates), jax.random.key(0))
    np.testing.assert_array_equal(answer.outcome[np.array([0, 2])], [ho.Training.CONVERGED, ho.Training.DIVERGED])
    np.testing.assert_array_equal(answer.flipped[np.array([0, 2])], 0)
    assert 0.1 < answer.flipped[1] < 0.9
    with pytest.raises(ValueError, match="`num_repeats` must be at least 1, got 0"):
        ho.ask(ho.TrainabilityStability(num_repeats=0), Bowl(), ho.GradientDescent(rates), jax.random.key(0))


def test_ends_are_drawn_in_their_colours_with_shares_and_over_one_axis_by_name(tmp_path):
    axes = {"learning_rate": ho.Axis.log(0.1, 10, 20), "momentum": np.linspace(0, 0.9, 4)}
    dataset = ho.sweep(ho.Trainability(max_steps=60), Bowl(), ho.HeavyBall(1.0), axes, dtype="float64")
    figure = ho.plot(dataset)
    (mesh,) = figure.axes[0].collections
    drawn, ends = mesh.get_array().reshape(4, 20), dataset["outcome"].values.T
    np.testing.assert_array_equal(np.floor(drawn), ends)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[0] == f"converged ({(ends == 0).mean():.1%}), the deeper the slower"
    fast = dataset["measure"].values.T[ends == ho.Training.CONVERGED].argmax()
    assert (drawn - ends)[ends == ho.Training.CONVERGED].argmin() == fast
    ticks = ho.plot(dataset.isel(momentum=0)).axes[0].get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["converged", "bounded", "diverged"]


def test_an_accelerator_trains_as_many_networks_side_by_side_as_fill_it(as_on_a_cpu, monkeypatch):
    run = ho.NETWORKS["tanh"]
    assert ho.Trainability().prepared(run, None).lanes == run.lanes == 8
    monkeypatch.setattr("hillopt.questions.trainability.on_accelerator", lambda: True)
    assert ho.Trainability().prepared(run, None).lanes == 4_096
    assert ho.Trainability().prepared(dataclasses.replace(run, lanes=10_000), None).lanes == 10_000
