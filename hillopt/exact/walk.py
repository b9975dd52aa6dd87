"""One exact walk, by whatever arithmetic serves."""

from fractions import Fraction

from hillopt.exact.lattice import ExactWalk, walk_lattice
from hillopt.exact.typed import typed_numbers
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import Lattice, lattice_of


def walk_exactly(
    hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: int, target: Fraction | None = None
) -> ExactWalk | None:
    """The walk of one setting, its numbers as typed, up to the target or for as long as anything is to be found out.

    None where there is no exact arithmetic for it, or where that takes too much effort.
    """
    lattice = exact_lattice(hill, optimizer)
    return None if lattice is None else walk_lattice(lattice, max_steps, target)


def exact_lattice(hill: AbstractHill, optimizer: AbstractOptimizer) -> Lattice | None:
    """The lattice of one setting in rational numbers, as typed; None where there is none."""
    if not hill.slope_is_unit:
        return None
    try:
        lattice = lattice_of(typed_numbers(optimizer))
    except TypeError:  # written in operations that take JAX's arrays alone
        return None
    numbers = [] if lattice is None else [getattr(lattice, name) for name in ("spacing", "weight", "decay")]
    return lattice if numbers and all(isinstance(number, Fraction | int) for number in numbers) else None
