"""A walk on the tent that comes back, and must come back for ever."""

import dataclasses
from typing import ClassVar, NamedTuple

from hillopt.certificates.contract import check_steps
from hillopt.certificates.heights import AbstractHeightCertificate, check_height, check_served, check_upper, walk_to
from hillopt.certificates.intervals import ONE, Interval, power, told
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk

LONGEST_PERIOD = 1_000_000  # steps that a check keeps in memory


class NoReturn(ValueError):
    """What a walk says to a period that is not one of its own."""


@dataclasses.dataclass(frozen=True)
class Recurrence(AbstractHeightCertificate):
    """The walk is at `step` as high as `height`, and `period` steps after the `checkpoint` it is back: it never climbs above
    `upper`.

    Back means: the sum of the slopes is what it was, and their decaying sum T has moved by d. As long as the same slopes follow,
    each turn to come moves T by b^period times as much as the one before, by d / (1 - b^period) in all, and i steps further on by
    b^i times that; Adam's bias corrections move the place by what is left of them. If no decision of the turn is as close to its
    tie as these can push it, the same slopes do follow, for ever.
    """

    foot: int
    """The first step beyond the valley."""
    checkpoint: int
    period: int

    claim: ClassVar[str] = "the walk repeats itself"

    def check(self) -> None:
        super().check()
        lattice = Lattice(check_served(self.optimizer))
        check_steps("foot", self.foot, 1, 1 << 62)
        check_steps("checkpoint", self.checkpoint, self.foot)
        check_steps("step", self.step, self.foot, self.checkpoint)
        check_steps("period", self.period, 1, LONGEST_PERIOD)
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
            raise NoReturn(
                f"`period` must lead back to the checkpoint's site, and {self.period} steps on it is {turn.off} off; give the "
                "number of steps after which the walk repeats."
            )
        gap, moves = turn.nearest()
        if moves:
            raise ValueError(
                f"`checkpoint` must come when the walk repeats nearly enough, and the turns after it may still move by "
                f"{told(moves)} where a decision is {told(gap)} from its tie; take a later one."
            )


class Turn:
    """A walk from a checkpoint on: how near its decisions are to their ties, and what can still move them if it is back."""

    def __init__(self, walk: LatticeWalk) -> None:
        self._walk, self._before = walk, walk.stand()
        self._shift_left, self._correction, self._levels = walk.shift_left(), walk.correction(), walk.level()
        self._passed: list[Passed] = []
        self._share = ONE

    @property
    def length(self) -> int:
        """Steps since the checkpoint."""
        return len(self._passed)

    def advance(self) -> None:
        """One step; the decision at its end is the next turn's if the walk is back."""
        self._passed.append(Passed(self._walk.gap(), self._walk.place.high, self._share))
        self._walk.advance()
        if self._walk.lattice.decay is not None:
            self._share = -(-self._share * self._walk.lattice.decay.high // ONE)
        if self._walk.lattice.corrected or self._walk.lattice.fading is not None:
            self._levels = self._levels.hull(self._walk.level())

    @property
    def off(self) -> int:
        """How many sites the walk is away from the checkpoint's."""
        return self._walk.stand().site - self._before.site

    def wander(self) -> int:
        """How far what decides at the checkpoint can still move, if the walk is back, but for the bias correction."""
        lattice, moved = self._walk.lattice, (self._walk.stand().memory - self._before.memory).size
        if lattice.decay is None or lattice.weight is None:
            return 0
        left = Interval(moved, moved) / (1 - power(lattice.decay, self.length))
        return (left * lattice.weight).high

    def drift(self, wander: int) -> int:
        """How far bias corrections can still move a place of the turn, if the walk is back.

        They add up (1-b) T_t c_t, or RMSprop's g_t c_t, with factors c_t that fall. Sums without these factors are differences of
        levels, which stay as far apart as in this turn, but for what they wander. So, by Abel, no sum with them exceeds that times
        the first factor.
        """
        apart = self._levels.high - self._levels.low + 2 * wander
        by_levels = (self._correction * Interval(apart, apart)).high
        return by_levels if self._shift_left is None else min(self._shift_left, by_levels)

    def nearest(self) -> tuple[int, int]:
        """The first decision that is not made for good, if the walk is back: its distance from the tie and what may move it.

        Where nothing moves, a decision that is made is made for ever, be it a tie; then both are 0.
        """
        wander = self.wander()
        drift = self.drift(wander)
        for passed in self._passed:
            moves = passed.moved_by(wander) + drift
            if passed.gap <= moves != 0:
                return passed.gap, moves
        return 0, 0

    def returns(self) -> bool:
        """Whether the walk is back for ever."""
        return not self.off and self.nearest() == (0, 0)

    @property
    def highest(self) -> int:
        """No place is higher, of those since the foot and of those to come, if the walk is back."""
        wander = 0 if self._walk.lattice.interpolated else self.wander()
        drift = self.drift(wander)
        to_come = max(passed.place + passed.moved_by(wander) + drift for passed in self._passed)
        return max(self._walk.highest, to_come)


class Passed(NamedTuple):
    """A step of a turn."""

    gap: int
    """From what decides there to its tie."""
    place: int
    share: int
    """How much of what moves at the checkpoint moves here: b^(steps since then)."""

    def moved_by(self, wander: int) -> int:
        """How far it moves where the checkpoint moves by so much."""
        return -(-wander * self.share // ONE)
