"""What is proved of a walk: balls around its numbers, the lattice that it lives on, and how far it can ever rise."""

from hillopt.proofs.balls import (
    Ball,
    ball_radius,
    is_ball,
    lower_end,
    midpoints,
    radii,
    rounded,
    upper_end,
)
from hillopt.proofs.cycles import drift_after, loss, padded, power_of, wander
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.goal import around_goal
from hillopt.proofs.interpreter import at_most, bounded
from hillopt.proofs.intervals import Interval, as_intervals, highs, hull, is_inside, is_interval, lows
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
from hillopt.proofs.methods import METHODS, methods_for
from hillopt.proofs.reach import reach_of
from hillopt.proofs.trapping import Method, Whereabouts

__all__ = [
    "METHODS",
    "Ball",
    "Errors",
    "Foot",
    "Interval",
    "Lattice",
    "LatticeState",
    "Method",
    "Whereabouts",
    "advance",
    "around_goal",
    "as_intervals",
    "at_most",
    "ball_radius",
    "bounded",
    "descend",
    "drift_after",
    "enclosed",
    "errors",
    "highs",
    "hull",
    "is_ball",
    "is_inside",
    "is_interval",
    "lattice_of",
    "loss",
    "lower_end",
    "lows",
    "methods_for",
    "midpoints",
    "padded",
    "power_of",
    "radii",
    "reach_of",
    "rounded",
    "shift_left",
    "upper_end",
    "wander",
]
