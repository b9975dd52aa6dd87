"""What a notebook shows of answers, sweeps and pictures, and what it goes on with."""

import re
from html import unescape

import jax.numpy as jnp
import matplotlib.figure
import pytest

import hillopt as ho

AXES = {"learning_rate": [0.1, 0.3], "b1": [0.0, 0.9]}


@pytest.fixture(scope="module")
def answer():
    rates, decays = jnp.array(AXES["learning_rate"])[:, None], jnp.array(AXES["b1"])
    return ho.critical_height(ho.TentHill(), ho.Adam(rates, decays), max_steps=100, climb=ho.FAST)


def rows(shown):
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", shown)]


def test_an_answer_is_a_table_of_its_fields(answer):
    told = {name: (unescape(value), meaning) for name, value, meaning in rows(answer._repr_html_())}
    assert list(told) == [name for name, _ in answer.items()]
    assert told["critical_height"] == ("f64[2,2]", "critical height, lower end")
    assert told["verdict"][0] == "i8[2,2](4 UNDECIDED)"


def test_an_answer_for_one_setting_tells_its_numbers():
    answer = ho.escape(ho.TentHill(0.3), ho.GradientDescent(0.3), max_steps=50, climb=ho.FAST)
    told = {name: value for name, value, _ in rows(answer._repr_html_())}
    assert told["verdict"] == ho.Verdict(int(answer.verdict)).name
    assert told["step"] == str(int(answer.step))


def test_an_answer_becomes_a_data_set_a_table_a_figure_and_a_page(answer):
    dataset, table = answer.to_dataset(AXES), answer.to_dataframe(AXES)
    assert table.index.names == list(AXES)
    for (rate, decay), row in table.iterrows():
        assert row.critical_height == dataset.critical_height.sel(learning_rate=rate, b1=decay).item()
    assert ho.explore(dataset)._repr_html_().startswith("<iframe srcdoc=")


def test_a_picture_is_an_ordinary_figure_to_go_on_with(answer):
    figure = ho.plot(answer.to_dataset(AXES))
    assert isinstance(figure, matplotlib.figure.Figure)
    axes = figure.axes[0]
    before = len(axes.lines)
    axes.plot([0.1, 0.3], [0.0, 0.9], "w--")
    assert len(axes.lines) == before + 1
    figure.canvas.draw()
