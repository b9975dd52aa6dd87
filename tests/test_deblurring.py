"""Undoing a blur: peers against plain loops, scores against scikit-image, presets, and what a study says."""

import dataclasses
import re

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from skimage import metrics as skimage_metrics
from skimage import restoration

import aecluster as ae
from aecluster import deblurring
from aecluster.deblurring import study
from aecluster.training import discriminators

DIGITS = ae.load()
SMALL = ae.ImageData("small", ae.Split(DIGITS.train.images[:300]), ae.Split(DIGITS.test.images[:40]))
BLUR = ae.Blur(size=3)
SHARP = ae.Blur("gaussian", 3, 0.6, eight_bit=False)  # with an inverse that is well behaved
CLEAR = SMALL.test.images
BLURRED = ae.corrupted(BLUR, CLEAR)
RNG = np.random.default_rng(9)


# Peers


def test_richardson_lucy_is_its_own_definition():
    kernel, image = np.asarray(BLUR.kernel(), float), BLURRED[3, ..., 0].astype(float)
    estimate = np.full_like(image, 0.5)
    for _ in range(6):
        seen = ndimage.convolve(estimate, kernel, mode="mirror")
        estimate *= ndimage.convolve(image / (seen + 1e-12), kernel[::-1, ::-1], mode="mirror")
    found = deblurring.RichardsonLucy(kernel, 6)(BLURRED[3:4])[0, ..., 0]
    np.testing.assert_allclose(found, estimate.clip(0, 1), atol=1e-6)


@pytest.mark.parametrize("blur", [BLUR, SHARP, ae.Blur("motion", 5, 3.0, 20.0), ae.Blur("box", 7, 5.5)])
@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (1, 28, 28, 1), (1, 9, 11, 2)])
def test_richardson_lucy_leaves_white_images_white(blur, shape):
    white = np.ones(shape, np.float32)
    found = deblurring.RichardsonLucy(np.asarray(blur.kernel()))(white)
    np.testing.assert_allclose(found, 1, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "error"), [(1 - CLEAR, 0.1), (np.full_like(CLEAR, 0.4), 1.01 / 255)], ids=["inverted", "flat grey"]
)
def test_richardson_lucy_restores_images_whose_border_is_not_black(images, error):
    blurred = ae.corrupted(BLUR, images)
    restored = deblurring.RichardsonLucy(np.asarray(BLUR.kernel()))(blurred)
    assert np.abs(restored - images).mean() < error
    plain = np.array(blurred, float)
    kernel = np.asarray(BLUR.kernel(), float)[None, ..., None]
    estimate = np.full_like(plain, 0.5)
    for _ in range(100):
        seen = ndimage.convolve(estimate, kernel, mode="mirror")
        estimate *= ndimage.convolve(plain / (seen + 1e-12), kernel[:, ::-1, ::-1], mode="mirror")
    mirrored = np.abs(estimate.clip(0, 1) - images).mean()
    assert np.abs(restored - images).mean() == pytest.approx(mirrored, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("grey", [1.0, 0.2])
@pytest.mark.parametrize("kind", ae.KINDS)
def test_images_without_edges_stay_as_they_are(kind, grey):
    flat = np.full((2, 9, 8, 1), grey, np.float32)
    restored = deblurring.RichardsonLucy(np.asarray(ae.Blur(kind, 5, 3.0).kernel()))(flat)
    np.testing.assert_allclose(restored, flat, atol=1e-6)


def test_a_stack_is_deconvolved_as_image_by_image():
    kernel = np.asarray(BLUR.kernel())
    colours = RNG.random((3, 11, 9, 2)).astype(np.float32)
    for method in (deblurring.RichardsonLucy(kernel, 5), deblurring.Wiener(kernel, 1e-3)):
        together = method(colours)
        apart = [method(colours[i : i + 1, ..., c : c + 1])[0, ..., 0] for i in range(3) for c in range(2)]
        np.testing.assert_allclose(together.transpose(0, 3, 1, 2).reshape(6, 11, 9), apart, atol=1e-6)


def test_wieners_filter_undoes_a_blur_that_it_knows():
    blurred = ae.corrupted(SHARP, CLEAR)
    kernel = np.asarray(SHARP.kernel())
    restored = deblurring.Wiener(kernel, 1e-8)(blurred)
    np.testing.assert_allclose(restored, CLEAR, atol=2e-4)
    periodic = np.pad(blurred[0, ..., 0].astype(float), (0, 6), mode="reflect")
    np.testing.assert_allclose(
        restored[0, ..., 0], restoration.wiener(periodic, kernel, 1e-8)[:8, :8].clip(0, 1), atol=1e-6
    )


def test_the_balance_is_the_best_one():
    kernel = np.asarray(BLUR.kernel())
    chosen = deblurring.choose_balance(kernel, BLURRED, CLEAR)
    best = np.abs(chosen(BLURRED) - CLEAR).mean()
    for balance in 10.0 ** np.arange(-5, 0):
        assert np.abs(deblurring.Wiener(kernel, balance)(BLURRED) - CLEAR).mean() >= best


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_ridge_solves_its_normal_equations(penalty):
    learned = deblurring.learn_ridge(BLURRED, CLEAR, penalty)
    x, y = (images.reshape(40, 64).astype(float) for images in (BLURRED, CLEAR))
    x, mean, y_mean = x - x.mean(0), x.mean(0), y.mean(0)
    weights = np.linalg.inv(x.T @ x + penalty * np.eye(64)) @ x.T @ (y - y_mean)
    np.testing.assert_allclose(learned.weights, weights, atol=1e-9)
    np.testing.assert_allclose(learned.offset, y_mean - mean @ weights, atol=1e-9)
    expected = (BLURRED.reshape(40, 64) @ weights + learned.offset).clip(0, 1)
    np.testing.assert_allclose(learned(BLURRED).reshape(40, 64), expected, atol=1e-6)


def test_of_random_blurs_the_mean_kernel_is_known():
    blur = ae.RandomBlur(3, kinds=("box",), weakest=0.99, strongest=1.0)
    peer = deblurring.peer("richardson_lucy", SMALL, blur)
    told = deblurring.RichardsonLucy(np.full((3, 3), 1 / 9))
    np.testing.assert_allclose(peer(BLURRED[:4])[0], told(BLURRED[:4]), atol=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: deblurring.RichardsonLucy(np.ones((3, 3)), 0),
            "`num_iterations` must be a whole number of at least 1",
        ),
        (
            lambda: deblurring.Wiener(np.ones((3, 3)), -1.0),
            "`balance` must be a finite number above 0, got -1.0; give more.",
        ),
        (
            lambda: deblurring.learn_ridge(BLURRED, CLEAR, -1.0),
            "`penalty` must be a finite number of at least 0",
        ),
        (lambda: deblurring.check_methods(["rigde"], ["ridge"]), "No method is called 'rigde'; did you mean 'ridge'?"),
    ],
)
def test_peers_refuse_in_one_sentence(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


# Scores


def test_scores_are_those_of_scikit_image_and_of_plain_formulas():
    restored = (0.7 * CLEAR + 0.3 * BLURRED).astype(np.float32)
    scores = deblurring.score(restored, CLEAR, BLURRED)
    for index in (0, 7, 39):
        pair = CLEAR[index, ..., 0], restored[index, ..., 0]
        assert scores["psnr"][index] == pytest.approx(
            skimage_metrics.peak_signal_noise_ratio(*pair, data_range=1), 1e-5
        )
        assert scores["ssim"][index] == pytest.approx(
            skimage_metrics.structural_similarity(*pair, data_range=1.0), abs=1e-5
        )
        assert scores["mae"][index] == pytest.approx(np.abs(pair[0] - pair[1]).mean(), rel=1e-5)
        assert scores["mae_blurred"][index] == pytest.approx(np.abs(restored[index] - BLURRED[index]).mean(), rel=1e-5)
    np.testing.assert_allclose(scores["way"], 0.7, atol=1e-5)
    np.testing.assert_array_equal(scores["between"], 1)
    assert set(scores) == set(deblurring.MEASURES) - {"clear"}


def test_a_summary_is_of_means_over_images_and_spreads_over_seeds():
    scores = {name: RNG.random((3, 5)) for name in ("mae", "psnr")}
    row = deblurring.summary("some", scores)
    assert row["mae"] == pytest.approx(scores["mae"].mean())
    assert row["psnr_std"] == pytest.approx(np.std([one.mean() for one in scores["psnr"]]))
    assert (row["method"], row["seeds"]) == ("some", 3)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((CLEAR[:3], CLEAR, BLURRED), "`restored` must be of the shape of `clear`, (40, 8, 8, 1), got (3, 8, 8, 1)"),
        ((CLEAR, CLEAR, BLURRED[:9]), "`blurred` must be of the shape of `clear`, (40, 8, 8, 1), got (9, 8, 8, 1)"),
        ((CLEAR, 255 * CLEAR, BLURRED), "`clear` must lie in [0, 1], image 0 has a pixel "),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        deblurring.score(*arguments)


# Presets


def test_presets_have_names_and_sizes_that_fit_the_images():
    named = deblurring.networks((8, 8, 1)) | deblurring.losses((8, 8, 1), [0.5, 1.0])
    assert {name for name in named if name.startswith("composite")} == {"composite_0.5", "composite_1"}
    assert named["cured_64"].architecture == ae.Dense(64)
    assert named["bug_64"].recipe.loss == ae.GreyTargets()
    assert deblurring.composites((28, 28, 1), [1.0, 0.5]) == {0.0: "l1_256", 0.5: "composite_0.5", 1.0: "composite_1"}


def test_losses_differ_in_nothing_but_their_loss():
    named = deblurring.losses((28, 28, 1))
    first = dataclasses.replace(named["l1_256"].recipe, loss=ae.L1())
    for name, preset in named.items():
        same = dataclasses.replace(preset.recipe, loss=ae.L1(), adversary=None)
        assert same == first, name


def test_three_beginnings_end_with_the_same_loss():
    named = deblurring.losses((28, 28, 1))
    ends = {named[name].recipe.loss.then for name in ("composite_1", "from_clear", "from_blurred")}
    assert ends == {ae.composite(1.0, 1.0)}


def test_a_mixture_is_the_sum_of_its_losses():
    preset = deblurring.mixture(ae.Dense(4), {"l2": 2.0, "blurred_l1": 0.5, "probability_of_blur": 0.25}, adversary=0.1)
    logits, target, given = (jnp.asarray(RNG.random((2, 8, 8, 1))) for _ in range(3))
    pixels = 1 / (1 + np.exp(-np.asarray(logits)))
    expected = 2 * ((pixels - target) ** 2).mean() + 0.5 * np.abs(pixels - given).mean()
    np.testing.assert_allclose(preset.recipe.loss(logits, target, given, jnp.asarray(0.0)), expected, rtol=1e-6)
    assert (preset.judged, preset.recipe.adversary.weight) == (0.25, 0.1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"crossentropy": 1.0}, "No loss is called 'crossentropy'; did you mean 'cross_entropy'?"),
        ({"blured_l1": 1.0}, "No loss is called 'blured_l1'; did you mean 'blurred_l1'?"),
        ({"l1": -1.0}, "`weights['l1']` must be a finite number of at least 0, got -1.0; give more."),
        ({"l1": 0.0, "ssim": 0.0}, "The weights of a loss must not all be 0, got [0.0, 0.0]"),
        ({"probability_of_blur": 1.0}, "A loss must compare with an image too; give 'probability_of_blur' with l1=1"),
    ],
)
def test_what_is_no_mixture_is_refused(weights, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        deblurring.mixture(ae.Dense(4), weights)


# Studies


def test_boxes_grow_from_two_pixels_to_what_fits():
    assert [blur.strength for blur in deblurring.strengths((28, 28, 1))] == [2, 3, 4, 5, 6, 7]
    assert [(blur.strength, blur.size) for blur in deblurring.strengths((4, 9, 1))] == [(2, 3), (3, 3)]
    box, original = (
        ae.corrupted(deblurring.strengths((28, 28, 1))[3], SMALL.test.images),
        ae.corrupted(ae.Blur(), SMALL.test.images),
    )
    assert np.abs(box - original).max() < 0.02


def test_every_strength_scores_every_method_and_richardson_lucy_that_is_told():
    blurs = deblurring.strengths((8, 8, 1), largest=3)
    rows = list(deblurring.by_strength({"still": deblurring.untouched}, blurs, CLEAR))
    names = ["blurred", "still", "richardson_lucy, told"]
    assert [(name, width) for name, width, _ in rows] == [(name, width) for width in (2.0, 3.0) for name in names]
    for _, _, scores in rows[:2]:
        np.testing.assert_array_equal(scores["way"], 0)
    assert rows[2][2]["mae"].mean() < 0.6 * rows[0][2]["mae"].mean()


@pytest.fixture
def one_photograph(monkeypatch):
    """A part of one is all that is tested on, and another part all that is learned from."""
    camera = deblurring.photograph("camera")
    part = camera[100:148, 200:260]
    monkeypatch.setattr(study, "TO_TEST_ON", ("part",))
    monkeypatch.setattr(study, "photograph", lambda name: part)
    patches = ae.Split(np.stack([camera[150:182, 200 + 8 * shift : 232 + 8 * shift] for shift in range(8)]))
    return part[None], ae.ImageData("camera", patches, patches)


def test_a_whole_photograph_is_blurred_as_its_patches_are(one_photograph):
    (clear, data), blur = one_photograph, ae.Blur(size=3)
    (_, blurred), (_, wiener) = (
        each[2:] for each in deblurring.by_photograph({"wiener": deblurring.peer("wiener", data, blur)}, data, blur)
    )
    wanted = cv2.GaussianBlur(
        np.round(255 * clear[0, ..., 0]).astype(np.uint8), (3, 3), 50, borderType=cv2.BORDER_REFLECT_101
    )
    assert blurred["mae"][0, 0] == pytest.approx(np.abs(wanted / 255 - clear[0, ..., 0]).mean(), rel=1e-5)
    assert wiener["psnr"][0, 0] > blurred["psnr"][0, 0] + 3


def test_where_kernels_are_random_those_who_are_told_them_stand_beside(one_photograph):
    (_, data), blur = one_photograph, ae.RandomBlur(5, ("box", "defocus"), 0.5, 0.7)
    rows = list(deblurring.by_photograph({"wiener": deblurring.peer("wiener", data, blur)}, data, blur))
    names = ["blurred", "wiener", "richardson_lucy, told", "wiener, told"]
    blurs = deblurring.two_of_each_kind(blur)
    assert [each[:3] for each in rows] == [("part", each, name) for each in blurs for name in names]
    psnr = {(each, name): scores["psnr"].mean() for _, each, name, scores in rows}
    for each in blurs:
        assert psnr[each, "wiener, told"] > psnr[each, "wiener"]


WIDE = {"gaussian": 12**-0.5, "box": 1, "motion": 1, "defocus": 0.5}  # strength of a blur one pixel wide


def test_two_of_each_kind_are_as_wide_as_the_halves_are_on_average():
    blur = ae.RandomBlur(9, weakest=0.2, strongest=0.6, noise=0.02)
    found = [(each.kind, each.strength) for each in deblurring.two_of_each_kind(blur)]
    wanted = [(kind, width * share) for kind, share in WIDE.items() for width in (2.7, 4.5)]
    assert found == [(kind, pytest.approx(strength)) for kind, strength in wanted]
    assert {(each.size, each.noise, each.eight_bit) for each in deblurring.two_of_each_kind(blur)} == {(9, 0.01, True)}
    assert deblurring.two_of_each_kind(ae.Blur()) == [ae.Blur()]


def test_the_best_methods_are_those_with_the_least_errors():
    scored = {name: {"mae": np.array([[error]])} for name, error in [("a", 0.3), ("b", 0.1), ("c", 0.2)]}
    assert deblurring.best(scored, ["a", "b", "c"], most=2) == ["b", "c"]


# What the losses teach; that they are what they were, and trainings too, golden files and tests of losses tell every day


@pytest.mark.slow
def test_a_discriminator_comes_back_from_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(discriminators, "LEAST_STEPS", 3)
    judge = ae.learn_discriminator(SMALL.train.images, BLUR)
    ae.save(judge, tmp_path / "judge")
    again = ae.restore_discriminator(tmp_path / "judge")
    assert again.digest() == judge.digest()
    np.testing.assert_array_equal(again.probability(CLEAR), judge.probability(CLEAR))
    assert (again.seed, again.epochs, again.image_shape) == (judge.seed, judge.epochs, (8, 8, 1))
    with pytest.raises(ValueError, match=r"holds a discriminator; read it with `restore_discriminator`\.$"):
        ae.restore(tmp_path / "judge")
    with pytest.raises(ValueError, match=r"^`path` '.*judge' holds a checkpoint already; remove it, or choose"):
        ae.save(judge, tmp_path / "judge")


@pytest.fixture(scope="module")
def judge():
    return ae.learn_discriminator(DIGITS.train.images, BLUR)


@pytest.fixture(scope="module")
def taught(judge):
    """Scores on the test digits of dense networks that differ in nothing but their loss."""
    blurred = ae.corrupted(BLUR, DIGITS.test.images)
    named = deblurring.losses(DIGITS.image_shape, [0.5, 1.0, 2.0])
    scores = {}
    for name in (
        "l1_64",
        "composite_0.5",
        "composite_1",
        "composite_2",
        "from_clear",
        "from_blurred",
        "judged_composite",
    ):
        recipe = named[name].recipe.for_images(len(DIGITS.train.images))
        trained = deblurring.train_preset(dataclasses.replace(named[name], recipe=recipe), DIGITS, BLUR, judge)
        seeds = deblurring.score_seeds(trained.reconstruct, DIGITS.test.images, blurred, judge)
        scores[name] = {measure: float(values.mean()) for measure, values in seeds.items()}
    return scores


@pytest.mark.slow
def test_the_way_to_the_clear_image_falls_with_the_weight_of_the_blurred_one(taught):
    ways = [taught[name]["way"] for name in ("l1_64", "composite_0.5", "composite_1", "composite_2")]
    assert ways == pytest.approx([0.68, 0.51, 0.27, 0.11], abs=0.05)


@pytest.mark.slow
def test_a_network_with_equal_weights_is_lazy(taught):
    equal = taught["composite_1"]
    least = np.abs(DIGITS.test.images - ae.corrupted(BLUR, DIGITS.test.images)).mean()
    assert equal["mae"] + equal["mae_blurred"] < 1.2 * least  # hardly anything left to gain, and yet:
    assert equal["way"] < 0.35
    assert equal["laplacian"] < 0.15
    assert equal["between"] > 0.65


@pytest.mark.slow
def test_with_equal_weights_the_beginning_decides_the_end(taught):
    ways = [taught[name]["way"] for name in ("from_blurred", "composite_1", "from_clear")]
    assert ways == sorted(ways)
    assert ways[2] - ways[0] > 0.01


@pytest.mark.slow
def test_a_discriminator_takes_l1s_reconstructions_for_clear_and_images_half_way_are_in_doubt(taught, judge):
    assert taught["l1_64"]["clear"] > 0.99
    asked = list(deblurring.judged_mixtures(judge, DIGITS.test.images, ae.corrupted(BLUR, DIGITS.test.images)))
    said = [row["probability"] for row in asked]
    assert said == sorted(said)
    assert said[0] < 0.02
    assert 0.2 < said[2] < 0.8
    assert said[4] > 0.98


@pytest.mark.slow
def test_a_frozen_discriminator_makes_a_lazy_network_look_clear_and_no_nearer_to_the_clear_image(taught):
    lazy, judged = taught["composite_1"], taught["judged_composite"]
    assert judged["clear"] > 0.95 > 0.5 > lazy["clear"]
    assert judged["laplacian"] > 1.5 * lazy["laplacian"]
    assert judged["mae"] == pytest.approx(lazy["mae"], rel=0.05)
    assert judged["psnr"] < lazy["psnr"]
