"""One exact walk, by whatever arithmetic serves."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from hillopt.exact.lattice import walk_lattice
from hillopt.exact.record import ExactWalk
from hillopt.exact.steps import goal_of, walk_steps
from hillopt.exact.typed import as_typed, typed_numbers
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import Lattice, lattice_of, reach_of


def walk_exactly(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    max_steps: int,
    target: Fraction | None = None,
    step_by_step: bool = True,
) -> ExactWalk | None:
    """The walk of one setting, its numbers as typed, up to the target or for as long as anything is to be found out.

    On a lattice where there is one; else, if that is allowed, step by step, which takes some 100 microseconds each. None where
    no exact arithmetic serves, or where it takes too much effort.
    """
    lattice = exact_lattice(hill, optimizer)
    if lattice is not None:
        return walk_lattice(lattice, max_steps, target)
    walk = walk_steps(hill, optimizer, max_steps, target) if step_by_step else None
    if walk is None or walk.upper is not None or not hill.slope_is_unit:
        return walk
    bound = _closed_bound(optimizer)
    return walk if bound is None else walk._replace(upper=max(bound, walk.highest + walk.error))


def exact_goal(hill: AbstractHill) -> Fraction | None:
    """The rise at which a walk has escaped, as typed; None where it is not known exactly."""
    return as_typed(hill.height) if hill.flank_is_shared else goal_of(hill)


def exact_lattice(hill: AbstractHill, optimizer: AbstractOptimizer) -> Lattice | None:
    """The lattice of one setting in rational numbers, as typed; None where there is none."""
    if not hill.slope_is_unit:
        return None
    try:
        lattice = lattice_of(typed_numbers(optimizer))
    except TypeError:  # written in operations that take JAX's arrays alone
        return None
    return lattice if lattice is not None and is_walked_on(lattice) else None


def is_walked_on(lattice: Lattice) -> bool:
    """Whether its numbers are rational, and such as the proofs assume: no step overshoots what memory and slope are together."""
    spacing, weight, decay = lattice.spacing, lattice.weight, lattice.decay
    share = 0 if lattice.interpolation is None else lattice.interpolation
    if not all(isinstance(number, Fraction | int) for number in (spacing, weight, decay, share)):
        return False
    if not (spacing > 0 and weight >= 0 and 0 <= decay < 1):
        return False
    pull = weight * (1 - decay)  # of the memory in a step
    return pull == spacing * decay if lattice.bias_corrected else pull <= spacing * decay


def _closed_bound(optimizer: AbstractOptimizer) -> Fraction | None:
    """What holds for every number that rounds to a hyperparameter holds for the one that was typed."""
    with jax.enable_x64(True):
        known = jax.tree.map(jnp.float64, optimizer)
        bound = float(reach_of(known, known.init(jnp.float64(0.0))))
    return Fraction(bound) if np.isfinite(bound) else None
