"""Networks: sizes, starts, and forward passes against plain loops; encoder and decoder apart; refusals by their text."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import expit

import aecluster as ae
from aecluster.ensemble import History
from aecluster.models import initialize, structure
from aecluster.models.layers import spread

RNG = np.random.default_rng(11)
MNIST = (28, 28, 1)


def abstract(architecture, image_shape):
    return nnx.eval_shape(lambda: architecture.build(image_shape, nnx.Rngs(params=0)))


def counted(module):
    return ae.count_parameters(nnx.state(module, nnx.Param))


def random_images(num, image_shape):
    return jnp.asarray(RNG.random((num, *image_shape), np.float32))


def untrained(architecture, image_shape, seeds=(0, 1)):
    keys = jax.random.split(jax.random.key(7), len(seeds))
    params = initialize(architecture, image_shape, keys)
    return ae.Ensemble(architecture, image_shape, tuple(seeds), params, History.empty(len(seeds)))


@pytest.fixture(scope="module")
def dense():
    return untrained(ae.Dense(3, (8, 5)), (6, 4, 2))


@pytest.fixture(scope="module")
def convolutional():
    return untrained(ae.Convolutional(3, (4, 6), 8), (7, 5, 3))


# Sizes


@pytest.mark.parametrize(
    ("architecture", "encoder", "decoder"),
    [
        (ae.Dense(2), 205_106, 205_888),
        (ae.Dense(16), 235_920, 236_688),
        (ae.Dense(256), 533_248, 533_776),
        (ae.Dense(2, (256, 16)), 205_106, 205_888),
        (ae.Dense(4, ()), 784 * 4 + 4, 784 * 4 + 784),
    ],
)
def test_dense_networks_are_as_large_as_the_original_ones(architecture, encoder, decoder):
    module = abstract(architecture, MNIST)
    assert (counted(module.encoder), counted(module.decoder), counted(module)) == (encoder, decoder, encoder + decoder)


def test_the_published_totals():
    assert [counted(abstract(ae.Dense(size), MNIST)) for size in (2, 16, 256)] == [410_994, 472_608, 1_067_024]


@pytest.mark.parametrize(("size", "hidden"), [(1, (256, 16)), (8, (256, 16)), (9, (256, 128)), (64, (256, 128))])
def test_hidden_widths_follow_the_latent_size(size, hidden):
    assert ae.Dense(size).hidden() == hidden
    assert ae.Dense(size, (7,)).hidden() == (7,)
    assert ae.Dense(65).hidden() == (512,)


@pytest.mark.parametrize("shape", [MNIST, (7, 5, 3), (9, 10, 2), (1, 1, 1), (4, 1, 1)])
@pytest.mark.parametrize("make", [ae.Dense, ae.Convolutional])
def test_any_shape_of_image_comes_back(make, shape):
    module = abstract(make(1), shape)
    images = jax.ShapeDtypeStruct((3, *shape), np.float32)
    latents = nnx.eval_shape(lambda module, given: module.encoder(given), module, images)
    pixels = nnx.eval_shape(lambda module, given: module.decoder(given), module, latents)
    assert (latents.shape, pixels.shape) == ((3, 1), (3, *shape))


@pytest.mark.parametrize(
    ("shape", "inner"), [((8, 8, 1), (2, 2)), ((9, 12, 1), (3, 3)), ((5, 4, 3), (2, 1)), ((1, 3, 1), (1, 1))]
)
def test_convolutions_quarter_the_side(shape, inner):
    module = abstract(ae.Convolutional(1, (4, 6), 8), shape)
    kernels = [layer.kernel.shape for layer in (*module.encoder.convolutions, *module.decoder.convolutions)]
    channels = shape[2]
    assert kernels == [(3, 3, channels, 4), (3, 3, 4, 6), (3, 3, 6, 16), (3, 3, 4, 4 * channels)]
    assert module.encoder.stack.layers[0].kernel.shape == (math.prod(inner) * 6, 8)
    assert module.decoder.stack.layers[1].kernel.shape == (8, math.prod(inner) * 6)


# Starts


def leaves(ensemble):
    flat, _ = jax.tree_util.tree_flatten_with_path(ensemble.params)
    return [(jax.tree_util.keystr(path), np.asarray(leaf)) for path, leaf in flat]


@pytest.mark.parametrize("name", ["dense", "convolutional"])
def test_kernels_start_glorot_uniform_and_biases_at_zero(name, request):
    for path, values in leaves(request.getfixturevalue(name)):
        assert values.dtype == np.float32, path
        if "bias" in path:
            assert not values.any(), path
        else:
            *window, fan_in, fan_out = values.shape[1:]
            bound = math.sqrt(6 / (math.prod(window) * (fan_in + fan_out)))
            largest = np.abs(values).reshape(2, -1).max(1)
            assert np.all((largest <= bound) & (largest > 0.8 * bound)), path
            assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size), path
            assert np.all(values[0] != values[1]), path


def test_a_member_of_a_stack_is_what_its_key_alone_gives(dense):
    keys = jax.random.split(jax.random.key(7), 2)
    alone = initialize(dense.architecture, dense.image_shape, keys[1:])
    for one, both in zip(jax.tree.leaves(alone), jax.tree.leaves(dense.params), strict=True):
        np.testing.assert_array_equal(one[0], both[1])


@pytest.mark.parametrize("name", ["dense", pytest.param("convolutional", marks=pytest.mark.slow)])
def test_bfloat16_computes_coarsely_and_returns_float32(name, request):
    ensemble = request.getfixturevalue(name)
    images, fine = random_images(5, ensemble.image_shape), ensemble.member(0)
    graph = structure(ensemble.architecture, ensemble.image_shape, "bfloat16")
    coarse = nnx.merge(graph, nnx.state(fine, nnx.Param))
    assert coarse(images).dtype == coarse.encoder(images).dtype == np.float32
    np.testing.assert_allclose(coarse(images), fine(images), atol=0.05)
    assert not np.array_equal(coarse(images), fine(images))
    made = nnx.state(nnx.eval_shape(lambda: ensemble.architecture.build((6, 4, 2), nnx.Rngs(params=0), "bfloat16")))
    assert {leaf.dtype for leaf in jax.tree.leaves(made) if leaf.ndim} == {np.dtype(np.float32)}


# Forward


def through(layers, x):
    for index, layer in enumerate(layers):
        x = x @ np.asarray(layer.kernel[...], np.float64) + np.asarray(layer.bias[...], np.float64)
        if index + 1 < len(layers):
            x = np.where(x > 0, x, 0.0)
    return x


@pytest.mark.parametrize("index", [0, 1])
def test_a_dense_network_is_a_plain_loop_over_its_layers(dense, index):
    images = random_images(9, dense.image_shape)
    member = dense.member(index)
    latents = through(member.encoder.stack.layers, np.asarray(images).reshape(9, -1))
    logits = through(member.decoder.stack.layers, latents).reshape(images.shape)
    np.testing.assert_allclose(member.encoder(images), latents, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(member(images), logits, rtol=1e-5, atol=1e-6)
    pixels = np.asarray(images)
    np.testing.assert_allclose(dense.encode(pixels)[index], latents, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dense.reconstruct(pixels)[index], expit(logits), rtol=1e-5, atol=1e-6)


def strided(layer, image):
    """A 3 x 3 convolution with stride 2 and then relu; an odd side gets a black pixel before it, each side one after."""
    kernel, bias = (np.asarray(array[...], np.float64) for array in (layer.kernel, layer.bias))
    sides = [-(-side // 2) for side in image.shape[:2]]
    before = [side % 2 for side in image.shape[:2]]
    framed = np.pad(image, [(before[0], 1), (before[1], 1), (0, 0)])
    out = np.empty((*sides, kernel.shape[-1]))
    for row in range(sides[0]):
        for column in range(sides[1]):
            window = framed[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            out[row, column] = np.tensordot(window, kernel, 3) + bias
    return np.maximum(out, 0)


def test_a_convolutional_encoder_is_a_plain_loop_over_windows(convolutional):
    images = random_images(2, convolutional.image_shape)
    encoder = convolutional.member(0).encoder
    first, second = encoder.convolutions
    coarse = np.stack([strided(second, strided(first, image)).ravel() for image in np.asarray(images)])
    np.testing.assert_allclose(encoder(images), through(encoder.stack.layers, coarse), rtol=1e-5, atol=1e-6)


def test_channels_are_spread_over_four_pixels():
    x = random_images(2, (3, 4, 8))
    found = np.asarray(spread(x))
    assert found.shape == (2, 6, 8, 2)
    for row in range(6):
        for column in range(8):
            group = 2 * (row % 2) + column % 2
            np.testing.assert_array_equal(found[:, row, column], x[:, row // 2, column // 2, 2 * group : 2 * group + 2])


@pytest.mark.parametrize("name", ["dense", "convolutional"])
def test_encoder_and_decoder_apart_compose_to_the_whole(name, request):
    ensemble = request.getfixturevalue(name)
    images = random_images(4, ensemble.image_shape)
    pixels = np.asarray(images)
    for index in range(len(ensemble)):
        member = ensemble.member(index)
        np.testing.assert_array_equal(member(images), member.decoder(member.encoder(images)))
        np.testing.assert_allclose(ensemble.reconstruct(pixels)[index], expit(member(images)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ensemble.reconstruct(pixels), ensemble.decode(ensemble.encode(pixels)), rtol=1e-5)


def test_many_images_are_encoded_a_chunk_at_a_time(dense, monkeypatch):
    images = RNG.random((8, *dense.image_shape), np.float32)
    whole = dense.reconstruct(images)
    monkeypatch.setattr("aecluster.images.CHUNK", 3)
    np.testing.assert_allclose(dense.reconstruct(images), whole, rtol=1e-6)


# Refusals


@pytest.mark.parametrize("architecture", [ae.Dense(37), ae.Convolutional(37)])
def test_a_network_that_keeps_more_than_the_image_has_is_refused(architecture):
    message = r"`latent_size` must lie between 1 and the image's 36 numbers, got 37; choose another\."
    for refuse in (
        lambda: ae.check_architecture(architecture, (6, 6, 1)),
        lambda: architecture.build((6, 6, 1), nnx.Rngs(params=0)),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            refuse()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ae.Dense(0), r"`latent_size` must be a whole number of at least 1, got 0; give more\."),
        (lambda: ae.Dense(-2), r"`latent_size` must be a whole number of at least 1, got -2; give more\."),
        (
            lambda: ae.Dense(2, (8, 0)),
            r"`widths` must be a tuple of whole numbers of at least 1, got \(8, 0\); give .*",
        ),
        (lambda: ae.Dense(2, (-8,)), r"`widths` must be a tuple of whole numbers of at least 1, got \(-8,\); give .*"),
        (lambda: ae.Convolutional(2, (0, 4)), r"`channels` must be a tuple of 2 whole numbers of at least 1, got .*"),
        (lambda: ae.Convolutional(2, width=0), r"`width` must be a whole number of at least 1, got 0; give more\."),
    ],
)
def test_sizes_that_are_none_are_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dens", "No model is called 'dens'; did you mean 'dense'?"),
        ("convolution", "No model is called 'convolution'; did you mean 'convolutional'?"),
        ("", "No model is called ''; choose one of convolutional, dense, variational."),
    ],
)
def test_an_unknown_architecture_is_refused_with_the_near_miss(name, message):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole sentence is compared
        ae.architecture_named(name, ae.AUTOENCODERS)
    assert str(refused.value) == message


def test_architectures_go_by_their_names():
    assert {name: ae.architecture_named(name, ae.AUTOENCODERS) for name in ae.AUTOENCODERS} == ae.AUTOENCODERS


@pytest.mark.usefixtures("as_users_call")
def test_arrays_of_another_shape_are_refused(dense):
    with pytest.raises(
        ValueError, match=r"`images` must have shape \(images, 6, 4, 2\) as in training, got \(3, 6, 4\); crop"
    ):
        dense.encode(np.zeros((3, 6, 4), np.float32))
    for shape in [(1, 5, 3), (2, 5, 2), (5, 3)]:
        with pytest.raises(ValueError, match=r"`latents` must have shape \(2, images, 3\): one set a seed; got \("):
            dense.decode(np.zeros(shape, np.float32))
