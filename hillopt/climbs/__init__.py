"""Climbs up a flank, several ways with one contract: two that prove, the plain definition, and two fast twins of it."""

from hillopt.climbs.blocked import BlockedClimb
from hillopt.climbs.bounded import BoundedClimb
from hillopt.climbs.choice import CLIMBS, FAST, PROVING, THOROUGH, as_climbs, first_that_serves
from hillopt.climbs.contract import AbstractClimb, Batch, Climbed
from hillopt.climbs.lattice import LatticeClimb
from hillopt.climbs.pallas import PallasClimb
from hillopt.climbs.plain import PlainClimb

__all__ = [
    "CLIMBS",
    "FAST",
    "PROVING",
    "THOROUGH",
    "AbstractClimb",
    "Batch",
    "BlockedClimb",
    "BoundedClimb",
    "Climbed",
    "LatticeClimb",
    "PallasClimb",
    "PlainClimb",
    "as_climbs",
    "first_that_serves",
]
