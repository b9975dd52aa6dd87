"""Golden file of the autoencoders: tiny trainings on the embedded digits, as they came out on one machine.

    PYTHONPATH=tests python -m golden_aecluster

writes tests/golden_aecluster.npz anew. That is done knowingly, by whoever changes what is computed, and the change is read in
the test's failure first.
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from golden import machine

import aecluster as ae

FILE = Path(__file__).parent / "golden_aecluster.npz"
DIGITS = ae.load().take(train=200, test=50)
BLUR = ae.Blur(size=3)
SHORT = ae.Recipe(epochs=2, batch_size=64, optimizer=optax.adam, learning_rate=1e-3)

Answer = dict[str, Any]


def trained(ensemble: ae.Ensemble, images: np.ndarray) -> Answer:
    """The history and what the networks make of some images: every number of a training decides them."""
    return {**ensemble.history.columns(), "rebuilt": ensemble.reconstruct(images[:5])}


def dense() -> Answer:
    """A dense autoencoder from two seeds, by the cured recipe."""
    recipe = ae.Recipe(epochs=2, batch_size=64)
    return trained(ae.train(ae.Dense(2, (16, 8)), DIGITS, recipe, seeds=(0, 3)), DIGITS.test.images)


def convolutional() -> Answer:
    """A convolutional autoencoder from two seeds."""
    return trained(ae.train(ae.Convolutional(2, (4, 8), 16), DIGITS, SHORT, seeds=(0, 3)), DIGITS.test.images)


def adversarial() -> Answer:
    """A restorer with a critic that learns along."""
    rival = ae.Adversary(start=0.0, ramp=1.0, weight=0.1, images=16)
    recipe = dataclasses.replace(SHORT, degradation=BLUR, adversary=rival)
    return trained(ae.train(ae.Restorer(4, 1, 3), DIGITS, recipe), ae.corrupted(BLUR, DIGITS.test.images))


def discriminator() -> Answer:
    """What a discriminator says of clear and of blurred images."""
    return {"clear": judge().probability(DIGITS.test.images), "blurred": judge().probability(blurred()["blur"])}


@functools.cache
def judge() -> ae.Discriminator:
    """A discriminator of the clear digits against the blurred ones."""
    return ae.learn_discriminator(DIGITS.train.images[:30], BLUR, epochs=1)


def preset() -> Answer:
    """A preset that undoes a blur and listens to a discriminator."""
    from aecluster import deblurring

    named = deblurring.losses(DIGITS.image_shape)["judged_64"]
    short = dataclasses.replace(named, recipe=dataclasses.replace(named.recipe, epochs=2, batch_size=64))
    return trained(deblurring.train_preset(short, DIGITS, BLUR, judge()), blurred()["blur"])


def self_training() -> Answer:
    """The classifier that learns a clustering from deformed images."""
    from aecluster.clustering.self_training import SelfTraining, learn

    images = DIGITS.train.images
    recipe = dataclasses.replace(SHORT, corruption=ae.Deformation(), precision="bfloat16")
    encoder = ae.train(ae.Dense(4, (16,)), DIGITS, recipe).member(0).encoder
    memberships = np.eye(3)[np.arange(len(images)) % 3]
    classifier = learn(images, memberships, encoder, ae.Deformation(), SelfTraining(epochs=2), 5)
    return {"memberships": classifier.memberships(DIGITS.test.images)}


def blurred() -> Answer:
    """Images corrupted in every way."""
    ways = {"blur": BLUR, "random": ae.RandomBlur(5, noise=0.1), "motion": ae.Blur("motion", 5, 3.0, 20.0, noise=0.05)}
    return {name: ae.corrupted(way, DIGITS.test.images) for name, way in {**ways, "deformed": ae.Deformation()}.items()}


CASES: dict[str, Callable[[], Answer]] = {
    case.__name__: case for case in (dense, convolutional, adversarial, discriminator, preset, self_training, blurred)
}


def main() -> None:
    """Train everything once more and write it down."""
    kept: dict[str, Any] = {"machine": machine()}
    for name, ask in CASES.items():
        kept |= {f"{name}/{field}": np.asarray(values) for field, values in ask().items()}
    np.savez_compressed(FILE, **kept)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    main()
