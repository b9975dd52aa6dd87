"""Climbs up the endless flank, three ways with one contract."""

from hillopt.climbs.on_lattice import climb_on_lattice
from hillopt.climbs.record import Climb, varying_as
from hillopt.climbs.step_by_step import climb_plainly, climb_with_bounds

__all__ = ["Climb", "climb_on_lattice", "climb_plainly", "climb_with_bounds", "varying_as"]
