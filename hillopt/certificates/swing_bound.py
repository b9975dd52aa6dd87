"""Swings that grow no more: how far a slow memory can still carry a walk."""

import dataclasses
from fractions import Fraction
from typing import ClassVar

from hillopt.certificates.braking import carried
from hillopt.certificates.contract import check_steps
from hillopt.certificates.heights import AbstractHeightCertificate, check_height, check_upper, walk_to
from hillopt.certificates.intervals import ONE, Interval, floor_of, told
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk

LONGEST_FALL = 100_000  # steps of a swing that is checked
SWINGING = ("HeavyBall", "Nesterov", "Adam")


@dataclasses.dataclass(frozen=True)
class SwingBound(AbstractHeightCertificate):
    """The walk crosses the valley at step `crossing` with a memory of `momentum` at most, and no later crossing has more.

    In spacings, with the memory m = (1-b) T, p = -m after a step that crosses uphill, K = 1 (Nesterov b), and F >= 1 the greatest
    bias correction from there on (Adam; else 1):

    - The crossing step is at most F (1 - K (1 - p)), which bounds the rise u after it.
    - The j-th step uphill is at most F (K b^j (1+p) - 1) as long as that is positive, and at least 1 - K b^j (1+p) down when it is
      not. With S the sum of the positive K b^j (1+p) - 1, the walk climbs to F (1 - K (1 - p) + S) at most.
    - If it is still up after k steps, the sum of 1 - K b^j (1+p) over j <= k is less than u + (F - 1) S. So p is more than
      p_k = (k + F (2K - 1) - (F - 1) S) / (K (F + b + ... + b^k)) - 1, which grows with k. If step k + 1 crosses, it does with a
      memory of 1 - b^(k+1) (1+p) on the other side, where all is the same with the signs turned round.

    So if no k with p_k < p gives more than p on the other side, no crossing to come has a greater p on either side.
    """

    foot: int
    """The first step beyond the valley."""
    crossing: int
    """A step that crosses the valley uphill."""
    momentum: Fraction

    claim: ClassVar[str] = "the swings grow no more"

    def check(self) -> None:
        super().check()
        if self.optimizer.kind not in SWINGING:
            raise ValueError(
                f"`optimizer` must be one of {', '.join(SWINGING)}, got {self.optimizer.kind}; no other one swings."
            )
        if self.optimizer.kind == "Nesterov" and not self.optimizer["momentum"].low > 0:
            raise ValueError(
                "`momentum` of `optimizer` must be above 0 for its swings, got 0; take another certificate."
            )
        check_steps("foot", self.foot, 1, 1 << 62)
        check_steps("crossing", self.crossing, self.foot)
        check_steps("step", self.step, self.foot, self.crossing)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"`momentum` must lie between 0 and 1, got {float(self.momentum):g}; no memory is larger.")
        lattice = Lattice(self.optimizer)
        walk = LatticeWalk(lattice, self.foot)
        check_height(walk, self.height, self.step)
        walk_to(walk, self.crossing)
        if not walk.has_crossed():
            raise ValueError(
                f"`crossing` must be a step that crosses the valley uphill, and {self.crossing} does not; give one."
            )
        swings = Swings(walk, self.momentum)
        self._check_momentum(momentum_of(walk), swings.after())
        check_upper(lattice.rise(walk.highest).high, self.upper)
        check_upper((lattice.spacing * swings.climb).high, self.upper)

    def _check_momentum(self, met: int, after: int) -> None:
        if met > floor_of(self.momentum):
            raise ValueError(
                f"`momentum` must be at least what the walk has at step {self.crossing}, {told(met)}; give no less."
            )
        if after > floor_of(self.momentum):
            raise ValueError(
                f"`momentum` must lead to no greater one, and may lead to {told(after)}; give one that does not."
            )


def momentum_of(walk: LatticeWalk) -> int:
    """The greatest p that the walk may have, in units of 1/ONE."""
    assert walk.lattice.decay is not None
    return (-((1 - walk.lattice.decay) * walk.memory)).high


class Swings:
    """What follows of an uphill crossing with p at most `momentum`, at the step at which a walk stands or later."""

    def __init__(self, walk: LatticeWalk, momentum: Fraction) -> None:
        assert walk.lattice.decay is not None
        self._decay, one = walk.lattice.decay, Interval(ONE, ONE)
        self._look_ahead = self._decay if walk.lattice.lead == 2 else one
        self._momentum = Interval(floor_of(momentum), floor_of(momentum))
        self._correction = _point((1 / (1 - walk.power)).high)
        self._carried = _point(carried(self._look_ahead * (1 + self._momentum), self._decay))
        first = 1 - self._look_ahead * (1 - self._momentum)
        self.climb = self._correction * (first + self._carried)
        """No place above the valley is higher, in spacings."""

    def after(self) -> int:
        """No crossing on the other side has more, in units of 1/ONE."""
        ahead, factor = self._look_ahead, self._correction
        spare = factor * (2 * ahead - 1) - (factor - 1) * self._carried
        share, total, most = Interval(ONE, ONE), Interval(0, 0), 0
        for steps in range(LONGEST_FALL):
            needed = ((steps + spare) / (ahead * (factor + total))).low - ONE
            if needed >= self._momentum.high:
                return most
            share = share * self._decay
            least = max(needed, (1 - 1 / ahead).low)  # a step that crosses leads uphill: K (1 - p) < 1
            most = max(most, (1 - share * (1 + _point(least))).high)
            total = total + share
        raise ValueError(
            f"`momentum` must end its swings within {LONGEST_FALL} steps, and does not; give a smaller one."
        )


def _point(number: int) -> Interval:
    return Interval(number, number)
