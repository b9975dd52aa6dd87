"""Deformations: identity, shifts and turns by NumPy's own words, any affine map against SciPy, laws of the random draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

import aecluster as ae
from aecluster import corruptions

RNG = np.random.default_rng(5)
SHAPES = [(8, 8, 1), (7, 7, 3), (5, 9, 2), (1, 4, 1)]
STILL = {"rotation": 0.0, "shift": 0.0, "scale": 0.0, "shear": 0.0}
KEY = jax.random.key(3)


def warp(image, matrix):
    return np.asarray(corruptions.warp(jnp.asarray(image), jnp.asarray(matrix)))


def only(**amplitudes):
    return ae.Deformation(**(STILL | amplitudes))


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_without_amplitudes_images_stay(shape):
    images = jnp.asarray(RNG.random((4, *shape), np.float32))
    np.testing.assert_allclose(only()(KEY, images), images, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, -2), (-1, 3), (2, 1), (20, 0)])
def test_a_shift_by_whole_pixels_is_a_roll_with_black_behind_it(shape, down, right):
    image = RNG.random(shape, np.float32)
    height, width, _ = shape
    framed = np.pad(image, [(20, 20), (20, 20), (0, 0)])
    expected = np.roll(framed, (-down, -right), (0, 1))[20 : 20 + height, 20 : 20 + width]
    matrix = np.array([[1, 0, 2 * down / height], [0, 1, 2 * right / width]])
    np.testing.assert_allclose(warp(image, matrix), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 1), (7, 7, 3)])
@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ([[0, 1, 0], [-1, 0, 0]], np.rot90),
        ([[0, -1, 0], [1, 0, 0]], lambda image: np.rot90(image, -1)),
        ([[-1, 0, 0], [0, -1, 0]], lambda image: np.rot90(image, 2)),
        ([[-1, 0, 0], [0, 1, 0]], np.flipud),
        ([[1, 0, 0], [0, -1, 0]], np.fliplr),
        ([[0, 1, 0], [1, 0, 0]], lambda image: image.swapaxes(0, 1)),
    ],
)
def test_quarter_turns_and_mirrors(shape, matrix, turned):
    image = RNG.random(shape, np.float32)
    np.testing.assert_allclose(warp(image, np.array(matrix, float)), turned(image), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_any_affine_map_is_scipys(shape, seed):
    rng = np.random.default_rng(seed)
    image, matrix = rng.random(shape), rng.normal(size=(2, 3)) * [1, 1, 0.5]
    half, middle = np.array(shape[:2]) / 2, (np.array(shape[:2]) - 1) / 2
    linear = half[:, None] * matrix[:, :2] / half
    offset = middle + half * matrix[:, 2] - linear @ middle
    expected = [
        ndimage.affine_transform(image[..., channel], linear, offset, order=1, mode="grid-constant")
        for channel in range(shape[2])
    ]
    np.testing.assert_allclose(warp(image, matrix), np.stack(expected, -1), atol=1e-12)


def deform(key, images):
    return np.asarray(ae.Deformation()(key, jnp.asarray(images)))


@pytest.fixture(scope="module")
def blocks():
    """Forty times the same image, all ink but a frame, and what the default deformation makes of it."""
    images = np.zeros((40, 8, 8, 1), np.float32)
    images[:, 1:-1, 1:-1] = 1
    return images, deform(KEY, images)


def test_pixels_stay_between_black_and_white(blocks):
    _, deformed = blocks
    assert deformed.min() >= 0
    assert deformed.max() <= 1
    assert deformed.dtype == np.float32


def test_every_image_is_deformed_in_its_own_way(blocks):
    images, deformed = blocks
    assert len(np.unique(deformed.reshape(40, -1), axis=0)) == 40
    assert np.all(np.abs(deformed - images).max((1, 2, 3)) > 0.05)


def test_the_key_alone_decides(blocks):
    images, deformed = blocks
    np.testing.assert_array_equal(deform(KEY, images), deformed)
    assert not np.array_equal(deform(jax.random.key(4), images), deformed)


def turns(matrices):
    angle = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(matrices[:, :, :2], turned.transpose(2, 0, 1), atol=1e-6)
    return np.rad2deg(angle)[:, None]


def shifts(matrices):
    np.testing.assert_array_equal(matrices[:, :, :2], np.broadcast_to(np.eye(2), (len(matrices), 2, 2)))
    return matrices[:, :, 2] / 2


def scales(matrices):
    np.testing.assert_array_equal(matrices[:, [0, 1], [1, 0]], 0)
    np.testing.assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])
    return np.log(matrices[:, :1, 0])


def shears(matrices):
    np.testing.assert_array_equal(matrices[:, 1, :2], np.broadcast_to([0, 1], (len(matrices), 2)))
    np.testing.assert_array_equal(matrices[:, 0, 0], 1)
    return matrices[:, 0, 1:2]


@pytest.mark.parametrize(
    ("name", "amplitude", "drawn"),
    [("rotation", 30.0, turns), ("shift", 0.2, shifts), ("scale", 0.5, scales), ("shear", 0.4, shears)],
)
def test_each_amplitude_bounds_its_own_even_draw(name, amplitude, drawn):
    matrices = np.asarray(only(**{name: amplitude}).matrices(KEY, 2_000))
    shares = (drawn(matrices) / amplitude + 1) / 2
    if name != "shift":
        np.testing.assert_array_equal(matrices[:, :, 2], 0)
    for share in shares.T:  # evenly spread: ordered, they lie on the diagonal, up to Kolmogorov and Smirnov's distance
        assert np.abs(np.sort(share) - np.linspace(0, 1, 2_000)).max() < 2 / np.sqrt(2_000)
    if shares.shape[1] == 2:
        assert abs(np.corrcoef(shares.T)[0, 1]) < 0.1
