"""Noise in the slope that an optimizer sees."""

import abc
from collections.abc import Callable

import jax
from jaxtyping import Array, Float, Key

from hillopt.names import check_function
from hillopt.pytrees import NONNEGATIVE, AbstractPytree, Number, hyperparameter, static

Sampler = Callable[[Array, Array], Array]
"""(key, slope of one walk) -> what is added to it"""


class AbstractNoise(AbstractPytree):
    """What is added to the slope at every step, drawn with a key of its own."""

    @abc.abstractmethod
    def __call__(self, key: Key[Array, ""], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        """A sample of the shape and dtype of the slope of one walk."""


class GaussianNoise(AbstractNoise):
    """Independent normal numbers of this standard deviation, added to every component of the slope."""

    scale: Number = hyperparameter(NONNEGATIVE)

    def __call__(self, key: Key[Array, ""], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.scale * jax.random.normal(key, slope.shape, slope.dtype)


class SampledNoise(AbstractNoise):
    """A function `sampler(key, slope)` as noise without numbers of its own."""

    sampler: Sampler = static()

    def __call__(self, key: Key[Array, ""], slope: Float[Array, "..."]) -> Array:
        return self.sampler(key, slope)


def as_noise(noise: object) -> AbstractNoise:
    """The noise, or a function as one; ValueError for what is neither."""
    if isinstance(noise, AbstractNoise):
        return noise
    if isinstance(noise, type) or not callable(noise):
        raise ValueError(f"`noise` must be callable as noise(key, slope), got {noise!r}; take GaussianNoise(scale).")
    check_function(noise, "noise", ("key", "slope"))
    return SampledNoise(noise)
