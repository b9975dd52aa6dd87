"""Pictures: what they draw, checked on the figure's own artists and not by eye alone."""

import numpy as np
import pytest

import hillopt as ho
from hillopt import plot


def sweep(axes, factory=ho.Adam, **policy):
    return ho.sweep(ho.TentHill(), factory, axes, max_steps=300, **policy)


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_map_shows_every_cell_and_names_what_it_leaves_open():
    data = sweep({"learning_rate": ho.Axis.log(0.01, 1, 30), "b1": ho.Axis.log_complement(0, 0.999, 20)})
    figure = plot.phase_diagram(data)
    mesh = figure.axes[0].collections[0]
    shown = np.ma.filled(mesh.get_array().reshape(20, 30), np.nan)
    np.testing.assert_array_equal(shown, data.height.values.T)
    assert figure.axes[0].get_xscale() == "log"
    assert "undecided within 300 steps" in legend_texts(figure)
    assert figure.axes[0].get_xlabel() == r"learning rate $\alpha$"


def test_diverged_and_unreached_cells_have_no_colour():
    axes = {"learning_rate": ho.Axis.log(1e-2, 10, 12), "weight_decay": ho.Axis.log(0.1, 10, 12)}
    data = sweep(axes, ho.AdamW)
    figure = plot.phase_diagram(data)
    shown = figure.axes[0].collections[0].get_array().reshape(12, 12)
    blank = (data.verdict.values == ho.Verdict.DIVERGED) | (data.height.values <= 0)
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), blank.T)
    assert {"diverged", "valley not reached"} <= set(legend_texts(figure))


@pytest.mark.parametrize(("count", "panels"), [(2, 2), (3, 3), (9, 4)])
def test_a_third_axis_gives_facets(count, panels):
    axes = {"learning_rate": [0.1, 0.2, 0.4], "b1": [0.1, 0.5, 0.9], "eps": np.linspace(0, 1, count)}
    figure = plot.phase_diagram(sweep(axes))
    assert sum("epsilon" in axes.get_title(loc="left") for axes in figure.axes) == panels


def test_one_axis_gives_a_curve_and_with_heights_a_map_of_verdicts():
    rates = ho.Axis.log(0.05, 1, 40)
    curve = plot.phase_diagram(sweep({"learning_rate": rates}))
    assert curve.axes[0].get_ylabel().startswith("critical height")
    data = sweep({"learning_rate": rates, "height": ho.Axis.linear(0, 1, 25)})
    verdicts = plot.phase_diagram(data)
    shown = verdicts.axes[0].collections[0].get_array().reshape(25, 40)
    np.testing.assert_array_equal(shown, data.escape.values)
    assert {"escaped", "trapped"} <= set(legend_texts(verdicts))


def test_the_same_figure_is_the_same_file(tmp_path):
    data = sweep({"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]})
    for name in ("one", "two"):
        plot.write(plot.phase_diagram(data), [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"])
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_walk_is_drawn_where_it_went():
    hill, optimizer = ho.TentHill(0.5), ho.Adam(0.3)
    walk = ho.trajectory(hill, optimizer, num_steps=12)
    critical = ho.critical_height(hill, optimizer)
    figure = plot.walk_figure([plot.WalkPanel("Adam", hill, walk, critical)])
    points = figure.axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(points[:, 0], walk.position)
    np.testing.assert_allclose(points[:, 1], hill.value(walk.position))
    assert any("0.410184" in text.get_text() for text in figure.axes[0].texts)


def test_without_proofs_the_title_says_so_and_nothing_is_flagged():
    axes = {"learning_rate": ho.Axis.log(0.05, 0.9, 9), "b1": (0.1, 0.5, 0.9)}
    figure = plot.phase_diagram(ho.sweep(ho.TentHill(), ho.Adam, axes, max_steps=1500, implementation="blocked"))
    assert figure.axes[0].get_title(loc="left") == "Adam; without proofs, 1,500 steps"
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert not any("flagged" in label or "undecided" in label for label in labels)
