"""Training: equal to a plain NumPy loop, to itself alone, again and on two devices; what it measures; what it refuses."""

import dataclasses
import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import expit, log_expit

import aecluster as ae
from aecluster.recipes import constant
from aecluster.training import Loop
from aecluster.training.exam import Exam
from aecluster.training.networks import network_task

RNG = np.random.default_rng(1)
NETWORK = ae.Dense(2, (8, 4))
SEEDS = (3, 5)
RECIPE = ae.Recipe(
    epochs=3,
    batch_size=16,
    optimizer=optax.adam,
    learning_rate=1e-2,
    schedule=optax.cosine_decay_schedule,
    loss=ae.WarmUp(epochs=1.5),
)
NUM_TRAIN = 70  # four batches of 16 an epoch, 6 images left out
STEPS = 4


def blobs(num):
    """Bright spots on black: images that two numbers tell apart."""
    places = RNG.uniform(1, 4, size=(num, 2, 1, 1))
    rows, columns = np.mgrid[:6, :6]
    distance = (rows - places[:, 0]) ** 2 + (columns - places[:, 1]) ** 2
    return ae.Split.of(np.exp(-distance / 2)[..., None])


DATA = ae.ImageData("blobs", blobs(NUM_TRAIN), blobs(30))


def assert_same(one, other, compare=np.testing.assert_array_equal):
    for ours, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        compare(np.asarray(ours), np.asarray(theirs))


def histories(ensemble):
    return ensemble.history.columns()


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def trained(told):
    return ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, callbacks=[told.append])


# The batches, seen from outside: image i is grey 2**-i, and the loss is the batch's sum, so its bits name the images


@dataclasses.dataclass(frozen=True)
class NamesOfImages(ae.AbstractLoss):
    """The sum of the targets' grey values, whatever the network says."""

    def __call__(self, logits, target, given, epoch):
        return target[:, 0, 0, 0].sum() + 0.0 * (logits.sum() + epoch).astype(target.dtype)


@functools.cache
def batches(num, batch_size, seed, epoch):
    """Which images each step of an epoch is given, as sets."""
    chosen = [set() for _ in range(num // batch_size)]
    for start in range(0, num, 20):  # float32 holds twenty such bits exactly
        grey = np.zeros((num, 1, 1, 1), np.float32)
        grey[start : start + 20, 0, 0, 0] = 2.0 ** -np.arange(len(grey[start : start + 20]))
        sums = _losses(ae.Split(grey), batch_size, seed, epoch)
        for step, total in enumerate(sums):
            bits = round(total * 2**19)
            chosen[step] |= {start + index for index in range(20) if bits >> (19 - index) & 1}
    return chosen


def loop_of(architecture, data, recipe):
    return Loop(network_task(architecture, data.image_shape, recipe), data.train.images)


@functools.cache
def _naming(num, batch_size):
    recipe = ae.Recipe(epochs=1, batch_size=batch_size, optimizer=optax.sgd, loss=NamesOfImages())
    blank = ae.Split(np.zeros((num, 1, 1, 1), np.float32))
    return loop_of(ae.Dense(1, ()), ae.ImageData("names", blank, blank), recipe)


def _losses(images, batch_size, seed, epoch):
    loop = _naming(len(images.images), batch_size)
    loop.examples = jax.device_put(images.images, loop.everywhere)
    return loop.epoch(loop.fresh([seed]), [seed], epoch)[1].loss[0]


@pytest.mark.parametrize(("num", "batch_size"), [(NUM_TRAIN, 16), (7, 1)])
def test_an_epoch_gives_every_image_at_most_once(num, batch_size):
    orders = [batches(num, batch_size, seed, epoch) for seed, epoch in [(3, 0), (3, 1), (5, 0)]]
    for order in orders:
        assert [len(chosen) for chosen in order] == [batch_size] * (num // batch_size)
        assert len(set.union(*order)) == num // batch_size * batch_size
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def test_other_images_are_left_out_every_time():
    left = [set(range(NUM_TRAIN)) - set.union(*batches(NUM_TRAIN, 16, 3, epoch)) for epoch in range(3)]
    assert [len(rest) for rest in left] == [6, 6, 6]
    assert left[0] != left[1] != left[2]


# The plain loop


def layers_of(module):
    layers = [*module.encoder.stack.layers, *module.decoder.stack.layers]
    return [np.asarray(array[...], np.float64) for layer in layers for array in (layer.kernel, layer.bias)]


def forward(arrays, images, linear):
    """Inputs of every layer, and last the logits; layers in `linear` have no relu behind them."""
    inputs = [images.reshape(len(images), -1)]
    for index, (kernel, bias) in enumerate(zip(arrays[::2], arrays[1::2], strict=True)):
        x = inputs[-1] @ kernel + bias
        inputs.append(x if index in linear else np.maximum(x, 0))
    return inputs


def gradients(arrays, inputs, pull, linear):
    """Backwards from the gradient of the logits, layer by layer."""
    found = []
    for index in reversed(range(len(arrays) // 2)):
        if index not in linear:
            pull = pull * (inputs[index + 1] > 0)
        found = [inputs[index].T @ pull, pull.sum(0), *found]
        pull = pull @ arrays[2 * index].T
    return found


def plain_training(arrays, images, seed):
    """Adam with cosine decay over all steps, six steps of cross-entropy and then L1, written out."""
    first = [np.zeros_like(array) for array in arrays]
    second = [np.zeros_like(array) for array in arrays]
    linear = (len(NETWORK.widths), 2 * len(NETWORK.widths) + 1)
    losses, errors, total = [], [], RECIPE.epochs * STEPS
    for step in range(total):
        batch = images[sorted(batches(NUM_TRAIN, 16, seed, step // STEPS)[step % STEPS])].astype(np.float64)
        inputs = forward(arrays, batch, linear)
        logits, target = inputs[-1], inputs[0]
        pixels = expit(logits)
        errors.append(np.abs(pixels - target).mean())
        if step < 6:
            losses.append(-(target * log_expit(logits) + (1 - target) * log_expit(-logits)).mean())
            pull = pixels - target
        else:
            losses.append(errors[-1])
            pull = np.sign(pixels - target) * pixels * (1 - pixels)
        rate = RECIPE.learning_rate * 0.5 * (1 + np.cos(np.pi * step / total))
        for index, slope in enumerate(gradients(arrays, inputs, pull / target.size, linear)):
            first[index] = 0.9 * first[index] + 0.1 * slope
            second[index] = 0.999 * second[index] + 0.001 * slope**2
            m, v = first[index] / (1 - 0.9 ** (step + 1)), second[index] / (1 - 0.999 ** (step + 1))
            arrays[index] = arrays[index] - rate * m / (np.sqrt(v) + 1e-8)
    return arrays, np.reshape(losses, (-1, STEPS)).mean(1), np.reshape(errors, (-1, STEPS)).mean(1)


@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_training_is_a_plain_loop_of_adam(trained, index):
    fresh = loop_of(NETWORK, DATA, RECIPE).fresh(SEEDS)
    start = layers_of(dataclasses.replace(trained, params=fresh.params).member(index))
    arrays, losses, errors = plain_training(start, DATA.train.images, SEEDS[index])
    np.testing.assert_allclose(trained.history.loss[index], losses, rtol=1e-5)
    np.testing.assert_allclose(trained.history.train_error[index], errors, rtol=1e-5)
    for ours, theirs in zip(layers_of(trained.member(index)), arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


# What is measured


def test_a_history_has_one_number_an_epoch_and_seed(trained):
    for name, values in histories(trained).items():
        assert values.shape == (2, 3), name
        assert np.all(np.isfinite(values)), name
    assert trained.history.dead_pixels.dtype == np.int64
    assert (trained.seeds, trained.image_shape, trained.architecture) == (SEEDS, (6, 6, 1), NETWORK)
    assert {leaf.dtype for leaf in jax.tree.leaves(trained.params)} == {np.dtype(np.float32)}


def test_the_test_error_is_that_of_the_reconstructions(trained):
    rebuilt = trained.reconstruct(DATA.test.images)
    errors = np.abs(rebuilt.astype(np.float64) - DATA.test.images).mean((1, 2, 3, 4))
    np.testing.assert_allclose(trained.history.test_error[:, -1], errors, rtol=1e-5)


def test_progress_is_told_after_every_epoch(trained, told):
    history = trained.history
    assert [(progress.epoch, progress.epochs) for progress in told] == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_allclose([progress.train_error for progress in told], history.train_error.mean(0))
    np.testing.assert_allclose([progress.test_error for progress in told], history.test_error.mean(0))


def plain_dead_pixels(rebuilt, images):
    """Pixels inked in over a twentieth of the images and rounded to 0 in each of their reconstructions."""
    count = 0
    for place in np.ndindex(images.shape[1:]):
        inked = sum(image[place] > 0.5 for image in images) / len(images)
        count += inked > 0.05 and all(np.rint(255 * image[place]) == 0 for image in rebuilt)
    return count


@pytest.fixture(scope="module")
def original():
    """L1 from the first step, fast: it kills pixels; measured on seven test images at a time."""
    recipe = dataclasses.replace(RECIPE, epochs=4, learning_rate=0.1, schedule=constant, loss=ae.L1())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aecluster.images.CHUNK", 7)
        return ae.train(NETWORK, DATA, recipe, seeds=SEEDS)


def test_dead_pixels_are_counted(original):
    rebuilt = original.reconstruct(DATA.test.images)
    expected = [plain_dead_pixels(pixels, DATA.test.images) for pixels in rebuilt]
    assert original.history.dead_pixels[:, -1].tolist() == expected
    assert min(expected) > 3
    masks = [ae.dead_pixels_of(pixels, DATA.test.images) for pixels in rebuilt]
    assert [mask.sum() for mask in masks] == expected


def test_errors_do_not_depend_on_how_the_test_images_are_cut(original):
    rebuilt = original.reconstruct(DATA.test.images)
    errors = np.abs(rebuilt.astype(np.float64) - DATA.test.images).mean((1, 2, 3, 4))
    np.testing.assert_allclose(original.history.test_error[:, -1], errors, rtol=1e-5)


# The same again


def test_the_same_seeds_give_the_same_bits(trained):
    again = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS)
    assert_same(again.params, trained.params)
    assert_same(histories(again), histories(trained))


@pytest.mark.parametrize("index", [0, 1, -1])
def test_one_network_alone_is_what_it_is_among_others(trained, index):
    alone = trained.alone(index)
    assert alone.seeds == (SEEDS[index],)
    np.testing.assert_array_equal(alone.reconstruct(DATA.test.images)[0], trained.reconstruct(DATA.test.images)[index])
    for name, measured in histories(alone).items():
        np.testing.assert_array_equal(measured, histories(trained)[name][index][None])


def test_a_seed_trains_alone_as_it_does_among_others(trained):
    alone = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS[1:])
    close = functools.partial(np.testing.assert_allclose, atol=2e-5)
    assert_same(alone.params, jax.tree.map(lambda leaf: leaf[1:], trained.params), close)
    assert_same(alone.history.loss, trained.history.loss[1:], close)


@pytest.mark.slow
def test_two_devices_train_as_one_does(trained):
    both = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, devices=jax.local_devices()[:2])
    assert len(jax.tree.leaves(both.params)[0].devices()) == 2
    close = functools.partial(np.testing.assert_allclose, atol=2e-5)
    assert_same(both.params, trained.params, close)
    assert_same(histories(both), histories(trained), close)


# Other ways


MUCH = dataclasses.replace(RECIPE, epochs=4, learning_rate=0.02, schedule=constant)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": optax.sgd, "learning_rate": 30.0},
        {"optimizer": ae.optimizer_named("lion", {"b1": 0.8}), "learning_rate": 2e-2},
        {"optimizer": optax.contrib.muon, "learning_rate": 0.05},
        {"precision": "bfloat16"},
        {"corruption": ae.Deformation()},
        {"loss": ae.L2()},
    ],
    ids=["sgd", "lion", "muon", "bfloat16", "deformation", "L2"],
)
def test_errors_fall(change):
    ensemble = ae.train(NETWORK, DATA, dataclasses.replace(MUCH, **change), seeds=(2,))
    error = ensemble.history.test_error[0]
    assert error[-1] < 0.95 * error[0]
    assert {leaf.dtype for leaf in jax.tree.leaves(ensemble.params)} == {np.dtype(np.float32)}


@pytest.mark.slow
def test_a_line_search_trains():
    recipe = dataclasses.replace(MUCH, optimizer=optax.lbfgs, learning_rate=1.0, schedule=constant)
    error = ae.train(ae.Dense(2, ()), DATA, recipe).history.test_error[0]
    assert error[-1] < 0.95 * error[0]


@dataclasses.dataclass(frozen=True)
class Blank(ae.AbstractCorruption):
    """Black images."""

    def __call__(self, key, images):
        del key
        return jnp.zeros_like(images)


def test_the_network_is_given_the_corrupted_image_and_judged_by_the_image():
    recipe = dataclasses.replace(RECIPE, optimizer=optax.sgd, loss=ae.CrossEntropy(), corruption=Blank())
    loop = loop_of(NETWORK, DATA, recipe)
    before = jax.tree.map(np.asarray, loop.fresh([4]).params)
    state, measured = loop.epoch(loop.fresh([4]), [4], 0)
    # all zeros at first, biases too: every pixel is grey 1/2
    images = DATA.train.images[sorted(batches(NUM_TRAIN, 16, 4, 0)[0])]
    np.testing.assert_allclose(measured.error[0, 0], np.abs(0.5 - images).mean(), rtol=1e-5)
    np.testing.assert_allclose(measured.loss[0, 0], np.log(2), rtol=1e-5)
    kernels = [tree["encoder"]["stack"]["layers"][0]["kernel"][...] for tree in (before, state.params)]
    np.testing.assert_array_equal(*kernels)  # black input moves no weight
    bias = state.params["decoder"]["stack"]["layers"][2]["bias"][...]
    assert np.asarray(bias).mean() < 0  # and yet the output learned that images are dark


@dataclasses.dataclass(frozen=True)
class Noise(ae.AbstractCorruption):
    """Noise alone."""

    def __call__(self, key, images):
        return jax.random.uniform(key, images.shape, images.dtype)


@dataclasses.dataclass(frozen=True)
class Given(ae.AbstractLoss):
    """The logits' mean: with one linear layer, a fingerprint of what the network was given."""

    def __call__(self, logits, target, given, epoch):
        return logits.mean() + 0.0 * (target.sum() + epoch).astype(logits.dtype)


def still(learning_rate):
    del learning_rate
    return optax.set_to_zero()


def test_every_step_and_seed_is_corrupted_anew():
    recipe = ae.Recipe(epochs=2, batch_size=16, optimizer=still, loss=Given(), corruption=Noise())
    seen = ae.train(ae.Dense(1, ()), DATA, recipe, seeds=(4, 6)).history.loss
    assert len(np.unique(seen)) == 4


# Going on from given networks


def test_training_goes_on_from_given_networks(trained):
    before = jax.tree.map(np.array, trained.params)
    still = dataclasses.replace(RECIPE, epochs=1, optimizer=optax.sgd, learning_rate=1e-30)
    further = ae.train(NETWORK, DATA, still, seeds=SEEDS, start=trained)
    assert_same(further.params, before)
    assert further.history.loss.shape == (2, 1)
    np.testing.assert_allclose(further.history.test_error[:, 0], trained.history.test_error[:, -1], rtol=1e-6)
    assert_same(trained.params, before)  # still there to use


@pytest.mark.parametrize(
    ("architecture", "seeds", "message"),
    [
        (ae.Dense(3, (8, 4)), SEEDS, r"`start` holds 2 of Dense\(latent_size=2.*; 2 of Dense\(latent_size=3"),
        (ae.Convolutional(2), SEEDS, r"`start` holds 2 of Dense\(.*; 2 of Convolutional\(latent_size=2"),
        (NETWORK, (3,), r"`start` holds 2 of Dense\(.*; 1 of Dense\(latent_size=2.* are to be trained\."),
    ],
)
def test_networks_of_another_kind_or_number_are_refused(trained, architecture, seeds, message):
    with pytest.raises(ValueError, match=message):
        ae.train(architecture, DATA, RECIPE, seeds=seeds, start=trained)


# One compilation


def _compilations(caplog, action):
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.WARNING, logger="jax"):
        result = action()
    return result, [line for line in (record.getMessage() for record in caplog.records) if "Compiling" in line]


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(NETWORK, id="dense"),
        pytest.param(ae.Convolutional(2, (1, 1), 8), id="convolutional", marks=pytest.mark.slow),
    ],
)
def test_a_second_epoch_compiles_nothing_and_makes_errors_fall(architecture, caplog):
    loop = loop_of(architecture, DATA, MUCH)
    exam = Exam(architecture, MUCH, DATA.test.images, loop.everywhere)

    def epoch(state, number):
        state, _ = loop.epoch(state, (2,), number)
        return state, exam(state.params).error

    (state, before), first = _compilations(caplog, lambda: epoch(loop.fresh((2,)), 0))
    assert first
    (_, after), second = _compilations(caplog, lambda: epoch(state, 1))
    assert second == []
    assert after < 0.95 * before


# Refusals


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"seeds": ()}, {}, r"^`seeds` must name at least one seed, got none; give \(0,\) for one\.$"),
        ({}, {"batch_size": 71}, r"^`batch_size` is 71, but there are only 70 images to train on; lower it\.$"),
        (
            {"devices": jax.local_devices()[:2]},
            {"batch_size": 7},
            r"^`batch_size` 7 cannot be shared evenly by 2 devices; choose a multiple\.$",
        ),
    ],
)
def test_a_training_that_cannot_start_is_refused(options, change, message):
    with pytest.raises(ValueError, match=message):
        ae.train(NETWORK, DATA, dataclasses.replace(RECIPE, **change), **options)
