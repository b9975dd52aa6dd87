"""Where walks come back to: cycles, found and proved."""

from hillopt.orbits.cycle import Cycle, cycles
from hillopt.orbits.exact import ExactCycle, exact_cycle

__all__ = ["Cycle", "ExactCycle", "cycles", "exact_cycle"]
