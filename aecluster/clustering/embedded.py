"""Deep embedded clustering as it was published: an encoder and cluster centres that pull at each other, DEC and IDEC."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Integer
from sklearn.cluster import KMeans

from aecluster.arguments import a_seed, real, settle, whole
from aecluster.clustering.watched import watched
from aecluster.ensemble import Ensemble
from aecluster.images import HostImages, Images, Latents, Scalar, check_images, chunks, joined
from aecluster.losses import L2
from aecluster.models import Dense, Params, structure
from aecluster.recipes import Recipe, constant
from aecluster.training import train

WIDTHS, LATENT_SIZE = (500, 500, 2000), 10  # of the network of both papers
STARTS = 20  # of the k-means that places the centres, as in DEC
BATCH = 256
LEAST_INTERVAL = 30  # steps between two looks at all images, as IDEC has it on USPS


@dataclasses.dataclass(frozen=True)
class EmbeddedClustering:
    """An autoencoder's encoder, trained on so that its latents gather around centres.

    Latents belong to a centre by Student's t with one degree of freedom; the target sharpens these memberships q to
    p = (q² / Σ q over the images) / its sum over the centres, over all images and not over a batch; the loss is KL(p || q).
    That is DEC (Xie, Girshick and Farhadi 2016, arXiv:1511.06335, equations 1 to 3). With `reconstruction` the decoder
    stays, and the loss is the squared error of the reconstruction + 0.1 KL: IDEC (Guo, Gao, Liu and Yin 2017,
    doi:10.24963/ijcai.2017/243, equation 9). The target is renewed twice in a pass over the images, but not before 30 steps:
    136 steps on MNIST, where IDEC has 140. It ends when not more than `tolerance` of the images change their cluster
    from one renewal to the next.

    The centres begin at the best of 20 k-means on the latents of a pretrained autoencoder of 500-500-2000-10. Where this
    differs from the papers: pretraining is one training of the whole autoencoder on squared error instead of one
    layer by layer, its length is a setting, pixels are in [0, 1], and the output has a sigmoid.

    **Attributes**

    - `reconstruction`: keep the decoder, that is IDEC; DEC otherwise.
    - `pretraining`: epochs of pretraining; few images are seen more often, see `Recipe.for_images`.
    - `learning_rate`: of gradient descent with momentum 0.9 for DEC, of Adam for IDEC; 0.01 and 0.001 where it is None.
    - `tolerance`: share of the images below which a change is none.
    - `max_steps`: steps after pretraining, at most.

    Raises ValueError for numbers that make no sense.
    """

    reconstruction: bool = False
    pretraining: int = 30
    learning_rate: float | None = None
    tolerance: float = 1e-3
    max_steps: int = 20_000

    def __post_init__(self) -> None:
        settle(self, pretraining=whole(1), max_steps=whole(1), tolerance=real(at_least=0, at_most=1))

    def fit_predict(self, images: HostImages, num_clusters: int, seed: int) -> Integer[np.ndarray, " image"]:
        """Clusters of the images. Raises ValueError for what are no images, and for fewer of them than clusters."""
        ensemble = pretrained(images, self.pretraining, seed)
        return self.gather(ensemble, images, num_clusters, seed)

    def gather(
        self, ensemble: Ensemble, images: HostImages, num_clusters: int, seed: int
    ) -> Integer[np.ndarray, " image"]:
        """The same from an autoencoder that is pretrained already; its first member is taken."""
        num_clusters, seed = whole(1, len(images))("num_clusters", num_clusters), a_seed("seed", seed)
        batch_size = min(BATCH, len(images))
        interval = max(LEAST_INTERVAL, len(images) // batch_size // 2)
        places = KMeans(num_clusters, n_init=STARTS, random_state=seed).fit(ensemble.encode(images)[0])
        network = Gathering.of(ensemble, self.reconstruction, self._transformation())
        state = network.begin(jax.tree.map(lambda leaf: leaf[0], ensemble.params), places.cluster_centers_)
        before = memberships = network.memberships(state, images)
        for done, rows in zip(
            range(0, self.max_steps, interval), _rows(len(images), batch_size, interval, seed), strict=False
        ):
            if done and np.mean(memberships.argmax(1) != before.argmax(1)) <= self.tolerance:
                break
            state = network.steps(state, jnp.asarray(images), jnp.asarray(sharpened(memberships)), rows)
            before, memberships = memberships, network.memberships(state, images)
        return memberships.argmax(1)

    def _transformation(self) -> optax.GradientTransformation:
        if self.reconstruction:
            return optax.adam(self.learning_rate or 1e-3)
        return optax.sgd(self.learning_rate or 1e-2, momentum=0.9)


def pretrained(images: HostImages, epochs: int, seed: int) -> Ensemble:
    """An autoencoder 500-500-2000-10 that reconstructs the images: the network of DEC, IDEC and N2D, by Adam on squared error."""
    check_images("images", images)
    recipe = Recipe(
        epochs, BATCH, optax.adam, 1e-3, constant, L2(), small_steps=100 * epochs, name="reconstruction"
    ).for_images(len(images))
    return train(Dense(LATENT_SIZE, WIDTHS), watched(images), recipe, seeds=(seed,))


class Gathered(NamedTuple):
    """What a step changes."""

    params: Params
    centres: Float[Array, "cluster latent"]
    optimizer: optax.OptState


def similarities(latents: Latents, centres: Float[Array, "cluster latent"]) -> Float[Array, "image cluster"]:
    """Memberships by Student's t with one degree of freedom: equation 1 of DEC."""
    kernel = 1 / (1 + ((latents[:, None] - centres) ** 2).sum(-1))
    return kernel / kernel.sum(1, keepdims=True)


def sharpened(memberships: Float[np.ndarray, "image cluster"]) -> Float[np.ndarray, "image cluster"]:
    """The target: memberships squared, over the clusters' sizes, normalised; equation 3 of DEC."""
    weight = memberships**2 / memberships.sum(0)
    return weight / weight.sum(1, keepdims=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Gathering:
    """The compiled steps of one clustering."""

    graphdef: nnx.GraphDef
    weight: float | None
    """Of the clustering beside the reconstruction; None where nothing is reconstructed."""
    transformation: optax.GradientTransformation

    @classmethod
    def of(cls, ensemble: Ensemble, reconstruction: bool, transformation: optax.GradientTransformation) -> "Gathering":
        """For the network of an ensemble."""
        graphdef = structure(ensemble.architecture, ensemble.image_shape)
        return cls(graphdef, 0.1 if reconstruction else None, transformation)

    def begin(self, params: Params, centres: Float[np.ndarray, "cluster latent"]) -> Gathered:
        """The state before the first step."""
        places = jnp.asarray(centres, jnp.float32)
        return Gathered(params, places, self.transformation.init((params, places)))

    def memberships(self, state: Gathered, images: HostImages) -> Float[np.ndarray, "image cluster"]:
        """Of all images, a chunk at a time."""
        return joined(self._belong(state, part) for _, (part,) in chunks(images))

    @functools.partial(jax.jit, static_argnums=0)
    def _belong(self, state: Gathered, images: Images) -> Float[Array, "image cluster"]:
        return similarities(nnx.merge(self.graphdef, state.params).encoder(images), state.centres)

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def steps(
        self, state: Gathered, images: Images, target: Float[Array, "image cluster"], rows: Int[Array, "step example"]
    ) -> Gathered:
        """A step for every row of indices, towards a target that stays."""

        def step(state: Gathered, chosen: Int[Array, " example"]) -> tuple[Gathered, None]:
            learned = (state.params, state.centres)
            gradient = jax.grad(self._loss)(learned, images[chosen], target[chosen])
            updates, optimizer = self.transformation.update(gradient, state.optimizer, learned)
            params, centres = optax.apply_updates(learned, updates)
            return Gathered(params, centres, optimizer), None

        return jax.lax.scan(step, state, rows)[0]

    def _loss(self, learned: tuple[Params, Array], images: Images, target: Float[Array, "image cluster"]) -> Scalar:
        params, centres = learned
        network = nnx.merge(self.graphdef, params)
        latents = network.encoder(images)
        divergence = (target * (jnp.log(target) - jnp.log(similarities(latents, centres)))).sum(1).mean()
        if self.weight is None:
            return divergence
        rebuilt = jax.nn.sigmoid(network.decoder(latents))
        return ((rebuilt - images) ** 2).mean() + self.weight * divergence


def _rows(num_images: int, batch_size: int, interval: int, seed: int) -> Iterator[Int[Array, "step example"]]:
    """Rows of the next steps, for ever: pass after pass over the images, each in an order of its own."""
    draw, left = np.random.default_rng(seed), np.zeros(0, int)
    while True:
        while len(left) < interval * batch_size:
            left = np.concatenate([left, draw.permutation(num_images)])
        taken, left = np.split(left, [interval * batch_size])
        yield jnp.asarray(taken.reshape(interval, batch_size))
