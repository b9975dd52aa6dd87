"""Blurs: OpenCV bit for bit, SciPy's convolution, kernels by their closed forms, laws of the random draws, refusals."""

import functools
import re
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage

import aecluster as ae
from aecluster import blur
from aecluster.blur import ORIGINAL, Blur, RandomBlur

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"
RNG = np.random.default_rng(11)
KEY = jax.random.key(5)
SIZES = [1, 3, 5, 7, 9, 15, 31]
SIGMAS = [0.1, 0.5, 0.8, 1.0, 1.4, 2.3, 5.0, 7.5, 50.0, 1000.0]
EVERY_KIND = [
    (blur.gaussian, (1.3,)),
    (blur.box, (3.4,)),
    (blur.motion, (4.7, 33.0)),
    (blur.defocus, (2.2,)),
]


@functools.cache
def real_images():
    """In 8 bits: MNIST's 10,000 test images, or the digits that come with scikit-learn, as large as MNIST's or nearly so."""
    if MNIST.is_dir():
        images = ae.load("mnist", MNIST).test.images
    else:
        images = ae.load("digits").test.images.repeat(3, axis=1).repeat(3, axis=2)
    return np.rint(255 * images).astype(np.uint8)


def shared(greys):
    return jnp.asarray(greys / np.float32(255))


def batch(shape=(6, 12, 11, 2)):
    return shared(RNG.integers(0, 256, shape, np.uint8))


def by_opencv(function, images):
    """Image by image, 255ths of the 8-bit result."""
    done = [function(image, borderType=cv2.BORDER_REFLECT_101).reshape(image.shape) for image in images]
    return np.stack(done) / np.float32(255)


# Against OpenCV, SciPy and NumPy


def test_the_original_blur_of_every_test_image_is_opencvs_bit_for_bit():
    images = real_images()
    expected = by_opencv(functools.partial(cv2.GaussianBlur, ksize=(5, 5), sigmaX=50), images)
    np.testing.assert_array_equal(jax.jit(ORIGINAL)(KEY, shared(images)), expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sigma", SIGMAS)
def test_any_gaussian_in_8_bits_is_opencvs_bit_for_bit(size, sigma):
    noise = RNG.integers(0, 256, (2, 34, 31, 3), np.uint8)
    extremes = 255 * RNG.integers(0, 2, (2, 34, 31, 3), np.uint8)
    images = np.concatenate([noise, extremes, np.full_like(noise, 255)])
    expected = by_opencv(functools.partial(cv2.GaussianBlur, ksize=(size, size), sigmaX=sigma), images)
    np.testing.assert_array_equal(Blur(size=size, strength=sigma)(KEY, shared(images)), expected)


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9])
def test_a_box_in_8_bits_is_opencvs_mean(width):
    images = real_images()[:200]
    expected = by_opencv(functools.partial(cv2.blur, ksize=(width, width)), images)
    np.testing.assert_array_equal(Blur("box", 9, width)(KEY, shared(images)) * 255, expected * 255)


def test_the_original_weights():
    row = [51, 51, 52, 51, 51]
    np.testing.assert_array_equal(ORIGINAL.kernel() * 65536, np.outer(row, row))
    assert ORIGINAL == Blur() == Blur("gaussian", 5, 50.0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sigma", SIGMAS)
def test_fixed_point_weights_are_near_the_exact_ones(size, sigma):
    rounded, exact = blur.fixed_point_gaussian(size, sigma).sum(0), blur.gaussian(size, sigma).sum(0)
    assert rounded.sum() == 1
    np.testing.assert_allclose(np.delete(rounded, size // 2), np.delete(exact, size // 2), atol=1 / 256)


@pytest.mark.parametrize("convert", [blur.from_grey, jax.jit(blur.from_grey)])
def test_grey_values_become_what_numpy_divides_them_to(convert):
    greys = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(convert(jnp.asarray(greys)), greys / np.float32(255))


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (2, 5, 9, 3), (4, 4, 3, 2), (1, 1, 1, 1)])
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("wrap", [lambda function: function, jax.jit])
def test_the_convolution_is_scipys(shape, size, each, wrap):
    side = min(shape[1:3])
    size = min(size, side - 1 + side % 2)
    images, kernels = RNG.normal(size=shape), RNG.normal(size=(shape[0], size, size) if each else (size, size))
    stack = np.broadcast_to(kernels, (shape[0], size, size))
    expected = [ndimage.convolve(image, k[..., None], mode="mirror") for image, k in zip(images, stack, strict=True)]
    found = wrap(blur.convolve)(jnp.asarray(images), jnp.asarray(kernels))
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-12)


@pytest.mark.slow
def test_the_convolution_under_vmap_and_its_gradient():
    groups, kernels = jnp.asarray(RNG.normal(size=(3, 2, 6, 7, 1))), jnp.asarray(RNG.normal(size=(3, 5, 5)))
    expected = [blur.convolve(images, kernel) for images, kernel in zip(groups, kernels, strict=True)]
    np.testing.assert_allclose(jax.vmap(blur.convolve)(groups, kernels), np.stack(expected), atol=1e-12)
    check_grads(jax.jit(blur.convolve), (groups[0], kernels[0]), order=1)


# Kernels


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("family", "numbers"), EVERY_KIND)
def test_a_kernel_sums_to_one_and_is_the_same_turned_by_half(size, family, numbers):
    kernel = np.asarray(family(size, *numbers))
    assert kernel.dtype == np.float32
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize("family", [blur.gaussian, blur.box, blur.defocus])
@pytest.mark.parametrize("strength", [0.6, 1.7, 3.0, 40.0])
def test_kernels_without_a_direction_are_the_same_turned_by_a_quarter(family, strength):
    kernel = np.asarray(family(7, strength))
    np.testing.assert_allclose(kernel, np.rot90(kernel), atol=1e-7)


def line(*weights):
    kernel = np.zeros((5, 5))
    kernel[2] = weights
    return kernel


E = np.exp
CLOSED = [
    (blur.gaussian, (1.0,), np.outer(*2 * [[E(-2), E(-0.5), 1, E(-0.5), E(-2)]]) / (1 + 2 * E(-0.5) + 2 * E(-2)) ** 2),
    (blur.gaussian, (1e6,), np.full((5, 5), 1 / 25)),
    (blur.gaussian, (0.05,), line(0, 0, 1, 0, 0)),
    (blur.box, (0.3,), line(0, 0, 1, 0, 0)),
    (blur.box, (1.0,), line(0, 0, 1, 0, 0)),
    (blur.box, (3.0,), np.outer(*2 * [[0, 1, 1, 1, 0]]) / 9),
    (blur.box, (2.5,), np.outer(*2 * [[0, 0.75, 1, 0.75, 0]]) / 6.25),
    (blur.box, (4.0,), np.outer(*2 * [[0.5, 1, 1, 1, 0.5]]) / 16),
    (blur.box, (90.0,), np.full((5, 5), 1 / 25)),
    (blur.motion, (3.0, 0.0), line(0, 1, 1, 1, 0) / 3),
    (blur.motion, (3.0, 180.0), line(0, 1, 1, 1, 0) / 3),
    (blur.motion, (4.0, 0.0), line(0.5, 1, 1, 1, 0.5) / 4),
    (blur.motion, (4.0, 90.0), line(0.5, 1, 1, 1, 0.5).T / 4),
    (blur.motion, (90.0, 0.0), line(1, 1, 1, 1, 1) / 5),
    (blur.motion, (1.0, 0.0), line(0, 0, 1, 0, 0)),
    (blur.defocus, (0.4,), line(0, 0, 1, 0, 0)),
    (blur.defocus, (1.0,), (line(0, 0.5, 1, 0.5, 0) + line(0, 0.5, 0, 0.5, 0).T
                            + (1.5 - 2**0.5) * np.pad([[1, 0, 1], [0, 0, 0], [1, 0, 1]], 1)) / (9 - 4 * 2**0.5)),
    (blur.defocus, (90.0,), np.full((5, 5), 1 / 25)),
]  # fmt: skip


@pytest.mark.parametrize(("family", "numbers", "expected"), CLOSED)
@pytest.mark.parametrize("wrap", [lambda function: function, jax.jit])
def test_a_kernel_is_its_closed_form(family, numbers, expected, wrap):
    np.testing.assert_allclose(wrap(functools.partial(family, 5))(*numbers), expected, atol=2e-7)


@pytest.mark.parametrize("angle", [20.0, 45.0, 70.0, 110.0, 135.0, 160.0])
def test_a_motion_goes_along_its_angle_against_the_clock(angle):
    kernel = np.asarray(blur.motion(31, 21.0, angle), float)
    right, up = np.arange(31) - 15, 15 - np.arange(31)
    xx, yy = (kernel.sum(0) * right**2).sum(), (kernel.sum(1) * up**2).sum()
    xy = (kernel * np.outer(up, right)).sum()
    assert np.rad2deg(np.arctan2(2 * xy, xx - yy)) / 2 % 180 == pytest.approx(angle, abs=0.5)
    assert xx + yy == pytest.approx(21**2 / 12, rel=0.05)


@pytest.mark.parametrize("radius", [2.5, 3.3, 5.0, 9.4])
def test_a_defocus_covers_the_area_of_its_disc(radius):
    kernel = np.asarray(blur.defocus(21, radius))
    assert 1 / kernel[10, 10] == pytest.approx(np.pi * (radius**2 + 1 / 12), rel=0.02)
    assert (kernel * (np.arange(21) - 10) ** 2).sum() == pytest.approx(radius**2 / 4, rel=0.1)


@pytest.mark.parametrize(("family", "numbers"), EVERY_KIND)
def test_gradients_for_traced_numbers_are_finite_differences(family, numbers):
    weights = RNG.normal(size=(7, 7))

    def loss(numbers):
        return (family(7, *numbers) * weights).sum()

    for place, slope in enumerate(jax.jit(jax.grad(loss))(jnp.asarray(numbers))):
        nudge = 1e-2 * np.eye(len(numbers))[place]
        difference = (loss(jnp.asarray(numbers + nudge)) - loss(jnp.asarray(numbers - nudge))) / 2e-2
        assert abs(slope) > 1e-4
        np.testing.assert_allclose(slope, difference, rtol=5e-3)


@pytest.mark.parametrize(("family", "numbers"), EVERY_KIND)
def test_traced_numbers_give_the_same_kernels_in_float32(family, numbers):
    many = jnp.asarray([numbers, tuple(2 * number for number in numbers)])
    kernels = jax.jit(jax.vmap(lambda numbers: family(7, *numbers)))(many)
    assert kernels.dtype == jnp.float32
    for row, kernel in zip(many, kernels, strict=True):
        np.testing.assert_allclose(kernel, family(7, *row.tolist()), atol=1e-6)


# Blur


@pytest.mark.parametrize(("family", "numbers"), EVERY_KIND)
def test_a_blur_without_rounding_is_the_convolution_with_its_kernel(family, numbers):
    images, strength, angle = batch(), numbers[0], (*numbers, 0.0)[1]
    found = Blur(family.__name__, 7, strength, angle, eight_bit=False)(KEY, images)
    np.testing.assert_allclose(found, blur.convolve(images, family(7, *numbers)), atol=1e-6)


@pytest.mark.parametrize(("kind", "strength"), [("gaussian", 1.3), ("box", 3.4), ("motion", 4.7), ("defocus", 2.2)])
def test_in_8_bits_a_blur_is_rounded_to_the_nearest_grey(kind, strength):
    images = batch()
    exact = blur.convolve(images, Blur(kind, 7, strength, 33.0).kernel())
    found = np.asarray(Blur(kind, 7, strength, 33.0)(KEY, images))
    np.testing.assert_array_equal(found, np.rint(255 * found).astype(np.float32) / np.float32(255))
    np.testing.assert_allclose(found, exact, atol=0.5 / 255 + 1e-6)


def test_pixels_between_two_greys_are_rounded_before_the_blur():
    images = shared(RNG.integers(0, 255, (6, 12, 11, 2), np.uint8))
    np.testing.assert_array_equal(ORIGINAL(KEY, images + 0.3 / 255), ORIGINAL(KEY, images))


@pytest.mark.slow
@pytest.mark.parametrize("corruption", [ORIGINAL, Blur("box", 5, 2.5), Blur(noise=0.3)])
def test_a_gradient_passes_the_rounding_and_the_clipping_as_if_they_were_not_there(corruption):
    images, weights = jnp.round(batch()), jnp.asarray(RNG.normal(size=(6, 12, 11, 2)), jnp.float32)
    found = jax.grad(lambda images: (weights * corruption(KEY, images)).sum())(images)
    expected = jax.grad(lambda images: (weights * blur.convolve(images, corruption.kernel())).sum())(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found).min(initial=1, where=np.asarray(images) == 0) > 0


@pytest.mark.parametrize("eight_bit", [True, False])
def test_noise_has_its_deviation_and_is_the_keys(eight_bit):
    grey = jnp.full((50, 20, 20, 1), np.float32(128 / 255))
    corruption = Blur(noise=0.1, eight_bit=eight_bit)
    noise = np.asarray(corruption(KEY, grey) - grey)
    assert noise.mean() == pytest.approx(0, abs=3 * 0.1 / np.sqrt(noise.size))
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert len(np.unique(noise.reshape(50, -1), axis=0)) == 50
    np.testing.assert_array_equal(corruption(KEY, grey) - grey, noise)
    assert not np.array_equal(corruption(jax.random.key(6), grey) - grey, noise)


def test_without_noise_the_key_does_not_matter():
    images = batch()
    np.testing.assert_array_equal(ORIGINAL(KEY, images), ORIGINAL(jax.random.key(6), images))


NOISY = [Blur(noise=0.7), RandomBlur(noise=0.7)]


@pytest.mark.slow
@pytest.mark.parametrize("corruption", NOISY)
def test_in_8_bits_pixels_stay_between_black_and_white(corruption):
    found = np.asarray(corruption(KEY, jnp.round(batch())))
    assert (found.min(), found.max()) == (0, 1)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.rint(255 * found).astype(np.float32) / np.float32(255))


SMOOTH = [ORIGINAL, Blur("motion", 7, 4.7, 33.0, eight_bit=False), RandomBlur(7, noise=0.1, eight_bit=False)]


@pytest.mark.slow
@pytest.mark.parametrize("corruption", SMOOTH)
def test_compiled_and_in_a_scan_a_blur_is_what_it_is_eagerly(corruption):
    images, keys = batch(), jax.random.split(KEY, 3)
    expected = np.stack([corruption(key, images) for key in keys])

    @jax.jit
    def scanned(images, keys):
        return jax.lax.scan(lambda carry, key: (carry, corruption(key, images)), None, keys)[1]

    atol = 0 if corruption is ORIGINAL else 1e-5
    np.testing.assert_allclose(scanned(images, keys), expected, atol=atol, rtol=0)
    np.testing.assert_allclose(jax.jit(corruption)(keys[0], images), expected[0], atol=atol, rtol=0)


# Random blurs


def spread_evenly(shares):
    """Ordered, even draws lie on the diagonal, up to Kolmogorov and Smirnov's distance."""
    return np.abs(np.sort(shares) - np.linspace(0, 1, len(shares))).max() < 2 / np.sqrt(len(shares))


@pytest.mark.slow
def test_every_image_is_blurred_in_its_own_way():
    image = batch((1, 12, 12, 1))
    blurred = np.asarray(RandomBlur()(KEY, jnp.repeat(image, 40, 0)))
    assert len(np.unique(blurred.reshape(40, -1), axis=0)) == 40
    assert np.all(np.abs(blurred - image).max((1, 2, 3)) > 0.01)


def test_the_key_alone_decides():
    images = batch()
    corruption = RandomBlur(noise=0.1)
    np.testing.assert_array_equal(corruption(KEY, images), corruption(KEY, images))
    assert not np.array_equal(corruption(KEY, images), corruption(jax.random.key(6), images))


@pytest.mark.slow
def test_every_kind_is_as_likely():
    kernels = np.asarray(RandomBlur(weakest=1.0, strongest=1.0).kernels(KEY, 2_000))
    fixed = [blur.gaussian(9, 9 / 12**0.5), blur.box(9, 9.0), blur.defocus(9, 4.5)]
    counts = [np.isclose(kernels, kernel, atol=1e-6).all((1, 2)).sum() for kernel in fixed]
    assert max(abs(count - 500) for count in [*counts, 2_000 - sum(counts)]) < 80


@pytest.mark.parametrize(
    ("kind", "width"),
    [
        ("gaussian", lambda row: np.sqrt(12 / (2 * np.log(row[4] / row[5])))),
        ("box", lambda row: 1 / row[4]),
    ],
)
@pytest.mark.parametrize(("weakest", "strongest"), [(0.15, 0.7), (0.5, 0.9)])
def test_widths_are_drawn_evenly(kind, width, weakest, strongest):
    kernels = RandomBlur(kinds=(kind,), weakest=weakest, strongest=strongest).kernels(KEY, 1_000)
    widths = np.array([width(row) for row in np.asarray(kernels, float).sum(1)])
    assert spread_evenly((widths / 9 - weakest) / (strongest - weakest))


def test_angles_are_drawn_evenly():
    kernels = np.asarray(RandomBlur(31, ("motion",), 0.7, 0.7).kernels(KEY, 1_000), float)
    right, up = np.arange(31) - 15, 15 - np.arange(31)
    xx, yy = kernels.sum(1) @ right**2, kernels.sum(2) @ up**2
    xy = (kernels * np.outer(up, right)).sum((1, 2))
    assert spread_evenly(np.rad2deg(np.arctan2(2 * xy, xx - yy)) / 2 % 180 / 180)


@pytest.mark.slow
def test_noise_levels_are_drawn_evenly():
    grey = jnp.full((1_000, 16, 16, 1), np.float32(0.5))
    noise = np.asarray(RandomBlur(3, noise=0.2, eight_bit=False)(KEY, grey) - grey)
    assert spread_evenly(noise.std((1, 2, 3)) / 0.2)


# Refusals


REFUSED = [
    ((Blur, {"size": 4}), "`size` must be odd, so that a kernel has a middle, got 4; choose 5."),
    ((Blur, {"size": 0}), "`size` must be a whole number of at least 1, got 0; give more."),
    ((Blur, {"size": -3}), "`size` must be a whole number of at least 1, got -3; give more."),
    ((RandomBlur, {"size": 8}), "`size` must be odd, so that a kernel has a middle, got 8; choose 9."),
    ((Blur, {"strength": 0.0}), "`strength` must be a finite number above 0, got 0.0; give more."),
    ((Blur, {"strength": -1.0}), "`strength` must be a finite number above 0, got -1.0; give more."),
    ((Blur, {"strength": np.nan}), "`strength` must be a finite number above 0, got nan; give such a value."),
    ((Blur, {"strength": np.inf}), "`strength` must be a finite number above 0, got inf; give such a value."),
    ((Blur, {"angle": np.nan}), "`angle` must be a finite number, got nan; give such a value."),
    ((Blur, {"noise": -0.1}), "`noise` must be a finite number of at least 0, got -0.1; give more."),
    ((RandomBlur, {"noise": np.nan}), "`noise` must be a finite number of at least 0, got nan; give such a value."),
    ((Blur, {"kind": "gausian"}),
     "`kind` must be of gaussian, box, motion, defocus, got 'gausian'; did you mean 'gaussian'?"),
    ((Blur, {"kind": "median"}),
     "`kind` must be of gaussian, box, motion, defocus, got 'median'; choose one of box, defocus, gaussian, motion."),
    ((RandomBlur, {"kinds": ("box", "defokus")}), "`kinds` must be of gaussian, box, motion, defocus, got 'defokus'; did"),
    ((RandomBlur, {"kinds": ()}), "`kinds` must not be empty; choose some of gaussian, box, motion, defocus."),
    ((RandomBlur, {"weakest": 0.0}), "`weakest` and `strongest` must be shares with 0 < weakest <= strongest <= 1, got 0.0"),
    ((RandomBlur, {"weakest": 0.8}), "`weakest` and `strongest` must be shares with 0 < weakest <= strongest <= 1, got 0.8"),
    ((RandomBlur, {"strongest": 1.1}), "`weakest` and `strongest` must be shares with 0 < weakest <= strongest <= 1, got "),
    ((blur.gaussian, {"size": 3, "sigma": 0}), "`sigma` must be a finite number above 0, got 0; give more."),
    ((blur.box, {"size": 3, "width": -2.0}), "`width` must be a finite number above 0, got -2.0; give more."),
    ((blur.motion, {"size": 3, "length": np.nan, "angle": 0.0}), "`length` must be a finite number above 0, got nan"),
    ((blur.defocus, {"size": 3, "radius": 0.0}), "`radius` must be a finite number above 0, got 0.0; give more."),
    ((blur.defocus, {"size": 2, "radius": 1.0}), "`size` must be odd, so that a kernel has a middle, got 2; choose 3."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_makes_no_blur_is_refused(call, message):
    function, arguments = call
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        function(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [lambda function: function, jax.jit])
@pytest.mark.parametrize("corruption", [Blur(size=9), RandomBlur(9)])
def test_a_kernel_too_large_for_the_images_is_refused(corruption, wrap):
    message = "`size` must be at most 4 for images of 6x4 pixels, got 9; choose a smaller kernel or larger images."
    with pytest.raises(ValueError, match=re.escape(message)):
        wrap(corruption)(KEY, batch((2, 6, 4, 1)))
    assert corruption(KEY, batch((2, 9, 11, 1))).shape == (2, 9, 11, 1)


def test_no_images_at_all_stay_none():
    assert ORIGINAL(KEY, batch()[:0]).shape == (0, 12, 11, 2)
