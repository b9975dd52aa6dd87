"""What a notebook shows of answers, sweeps and pictures."""

import html
import os
import pickle
import re
import tempfile
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

import hillopt as ho

TENT = ho.TentHill(0.3)
RATES = np.array([0.1, 0.3, 0.5])
MANY = ho.CriticalHeightAnswer(
    critical_height=jnp.array([[0.5, 0.25, jnp.nan], [2.0, 1.0, 0.75]]),
    upper=jnp.array([[0.5, jnp.inf, jnp.inf], [2.0, 1.0, 0.75]]),
    error=jnp.zeros((2, 3)),
    step=jnp.array([[1, 2, 3], [4, 5, 6000]]),
    verdict=jnp.array([[2, 0, 3], [2, 2, 2]], jnp.int8),
    period=jnp.zeros((2, 3), jnp.int32),
    certainty=jnp.full((2, 3), 3, jnp.int8),
    num_steps=jnp.full((2, 3), 7),
)


def rows_of(shown):
    """The table by its first column, as a reader of HTML sees it."""
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", shown)]
    return {row[0]: [html.unescape(cell) for cell in row[1:]] for row in rows if row}


def test_one_answer_is_a_table_of_its_fields():
    answer = ho.critical_height(TENT, ho.Adam(0.3))
    rows = rows_of(answer._repr_html_())
    assert list(rows) == [name for name, _ in answer.items()]
    assert rows["critical_height"] == [repr(float(answer.critical_height)), "critical height, lower end"]
    assert rows["verdict"][0] == "trapped"
    assert rows["certainty"][0] == "certified"


def test_of_many_settings_it_tells_ranges_and_counts_and_where_the_map_is():
    shown = MANY._repr_html_()
    rows = {name: cells[0] for name, cells in rows_of(shown).items()}
    assert rows["critical_height"] == "0.25 to 2, 1 NaN"
    assert rows["upper"] == "0.5 to 2, 2 infinite"
    assert (rows["step"], rows["period"], rows["certainty"]) == ("1 to 6,000", "0", "6 certified")
    assert rows["verdict"] == "1 undecided, 4 trapped, 1 diverged"
    assert "CriticalHeightAnswer</b> of 2 × 3 settings" in shown
    assert "ho.explore(answer.to_dataset(" in shown


def test_heights_do_not_count_as_settings():
    answer = ho.ask(ho.CriticalHeight(20, ho.PlainClimb(), heights=[0.1, 0.4]), TENT, ho.Adam(RATES))
    shown = answer._repr_html_()
    assert "of 3 settings" in shown
    assert "answer.to_dataframe(" in shown


def test_inside_jit_it_is_the_plain_text():
    shown = []

    def traced(rate):
        answer = ho.escape(TENT, ho.Adam(rate), max_steps=5)
        shown.append(answer._repr_html_())
        return answer.step

    jax.jit(traced)(0.3)
    assert shown[0].startswith("<pre>EscapeAnswer(")


def test_an_answer_becomes_a_data_set_and_a_table_with_the_same_numbers():
    axes = {"learning_rate": [0.1, 0.3], "b1": [0.0, 0.5, 0.9]}
    dataset, table = MANY.to_dataset(axes), MANY.to_dataframe(axes)
    assert table.index.names == list(axes)
    for (rate, decay), row in table.iterrows():
        np.testing.assert_equal(row.critical_height, dataset.critical_height.sel(learning_rate=rate, b1=decay).item())


@pytest.mark.parametrize("dims", [["learning_rate"], ["learning_rate", "b1"]], ids=len)
def test_a_picture_is_an_ordinary_figure_to_go_on_with(dims):
    axes = {"learning_rate": RATES, "b1": [0.0, 0.5]}
    data = ho.sweep(ho.CriticalHeight(20, ho.PlainClimb()), TENT, ho.Adam(0.1), {name: axes[name] for name in dims})
    figure = ho.plot(data)
    assert isinstance(figure, Figure)
    (mark,) = figure.axes[0].plot([0.3], [0.5], "*")
    assert figure.axes[0].get_xlabel()
    low, high = figure.axes[0].get_xlim()
    assert low <= 0.3 <= high  # in the axes' own numbers: a mark lies where its setting is
    assert mark in figure.axes[0].lines
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(figure)).axes[0].get_xlabel() == figure.axes[0].get_xlabel()


def test_a_bar_goes_from_the_first_tile_to_the_last(capsys):
    axes = {"learning_rate": np.linspace(0.1, 0.9, 40)}
    bar = ho.ProgressBar()
    question = ho.CriticalHeight(5, ho.PlainClimb())
    ho.sweep(question, TENT, ho.Adam(0.1), axes, tile=16, on_progress=bar)
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    assert lines[-1].startswith("100%")
    assert "40.0/40.0" in lines[-1]
    ho.sweep(question, TENT, ho.Adam(0.1), axes, on_progress=bar)
    assert "40.0/40.0" in capsys.readouterr().err


ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "hillopt" / "examples" / "first_hour.py"
SHOWING = (
    "answers",
    "ho.sweep(ho.CriticalHeight(50), ho.TentHill(), ho.Adam(0.1), {'b1': [0.0, 0.5]}, on_progress=ho.ProgressBar())",
    "figure",
    "page",
)


@pytest.mark.slow
def test_an_example_runs_as_a_notebook_and_shows_what_it_has():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [*re.split(r"^# %%.*$", EXAMPLE.read_text(), flags=re.MULTILINE), *SHOWING]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the kernel's own
        client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}})
        client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    answers, swept, figure, page = (cell.outputs for cell in notebook.cells[-len(SHOWING) :])
    assert "<table>" in answers[-1]["data"]["text/html"]
    said = "".join(output["text"] for output in swept if output["output_type"] == "stream")
    assert "2.00/2.00" in said
    assert "Warning" not in said
    assert figure[-1]["data"]["image/png"]
    assert page[-1]["data"]["text/html"].startswith("<iframe srcdoc=")
