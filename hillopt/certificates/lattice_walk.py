"""Walks on the endless tent of the optimizers whose steps add up: exact places, counted in spacings.

The ground falls with slope -1 up to x = 1 and rises with slope +1 behind it; walks start at x = 0. Write g for the slopes met,
G for their sum, and T <- g + b T for their decaying sum. Summing T over time gives sum T = (G - b T) / (1 - b), and so

    heavy ball   x <- x - lr T              x = s (-G + b T)         s = lr / (1 - b)
    Nesterov     x <- x - lr (g + b T)      x = s (-G + b^2 T)       s = lr / (1 - b)
    Adam         x <- x - s (1-b) T / (1 - b^t)                      s = lr / (1 + eps)
                 x = s (-G + b T - sum_t (1-b) T_t b^t / (1 - b^t))
    Lion         x <- x - lr sign(b1 m + (1-b1) g),  m = (1-b2) T    x = -s D, D the sum of the signs, s = lr
    sign and gradient descent                                        x = -s G, s = lr

since Adam's second moment, corrected, is exactly 1 where every squared slope is. The valley lies at 1/s spacings. G and D are
integers; T forgets, by the factor b a step, whatever is not known of it.
"""

from typing import NamedTuple

from hillopt.certificates.intervals import ONE, Interval, geometric_sum, power
from hillopt.certificates.parts import Part, Range

DECAYS = {"HeavyBall": "momentum", "Nesterov": "momentum", "Adam": "b1", "Lion": "b2"}
LEADS = {"HeavyBall": 1, "Nesterov": 2, "Adam": 1}  # powers of the decay before T
SERVED = ("GradientDescent", "SignDescent", *DECAYS)


def serves(optimizer: Part) -> bool:
    """Whether an optimizer's steps add up: none does whose decay pulls at the place."""
    return optimizer.kind in SERVED and "weight_decay" not in optimizer.numbers


class Lattice:
    """An optimizer's numbers as its walk needs them."""

    def __init__(self, optimizer: Part) -> None:
        rate, name = optimizer["learning_rate"], optimizer.kind
        self.corrected, self.interpolated, self.lead = name == "Adam", name == "Lion", LEADS.get(name, 0)
        stretch = Range(rate.low - rate.low + 1, rate.low - rate.low + 1)
        if name in ("HeavyBall", "Nesterov"):
            stretch = Range(1 - optimizer["momentum"].high, 1 - optimizer["momentum"].low)
        if self.corrected:
            stretch = Range(1 + optimizer["eps"].low, 1 + optimizer["eps"].high)
        self.valley = Interval.around(stretch.low / rate.high, stretch.high / rate.low)
        """Its place, in spacings."""
        self.spacing = Interval.around(rate.low / stretch.high, rate.high / stretch.low)
        self.decay = optimizer.interval(DECAYS[name]) if name in DECAYS else None
        if self.decay is not None and self.decay.high >= ONE:
            raise ValueError(f"`{DECAYS[name]}` must differ from 1 by more than 1e-96; give a smaller one.")
        self.weight = power(self.decay, self.lead) if self.decay is not None else None
        """Of T in what decides: the place, or Lion's interpolation."""
        self.fresh = Interval(0, 0)
        """Of the slope in Lion's interpolation."""
        self.rest = 1 - self.decay if self.decay is not None else None
        if self.interpolated:
            self.fresh = 1 - optimizer.interval("b1")
            self.weight = optimizer.interval("b1") * (1 - optimizer.interval("b2"))

    def ramp(self, step: int) -> Interval:
        """The place after so many steps down from rest."""
        if self.decay is None or self.weight is None or self.corrected or self.interpolated:
            return Interval(0, 0) + step
        return step - self.weight * geometric_sum(self.decay, step)

    def rise(self, place: int) -> Interval:
        """The rise of a place, in units of 1/ONE, above the valley, in lengths of the run."""
        return Interval(place, place) * self.spacing - 1

    def foot(self, most: int) -> int | None:
        """The first step beyond the valley, as far as can be told; None if there is none up to `most`. Places only grow."""
        low, high = 0, 1
        while not self.ramp(high).low > self.valley.high:
            low, high = high, 2 * high
            if low > most:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.ramp(middle).low > self.valley.high else (middle, high)
        return high if high <= most else None


class Stand(NamedTuple):
    """Where a walk stands, to be compared with later."""

    site: int
    memory: Interval


class LatticeWalk:
    """A walk from its foot on, the first step beyond the valley, which is proved to be that.

    Raises ValueError where the numbers leave a slope, or the sign of a step, open.
    """

    def __init__(self, lattice: Lattice, foot: int) -> None:
        before, here = lattice.ramp(max(foot - 1, 0)), lattice.ramp(max(foot, 0))
        if foot < 1 or before.high > lattice.valley.low or here.low <= lattice.valley.high:
            raise ValueError(
                f"`foot` must be the first step beyond the valley for all numbers of `optimizer`, and {foot} may not be; mend it, "
                "or give them more narrowly."
            )
        self.lattice, self.step, self.site, self.place = lattice, foot, -foot, here
        self.memory = Interval(0, 0) if lattice.decay is None else -geometric_sum(lattice.decay, foot)
        self.power = self.shift = Interval(0, 0)
        if lattice.corrected and lattice.decay is not None and lattice.weight is not None:
            self.power, self.shift = power(lattice.decay, foot), -(lattice.weight * self.memory)
        self.last_slope, self.highest = -1, here.high
        """No place since the foot is higher."""

    def advance(self) -> None:
        """One step."""
        lattice, slope = self.lattice, self.slope()
        self.site += self._direction(slope)
        self.step, self.last_slope = self.step + 1, slope
        place = Interval(0, 0) - self.site
        if lattice.decay is not None and lattice.weight is not None and lattice.rest is not None:
            self.memory = lattice.decay * self.memory + slope
            if not lattice.interpolated:
                place = lattice.weight * self.memory - self.site
            if lattice.corrected:
                self.power = self.power * lattice.decay
                share = self.power / (1 - self.power)
                self.shift = self.shift - lattice.rest * (self.memory * share)
                place = place + self.shift
        self.place, self.highest = place, max(self.highest, place.high)

    def slope(self) -> int:
        """-1 up to the valley, 1 beyond it."""
        if self.place.low > self.lattice.valley.high:
            return 1
        if self.place.high <= self.lattice.valley.low:
            return -1
        raise ValueError(
            f"`optimizer` must decide every slope, and leaves that at step {self.step} open; narrow its numbers."
        )

    def has_crossed(self) -> bool:
        """Whether the last step has crossed the valley uphill."""
        return self.last_slope < 0 < self.slope()

    def _direction(self, slope: int) -> int:
        if not self.lattice.interpolated:
            return slope
        drive = self._drive(slope)
        if drive.low <= 0 <= drive.high:
            raise ValueError(
                f"`optimizer` must decide every sign, and leaves that at step {self.step} open; narrow its numbers."
            )
        return 1 if drive.low > 0 else -1

    def _drive(self, slope: int) -> Interval:
        assert self.lattice.weight is not None
        return self.lattice.weight * self.memory + self.lattice.fresh * slope

    def gap(self) -> int:
        """How far, at least, what decides here and may still move is from its tie."""
        if self.lattice.interpolated:
            drive = self._drive(self.slope())
            return max(drive.low, -drive.high)
        return max(self.place.low - self.lattice.valley.high, self.lattice.valley.low - self.place.high)

    def stand(self) -> Stand:
        """All that the future depends on, but for the bias correction."""
        return Stand(self.site, self.memory)

    def level(self) -> Interval:
        """The place without what bias corrections have moved it by."""
        return self.place - self.shift

    def correction(self) -> Interval:
        """b^t / (1 - b^t) at the next step, t: what a bias correction adds to it, as a share of (1-b) T; it falls to 0."""
        if not self.lattice.corrected or self.lattice.decay is None:
            return Interval(0, 0)
        first = self.power * self.lattice.decay
        return first / (1 - first)

    def shift_left(self) -> int:
        """How far bias corrections can still move the place after this step, whatever slopes follow.

        |(1-b) T| <= 1, so they do by b^t / (1 - b^t) at most at the steps t to come, of which the first denominator is the least.
        """
        return 0 if self.lattice.rest is None else (self.correction() / self.lattice.rest).high
