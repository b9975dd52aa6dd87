"""Metrics: scikit-image, SciPy and plain loops, laws of what lies between two images, the original study's blur of MNIST."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import aecluster as ae
from aecluster import metrics
from aecluster.blur import ORIGINAL

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason="the original files of MNIST are not there")

RNG = np.random.default_rng(13)
SHAPES = [(7, 7, 1), (8, 8, 1), (9, 13, 3), (28, 28, 1), (11, 7, 2)]
OF_TWO = [metrics.psnr, metrics.ssim, metrics.gradient_sharpness, metrics.laplacian_sharpness]
OF_THREE = [metrics.way_to_clear, metrics.between]


def pairs(shape):
    """Strangers, neighbours, a shadow and the same twice, in float64."""
    target = RNG.random((5, *shape))
    near = np.clip(target + 0.05 * RNG.normal(size=target.shape), 0, 1)
    prediction = np.stack([RNG.random(shape), near[1], 0.5 * target[2], target[3], 1 - target[4]])
    return prediction, target


def scikit_ssim(prediction, target):
    both = zip(np.asarray(prediction, float), np.asarray(target, float), strict=True)
    return [structural_similarity(one, other, data_range=1, channel_axis=-1) for one, other in both]


# Against scikit-image, SciPy and loops


@pytest.mark.parametrize("shape", SHAPES)
def test_ssim_is_scikit_images(shape):
    prediction, target = pairs(shape)
    found = metrics.ssim(jnp.asarray(prediction), jnp.asarray(target))
    np.testing.assert_allclose(found, scikit_ssim(prediction, target), rtol=1e-10)
    assert found[3] == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("contrast", [1.0, 1e-2, 1e-4])
def test_ssim_in_float32_holds_in_flat_bright_windows_too(shape, contrast):
    prediction, target = (1 - contrast * RNG.random((20, *shape), np.float32) for _ in range(2))
    found = jax.jit(metrics.ssim)(jnp.asarray(prediction), jnp.asarray(target))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, scikit_ssim(prediction, target), atol=1e-6)


def test_ssim_of_black_and_white():
    black, white = jnp.zeros((1, 9, 9, 1)), jnp.ones((1, 9, 9, 1))
    assert metrics.ssim(black, black).item() == 1
    assert metrics.ssim(black, white).item() == pytest.approx(1e-4 / (1 + 1e-4))


@pytest.mark.slow
def test_ssims_gradient():
    prediction, target = (jnp.asarray(images) for images in pairs((8, 9, 2)))
    check_grads(jax.jit(metrics.ssim), (prediction, target), order=1, modes=["rev"])
    at_black = jax.grad(lambda images: metrics.ssim(images, jnp.zeros_like(images)).sum())(jnp.zeros((1, 8, 8, 1)))
    np.testing.assert_array_equal(at_black, 0)


@pytest.mark.parametrize("shape", [(6, 9, 1), (28, 5, 3)])
@pytest.mark.parametrize("wrap", [lambda function: function, jax.jit])
def test_ssim_refuses_images_smaller_than_its_windows(shape, wrap):
    images = jnp.zeros((2, *shape))
    message = f"`ssim` must have images of at least 7x7 pixels, got {shape[0]}x{shape[1]}; enlarge them or use psnr."
    with pytest.raises(ValueError, match="^" + re.escape(message)):  # JAX adds a note
        wrap(metrics.ssim)(images, images)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 2, 1)])
def test_psnr_is_scikit_images_and_100_for_the_same_image(shape):
    prediction, target = pairs(shape)
    found = metrics.psnr(jnp.asarray(prediction), jnp.asarray(target))
    others = [0, 1, 2, 4]
    expected = [peak_signal_noise_ratio(target[index], prediction[index], data_range=1) for index in others]
    np.testing.assert_allclose(found[jnp.asarray(others)], expected, rtol=1e-10)
    assert found[3] == 100


@pytest.mark.parametrize("shape", SHAPES)
def test_the_laplacian_is_scipys_inside_of_the_border(shape):
    prediction, target = pairs(shape)

    def variance(image):
        channels = [ndimage.laplace(image[..., channel])[1:-1, 1:-1] for channel in range(shape[2])]
        return np.var(channels)

    expected = [variance(one) / variance(other) for one, other in zip(prediction, target, strict=True)]
    found = metrics.laplacian_sharpness(jnp.asarray(prediction), jnp.asarray(target))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 1)])
def test_the_gradient_is_a_loop_over_neighbours(shape):
    prediction, target = pairs(shape)
    height, width, _ = shape

    def squared(image):
        down = [(image[i + 1, j] - image[i, j]) ** 2 for i in range(height - 1) for j in range(width)]
        right = [(image[i, j + 1] - image[i, j]) ** 2 for i in range(height) for j in range(width - 1)]
        return np.mean(down) + np.mean(right)

    expected = [squared(one) / squared(other) for one, other in zip(prediction, target, strict=True)]
    found = metrics.gradient_sharpness(jnp.asarray(prediction), jnp.asarray(target))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_between_counts_what_a_loop_counts():
    prediction, clear, blurred = (RNG.integers(0, 4, (6, 5, 4, 2)) / 4 for _ in range(3))
    expected = []
    for images in zip(prediction, clear, blurred, strict=True):
        changed = [pixel for pixel in zip(*(image.ravel() for image in images), strict=True) if pixel[1] != pixel[2]]
        expected.append(np.mean([min(c, b) <= p <= max(c, b) for p, c, b in changed]))
    found = metrics.between(jnp.asarray(prediction), jnp.asarray(clear), jnp.asarray(blurred))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert 0 < min(expected) < max(expected) < 1


# Laws


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0, 1.5, -0.5])
def test_a_mixture_is_its_share_of_the_way(share):
    clear, blurred = (jnp.asarray(RNG.random((4, 6, 6, 1))) for _ in range(2))
    mixture = blurred + share * (clear - blurred)
    np.testing.assert_allclose(metrics.way_to_clear(mixture, clear, blurred), share, atol=1e-12)


def test_what_is_perpendicular_to_the_way_does_not_count():
    clear, blurred, aside = (RNG.random((4, 6, 6, 1)) for _ in range(3))
    way = clear - blurred
    aside -= way * (aside * way).sum((1, 2, 3), keepdims=True) / (way**2).sum((1, 2, 3), keepdims=True)
    found = metrics.way_to_clear(*(jnp.asarray(images) for images in (blurred + 0.3 * way + aside, clear, blurred)))
    np.testing.assert_allclose(found, 0.3, atol=1e-12)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 1), (1.0, 1), (1.01, 0), (-0.01, 0)])
def test_mixtures_are_between(share, expected):
    clear, blurred = (jnp.asarray(RNG.random((4, 6, 6, 1))) for _ in range(2))
    mixture = (1 - share) * blurred + share * clear
    np.testing.assert_array_equal(metrics.between(mixture, clear, blurred), expected)


@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("sharpness", [metrics.gradient_sharpness, metrics.laplacian_sharpness])
def test_sharpness_goes_with_the_square_of_the_contrast(sharpness, factor):
    clear = jnp.asarray(RNG.random((4, 6, 6, 2)))
    np.testing.assert_allclose(sharpness(0.2 + factor * clear, clear), factor**2, atol=1e-12)


@pytest.mark.parametrize("metric", OF_TWO)
def test_a_blank_image_rebuilt_is_as_good_as_it_gets(metric):
    blank = jnp.zeros((2, 8, 8, 1))
    np.testing.assert_array_equal(metric(blank, blank), 100 if metric is metrics.psnr else 1)


@pytest.mark.parametrize("metric", OF_THREE)
def test_where_nothing_was_blurred_all_of_the_way_is_gone(metric):
    clear, other = (jnp.asarray(RNG.random((2, 8, 8, 1))) for _ in range(2))
    np.testing.assert_array_equal(metric(other, clear, clear), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "count"), [*((m, 2) for m in OF_TWO), *((m, 3) for m in OF_THREE)])
def test_compiled_in_float32_and_image_by_image_a_metric_is_the_same(metric, count):
    images = [jnp.asarray(RNG.random((4, 9, 8, 2), np.float32)) for _ in range(count)]
    found = jax.jit(metric)(*images)
    assert (found.shape, found.dtype) == ((4,), jnp.float32)
    np.testing.assert_allclose(found, metric(*images), rtol=1e-5)
    np.testing.assert_allclose(found, [metric(*(part[i : i + 1] for part in images))[0] for i in range(4)], rtol=1e-5)


# Of the whole batch


def test_the_mean_absolute_error():
    prediction, target = pairs((5, 4, 2))
    found = metrics.mean_absolute_error(jnp.asarray(prediction), jnp.asarray(target))
    assert found == pytest.approx(np.mean(np.abs(prediction - target)))


def test_a_dead_pixel_is_black_and_often_inked():
    brightest = np.asarray([0.0, 0.0019, 0.0020, 0.0, 1.0]).reshape(1, 5, 1)
    inked = np.asarray([0.06, 0.9, 0.9, 0.05, 0.9]).reshape(1, 5, 1)
    assert metrics.dead_pixels(brightest, inked).ravel().tolist() == [True, True, False, False, False]


# The blur of the original study


@pytest.mark.slow
@needs_mnist
def test_the_original_blur_of_mnist_measured():
    clear = jnp.asarray(ae.load("mnist", MNIST).test.images)
    blurred = ORIGINAL(jax.random.key(0), clear)
    similar = jax.jit(metrics.ssim)(blurred, clear)
    np.testing.assert_allclose(similar[:300], scikit_ssim(blurred[:300], clear[:300]), atol=1e-6)
    assert metrics.mean_absolute_error(blurred, clear) == pytest.approx(0.09178, abs=1e-5)
    assert metrics.psnr(blurred, clear).mean() == pytest.approx(15.324, abs=1e-3)
    assert similar.mean() == pytest.approx(0.58974, abs=1e-5)
    assert metrics.gradient_sharpness(blurred, clear).mean() == pytest.approx(0.1129, abs=1e-4)
    assert metrics.laplacian_sharpness(blurred, clear).mean() == pytest.approx(0.0267, abs=1e-4)
    assert (metrics.between(clear, clear, blurred) == 1).all()
