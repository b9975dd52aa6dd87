"""Walks in exact arithmetic, of one setting whose numbers are those that a person has typed."""

from hillopt.exact.record import ExactWalk
from hillopt.exact.typed import as_typed, typed_numbers
from hillopt.exact.walk import exact_goal, walk_exactly

__all__ = ["ExactWalk", "as_typed", "exact_goal", "typed_numbers", "walk_exactly"]
