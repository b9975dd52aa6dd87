"""What networks make of images that they are not trained on."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from aecluster.corruptions import corrupted
from aecluster.images import HostImages, Images, Scalar, chunks
from aecluster.metrics import INK, dead_pixels, mean_absolute_error
from aecluster.models import AbstractArchitecture, Params, structure, take
from aecluster.recipes import Recipe
from aecluster.training.compiler import compiler_options


class Tested(NamedTuple):
    """What such images say of every network: the mean absolute error, and how many pixels are dead."""

    error: Float[np.ndarray, " seed"]
    dead_pixels: Int[np.ndarray, " seed"]


class Exam:
    """Images that are not trained on, degraded as the recipe has it, and what networks make of them."""

    def __init__(
        self, architecture: AbstractArchitecture, recipe: Recipe, images: HostImages, everywhere: jax.sharding.Sharding
    ):
        given, (height, width, channels) = corrupted(recipe.degradation, images), images.shape[1:]
        self.chunks = [jax.device_put(pair, everywhere) for _, pair in chunks(given, images)]
        self.inked = (images > INK).mean(0)
        graphdef = structure(architecture, (height, width, channels), jnp.dtype(recipe.precision))
        self.ask = jax.jit(functools.partial(_tested, graphdef), compiler_options=compiler_options())

    def __call__(self, params: Params) -> Tested:
        """Ask every member of an ensemble, one after another."""
        members = [self._one(take(params, index)) for index in range(len(jax.tree.leaves(params)[0]))]
        return Tested(*map(np.array, zip(*members, strict=True)))

    def _one(self, params: Params) -> tuple[float, int]:
        errors, brightest = zip(*(self.ask(params, *pair) for pair in self.chunks), strict=True)
        weights = [len(target) for _, target in self.chunks]
        dead = dead_pixels(np.max(brightest, 0), self.inked)
        return float(np.average([float(error) for error in errors], weights=weights)), int(dead.sum())


def _tested(
    graphdef: nnx.GraphDef, params: Params, given: Images, target: Images
) -> tuple[Scalar, Float[Array, "height width channel"]]:
    prediction = jax.nn.sigmoid(nnx.merge(graphdef, params)(given))
    return mean_absolute_error(prediction, target), prediction.max(0)
