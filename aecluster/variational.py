"""What a variational autoencoder says of images as a model of them: their evidence, and images of its own."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key

from aecluster.arguments import a_seed, some, whole
from aecluster.ensemble import Ensemble
from aecluster.images import HostImages, Images, Latents, PerImage, chunks, joined
from aecluster.models import Gaussian, Params, Variational, structure, take


class Evidence(NamedTuple):
    """Two lower bounds of the logarithm of an image's probability, in nats.

    **Attributes**

    - `elbo`: the evidence lower bound (Kingma and Welling 2014, arXiv:1312.6114, equation 2).
    - `importance_weighted`: a higher one from the same samples, the closer the more of them (Burda, Grosse and
      Salakhutdinov 2016, arXiv:1509.00519, equation 8).
    """

    elbo: Float[Array, "*seed image"] | Float[np.ndarray, "*seed image"]
    importance_weighted: Float[Array, "*seed image"] | Float[np.ndarray, "*seed image"]


def bounds(
    key: Key[Array, ""], posterior: Gaussian, log_joint: Callable[[Latents], PerImage], num_samples: int
) -> Evidence:
    """Both bounds of a model whose log p(x, z) is `log_joint` of codes, by so many codes an image drawn from q(z | x)."""

    def log_weight(key: Key[Array, ""]) -> PerImage:
        codes = posterior.sample(key)
        return log_joint(codes) - posterior.log_density(codes)

    weights = jax.lax.map(log_weight, jax.random.split(key, num_samples))
    return Evidence(weights.mean(0), jax.nn.logsumexp(weights, axis=0) - math.log(num_samples))


def evidence(ensemble: Ensemble, images: HostImages, *, num_samples: int = 50, seed: int = 0) -> Evidence:
    """Both bounds of every image by every member, of shape (seed, image); pixels count as in cross-entropy, beta as 1.

    Raises ValueError for networks that are not variational, and for what are no images as those trained on.
    """
    architecture = _variational(ensemble)
    ensemble.check(images)
    num_samples, key = whole(1)("num_samples", num_samples), jax.random.key(a_seed("seed", seed))
    graphdef = structure(architecture, ensemble.image_shape)
    members = [take(ensemble.params, index) for index in range(len(ensemble))]
    rows = [
        joined(
            _evidence(graphdef, num_samples, params, part, jax.random.fold_in(key, start))
            for start, (part,) in chunks(images)
        )
        for params in members
    ]
    return Evidence(*(np.stack(row) for row in zip(*rows, strict=True)))


def sample_prior(
    ensemble: Ensemble, num_images: int, *, seed: int = 0
) -> Float[np.ndarray, "seed image height width channel"]:
    """Images of every member's own making: what it decodes from codes of the standard normal, the same ones for all.

    Raises ValueError for networks that are not variational.
    """
    _variational(ensemble)
    shape = whole(1)("num_images", num_images), ensemble.latent_size
    codes = jax.random.normal(jax.random.key(a_seed("seed", seed)), shape)
    return ensemble.decode(np.broadcast_to(np.asarray(codes), (len(ensemble), *shape)))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _evidence(
    graphdef: nnx.GraphDef, num_samples: int, params: Params, images: Images, key: Key[Array, ""]
) -> Evidence:
    network = nnx.merge(graphdef, params)
    prior = Gaussian(*jnp.zeros((2, len(images), network.encoder.posterior(images).mean.shape[1])))

    def log_joint(codes: Latents) -> PerImage:
        told = optax.sigmoid_binary_cross_entropy(network.decoder(codes), images).sum((1, 2, 3))
        return prior.log_density(codes) - told

    return bounds(key, network.encoder.posterior(images), log_joint, num_samples)


def _variational(ensemble: Ensemble) -> Variational:
    architecture = some(Ensemble, "ae.train(architecture, data)")("ensemble", ensemble).architecture
    if not isinstance(architecture, Variational):
        raise ValueError(f"`ensemble` must be variational, got {architecture}; train an `ae.Variational(16)`.")
    return architecture
