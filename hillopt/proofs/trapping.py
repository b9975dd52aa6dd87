"""Ways to prove that a walk is trapped: functions of one lane with one contract, asked now and then while a climb goes on."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.balls import Ball


class Whereabouts(NamedTuple):
    """Where a walk may be: balls that hold the exact position and state."""

    position: Ball
    state: PyTree


Bound = Callable[[AbstractHill, AbstractOptimizer, Whereabouts, Float[Array, ""]], Float[Array, ""]]
"""`bound(hill, optimizer, place, goal)` of one lane: no later rise is greater, whatever the number of steps; infinite where it
proves nothing. It holds for every real number that rounds to one of the hill's and the optimizer's, and for all of `place`.
`goal` says below which rise a bound is of use; it is infinite where the height is what is asked for."""


class Method(NamedTuple):
    """A way to prove, and when it pays."""

    bound: Bound
    serves: Callable[[AbstractHill, AbstractOptimizer], bool]
    """Whether it can prove anything of such a hill and optimizer, whatever their numbers; asked while tracing."""
    since: int = 0
    """It is asked after so many steps first,"""
    again: int = 2
    """then after so many times as many, a power of two, and at the end."""
    at_once: int = 256
    """Lanes that are asked side by side."""
    is_costly: bool = False
    """Whether it takes far longer than a walk, to compile too, and is for those who ask for it."""
    is_closest: bool = False
    """Whether those that are asked after it would hardly bound anything closer, and are spared where it has a bound."""

    def is_due(self, steps: Int[Array, ""], max_steps: Int[Array, ""]) -> Bool[Array, ""]:
        """Whether it is asked after so many steps, which double from one time to the next."""
        times = jnp.log2(steps / self.since) / math.log2(self.again) if self.since else jnp.zeros(())
        return (steps >= self.since) & ((jnp.abs(times - jnp.round(times)) < 1e-3) | (steps == max_steps))
