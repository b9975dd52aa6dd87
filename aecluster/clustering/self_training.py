"""A classifier that learns a clustering from deformed images, and corrects it where it went by looks."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.arguments import real, settle, whole
from aecluster.corruptions import AbstractCorruption
from aecluster.images import HostImages, Images, Scalar, chunks, joined
from aecluster.models import DenseEncoder, Params, take
from aecluster.muon import muon
from aecluster.names import shown
from aecluster.training import Keys, Loop, Outlook, Task, fit

LEAST_STEPS = 50  # in an epoch; few images are taken in smaller batches


@dataclasses.dataclass(frozen=True)
class SelfTraining:
    """How to learn a clustering.

    **Attributes**

    - `epochs`: passes over the images.
    - `learning_rate`: the highest of Muon; it decays to 0 along a cosine.
    - `batch_size`: images a step, at most.
    - `smoothing`: share of a clustering that is spread evenly over all clusters.

    Raises ValueError for numbers that make no sense.
    """

    epochs: int = 12
    learning_rate: float = 2e-2
    batch_size: int = 256
    smoothing: float = 0.05

    def __post_init__(self) -> None:
        settle(self, epochs=whole(1), learning_rate=real(above=0), batch_size=whole(1))
        settle(self, smoothing=real(at_least=0, at_most=1))

    def transformation(self, num_steps: int) -> optax.GradientTransformation:
        """Of so many steps: Muon under a cosine schedule, as in the cured recipe."""
        return muon(optax.cosine_decay_schedule(self.learning_rate, num_steps))


@dataclasses.dataclass(frozen=True, eq=False)
class Classifier:
    """A network from images to the logits of clusters."""

    structure: nnx.GraphDef
    params: Params

    __repr__ = shown

    def memberships(self, images: HostImages) -> Float[np.ndarray, "image cluster"]:
        """Probability of every cluster for every image."""
        return joined(_answer(self.structure, self.params, part) for _, (part,) in chunks(images))


def learn(
    images: HostImages,
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
    structure, params = nnx.split(fresh_classifier(encoder, num_clusters, seed))

    def loss(
        params: Params,
        rival: None,
        batch: tuple[Images, Float[Array, "image cluster"]],
        key: Key[Array, ""],
        epoch: Scalar,
    ) -> tuple[Scalar, Outlook]:
        del rival, epoch
        images, target = batch
        logits = nnx.merge(structure, params)(corruption(key, images))
        wrong = (logits.argmax(1) != target.argmax(1)).mean()
        return optax.softmax_cross_entropy(logits, target).mean(), Outlook(wrong)

    target = np.asarray(memberships * (1 - settings.smoothing) + settings.smoothing / num_clusters, np.float32)
    keys = functools.partial(keys_of, settings.epochs)
    task = Task(lambda _: params, loss, keys, settings.transformation, settings.epochs, batch_size)
    state = fit(Loop(task, (images, target)), (seed,))
    return Classifier(structure, take(state.params, 0))


def keys_of(num_epochs: int, seed: int, epoch_index: int, num_steps: int) -> Keys:
    """The randomness of an epoch."""
    order, deforming = jax.random.split(jax.random.split(jax.random.key(seed), num_epochs)[epoch_index])
    return Keys(order, jax.vmap(lambda i: jax.random.fold_in(deforming, i))(jnp.arange(num_steps)))


def fresh_classifier(encoder: DenseEncoder, num_clusters: int, seed: int) -> DenseEncoder:
    """A network of so many outputs, its hidden layers the encoder's."""
    layers = encoder.stack.layers
    fresh = DenseEncoder((*(layer.in_features for layer in layers), num_clusters), jnp.float32, nnx.Rngs(params=seed))
    for layer, trained in zip(fresh.stack.layers[:-1], layers[:-1], strict=True):
        nnx.update(layer, nnx.state(trained))
    return fresh


@functools.partial(jax.jit, static_argnums=0)
def _answer(structure: nnx.GraphDef, params: Params, images: Images) -> Float[Array, "image cluster"]:
    return jax.nn.softmax(nnx.merge(structure, params)(images))
