"""Figures of deblurring: what they draw, checked on the artists; bad input is refused by name."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from aecluster import figures
from aecluster.figures import mosaic, restorations, trade_off

RANDOM = np.random.default_rng(0)
CLEAR = RANDOM.random((10, 7, 5, 1)).astype(np.float32)
BLURRED = (0.5 * CLEAR + 0.25).astype(np.float32)
METHODS = {"ridge": ((CLEAR + BLURRED) / 2), "dense 256": CLEAR[::-1].copy()}
SCORES = {
    "blurred": {"MAE": 0.0918, "PSNR": 15.3},
    "ridge": {"MAE": 0.0078, "PSNR": 35.52, "SSIM": 0.967},
    "dense 256": {"MAE": 0.0, "PSNR": np.inf, "SSIM": 1.0},
}
DOZEN = {f"method number {index}": BLURRED for index in range(12)}
ERRORS = np.array([0.1, 0.3, 0.02, 0.3, 0.25, 0.1, 0.0, 0.2, 0.05, 0.04])
WEIGHTS = (2.0, 0.0, 0.5, 1.0)
POINTS = [figures.WeightPoint(weight, *RANDOM.random((4, 3))) for weight in WEIGHTS]
STRENGTHS = np.array([3, 5, 9])
CURVES = {"ridge": (STRENGTHS, RANDOM.uniform(0.1, 1, (1, 3))), "dense": (STRENGTHS[:2], RANDOM.uniform(1, 2, (4, 2)))}
CROWD = {f"method number {index}": (STRENGTHS, np.full((1, 3), 20.0)) for index in range(12)}


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def cells(axes, rows, columns, image=0):
    """The pieces of the axes' raster where its ticks say that images are, as they are normalised to be drawn."""
    sheet = np.asarray(axes.images[image].get_array())
    for y in rows:
        yield [sheet[round(y) - 3 : round(y) + 4, round(x) - 2 : round(x) + 3] for x in columns]


def test_a_grid_shows_each_image_in_its_row_and_column_and_its_error_beside():
    figure = figures.restoration_grid(BLURRED, METHODS, CLEAR)
    pictures, errors = figure.axes[:2]
    assert labels(pictures.yaxis) == ["blurred", "ridge", "dense 256", "clear"]
    places = pictures.get_yticks(), mosaic.middles(10, 5, 1)
    rows = [BLURRED, *METHODS.values(), CLEAR]
    for drawn, images in zip(cells(pictures, *places), rows, strict=True):
        np.testing.assert_allclose(drawn, mosaic.on_paper(images))
    for drawn, images in zip(cells(errors, *places), rows, strict=True):
        np.testing.assert_allclose(drawn, (images - CLEAR)[..., 0])
    assert pictures.get_xlim() == errors.get_xlim()
    assert pictures.get_ylim() == errors.get_ylim()


def test_errors_have_symmetric_colours_around_paper_and_a_scale_that_says_so():
    figure = figures.restoration_grid(BLURRED, METHODS, CLEAR)
    (image,), (bar,) = figure.axes[1].images, figure.axes[1].child_axes
    assert image.get_clim() == (-1, 1)
    np.testing.assert_allclose(image.norm([-1, -0.25, 0, 0.25, 1]), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(image.norm.inverse([0, 0.25, 0.5, 0.75, 1]), [-1, -0.25, 0, 0.25, 1])
    assert image.to_rgba(np.zeros(1)).min() == 1
    red, blue = image.to_rgba(np.array([0.3, -0.3]))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert labels(bar.xaxis) == ["−1", "−0.25", "0", "+0.25", "+1"]


def test_errors_of_colour_images_are_means_over_the_channels():
    clear, restored = RANDOM.random((2, 10, 7, 5, 3)).astype(np.float32)
    figure = figures.restoration_grid(restored, {"ridge": restored}, clear)
    drawn = next(cells(figure.axes[1], [4], mosaic.middles(10, 5, 1)))
    np.testing.assert_allclose(drawn, (restored - clear).mean(axis=-1), rtol=1e-5)


def test_scores_stand_at_their_rows_in_columns_of_equal_decimals():
    figure = figures.restoration_grid(BLURRED, METHODS, CLEAR, scores=SCORES)
    heights = dict(zip(labels(figure.axes[0].yaxis), figure.axes[0].get_yticks(), strict=True))
    texts = figure.axes[1].texts
    found = {(text.xyann[0], text.xy[1]): text.get_text() for text in texts if text.xycoords != "axes fraction"}
    mae, psnr, ssim = (text.xyann[0] for text in texts if text.xycoords == "axes fraction")
    assert mae < psnr < ssim
    assert found == {
        (mae, heights["blurred"]): "0.0918",
        (mae, heights["ridge"]): "0.0078",
        (mae, heights["dense 256"]): "0.0000",
        (psnr, heights["blurred"]): "15.3",
        (psnr, heights["ridge"]): "35.5",
        (psnr, heights["dense 256"]): "∞",
        (ssim, heights["ridge"]): "0.967",
        (ssim, heights["dense 256"]): "1.000",
    }


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0.00401, 0.0745], ["0.0040", "0.0745"]),
        ([40.123, 9.5], ["40.12", "9.50"]),
        ([1234.5, 200.0], ["1234", "200"]),
        ([0.0, -0.25], ["0.000", "−0.250"]),
        ([0.0], ["0.00"]),
        ([np.inf], ["∞"]),
    ],
)
def test_numbers_share_their_decimals(numbers, expected):
    assert restorations.three_digits(numbers) == expected


def test_failures_are_the_images_with_the_greatest_errors_worst_first():
    figure = figures.failures(BLURRED, METHODS["ridge"], CLEAR, ERRORS, worst=4, error_name="MAE")
    (axes,) = figure.axes
    chosen = [1, 3, 4, 7]
    assert set(ERRORS[chosen]) >= set(np.sort(ERRORS)[-4:])
    assert labels(axes.yaxis) == ["blurred", "restored", "clear", "error"]
    assert labels(axes.xaxis) == ["#1", "#3", "#4", "#7"]
    columns, rows = axes.get_xticks(), axes.get_yticks()
    for drawn, images in zip(cells(axes, rows[:3], columns), [BLURRED, METHODS["ridge"], CLEAR], strict=True):
        np.testing.assert_allclose(drawn, mosaic.on_paper(images[chosen]))
    left, right, bottom, top = axes.images[1].get_extent()
    assert (left + right, bottom + top) == (2 * columns.mean(), 2 * rows[3])
    np.testing.assert_allclose(
        next(cells(axes, [4], columns, image=1)), (METHODS["ridge"] - CLEAR)[chosen][..., 0], rtol=1e-6
    )
    assert axes.images[1].get_clim() == (-1, 1)
    below = next(child for child in axes.child_axes if child.get_xlabel())
    assert labels(below.xaxis) == ["0.300", "0.300", "0.250", "0.200"]
    np.testing.assert_array_equal(below.get_xticks(), columns)
    assert below.get_xlabel() == "MAE, 4 of 10 images, the worst first"


def test_failures_are_all_images_where_there_are_few():
    figure = figures.failures(BLURRED, CLEAR, CLEAR, ERRORS, worst=99)
    assert labels(figure.axes[0].xaxis) == [f"#{index}" for index in np.argsort(-ERRORS, kind="stable")]


def test_weights_lie_at_the_blurred_image_s_share_of_the_loss_and_equal_ones_are_marked():
    figure = figures.weight_curve(POINTS)
    rising = sorted(POINTS, key=lambda point: point.weight)
    for axes, fields in zip(figure.axes, trade_off.PANELS, strict=True):
        *lines, mark = axes.lines
        assert list(mark.get_xdata()) == [1, 1]
        for field, mean, dots, band in zip(fields, lines[::2], lines[1::2], axes.collections, strict=True):
            values = np.array([getattr(point, field) for point in rising])
            np.testing.assert_array_equal(mean.get_xdata(), sorted(WEIGHTS))
            np.testing.assert_allclose(mean.get_ydata(), values.mean(axis=1))
            np.testing.assert_array_equal(dots.get_xdata(), np.repeat(sorted(WEIGHTS), 3))
            np.testing.assert_array_equal(dots.get_ydata(), values.ravel())
            corners = band.get_paths()[0].vertices
            assert (corners[:, 1].min(), corners[:, 1].max()) == (values.min(), values.max())
        share = axes.get_xaxis_transform().transform([[0, 0], [1, 0], [2, 0]])[:, 0]
        np.testing.assert_allclose((share[1] - share[0]) / (share[2] - share[0]), 3 / 4)
        assert labels(axes.xaxis) == ["0", "0.2", "0.5", "1", "2"]
    (legend,) = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == ["MAE to clear", "to blurred"]
    assert [axes.get_title(loc="left") for axes in figure.axes[1:]] == [
        "sharpness / clear",
        "way from blurred (0) to clear (1)",
    ]
    assert "w |p − blurred|" in figure.get_supxlabel()


@pytest.mark.parametrize("weights", [[1.0], [0.0], [0.9, 1.0, 1.1], [0.0, 1e4]])
def test_odd_weights_are_drawn_too_and_w_1_is_in_view(weights, tmp_path):
    figure = figures.weight_curve([figures.WeightPoint(weight, *RANDOM.random((4, 2))) for weight in weights])
    figures.write(figure, [tmp_path / "weights.png"])
    low, high = figure.axes[0].get_xlim()
    assert low < min(1, *weights, 1)
    assert high > max(1, *weights, 1)


@pytest.mark.parametrize("log", [False, True])
def test_scores_are_means_in_bands_named_at_their_ends(log):
    figure = figures.strength_curve(CURVES, "MAE", strength_name="side of the box", log=log)
    axes = figure.axes[0]
    for line, (strengths, values) in zip(axes.lines, CURVES.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), strengths)
        np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0))
    (band,), (strengths, values) = axes.collections, CURVES["dense"]
    corners = band.get_paths()[0].vertices
    for strength, column in zip(strengths, values.T, strict=True):
        heights = corners[corners[:, 0] == strength, 1]
        assert (heights.min(), heights.max()) == (column.min(), column.max())
    assert [text.get_text() for text in axes.texts] == ["ridge", "dense"]
    assert [text.get_color() for text in axes.texts] == [line.get_color() for line in axes.lines]
    assert [text.xy for text in axes.texts] == [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in axes.lines]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("side of the box", "MAE")
    assert labels(axes.xaxis) == ["3", "5", "9"]
    assert axes.get_yscale() == ("log" if log else "linear")
    assert axes.get_title(loc="left") == "mean and range over 1 or 4 seeds"


def test_a_dozen_lines_differ_in_colour_or_dashes():
    figure = figures.strength_curve(CROWD, "PSNR")
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 12
    assert figure.axes[0].get_title(loc="left") == ""


FULL = {
    "a grid": lambda: figures.restoration_grid(BLURRED, METHODS, CLEAR, scores=SCORES),
    "a grid of a dozen methods": lambda: figures.restoration_grid(
        BLURRED, DOZEN, CLEAR, scores={name: {**SCORES["ridge"], "sharpness / clear": 0.5} for name in DOZEN}
    ),
    "a grid of few images": lambda: figures.restoration_grid(BLURRED[:3], {"a": CLEAR[:3]}, CLEAR[:3]),
    "ten failures": lambda: figures.failures(BLURRED, BLURRED, CLEAR, ERRORS / 7),
    "one failure": lambda: figures.failures(BLURRED, BLURRED, CLEAR, ERRORS, worst=1),
    "twenty failures": lambda: figures.failures(
        *[np.concatenate([images, images]) for images in (BLURRED, BLURRED, CLEAR)], np.tile(ERRORS, 2), worst=20
    ),
    "weights": lambda: figures.weight_curve(POINTS),
    "strengths": lambda: figures.strength_curve(CROWD, "PSNR"),
}


@pytest.fixture
def written(monkeypatch):
    """Every text drawn, with the box it takes, without its arrow."""
    boxes, draw = [], Text.draw

    def record(text, renderer):
        draw(text, renderer)
        if text.get_text():
            boxes.append((text.get_text(), Text.get_window_extent(text, renderer)))

    monkeypatch.setattr(Text, "draw", record)
    return boxes


@pytest.mark.parametrize("case", FULL)
def test_no_text_stands_on_another(case, written):
    FigureCanvasAgg(FULL[case]()).draw()
    assert len(written) > 10
    for (one, here), (other, there) in combinations(written, 2):
        width = min(here.x1, there.x1) - max(here.x0, there.x0)
        height = min(here.y1, there.y1) - max(here.y0, there.y0)
        assert min(width, height) <= 1, (one, other)


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("one", "two"):
        figures.write(FULL["a grid"](), [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"])
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


ONES = np.ones(3)


def grid(blurred=BLURRED, restored=METHODS, clear=CLEAR, **options):
    return lambda: figures.restoration_grid(blurred, restored, clear, **options)


def fail(errors=ERRORS, restored=CLEAR, **options):
    return lambda: figures.failures(BLURRED, restored, CLEAR, errors, **options)


def weigh(*points):
    return lambda: figures.weight_curve([figures.WeightPoint(*point) for point in points])


def strengthen(strengths, values, **options):
    return lambda: figures.strength_curve({"a": (strengths, values)}, "MAE", **options)


BAD = {
    "no methods": (grid(restored={}), "`restored` must name at least one"),
    "a method called clear": (grid(restored={"clear": CLEAR}), "`restored` must leave the name 'clear'.*rename"),
    "other blurred images": (grid(blurred=BLURRED[:5]), "`blurred` must have the shape of `clear`.*choose the same"),
    "other restored images": (
        grid(restored={"a": CLEAR[:, :3]}),
        r"`restored\['a'\]` must have the shape of `clear`, \(10, 7, 5, 1\), got \(10, 3, 5, 1\)",
    ),
    "images without channels": (grid(clear=CLEAR[..., 0]), r"`clear` must have the axes \(image, height, width"),
    "images in 0..255": (
        grid(blurred=255 * BLURRED),
        r"`blurred` must lie in \[0, 1\], image \d+ has a pixel [\d.]+; divide by the largest",
    ),
    "NaN": (grid(restored={"a": np.nan * CLEAR}), r"`restored\['a'\]` must be finite, image 0"),
    "a score of no row": (
        grid(scores={"rigde": {}}),
        r"`scores` must speak of the rows drawn, got 'rigde'; choose among \['blurred', 'ridge', 'dense 256'\]",
    ),
    "a score of NaN": (
        grid(scores={"ridge": {"MAE": np.nan}}),
        r"`scores\['ridge'\]\['MAE'\]` must be a number, got NaN; leave it out",
    ),
    "restored images elsewhere": (fail(restored=CLEAR[:3]), "`restored` must have the shape of `clear`"),
    "too few errors": (fail(ERRORS[:3]), r"`errors` must hold one number an image, got the shape \(3,\) for 10 images"),
    "an error of NaN": (fail(np.nan * ERRORS), "`errors` must be finite"),
    "no failures": (fail(worst=0), "`worst` must be a whole number of at least 1, got 0"),
    "no points": (weigh(), "`points` must hold at least one weight"),
    "a negative weight": (weigh((-0.5, ONES, ONES, ONES, ONES)), "`points` must have finite weights from 0 on"),
    "an infinite weight": (weigh((np.inf, ONES, ONES, ONES, ONES)), "`points` must have finite weights from 0 on"),
    "a weight twice": (
        weigh(*[(0.5, ONES, ONES, ONES, ONES)] * 2),
        r"`points` must have each weight once, got \[0.5, 0.5\]; put the seeds",
    ),
    "fewer seeds in one field": (
        weigh((0.5, ONES, ONES, ONES[:2], ONES)),
        r"`sharpness` of w = 0.5 must hold one number a seed, got the shape \(2,\); choose the same seeds",
    ),
    "no seeds": (weigh((0.5, *[ONES[:0]] * 4)), "`mae_clear` of w = 0.5 must hold one number a seed"),
    "a way of NaN": (weigh((0.5, ONES, ONES, ONES, np.nan * ONES)), "`way` of w = 0.5 must be finite"),
    "no scores": (lambda: figures.strength_curve({}, "MAE"), "`scores` must name at least one"),
    "too many scores": (
        lambda: figures.strength_curve(dict.fromkeys(range(15), (STRENGTHS, np.ones((1, 3)))), "MAE"),
        "`scores` must be at most 14.*draw two figures",
    ),
    "falling strengths": (
        strengthen(STRENGTHS[::-1], np.ones((1, 3))),
        r"`scores\['a'\]` must have strengths that rise, got \[9 5 3\]; sort them",
    ),
    "values without seeds": (
        strengthen(STRENGTHS, ONES),
        r"`scores\['a'\]` must hold values by \(seed, strength\), got the shape \(3,\) for 3 strengths; for one seed",
    ),
    "values elsewhere": (strengthen(STRENGTHS, np.ones((1, 2))), r"`scores\['a'\]` must hold values by"),
    "an infinite value": (strengthen(STRENGTHS, np.full((1, 3), np.inf)), r"`scores\['a'\]` must be finite"),
    "zero on a logarithmic scale": (
        strengthen(STRENGTHS, np.zeros((1, 3)), log=True),
        r"`scores\['a'\]` must be positive on a logarithmic scale; take `log=False`",
    ),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_rule_and_remedy(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
