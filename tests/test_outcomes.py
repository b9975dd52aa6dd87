"""Sweeps of other outcomes than critical heights against the questions that they ask, one setting at a time."""

import functools

import jax
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt import plot

RATES, HEIGHTS = ho.Axis.linear(0.05, 0.6, 5), ho.Axis.linear(0.05, 0.6, 4)


def test_escapes_are_those_of_escape():
    axes = {"learning_rate": RATES, "height": HEIGHTS, "half_width": [0.2, 0.3]}
    found = ho.sweep(ho.WedgeHill(1.0), ho.GradientDescent, axes, outcome="escape", max_steps=80)
    assert found.verdict.dims == ("learning_rate", "height", "half_width")
    for (i, rate), (j, height) in [((1, RATES.values[1]), (2, HEIGHTS.values[2])), ((4, 0.6), (0, 0.05))]:
        alone = ho.escape(ho.WedgeHill(height, 0.3), ho.GradientDescent(rate), max_steps=80)
        assert found.verdict.values[i, j, 1] == alone.verdict
        assert found.step.values[i, j, 1] == alone.step


def test_probabilities_and_passages_are_those_of_first_passages():
    axes = {"noise": [0.5, 3.0], "learning_rate": [0.02, 0.05]}
    settings = {"num_walks": 60, "max_steps": 120, "seed": 4}
    chances = ho.sweep(ho.TentHill(0.1), ho.HeavyBall, axes, outcome="probability", **settings)
    times = ho.sweep(ho.TentHill(0.1), ho.HeavyBall, axes, outcome="first_passage", **settings)
    lanes = [(0.5, 0.02), (0.5, 0.05), (3.0, 0.02), (3.0, 0.05)]  # the learning rate runs fastest
    for number, (noise, rate) in enumerate(lanes):
        key = jax.random.fold_in(jax.random.key(4), number)[None]
        walks = ho.first_passages(
            ho.TentHill(0.1), ho.HeavyBall(np.array([rate])), ho.GaussianNoise(noise), key, num_walks=60, max_steps=120
        )
        where = {"noise": noise, "learning_rate": rate}
        assert chances.probability.sel(where).item() == pytest.approx(ho.escape_probability(walks).value.item())
        assert times.passage.sel(where).item() == pytest.approx(ho.passage_time(walks).value.item(), rel=1e-12)
        assert times.escaped.sel(where).item() == pytest.approx(walks.escaped.mean().item())


def test_losses_are_those_of_the_walk():
    axes, hill = {"learning_rate": RATES, "height": HEIGHTS}, ho.RoughBowl(0.0)
    found = ho.sweep(hill, functools.partial(ho.from_optax, optax.nadam), axes, outcome="loss", max_steps=6)
    for i, rate in enumerate(RATES.values):
        for j, height in enumerate(HEIGHTS.values):
            walk = ho.trajectory(hill.at(height), ho.from_optax(optax.nadam, learning_rate=rate), num_steps=6)
            values = [float(hill.at(height).value(x)) for x in walk.position]
            assert found.loss.values[i, j] == pytest.approx(values[-1], rel=1e-9)
            assert found.lowest.values[i, j] == pytest.approx(min(values), rel=1e-9)


@pytest.mark.parametrize("outcome", ["escape", "probability", "loss", "stability"])
def test_the_tile_changes_no_bit(outcome):
    noisy = {"noise": 1.0, "num_walks": 20} if outcome == "probability" else {}
    axes = {"learning_rate": RATES, "height": HEIGHTS}
    one, many = (
        ho.sweep(ho.DoubleWell(1.0), ho.HeavyBall, axes, outcome=outcome, max_steps=40, tile=tile, **noisy)
        for tile in (100, 3)
    )
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, many[name].values)


@pytest.mark.parametrize(
    ("outcome", "field"),
    [
        ("escape", "verdict"),
        ("probability", "probability"),
        ("first_passage", "passage"),
        ("loss", "loss"),
        ("stability", "flipped"),
    ],
)
@pytest.mark.parametrize("dims", [1, 3])
def test_every_outcome_is_drawn(outcome, field, dims, tmp_path):
    noisy = {"noise": 1.0, "num_walks": 10} if outcome in ("probability", "first_passage") else {}
    axes = dict([("learning_rate", RATES), ("height", HEIGHTS), ("momentum", [0.5, 0.9])][:dims])
    data = ho.sweep(ho.TentHill(0.1), ho.HeavyBall, axes, outcome=outcome, max_steps=30, **noisy)
    figure = plot.outcome_diagram(data)
    plot.write(figure, [tmp_path / "one.png", tmp_path / "one.pdf"])
    assert (tmp_path / "one.png").stat().st_size > 5_000
    if dims > 1:  # the first value of the third axis is shown
        mesh = figure.axes[0].collections[0]
        shown = np.ma.filled(np.ma.asarray(mesh.get_array(), float).reshape(4, 5), np.nan)
        values = data[field].values[..., 0].astype(float)
        np.testing.assert_allclose(shown, np.where(np.isfinite(values.T), values.T, np.nan))


REFUSED = [
    ({"outcome": "heights"}, "`outcome` 'heights' is unknown; did you mean 'height'?"),
    (
        {"outcome": "probability"},
        "`noise` must be finite and not negative for outcome='probability', got None; give its",
    ),
    ({"outcome": "loss", "noise": 1.0}, "`noise` is for the outcomes probability and first_passage, not for 'loss'"),
    ({"outcome": "probability", "noise": 1.0, "num_walks": 0}, "`num_walks` must be at least 1, got 0"),
    ({"hill": ho.WedgeHill(1.0)}, "`WedgeHill` has another flank for every height"),
    (
        {"hill": ho.WedgeHill(1.0), "axes": {"height": HEIGHTS}},
        "`axes['height']` is walked on WedgeHill; ask for outcome",
    ),
    ({"outcome": "escape", "axes": {"half_with": [0.1]}}, "`HeavyBall` has no hyperparameter 'half_with'"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_cannot_be_swept_is_refused(changes, message):
    settings = {"hill": ho.TentHill(0.1), "optimizer": ho.HeavyBall, "axes": {"learning_rate": RATES}, **changes}
    hill, optimizer, axes = (settings.pop(name) for name in ("hill", "optimizer", "axes"))
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the sentence is compared
        ho.sweep(hill, optimizer, axes, **settings)
    assert str(refused.value).startswith(message)
