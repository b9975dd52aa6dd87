"""Closed bound of all swings to come, for walks with a long memory.

On slopes of size one the memory m becomes decay m + (1 - decay) s at a slope s, and a step moves the rise by
-spacing f ((1 - w) s + w m), m before the step, with w = weight (1 - decay) / spacing and a factor f >= 1 that only falls
(the bias correction; else 1). Let r = w / decay <= 1.

- A swing up begins with the step that crosses the valley, after which m = -p. It has moved up by spacing f U(p),
  U(p) = 1 - r + r p, and step j uphill moves by spacing f (r decay^j (1 + p) - 1) more. So it peaks at most
  spacing f S(p) above the valley, S(p) = U(p) + the sum of max(0, r decay^j (1 + p) - 1) over j >= 1.
- The swing is over with the first step, n, that is not above the valley. Before it, k = n - 1 steps uphill have left the walk
  above: with y = decay^k (1 + p) and F >= f at the crossing,
      H(y, p) = U(p) + r decay (1 + p - y) / (1 - decay) - log((1 + p) / y) / log(1 / decay) + (F - 1) S(p) > 0,
  where steps down are counted with f = 1. H rises with y below 1. In p it is convex; where U(p) = 0, 1 + p = 2 - 1/r, it is
  not positive, if y is no greater than that. So where H(y, p) <= 0, y <= min(1, 2 - 1/r), every swing with momentum up to p
  ends with more than that y, and the momentum with which it crosses the valley downwards, 1 - decay^n (1 + p) = 1 - decay y,
  is less than g(p) = 1 - decay y.
- Swings down are swings up in a mirror. So if g(g(p)) <= p, no later momentum uphill exceeds p, and no later rise spacing F S(p).
"""

import functools
import math
from fractions import Fraction

from hillopt.exact.numbers import power_down, power_up, product_up, rounded_down, rounded_up

PARTS = 16
"""Of a step, to which the end of a swing is located: four square roots."""
HALVINGS = 20
CLOSE = 100
"""Bits to which a power is good at the least."""


class Swings:
    """The swings of a walk, `share` is r: momenta and bounds are multiples of 2^-bits, bounds count in spacings."""

    def __init__(self, decay: Fraction, share: Fraction, bits: int) -> None:
        self._bits, self._one = bits, 1 << bits
        self._decay = rounded_down(decay, bits), rounded_up(decay, bits)
        self._share = rounded_down(share, bits), rounded_up(share, bits)
        self._gain = rounded_up(share * decay / (1 - decay), bits)
        self._first = rounded_up(1 - share, bits)
        self._ceiling = rounded_down(min(Fraction(1), 2 - 1 / share), bits)
        self._floats = float(decay), float(share), -math.log(decay)
        root = self._decay[0]
        for _ in range(PARTS.bit_length() - 1):
            root = math.isqrt(root << bits)
        self._root = root

    @functools.cached_property
    def steady(self) -> float:
        """The least momentum, about, that swings do not exceed once they are below it, where biases are none."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._guess_after(self._guess_after(middle)) < middle else (middle, high)
        return high * (1 + 2.0**-HALVINGS)

    def may_bound(self, momentum: float, factor: float, enough: float) -> bool:
        """Whether the bound of what comes after a momentum is no more than enough, about."""
        if factor * self._guess_peak(momentum) > enough:  # what takes least is looked at first
            return False
        most = max(momentum, self.steady)
        if factor * self._guess_peak(most) > enough:
            return False
        return self._guess_after(self._guess_after(most, factor), factor) <= most  # else momenta may grow again

    def bound(self, momentum: int, factor: int) -> int | None:
        """No later rise exceeds so many spacings after an uphill crossing with at most this momentum and factor.

        None where momenta may grow again. Both ends of the crossing's rounding are in: the arguments are upper ends.
        """
        most = max(momentum, math.ceil(self.steady * self._one))
        down = self._after(most, factor)
        again = None if down is None else self._after(down, factor)
        peak = self.peak(most)
        if again is None or again > most or peak is None:
            return None
        return product_up(factor, peak, self._bits)

    def peak(self, momentum: int) -> int | None:
        """S at least; None where it is too close to a tie."""
        bits, one = self._bits, self._one
        _, share, log = self._floats
        height, about = one + momentum, share * (1 + momentum / one)
        steps = math.floor(math.log(about) / log) if about > 1 else 0
        last = (self._share[0] * ((power_down(self._decay[0], steps, bits) * height) >> bits)) >> bits
        following = product_up(
            self._share[1], product_up(power_up(self._decay[1], steps + 1, bits), height, bits), bits
        )
        if (steps and last < one) or following > one:
            return None
        rest = one - power_down(self._decay[0], steps, bits)
        gained = product_up(product_up(self._gain, height, bits), rest, bits)
        return self._first + product_up(self._share[1], momentum, bits) + gained - steps * one

    def _after(self, momentum: int, factor: int) -> int | None:
        """g at least: the greatest momentum at the swing's end."""
        bits, one = self._bits, self._one
        peak = self.peak(momentum)
        if peak is None:
            return None
        steps = math.ceil(PARTS * self._guess_end(momentum / one, factor / one))
        power = power_down(self._root, steps, bits)
        gained = product_up(product_up(self._gain, one + momentum, bits), one - power, bits)
        crossing = self._first + product_up(self._share[1], momentum, bits)
        left = crossing + gained - (steps * one) // PARTS + product_up(factor - one, peak, bits)
        end = (power * (one + momentum)) >> bits
        if left > 0 or end + (end >> CLOSE) > self._ceiling:
            return None
        return one - ((self._decay[0] * end) >> bits) + 1

    def _guess_after(self, momentum: float, factor: float = 1.0) -> float:
        decay, _, log = self._floats
        parts = math.ceil(PARTS * self._guess_end(momentum, factor))
        return 1 - decay * math.exp(-log * parts / PARTS) * (1 + momentum)

    def _guess_peak(self, momentum: float) -> float:
        _, share, log = self._floats
        start, height = 1 - share + share * momentum, share * (1 + momentum)
        if height <= 1:
            return start
        steps = math.floor(math.log(height) / log)
        return start - height * math.expm1(-log * steps) / math.expm1(log) - steps

    def _guess_end(self, momentum: float, factor: float) -> float:
        """Steps after which H is 0, and a little more, by Newton's method, which comes down from the right."""
        _, share, log = self._floats
        start = 1 - share + share * momentum
        gain = share * (1 + momentum) / math.expm1(log)
        if factor > 1:
            start += (factor - 1) * self._guess_peak(momentum)
        steps = start + gain
        for _ in range(60):
            power = math.exp(-log * steps)
            slope = gain * log * power - 1
            if slope >= 0:
                break
            closer = steps - (start - gain * math.expm1(-log * steps) - steps) / slope
            if not closer < steps:
                break
            steps = closer
        return steps * (1 + 1e-12) + 1e-9
