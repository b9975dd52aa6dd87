"""Boundaries between labels: found by few evaluations, zoomed into, and measured."""

from hillopt.boundaries.dimension import (
    BoxDimension,
    UncertaintyExponent,
    box_dimension,
    label_changes,
    uncertainty_exponent,
)
from hillopt.boundaries.front import Refinement, boundary
from hillopt.boundaries.zoom import Zoom, zoom

__all__ = [
    "BoxDimension",
    "Refinement",
    "UncertaintyExponent",
    "Zoom",
    "boundary",
    "box_dimension",
    "label_changes",
    "uncertainty_exponent",
    "zoom",
]
