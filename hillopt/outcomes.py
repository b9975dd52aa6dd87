"""What a sweep may ask of every setting, each a pure function of one hill, one optimizer and what goes with them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.blocks import as_lanes, common_shape, in_blocks
from hillopt.critical import CriticalHeight, Escape, critical_height, escape
from hillopt.landscapes import AbstractHill
from hillopt.noise import GaussianNoise, escape_probability, first_passages, passage_time
from hillopt.optimizers import AbstractOptimizer
from hillopt.stability import Stability, stability

BLOCK = 4_096


class Question(NamedTuple):
    """What goes with a hill and an optimizer; each outcome takes what it needs."""

    max_steps: Any
    implementation: str | None
    num_walks: int


class Probability(NamedTuple):
    """Of an escape within max_steps, with a 95 % interval."""

    probability: Float[Array, "..."]
    probability_low: Float[Array, "..."]
    probability_high: Float[Array, "..."]


class PassageTime(NamedTuple):
    """Mean steps to the first escape with a 95 % interval; `escaped` is the share of the walks that did, the rest censored."""

    passage: Float[Array, "..."]
    passage_low: Float[Array, "..."]
    passage_high: Float[Array, "..."]
    escaped: Float[Array, "..."]


class Loss(NamedTuple):
    """Elevation after max_steps, and the lowest one met."""

    loss: Float[Array, "..."]
    lowest: Float[Array, "..."]
    finite: Bool[Array, "..."]
    num_steps: Int[Array, "..."]


def _heights(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    del noise, keys
    return critical_height(hill, optimizer, max_steps=question.max_steps, implementation=question.implementation)


def _escapes(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    del noise, keys
    return escape(hill, optimizer, max_steps=question.max_steps, implementation=question.implementation)


def _probabilities(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    return Probability(*escape_probability(_walks(question, hill, optimizer, noise, keys)))


def _passages(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    walks = _walks(question, hill, optimizer, noise, keys)
    return PassageTime(*passage_time(walks), walks.escaped.mean(-1))


def _walks(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    return first_passages(
        hill, optimizer, GaussianNoise(noise), keys, num_walks=question.num_walks, max_steps=question.max_steps
    )


def _stabilities(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    del noise
    return stability(hill, optimizer, keys, max_steps=question.max_steps)


def _losses(question: Question, hill: AbstractHill, optimizer: AbstractOptimizer, noise: Any, keys: Any) -> Any:
    del noise, keys
    shape = common_shape((hill, optimizer))
    flat = as_lanes((hill, optimizer), shape, jnp.result_type(*jax.tree.leaves(optimizer)))
    answer = in_blocks(jax.vmap(lambda hill, optimizer: _one_loss(hill, optimizer, question.max_steps)), BLOCK)(*flat)
    return jax.tree.map(lambda leaf: leaf.reshape(shape), answer)


def _one_loss(hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: Any) -> Loss:
    def take_step(_: Array, carry: tuple[Array, Any, Array]) -> tuple[Array, Any, Array]:
        position, state, lowest = carry
        position, state = optimizer.facing(hill.value).step(hill.slope(position), state, position)
        value = hill.value(position)
        return position, state, jnp.where(value < lowest, value, lowest)

    start = jnp.asarray(hill.start, jax.tree.leaves(optimizer)[0].dtype)
    position, _, lowest = jax.lax.fori_loop(0, max_steps, take_step, (start, optimizer.init(start), hill.value(start)))
    loss = hill.value(position)
    return Loss(loss, lowest, jnp.isfinite(loss), jnp.asarray(max_steps, jnp.int32))


OUTCOMES: dict[str, Callable[..., Any]] = {
    "height": _heights,
    "escape": _escapes,
    "probability": _probabilities,
    "first_passage": _passages,
    "loss": _losses,
    "stability": _stabilities,
}
NOISY = ("probability", "first_passage")
DECIDED = ("height", "escape")  # those with a verdict, which more steps may settle
RESULTS: dict[str, tuple[str, ...]] = {
    "height": CriticalHeight._fields,
    "escape": Escape._fields,
    "probability": Probability._fields,
    "first_passage": PassageTime._fields,
    "loss": Loss._fields,
    "stability": Stability._fields,
}
