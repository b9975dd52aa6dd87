"""A walk on the tent that comes back, and must come back for ever."""

import dataclasses
from fractions import Fraction
from typing import ClassVar

from hillopt.certificates.contract import MOST_STEPS, AbstractCertificate, check_parts, check_steps
from hillopt.certificates.heights import check_height, check_served, check_tent, check_upper, walk_to
from hillopt.certificates.intervals import Interval, power
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk
from hillopt.certificates.parts import Part


@dataclasses.dataclass(frozen=True)
class Recurrence(AbstractCertificate):
    """The walk is at `step` as high as `height`, and `period` steps after the `checkpoint` it is back: it never climbs above
    `upper`.

    Back means: the sum of the slopes is what it was, and their decaying sum T has moved by d. As long as the same slopes follow,
    each turn to come moves T by b^period times as much as the one before, by d / (1 - b^period) in all, and Adam's bias
    correction moves the place by what is left of it. If no decision of the turn is as close to its tie as these can push it, the
    same slopes do follow, for ever.
    """

    hill: Part
    optimizer: Part
    height: Fraction
    """A walk did climb so high."""
    step: int
    """When it did."""
    upper: Fraction
    """It never climbs higher."""
    foot: int
    """The first step beyond the valley."""
    checkpoint: int
    period: int

    claim: ClassVar[str] = "the walk repeats itself"

    def check(self) -> None:
        check_parts(self)
        check_tent(self.hill, self.upper)
        lattice = Lattice(check_served(self.optimizer))
        check_steps("foot", self.foot, 1, 1 << 62)
        check_steps("checkpoint", self.checkpoint, self.foot)
        check_steps("step", self.step, self.foot, self.checkpoint)
        check_steps("period", self.period, 1, MOST_STEPS)
        walk = LatticeWalk(lattice, self.foot)
        check_height(walk, self.height, self.step)
        walk_to(walk, self.checkpoint)
        turn = Turn(walk)
        for _ in range(self.period):
            turn.advance()
        self._check_return(turn)
        check_upper(lattice.rise(turn.highest).high, self.upper)

    def _check_return(self, turn: "Turn") -> None:
        if turn.off:
            raise ValueError(
                f"`period` must lead back to the checkpoint's site, and {self.period} steps on it is {turn.off} off; give the "
                "number of steps after which the walk repeats."
            )
        if not turn.returns():
            raise ValueError(
                f"`checkpoint` must come when the walk repeats nearly enough, and the turns after it may still move by "
                f"{Interval(turn.slack(), turn.slack())} where a decision is {Interval(turn.gap, turn.gap)} from its tie; take a "
                "later one."
            )


class Turn:
    """A walk from a checkpoint on: how near its decisions are to their ties, and what can still move them if it is back."""

    def __init__(self, walk: LatticeWalk) -> None:
        self._walk, self._before, self._drift = walk, walk.stand(), walk.shift_left()
        self.length, self.gap, self._peak = 0, walk.gap(), walk.place.high

    def advance(self) -> None:
        """One step; the decision at its end is the next turn's if the walk is back."""
        if self.length:
            self.gap, self._peak = min(self.gap, self._walk.gap()), max(self._peak, self._walk.place.high)
        self._walk.advance()
        self.length += 1

    @property
    def off(self) -> int:
        """How many sites the walk is away from the checkpoint's."""
        return self._walk.stand().site - self._before.site

    def slack(self) -> int:
        """How far what decides can still move, if the walk is back."""
        lattice, moved = self._walk.lattice, (self._walk.stand().memory - self._before.memory).size
        if lattice.decay is None or lattice.weight is None:
            return self._drift
        left = Interval(moved, moved) / (1 - power(lattice.decay, self.length))
        return (left * lattice.weight).high + self._drift

    def returns(self) -> bool:
        """Whether the walk is back for ever. Where nothing moves, a decision that is made is made for ever, be it a tie."""
        if self.off:
            return False
        slack = self.slack()
        return self.gap > slack or slack == 0

    @property
    def highest(self) -> int:
        """No place is higher, of those since the foot and of those to come, if the walk is back."""
        return max(self._walk.highest, self._peak + (0 if self._walk.lattice.interpolated else self.slack()))
