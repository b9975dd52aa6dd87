"""Hills: what the walker stands on."""

from hillopt.landscapes.contract import AbstractHill, AbstractLandscape, check_height
from hillopt.landscapes.from_function import FunctionHill, hill_from
from hillopt.landscapes.quadratics import PiecewiseQuadraticBowl
from hillopt.landscapes.smooth import DoubleWell, GaussianHill, RoughBowl
from hillopt.landscapes.starting_at import StartingAt
from hillopt.landscapes.surfaces import MuellerBrown, NarrowPass
from hillopt.landscapes.tent import EndlessTent, TentHill
from hillopt.landscapes.wedge import PiecewiseLinearHill, WedgeHill

HILLS: dict[str, type[AbstractHill]] = {
    "tent": TentHill,
    "wedge": WedgeHill,
    "gaussian": GaussianHill,
    "double_well": DoubleWell,
    "rough_bowl": RoughBowl,
    "mueller_brown": MuellerBrown,
    "narrow_pass": NarrowPass,
}

__all__ = [
    "HILLS",
    "AbstractHill",
    "AbstractLandscape",
    "DoubleWell",
    "EndlessTent",
    "FunctionHill",
    "GaussianHill",
    "MuellerBrown",
    "NarrowPass",
    "PiecewiseLinearHill",
    "PiecewiseQuadraticBowl",
    "RoughBowl",
    "StartingAt",
    "TentHill",
    "WedgeHill",
    "check_height",
    "hill_from",
]
