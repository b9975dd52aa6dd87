"""Hills: what the walker stands on."""

from hillopt.landscapes.contract import AbstractHill, AbstractLandscape, check_height
from hillopt.landscapes.from_function import FunctionHill, hill_from
from hillopt.landscapes.quadratics import PiecewiseQuadraticBowl
from hillopt.landscapes.smooth import DoubleWell, GaussianHill, RoughBowl
from hillopt.landscapes.solvable import Factorisation, QuadraticBowl, QuadraticRegression
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

LANDSCAPES: dict[str, type[AbstractLandscape]] = {
    "bowl": QuadraticBowl,
    "factorisation": Factorisation,
    "quadratic_regression": QuadraticRegression,
}
"""Those that are no hills: losses are asked of them."""

__all__ = [
    "HILLS",
    "LANDSCAPES",
    "AbstractHill",
    "AbstractLandscape",
    "DoubleWell",
    "EndlessTent",
    "Factorisation",
    "FunctionHill",
    "GaussianHill",
    "MuellerBrown",
    "NarrowPass",
    "PiecewiseLinearHill",
    "PiecewiseQuadraticBowl",
    "QuadraticBowl",
    "QuadraticRegression",
    "RoughBowl",
    "StartingAt",
    "TentHill",
    "WedgeHill",
    "check_height",
    "hill_from",
]
