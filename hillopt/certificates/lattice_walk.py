"""Walks on the endless tent of the optimizers whose steps add up: exact places, counted in spacings.

The ground falls with slope -1 up to x = 1 and rises with slope +1 behind it; walks start at x = 0. Write g for the slopes met,
G for their sum, and T <- g + b T for their decaying sum. Summing T over time gives sum T = (G - b T) / (1 - b), and so

    heavy ball   x <- x - lr T              x = s (-G + b T)         s = lr / (1 - b)
    Nesterov     x <- x - lr (g + b T)      x = s (-G + b^2 T)       s = lr / (1 - b)
    Adam         x <- x - s (1-b) T / (1 - b^t)                      s = lr / (1 + eps)
                 x = s (-G + b T - sum_t (1-b) T_t b^t / (1 - b^t))
    Lion         x <- x - lr sign(b1 m + (1-b1) g),  m = (1-b2) T    x = -s D, D the sum of the signs, s = lr
    sign and gradient descent                                        x = -s G, s = lr
    RMSprop      x <- x - lr g / sqrt(v + eps)                       x = s (-G - sum_t g (f_t - 1)), s = lr / sqrt(1 + eps)

since Adam's second moment, corrected, is exactly 1 where every squared slope is, and RMSprop's v, 1 + decay^t (initial scale - 1),
tends to 1, and f_t = sqrt((1 + eps) / (v + eps)) with it. The valley lies at 1/s spacings. G and D are integers; T forgets, by the
factor b a step, whatever is not known of it.
"""

from fractions import Fraction
from typing import NamedTuple

from hillopt.certificates.intervals import ONE, Interval, geometric_sum, power
from hillopt.certificates.parts import Part, Range

DECAYS = {"HeavyBall": "momentum", "Nesterov": "momentum", "Adam": "b1", "Lion": "b2"}
LEADS = {"HeavyBall": 1, "Nesterov": 2, "Adam": 1}  # powers of the decay before T
LONGEST_RAMP = 1_000_000  # steps to the valley where there is no closed form
SERVED = ("GradientDescent", "SignDescent", "RMSprop", *DECAYS)


def serves(optimizer: Part) -> bool:
    """Whether an optimizer's steps add up: none does whose decay pulls at the place."""
    return optimizer.kind in SERVED and "weight_decay" not in optimizer.numbers


class Lattice:
    """An optimizer's numbers as its walk needs them."""

    def __init__(self, optimizer: Part) -> None:
        rate, name = optimizer["learning_rate"], optimizer.kind
        self.corrected, self.interpolated, self.lead = name == "Adam", name == "Lion", LEADS.get(name, 0)
        stretch = Range(Fraction(1), Fraction(1))
        if name in ("HeavyBall", "Nesterov"):
            stretch = Range(1 - optimizer["momentum"].high, 1 - optimizer["momentum"].low)
        if self.corrected:
            stretch = Range(1 + optimizer["eps"].low, 1 + optimizer["eps"].high)
        self.valley = Interval.around(stretch.low / rate.high, stretch.high / rate.low)
        """Its place, in spacings."""
        self.spacing = Interval.around(rate.low / stretch.high, rate.high / stretch.low)
        self.fading = Fading(optimizer) if name == "RMSprop" else None
        if self.fading is not None:
            self.valley, self.spacing = self.fading.last / rate.interval, rate.interval / self.fading.last
        self.decay = optimizer.interval(DECAYS[name]) if name in DECAYS else None
        if self.decay is not None and self.decay.high >= ONE:
            raise ValueError(f"`{DECAYS[name]}` must differ from 1 by more than 1e-110; give a smaller one.")
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
        if self.fading is not None:
            return self.fading.ramp(step)
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


class Fading:
    """RMSprop's steps, which tend to one spacing."""

    def __init__(self, optimizer: Part) -> None:
        self._decay, self._eps = optimizer.interval("decay"), optimizer.interval("eps")
        self._excess = optimizer.interval("initial_scale") - 1
        self.last = (1 + self._eps).root()
        """In units of which the last ones are lr."""
        self._power, self._ramp = Interval(ONE, ONE), [Interval(0, 0)]

    def length(self, power: Interval) -> Interval:
        """Of step t, in spacings, with decay^t."""
        return self.last / (1 + power * self._excess + self._eps).root()

    def after(self, power: Interval) -> Interval:
        """decay^(t + 1)"""
        return power * self._decay

    def power(self, step: int) -> Interval:
        """decay^step"""
        return power(self._decay, step)

    def ramp(self, step: int) -> Interval:
        """So many lengths, which are kept. Raises ValueError for more than anybody walks."""
        if step > LONGEST_RAMP:
            raise ValueError(
                f"`foot` must be at most {LONGEST_RAMP}, got {step}; RMSprop is walked there step by step."
            )
        while len(self._ramp) <= step:
            self._power = self.after(self._power)
            self._ramp.append(self._ramp[-1] + self.length(self._power))
        return self._ramp[step]


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
        if lattice.fading is not None:
            self.power, self.shift = lattice.fading.power(foot), here - foot
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
        if lattice.fading is not None:
            self.power = lattice.fading.after(self.power)
            self.shift = self.shift - (lattice.fading.length(self.power) - 1) * slope
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
        """b^t / (1 - b^t) at the next step, t: what a bias correction adds to it, as a share of (1-b) T; it falls to 0.

        Of RMSprop's steps f_t - 1 or 1 - f_t, which falls to 0 too.
        """
        if self.lattice.fading is not None:
            excess = self.lattice.fading.length(self.lattice.fading.after(self.power)) - 1
            return Interval(0, excess.size)
        if not self.lattice.corrected or self.lattice.decay is None:
            return Interval(0, 0)
        first = self.power * self.lattice.decay
        return first / (1 - first)

    def shift_left(self) -> int | None:
        """How far bias corrections can still move the place after this step, whatever slopes follow.

        |(1-b) T| <= 1, so they do by b^t / (1 - b^t) at most at the steps t to come, of which the first denominator is the least.
        None where that is not known.
        """
        if self.lattice.fading is not None:
            return None
        return 0 if self.lattice.rest is None else (self.correction() / self.lattice.rest).high
