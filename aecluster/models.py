"""Networks from images to the logits of images: autoencoders, whose halves can be used apart, and a restorer."""

import abc
import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Float, Key

from aecluster.names import hint

Params: TypeAlias = Any  # the arrays of a module, as nnx.split separates them from its structure
ImageShape: TypeAlias = tuple[int, int, int]  # height, width, channels
Images: TypeAlias = Float[Array, "image height width channel"]
Kind = TypeVar("Kind")
Latents: TypeAlias = Float[Array, "image latent"]

SLOPE = 8.0  # of a restorer's logits in the given pixels: untrained, it gives back about what it got


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
        before, inner = image_shape[2], _quartered(image_shape)
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
        self.image_shape, self.inner = image_shape, _quartered(image_shape)
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
            x = _spread(convolution(nnx.relu(x)))
        return x[:, : self.image_shape[0], : self.image_shape[1]].astype(jnp.float32)


def _quartered(image_shape: ImageShape) -> tuple[int, int]:
    """Height and width after two halvings, rounded up."""
    return -(-image_shape[0] // 4), -(-image_shape[1] // 4)


def _spread(x: Float[Array, "image height width four_channels"]) -> Float[Array, "image height2 width2 channel"]:
    """Each pixel's channels, in four groups, as 2 x 2 pixels (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158)."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height, width, 2, 2, channels // 4)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * height, 2 * width, channels // 4)


def _gathered(x: Float[Array, "image height2 width2 channel"]) -> Float[Array, "image height width four_channels"]:
    """The inverse of `_spread`: 2 x 2 pixels as the channels of one."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // 2, width // 2, 4 * channels)


class Autoencoder(nnx.Module):
    """An encoder and a decoder; calling it gives the logits of the reconstruction."""

    def __init__(self, encoder: nnx.Module, decoder: nnx.Module):
        self.encoder, self.decoder = encoder, decoder

    def __call__(self, images: Images) -> Images:
        return self.decoder(self.encoder(images))


class ConvolutionalRestorer(nnx.Module):
    """Convolutions at half the side, each with its input added to its output, and the image itself added at the end.

    Nothing is narrower than the image. The first convolution is wide: what undoes a blur reaches much farther than the blur.
    """

    def __init__(
        self, image_shape: ImageShape, channels: int, blocks: int, reach: int, dtype: DTypeLike, rngs: nnx.Rngs
    ):
        folded = 4 * image_shape[2]

        def convolution(before: int, after: int, side: int) -> nnx.Conv:
            return nnx.Conv(before, after, (side, side), kernel_init=glorot_uniform, dtype=dtype, rngs=rngs)

        self.first, self.last = convolution(folded, channels, reach), convolution(channels, folded, 3)
        self.blocks = nnx.List(
            [nnx.List([convolution(channels, channels, 3) for _ in range(2)]) for _ in range(blocks)]
        )

    def __call__(self, images: Images) -> Images:
        height, width = images.shape[1:3]
        x = self.first(_gathered(jnp.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")))
        for before, after in self.blocks:
            x = x + after(nnx.relu(before(nnx.relu(x))))
        change = _spread(self.last(nnx.relu(x)))[:, :height, :width]
        return (change + SLOPE * (images - 0.5)).astype(jnp.float32)


class AbstractArchitecture(abc.ABC):
    """The shape of a network, for images of any size: what is saved beside its numbers."""

    @abc.abstractmethod
    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> nnx.Module:
        """A fresh module; `dtype` is what it computes in, its parameters are float32."""


class AbstractAutoencoder(AbstractArchitecture):
    """The shape of an `Autoencoder`, with `latent_size` numbers in the middle."""

    latent_size: int


@dataclasses.dataclass(frozen=True)
class Dense(AbstractAutoencoder):
    """The original study's networks: dense layers, relu, a linear bottleneck, and the same widths back.

    `widths` are the encoder's hidden layers. By default they are the original's: 256 and 16 for latent sizes up to 8, 256
    and 128 up to 64, one layer of 512 above.
    """

    latent_size: int
    widths: tuple[int, ...] | None = None

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

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> Autoencoder:
        check_architecture(self, image_shape)
        shape = (self.channels, self.width, self.latent_size, dtype, rngs)
        return Autoencoder(ConvolutionalEncoder(image_shape, *shape), ConvolutionalDecoder(image_shape, *shape))


@dataclasses.dataclass(frozen=True)
class Restorer(AbstractArchitecture):
    """A fully convolutional residual network without a bottleneck, for images to be restored rather than summed up.

    It computes at half the side, 2 x 2 pixels in the channels of one (as Zhang et al. 2018, FFDNet, arXiv:1710.04026).

    Attributes:
        channels: of every layer.
        blocks: residual blocks of two 3 x 3 convolutions (pre-activation, He et al. 2016, arXiv:1603.05027, without
            normalisation).
        reach: side of the first convolution.
    """

    channels: int = 64
    blocks: int = 2
    reach: int = 9

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> ConvolutionalRestorer:
        check_architecture(self, image_shape)
        return ConvolutionalRestorer(image_shape, self.channels, self.blocks, self.reach, dtype, rngs)


AUTOENCODERS: dict[str, type[Dense] | type[Convolutional]] = {"dense": Dense, "convolutional": Convolutional}
ARCHITECTURES: dict[str, type[Dense] | type[Convolutional] | type[Restorer]] = {**AUTOENCODERS, "restorer": Restorer}


def architecture_named(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """One of `AUTOENCODERS` or `ARCHITECTURES`; ValueError with the near miss for a name that none has."""
    if name not in kinds:
        raise ValueError(f"No model is called {name!r}; {hint(name, list(kinds))}")
    return kinds[name]


def check_architecture(architecture: AbstractArchitecture, image_shape: ImageShape) -> None:
    """ValueError if a size is not positive, or an autoencoder keeps more numbers than the image has."""
    pixels = math.prod(image_shape)
    for field in dataclasses.fields(architecture):  # type: ignore[arg-type]
        value = getattr(architecture, field.name)
        if field.name == "latent_size" and not 1 <= value <= pixels:
            raise ValueError(f"`latent_size` must lie between 1 and the image's {pixels} numbers, got {value}.")
        for size in value if isinstance(value, tuple) else [value]:
            if size is not None and size < 1:
                raise ValueError(f"`{field.name}` must be positive, got {value}.")


def initialize(architecture: AbstractArchitecture, image_shape: ImageShape, keys: Key[Array, " seed"]) -> Params:
    """One set of parameters a key, stacked along a leading axis."""

    def one(key: Key[Array, ""]) -> Params:
        return nnx.state(architecture.build(image_shape, nnx.Rngs(params=key)), nnx.Param)

    return jax.vmap(one)(keys)


def structure(
    architecture: AbstractArchitecture, image_shape: ImageShape, dtype: DTypeLike = jnp.float32
) -> nnx.GraphDef:
    """The module without its numbers; no array is made."""
    module = nnx.eval_shape(lambda: architecture.build(image_shape, nnx.Rngs(params=0), dtype))
    return nnx.split(module)[0]


def count_parameters(params: Params) -> int:
    """Numbers in one set of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
