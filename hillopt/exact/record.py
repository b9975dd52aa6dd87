"""What an exact walk has to tell."""

from fractions import Fraction
from typing import NamedTuple


class ExactWalk(NamedTuple):
    """What one walk has shown: as `hillopt.climbs.Climbed`, in rational numbers that are off by at most `error`."""

    highest: Fraction
    error: Fraction
    step: int
    upper: Fraction | None
    """None where no bound is known."""
    proved: bool
    period: int
    num_steps: int
    passage: int | None
