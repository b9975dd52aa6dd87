"""A classifier that learns a clustering from deformed images, and corrects it where it went by looks."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.corruptions import AbstractCorruption
from aecluster.models import DenseEncoder, Images, Params

CHUNK = 10_000  # images that are classified at once

LEAST_STEPS = 50  # in an epoch; few images are taken in smaller batches


@dataclasses.dataclass(frozen=True)
class SelfTraining:
    """How to learn a clustering.

    Attributes:
        epochs: passes over the images.
        learning_rate: the highest; it decays to 0 along a cosine.
        batch_size: images a step, at most.
        smoothing: share of a clustering that is spread evenly over all clusters.
    """

    epochs: int = 12
    learning_rate: float = 1e-3
    batch_size: int = 256
    smoothing: float = 0.05


class Classifier(NamedTuple):
    """A network from images to the logits of clusters."""

    structure: nnx.GraphDef
    params: Params

    def memberships(
        self, images: Float[np.ndarray, "image height width channel"]
    ) -> Float[np.ndarray, "image cluster"]:
        """Probability of every cluster for every image."""
        parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        return np.concatenate([np.asarray(_answer(self.structure, self.params, part)) for part in parts])


def learn(
    images: Float[np.ndarray, "image height width channel"],
    memberships: Float[np.ndarray, "image cluster"],
    encoder: DenseEncoder,
    corruption: AbstractCorruption,
    settings: SelfTraining,
    seed: int,
) -> Classifier:
    """Learn a clustering of the images. The classifier's hidden layers begin as the encoder's.

    It always sees deformed images, so it learns what an image has in common with its deformations; a cluster that went by
    slant or size for a few images is outvoted by the others.
    """
    num_clusters, batch_size = memberships.shape[1], min(settings.batch_size, -(-len(images) // LEAST_STEPS))
    structure, params = nnx.split(_classifier(encoder, num_clusters, seed))
    num_steps = len(images) // batch_size * settings.epochs
    transformation = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, num_steps))
    target = jnp.asarray(memberships * (1 - settings.smoothing) + settings.smoothing / num_clusters, jnp.float32)
    run = jax.jit(_epoch(structure, corruption, transformation, batch_size), donate_argnums=0)
    carry, on_device = (params, transformation.init(params)), jnp.asarray(images)
    for key in jax.random.split(jax.random.key(seed), settings.epochs):
        carry = run(carry, key, on_device, target)
    return Classifier(structure, carry[0])


def _classifier(encoder: DenseEncoder, num_clusters: int, seed: int) -> DenseEncoder:
    layers = encoder.stack.layers
    fresh = DenseEncoder((*(layer.in_features for layer in layers), num_clusters), jnp.float32, nnx.Rngs(params=seed))
    for layer, trained in zip(fresh.stack.layers[:-1], layers[:-1], strict=True):
        nnx.update(layer, nnx.state(trained))
    return fresh


def _epoch(
    structure: nnx.GraphDef,
    corruption: AbstractCorruption,
    transformation: optax.GradientTransformation,
    batch_size: int,
) -> Callable:
    """One pass over the images, deformed, towards a target."""

    def loss(params: Params, images: Images, target: Float[Array, "image cluster"]) -> Float[Array, ""]:
        return optax.softmax_cross_entropy(nnx.merge(structure, params)(images), target).mean()

    def epoch(carry: tuple, key: Key[Array, ""], images: Images, target: Float[Array, "all cluster"]) -> tuple:
        shuffling, deforming = jax.random.split(key)
        steps = len(images) // batch_size
        order = jax.random.permutation(shuffling, len(images))[: steps * batch_size].reshape(steps, batch_size)

        def step(carry: tuple, chosen: tuple) -> tuple[tuple, None]:
            params, state = carry
            rows, index = chosen
            seen = corruption(jax.random.fold_in(deforming, index), images[rows])
            updates, state = transformation.update(jax.grad(loss)(params, seen, target[rows]), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, carry, (order, jnp.arange(steps)))[0]

    return epoch


@functools.partial(jax.jit, static_argnums=0)
def _answer(structure: nnx.GraphDef, params: Params, images: Images) -> Float[Array, "image cluster"]:
    return jax.nn.softmax(nnx.merge(structure, params)(images))
