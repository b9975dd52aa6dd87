"""Pictures of sweeps and of walks."""

from hillopt.plot.outcomes import outcome_diagram
from hillopt.plot.phase import phase_diagram
from hillopt.plot.style import write
from hillopt.plot.walk import WalkPanel, walk_figure

__all__ = ["WalkPanel", "outcome_diagram", "phase_diagram", "walk_figure", "write"]
