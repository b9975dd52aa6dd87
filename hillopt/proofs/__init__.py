"""What is proved of a walk: balls around its numbers, the lattice that it lives on, and how far it can ever rise."""

from hillopt.proofs.balls import (
    Ball,
    ball_radius,
    is_ball,
    lower_end,
    midpoints,
    radii,
    rounded,
    typed,
    upper_end,
    with_radius,
)
from hillopt.proofs.cycles import Drift, drift_after, loss, padded, power_of, wander
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.energy import energy_bound
from hillopt.proofs.first_order import FOLLOWED, Followed, at_rest, followed
from hillopt.proofs.frames import Framed, all_within, carried, framed, is_framed
from hillopt.proofs.goal import around_goal
from hillopt.proofs.interpreter import at_most, bounded
from hillopt.proofs.intervals import Interval, hull, is_inside
from hillopt.proofs.last_digit import (
    LastDigit,
    Tangent,
    advance_with_tangent,
    known_lattice,
    of_foot,
    unsure_downhill,
)
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
    worst_of,
)
from hillopt.proofs.methods import methods_for
from hillopt.proofs.own_terms import in_own_terms, in_short
from hillopt.proofs.reach import reach_of
from hillopt.proofs.trapping import Method, Whereabouts

__all__ = [
    "FOLLOWED",
    "Ball",
    "Drift",
    "Errors",
    "Followed",
    "Foot",
    "Framed",
    "Interval",
    "LastDigit",
    "Lattice",
    "LatticeState",
    "Method",
    "Tangent",
    "Whereabouts",
    "advance",
    "advance_with_tangent",
    "all_within",
    "around_goal",
    "at_most",
    "at_rest",
    "ball_radius",
    "bounded",
    "carried",
    "descend",
    "drift_after",
    "enclosed",
    "energy_bound",
    "errors",
    "followed",
    "framed",
    "hull",
    "in_own_terms",
    "in_short",
    "is_ball",
    "is_framed",
    "is_inside",
    "known_lattice",
    "lattice_of",
    "loss",
    "lower_end",
    "methods_for",
    "midpoints",
    "of_foot",
    "padded",
    "power_of",
    "radii",
    "reach_of",
    "rounded",
    "shift_left",
    "typed",
    "unsure_downhill",
    "upper_end",
    "wander",
    "with_radius",
    "worst_of",
]
