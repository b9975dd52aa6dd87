"""Sweeps of every question against the question itself, one setting at a time; and questions of a user's own."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt import pictures

RATES, HEIGHTS = ho.Axis.linear(0.05, 0.6, 5), ho.Axis.linear(0.05, 0.6, 4)
BALL = ho.HeavyBall(0.1)


def test_one_row_of_settings_is_filled_up_with_the_questions_own_numbers():
    """Eighteen walk as twenty, so that nineteen compile nothing; what is swept of the question goes along."""
    rates, scales = np.linspace(0.02, 0.3, 18), np.linspace(0.1, 3.0, 18)
    asked = ho.EscapeProbability(ho.GaussianNoise(scales), num_walks=20, max_steps=30)
    together = ho.ask(asked, ho.TentHill(0.1), ho.Adam(rates), jax.random.key(2))
    assert together.probability.shape == (18,)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(2), np.arange(18))
    for index in (0, 9, 17):
        alone = asked.replace(noise_scale=scales[index])
        answer = ho.ask(alone, ho.TentHill(0.1), ho.Adam(rates[index]), keys[index][None])
        assert answer.probability[0] == together.probability[index]


@pytest.mark.slow
def test_lengths_that_differ_a_little_share_a_compilation():
    from hillopt.questions.contract import _answer

    ho.critical_height(ho.TentHill(), ho.Adam(np.linspace(0.1, 0.9, 73)), max_steps=50)
    compiled = _answer._cache_size()
    answer = ho.critical_height(ho.TentHill(), ho.Adam(np.linspace(0.2, 0.8, 79)), max_steps=60)
    assert answer.critical_height.shape == (79,)
    assert _answer._cache_size() == compiled


def test_escapes_are_those_of_escape():
    axes = {"learning_rate": RATES, "height": HEIGHTS, "half_width": [0.2, 0.3]}
    found = ho.sweep(ho.Escape(80, ho.PlainClimb()), ho.WedgeHill(1.0), ho.GradientDescent(0.1), axes)
    assert found.verdict.dims == ("learning_rate", "height", "half_width")
    for (i, rate), (j, height) in [((1, RATES.values[1]), (2, HEIGHTS.values[2])), ((4, 0.6), (0, 0.05))]:
        policy = {"max_steps": 80, "climb": ho.PlainClimb()}
        alone = ho.escape(ho.WedgeHill(height, 0.3), ho.GradientDescent(rate), **policy)
        assert found.verdict.values[i, j, 1] == alone.verdict
        assert found.step.values[i, j, 1] == alone.step


def test_probabilities_and_passages_are_those_of_first_passages():
    axes = {"noise_scale": [0.5, 3.0], "learning_rate": [0.02, 0.05]}
    noise, hill = ho.GaussianNoise(1.0), ho.TentHill(0.1)
    chances = ho.sweep(ho.EscapeProbability(noise, 60, 120), hill, BALL, axes, seed=4)
    times = ho.sweep(ho.PassageTime(noise, 60, 120), hill, BALL, axes, seed=4)
    lanes = [(0.5, 0.02), (0.5, 0.05), (3.0, 0.02), (3.0, 0.05)]  # the learning rate runs fastest
    for number, (scale, rate) in enumerate(lanes):
        key = jax.random.fold_in(jax.random.key(4), number)[None]
        walks = ho.first_passages(
            hill, ho.HeavyBall(np.array([rate])), ho.GaussianNoise(scale), key, num_walks=60, max_steps=120
        )
        where = {"noise_scale": scale, "learning_rate": rate}
        assert chances.probability.sel(where).item() == pytest.approx(ho.escape_probability(walks).value.item())
        assert times.passage_time.sel(where).item() == pytest.approx(ho.passage_time(walks).value.item(), rel=1e-12)
        assert times.escaped.sel(where).item() == pytest.approx(walks.escaped.mean().item())


def test_losses_are_those_of_the_walk():
    axes, hill = {"learning_rate": RATES, "height": HEIGHTS}, ho.RoughBowl(0.0)
    found = ho.sweep(ho.Loss(6), hill, ho.from_optax(optax.nadam, learning_rate=0.1), axes)
    for i, rate in enumerate(RATES.values):
        for j, height in enumerate(HEIGHTS.values):
            walk = ho.trajectory(hill.at(height), ho.from_optax(optax.nadam, learning_rate=rate), max_steps=6)
            values = [float(hill.at(height).value(x)) for x in walk.position]
            assert found.loss.values[i, j] == pytest.approx(values[-1], rel=1e-9)
            assert found.lowest.values[i, j] == pytest.approx(min(values), rel=1e-9)


ASKED = {
    "escape": ho.Escape(40, ho.PlainClimb()),
    "escape, proved": ho.Escape(40),
    "probability": ho.EscapeProbability(ho.GaussianNoise(1.0), 20, 40),
    "loss": ho.Loss(40),
    "stability": ho.Stability(16, 40),
}


@pytest.mark.slow  # test_sweep.py cuts sweeps into tiles of any size
@pytest.mark.parametrize("question", ASKED.values(), ids=ASKED)
def test_the_tile_changes_no_bit(question):
    axes = {"learning_rate": RATES, "height": HEIGHTS}
    one, many = (ho.sweep(question, ho.DoubleWell(1.0), BALL, axes, tile=tile) for tile in (100, 3))
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, many[name].values)


def test_another_seed_is_other_noise():
    axes = {"learning_rate": RATES}
    zero, again, one = (
        ho.sweep(ASKED["probability"], ho.TentHill(0.7), BALL, axes, seed=seed).probability for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(zero, again)
    assert (zero != one).any()


DRAWN = {
    "verdict": ho.Escape(30, ho.PlainClimb()),
    "probability": ho.EscapeProbability(ho.GaussianNoise(1.0), 10, 30),
    "passage_time": ho.PassageTime(ho.GaussianNoise(1.0), 10, 30),
    "loss": ho.Loss(30),
    "flipped": ho.Stability(16, 30),
}


@pytest.mark.slow
@pytest.mark.parametrize(("field", "question"), DRAWN.items(), ids=DRAWN)
@pytest.mark.parametrize("dims", [1, 3])
def test_every_question_is_drawn(field, question, dims, tmp_path):
    axes = dict([("learning_rate", RATES), ("height", HEIGHTS), ("momentum", [0.5, 0.9])][:dims])
    data = ho.sweep(question, ho.TentHill(0.1), BALL, axes)
    figure = ho.plot(data)
    pictures.write(figure, [tmp_path / "one.png", tmp_path / "one.pdf"])
    assert (tmp_path / "one.png").stat().st_size > 5_000
    if dims > 1:  # a facet for each value of the third axis
        for facet in range(2):
            mesh = figure.axes[facet].collections[0]
            shown = np.ma.filled(np.ma.asarray(mesh.get_array(), float).reshape(4, 5), np.nan)
            values = data[field].values[..., facet].astype(float)
            np.testing.assert_allclose(shown, np.where(np.isfinite(values.T), values.T, np.nan))


def test_an_answer_is_a_frozen_record():
    answer = ho.critical_height(ho.TentHill(), ho.Adam(np.array([0.1, 0.3])), max_steps=300)
    assert dict(answer.items()).keys() == ho.CriticalHeightAnswer.about().keys() - {
        "verdict_at_height",
        "certainty_at_height",
    }
    with pytest.raises(AttributeError, match="CriticalHeightAnswer is frozen"):
        answer.verdict = 3
    np.testing.assert_array_equal(answer.settled, answer.verdict == ho.Verdict.TRAPPED)
    np.testing.assert_array_equal(answer.certified, answer.certainty == ho.Certainty.CERTIFIED)
    assert "verdict=i8[2](2 TRAPPED)" in repr(answer)


def test_an_answer_becomes_a_data_set():
    rates = np.array([0.1, 0.3, 0.5])
    asked = ho.CriticalHeight(60, ho.PlainClimb(), heights=[0.1, 0.4])
    answer = ho.ask(asked, ho.TentHill(), ho.Adam(rates))
    data = answer.to_dataset({"learning_rate": rates}, height=[0.1, 0.4])
    assert data.critical_height.dims == ("learning_rate",)
    assert data.verdict_at_height.dims == ("height", "learning_rate")
    swept = ho.sweep(asked, ho.TentHill(), ho.Adam(0.1), {"learning_rate": rates})
    for name, values in data.items():
        np.testing.assert_allclose(values, swept[name], rtol=1e-12, err_msg=str(name))
        assert values.attrs == swept[name].attrs
    with pytest.raises(ValueError, match=r"^`dims` must name the 1 dimensions of the settings, got one, two\.$"):
        answer.to_dataset(["one", "two"])


class Reach(ho.AbstractAnswer):
    """The farthest place of a walk."""

    farthest: jax.Array = ho.described("farthest place met")
    lifted: jax.Array = ho.described("the same, times levels", dims=("level",))


class HowFar(ho.AbstractQuestion):
    """How far does a walk get within max_steps?"""

    factor: float = ho.hyperparameter(ho.POSITIVE, default=1.0)
    max_steps: int = ho.single(default=20)

    title = "Reaches"
    look = ho.Look("farthest", "farthest place")
    answer_type = Reach

    @ho.setting_by_setting
    def answer(self, hill, optimizer, key):
        def step(_, carry):
            (position, state), farthest = carry
            position, state = ho.move(hill, optimizer, position, state)
            return (position, state), jnp.maximum(farthest, position)

        begin = ho.set_out(hill, optimizer)
        farthest = self.factor * jax.lax.fori_loop(0, self.max_steps, step, (begin, begin[0]))[1]
        return Reach(farthest, farthest * jnp.arange(2.0))

    def coordinates(self):
        return {"level": [0.0, 1.0]}


def test_a_question_of_ones_own_is_swept_stored_resumed_and_drawn(tmp_path):
    axes = {"learning_rate": RATES, "momentum": [0.5, 0.9], "factor": [1.0, 2.0]}

    def sweep(**options):
        return ho.sweep(HowFar(), ho.TentHill(0.3), BALL, axes, tile=5, **options)

    whole, told = sweep(), list[ho.Progress]()
    assert whole.farthest.dims == tuple(axes)
    assert whole.lifted.dims == ("level", *axes)
    for (i, rate), (j, momentum) in [((0, 0.05), (1, 0.9)), ((4, 0.6), (0, 0.5))]:
        walk = ho.trajectory(ho.TentHill(0.3), ho.HeavyBall(rate, momentum), max_steps=20)
        np.testing.assert_allclose(whole.farthest[i, j], walk.position.max() * np.array([1, 2]), rtol=1e-12)
    np.testing.assert_array_equal(whole.lifted[1], whole.farthest)

    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(store=ho.Store(tmp_path / "s.zarr"), on_progress=stop)
    resumed = sweep(store=ho.Store(tmp_path / "s.zarr", resume=True), on_progress=told.append)
    assert 5 <= told[0].found < told[-1].cells == 20
    for name, values in whole.items():
        np.testing.assert_array_equal(resumed[name], values)
    with pytest.raises(ValueError, match="was begun with question='HowFar', not 'Loss'"):
        ho.sweep(
            ho.Loss(),
            ho.TentHill(0.3),
            BALL,
            {"learning_rate": RATES},
            store=ho.Store(tmp_path / "s.zarr", resume=True),
        )
    figure = ho.plot(resumed)
    assert figure.get_suptitle().startswith("Reaches of HeavyBall on TentHill")
    shown = figure.axes[0].collections[0].get_array().reshape(2, 5)
    np.testing.assert_array_equal(shown, whole.farthest[..., 0].values.T)
    assert ho.plot(whole.isel(momentum=0, factor=0, drop=True)).axes[0].get_ylabel() == "farthest place"


def test_a_question_of_ones_own_is_asked_alone():
    answer = ho.ask(HowFar(2.0), ho.TentHill(0.3), ho.HeavyBall(np.array([0.1, 0.2])))
    walk = ho.trajectory(ho.TentHill(0.3), ho.HeavyBall(0.2), max_steps=20)
    assert answer.farthest[1] == pytest.approx(2 * walk.position.max())
    with pytest.raises(ValueError, match=r"^`HowFar\(factor=\.\.\.\)` must lie in \(0, inf\), got -1;"):
        ho.ask(HowFar(-1.0), ho.TentHill(0.3), BALL)


WEDGE = ho.WedgeHill(1.0)
REFUSED = [
    ({"question": "heights"}, "`question` must be a question of hillopt, got 'heights'; write for example"),
    (
        {"question": ho.EscapeProbability(ho.GaussianNoise(-1.0), 10)},
        "`GaussianNoise(scale=...)` must lie in [0, inf), got -1;",
    ),
    (
        {"question": ho.EscapeProbability(ho.GaussianNoise(1.0), 10), "axes": {"noise_scale": [-1.0, 1.0]}},
        "`GaussianNoise(scale=...)` must lie in [0, inf), got -1;",
    ),
    ({"question": ho.Loss(), "axes": {"noise_scale": [1.0]}}, "`HeavyBall` has no hyperparameter 'noise_scale'"),
    ({"question": ho.EscapeProbability(ho.GaussianNoise(1.0), 0)}, "`num_walks` must be at least 1, got 0"),
    ({"question": ho.Stability(0)}, "`num_repeats` must be at least 1, got 0"),
    ({"hill": WEDGE}, "`WedgeHill` has another flank for every height"),
    ({"hill": WEDGE, "axes": {"height": HEIGHTS}}, "`axes['height']` is not walked for critical heights"),
    ({"question": ho.Escape(), "axes": {"half_with": [0.1]}}, "`HeavyBall` has no hyperparameter 'half_with'"),
    (
        {"question": ho.Escape(), "axes": {"height": [-0.1, 0.1]}},
        "`height` must be finite and not negative, got -0.1;",
    ),
]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_cannot_be_swept_is_refused(changes, message):
    given = {
        "question": ho.CriticalHeight(),
        "hill": ho.TentHill(0.1),
        "optimizer": BALL,
        "axes": {"learning_rate": RATES},
    }
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the sentence is compared
        ho.sweep(**{**given, **changes})
    assert str(refused.value).startswith(message)


class Slide(ho.AbstractLandscape):
    """A quadratic bowl of two numbers, and no hill."""

    sharpness: ho.Number

    start: ClassVar[tuple[float, float]] = (1.0, -2.0)

    def value(self, position):
        return self.sharpness * jnp.sum(jnp.square(position)) / 2


def test_what_is_asked_of_landscapes_needs_no_hill(tmp_path):
    axes = {"learning_rate": [0.1, 0.3], "sharpness": [1.0, 2.0, 5.0]}
    found = ho.sweep(ho.Loss(7), Slide(1.0), ho.GradientDescent(0.1), axes, store=ho.Store(tmp_path / "losses.zarr"))
    rate, sharpness = np.meshgrid(*axes.values(), indexing="ij")
    np.testing.assert_allclose(found["loss"], sharpness * 5 / 2 * (1 - rate * sharpness) ** 14, rtol=1e-12, atol=1e-30)
    with pytest.raises(ValueError, match=r"`hill` must be a hill of hillopt, got Slide\(sharpness=1.0\)"):
        ho.ask(ho.CriticalHeight(), Slide(1.0), ho.GradientDescent(0.1))
