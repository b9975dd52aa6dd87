"""What an architecture is: the shape of a network, apart from its numbers."""

import abc
import functools
import math
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, DTypeLike, Key

from aecluster.arguments import a_shape, some
from aecluster.images import ImageShape

Params: TypeAlias = Any  # the arrays of a module, as nnx.split separates them from its structure


class AbstractArchitecture(abc.ABC):
    """The shape of a network, for images of any size: what is saved beside its numbers."""

    @abc.abstractmethod
    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> nnx.Module:
        """A fresh module; `dtype` is what it computes in, its parameters are float32."""


class AbstractAutoencoder(AbstractArchitecture):
    """The shape of an `Autoencoder`, with `latent_size` numbers in the middle."""

    latent_size: int


def check_architecture(architecture: AbstractArchitecture, image_shape: ImageShape) -> None:
    """Refuse what cannot be built for images of this shape.

    Raises ValueError for what is no architecture, and for an autoencoder that keeps more numbers than the image has.
    """
    some(AbstractArchitecture, "ae.Dense(16)")("architecture", architecture)
    pixels = math.prod(a_shape("image_shape", image_shape))
    if isinstance(architecture, AbstractAutoencoder) and not 1 <= architecture.latent_size <= pixels:
        raise ValueError(
            f"`latent_size` must lie between 1 and the image's {pixels} numbers, got {architecture.latent_size}; choose another."
        )


@functools.partial(jax.jit, static_argnums=(0, 1))
def fresh(architecture: AbstractArchitecture, image_shape: ImageShape, key: Key[Array, ""]) -> Params:
    """The first parameters by a key, in one program: layer by layer there are tens of small ones to compile."""
    return nnx.state(architecture.build(image_shape, nnx.Rngs(params=key)), nnx.Param)


def initialize(architecture: AbstractArchitecture, image_shape: ImageShape, keys: Key[Array, " seed"]) -> Params:
    """One set of parameters a key, stacked along a leading axis."""
    return jax.vmap(functools.partial(fresh, architecture, image_shape))(keys)


def take(tree: Any, index: int) -> Any:
    """One member of an ensemble's arrays."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def structure(
    architecture: AbstractArchitecture, image_shape: ImageShape, dtype: DTypeLike = jnp.float32
) -> nnx.GraphDef:
    """The module without its numbers; no array is made."""
    module = nnx.eval_shape(lambda: architecture.build(image_shape, nnx.Rngs(params=0), dtype))
    return nnx.split(module)[0]


def count_parameters(params: Params) -> int:
    """Numbers in one set of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
