"""Certificates of return: what a lattice walk that is back at an earlier site can still do.

Everything here is on the safe side for every real hyperparameter that rounds to the given one: it is given the lattice's
numbers at their worst (`Errors.worst`).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hillopt.proofs.balls import upper_end
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.lattice import Lattice, shift_left

LOST = 2.0
"""In eps, off 1 - decay^n. A product of n factors is too small by n/2 eps at most, and each of the factors, the decay at the
end of its ball, is too large by half an eps, up to eps^2 / 2: n eps^2 decay^n / 2 in all, which never exceeds 3/4 eps, as
n decay^n <= 1 / (1 - decay) / e and 1 - decay >= eps / 2. Two differences of numbers below 1 round by half an eps each."""
PAID = 8.0
"""In eps, on top of a sum or product of up to five positive numbers, which are rounded by half an eps each, or one of them by
2 eps (a quotient on a GPU)."""


class Drift(NamedTuple):
    """How far the shift can still move after so many steps."""

    in_all: Float[Array, "..."]
    """Whatever slopes follow."""
    share: Float[Array, "..."]
    """As a share of the furthest that the walk, but for the shift, ever comes from where it is now. A step that moves the walk by
    -spacing m moves the shift by -spacing m w, and w = p / (1 - p), p = decay^t, only falls: by Abel's inequality the sum of such
    steps is at most the first w times the greatest sum without it."""


def drift_after(worst: Lattice, steps: Int[Array, "..."]) -> Drift:
    """The drift after so many steps from rest."""

    def left(worst: Lattice, steps: Int[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        power = power_of(worst, steps)
        return shift_left(worst, power), power / (1 - power)

    (in_all, share), _ = bounded(left)(worst, steps)
    return Drift(upper_end(in_all), upper_end(share))


def power_of(worst: Lattice, steps: Int[Array, "..."]) -> Float[Array, "..."]:
    """decay^steps, in operations that balls follow."""
    return worst.decay ** steps.astype(worst.decay.dtype)


def loss(contraction: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 - decay^n at least, where `contraction` is the product of n factors `worst.decay`, or their power at most."""
    return 1 - contraction - LOST * float(jnp.finfo(contraction.dtype).eps)


def wander(moved: Float[Array, "..."], loss: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """How far the memory moves in all turns to come, if the last one moved it by `moved`: a geometric series."""
    return padded(moved / loss)


def padded(bound: Float[Array, "..."]) -> Float[Array, "..."]:
    """A positive bound that pays for its own rounding."""
    return bound * (1 + PAID * float(jnp.finfo(bound.dtype).eps))
