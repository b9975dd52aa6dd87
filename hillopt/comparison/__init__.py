"""Optimizers, hills and seeds beside each other: one question asked of all, who wins where, and how far seeds agree."""

from hillopt.comparison.compare import compare
from hillopt.comparison.seeds import over_seeds
from hillopt.comparison.winner import ENTRIES, entries_of, on_each_hill, winner

__all__ = ["ENTRIES", "compare", "entries_of", "on_each_hill", "over_seeds", "winner"]
