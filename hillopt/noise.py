"""Walks with noise in their gradients: who escapes, how likely, and when."""

import functools
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from hillopt.blocks import as_lanes, common_shape
from hillopt.landscapes import AbstractHill, check_height
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import register_pytree
from hillopt.rollout import check_steps

BLOCK = 4_096  # walks side by side
STEPS_BETWEEN_LOOKS = 16

Sampler = Callable[[Any, Any], Any]  # (key, slope of one walk) -> what is added to it


@register_pytree
@dataclass(frozen=True)
class GaussianNoise:
    """Independent normal numbers of this standard deviation, added to every component of the slope."""

    scale: Any

    def __call__(self, key: Key[Array, ""], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.scale * jax.random.normal(key, slope.shape, slope.dtype)


@register_pytree
@dataclass(frozen=True)
class _Sampled:
    """A user's function as noise without numbers of its own."""

    sampler: Sampler = field(metadata={"static": True})

    def __call__(self, key: Key[Array, ""], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.sampler(key, slope)


class Passages(NamedTuple):
    """Answer of `first_passages`: the broadcast shape of hill, optimizer and noise, then the walks."""

    step: Int[Array, "... walk"]
    """The first step at or beyond the crest; of walks that have not escaped, how far they were followed."""
    escaped: Bool[Array, "... walk"]
    """False: censored, by max_steps or by diverging."""
    highest: Float[Array, "... walk"]
    """The highest rise met."""


def first_passages(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    noise: Sampler,
    key: Key[Array, "..."],
    *,
    num_walks: int,
    max_steps: int,
) -> Passages:
    """Walk many times with noise in the gradients, until each walk escapes or max_steps is reached.

    One jitted call; 4,096 walks are in memory at once, and the answer needs 9 or 13 bytes a walk. Every walk has a key of its
    own, made from the given one and its number, so that it is the same walk however many others there are. On a shared
    flank, `hill.at(inf)` never ends a walk, and `highest` tells of every height at once.

    **Arguments**

    - `hill`, `optimizer`: numbers or arrays that broadcast, also against the noise's.
    - `noise`: `GaussianNoise(scale)`, or any `noise(key, slope)` that returns an array of the shape of the slope of one walk.
    - `key`: one for all settings, or one for each in their broadcast shape.

    Raises ValueError for a negative or infinite scale, a sampler that returns another shape, and what `escape` refuses.
    """
    optimizer.check()
    hill = check_height(hill)
    if isinstance(noise, GaussianNoise) and not isinstance(noise.scale, jax.core.Tracer):
        scale = np.asarray(noise.scale, float)
        if not (np.isfinite(scale) & (scale >= 0)).all():
            raise ValueError(f"`scale` must be finite and not negative, got {scale.min():g}; choose 0 for no noise.")
    elif not callable(noise):
        raise ValueError(f"`noise` must be callable as noise(key, slope), got {noise!r}; take GaussianNoise(scale).")
    if num_walks < 1:
        raise ValueError(f"`num_walks` must be at least 1, got {num_walks}.")
    wrapped = noise if isinstance(noise, GaussianNoise) else _Sampled(noise)
    steps = check_steps(max_steps, "max_steps")
    return _first_passages(hill, as_arrays(optimizer), wrapped, key, steps, num_walks=num_walks)


@functools.partial(jax.jit, static_argnames="num_walks")
def _first_passages(
    hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, key: Any, max_steps: Any, num_walks: int
) -> Passages:
    world = (hill, optimizer, noise)
    shape = jnp.broadcast_shapes(key.shape, common_shape(world))
    dtype = jnp.result_type(*jax.tree.leaves(optimizer))
    settings = as_lanes(world, shape, dtype)
    size = int(np.prod(shape))
    total = size * num_walks
    keys = (
        jnp.broadcast_to(key, shape).reshape(-1)
        if key.ndim
        else jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(size))
    )
    width = min(BLOCK, total)
    number = -(-total // width)

    def block(index: Array) -> Passages:
        walks = jnp.minimum(index * width + jnp.arange(width), total - 1)
        hill, optimizer, noise = jax.tree.map(lambda leaf: leaf[walks // num_walks], settings)
        walk_keys = jax.vmap(jax.random.fold_in)(keys[walks // num_walks], walks % num_walks)
        return _walk_block(hill, optimizer, noise, walk_keys, max_steps)

    answer = jax.lax.map(block, jnp.arange(number))
    return jax.tree.map(lambda leaf: leaf.reshape(-1)[:total].reshape(*shape, num_walks), answer)


class _Walks(NamedTuple):
    number: Array
    position: Array
    state: Any
    passage: Array
    highest: Array


def _walk_block(hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any, max_steps: Any) -> Passages:
    dtype = jnp.result_type(*jax.tree.leaves(optimizer))
    lanes = jax.tree.leaves(optimizer)[0].shape
    goal = jax.vmap(lambda hill: jnp.asarray(hill.goal(), dtype))(hill)
    position = jax.vmap(lambda hill: jnp.asarray(hill.start, dtype))(hill)
    state = jax.vmap(lambda optimizer, position: optimizer.init(position))(optimizer, position)
    rise_of = jax.vmap(lambda hill, position: hill.rise(position))
    nowhere = jnp.zeros(lanes, jnp.int32)
    walks = _Walks(jnp.zeros((), jnp.int32), position, state, nowhere, rise_of(hill, position))

    def take_step(_: Any, walks: _Walks) -> _Walks:
        going = (walks.passage == 0) & (walks.number < max_steps)
        move = jax.vmap(_move, in_axes=(0, 0, 0, 0, None, 0, 0))
        position, state = move(hill, optimizer, noise, keys, walks.number, walks.state, walks.position)
        rise, number = rise_of(hill, position), walks.number + 1
        return _Walks(
            number=number,
            position=position,
            state=state,
            passage=jnp.where(going & (rise >= goal), number, walks.passage),
            highest=jnp.where(going & (rise > walks.highest), rise, walks.highest),
        )

    def is_going(walks: _Walks) -> Array:
        return (walks.number < max_steps) & jnp.any(walks.passage == 0)

    walks = jax.lax.while_loop(
        is_going, lambda walks: jax.lax.fori_loop(0, STEPS_BETWEEN_LOOKS, take_step, walks), walks
    )
    escaped = walks.passage > 0
    return Passages(jnp.where(escaped, walks.passage, max_steps), escaped, walks.highest)


def _move(
    hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, key: Any, number: Array, state: Any, position: Array
) -> Any:
    slope = hill.slope(position)
    added = noise(jax.random.fold_in(key, number), slope)
    if jnp.shape(added) != slope.shape:
        raise ValueError(
            f"`noise` must return an array of the slope's shape {slope.shape}, got {jnp.shape(added)}; "
            "draw with shape=slope.shape."
        )
    return optimizer.facing(hill.value).step(slope + added, state, position)


class Estimate(NamedTuple):
    """A number with its interval of confidence."""

    value: Float[Array, "..."]
    low: Float[Array, "..."]
    high: Float[Array, "..."]


def escape_probability(passages: Passages, confidence: float = 0.95) -> Estimate:
    """Share of the walks that escaped within max_steps, with Wilson's interval (Wilson 1927)."""
    deviations, count = _deviations(confidence), passages.escaped.shape[-1]
    share = passages.escaped.mean(-1, dtype=passages.highest.dtype)
    middle = (share + deviations**2 / (2 * count)) / (1 + deviations**2 / count)
    spread = jnp.sqrt(share * (1 - share) / count + deviations**2 / (4 * count**2))
    half = deviations * spread / (1 + deviations**2 / count)
    return Estimate(share, jnp.maximum(middle - half, 0), jnp.minimum(middle + half, 1))


def passage_time(passages: Passages, confidence: float = 0.95) -> Estimate:
    """Mean number of steps to the first escape, censored walks taken for what they are.

    Where all walks escaped it is their mean. Where some did not, it is the mean of an exponential law, all steps walked over
    the number of escapes (its maximum-likelihood estimate), which holds where escapes are rare events without memory, as
    over a high barrier. Infinite, low and high too, where none escaped.
    """
    steps, count = passages.step.astype(passages.highest.dtype), passages.escaped.sum(-1)
    mean = steps.sum(-1) / count
    error = jnp.where(passages.escaped.all(-1), steps.std(-1), mean) / jnp.sqrt(count)
    half = jnp.where(count > 0, _deviations(confidence) * error, 0.0)
    return Estimate(mean, jnp.maximum(mean - half, 0), mean + half)


def height_at_probability(passages: Passages, probability: float, confidence: float = 0.95) -> Estimate:
    """The height that is escaped with this probability within max_steps, on a shared flank.

    From walks on the endless flank: a quantile of the highest rises, its interval from the binomial law of order statistics.
    Raises ValueError unless 0 < probability < 1.
    """
    if not 0 < probability < 1:
        raise ValueError(f"`probability` must lie between 0 and 1, got {probability}; choose 0.5, say.")
    highest, count = jnp.sort(passages.highest, axis=-1), passages.highest.shape[-1]
    half = _deviations(confidence) * np.sqrt(probability * (1 - probability) / count)
    ranks = (1 - probability + np.array([0.0, -half, half])) * count
    value, low, high = (highest[..., int(np.clip(rank, 0, count - 1))] for rank in ranks)
    return Estimate(value, low, high)


def _deviations(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"`confidence` must lie between 0 and 1, got {confidence}; choose 0.95, say.")
    return statistics.NormalDist().inv_cdf((1 + confidence) / 2)
