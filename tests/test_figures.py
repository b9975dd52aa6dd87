"""Figures of autoencoders: what they draw, checked on the artists; bad input is refused by name."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba

from aecluster import figures
from aecluster.figures import curves, maps, mosaic, points, style, view

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((12, 7, 5, 1))
LABELS = np.arange(12) % 4
CORNERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
BLOBS = CORNERS.repeat(100, axis=0) + RANDOM.normal(size=(400, 2))
BLOB_LABELS = np.arange(4).repeat(100)


def raster(figure):
    return np.asarray(figure.axes[0].images[-1].get_array())


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def caption(figure):
    return figure.axes[0].get_title(loc="left")


def colour_bytes(label):
    return np.round(255 * np.array(to_rgb(style.colour_of(int(label))))).astype(np.uint8)


def test_a_grid_shows_each_image_in_its_row_and_column():
    rows = {"latent 2": IMAGES[::-1].copy(), "latent 16": IMAGES**2}
    figure = figures.reconstruction_grid(IMAGES, rows, LABELS, notes={"latent 16": "MAE 0.03"})
    axes, sheet = figure.axes[0], raster(figure)
    for y, shown in zip(axes.get_yticks(), [IMAGES, *rows.values()], strict=True):
        for x, image in zip(axes.get_xticks(), shown, strict=True):
            place = sheet[round(y) - 3 : round(y) + 4, round(x) - 2 : round(x) + 3]
            np.testing.assert_allclose(place, mosaic.on_paper(image))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["original", "latent 2", "latent 16"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [str(label) for label in LABELS]
    (note,) = axes.texts
    assert (note.get_text(), note.get_position()[1]) == ("MAE 0.03", axes.get_yticks()[2])


def test_strips_show_every_seed_its_median_and_what_was_published():
    panels = {"mnist": {"DEC": np.array([0.9, 0.7, 0.8]), "ours": np.array([0.98, 0.97])}}
    marks = {"mnist": [figures.Mark("IIC", 0.992, "Ji"), figures.Mark("DEC", 0.843, "Xie")]}
    axes = figures.score_strips(panels, marks).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["DEC", "ours", "IIC"]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [sorted(line.get_xdata()) for line in dots] == [[0.7, 0.8, 0.9], [0.97, 0.98]]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in axes.lines if line.get_marker() == "D"] == [
        (0.843, 0),
        (0.992, 2),
    ]
    assert texts(figures.score_strips(panels, marks)) == ["0.800", "◇ 0.843  Xie", "0.975", "◇ 0.992  Ji"]
    left, right = axes.get_xlim()
    assert left < 0.7 < 0.992 < right < 1


def test_ink_is_dark_on_paper_and_colours_stay():
    grey = mosaic.on_paper(np.array([0.0, 1.0]).reshape(1, 2, 1, 1))
    np.testing.assert_allclose(grey[0, :, 0], [to_rgb(style.PAPER), to_rgb(style.INK)])
    colours = RANDOM.random((2, 3, 3, 3))
    np.testing.assert_array_equal(mosaic.on_paper(colours), colours)


def test_one_of_each_is_the_first_image_of_every_class():
    np.testing.assert_array_equal(figures.one_of_each(np.array([3, 3, 0, 2, 0], np.uint8)), [2, 3, 0])


def test_dead_pixels_are_counted_among_those_that_carry_ink():
    dead, inked = np.zeros((7, 5), bool), np.zeros((7, 5), bool)
    dead[:4, 0] = inked[2:, 0] = True
    rows, maps = {"as it was": IMAGES, "cured": IMAGES}, {"cured": ~inked, "as it was": dead}
    figure = figures.cure_comparison(IMAGES, rows, maps, inked)
    assert [axes.get_title() for axes in figure.axes[1:]] == [
        "as it was\n2 of 5 pixels dead",
        "cured\n0 of 5 pixels dead",
    ]
    shown = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal((shown == to_rgb(style.ALARM)).all(axis=-1), dead & inked)
    np.testing.assert_array_equal((shown == to_rgb(style.FAINT)).all(axis=-1), inked & ~dead)
    plain = figures.cure_comparison(IMAGES, {"as it was": IMAGES}, {"as it was": dead})
    assert plain.axes[1].get_title() == "as it was\n4 of 35 pixels dead"


def test_points_have_their_places_and_colours_and_each_class_its_name_in_its_midst():
    figure = figures.latent_points(BLOBS, BLOB_LABELS, class_names=["a", "b", "c", "d"])
    (drawn,) = figure.axes[0].collections
    colours = [to_rgba(style.colour_of(int(label)), points.ALPHA) for label in BLOB_LABELS]
    together = np.concatenate([drawn.get_offsets(), drawn.get_facecolors()], axis=1)
    expected = np.concatenate([BLOBS, colours], axis=1)
    np.testing.assert_allclose(together[np.argsort(together[:, 0])], expected[np.argsort(expected[:, 0])])
    for text in figure.axes[0].texts:
        assert np.linalg.norm(text.get_position() - CORNERS["abcd".index(text.get_text())]) < 2
    assert sorted(texts(figure)) == ["a", "b", "c", "d"]
    assert figure.axes[0].get_aspect() == 1
    squares = [(handle.get_label(), handle.get_color()) for handle in figure.legends[0].legend_handles]
    assert squares == [(name, style.colour_of(label)) for label, name in enumerate("abcd")]


def test_names_of_classes_in_one_place_stand_apart():
    same = RANDOM.normal(size=(500, 2))
    window = view.robust_view(same)
    places = np.array(list(points.lonely_places(same, np.arange(500) % 5, window).values()))
    apart = np.abs(places[:, None] - places) / window.size * points.CELLS
    assert (apart.max(axis=-1) + 99 * np.eye(len(places))).min() > points.APART
    assert 2 <= len(places) <= 5


def test_a_class_whose_places_are_taken_is_left_to_the_key_and_not_named_elsewhere():
    crowd = np.concatenate([RANDOM.normal(scale=0.05, size=(1000, 2)), RANDOM.uniform(-5, 5, size=(200, 2))])
    labels = np.concatenate([np.arange(1000) % 8, 8 + np.arange(200) % 2])
    named = points.lonely_places(crowd, labels, view.robust_view(crowd))
    in_the_crowd = [place for label, place in named.items() if label < 8]
    assert len(in_the_crowd) == 1
    assert np.abs(in_the_crowd[0]).max() < 0.5


def test_the_view_leaves_far_outliers_out_and_says_so():
    far = np.concatenate([RANDOM.normal(size=(997, 2)), [[500.0, 0], [0, -900], [0, 800]]])
    labels = np.arange(1000) % 10
    window = view.robust_view(far)
    assert (window.low > -6).all()
    assert (window.high < 6).all()
    left_out = (~window.holds(far)).sum()
    assert 3 <= left_out < 20
    share = f"{left_out} of 1,000 points ({left_out / 10:.2g}%) lie outside"
    assert caption(figures.latent_points(far, labels)) == share
    assert share in caption(figures.thumbnails(far, np.zeros((1000, 4, 4, 1)), labels))
    assert caption(figures.latent_points(CORNERS, LABELS[:4])) == "all 4 points"


@pytest.mark.parametrize("cloud", [CORNERS[:1], CORNERS[:2], np.full((5, 2), 3.0)])
def test_clouds_without_area_are_drawn_too(cloud, tmp_path):
    labels = np.zeros(len(cloud), int)
    figures.write(figures.latent_points(cloud, labels), [tmp_path / "points.png"])
    drawn = figures.thumbnails(cloud, np.zeros((len(cloud), 4, 4, 1)), labels)
    assert caption(drawn).startswith(f"{len(np.unique(cloud, axis=0))} of {len(cloud)} images drawn")


def middle_pixel(figure, position):
    """Row and column of a data position in the raster."""
    shown = figure.axes[0].images[0]
    left, right, bottom, top = shown.get_extent()
    height, width = shown.get_array().shape[:2]
    return int((top - position[1]) / (top - bottom) * height), int((position[0] - left) / (right - left) * width)


@pytest.mark.parametrize("clusters", [None, np.array([0, 1, 3, 2])])
def test_a_thumbnail_lies_at_its_position_in_its_border_on_its_paper(clusters):
    figure = figures.thumbnails(CORNERS, np.zeros((4, 28, 28, 1)), np.arange(4), clusters=clusters, across=20)
    sheet = raster(figure)
    half = maps.SIDE // 2
    for index, position in enumerate(CORNERS):
        row, column = middle_pixel(figure, position)
        for side in (half + 1, -half - 1):
            np.testing.assert_array_equal(sheet[row, column + side], [*colour_bytes(index), 255])
            np.testing.assert_array_equal(sheet[row + side, column], [*colour_bytes(index), 255])
        assert sheet[row, column + half + 2 * maps.BORDER, 3] == 0
        tint = 255.0 if clusters is None else 255 - maps.TINT * (255.0 - colour_bytes(clusters[index]))
        np.testing.assert_allclose(sheet[row, column, :3], tint, atol=1)


def test_thumbnails_never_touch_and_none_that_fits_is_left_out():
    size, sheet = (6, 9), (150, 200)
    corners = RANDOM.integers(-5, 200, (1500, 2))
    order = RANDOM.permutation(1500)
    chosen = maps.first_come(order, corners, sheet, size)
    apart = np.array(size) + maps.GAP
    meets = (np.abs(corners[:, None] - corners[chosen]) < apart).all(axis=-1)
    assert meets[chosen].sum() == len(chosen)  # itself alone
    inside = ((corners >= 0) & (corners + size <= sheet)).all(axis=1)
    assert inside[chosen].all()
    assert meets.any(axis=1)[inside].all()
    np.testing.assert_array_equal(maps.first_come(order, corners, sheet, size, max_count=7), chosen[:7])


def test_every_image_is_a_thumbnail_or_a_dot_and_the_caption_counts_them():
    figure = figures.thumbnails(BLOBS, np.ones((400, 6, 6, 3)), BLOB_LABELS, across=30, axis_names=None)
    dots = len(figure.axes[0].collections[0].get_offsets())
    borders = {tuple(colour_bytes(label)): label for label in range(4)}
    side = maps.SIDE + 2 * maps.BORDER
    frame = side**2 - maps.SIDE**2
    bordered = sum((raster(figure)[..., :3] == colour).all(axis=-1).sum() for colour in borders)
    assert bordered == frame * (400 - dots)
    assert caption(figure) == f"{400 - dots} of 400 images drawn, the others dots; border: class"
    assert 4 < dots < 396
    assert figure.axes[0].get_xticks().size == 0
    few = figures.thumbnails(BLOBS, np.ones((400, 6, 6, 3)), BLOB_LABELS, max_count=5)
    assert caption(few).startswith("5 of 400")


def test_mistakes_come_first_and_in_full_colour():
    crowd = np.repeat(CORNERS, 20, axis=0)
    labels, mistakes = np.arange(4).repeat(20), np.zeros(80, bool)
    mistakes[[7, 25]] = True  # in the first crowd and the second
    figure = figures.thumbnails(crowd, np.zeros((80, 28, 28, 1)), labels, mistakes=mistakes)
    assert caption(figure) == ("4 of 80 images drawn, the others dots; border: class; 2 of 2 mistakes in full colour")
    for index, strength in enumerate([1, 1, maps.PALE, maps.PALE]):
        row, column = middle_pixel(figure, CORNERS[index])
        border = raster(figure)[row, column + maps.SIDE // 2 + 1, :3]
        np.testing.assert_allclose(border, 255 - strength * (255.0 - colour_bytes(index)), atol=1)


def test_a_walk_lies_where_its_latents_are():
    latents = figures.lattice(np.array([-3.0, 0.0, 7.5]), np.array([1.0, 20.0]))
    np.testing.assert_array_equal(latents[1, 2], [7.5, 20.0])
    images = RANDOM.random((2, 3, 4, 6, 1))
    figure = figures.latent_walk(latents, images)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["−3", "0", "7.5"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "20"]
    assert axes.get_ylim()[0] < axes.get_ylim()[1]
    for i, y in enumerate(axes.get_yticks()):
        for j, x in enumerate(axes.get_xticks()):
            upwards = raster(figure)[round(y - 1.5) : round(y + 2.5), round(x - 2.5) : round(x + 3.5)]
            np.testing.assert_allclose(upwards[::-1], mosaic.on_paper(images[i, j]))


def test_curves_are_means_in_bands_from_the_lowest_to_the_highest_seed():
    train, test = RANDOM.uniform(0.1, 1, (2, 3, 6))
    figure = figures.loss_curves({"latent 2": (train, test), "one seed": (train[:1, :4], test[:1, :4])})
    axes = figure.axes[0]
    shown = [(line.get_xdata(), line.get_ydata(), line.get_linestyle()) for line in axes.lines]
    for (x, y, dashes), losses, expected in zip(
        shown, [train, test, train[:1, :4], test[:1, :4]], ["--", "-"] * 2, strict=True
    ):
        np.testing.assert_array_equal(x, 1 + np.arange(losses.shape[1]))
        np.testing.assert_allclose(y, losses.mean(axis=0))
        assert dashes == expected
    for band, losses in zip(axes.collections, [train, test], strict=True):
        corners = band.get_paths()[0].vertices
        for epoch in range(6):
            column = corners[corners[:, 0] == epoch + 1, 1]
            assert (column.min(), column.max()) == (losses[:, epoch].min(), losses[:, epoch].max())
    assert axes.get_yscale() == "log"
    assert texts(figure) == ["latent 2", "one seed"]
    assert [text.get_color() for text in axes.texts] == [line.get_color() for line in axes.lines[::2]]
    assert caption(figure) == "test solid, training dashed; mean and range over 1 or 3 seeds"
    assert axes.get_xticks()[0] == 1


@pytest.mark.parametrize(
    ("places", "expected"),
    [([0.0, 5.0], [0, 5]), ([1.0, 1.0], [0.5, 1.5]), ([0.0, 0.2, 3.0, 3.5], [-0.4, 0.6, 2.75, 3.75]), ([2.0], [2])],
)
def test_names_are_spread_as_little_as_needed(places, expected):
    np.testing.assert_allclose(curves.spread(np.array(places), 1.0), expected)


def test_a_confusion_matrix_writes_what_it_counts():
    counts = np.array([[90, 0, 10], [1, 49, 0], [0, 1_200, 2_800]])
    figure = figures.confusion_matrix(counts, class_names=["ant", "bee", "cow"])
    written = {text.get_position(): text.get_text() for text in figure.axes[0].texts if text.get_text() != "found"}
    expected = {(column, row): f"{counts[row, column]:,}" for row, column in np.argwhere(counts)}
    assert written == expected
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shares), counts == 0)
    np.testing.assert_allclose(shares[2], np.ma.masked_equal([0, 0.3, 0.7], 0))
    assert caption(figure) == "accuracy 0.7082 on 4,150 images"
    (found,) = figure.axes[0].child_axes
    assert [tick.get_text() for tick in found.get_yticklabels()] == ["90.0%", "98.0%", "70.0%"]


def test_the_same_figure_is_the_same_file(tmp_path):
    images = RANDOM.random((400, 8, 8, 1)).astype(np.float32)
    for name in ("one", "two"):
        figure = figures.thumbnails(BLOBS, images, BLOB_LABELS, clusters=BLOB_LABELS, across=20)
        figures.write(figure, [tmp_path / f"{name}.png", str(tmp_path / f"{name}.pdf")])
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


LATTICE = figures.lattice(np.arange(3.0), np.arange(4.0))
LOSSES = np.ones((2, 5))
ROWS = {"model": IMAGES}
BAD = {
    "images without channels": (
        lambda: figures.reconstruction_grid(IMAGES[..., 0], ROWS),
        r"`original` must have the axes \(image, height, width, channel\).*add the missing axis",
    ),
    "images in 0..255": (
        lambda: figures.reconstruction_grid(255 * IMAGES, ROWS),
        r"`original` must lie in \[0, 1\], image \d+ has a pixel [\d.]+; divide by the largest",
    ),
    "NaN": (
        lambda: figures.reconstruction_grid(IMAGES, {"model": np.nan * IMAGES}),
        r"`rows\['model'\]` must be finite, image 0",
    ),
    "no images": (lambda: figures.reconstruction_grid(IMAGES[:0], ROWS), "`original` must hold at least one image"),
    "no rows": (lambda: figures.reconstruction_grid(IMAGES, {}), "`rows` must name at least one"),
    "other images": (
        lambda: figures.reconstruction_grid(IMAGES[:5], ROWS),
        r"`rows\['model'\]` must have the shape of `original`.*choose the same",
    ),
    "a row called original": (
        lambda: figures.reconstruction_grid(IMAGES, {"original": IMAGES}),
        "`rows` must leave the name 'original'",
    ),
    "a note on no row": (
        lambda: figures.reconstruction_grid(IMAGES, ROWS, notes={"modle": "?"}),
        r"`notes` must speak of the rows drawn, got 'modle'; choose among \['original', 'model'\]",
    ),
    "too few labels": (
        lambda: figures.reconstruction_grid(IMAGES, ROWS, LABELS[:3]),
        r"`labels` must be one whole number for each of the 12 images, got the shape \(3,\)",
    ),
    "dead pixels of another recipe": (
        lambda: figures.cure_comparison(IMAGES, ROWS, {"mode": IMAGES[0, ..., 0] > 0}),
        "`dead` must map the same recipes as `rows`",
    ),
    "a map of errors": (
        lambda: figures.cure_comparison(IMAGES, ROWS, {"model": IMAGES[0, ..., 0]}),
        r"`dead\['model'\]` must be true or false, got float64; compare with a threshold",
    ),
    "a map of another size": (
        lambda: figures.cure_comparison(IMAGES, ROWS, {"model": np.ones((7, 5), bool)}, np.ones((5, 7), bool)),
        r"`inked` must have the shape of one image, \(7, 5\), got \(5, 7\)",
    ),
    "latents not in the plane": (
        lambda: figures.latent_points(np.zeros((12, 16)), LABELS),
        r"`latents` must have the shape \(image, 2\), got \(12, 16\); project",
    ),
    "no method": (lambda: figures.score_strips({"mnist": {}}), r"`panels\['mnist'\]` must name at least one thing"),
    "percentages": (
        lambda: figures.score_strips({"mnist": {"DEC": np.array([84.3])}}),
        r"`panels\['mnist'\]\['DEC'\]` must be scores from 0 to 1, one a seed",
    ),
    "no latents": (lambda: figures.latent_points(np.zeros((0, 2)), LABELS[:0]), "`latents` must hold at least one"),
    "infinite latents": (lambda: figures.latent_points(CORNERS / 0.0, LABELS[:4]), "`latents` must be finite"),
    "labels as floats": (
        lambda: figures.latent_points(CORNERS, np.arange(4.0)),
        "`labels` must be whole numbers, got float64",
    ),
    "negative labels": (
        lambda: figures.latent_points(CORNERS, np.arange(-1, 3)),
        "`labels` must count from 0, image 0 has -1",
    ),
    "too few names": (
        lambda: figures.latent_points(CORNERS, np.arange(4), class_names=["a", "b"]),
        "`class_names` must name all 4 classes, got 2 names",
    ),
    "images elsewhere": (
        lambda: figures.thumbnails(CORNERS, IMAGES, LABELS),
        "`images` must hold one image a position, 4, got 12",
    ),
    "too few clusters": (
        lambda: figures.thumbnails(BLOBS[:12], IMAGES, LABELS, clusters=LABELS[:4]),
        "`clusters` must be one whole number for each of the 12",
    ),
    "too few mistakes": (
        lambda: figures.thumbnails(BLOBS[:12], IMAGES, LABELS, mistakes=LABELS[:4] > 0),
        "`mistakes` must have the shape of `labels`",
    ),
    "no room": (
        lambda: figures.thumbnails(BLOBS[:12], IMAGES, LABELS, across=1),
        "`across` must be a whole number of at least 2",
    ),
    "a walk without lattice": (
        lambda: figures.latent_walk(LATTICE.swapaxes(0, 1), np.zeros((3, 4, 7, 5, 1))),
        "`latents` must share their coordinates along rows and columns; make them by `lattice`",
    ),
    "a flat walk": (
        lambda: figures.latent_walk(LATTICE, np.zeros((12, 7, 5, 1))),
        r"`images` must have the axes \(row, column, height, width, channel\)",
    ),
    "a list of latents": (
        lambda: figures.latent_walk(BLOBS, np.zeros((4, 3, 7, 5, 1))),
        r"`latents` must have the shape \(row, column, 2\)",
    ),
    "no curves": (lambda: figures.loss_curves({}), "`curves` must name at least one"),
    "too many curves": (
        lambda: figures.loss_curves(dict.fromkeys("abcdefgh", (LOSSES, LOSSES))),
        "`curves` must be at most 7.*draw two figures",
    ),
    "a curve without seeds": (
        lambda: figures.loss_curves({"a": (LOSSES, LOSSES[0])}),
        r"`curves\['a'\]` must hold test losses by \(seed, epoch\), got the shape \(5,\); for one seed add an axis",
    ),
    "a diverged curve": (
        lambda: figures.loss_curves({"a": (LOSSES * np.inf, LOSSES)}),
        r"`curves\['a'\]` must hold positive train losses",
    ),
    "curves of two lengths": (
        lambda: figures.loss_curves({"a": (LOSSES, LOSSES[:, :3])}),
        r"`curves\['a'\]\[1\]` must have the shape of the training losses",
    ),
    "more clusters than classes": (
        lambda: figures.confusion_matrix(np.ones((3, 4), int)),
        r"`counts` must be square.*got the shape \(3, 4\); match clusters",
    ),
    "nothing counted": (lambda: figures.confusion_matrix(np.zeros((3, 3), int)), "`counts` must be numbers of images"),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name_rule_and_remedy(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
