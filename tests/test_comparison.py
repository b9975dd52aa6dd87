"""Comparisons: each entry as its own sweep, winners with ties and doubts, seeds, and how they are drawn."""

import itertools
import json
import re
import warnings

import numpy as np
import pytest
import xarray

import hillopt as ho
from hillopt import pictures
from hillopt.comparison.winner import _decided

RATES = np.geomspace(0.02, 0.8, 9)
HEIGHTS = np.linspace(0.05, 0.6, 7)
THREE = {"descent": ho.GradientDescent(0.1), "ball": ho.HeavyBall(0.1, 0.8), "adam": ho.Adam(0.1)}
LOSSES, ESCAPE = ho.Loss(8), ho.Escape(max_steps=50, climb=ho.PlainClimb())
BOWL = ho.QuadraticBowl(1.0, 1.0)


@pytest.fixture(scope="module")
def losses():
    """Of three optimizers in a bowl, over learning rate and curvature."""
    return ho.compare(LOSSES, BOWL, THREE, {"learning_rate": RATES, "curvature": [0.5, 1.0, 2.0]})


def test_every_entry_is_its_own_sweep_bit_for_bit(losses):
    assert losses.loss.dims == ("optimizer", "learning_rate", "curvature")
    assert list(losses.optimizer.values) == list(THREE)
    for name, optimizer in THREE.items():
        alone = ho.sweep(LOSSES, BOWL, optimizer, {"learning_rate": RATES, "curvature": [0.5, 1.0, 2.0]})
        for field in alone.data_vars:
            np.testing.assert_array_equal(losses[field].sel(optimizer=name), alone[field])
    assert losses.attrs["title"] == "Losses of descent, ball and adam on QuadraticBowl"


def test_landscapes_are_compared_as_optimizers_are():
    hills = {"low": ho.TentHill(0.1), "high": ho.TentHill(0.3)}
    data = ho.compare(ESCAPE, hills, ho.GradientDescent(0.1), {"learning_rate": [0.15, 0.25, 0.35]})
    assert data.verdict.dims == ("hill", "learning_rate")
    escaped = data.verdict.values == ho.Verdict.ESCAPED  # over lr (floor(1/lr) + 1) - 1 = 0.05, 0.25, 0.05
    np.testing.assert_array_equal(escaped, [[False, True, False], [False, False, False]])


@pytest.fixture(scope="module")
def pairs():
    """Losses of two optimizers on two landscapes, the narrower one named first, over learning rate and curvature."""
    two = {name: THREE[name] for name in ("descent", "adam")}
    bowls = {"wide": ho.QuadraticBowl(0.5, 1.0), "start": ho.QuadraticBowl(1.0, 2.0)}
    return two, bowls, ho.compare(LOSSES, bowls, two, {"learning_rate": RATES, "curvature": [0.5, 2.0]})


def test_several_optimizers_on_several_hills_are_every_pairs_sweep(pairs):
    two, bowls, data = pairs
    assert data.loss.dims == ("optimizer", "hill", "learning_rate", "curvature")
    for (name, optimizer), (hill, bowl) in itertools.product(two.items(), bowls.items()):
        alone = ho.sweep(LOSSES, bowl, optimizer, {"learning_rate": RATES, "curvature": [0.5, 2.0]})
        np.testing.assert_array_equal(data.loss.sel(optimizer=name, hill=hill), alone.loss)
    parts = ho.on_each_hill(data)
    assert list(parts) == ["wide", "start"]
    for hill, part in parts.items():
        assert part.attrs["title"] == f"Losses of descent and adam on {hill}"
        lower = data.loss.sel(hill=hill, optimizer="adam") < data.loss.sel(hill=hill, optimizer="descent")
        np.testing.assert_array_equal(ho.winner(part).winner == 1, lower)


def test_a_comparison_of_one_kind_is_one_part_without_a_name(losses):
    (name, part), *others = ho.on_each_hill(losses).items()
    assert (name, others) == ("", [])
    assert part is losses


def test_every_hill_has_a_row_of_maps_on_the_same_axes_and_colours(pairs):
    *_, data = pairs
    figure = drawn(pictures.comparison_figure(data))
    titles = [axes.get_title(loc="left") for axes in figure.axes[:6]]
    won = "who has the lowest answer"
    assert titles == ["descent, wide", "adam, wide", won, "descent, start", "adam, start", won]
    maps = [axes.collections[0] for axes in figure.axes[:6] if axes.get_title(loc="left") != won]
    assert len({cells.norm for cells in maps}) == 1
    assert len({axes.get_xlim() for axes in figure.axes[:6]}) == 1
    np.testing.assert_allclose(maps[2].get_array().reshape(2, 9), data.loss.sel(optimizer="descent", hill="start").T)
    shares = [text.get_text() for text in figure.legends[0].get_texts()]
    cells = np.concatenate([ho.winner(part).winner.values.ravel() for part in ho.on_each_hill(data).values()])
    assert f"adam ({(cells == 1).mean():.0%})" in shares


def test_over_one_axis_every_hill_has_a_panel_of_lines(pairs):
    *_, data = pairs
    figure = drawn(pictures.comparison_figure(data.isel(curvature=0)))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["wide", "start"]
    assert [[line.get_label() for line in axes.get_lines()] for axes in figure.axes] == 2 * [["descent", "adam"]]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def heights(values, upper):
    """A comparison of critical heights, [entry], of one setting."""
    data = ho.CriticalHeight.answer_type  # whose fields these are
    fields = {"critical_height": values, "upper": upper}
    assert set(fields) <= set(data.about())
    variables = {name: (("optimizer", "learning_rate"), np.array(field)[:, None]) for name, field in fields.items()}
    look = json.dumps(ho.CriticalHeight.look._asdict())
    coords = {"optimizer": list(THREE), "learning_rate": [0.3]}
    return xarray.Dataset(variables, coords, {"look": look, "question": "CriticalHeight"})


@pytest.mark.parametrize("rate", [0.3, 0.07])
def test_who_climbs_highest_is_who_has_the_highest_closed_form(rate):
    known = [
        ho.theory.descent_height(rate),
        ho.theory.heavy_ball_first_overshoot(rate, 0.8),
        ho.theory.adam_first_overshoot(rate),
    ]
    won = ho.winner(heights(known, known))
    assert won.winner.item() == int(np.argmax(known))
    assert won.margin.item() == pytest.approx(np.diff(np.sort(known))[-1])
    assert won.winner.attrs["flag_meanings"] == "descent ball adam tie undecided"
    higher = np.where(np.arange(3) == np.argmin(known), np.inf, known)
    assert ho.winner(heights(known, higher)).winner.item() == 4  # it may still climb higher than all


def test_the_lowest_loss_wins_and_losses_that_are_no_numbers_lose(losses):
    won = ho.winner(losses)
    assert won.winner.dims == ("learning_rate", "curvature")
    lowest = np.where(np.isfinite(losses.loss), losses.loss, np.inf)
    decided = won.winner.values < len(THREE)
    np.testing.assert_array_equal(won.winner.values[decided], np.argmin(lowest, axis=0)[decided])
    assert decided.all()
    np.testing.assert_array_equal(ho.winner(losses, best="highest").winner, np.argmax(losses.loss.values, axis=0))


@pytest.mark.parametrize(
    ("values", "upper", "expected", "lead"),
    [
        ([1.0, 2.0, 0.5], [1.0, 2.0, 0.5], 1, 1.0),
        ([2.0, 2.0, 0.5], [2.0, 2.0, 0.5], 3, 0.0),  # a tie
        ([2.0, 2.0 + 1e-12, 0.5], [2.0, 2.0, 0.5], 3, 1e-12),
        ([1.0, 2.0, 0.5], [1.0, 2.0, 9.0], 4, 1.0),  # the third may still rise
        ([1.0, 2.0, 0.5], [1.0, 9.0, 0.5], 1, 1.0),  # the winner itself may
        ([-np.inf, -np.inf, 0.5], [-np.inf, -np.inf, 0.5], 2, np.inf),
        ([-np.inf] * 3, [-np.inf] * 3, 4, np.nan),  # nobody has an answer
    ],
)
def test_ties_and_what_is_undecided_are_told(values, upper, expected, lead):
    index, margin = _decided(np.array(values)[:, None], np.array(upper)[:, None], 1e-9)
    assert index.item() == expected
    np.testing.assert_allclose(margin.item(), lead, rtol=1e-3)


@pytest.fixture(scope="module")
def seeded():
    """Probabilities with three seeds, of two optimizers."""
    question = ho.EscapeProbability(ho.GaussianNoise(1.0), num_walks=20, max_steps=20)
    two = {"descent": ho.GradientDescent(0.1), "ball": ho.HeavyBall(0.1, 0.5)}
    return question, two, ho.compare(question, ho.TentHill(0.2), two, {"learning_rate": [0.05, 0.2]}, seeds=[3, 4, 9])


def test_a_seed_is_the_sweeps(seeded):
    question, two, data = seeded
    assert data.probability.dims == ("optimizer", "seed", "learning_rate")
    alone = ho.sweep(question, ho.TentHill(0.2), two["ball"], {"learning_rate": [0.05, 0.2]}, seed=4)
    np.testing.assert_array_equal(data.probability.sel(optimizer="ball", seed=4), alone.probability)


def test_seeds_have_a_mean_and_a_spread(seeded):
    *_, data = seeded
    found = ho.over_seeds(data)
    np.testing.assert_allclose(found.probability, data.probability.mean("seed"))
    np.testing.assert_allclose(found.probability_spread, data.probability.std("seed", ddof=1))
    assert (found.probability_finite == 1).all()
    assert found.attrs["title"].endswith(", 3 seeds")


def test_labels_have_a_commonest_one_and_the_share_that_agrees():
    labels = xarray.DataArray(
        np.array([[0, 2, 1], [0, 2, 2], [1, 2, 0], [0, 1, 0]], np.int8),
        dims=("seed", "x"),
        attrs={"flag_values": [0, 1, 2]},
    )
    value = xarray.DataArray(
        [[1.0, np.inf, np.nan], [3.0, 2.0, np.nan], [np.nan, 2.0, np.nan], [2, 2, np.nan]], dims=labels.dims
    )
    found = ho.over_seeds(xarray.Dataset({"label": labels, "value": value}))
    np.testing.assert_array_equal(found.label, [0, 2, 0])
    np.testing.assert_array_equal(found.label_agreement, [0.75, 0.75, 0.5])
    np.testing.assert_array_equal(found.value, [2, 2, np.nan])
    np.testing.assert_array_equal(found.value_spread, [1, 0, np.nan])
    np.testing.assert_array_equal(found.value_finite, [0.75, 0.75, 0])


def test_each_has_a_store_of_its_own_and_goes_on(tmp_path):
    arguments = (LOSSES, BOWL, THREE, {"learning_rate": [0.1, 0.2]})
    first = ho.compare(*arguments, store=ho.Store(tmp_path / "parts"))
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["adam.zarr", "ball.zarr", "descent.zarr"]
    told = []
    store = ho.Store(tmp_path / "parts", resume=True)
    again = ho.compare(*arguments, store=store, on_progress=lambda name, progress: told.append((name, progress.found)))
    xarray.testing.assert_equal(first.load(), again.load())
    assert told == [(name, 2) for name in THREE]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ho.compare(LOSSES, BOWL, THREE, {"momentum": [0.1]}),
            "`axes` must name numbers of all that are compared, and descent has no 'momentum'; sweep what all have, and fix the",
        ),
        (
            lambda: ho.compare(LOSSES, BOWL, {}, {"x": [1]}),
            "`optimizer` must hold one or more by name, got []; write {'adam'",
        ),
        (
            lambda: ho.compare(LOSSES, BOWL, {1: ho.Lion(0.1)}, {"x": [1]}),
            "`optimizer` must hold one or more by name, got [1];",
        ),
        (
            lambda: ho.compare(LOSSES, BOWL, ho.Lion(0.1), {"x": [1]}),
            "`optimizer` or `hill` must be several by name, or `seeds` be given; for one call ho.sweep.",
        ),
        (
            lambda: ho.compare(LOSSES, BOWL, THREE, {"x": [1]}, seeds=[1]),
            "`seeds` are for noisy questions and for runs that have a number 'seed', and QuadraticBowl has none; leave them out.",
        ),
        (
            lambda: ho.compare(LOSSES, BOWL, THREE, {"x": [1]}, seeds=[2, 1]),
            "`seeds` must be whole numbers that increase, got",
        ),
        (
            lambda: ho.winner(ho.sweep(LOSSES, BOWL, ho.Lion(0.1), {"x": [1]})),
            "`dataset` must compare optimizers or hills, got the",
        ),
        (
            lambda: ho.over_seeds(xarray.Dataset()),
            "`dataset` must have the dimension 'seed'; call ho.compare with `seeds`, or",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call()


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: ho.winner(data, best="best"), "`best` must be 'highest' or 'lowest', got 'best'; leave it out"),
        (lambda data: ho.winner(data.isel(optimizer=[0])), "`dataset` must compare two or more, got one optimizer;"),
        (
            lambda data: pictures.comparison_figure(data, "los"),
            "`field` must be one of loss, lowest, finite, num_steps, got",
        ),
        (
            lambda data: pictures.ratio_figure(data, "adam", "lion"),
            "`dataset` compares descent, ball, adam, got 'lion'; name",
        ),
        (
            lambda data: pictures.overlay_figure(data.isel(curvature=0)),
            "`dataset` must have two axes of two values at least for contours, got learning_rate;",
        ),
    ],
)
def test_winners_and_figures_refuse_what_they_cannot_draw(losses, call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call(losses)


def drawn(figure):
    with warnings.catch_warnings(action="error"):
        figure.draw_without_rendering()
    return figure


def test_maps_stand_beside_each_other_and_the_winner_is_named(losses):
    figure = drawn(pictures.comparison_figure(losses))
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == [*THREE, "who has the lowest answer"]
    shown = [axes.collections[0].get_array().reshape(3, 9) for axes in figure.axes[:3]]
    for cells, name in zip(shown, THREE, strict=True):
        np.testing.assert_allclose(cells, losses.loss.sel(optimizer=name).values.T)
    assert any("adam (" in text.get_text() for text in figure.legends[0].get_texts())


def test_one_axis_gives_lines_with_the_spread_of_seeds(losses, seeded):
    lines = drawn(pictures.comparison_figure(losses.isel(curvature=0))).axes[0].get_lines()
    assert [line.get_label() for line in lines] == list(THREE)
    axes = drawn(pictures.comparison_figure(ho.over_seeds(seeded[-1]))).axes[0]
    assert len(axes.collections) == 2


def test_a_ratio_is_one_of_two(losses):
    figure = drawn(pictures.ratio_figure(losses, "ball", "descent"))
    expected = (losses.loss.sel(optimizer="ball") / losses.loss.sel(optimizer="descent")).values.T
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array().reshape(3, 9), expected)


def test_contours_lie_over_each_other_in_the_colours_of_the_entries(losses):
    figure = drawn(pictures.overlay_figure(losses))
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == list(THREE)
    assert len(figure.axes[0].collections) >= 3


def test_escapes_are_outlined_whatever_else_the_others_are():
    """Undecided and trapped lie on either side of escaped among the verdicts' numbers."""
    axes = {"learning_rate": ho.Axis.linear(0.1, 0.9, 9), "height": ho.Axis.linear(0.1, 0.9, 7)}
    walkers = {"descent": ho.GradientDescent(0.1), "ball": ho.HeavyBall(0.1, 0.5)}
    data = ho.compare(ho.Escape(60, ho.FAST), ho.TentHill(0.1), walkers, axes)
    trapped = data.assign(verdict=data["verdict"].where(data["verdict"] != ho.Verdict.UNDECIDED, ho.Verdict.TRAPPED))
    for found in (data, trapped):
        (drawn_on,) = drawn(pictures.overlay_figure(found)).axes
        outlines = [contour for contour in drawn_on.collections if contour.get_paths()[0].vertices.size]
        assert len(outlines) == len(walkers)
        for name, contour in zip(walkers, outlines, strict=True):
            escaped = (found["verdict"].sel(optimizer=name) == ho.Verdict.ESCAPED).values
            among = escaped[:, :-1] != escaped[:, 1:]
            crossed = contour.get_paths()[0].vertices
            middles = [
                (rate, (low + high) / 2)
                for rate, row in zip(axes["learning_rate"].values, among, strict=True)
                for low, high, is_mixed in zip(axes["height"].values, axes["height"].values[1:], row, strict=False)
                if is_mixed
            ]
            assert middles
            for middle in middles:
                assert np.abs(crossed - middle).sum(axis=1).min() < 1e-9
