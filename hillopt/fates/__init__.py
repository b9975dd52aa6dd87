"""What becomes of heavy ball, over learning rate and momentum: what is proved, and what is left open."""

from hillopt.fates.atlas import atlas
from hillopt.fates.fate import Atlas, Fate
from hillopt.fates.grounds import AbstractGround, AllFunctions, AllQuadratics, OneBowl

__all__ = ["AbstractGround", "AllFunctions", "AllQuadratics", "Atlas", "Fate", "OneBowl", "atlas"]
