"""Which of several clusterings deformations leave alone: all are learned, corrected by mutual information, and weighed by it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.clustering.self_training import LEAST_STEPS, Classifier, SelfTraining, fresh_classifier
from aecluster.corruptions import AbstractCorruption
from aecluster.images import HostImages, Images, Scalar, chunks, joined
from aecluster.models import DenseEncoder, Params, take
from aecluster.training import Keys, Loop, Outlook, Task, fit

CORRECTION = 2  # steps that correct, per step that learns
VERSIONS = 4  # of every image, deformed, that weigh the clusterings
LEAST = 1e-12  # joint probability whose logarithm is taken


def learn_among(
    images: HostImages,
    clusterings: Float[np.ndarray, "image clustering cluster"],
    encoder: DenseEncoder,
    corruption: AbstractCorruption,
    settings: SelfTraining,
    seed: int,
) -> Classifier:
    """Learn several clusterings of few images at once, correct them, and keep the one that tells most of a deformed image.

    All share the classifier's hidden layers, which begin as the encoder's. First they are learned from deformed images.
    Then they are left to themselves, and the mutual information between the clusters of two deformed versions of an image
    is maximised (Ji, Henriques and Vedaldi 2019, arXiv:1807.06653, equation 3): boundaries move to where deformations
    leave images alone, while the clusters stay of a size. What is kept has most of this information between the images and
    deformed versions of them, as that paper chooses among its heads: who splits a shape by its pose loses what the pose takes
    away, who joins two shapes loses what they could have told. No label is seen.
    """
    _, num_clusterings, num_clusters = clusterings.shape
    structure, params = nnx.split(fresh_classifier(encoder, num_clusterings * num_clusters, seed))

    def say(params: Params, key: Key[Array, ""], images: Images) -> Float[Array, "image clustering cluster"]:
        said = nnx.merge(structure, params)(corruption(key, images))
        return said.reshape(len(images), num_clusterings, num_clusters)

    def imitation(
        params: Params, rival: None, batch: tuple, key: Key[Array, ""], epoch: Scalar
    ) -> tuple[Scalar, Outlook]:
        del rival, epoch
        said = say(params, key, batch[0])
        wrong = (said.argmax(-1) != batch[1].argmax(-1)).mean()
        return optax.softmax_cross_entropy(said, batch[1]).mean(), Outlook(wrong)

    def invariance(
        params: Params, rival: None, batch: tuple, key: Key[Array, ""], epoch: Scalar
    ) -> tuple[Scalar, Outlook]:
        del rival, epoch
        first, second = (jax.nn.softmax(say(params, one, batch[0])) for one in jax.random.split(key))
        differ = (first.argmax(-1) != second.argmax(-1)).mean()
        return -mutual_information(first, second).mean(), Outlook(differ)

    target = np.asarray(clusterings * (1 - settings.smoothing) + settings.smoothing / num_clusters, np.float32)
    batch_size, num_steps = min(settings.batch_size, len(images)), LEAST_STEPS * settings.epochs
    for part, (loss, steps) in enumerate([(imitation, num_steps), (invariance, CORRECTION * num_steps)]):
        passes = -(-steps // (len(images) // batch_size))
        keys = functools.partial(_keys, part)
        task = Task(functools.partial(_as_given, params), loss, keys, settings.transformation, passes, batch_size)
        params = take(fit(Loop(task, (images, target)), (seed,)).params, 0)
    told = information(structure, params, images, corruption, num_clusters)
    first = int(np.argmax(told)) * num_clusters
    return Classifier(*_with_outputs(structure, params, slice(first, first + num_clusters), seed))


def mutual_information(
    first: Float[Array, "image clustering cluster"], second: Float[Array, "image clustering cluster"]
) -> Float[Array, " clustering"]:
    """Between the clusters of two versions of the same images, in nats: Ji et al. 2019, equation 3, symmetrised.

    At most the logarithm of the number of clusters, where they are of one size and no image changes its own.
    """
    joint = jnp.einsum("nci,ncj->cij", first, second) / len(first)
    joint = jnp.maximum((joint + joint.swapaxes(1, 2)) / 2, LEAST)
    apart = joint.sum(1, keepdims=True) * joint.sum(2, keepdims=True)
    return (joint * (jnp.log(joint) - jnp.log(apart))).sum((1, 2))


def information(
    structure: nnx.GraphDef, params: Params, images: HostImages, corruption: AbstractCorruption, num_clusters: int
) -> Float[np.ndarray, " clustering"]:
    """The mutual information between the clusters of all images and of deformed versions of them, the mean of some."""

    @jax.jit
    def say(images: Images) -> Float[Array, "image clustering cluster"]:
        return jax.nn.softmax(nnx.merge(structure, params)(images).reshape(len(images), -1, num_clusters))

    def of_all(key: Key[Array, ""] | None) -> Float[Array, "image clustering cluster"]:
        parts = ((start, part) for start, (part,) in chunks(images))
        said = (say(part if key is None else deform(jax.random.fold_in(key, start), part)) for start, part in parts)
        return jnp.asarray(joined(said))

    deform, as_they_are = jax.jit(corruption), of_all(None)
    keys = jax.random.split(jax.random.key(0), VERSIONS)
    return np.mean([mutual_information(as_they_are, of_all(key)) for key in list(keys)], axis=0)


def _as_given(params: Params, seed: int) -> Params:
    del seed
    return params


def _keys(part: int, seed: int, epoch_index: int, num_steps: int) -> Keys:
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), part), epoch_index)
    order, steps = jax.random.split(key)
    return Keys(order, jax.random.split(steps, num_steps))


def _with_outputs(structure: nnx.GraphDef, params: Params, outputs: slice, seed: int) -> tuple[nnx.GraphDef, Params]:
    """The network with some of its outputs alone."""
    every = nnx.merge(structure, params)
    some = fresh_classifier(every, outputs.stop - outputs.start, seed)
    last = nnx.state(every.stack.layers[-1])
    nnx.update(some.stack.layers[-1], jax.tree.map(lambda leaf: leaf[..., outputs], last))
    return nnx.split(some)
