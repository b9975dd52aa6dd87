"""MADGRAD on slopes of size one: a place that follows another one, which steps of nearly one length lead to and fro.

Defazio and Jelassi (2021, arXiv:2101.11075), algorithm 1: with lambda = lr sqrt(n) at step n, G the sum of all lambda and s that
of lambda times the slope, z = -s / G^(1/3) and x <- (1 - c) z + c x, here from x = 0. So z moves by l = lambda / G^(1/3) against
the slope, and back to 0 by the share of itself that G^(1/3) has grown by. l rises to lr^(2/3) (3/2)^(1/3), since the mean of
sqrt(k / n) over k up to n falls to 2/3; the share is lambda / (3 G) at most, which falls as 1 / (2 n).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Number


class DualState(NamedTuple):
    """How many steps there were; the sum of their weights, and that of these times the slopes."""

    num_steps: Int[Array, ""]
    weights: Float[Array, "..."]
    slopes: Float[Array, "..."]


class Madgrad(AbstractOptimizer):
    """As optax has it: `eps` is added to the learning rate, and to the root; with a root of the count in the walk's own format."""

    learning_rate: Number
    momentum: Number
    eps: Number
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> DualState:
        return DualState(jnp.int32(0), jnp.zeros_like(position), jnp.zeros_like(position))

    def step(
        self, slope: Float[Array, "..."], state: DualState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], DualState]:
        slope = slope + self.weight_decay * position
        weight = weight_of(self, state)
        state = DualState(state.num_steps + 1, state.weights + weight * slope * slope, state.slopes + weight * slope)
        return (1 - self.momentum) * averaged(self, state) + self.momentum * position, state


def weight_of(optimizer: Madgrad, state: DualState) -> Float[Array, "..."]:
    """Of the next slope."""
    return (optimizer.learning_rate + optimizer.eps) * jnp.sqrt(1.0 + state.num_steps.astype(state.weights.dtype))


def averaged(optimizer: Madgrad, state: DualState) -> Float[Array, "..."]:
    """Where the place is led to."""
    return -state.slopes / (jnp.cbrt(state.weights) + optimizer.eps)


class Following(AbstractOptimizer):
    """x <- x + (1 - momentum) d, d <- momentum d, where d has just moved by a length against the slope and by a pull.

    Both may be other ones at every step.
    """

    momentum: Number
    length: Number
    pull: Number

    def init(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.zeros_like(position)

    def step(
        self, slope: Float[Array, "..."], state: Float[Array, "..."], position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        moved = state - self.pull - self.length * slope
        return position + (1 - self.momentum) * moved, self.momentum * moved


class Lead(NamedTuple):
    """What leads a walk from now on."""

    shortest: Float[Array, ""]
    longest: Float[Array, ""]
    pull: Float[Array, ""]
    """At most, to either side; infinite if nothing is known."""


def lead_of(optimizer: Madgrad, state: DualState, place: Float[Array, ""]) -> Lead:
    """On the tent, from so far above the valley on.

    With P for the pull and m for the momentum, |d| comes to no more than D = m / (1 - m) (l + P). A step across the valley leads
    beyond it by (1 - m) (D + l + P) at most, and what is left of d further by D. So z is never further from 0 than
    1 + (1 + m) / (1 - m) (l + P), and P is the share of that.
    """
    m, rate = optimizer.momentum, optimizer.learning_rate + optimizer.eps
    weight = weight_of(optimizer, state)
    root = jnp.cbrt(state.weights + weight) + optimizer.eps
    longest, share = jnp.cbrt(1.5 * rate * rate), weight / (3 * state.weights)
    way = (1 + m) / (1 - m)
    pull = share * (1 + way * longest) / (1 - share * way)
    behind = jnp.abs(averaged(optimizer, state) - (1 + place))
    begins = (behind * (1 - m) <= m * (longest + pull)) & (jnp.abs(place) * (1 - m) <= longest + pull)
    is_known = (rate > 0) & (m >= 0) & (m < 1) & (optimizer.weight_decay == 0) & (share * way < 1)
    return Lead(weight / root, longest, jnp.where(is_known & begins & (pull < weight / root), pull, jnp.inf))
