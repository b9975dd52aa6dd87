"""Climbs up a flank, several ways with one contract: two that prove, the plain definition, and two fast twins of it."""

from hillopt.climbs.blocked import climb_in_blocks
from hillopt.climbs.in_registers import PROGRAM, climb_in_registers, traced_for_gpu, why_not_in_registers
from hillopt.climbs.on_lattice import LATTICE_BLOCK, climb_on_lattice
from hillopt.climbs.plainly import climb_plainly
from hillopt.climbs.record import Batch, Climb, varying_as
from hillopt.climbs.with_bounds import BOUNDED_BLOCK, climb_with_bounds

__all__ = [
    "BOUNDED_BLOCK",
    "LATTICE_BLOCK",
    "PROGRAM",
    "Batch",
    "Climb",
    "climb_in_blocks",
    "climb_in_registers",
    "climb_on_lattice",
    "climb_plainly",
    "climb_with_bounds",
    "traced_for_gpu",
    "varying_as",
    "why_not_in_registers",
]
