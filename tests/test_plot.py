"""Pictures: what they draw, checked on the figure's own artists and not by eye alone."""

import numpy as np
import pytest
import xarray

import hillopt as ho
from hillopt import pictures

ADAM = ho.Adam(0.1)


def sweep(axes, optimizer=ADAM, **parameters):
    return ho.sweep(ho.CriticalHeight(300, **parameters), ho.TentHill(), optimizer, axes)


def title(figure):
    """What is written above, however it is broken into lines."""
    return " ".join(figure.get_suptitle().split())


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_map_shows_every_cell_and_names_what_it_leaves_open():
    data = sweep({"learning_rate": ho.Axis.log(0.01, 1, 30), "b1": ho.Axis.log_complement(0, 0.999, 20)})
    figure = ho.plot(data)
    mesh = figure.axes[0].collections[0]
    shown = np.ma.filled(mesh.get_array().reshape(20, 30), np.nan)
    np.testing.assert_array_equal(shown, data.critical_height.values.T)
    assert figure.axes[0].get_xscale() == "log"
    assert "undecided within 300 steps" in legend_texts(figure)
    assert figure.axes[0].get_xlabel() == r"learning rate $\alpha$"


def test_diverged_and_unreached_cells_have_no_colour():
    axes = {"learning_rate": ho.Axis.log(1e-2, 10, 12), "weight_decay": ho.Axis.log(0.1, 10, 12)}
    data = sweep(axes, ho.AdamW(0.1))
    figure = ho.plot(data)
    shown = figure.axes[0].collections[0].get_array().reshape(12, 12)
    blank = (data.verdict.values == ho.Verdict.DIVERGED) | (data.critical_height.values <= 0)
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), blank.T)
    assert {"diverged", "valley not reached"} <= set(legend_texts(figure))


@pytest.mark.parametrize(("count", "panels"), [(2, 2), (3, 3), (9, 4)])
def test_a_third_axis_gives_facets(count, panels):
    axes = {"learning_rate": [0.1, 0.2, 0.4], "b1": [0.1, 0.5, 0.9], "eps": np.linspace(0, 1, count)}
    figure = ho.plot(sweep(axes))
    assert sum("epsilon" in axes.get_title(loc="left") for axes in figure.axes) == panels


def test_one_axis_gives_a_curve_and_with_heights_a_map_of_verdicts():
    rates = ho.Axis.log(0.05, 1, 40)
    curve = ho.plot(sweep({"learning_rate": rates}))
    assert curve.axes[0].get_ylabel().startswith("critical height")
    data = sweep({"learning_rate": rates}, heights=np.linspace(0, 1, 25))
    verdicts = ho.plot(data)
    shown = verdicts.axes[0].collections[0].get_array().reshape(25, 40)
    np.testing.assert_array_equal(shown, data.verdict_at_height.values)
    assert {"escaped", "trapped"} <= set(legend_texts(verdicts))


def test_the_same_figure_is_the_same_file(tmp_path):
    data = sweep({"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]})
    for name in ("one", "two"):
        pictures.write(ho.plot(data), [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"])
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_walk_is_drawn_where_it_went():
    hill, optimizer = ho.TentHill(0.5), ho.Adam(0.3)
    walk = ho.trajectory(hill, optimizer, max_steps=12)
    critical = ho.critical_height(hill, optimizer)
    figure = pictures.walk_figure([pictures.WalkPanel("Adam", hill, walk, critical)])
    points = figure.axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(points[:, 0], walk.position)
    np.testing.assert_allclose(points[:, 1], hill.value(walk.position))
    assert any("0.410184" in text.get_text() for text in figure.axes[0].texts)


def test_without_proofs_the_title_says_so_and_nothing_is_flagged():
    axes = {"learning_rate": ho.Axis.log(0.05, 0.9, 9), "b1": (0.1, 0.5, 0.9)}
    question = ho.CriticalHeight(1500, ho.BlockedClimb())
    figure = ho.plot(ho.sweep(question, ho.TentHill(), ho.Adam(0.1), axes))
    assert "1,500 steps" in title(figure)
    assert title(figure).endswith("unchecked: no proof was attempted")
    assert not any("flagged" in label or "undecided" in label for label in legend_texts(figure))


def test_the_title_tells_every_number_that_is_not_on_an_axis():
    figure = ho.plot(sweep({"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]}, ho.Adam(0.1, b2=0.95)))
    told = r"Critical heights of Adam on TentHill $\beta_2$ = 0.95, $\epsilon$ = 0, 300 steps, float64"
    assert title(figure) == told
    other = ho.plot(ho.sweep(ho.Escape(20), ho.WedgeHill(0.5), ho.Adam(0.1), {"learning_rate": [0.1, 0.3]}))
    assert "hill height $h$ = 0.5" in title(other)


def test_what_no_sweep_made_is_not_drawn():
    with pytest.raises(
        ValueError, match=r"^`dataset` must be a sweep's or an answer's, got one without the attribute 'look'; pass"
    ):
        ho.plot(xarray.Dataset({"critical_height": ("learning_rate", [0.1, 0.2])}))


def test_a_stored_sweep_is_drawn_as_the_one_in_memory(tmp_path):
    axes = {"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]}
    kept = ho.sweep(
        ho.CriticalHeight(300), ho.TentHill(), ho.Adam(0.1), axes, store=ho.Store(tmp_path / "s.zarr"), tile=1
    )
    reopened = xarray.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None)
    for name, data in {"memory": sweep(axes), "kept": kept, "reopened": reopened}.items():
        pictures.write(ho.plot(data), [tmp_path / f"{name}.png"])
    first, *others = ((tmp_path / f"{name}.png").read_bytes() for name in ("memory", "kept", "reopened"))
    assert all(other == first for other in others)
