"""Pictures of sweeps and of walks."""

from hillopt.pictures.plot import plot
from hillopt.pictures.read import is_curved
from hillopt.pictures.style import write
from hillopt.pictures.walk import WalkPanel, walk_figure

__all__ = ["WalkPanel", "is_curved", "plot", "walk_figure", "write"]
