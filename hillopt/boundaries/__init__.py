"""Boundaries between labels: found by few evaluations, zoomed into, and measured."""

from hillopt.boundaries.front import Refinement, boundary

__all__ = ["Refinement", "boundary"]
