"""What networks are put together from: how weights begin, dense layers, and pixels that change places with channels."""

import itertools
import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Float, Key

from aecluster.images import ImageShape


def glorot_uniform(key: Key[Array, ""], shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Float[Array, "..."]:
    """Glorot and Bengio 2010, equation 16: evenly between +-sqrt(6 / (inputs + outputs) of one unit).

    Drawn flat and then shaped, since XLA takes seconds to compile draws of four dimensions.
    """
    field = math.prod(shape[:-2])
    limit = math.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return jax.random.uniform(key, (math.prod(shape),), dtype, -limit, limit).reshape(shape)


class DenseStack(nnx.Module):
    """Dense layers with relu between them and nothing after the last."""

    def __init__(self, widths: tuple[int, ...], dtype: DTypeLike, rngs: nnx.Rngs):
        pairs = itertools.pairwise(widths)
        self.layers = nnx.List([nnx.Linear(a, b, kernel_init=glorot_uniform, dtype=dtype, rngs=rngs) for a, b in pairs])

    def __call__(self, x: Float[Array, "image before"]) -> Float[Array, "image after"]:
        for layer in self.layers[:-1]:
            x = nnx.relu(layer(x))
        return self.layers[-1](x).astype(jnp.float32)


def quartered(image_shape: ImageShape) -> tuple[int, int]:
    """Height and width after two halvings, rounded up."""
    return -(-image_shape[0] // 4), -(-image_shape[1] // 4)


def spread(x: Float[Array, "image height width four_channels"]) -> Float[Array, "image height2 width2 channel"]:
    """Each pixel's channels, in four groups, as 2 x 2 pixels (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158)."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height, width, 2, 2, channels // 4)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * height, 2 * width, channels // 4)


def gathered(x: Float[Array, "image height2 width2 channel"]) -> Float[Array, "image height width four_channels"]:
    """The inverse of `spread`: 2 x 2 pixels as the channels of one."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // 2, width // 2, 4 * channels)
