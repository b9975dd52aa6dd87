"""Ways to prove that a walk is trapped: functions of one lane with one contract, asked now and then while a climb goes on."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Float, PyTree

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
    """It is not asked before so many steps."""
    at_once: int = 256
    """Lanes that are asked side by side."""
