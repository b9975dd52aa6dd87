"""Closed bounds: how far a walk on the tent can ever rise, by a formula."""

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import ClassVar

from hillopt.certificates.braking import carried, last_for_which
from hillopt.certificates.contract import MOST_STEPS, check_steps
from hillopt.certificates.grounds import ground_of
from hillopt.certificates.heights import AbstractHeightCertificate, check_height, check_met, check_upper, walk_to
from hillopt.certificates.intervals import ONE, Interval, floor_of, power, told
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk, serves
from hillopt.certificates.parts import Part
from hillopt.certificates.walk import Walk


@dataclasses.dataclass(frozen=True)
class ClosedBound(AbstractHeightCertificate):
    """The walk is at `step` as high as `height`, and a formula says that it never climbs above `upper`.

    What is new of a height is made by the step over the valley and the way uphill after it, while the ground brakes:

    - gradient and sign descent: one step, lr.
    - heavy ball: the step is at most s = lr / (1-b), and after j steps uphill -(1-b) T <= 2 b^j - 1, so s (1 + sum of its positive
      values). Nesterov's looks one step ahead: the sum begins at j = 2. Adam's s is lr / (1+eps), and the bias correction takes
      2 b^j - 1 to (2 b^j - 1 - b^t) / (1 - b^t), which is less. AdamW's decay only pulls back where lr weight_decay <= 1.
    - Lion: after the step over the valley one for each j >= 1 with b1 (2 b2^(j-1) - 1) >= 1 - b1.
    - Adagrad and RMSprop, after `since` steps: the next step of theirs, or one of a full square; their steps have no memory.
    """

    since: int
    """The steps after which the formula bounds what is to come; 0 unless it looks at the state."""

    claim: ClassVar[str] = "a closed bound holds"

    def check(self) -> None:
        super().check()
        check_steps("step", self.step, 1)
        check_steps("since", self.since, 0, MOST_STEPS if self.optimizer.kind in LOOKING else 0)
        if serves(self.optimizer):
            lattice = Lattice(self.optimizer)
            walk = LatticeWalk(lattice, lattice.foot(self.step) or 0)
            check_height(walk, self.height, self.step)
            walk_to(walk, self.since)
            highest = lattice.rise(walk.highest).high
        else:
            highest = self._walk_plainly()
        check_upper(highest, self.upper)
        check_formula(reach(self.optimizer, self.since), self.upper)

    def _walk_plainly(self) -> int:
        """Up to the step that met the height and to the state that the formula looks at; the highest rise on the way."""
        walk = Walk(ground_of(Part(self.hill.kind, {})), self.optimizer)
        highest = walk.rise.high
        while walk.step < max(self.step, self.since):
            walk.advance()
            highest = max(highest, walk.rise.high)
            if walk.step == self.step:
                check_met(walk.rise.low, self.height, self.step)
        return highest


class Loose(ValueError):
    """What a formula says to an upper end that it does not come down to."""


def check_formula(rise: int, upper: Fraction) -> None:
    """Loose unless the formula says that no rise is above `upper`."""
    if floor_of(upper) < rise:
        raise Loose(
            f"`upper` must be what the formula says at least, and that is {told(rise)}; give no less than that."
        )


def reach(optimizer: Part, since: int) -> int:
    """No rise after so many steps is higher, in units of 1/ONE; ValueError where no bound is known."""
    return REACHES[optimizer.kind](optimizer, since)


def _one_step(optimizer: Part, since: int) -> int:
    return optimizer.interval("learning_rate").high


def _of_heavy_ball(optimizer: Part, since: int) -> int:
    return _overshoot(optimizer, Interval(2 * ONE, 2 * ONE), optimizer.interval("momentum"))


def _of_nesterov(optimizer: Part, since: int) -> int:
    return _overshoot(optimizer, 2 * optimizer.interval("momentum"), optimizer.interval("momentum"))


def _of_adam(optimizer: Part, since: int) -> int:
    _check_decay(optimizer)
    return _overshoot(optimizer, Interval(2 * ONE, 2 * ONE), optimizer.interval("b1"))


def _of_lion(optimizer: Part, since: int) -> int:
    _check_decay(optimizer)
    b1, b2 = optimizer.interval("b1").high, optimizer.interval("b2").high
    number = last_for_which(lambda j: 2 * b1 * power(Interval(b2, b2), j - 1).high >= ONE * ONE)
    return optimizer.interval("learning_rate").high * (1 + number)


def _of_adagrad(optimizer: Part, since: int) -> int:
    square = optimizer.interval("initial_accumulator_value") + (since + 1)
    return (optimizer.interval("learning_rate") / (square + optimizer.interval("eps")).root()).high


def _of_rmsprop(optimizer: Part, since: int) -> int:
    """The square is 1 + b^t (initial scale - 1) after t steps."""
    forgotten = power(optimizer.interval("decay"), since + 1)
    square = (1 + forgotten * (optimizer.interval("initial_scale") - 1)).low
    least = Interval(min(square, ONE), min(square, ONE)) + optimizer.interval("eps")
    return (optimizer.interval("learning_rate") / least.root()).high


REACHES: dict[str, Callable[[Part, int], int]] = {
    "GradientDescent": _one_step,
    "SignDescent": _one_step,
    "HeavyBall": _of_heavy_ball,
    "Nesterov": _of_nesterov,
    "Adam": _of_adam,
    "AdamW": _of_adam,
    "Lion": _of_lion,
    "Adagrad": _of_adagrad,
    "RMSprop": _of_rmsprop,
}

LOOKING = ("Adagrad", "RMSprop")
"""Whose formula looks at the state."""


def _check_decay(optimizer: Part) -> None:
    """ValueError where weight decay may throw a place to the other side of the origin."""
    if "weight_decay" in optimizer.numbers and optimizer["learning_rate"].high * optimizer["weight_decay"].high > 1:
        raise ValueError(
            "`weight_decay` must be at most 1 / learning_rate, and it is not; no closed bound is known then."
        )


def _overshoot(optimizer: Part, pull: Interval, decay: Interval) -> int:
    """s (1 + sum over j >= 1 of max(0, pull b^j - 1))."""
    if decay.high >= ONE:
        raise ValueError("`optimizer` must have a decay that differs from 1 by more than 1e-96; give a smaller one.")
    rate, momentum = optimizer["learning_rate"], optimizer.numbers.get("momentum")
    longest = rate.high / (1 - momentum.high if momentum is not None else 1 + optimizer["eps"].low)
    return (Interval.around(longest, longest) * (Interval(0, carried(pull, decay)) + 1)).high
