"""The one rule for images at every front door, the one way through many of them, and what names of arrays mean."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import aecluster as ae
from aecluster import clustering, deblurring, figures, images
from aecluster.ensemble import History
from aecluster.models import critic_params, initialize

RNG = np.random.default_rng(4)
GOOD = RNG.random((6, 8, 8, 1), np.float32)
KERNEL = np.full((3, 3), 1 / 9)
KEYS = jax.random.split(jax.random.key(0), 1)


def networks(architecture):
    return ae.Ensemble(architecture, (8, 8, 1), (0,), initialize(architecture, (8, 8, 1), KEYS), History.empty(1))


DENSE, RESTORER = networks(ae.Dense(2, (4,))), networks(ae.Restorer(4, 1, 3))
JUDGE = ae.Discriminator((8, 8, 1), critic_params(jax.random.key(0), (8, 8, 1)))
RIDGE = deblurring.learn_ridge(GOOD, GOOD)

DOORS = {
    "encode": (DENSE.encode, "images"),
    "reconstruct": (RESTORER.reconstruct, "images"),
    "LatentEncoder.fit": (lambda given: clustering.LatentEncoder(DENSE).fit(given), "images"),
    "LatentEncoder.transform": (lambda given: clustering.LatentEncoder(DENSE).fit(GOOD).transform(given), "images"),
    "DeepClustering": (lambda given: clustering.DeepClustering(2).fit(given), "X"),
    "corrupted": (lambda given: ae.corrupted(ae.Blur(size=3), given), "images"),
    "corrupted by nothing": (lambda given: ae.corrupted(None, given), "images"),
    "Blur": (lambda given: ae.Blur(size=3)(jax.random.key(0), jnp.asarray(given)), "images"),
    "RichardsonLucy": (deblurring.RichardsonLucy(KERNEL, 2), "blurred"),
    "Wiener": (deblurring.Wiener(KERNEL, 0.1), "blurred"),
    "ridge": (RIDGE, "blurred"),
    "learn_ridge": (lambda given: deblurring.learn_ridge(given, GOOD), "blurred"),
    "choose_balance": (lambda given: deblurring.choose_balance(KERNEL, given, GOOD), "blurred"),
    "probability": (JUDGE.probability, "images"),
    "learn_discriminator": (lambda given: ae.learn_discriminator(given, ae.Blur(size=3)), "images"),
    "score": (lambda given: deblurring.score(given, given, given), "restored"),
    "figures": (lambda given: figures.reconstruction_grid(given, {"some": given}), "original"),
}
Door = pytest.mark.parametrize("door", DOORS)


def with_pixel(value, image=4):
    pictures = GOOD.copy()
    pictures[image, 2, 3] = value
    return pictures


BAD = {
    "bytes": ((255 * GOOD).astype(np.uint8), "must be floats in [0, 1], got uint8; divide 8-bit greys by 255."),
    "NaN": (with_pixel(np.nan), "must be finite, image 4 has a NaN or infinite pixel; repair or remove it."),
    "infinity": (with_pixel(np.inf), "must be finite, image 4 has a NaN or infinite pixel; repair or remove it."),
    "greys": (with_pixel(254.5), "must lie in [0, 1], image 4 has a pixel 254.5; divide by the largest value (255"),
    "too bright": (with_pixel(1.001), "must lie in [0, 1], image 4 has a pixel 1.001; divide by the largest value"),
    "negative": (with_pixel(-0.25, 1), "must lie in [0, 1], image 1 has a pixel -0.25; divide by the largest value"),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("case", BAD)
@Door
def test_pixels_that_are_none_are_refused_at_every_door(door, case):
    (call, name), (given, message) = DOORS[door], BAD[case]
    with pytest.raises(ValueError, match="^" + re.escape(f"`{name}` {message}")):
        call(given)


SHAPES = {
    "channels first": np.moveaxis(np.repeat(GOOD, 3, -1), -1, 1),
    "one channel first": np.moveaxis(GOOD, -1, 1),
    "no image": GOOD[:0],
    "five axes": GOOD[None],
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("case", SHAPES)
@Door
def test_shapes_that_are_none_of_images_are_refused_at_every_door(door, case):
    call, _ = DOORS[door]
    if door == "Blur" and case == "no image":
        assert call(SHAPES[case]).shape == (0, 8, 8, 1)  # as any pure function of arrays
        return
    with pytest.raises(ValueError, match=r"^(`\w+` must have|`\w+` must hold|The discriminator judges).*; \w+"):
        call(SHAPES[case])


@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (5, 3, 32, 32), (5, 1, 8, 8)])
def test_channels_first_are_told_how_to_move(shape):
    message = (
        f"`images` must have the channel last, got the shape {shape}, which looks like channels first; move the axis"
    )
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        ae.Split(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match=re.escape(message)):
        ae.Split.of(np.zeros(shape, np.uint8), source="mine.npz")


@pytest.mark.parametrize(
    "shape", [(5, 28, 28, 3), (5, 1, 64, 1), (5, 3, 3, 1), (5, 2, 2, 3), (5, 30, 20, 40), (1, 1, 1, 1)]
)
def test_channels_last_of_any_number_pass(shape):
    images.check_images("images", np.zeros(shape, np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, jnp.bfloat16])
def test_what_floats_round_out_of_the_range_is_in_it(dtype):
    images.check_images("images", jnp.asarray([[[[-1e-6], [1 + 1e-6]]]], dtype))


def test_bytes_of_nothing_but_zero_and_one_are_ambiguous():
    zeros_and_ones = (GOOD > 0.5).astype(np.uint8)
    with pytest.raises(
        ValueError, match=r"^`images` must be greys from 0 to 255 when they are uint8, got nothing above 1; "
    ):
        ae.Split.of(zeros_and_ones)
    assert ae.Split.of(zeros_and_ones > 0).images.max() == 1
    assert ae.Split.of(np.zeros((2, 3, 3), np.uint8)).images.max() == 0


def test_noise_that_leads_out_of_the_range_is_cut_off_where_images_come_out():
    blur = ae.Blur("box", 3, 1.0, noise=0.5, eight_bit=False)
    noisy = ae.corrupted(blur, GOOD)
    assert (noisy.min(), noisy.max()) == (0, 1)
    RESTORER.reconstruct(noisy)


def test_chunks_are_all_rows_in_order(monkeypatch):
    first, second = np.arange(10), np.arange(20).reshape(10, 2)
    monkeypatch.setattr(images, "CHUNK", 4)
    found = [(start, len(a), len(b)) for start, (a, b) in images.chunks(first, second)]
    assert found == [(0, 4, 4), (4, 4, 4), (8, 2, 2)]
    again = images.joined({"both": (a, jnp.asarray(b))} for _, (a, b) in images.chunks(first, second))
    np.testing.assert_array_equal(again["both"][0], first)
    np.testing.assert_array_equal(again["both"][1], second)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.full((2, 2), 0.25), "`kernel` must be a square of odd size, got the shape (2, 2)"),
        (np.full((3, 1), 1 / 3), "`kernel` must be a square of odd size, got the shape (3, 1)"),
        (np.full((3, 3), np.nan), "`kernel` must have finite weights that are not negative"),
        (np.array([[0, 0, 0], [0, 2.0, 0], [0, -1.0, 0]]), "`kernel` must have finite weights that are not negative"),
        (np.ones((3, 3)), "`kernel` must sum to 1, got 9; divide it by its sum."),
    ],
)
@pytest.mark.parametrize("make", [deblurring.RichardsonLucy, lambda kernel: deblurring.Wiener(kernel, 0.1)])
@pytest.mark.usefixtures("as_users_call")
def test_what_is_no_kernel_is_refused(make, kernel, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make(kernel)


@pytest.mark.parametrize("make", [deblurring.RichardsonLucy, lambda kernel: deblurring.Wiener(kernel, 0.1)])
def test_a_kernel_larger_than_the_images_is_refused(make):
    with pytest.raises(
        ValueError, match=r"`size` must be at most 8 for images of 8x8 pixels, got 9; choose a smaller kernel"
    ):
        make(np.full((9, 9), 1 / 81))(GOOD)


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        (ae.Split(GOOD), "Split(images=f32[6,8,8,1], labels=None)"),
        (deblurring.Wiener(KERNEL, 0.1), "Wiener(kernel=f64[3,3], balance=0.1)"),
        (RIDGE, "Linear(weights=f64[64,64], offset=f64[64])"),
        (JUDGE, "Discriminator(image_shape=(8, 8, 1), params=8 arrays of 21,569 numbers, seed=0, epochs=0)"),
    ],
)
def test_records_of_arrays_are_shown_in_short(thing, shown):
    assert repr(thing) == shown


def test_an_ensemble_is_shown_in_short():
    assert len(repr(DENSE)) < 300
    assert dataclasses.replace(DENSE).seeds == (0,)
