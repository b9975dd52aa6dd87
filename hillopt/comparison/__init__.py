"""Optimizers, hills and seeds beside each other: one question asked of all, who wins where, and how far seeds agree."""

from hillopt.comparison.compare import compare
from hillopt.comparison.seeds import over_seeds
from hillopt.comparison.winner import ENTRIES, entries_of, winner

__all__ = ["ENTRIES", "compare", "entries_of", "over_seeds", "winner"]
