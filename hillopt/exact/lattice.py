"""Lattice walks (`hillopt.proofs.lattice`) in as many digits as it takes, of one setting whose numbers are rational.

Everything is a whole multiple of 2^-bits. A rise that lies farther from its tie than `doubt`, a bound of all that rounding
down has done since the start, is above or below it for certain. One that does not is made once more, in rational arithmetic:
it is a tie, on which the slope is -1, or the walk begins anew with more digits.

The proofs are those of `hillopt.climbs.lattice`, a walk that is back and must come back for ever, and of `hillopt.exact.swings`.
"""

from fractions import Fraction
from typing import NamedTuple

from hillopt.exact.bounds import doubt_of, reach_of_lattice, swings_of
from hillopt.exact.numbers import power_down, power_up, product_up, quotient_up, rounded_down
from hillopt.exact.reals import MoreDigitsError
from hillopt.exact.record import ExactWalk
from hillopt.exact.swings import Swings
from hillopt.exact.ties import drive_after, rise_after, rise_downhill
from hillopt.proofs import Lattice

DIGITS = (160, 512, 1024, 4096)
"""Bits behind the point, one number after the other until every decision is certain."""
MOST_STEPS = 2**18
"""Beyond the valley: what is asked to go further stays open."""
CLOSER = 0.9
"""A bound that is met by no rise yet is worth its digits if it is so much less than the last one."""
SETTLED = 60
"""An upper end within 2^-60 of the height is as good as met."""
FIRST_WINDOW = 32
PATIENT = 256
"""Steps that a walk is given to show its period once it is known that it will rise no higher."""


def walk_lattice(lattice: Lattice, max_steps: int, target: Fraction | None) -> ExactWalk | None:
    """Walk until the rise meets the target or is known for good, or to max_steps; None where that takes too much effort."""
    for bits in DIGITS:
        try:
            return _Walk(lattice, max_steps, target, bits).walked()
        except MoreDigitsError:
            continue
    return None


class _Checkpoint(NamedTuple):
    """Where a turn began that may come back."""

    step: int
    site: int
    memory: int
    drift: int
    """How far the shift can still move from here on, at most."""


class _Walk:
    """One walk with so many bits."""

    def __init__(self, lattice: Lattice, max_steps: int, target: Fraction | None, bits: int) -> None:
        self.lattice, self.bits, self.one, self.max_steps = lattice, bits, 1 << bits, max_steps
        self.spacing, self.weight = rounded_down(lattice.spacing, bits), rounded_down(lattice.weight, bits)
        self.decay, self.target = rounded_down(lattice.decay, bits), target
        self.unsure = 4 * max_steps
        self.doubt = doubt_of(lattice, max_steps)
        if self.doubt.bit_length() > bits - SETTLED:
            raise MoreDigitsError
        self.swings = swings_of(lattice, bits)
        self.rise_moves = lattice.bias_corrected or lattice.weight != 0  # else its site alone tells it, exactly
        self.slopes: list[int] = []
        self.foot, self.end = 0, max_steps
        self.height, self.step, self.period, self.proved = -self.one, 0, 0, False
        self.passage = None if target is None else 0
        self.drive_margin = 0
        self.close = 2 * self.doubt + (self.one >> SETTLED)
        self.upper = product_up(self.spacing + 1, reach_of_lattice(lattice, self.swings, bits), bits)

    def walked(self) -> ExactWalk | None:
        """To the valley in closed form, and on step by step."""
        self.foot = self._first_beyond()
        step = min(self.foot, self.max_steps)
        power = power_down(self.decay, step, self.bits)
        rise = self._downhill(step)
        self.height, self.step = rise, step
        end = self._walk_on(rise, power) if self.foot <= self.max_steps else step
        if end is None:
            return None
        upper = max(self.upper, self.height) + self.doubt
        one = self.one
        return ExactWalk(
            highest=Fraction(self.height, one),
            error=Fraction(self.doubt, one),
            step=self.step,
            upper=Fraction(upper, one),
            proved=self.proved,
            period=self.period,
            num_steps=end,
            passage=self.passage,
        )

    def _first_beyond(self) -> int:
        """The first step beyond the valley, or one that is not taken any more; the rise downhill grows with every step."""
        lattice = self.lattice
        if lattice.bias_corrected or lattice.weight == 0:
            return int(1 / lattice.spacing) + 1
        low, high = 0, self.max_steps + 1
        while high - low > 1:
            middle = (low + high) // 2
            rise = self._downhill(middle)
            if abs(rise) <= self.doubt:
                rise = self._surely(rise_downhill(lattice, middle))
            low, high = (low, middle) if rise > 0 else (middle, high)
        return high

    def _downhill(self, steps: int) -> int:
        spaced = self.spacing * steps - self.one
        if self.lattice.bias_corrected:
            return spaced
        return spaced - ((self.weight * (self.one - power_down(self.decay, steps, self.bits))) >> self.bits)

    def _surely(self, number: Fraction | None) -> int:
        """The sign of what rational arithmetic says of a number near a tie: 0 is one."""
        if number is None or (number != 0 and abs(number) * self.one <= self.doubt):
            raise MoreDigitsError
        return (number > 0) - (number < 0)

    def _walk_on(self, rise: int, power: int) -> int | None:
        """Step by step from the foot on; where the walk was left, or None where that takes too much effort."""
        # One loop over plain integers, whose names are looked up once, and in which whatever is seldom stands behind one
        # comparison: a step takes less than a microsecond.
        bits, one, doubt = self.bits, self.one, self.doubt
        decay, spacing, weight = self.decay, self.spacing, self.weight
        is_corrected, is_drawn = self.lattice.bias_corrected, self.lattice.interpolation is not None
        complement, last = one - decay, self.foot + MOST_STEPS
        memory = power - one
        site, shift = 0, 0
        along = rise - ((weight * memory) >> bits)  # the rise but for memory and shift
        step, margin, before, renewal = self.foot, one, -1, self.foot
        checkpoint, stop = _Checkpoint(step, site, memory, 0), step  # renewed at once
        slopes, highest, peak, turned = self.slopes, -one, -one, False
        while True:
            if rise > doubt:
                slope, size = 1, rise
            elif rise < -doubt:
                slope, size = -1, -rise
            else:
                if self.end < self.max_steps:
                    return step
                slope = 1 if self._surely(rise_after(self.lattice, self.foot, slopes, site)) > 0 else -1
                size = abs(rise)
            has_news = rise > highest
            if has_news:
                highest = self.height = rise
                self.step = step
            if self.target is not None and self._passes(self.target, rise, step, site):
                return step
            if slope > before and self.swings is not None and self.upper > self.height + self.close:
                self._see_swing(self.swings, memory, power)
                has_news = True
            before = slope
            if site == checkpoint.site and not turned and step > checkpoint.step:
                turned = self._see_return(checkpoint, step, memory, margin, peak)
                has_news |= turned
            if has_news:
                self._see_end(step)
                stop = min(self.end, last, renewal)
            if step >= stop:
                if step >= self.end:
                    return step
                if step == last:
                    return None
                drift = self._drift(power) if is_corrected else 0
                checkpoint, margin, peak, turned = _Checkpoint(step, site, memory, drift), one << bits, -one, False
                self.drive_margin = one
                renewal = step + max(FIRST_WINDOW, (step - self.foot) // 4)
                stop = min(self.end, last, renewal)
            if size < margin:
                margin = size
            if rise > peak:
                peak = rise
            move = self._direction(memory, slope) if is_drawn else slope
            site -= move
            along -= move * spacing
            memory = ((decay * memory) >> bits) + (complement if slope > 0 else -complement)
            if is_corrected and power:
                power = (decay * power) >> bits
                shift -= (spacing * ((memory * power) // (one - power))) >> bits
            rise = along + ((weight * memory) >> bits) + shift
            slopes.append(slope)
            step += 1

    def _direction(self, memory: int, slope: int) -> int:
        """The sign of memory and slope, interpolated."""
        share = rounded_down(self.lattice.interpolation, self.bits)
        drive = ((share * memory) >> self.bits) + slope * (self.one - share)
        self.drive_margin = min(self.drive_margin, abs(drive))
        if abs(drive) > self.unsure + 4:
            return 1 if drive > 0 else -1
        return self._surely(drive_after(self.lattice, self.foot, self.slopes, slope))

    def _passes(self, target: Fraction, rise: int, step: int, site: int) -> bool:
        """Whether the target is met."""
        above = rise - rounded_down(target, self.bits)
        if abs(above) <= self.doubt + 1:
            exactly = rise_after(self.lattice, self.foot, self.slopes, site)
            above = self._surely(None if exactly is None else exactly - target)
        self.passage = step if above >= 0 else 0
        return above >= 0

    def _see_swing(self, swings: Swings, memory: int, power: int) -> None:
        """Bound what comes after a step that has crossed the valley uphill."""
        momentum, one = self.unsure - memory, self.one
        factor = quotient_up(one, one - power - self.unsure, self.bits) if self.lattice.bias_corrected else one
        enough = max(self.height / one * (1 + 1e-9), CLOSER * self.upper / one) / (self.spacing / one)
        if not swings.may_bound(momentum / one, factor / one, enough):
            return
        bound = swings.bound(momentum, factor)
        if bound is not None:
            self._see_bound(product_up(self.spacing + 1, bound, self.bits))

    def _see_bound(self, bound: int) -> None:
        self.upper = min(self.upper, bound)
        self.proved |= bound <= self.height + self.close

    def _see_return(self, checkpoint: _Checkpoint, step: int, memory: int, margin: int, peak: int) -> bool:
        """Whether a walk that is back where it was must come back for ever; then its upper end is noted."""
        bits, one = self.bits, self.one
        if self.decay == 0 and memory == checkpoint.memory:  # the very same state: nothing moves at all
            self._come_back(step - checkpoint.step, peak)
            return True
        moved = abs(memory - checkpoint.memory) + 2 * self.unsure
        free = margin - self.doubt - checkpoint.drift
        if self.rise_moves and (free <= 0 or free * one <= self.weight * moved):
            return False
        left = one - power_up(self.decay + 1, step - checkpoint.step, bits)
        if self.rise_moves and free * left <= (self.weight + 1) * moved:
            return False
        if self.lattice.interpolation is not None and (self.drive_margin - self.unsure - 4) * left <= one * moved:
            return False
        self._come_back(step - checkpoint.step, peak + (self.weight + 1) * moved // left + 1 + checkpoint.drift)
        return True

    def _come_back(self, period: int, highest: int) -> None:
        self.upper = min(self.upper, max(self.height, highest))
        self.period, self.proved = period, True

    def _drift(self, power: int) -> int:
        """How far the shift can still move, at most: spacing times the sum of p / (1 - p), p = power decay^s, s = 1, 2, ..."""
        most, one, bits = power + self.unsure, self.one, self.bits
        complement = one - self.decay - 1
        total = quotient_up(product_up(most, self.decay + 1, bits), complement, bits)
        return product_up(self.spacing + 1, quotient_up(total, one - most, bits), bits)

    def _see_end(self, step: int) -> None:
        """Whether all is known: nothing, or no more than a little, is left between the height and the upper end."""
        if self.upper <= self.height + self.close:
            self.proved, self.end = True, min(self.end, step if self.period else step + PATIENT)
        if self.target is not None and self.upper + self.doubt < rounded_down(self.target, self.bits):
            self.end = step
