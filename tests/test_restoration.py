"""Undoing a degradation: the composite loss and what minimises it, discriminators, adversaries, the restorer."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.scipy.special import logit
from scipy.special import expit

import aecluster as ae
from aecluster.models import critic_params, log_odds
from aecluster.training import Loop, discriminators
from aecluster.training.networks import network_task

DIGITS = ae.load()
SMALL = ae.ImageData("small", ae.Split(DIGITS.train.images[:128]), ae.Split(DIGITS.test.images[:32]))
BLUR = ae.Blur(size=3)
RECIPE = ae.Recipe(epochs=2, batch_size=32, degradation=BLUR)
RNG = np.random.default_rng(5)
CLEAR, BLURRED = (jnp.asarray(RNG.uniform(0.05, 0.95, (3, 8, 8, 1))) for _ in range(2))
EPOCH = jnp.asarray(0.0)


# The composite loss


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_with_equal_weights_every_image_between_blurred_and_clear_has_the_same_loss(share):
    between = share * CLEAR + (1 - share) * BLURRED
    found = ae.composite(1.0, 1.0)(logit(between), CLEAR, BLURRED, EPOCH)
    np.testing.assert_allclose(found, np.abs(CLEAR - BLURRED).mean(), rtol=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_with_equal_weights_an_image_between_them_stays_where_it_is(share):
    between = share * CLEAR + (1 - share) * BLURRED
    off = np.sign(between - CLEAR) + np.sign(between - BLURRED)
    slope = jax.grad(ae.composite(1.0, 1.0))(logit(between), CLEAR, BLURRED, EPOCH)
    inside = np.minimum(np.abs(between - CLEAR), np.abs(between - BLURRED)) > 1e-9
    np.testing.assert_allclose(np.asarray(slope)[inside], 0, atol=1e-15)
    assert share in (0.0, 1.0) or (inside.all() and (off == 0).all())


@pytest.mark.parametrize(("weight", "winner"), [(0.3, CLEAR), (0.9, CLEAR), (1.1, BLURRED), (3.0, BLURRED)])
def test_the_greater_weight_has_the_only_minimum(weight, winner):
    loss = ae.composite(1.0, weight)
    best = loss(logit(winner), CLEAR, BLURRED, EPOCH)
    for other in [CLEAR, BLURRED, (CLEAR + BLURRED) / 2, *(jnp.clip(winner + d, 0.01, 0.99) for d in (-0.02, 0.02))]:
        if other is not winner:
            assert loss(logit(other), CLEAR, BLURRED, EPOCH) > best


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((-1.0, 1.0), r"^`weight` must be a finite number of at least 0, got -1\.0; give more\."),
        ((1.0, float("nan")), r"^`weight` must be a finite number of at least 0, got nan; give such a value\."),
        ((0.0, 0.0), r"must not all be 0, got \[0\.0, 0\.0\]; nothing would be learned\."),
    ],
)
def test_weights_that_make_no_loss_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        ae.composite(*weights)


def test_a_loss_name_with_a_near_miss_is_refused():
    assert ae.loss_named("ssim") == ae.Dissimilarity()
    with pytest.raises(ValueError, match=r"^No loss is called 'cross_entropie'; did you mean 'cross_entropy'\?$"):
        ae.loss_named("cross_entropie")


def test_grey_targets_drive_every_inked_pixel_to_white():
    loss = ae.GreyTargets()
    slope = jax.grad(loss)(jnp.zeros_like(CLEAR), jnp.asarray(CLEAR), jnp.asarray(CLEAR), EPOCH)
    assert (np.asarray(slope) < 0).all()
    assert loss(jnp.full_like(CLEAR, 50.0), CLEAR, CLEAR, EPOCH) == pytest.approx(
        float((255 * CLEAR - 1).mean()), rel=1e-6
    )


# Training on degraded images


class Seen(ae.AbstractLoss):
    """How far what was given is from the blurred target."""

    def __call__(self, logits, target, given, epoch):
        blurred = BLUR(jax.random.key(0), target)
        return jnp.abs(given - blurred).max() + 0.0 * logits.mean()


def test_training_and_testing_are_given_degraded_images():
    recipe = dataclasses.replace(RECIPE, loss=Seen(), optimizer=lambda _: optax.set_to_zero())
    trained = ae.train(ae.Dense(4, (16,)), SMALL, recipe)
    np.testing.assert_array_equal(trained.history.loss, 0)
    rebuilt = trained.reconstruct(ae.corrupted(BLUR, SMALL.test.images))[0]
    error = np.abs(rebuilt - SMALL.test.images).mean()
    np.testing.assert_allclose(trained.history.test_error[0, -1], error, rtol=1e-5)


def test_corrupting_twice_gives_the_same_images():
    blur = ae.RandomBlur(size=3, noise=0.1)
    first, second = (ae.corrupted(blur, SMALL.test.images) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, ae.corrupted(blur, SMALL.test.images, seed=1))
    assert ae.corrupted(None, SMALL.test.images) is SMALL.test.images


# The restorer


@pytest.mark.parametrize("shape", [(8, 8, 1), (7, 9, 2)])
def test_an_untrained_restorer_gives_back_what_it_got_but_black_and_white(shape):
    restorer = ae.Restorer(channels=4, blocks=1, reach=3).build(shape, nnx.Rngs(params=0))
    greys = RNG.integers(0, 256, (2, *shape))
    expected = np.clip(greys, 0.5, 254.5) / 255
    found = jax.nn.sigmoid(restorer(jnp.asarray(greys / 255, jnp.float32)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_restorer_moves_with_its_image():
    restorer = ae.Restorer(channels=8, blocks=1, reach=3).build((24, 24, 1), nnx.Rngs(params=0))
    restorer.last.kernel[...] = restorer.first.kernel[...].reshape(restorer.last.kernel.shape)
    image = np.zeros((1, 24, 24, 1), np.float32)
    image[0, 9:13, 8:13, 0] = RNG.random((4, 5))
    moved = np.roll(image, (2, -2), axis=(1, 2))
    inner = slice(6, 18)
    found, expected = (
        restorer(jnp.asarray(moved))[0, inner, inner],
        np.roll(restorer(jnp.asarray(image)), (2, -2), (1, 2)),
    )
    np.testing.assert_allclose(found, expected[0, inner, inner], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_restorer_restores_and_has_no_latents(tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=40)
    trained = ae.train(ae.Restorer(channels=8, blocks=1, reach=3), SMALL, recipe, checkpoints=tmp_path / "saved")
    blurred = np.abs(ae.corrupted(BLUR, SMALL.test.images) - SMALL.test.images).mean()
    assert trained.history.test_error[0, -1] < 0.7 * blurred
    again = ae.restore(tmp_path / "saved")
    images = SMALL.test.images
    np.testing.assert_array_equal(again.reconstruct(images), trained.reconstruct(images))
    with pytest.raises(ValueError, match=r"^Restorer\(.* has no latent space; use `reconstruct`\.$"):
        trained.encode(images)
    with pytest.raises(ValueError, match=r"^`channels` must be a whole number of at least 1, got 0; give more\."):
        ae.train(ae.Restorer(channels=0), SMALL, recipe)


# Discriminators


@pytest.fixture(scope="module")
def discriminator():
    """One that has learned next to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discriminators, "LEAST_STEPS", 3)
        return ae.learn_discriminator(SMALL.train.images, BLUR, epochs=1)


@pytest.mark.slow  # an adversary's critic learns the same every day
def test_a_discriminator_tells_unseen_clear_images_from_blurred_ones():
    images, discriminator = DIGITS.test.images, ae.learn_discriminator(DIGITS.train.images, BLUR)
    clear, blurred = discriminator.probability(images), discriminator.probability(ae.corrupted(BLUR, images))
    assert ((clear > 0.5).mean() + (blurred < 0.5).mean()) / 2 > 0.97


def test_its_loss_is_minus_the_log_of_its_probability(discriminator):
    images = jnp.asarray(DIGITS.test.images[:5].clip(0.02, 0.98))
    loss = ae.ProbabilityOfBlur(discriminator)(logit(images), images, images, EPOCH)
    np.testing.assert_allclose(loss, -np.log(discriminator.probability(np.asarray(images))).mean(), rtol=1e-4)


def test_the_same_seed_learns_the_same_discriminator_and_recipes_tell_them_apart(monkeypatch):
    monkeypatch.setattr(discriminators, "LEAST_STEPS", 3)
    one, same, other = (ae.learn_discriminator(SMALL.train.images, BLUR, seed=seed, epochs=1) for seed in (0, 0, 1))
    assert one.digest() == same.digest() != other.digest()
    told = [ae.Recipe(loss=ae.ProbabilityOfBlur(each)).describe() for each in (one, same, other)]
    assert told[0] == told[1] != told[2]


def test_images_of_another_shape_are_refused(discriminator, as_users_call):
    message = r"^The discriminator judges images of shape \(8, 8, 1\), got \(9, 8, 1\); learn one from images"
    with pytest.raises(ValueError, match=message):
        discriminator.probability(np.zeros((2, 9, 8, 1), np.float32))
    with pytest.raises(ValueError, match=message):
        ae.ProbabilityOfBlur(discriminator)(jnp.zeros((2, 9, 8, 1)), CLEAR, CLEAR, EPOCH)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"learning_rate": 1e30},
            r"^The loss of seed 3 became (nan|inf) at step \d+ \(epoch \d+\); lower `learning_rate`\.$",
        ),
        ({"epochs": 0}, r"^`epochs` must be a whole number of at least 1, got 0; give more\.$"),
    ],
)
def test_a_discriminator_that_cannot_be_learned_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ae.learn_discriminator(SMALL.train.images[:8], BLUR, seed=3, **options)


@pytest.mark.slow
def test_seeds_that_are_stepped_beside_each_other_are_what_each_is_alone():
    restorer = ae.Restorer(4, 1, 3)
    both, first, second = (ae.train(restorer, SMALL, RECIPE, seeds=seeds) for seeds in [(0, 1), (0,), (1,)])
    np.testing.assert_array_equal(both.history.loss, [first.history.loss[0], second.history.loss[0]])


def test_a_convolving_loss_is_stepped_from_python_on_a_cpu(discriminator):
    devices = jax.local_devices()[:1]
    with_it = dataclasses.replace(RECIPE, loss=ae.ProbabilityOfBlur(discriminator))

    def step_by_step(architecture, recipe):
        return Loop(network_task(architecture, (8, 8, 1), recipe), SMALL.train.images, devices).step_by_step

    assert step_by_step(ae.Dense(4, (16,)), with_it)
    assert not step_by_step(ae.Dense(4, (16,)), RECIPE)
    assert step_by_step(ae.Restorer(4, 1, 3), RECIPE)


# Adversaries


@pytest.mark.slow
def test_an_adversary_without_weight_changes_nothing_in_the_network():
    plain, rival = (
        ae.train(ae.Dense(4, (16,)), SMALL, dataclasses.replace(RECIPE, adversary=adversary))
        for adversary in (None, ae.Adversary(weight=0.0))
    )
    np.testing.assert_allclose(rival.history.test_error, plain.history.test_error, rtol=1e-4)


@pytest.mark.slow
def test_an_adversary_learns_to_tell_predictions_apart():
    rival = ae.Adversary(penalty=0.1)
    clear = jnp.asarray(DIGITS.train.images[:256])
    blurred = BLUR(jax.random.key(0), clear)
    state = rival.fresh(jax.random.key(1), (8, 8, 1))
    step = jax.jit(rival.step)
    for _ in range(150):
        state = step(state, clear, blurred)
    assert (log_odds(state.params, clear) > 0).mean() > 0.9
    assert (log_odds(state.params, blurred) < 0).mean() > 0.9


@pytest.mark.parametrize(("epoch", "share"), [(0.0, 0.0), (1.9, 0.0), (3.0, 0.5), (4.0, 1.0), (9.0, 1.0)])
def test_an_adversarys_weight_rises_after_its_start(epoch, share):
    rival = ae.Adversary(weight=0.5, start=2.0, ramp=2.0)
    state = rival.fresh(jax.random.key(1), (8, 8, 1))
    images = jnp.asarray(DIGITS.test.images[:4])
    full = -np.log(expit(np.asarray(log_odds(state.params, images), float))).mean()
    np.testing.assert_allclose(rival.loss(state, images, jnp.asarray(epoch)), 0.5 * share * full, rtol=1e-5)


def test_the_gradient_penalty_is_that_of_finite_differences():
    params = jax.tree.map(lambda a: a.astype(float), critic_params(jax.random.key(3), (8, 8, 1)))
    clear = np.asarray(DIGITS.test.images[:2], float)
    slopes = np.asarray(jax.grad(lambda images: log_odds(params, images).sum())(jnp.asarray(clear)))
    for place in [(0, 3, 4, 0), (1, 5, 2, 0)]:
        nudge = np.zeros_like(clear)
        nudge[place] = 1e-4
        above, below = (np.asarray(log_odds(params, jnp.asarray(clear + s * nudge))).sum() for s in (1, -1))
        np.testing.assert_allclose(slopes[place], (above - below) / 2e-4, rtol=2e-2, atol=1e-3)


@pytest.mark.slow
def test_a_training_with_an_adversary_goes_on_as_if_it_had_never_stopped(tmp_path):
    recipe = ae.Recipe(
        epochs=3, batch_size=32, degradation=BLUR, adversary=ae.Adversary(start=0.0, ramp=1.0, weight=0.1)
    )
    network = ae.Dense(4, (16,))
    whole = ae.train(network, SMALL, recipe, seeds=(0, 1))

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        ae.train(network, SMALL, recipe, seeds=(0, 1), checkpoints=tmp_path / "saved", callbacks=[stop])
    resumed = ae.train(network, SMALL, recipe, seeds=(0, 1), checkpoints=tmp_path / "saved", resume=True)
    np.testing.assert_array_equal(resumed.history.loss, whole.history.loss)
    np.testing.assert_array_equal(resumed.history.test_error, whole.history.test_error)


@pytest.mark.slow
def test_an_adversary_learns_from_no_more_images_than_it_may():
    clear = jnp.asarray(DIGITS.train.images[:48])
    few, many = ae.Adversary(images=16), ae.Adversary(images=48)
    state = few.fresh(jax.random.key(1), (8, 8, 1))
    found, expected = few.step(state, clear, clear[::-1]), many.step(state, clear[:16], clear[::-1][:16])
    np.testing.assert_array_equal(*(jax.tree.leaves(each.params)[0] for each in (found, expected)))


@pytest.mark.parametrize("name", ["weight", "penalty", "start", "ramp", "learning_rate", "images"])
def test_an_adversarys_numbers_must_make_sense(name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        ae.Adversary(**{name: -1})
