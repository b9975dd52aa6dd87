"""A network that tells clear images from others, and what it says of an image as a loss."""

import dataclasses
import functools
import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.corruptions import AbstractCorruption
from aecluster.losses import AbstractLoss, Images, Logits, Scalar
from aecluster.models import DenseStack, ImageShape, Params, glorot_uniform

CHANNELS = (16, 32)
WIDTH = 64
BATCH_SIZE = 256
LEAST_STEPS = 300
CHUNK = 2_000  # images that are judged at once


class Critic(nnx.Module):
    """Two strided convolutions and two dense layers, from an image to the log-odds that it is clear."""

    def __init__(self, image_shape: ImageShape, rngs: nnx.Rngs):
        height, width, before = image_shape
        convolutions = []
        for channels in CHANNELS:
            convolutions.append(nnx.Conv(before, channels, (5, 5), strides=2, kernel_init=glorot_uniform, rngs=rngs))
            height, width, before = -(-height // 2), -(-width // 2), channels
        self.convolutions = nnx.List(convolutions)
        self.stack = DenseStack((height * width * before, WIDTH, 1), jnp.float32, rngs)

    def __call__(self, images: Images) -> Float[Array, " image"]:
        x = images
        for convolution in self.convolutions:
            x = nnx.leaky_relu(convolution(x), 0.2)
        return self.stack(x.reshape(len(images), -1))[:, 0]


def critic_params(key: Key[Array, ""], image_shape: ImageShape) -> Params:
    """Fresh parameters of a critic."""
    return nnx.state(Critic(image_shape, nnx.Rngs(params=key)), nnx.Param)


def log_odds(params: Params, images: Images) -> Float[Array, " image"]:
    """Log-odds of every image to be clear, by a critic with these parameters."""
    height, width, channels = images.shape[1:]
    return nnx.merge(_structure((height, width, channels)), params)(images)


@functools.cache
def _structure(image_shape: ImageShape) -> nnx.GraphDef:
    return nnx.split(nnx.eval_shape(lambda: Critic(image_shape, nnx.Rngs(params=0))))[0]


@dataclasses.dataclass(frozen=True, eq=False)
class Discriminator:
    """A critic that has learned to tell clear images from blurred ones; it learns no more."""

    image_shape: ImageShape
    params: Params

    def probability(self, images: Float[np.ndarray, "image height width channel"]) -> Float[np.ndarray, " image"]:
        """Probability of every image to be clear."""
        self.check(images.shape)
        parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        return np.concatenate([np.asarray(_probability(self.params, part)) for part in parts])

    def check(self, shape: tuple[int, ...]) -> None:
        """ValueError if images of this shape are not what it learned from."""
        if tuple(shape[1:]) != self.image_shape:
            raise ValueError(
                f"The discriminator judges images of shape {self.image_shape}, got {tuple(shape[1:])}; "
                "learn one from images of that shape."
            )

    def digest(self) -> str:
        """A fingerprint of its parameters."""
        leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(self.params)]
        return hashlib.sha256(b"".join(leaves)).hexdigest()[:16]

    def save(self, path: str | Path) -> None:
        """Write it to one .npz file, which is there complete or not at all."""
        path = Path(path)
        fresh = path.with_suffix(".unfinished.npz")
        np.savez(fresh, np.array(self.image_shape), *(np.asarray(leaf) for leaf in jax.tree.leaves(self.params)))
        fresh.rename(path)

    @classmethod
    def load(cls, path: str | Path) -> "Discriminator":
        """Read what `save` wrote."""
        with np.load(path) as file:
            shape, *leaves = (file[name] for name in file.files)
        height, width, channels = shape.tolist()
        structure = jax.tree.structure(
            jax.eval_shape(lambda: critic_params(jax.random.key(0), (height, width, channels)))
        )
        return cls((height, width, channels), jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in leaves]))


@jax.jit
def _probability(params: Params, images: Images) -> Float[Array, " image"]:
    return jax.nn.sigmoid(log_odds(params, images))


def learn_discriminator(
    images: Float[np.ndarray, "image height width channel"],
    degradation: AbstractCorruption,
    *,
    seed: int = 0,
    epochs: int = 2,
    learning_rate: float = 1e-3,
) -> Discriminator:
    """Learn to tell the clear images from what `degradation` makes of them: cross-entropy, Adam, a rate that decays.

    Steps are called from Python, since a CPU convolves many times slower inside a scan.
    """
    height, width, channels = images.shape[1:]
    batch_size = min(BATCH_SIZE, len(images))
    steps_an_epoch = len(images) // batch_size
    num_steps = max(epochs * steps_an_epoch, LEAST_STEPS)
    transformation = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params: Params, state: Any, batch: Images, key: Key[Array, ""]) -> tuple[Params, Any]:
        blurred = degradation(key, batch)

        def objective(params: Params) -> Scalar:
            clear, other = log_odds(params, batch), log_odds(params, blurred)
            return (jax.nn.softplus(-clear) + jax.nn.softplus(other)).mean() / 2

        updates, state = transformation.update(jax.grad(objective)(params), state, params)
        return optax.apply_updates(params, updates), state

    beginning, ordering, blurring = jax.random.split(jax.random.key(seed), 3)
    params = critic_params(beginning, (height, width, channels))
    state, on_device = transformation.init(params), jnp.asarray(images)
    for number in range(num_steps):
        epoch, place = divmod(number, steps_an_epoch)
        if place == 0:
            order = jax.random.permutation(jax.random.fold_in(ordering, epoch), len(images))
        rows = order[place * batch_size : (place + 1) * batch_size]
        params, state = step(params, state, on_device[rows], jax.random.fold_in(blurring, number))
    return Discriminator((height, width, channels), params)


@dataclasses.dataclass(frozen=True, eq=False)
class ProbabilityOfBlur(AbstractLoss):
    """-log of the probability that the prediction is clear, by a discriminator that is not trained on the way."""

    discriminator: Discriminator

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del target, given, epoch
        self.discriminator.check(logits.shape)
        return jax.nn.softplus(-log_odds(self.discriminator.params, jax.nn.sigmoid(logits))).mean()


class AdversaryState(NamedTuple):
    """What an adversary's step changes."""

    params: Params
    optimizer: optax.OptState


@dataclasses.dataclass(frozen=True)
class Adversary:
    """A critic trained along with the network, to tell its predictions from clear images: a loss that moves with it.

    The non-saturating game of Goodfellow et al. 2014 (arXiv:1406.2661, section 3), kept stable by the gradient penalty R1
    on clear images (Mescheder et al. 2018, arXiv:1801.04406, equation 9), by Adam without momentum, and by a weight that
    rises from 0, so that the network restores before it is asked to deceive.

    Attributes:
        weight: of -log of the probability that a prediction is clear, in the network's loss.
        learning_rate: of the critic.
        penalty: of the squared gradient of the critic's log-odds by the pixels of a clear image, halved.
        start: epochs before the network's loss hears of the critic, which learns from the first step.
        ramp: epochs over which the weight then rises.
        images: of each batch that the critic learns from, at most. The penalty's second derivatives make it the dearest part
            of a step, and it is far ahead of the network anyway.
    """

    weight: float = 1e-3
    learning_rate: float = 1e-3
    penalty: float = 1.0
    start: float = 4.0
    ramp: float = 4.0
    images: int = 64

    def __post_init__(self) -> None:
        for name in ("weight", "penalty", "start", "ramp"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"`{name}` must be finite and not negative, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` must be positive, got {self.learning_rate}.")
        if self.images < 1:
            raise ValueError(f"`images` must be at least 1, got {self.images}.")

    def fresh(self, key: Key[Array, ""], image_shape: ImageShape) -> AdversaryState:
        """A critic that has seen nothing."""
        params = critic_params(key, image_shape)
        return AdversaryState(params, self._transformation().init(params))

    def loss(self, state: AdversaryState, prediction: Images, epoch: Scalar) -> Scalar:
        """What the network's loss gains: it falls when the critic takes the prediction for clear."""
        risen = jnp.clip((epoch - self.start) / max(self.ramp, 1e-6), 0, 1)
        return self.weight * risen * jax.nn.softplus(-log_odds(state.params, prediction)).mean()

    def step(self, state: AdversaryState, clear: Images, prediction: Images) -> AdversaryState:
        """One step of the critic: clear images apart from predictions."""
        clear, prediction = clear[: self.images], prediction[: self.images]

        def objective(params: Params) -> Scalar:
            slopes = jax.grad(lambda images: log_odds(params, images).sum())(clear)
            penalty = self.penalty / 2 * jnp.square(slopes).sum((1, 2, 3)).mean()
            told = jax.nn.softplus(-log_odds(params, clear)) + jax.nn.softplus(log_odds(params, prediction))
            return told.mean() + penalty

        updates, optimizer = self._transformation().update(jax.grad(objective)(state.params), state.optimizer)
        return AdversaryState(optax.apply_updates(state.params, updates), optimizer)

    def _transformation(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate, b1=0.0, b2=0.99)
