"""Pictures: what they draw, checked on the figure's own artists and not by eye alone."""

import itertools
import json
import warnings

import numpy as np
import pytest
import xarray
from matplotlib import rc_context
from matplotlib.collections import QuadMesh
from PIL import Image

import hillopt as ho
from hillopt import pictures

ADAM = ho.Adam(0.1)


def sweep(axes, optimizer=ADAM, **parameters):
    return ho.sweep(ho.CriticalHeight(300, **parameters), ho.TentHill(), optimizer, axes)


def made(values, scale="linear", axes=None, verdict=None, certainty=None, **attributes):
    """A data set as a sweep makes it, with numbers of the test's own; "heights" are critical heights."""
    values = np.asarray(values, float)
    axes = axes or {name: np.arange(1.0, size + 1) for name, size in zip("xyzuv", values.shape, strict=False)}
    look = ho.CriticalHeight.look if scale == "heights" else ho.Look("value", "value", scale)
    fields = {look.field: values, "verdict": verdict, "certainty": certainty}
    if scale == "heights":
        fields["verdict"] = np.full(values.shape, ho.Verdict.TRAPPED) if verdict is None else verdict
        fields["certainty"] = np.full(values.shape, ho.Certainty.CERTIFIED) if certainty is None else certainty
    told = {"look": json.dumps(look._asdict()), "title": "Values of Adam on TentHill", **attributes}
    fields = {name: (tuple(axes), np.asarray(field)) for name, field in fields.items() if field is not None}
    return xarray.Dataset(fields, axes, told)


def title(figure):
    """What is written above, however it is broken into lines."""
    return " ".join(figure.get_suptitle().split())


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_map_shows_every_cell_and_names_what_it_leaves_open():
    height = np.geomspace(0.01, 1, 600).reshape(30, 20)
    axes = {"learning_rate": np.geomspace(0.01, 1, 30), "b1": np.linspace(0, 0.999, 20)}
    verdict = np.where(height > 0.5, ho.Verdict.UNDECIDED, ho.Verdict.TRAPPED)
    data = made(height, "heights", axes=axes, verdict=verdict, max_steps=300)
    data["learning_rate"].attrs["scale"] = "log"
    figure = ho.plot(data)
    mesh = figure.axes[0].collections[0]
    shown = np.ma.filled(mesh.get_array().reshape(20, 30), np.nan)
    np.testing.assert_array_equal(shown, data.critical_height.values.T)
    assert figure.axes[0].get_xscale() == "log"
    assert "undecided within 300 steps" in legend_texts(figure)
    assert figure.axes[0].get_xlabel() == r"learning rate $\alpha$"


def test_a_share_of_labels_that_turn_is_drawn_under_lines_between_the_labels():
    verdict = np.zeros((6, 5), int)
    verdict[2:, 1:] = ho.Verdict.ESCAPED
    data = made(np.zeros((6, 5)), verdict=verdict)
    data.attrs["look"] = json.dumps(ho.Look("value", "share", "share", outlined="verdict")._asdict())
    figure = ho.plot(data)
    ends = np.concatenate([path.vertices for lines in figure.axes[0].collections[1:] for path in lines.get_paths()])
    on_the_edge = (ends[:, 0] == 2.5) & (ends[:, 1] >= 1.5) | (ends[:, 1] == 1.5) & (ends[:, 0] >= 2.5)
    assert on_the_edge.mean() > 0.9, ends  # but for the corner, which is cut
    assert legend_texts(figure) == ["changes here: verdict"]


def test_diverged_and_unreached_cells_have_no_colour():
    height = np.linspace(-0.5, 1, 144).reshape(12, 12)
    verdict = np.where(height > 0.8, ho.Verdict.DIVERGED, ho.Verdict.TRAPPED)
    figure = ho.plot(made(height, "heights", verdict=verdict))
    shown = figure.axes[0].collections[0].get_array().reshape(12, 12)
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), ((height > 0.8) | (height < 0)).T)
    assert {"diverged", "valley not reached"} <= set(legend_texts(figure))


@pytest.mark.parametrize(("count", "panels"), [(2, 2), (3, 3), (9, 4)])
@pytest.mark.parametrize("scale", ["heights", "verdicts", "log"])
def test_a_third_axis_gives_facets(count, panels, scale):
    axes = {"learning_rate": [0.1, 0.2, 0.4], "b1": [0.1, 0.5, 0.9], "eps": np.linspace(0, 1, count)}
    figure = ho.plot(made(np.ones((3, 3, count)), scale, axes=axes))
    assert sum("epsilon" in axes.get_title(loc="left") for axes in figure.axes) == panels


@pytest.mark.slow
def test_one_axis_gives_a_curve_and_with_heights_a_map_of_verdicts():
    data = sweep({"learning_rate": ho.Axis.log(0.05, 1, 40)}, heights=np.linspace(0, 1, 25))
    curve = ho.plot(data.drop_vars(["verdict_at_height", "certainty_at_height"]))
    assert curve.axes[0].get_ylabel().startswith("critical height")
    assert curve.axes[0].get_legend().get_texts()[-1].get_text().endswith(r"$\alpha \to 0$ and $\beta_1 \to 1$")
    verdicts = ho.plot(data)
    shown = verdicts.axes[0].collections[0].get_array().reshape(25, 40)
    np.testing.assert_array_equal(shown, data.verdict_at_height.values)
    assert {"escaped", "trapped"} <= set(legend_texts(verdicts))


def test_the_same_figure_is_the_same_file(tmp_path):
    data = made([[0.1, 0.3], [0.5, 0.9]], "heights", certainty=[[1, 2], [1, 0]])
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


def test_a_film_goes_step_by_step_in_one_frame(tmp_path):
    hill, optimizer = ho.TentHill(0.5), ho.Adam(0.3)
    critical = ho.critical_height(hill, optimizer)
    panel = pictures.WalkPanel("Adam", hill, ho.trajectory(hill, optimizer, max_steps=8), critical)
    limits, said = set(), []
    for step in (2, 8):
        above, below = pictures.walk_figure([panel._replace(so_far=step)]).axes
        limits.add((above.get_xlim(), above.get_ylim(), below.get_xlim(), below.get_ylim()))
        said.append(any("0.410184" in text.get_text() for text in above.texts))
        np.testing.assert_allclose(below.lines[0].get_ydata(), panel.positions[: step + 1])
        np.testing.assert_allclose(above.lines[-1 - said[-1]].get_xdata(), panel.positions[step : step + 1])
    assert len(limits) == 1
    assert said == [False, True]  # the height is met at step 6
    short = panel._replace(walk=ho.trajectory(hill, optimizer, max_steps=2))
    pictures.write_walk_film([short], tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as film:
        assert (film.n_frames, film.info["loop"]) == (3, 0)


def walked(hill, optimizer, max_steps=12):
    walk, critical = (ask(hill, optimizer, max_steps=max_steps) for ask in (ho.trajectory, ho.critical_height))
    return pictures.WalkPanel(f"{type(optimizer).__name__}, {'a long name = 0.5, ' * 6}", hill, walk, critical)


@pytest.mark.parametrize(
    ("height", "rate", "told"),
    [
        (np.inf, 0.3, "crest, $h$ = inf, out of sight"),
        (1e300, 0.3, "crest, $h$ = 1e+300, out of sight"),
        (0.5, 0.3, "crest, $h$ = 0.5"),
        (0.5, 1e300, "crest, $h$ = 0.5"),
        (0.5, 1e308, "crest, $h$ = 0.5"),
        (0.5, 1e-5, "crest, $h$ = 0.5"),
    ],
)
def test_a_walk_on_any_hill_is_drawn_where_something_is_seen(height, rate, told):
    panels = [walked(ho.TentHill(height), optimizer) for optimizer in (ho.Adam(rate), ho.GradientDescent(rate))]
    with warnings.catch_warnings(action="error"):
        figure = pictures.walk_figure(panels)
        figure.draw_without_rendering()
    left, right = figure.axes[0].get_xlim()
    assert left < 1 < right < 10
    assert told in [text.get_text() for text in figure.axes[0].texts]
    titles = [axes._left_title.get_window_extent() for axes in figure.axes[:2]]
    assert titles[0].x1 < titles[1].x0
    assert titles[1].x1 <= figure.bbox.x1


def test_without_proofs_the_title_says_so_and_nothing_is_flagged():
    axes = {"learning_rate": ho.Axis.log(0.05, 0.9, 9), "b1": (0.1, 0.5, 0.9)}
    question = ho.CriticalHeight(1500, ho.BlockedClimb())
    figure = ho.plot(ho.sweep(question, ho.TentHill(), ho.Adam(0.1), axes))
    assert "1,500 steps" in title(figure)
    assert title(figure).endswith("unchecked: no proof was attempted")  # on straight pieces
    assert not any("flagged" in label or "undecided" in label for label in legend_texts(figure))


@pytest.mark.slow
def test_the_title_tells_every_number_that_is_not_on_an_axis():
    figure = ho.plot(sweep({"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]}, ho.Adam(0.1, b2=0.95)))
    told = r"Critical heights of Adam on TentHill $\beta_2$ = 0.95, $\epsilon$ = 0, 300 steps, float64"
    assert title(figure) == told
    other = ho.plot(
        ho.sweep(ho.Escape(20, ho.PlainClimb()), ho.WedgeHill(0.5), ho.Adam(0.1), {"learning_rate": [0.1, 0.3]})
    )
    assert "hill height $h$ = 0.5" in title(other)


GIVES = "pass what ho.sweep or to_dataset gives."
IS_NONE = "`dataset` must be a sweep's or an answer's, got {}; " + GIVES


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: None, IS_NONE.format("None")),
        (lambda: {}, IS_NONE.format("a dict")),
        (lambda: made([1, 2]).value, IS_NONE.format("a DataArray")),
        (lambda: xarray.Dataset({"x": 1}), IS_NONE.format("one without the attribute 'look'")),
        (lambda: made([1, 2], look="["), IS_NONE.format("the attribute 'look' damaged")),
        (lambda: made([1, 2], look="{}"), IS_NONE.format("the attribute 'look' damaged")),
        (lambda: made([1, 2], "logarithmic"), IS_NONE.format("the attribute 'look' damaged")),
        (
            lambda: made([1, 2]).drop_vars("value"),
            f"`dataset` must have the field 'value' to be drawn, got one without; {GIVES}",
        ),
        (
            lambda: made([1, 2], "heights").drop_vars("certainty"),
            f"`dataset` must have the field 'certainty' to be drawn, got one without; {GIVES}",
        ),
        (
            lambda: made([1, 2], look='{"field": "value", "label": "value", "outlined": "verdict"}'),
            f"`dataset` must have the field 'verdict' to be drawn, got one without; {GIVES}",
        ),
        (
            lambda: made([[1, 2]], "heights").assign(verdict=("y", [1, 2])),
            f"`dataset` must have 'verdict' over the axes of 'critical_height', got others; {GIVES}",
        ),
        (
            lambda: made([1, 2]).isel(x=0),
            "`dataset` must have an axis, got 'value' of one setting; sweep some number of it.",
        ),
        (
            lambda: made([1, 2]).isel(x=[]),
            "`dataset` must hold a setting, got an axis without values; select fewer away.",
        ),
    ],
)
def test_what_no_sweep_made_is_refused_in_a_sentence(make, message):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 (the whole sentence is compared)
        ho.plot(make())
    assert str(refusal.value) == message


RANDOM = np.random.default_rng(0)
FIELDS = {
    "equal": np.full((4, 5), 0.3),
    "nowhere finite": np.full((4, 5), np.nan),
    "infinite": np.full((4, 5), np.inf),
    "negative": -RANDOM.random((4, 5)) - 0.1,
    "zero": np.zeros((4, 5)),
    "one cell": np.ones((1, 1)),
    "of every size": 10.0 ** RANDOM.integers(-300, 300, (4, 5)),
    "at the ends of the range": RANDOM.choice([-1.7e308, 5e-324, 1.7e308], (4, 5)),
}


@pytest.mark.slow
@pytest.mark.parametrize("values", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("scale", ["heights", "log", "signed_log", "share", "linear"])
def test_whatever_the_values_are_they_are_drawn_between_limits_that_differ(scale, values):
    for some in (values, values[0]):
        with warnings.catch_warnings(action="error"):
            figure = ho.plot(made(some, scale))
            figure.draw_without_rendering()
        low, high = figure.axes[-1].get_ylim()  # the colour bar's, or the curve's
        assert np.isfinite([low, high]).all()
        assert low < high


@pytest.mark.parametrize("scale", ["heights", "log", "signed_log", "linear"])
@pytest.mark.parametrize(("extreme", "extend"), [(1e-14, "min"), (1e6, "max"), (0.5, "neither")])
def test_a_few_extreme_cells_do_not_spoil_the_colours_and_an_arrow_tells_of_them(scale, extreme, extend):
    values = np.geomspace(0.01, 1, 400).reshape(20, 20)
    values[:2, 0] = extreme
    norm = ho.plot(made(values, scale)).axes[0].collections[0].norm
    assert 0.005 < norm.vmin < 0.02
    assert 0.5 < norm.vmax <= 1
    from hillopt.pictures.colours import extend_for

    found = extend_for(norm, values)
    assert found in (extend, "both")


def test_half_a_map_of_rounding_errors_leaves_the_other_half_legible():
    values = np.geomspace(0.01, 1, 400).reshape(20, 20)
    values[:9] = 1e-14  # as heights of walks that end in the valley
    norm = ho.plot(made(values, "heights")).axes[0].collections[0].norm
    assert norm.vmin > 1e-7
    assert norm.vmax > 0.5


def luminance(colour):
    """Relative luminance of a colour (WCAG 2.2), and the luma of a grey-scale print (ITU-R BT.601)."""
    from matplotlib.colors import to_rgb

    red, green, blue = np.asarray(to_rgb(colour))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return np.array([np.dot([0.2126, 0.7152, 0.0722], linear), np.dot([0.299, 0.587, 0.114], [red, green, blue])])


def test_verdicts_are_told_apart_without_colour():
    from hillopt.pictures.marks import VERDICT_STYLES

    greys = sorted(tuple(luminance(style.colour)) for style in VERDICT_STYLES.values())
    assert len(greys) == len(ho.Verdict)
    assert np.diff(np.array(greys), axis=0).min() >= 0.15
    marks = [VERDICT_STYLES[kind].mark for kind in (ho.Verdict.DIVERGED, ho.Verdict.UNDECIDED)]
    assert None not in marks
    assert len(set(marks)) == 2


def test_a_flag_stands_out_from_every_colour_of_the_map():
    import matplotlib
    from matplotlib.colors import to_rgb

    from hillopt.pictures.style import COLOUR_MAP, FLAG_COLOUR

    colours = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 1, 256))[:, :3]
    assert np.linalg.norm(colours - np.array(to_rgb(FLAG_COLOUR)), axis=1).min() > 0.4


def flag_dots(axes):
    from matplotlib.collections import PathCollection

    return sum(len(each.get_offsets()) for each in axes.collections if isinstance(each, PathCollection))


def hatches(axes):
    return {mark for each in axes.collections for mark in getattr(each, "hatches", [])}


@pytest.mark.parametrize("scale", ["heights", "verdicts", "log", "linear", "share"])
@pytest.mark.parametrize(
    ("flagged", "dots", "hatched", "told"),
    [("none", 0, False, None), ("one", 1, False, "0.2%"), ("all", 0, True, "all"), ("all but one", 0, True, "99.8%")],
)
def test_every_map_shows_its_flags(scale, flagged, dots, hatched, told):
    certainty = np.full((20, 20), ho.Certainty.CERTIFIED if flagged in ("none", "one") else ho.Certainty.FLAGGED)
    if flagged in ("one", "all but one"):
        certainty[7, 3] = ho.Certainty.FLAGGED if flagged == "one" else ho.Certainty.CERTIFIED
    values = np.full((20, 20), 1.0)
    figure = ho.plot(made(values, scale, certainty=certainty))
    assert flag_dots(figure.axes[0]) == dots
    assert any("\\" in (mark or "") for mark in hatches(figure.axes[0])) == hatched
    texts = [text for text in legend_texts(figure) if "flagged" in text]
    assert texts == ([] if told is None else [f"flagged: rounding decides ({told})"])


def test_flags_that_stand_between_others_are_drawn_where_they_are():
    certainty = np.full((5, 5), ho.Certainty.CERTIFIED)
    certainty[::2] = ho.Certainty.FLAGGED
    axes = ho.plot(made(np.ones((5, 5)), "heights", certainty=certainty)).axes[0]
    assert flag_dots(axes) == 15
    assert not hatches(axes)


@pytest.mark.parametrize("scale", ["heights", "verdicts", "log", "linear"])
def test_every_curve_shows_its_flags_where_there_is_no_value_too(scale):
    values = np.array([1.0, np.nan, 2.0, 3.0])
    certainty = np.array([ho.Certainty.FLAGGED] * 3 + [ho.Certainty.CERTIFIED])
    axes = ho.plot(made(values, scale, certainty=certainty)).axes[0]
    crosses = np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "x"])
    assert sorted(crosses) == [1, 2, 3]
    assert "flagged: rounding decides (75.0%)" in [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize(("count", "size", "told"), [(1, 10**6, "< 0.1%"), (10**6 - 1, 10**6, "> 99.9%")])
def test_a_share_is_none_or_all_only_where_it_is(count, size, told):
    from hillopt.pictures.marks import told_share

    assert told_share(count, size) == told


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.0, 0.5, 0.9, 0.99], "function"),
        ([0.01, 0.02, 0.05, 0.1], "log"),
        ([0.0, 0.1, 1.0], "linear"),
        ([0.1, 0.9], "linear"),
        ([0.3], "linear"),
    ],
)
def test_a_list_is_drawn_at_its_values_and_goes_no_further(values, scale):
    figure = ho.plot(made(np.ones((len(values), 3)), axes={"b1": values, "y": [1.0, 2.0, 4.0]}))
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    np.testing.assert_allclose([low, high], [values[0], values[-1]], rtol=1e-5, atol=1e-5)
    assert axes.get_xscale() == scale
    np.testing.assert_allclose(axes.get_xticks(), values)
    corners = np.unique(axes.collections[0].get_coordinates()[0, :, 0])
    assert len(corners) == len(values) + 1
    assert np.all((corners[:-1] <= values) & (values <= corners[1:]))


def test_ticks_of_a_list_do_not_overlap():
    values = [0.1, 0.10001, 0.10002, 0.5, 1.0]
    figure = ho.plot(made(np.ones((5, 2)), axes={"x": values, "y": [1.0, 2.0]}))
    figure.draw_without_rendering()
    labels = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) == 3
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(labels))


def test_a_lone_point_of_a_curve_is_seen():
    for values in ([0.3], [np.nan, 0.3, np.nan], [np.nan, 0.3, *([np.nan] * 200)]):
        axes = ho.plot(made(values, "heights")).axes[0]
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [list(line.get_ydata()) for line in dots] == [[0.3]]


def test_what_is_not_drawn_is_said():
    sizes = {"x": 3, "y": 3, "z": 9, "u": 1, "eps": 4}
    data = made(np.ones(tuple(sizes.values())), axes={name: np.arange(size) for name, size in sizes.items()})
    figure = ho.plot(data)
    assert "4 of 9 values of z drawn" in title(figure)
    assert r"$\epsilon$ = 0 (the first of 4 values)" in title(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == [f"z = {z}, u = 0" for z in (0, 3, 5, 8)]


@pytest.mark.parametrize(
    ("shape", "step"), [((1500, 1500), "2nd"), ((1100, 1100, 2), "2nd"), ((2**20 * 2 + 1,), "3rd")]
)
def test_a_thinned_picture_says_so_and_drops_no_facet(shape, step):
    figure = ho.plot(made(np.ones(shape)))
    assert f"every {step} value of {'the axis' if len(shape) == 1 else 'each axis'} drawn" in title(figure)
    assert sum(axes.get_title(loc="left") != "" for axes in figure.axes) == (2 if len(shape) == 3 else 0)


def test_numbers_of_every_kind_are_told_or_left_out_by_rule():
    numbers = {
        "optimizer": {"b1": 0.9, "update_interval": 1000, "nesterov": True, "mask": None, "betas": [0.9, 0.99]},
        "hill": {"multiplicative": False, "place": [0.5, -1], "points": [[0, 1], [1, 0]], "function": "<lambda>"},
        "question": {"num_walks": 4000, "max_steps": 20_000, "climb": "PlainClimb()", "heights": [0.1, 0.2]},
    }
    figure = ho.plot(made([1, 2], numbers=json.dumps(numbers), max_steps=20_000, dtype="float32"))
    told = (
        r"$\beta_1$ = 0.9, update interval = 1,000, nesterov on, betas = (0.9, 0.99), multiplicative off, "
        "place = (0.5, -1), 4,000 walks, 20,000 steps, float32"
    )
    assert title(figure) == f"Values of Adam on TentHill {told}"


def test_a_selected_value_is_a_number_of_the_title():
    data = made(np.ones((2, 3)), axes={"learning_rate": [0.1, 0.2], "b1": [0.1, 0.5, 0.9]})
    assert title(ho.plot(data.isel(b1=1))) == r"Values of Adam on TentHill $\beta_1$ = 0.5"


@pytest.mark.parametrize(("hill", "doubted"), [("TentHill", False), ("WedgeHill", False), ("RoughBowl", True)])
def test_unchecked_labels_on_curved_ground_are_doubted(hill, doubted):
    verdict = np.full((3, 3), ho.Verdict.ESCAPED)
    unchecked = np.full((3, 3), ho.Certainty.UNCHECKED)
    figure = ho.plot(made(verdict, "verdicts", certainty=unchecked, hill=hill))
    assert "unchecked: no proof was attempted" in title(figure)
    assert ("labels near a boundary may turn with the last digit" in title(figure)) == doubted


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 3, 2), (3, 3, 4, 4)], ids=["curve", "map", "facets", "16 facets"])
@pytest.mark.parametrize("length", [1, 200])
def test_titles_and_legends_are_never_cut_and_overlap_nothing(shape, length):
    """Also where a name has a dollar sign, or no place to break it."""
    numbers = {"optimizer": {f"a_number_{index}": index / 7 for index in range(length // 8)}}
    verdict = np.resize([0, 1, 2, 3], shape)
    kinds = np.resize([0, 1, 2], shape)
    data = made(
        np.resize([1.0, -1.0, 1.0, np.nan, np.nan], shape),
        "heights",
        title=f"Heights of {'W$' * (length // 2)} on a hill",
        numbers=json.dumps(numbers),
        verdict=verdict,
        certainty=kinds,
        max_steps=10,
    )
    figure = ho.plot(data)
    figure.draw_without_rendering()
    above, whole = figure._suptitle.get_window_extent(), figure.bbox
    boxes = [axes.get_tightbbox() for axes in figure.axes] + [each.get_window_extent() for each in figure.legends]
    for box in [above, *boxes]:
        assert whole.x0 <= box.x0 + 1
        assert box.x1 <= whole.x1 + 1
        assert whole.y0 <= box.y0 + 1
        assert box.y1 <= whole.y1 + 1
    assert all(box.y1 <= above.y0 for box in boxes)
    assert min(axes.get_window_extent().height for axes in figure.axes) > 100


def test_a_stored_sweep_is_drawn_as_the_one_in_memory(tmp_path):
    axes, climb = {"learning_rate": [0.1, 0.3], "b1": [0.5, 0.9]}, ho.PlainClimb()
    store = ho.Store(tmp_path / "s.zarr")
    kept = ho.sweep(ho.CriticalHeight(300, climb), ho.TentHill(), ADAM, axes, store=store, tile=1)
    reopened = xarray.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None)
    for name, data in {"memory": sweep(axes, climb=climb), "kept": kept, "reopened": reopened}.items():
        pictures.write(ho.plot(data), [tmp_path / f"{name}.png"])
    first, *others = ((tmp_path / f"{name}.png").read_bytes() for name in ("memory", "kept", "reopened"))
    assert all(other == first for other in others)


@pytest.mark.parametrize(("hill", "doubted"), [(ho.RoughBowl(0.2), True), (ho.WedgeHill(0.2), False)])
def test_losses_on_curved_ground_are_doubted(hill, doubted):
    axes = {"learning_rate": [0.1, 0.2], "height": [0.1, 0.2]}
    losses = ho.sweep(ho.Loss(3), hill, ho.GradientDescent(0.1), axes)
    assert (
        "where walks are chaotic losses hang on the last digit" in " ".join(title(ho.plot(losses)).split())
    ) == doubted


@pytest.mark.parametrize("autolayout", [False, True])
def test_a_picture_is_laid_out_once_and_drawn_once_a_file(autolayout, tmp_path, monkeypatch):
    """Whatever a user's own settings would lay out."""
    figure, drawn = ho.plot(made([[1.0, 2.0], [3.0, 4.0]])), []
    draw = type(figure).draw
    monkeypatch.setattr(type(figure), "draw", lambda self, renderer: drawn.append(draw(self, renderer)))
    with rc_context({"figure.autolayout": autolayout}):
        pictures.write(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
        places = [axes.get_position().bounds for axes in figure.axes]
    assert len(drawn) == 3
    pictures.write(figure, [tmp_path / "b.pdf"])
    assert (tmp_path / "b.pdf").read_bytes() == (tmp_path / "a.pdf").read_bytes()
    assert [axes.get_position().bounds for axes in figure.axes] == places


def test_undecided_cells_and_no_others_are_pale():
    """Of them a mesh of their own is drawn, which ends where they do."""
    verdict = np.full((5, 4), ho.Verdict.TRAPPED)
    verdict[1, 2] = verdict[3, 1] = ho.Verdict.UNDECIDED
    figure = ho.plot(made(np.ones((5, 4)), "heights", verdict=verdict))
    _, pale = (each for each in figure.axes[0].collections if isinstance(each, QuadMesh))
    corners, hidden = pale.get_coordinates(), np.ma.getmaskarray(pale.get_array())
    middles = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    assert hidden.shape == (2, 3)
    np.testing.assert_allclose(middles[~hidden], [[4, 2], [2, 3]])
