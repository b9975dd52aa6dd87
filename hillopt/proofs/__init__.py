"""What is proved of a walk: balls around its numbers, the lattice that it lives on, and how far it can ever rise."""

from hillopt.proofs.balls import Ball, bounded, is_ball, midpoints, radii, rounded
from hillopt.proofs.lattice import (
    Errors,
    Foot,
    Lattice,
    LatticeState,
    advance,
    descend,
    errors,
    lattice_of,
    shift_left,
)
from hillopt.proofs.reach import overshoot_sum, reach_of, widened

__all__ = [
    "Ball",
    "Errors",
    "Foot",
    "Lattice",
    "LatticeState",
    "advance",
    "bounded",
    "descend",
    "errors",
    "is_ball",
    "lattice_of",
    "midpoints",
    "overshoot_sum",
    "radii",
    "reach_of",
    "rounded",
    "shift_left",
    "widened",
]
