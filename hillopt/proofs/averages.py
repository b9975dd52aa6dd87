"""Schedule-free optimizers on the tent: walks that settle at the valley, because the average that they lean on does.

Defazio et al. (2024, arXiv:2405.15682): z takes steps of length s against the slope at y = (1 - b) z + b x, and x is the
average of all z; here y is the position. Let X and Y be how far x and y lie from the valley, at most, and c the next weight of
the average, which only falls. Then y moves by a drift of b c |z - x| at most, where |z - x| <= (X + Y) / (1 - b), and against
the slope by (1 - b + b c) s. While the drift is no longer than (1 - b) s, no step leads y further from the valley than it was,
or beyond it by more than both together; and if c <= 1 - b, x comes no further from it than X, or Y + (1 - b) s. So all of this
holds for ever.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer, OptaxOptimizer, optax_settings
from hillopt.proofs.balls import rounded
from hillopt.proofs.interpreter import surely_at_most
from hillopt.proofs.own_terms import Numbers, is_known, numbers_of
from hillopt.proofs.trapping import Whereabouts

VALLEY = 1.0
POWER = 2.0  # of the learning rate in the weights of optax.contrib.schedule_free, which is the same at every step

FACTORIES: dict[Callable, tuple[Callable[[Numbers], Any], Numbers]] = {
    optax_settings("contrib.schedule_free")[0]: (lambda numbers: numbers["learning_rate"], {}),
    optax.contrib.schedule_free_sgd: (
        lambda numbers: numbers["learning_rate"],
        {"warmup_steps": None, "weight_decay": None},
    ),
    optax.contrib.schedule_free_adamw: (
        lambda numbers: numbers["learning_rate"] / (1 + numbers["eps"]),
        {"warmup_steps": None},
    ),
}
"""What a step of z is long, where slopes are of size one; and what must be left at its default."""


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On tents, for optax's schedule-free optimizers around those that take steps of one length."""
    return hill.slope_is_unit and is_known(optimizer, FACTORIES)


def bound_by_averages(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """A step beyond the valley and the drift, from where they are as long as they ever will be."""
    del hill, goal
    return surely_at_most(_bound, jax.tree.map(rounded, optimizer), *place)


def _bound(optimizer: OptaxOptimizer, position: Array, state: Any) -> Array:
    numbers = numbers_of(optimizer)
    length, _ = FACTORIES[optimizer.factory]
    s, b = length(numbers), numbers["b1"]
    weight = numbers["learning_rate"] ** numbers.get("weight_lr_power", POWER)
    c = weight / (state.weight_sum + weight)
    push = (1 - b + b * c) * s
    y = jnp.maximum(jnp.abs(position - VALLEY), 2 * push)
    x = jnp.maximum(jnp.abs((position - (1 - b) * state.z) / b - VALLEY), y + (1 - b) * s)
    drift = b * c * (x + y) / (1 - b)
    settles = (b > 0) & (drift <= (1 - b) * s) & (push + drift <= y) & (c <= 1 - b)
    if numbers.get("weight_decay") is not None:
        settles &= numbers["weight_decay"] == 0
    return jnp.where(settles, push + drift, jnp.inf)
