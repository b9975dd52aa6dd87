"""A convolutional classifier that learns a clustering from the images that it is sure of, and judges the others itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Integer, Key

from aecluster.clustering.parts import Neighbours
from aecluster.clustering.self_training import Classifier, SelfTraining, keys_of
from aecluster.corruptions import AbstractCorruption
from aecluster.images import HostImages, ImageShape, Scalar
from aecluster.models import Convolutional, ConvolutionalEncoder, Params, take
from aecluster.training import Loop, Outlook, Task, fit

CONFIDENT = 0.95  # probability from which a judgement of the network's own is learned, as in FixMatch


def study(
    images: HostImages,
    memberships: Float[np.ndarray, "image cluster"],
    sure: Bool[np.ndarray, " image"],
    corruption: AbstractCorruption,
    settings: SelfTraining,
    seed: int,
) -> Classifier:
    """Learn the clusters of the images that are sure, and of the others what the network itself is confident of.

    That is the last stage of SPICE (Niu, Shan and Wang 2022, arXiv:2103.09382, section 3.3), where clusters of images whose
    neighbours agree are the labels of FixMatch (Sohn et al. 2020, arXiv:2001.07685, equations 3 and 4): what the network says
    of an image as it is, if it gives 0.95 to one cluster, is the target for what it says of the deformed image. Differences:
    one batch holds both kinds, as they come; the sure images are deformed too; targets are smoothed as in `learn`. The network
    begins afresh, so that it does not inherit what the encoder took for alike.
    """
    num_clusters, clusters = memberships.shape[1], memberships.argmax(1).astype(np.int32)
    structure, params = nnx.split(fresh_student(images.shape[1:], num_clusters, seed))

    def loss(params: Params, rival: None, batch: tuple, key: Key[Array, ""], epoch: Scalar) -> tuple[Scalar, Outlook]:
        del rival, epoch
        images, given, sure = batch
        network = nnx.merge(structure, params)
        own = jax.lax.stop_gradient(jax.nn.softmax(network(images)))
        target = jax.nn.one_hot(jnp.where(sure, given, own.argmax(1)), num_clusters)
        weight = jnp.where(sure, 1.0, own.max(1) > CONFIDENT)
        said = network(corruption(key, images))
        missed = optax.softmax_cross_entropy(said, optax.smooth_labels(target, settings.smoothing))
        return (weight * missed).mean(), Outlook((own.argmax(1) != given).mean())

    orders = functools.partial(keys_of, settings.epochs)
    task = Task(
        lambda _: params, loss, orders, settings.transformation, settings.epochs, min(settings.batch_size, len(images))
    )
    state = fit(Loop(task, (images, clusters, sure)), (seed,))
    return Classifier(structure, take(state.params, 0))


def agreed(clusters: Integer[np.ndarray, " image"], neighbours: Neighbours) -> Bool[np.ndarray, " image"]:
    """Which images are in one cluster with all of their neighbours."""
    return (clusters[neighbours] == clusters[:, None]).all(1)


def fresh_student(image_shape: ImageShape, num_clusters: int, seed: int) -> ConvolutionalEncoder:
    """The encoder of a convolutional autoencoder, its latents the logits of the clusters."""
    shape = Convolutional(num_clusters)
    return ConvolutionalEncoder(
        image_shape, shape.channels, shape.width, num_clusters, jnp.float32, nnx.Rngs(params=seed)
    )
