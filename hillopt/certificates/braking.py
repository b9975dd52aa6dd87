"""How far a memory still carries a walk while the ground brakes it."""

from collections.abc import Callable

from hillopt.certificates.intervals import ONE, Interval, geometric_sum, power


def carried(pull: Interval, decay: Interval) -> int:
    """No sum over j >= 1 of max(0, pull decay^j - 1) is greater, in units of 1/ONE; it grows with both."""
    base, most = Interval(decay.high, decay.high), Interval(pull.high, pull.high)
    last = last_for_which(lambda j: (most * power(base, j)).high > ONE)
    ends = most * power(base, last)
    total = most * (base * geometric_sum(base, last)) - last
    # Of the terms summed one at most is negative, and by no more than the width of its enclosure.
    return total.high + ends.high - ends.low


def last_for_which(holds: Callable[[int], bool]) -> int:
    """The last j >= 1 for which it holds, or 0; it holds up to there and not behind it."""
    if not holds(1):
        return 0
    low, high = 1, 2
    while holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
