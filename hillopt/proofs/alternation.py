"""Alternation: walks on the tent whose steps only shorten, or only lengthen, whichever side of the valley they are on.

From u below the valley a step of length l > u leads o = l - u beyond it. Where steps shorten, the walk goes to and fro while u and
o both shrink, each by every other loss of length, until one of them is used up. If it is u, a step is shorter than o by then, and
so is every later one. If it is o, and each loss is no greater than the one before, u has lost as much: a step is no longer than
u - o by then. So no later rise is greater than o or u - o. Where steps lengthen, it goes to and fro for ever, and o grows by every
other gain.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from hillopt.landscapes import AbstractHill, EndlessTent
from hillopt.optimizers import AbstractOptimizer, OptaxOptimizer
from hillopt.proofs.balls import rounded
from hillopt.proofs.interpreter import surely_at_most
from hillopt.proofs.own_terms import Numbers, is_known, numbers_of, part_of
from hillopt.proofs.trapping import Whereabouts

KINK = 1.0


def _shortened(below: Any, length: Any, far: Any) -> Any:
    """Of steps that depend on how far from its start, at 0, the walk has ever been: as long as that is no further than `far`."""
    over = length - below
    bound = jnp.maximum(over, below - over)
    return jnp.where((bound <= far - KINK) & (length <= far + KINK), bound, jnp.inf)


def _dog(numbers: Numbers, state: Any, position: Any) -> tuple[Any, Any]:
    part, below = part_of(state, "max_dist"), KINK - position
    far = jnp.maximum(part.max_dist, jnp.abs(position))
    length = numbers["learning_rate"] * far / jnp.sqrt(part.sum_sq_norm_grads + 1 + numbers["eps"])
    return length, _shortened(below, length, far)


def _dowg(numbers: Numbers, state: Any, position: Any) -> tuple[Any, Any]:
    part, below = part_of(state, "estim_sq_dist"), KINK - position
    square = jnp.maximum(part.estim_sq_dist, position * position)
    length = numbers["learning_rate"] * square / (jnp.sqrt(part.weighted_sq_norm_grads + square) + numbers["eps"])
    return length, _shortened(below, length, jnp.sqrt(square))


def _adadelta(numbers: Numbers, state: Any, position: Any) -> tuple[Any, Any]:
    """A step is the root of q = (E + eps) / (V + eps), with running means of q, E, and of squared slopes, V. They lengthen where
    q <= 1, which is kept, and E then gains less at every step if V + eps >= 1."""
    part, rho, eps = part_of(state, "e_x"), numbers["rho"], numbers["eps"]
    squares = rho * part.e_g + (1 - rho)
    root, most = jnp.sqrt(part.e_x + eps), jnp.sqrt(1 + eps)
    scale = numbers["learning_rate"] / jnp.sqrt(squares + eps)
    known = (part.e_x <= squares) & (squares + eps >= 1) & (rho >= 0) & (rho <= 1) & (numbers["weight_decay"] == 0)
    length = scale * root
    return length, jnp.where(known, length - (KINK - position) + scale * (most - root) / 2, jnp.inf)


FACTORIES: dict[Callable, tuple[Callable[[Numbers, Any, Any], tuple[Any, Any]], Numbers]] = {
    optax.adadelta: (_adadelta, {"weight_decay_mask": None}),
    optax.contrib.dog: (_dog, {"init_step": ("heuristic", 1e-6), "weight_decay": None}),
    optax.contrib.dowg: (_dowg, {"weight_decay": None}),
}
"""The length of a step from at or below the valley, and what bounds all later rises if it leads beyond; and what must be left at
its default."""


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On tents, for those of optax whose steps are as long on either side of the valley."""
    return isinstance(hill, EndlessTent) and is_known(optimizer, FACTORIES)


def bound_by_alternation(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """From the next place below the valley, one step away at most, if the step from there crosses."""
    del hill, goal
    return surely_at_most(_bound, jax.tree.map(rounded, optimizer), *place)


def _bound(optimizer: OptaxOptimizer, position: Array, state: Any) -> Array:
    after = optimizer.step(jnp.ones_like(position), state, position)
    is_up = position > KINK
    position, state = jax.tree.map(lambda now, then: jnp.where(is_up, then, now), (position, state), after)
    bounds_of, _ = FACTORIES[optimizer.factory]
    length, bound = bounds_of(numbers_of(optimizer), state, position)
    crosses = (position <= KINK) & (length > KINK - position)
    return jnp.where(crosses, bound, jnp.inf)
