"""A network that judges images: one number each."""

import dataclasses
import functools

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Float, Key

from aecluster.arguments import settle, whole, wholes
from aecluster.images import Images, ImageShape
from aecluster.models.contract import AbstractArchitecture, Params, check_architecture, structure
from aecluster.models.layers import DenseStack, glorot_uniform


class ConvolutionalCritic(nnx.Module):
    """Strided convolutions and two dense layers, from an image to the log-odds that it is clear."""

    def __init__(
        self, image_shape: ImageShape, channels: tuple[int, ...], width: int, dtype: DTypeLike, rngs: nnx.Rngs
    ):
        height, wide, before = image_shape
        convolutions = []
        for after in channels:
            convolutions.append(
                nnx.Conv(before, after, (5, 5), strides=2, kernel_init=glorot_uniform, dtype=dtype, rngs=rngs)
            )
            height, wide, before = -(-height // 2), -(-wide // 2), after
        self.convolutions = nnx.List(convolutions)
        self.stack = DenseStack((height * wide * before, width, 1), dtype, rngs)

    def __call__(self, images: Images) -> Float[Array, " image"]:
        x = images
        for convolution in self.convolutions:
            x = nnx.leaky_relu(convolution(x), 0.2)
        return self.stack(x.reshape(len(images), -1))[:, 0]


@dataclasses.dataclass(frozen=True)
class Critic(AbstractArchitecture):
    """A small judge of images: one strided convolution for each of the `channels`, then a dense layer of this width."""

    channels: tuple[int, ...] = (16, 32)
    width: int = 64

    def __post_init__(self) -> None:
        settle(self, channels=wholes(1), width=whole(1))

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> ConvolutionalCritic:
        check_architecture(self, image_shape)
        return ConvolutionalCritic(image_shape, self.channels, self.width, dtype, rngs)


CRITIC = Critic()


def critic_params(key: Key[Array, ""], image_shape: ImageShape) -> Params:
    """Fresh parameters of a critic."""
    return nnx.state(CRITIC.build(image_shape, nnx.Rngs(params=key)), nnx.Param)


def log_odds(params: Params, images: Images) -> Float[Array, " image"]:
    """Log-odds of every image to be clear, by a critic with these parameters."""
    height, width, channels = images.shape[1:]
    return nnx.merge(_structure((height, width, channels)), params)(images)


@functools.cache
def _structure(image_shape: ImageShape) -> nnx.GraphDef:
    return structure(CRITIC, image_shape)
