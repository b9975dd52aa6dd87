"""Variational autoencoders: the code of an image is a Gaussian, and what it tells of the image is paid for in nats."""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Key

from aecluster.arguments import maybe, real, settle, whole, wholes
from aecluster.images import Images, ImageShape, Latents, PerImage
from aecluster.models.autoencoders import Autoencoder, Dense, DenseDecoder
from aecluster.models.contract import AbstractAutoencoder, check_architecture
from aecluster.models.layers import DenseStack


class Gaussian(NamedTuple):
    """A Gaussian over codes for every image, without correlations: q(z | x)."""

    mean: Latents
    log_variance: Latents

    def sample(self, key: Key[Array, ""]) -> Latents:
        """One code an image: mean + deviation * noise, through which gradients come (Kingma and Welling 2014, section 2.4)."""
        return self.mean + jnp.exp(self.log_variance / 2) * jax.random.normal(key, self.mean.shape, self.mean.dtype)

    def log_density(self, codes: Latents) -> PerImage:
        """log q(z | x)."""
        squares = jnp.square(codes - self.mean) * jnp.exp(-self.log_variance)
        return -(squares + self.log_variance + math.log(2 * math.pi)).sum(1) / 2

    def divergence(self) -> PerImage:
        """Kullback and Leibler's from the standard normal, in nats (Kingma and Welling 2014, appendix B)."""
        return (jnp.square(self.mean) + jnp.exp(self.log_variance) - 1 - self.log_variance).sum(1) / 2


class GaussianEncoder(nnx.Module):
    """Flattened pixels through dense layers to a Gaussian over codes; called, it gives the mean."""

    def __init__(self, widths: tuple[int, ...], dtype: DTypeLike, rngs: nnx.Rngs):
        self.stack = DenseStack((*widths[:-1], 2 * widths[-1]), dtype, rngs)

    def posterior(self, images: Images) -> Gaussian:
        """q(z | x) of every image."""
        return Gaussian(*jnp.split(self.stack(images.reshape(len(images), -1)), 2, axis=1))

    def __call__(self, images: Images) -> Latents:
        return self.posterior(images).mean


@dataclasses.dataclass(frozen=True)
class Variational(AbstractAutoencoder):
    """A dense variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114), whose prior is the standard normal.

    Training draws the code from its Gaussian and minimises, in nats an image, the recipe's loss summed over the pixels plus
    `beta` times the divergence from the prior. With cross-entropy and a beta of 1 that is the negative evidence lower bound
    (equation 10 there) of pixels that are 1 with the probability of their grey value. `encode` gives the means, and
    `reconstruct` what they decode to.

    **Attributes**

    - `latent_size`: numbers of a code.
    - `widths`: the encoder's hidden layers, and backwards the decoder's; by default those of `Dense`.
    - `beta`: above 1 the code tells less, and its numbers depend less on each other (Higgins et al. 2017).
    """

    latent_size: int
    widths: tuple[int, ...] | None = None
    beta: float = 1.0

    def __post_init__(self) -> None:
        settle(self, latent_size=whole(1), widths=maybe(wholes(1)), beta=real(at_least=0))

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> Autoencoder:
        check_architecture(self, image_shape)
        widths = (math.prod(image_shape), *Dense(self.latent_size, self.widths).hidden(), self.latent_size)
        return Autoencoder(GaussianEncoder(widths, dtype, rngs), DenseDecoder(widths[::-1], image_shape, dtype, rngs))
