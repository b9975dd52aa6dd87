"""Autoencoders, whose halves can be used apart: dense ones, as the original study's, and convolutional ones."""

import dataclasses
import math

import jax.numpy as jnp
from flax import nnx
from jaxtyping import DTypeLike

from aecluster.arguments import maybe, settle, whole, wholes
from aecluster.images import Images, ImageShape, Latents
from aecluster.models.contract import AbstractAutoencoder, check_architecture
from aecluster.models.layers import DenseStack, glorot_uniform, quartered, spread


class DenseEncoder(nnx.Module):
    """Flattened pixels through dense layers to a linear bottleneck."""

    def __init__(self, widths: tuple[int, ...], dtype: DTypeLike, rngs: nnx.Rngs):
        self.stack = DenseStack(widths, dtype, rngs)

    def __call__(self, images: Images) -> Latents:
        return self.stack(images.reshape(len(images), -1))


class DenseDecoder(nnx.Module):
    """Latents through dense layers to the logits of the pixels."""

    def __init__(self, widths: tuple[int, ...], image_shape: ImageShape, dtype: DTypeLike, rngs: nnx.Rngs):
        self.image_shape = image_shape
        self.stack = DenseStack(widths, dtype, rngs)

    def __call__(self, latents: Latents) -> Images:
        return self.stack(latents).reshape(len(latents), *self.image_shape)


class ConvolutionalEncoder(nnx.Module):
    """Two strided convolutions, which quarter the side, then dense layers to a linear bottleneck."""

    def __init__(
        self,
        image_shape: ImageShape,
        channels: tuple[int, int],
        width: int,
        latent_size: int,
        dtype: DTypeLike,
        rngs: nnx.Rngs,
    ):
        before, inner = image_shape[2], quartered(image_shape)
        first, second = channels
        self.convolutions = nnx.List(
            [
                nnx.Conv(before, first, (3, 3), strides=2, kernel_init=glorot_uniform, dtype=dtype, rngs=rngs),
                nnx.Conv(first, second, (3, 3), strides=2, kernel_init=glorot_uniform, dtype=dtype, rngs=rngs),
            ]
        )
        self.stack = DenseStack((math.prod(inner) * second, width, latent_size), dtype, rngs)

    def __call__(self, images: Images) -> Latents:
        x = images
        for convolution in self.convolutions:
            x = nnx.relu(convolution(x))
        return self.stack(x.reshape(len(images), -1))


class ConvolutionalDecoder(nnx.Module):
    """Dense layers to a coarse map, then convolutions that each double its side by spreading channels over 2 x 2 pixels."""

    def __init__(
        self,
        image_shape: ImageShape,
        channels: tuple[int, int],
        width: int,
        latent_size: int,
        dtype: DTypeLike,
        rngs: nnx.Rngs,
    ):
        self.image_shape, self.inner = image_shape, quartered(image_shape)
        first, second = channels
        self.second = second
        self.stack = DenseStack((latent_size, width, math.prod(self.inner) * second), dtype, rngs)
        self.convolutions = nnx.List(
            [
                nnx.Conv(second, 4 * first, (3, 3), kernel_init=glorot_uniform, dtype=dtype, rngs=rngs),
                nnx.Conv(first, 4 * image_shape[2], (3, 3), kernel_init=glorot_uniform, dtype=dtype, rngs=rngs),
            ]
        )

    def __call__(self, latents: Latents) -> Images:
        x = self.stack(latents).reshape(len(latents), *self.inner, self.second)
        for convolution in self.convolutions:
            x = spread(convolution(nnx.relu(x)))
        return x[:, : self.image_shape[0], : self.image_shape[1]].astype(jnp.float32)


class Autoencoder(nnx.Module):
    """An encoder and a decoder; calling it gives the logits of the reconstruction."""

    def __init__(self, encoder: nnx.Module, decoder: nnx.Module):
        self.encoder, self.decoder = encoder, decoder

    def __call__(self, images: Images) -> Images:
        return self.decoder(self.encoder(images))


@dataclasses.dataclass(frozen=True)
class Dense(AbstractAutoencoder):
    """The original study's networks: dense layers, relu, a linear bottleneck, and the same widths back.

    `widths` are the encoder's hidden layers. By default they are the original's: 256 and 16 for latent sizes up to 8, 256
    and 128 up to 64, one layer of 512 above.

    Examples:
        >>> ae.Dense(2).hidden(), ae.Dense(256).hidden()
        ((256, 16), (512,))
    """

    latent_size: int
    widths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        settle(self, latent_size=whole(1), widths=maybe(wholes(1)))

    def hidden(self) -> tuple[int, ...]:
        """The encoder's hidden widths."""
        if self.widths is not None:
            return self.widths
        if self.latent_size <= 8:
            return (256, 16)
        return (256, 128) if self.latent_size <= 64 else (512,)

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> Autoencoder:
        check_architecture(self, image_shape)
        widths = (math.prod(image_shape), *self.hidden(), self.latent_size)
        return Autoencoder(DenseEncoder(widths, dtype, rngs), DenseDecoder(widths[::-1], image_shape, dtype, rngs))


@dataclasses.dataclass(frozen=True)
class Convolutional(AbstractAutoencoder):
    """Strided convolutions down to a quarter of the side, a dense bottleneck, sub-pixel convolutions back.

    `channels` are those at half and at a quarter of the side, `width` is the dense layer between them and the latents.
    """

    latent_size: int
    channels: tuple[int, int] = (16, 64)
    width: int = 256

    def __post_init__(self) -> None:
        settle(self, latent_size=whole(1), channels=wholes(1, length=2), width=whole(1))

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> Autoencoder:
        check_architecture(self, image_shape)
        shape = (self.channels, self.width, self.latent_size, dtype, rngs)
        return Autoencoder(ConvolutionalEncoder(image_shape, *shape), ConvolutionalDecoder(image_shape, *shape))
