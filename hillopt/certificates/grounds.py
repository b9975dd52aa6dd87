"""The grounds that walks are checked on: slopes that are rational in the place."""

from collections.abc import Sequence
from typing import NamedTuple

from hillopt.certificates.intervals import ONE, Interval, Open
from hillopt.certificates.parts import Part, Range, num_points


class Lines(NamedTuple):
    """Straight pieces, from kink to kink."""

    start: Interval
    valley: Interval
    goal: Interval
    """The place where a walk has escaped."""
    kinks: Sequence[Interval]
    slopes: Sequence[Interval]
    """One more than kinks."""
    keeps_left: bool
    """Whether the slope at the first kink is that of the piece to its left; at all others it is that to the right."""

    def slope(self, place: Interval) -> Interval:
        """The slope at a place; Open where it may lie on both sides of a kink."""
        for index, kink in enumerate(self.kinks):
            at_kink = self.keeps_left and index == 0
            if place.high < kink.low or (at_kink and place.high <= kink.low):
                return self.slopes[index]
            if not (place.low > kink.high or (not at_kink and place.low >= kink.high)):
                raise Open("it may be on both sides of a kink")
        return self.slopes[-1]

    def pieces(self, place: Interval) -> list[tuple[Interval, Interval]]:
        """The parts of an interval that may lie on one straight piece each, with their slopes."""
        found, lows = [], [None, *self.kinks]
        for low, high, slope in zip(lows, [*self.kinks, None], self.slopes, strict=True):
            least = place.low if low is None else max(place.low, low.low)
            greatest = place.high if high is None else min(place.high, high.high)
            if least <= greatest:
                found.append((Interval(least, greatest), slope))
        return found


class Quartic(NamedTuple):
    """The double well, height (x^2 - 1)^2."""

    height: Interval
    start: Interval = Interval(-3 * ONE // 2, -3 * ONE // 2)
    valley: Interval = Interval(-ONE, -ONE)
    goal: Interval = Interval(0, 0)

    def slope(self, place: Interval) -> Interval:
        """4 height x (x^2 - 1)."""
        return 4 * (self.height * (place * (place * place - 1)))

    def curvature(self, place: Interval) -> Interval:
        """4 height (3 x^2 - 1)."""
        return 4 * (self.height * (3 * (place * place) - 1))

    def descended(self, place: Interval, rate: Interval) -> Interval:
        """Where a step of gradient descent leads, by the mean value theorem: an interval that contracts is seen to."""
        middle = Interval((place.low + place.high) // 2, (place.low + place.high) // 2)
        spread = (1 - rate * self.curvature(place)) * (place - middle)
        return middle - rate * self.slope(middle) + spread


Ground = Lines | Quartic


def ground_of(hill: Part) -> Ground:
    """The ground of a hill that has been checked."""
    if hill.kind == "DoubleWell":
        return Quartic(hill.interval("height"))
    if hill.kind == "PiecewiseLinearHill":
        return _through(hill)
    one, zero = Interval(ONE, ONE), Interval(0, 0)
    if hill.kind == "TentHill":
        crest = one + hill.interval("height") if "height" in hill.numbers else None
        kinks, slopes = ([one], [-one, one]) if crest is None else ([one, crest], [-one, one, -one])
        return Lines(zero, one, Interval(ONE << 4096, ONE << 4096) if crest is None else crest, kinks, slopes, True)
    height, width, tail = hill["height"], hill["half_width"], hill.interval("tail_slope")
    crest, up = one + width.interval, Interval.around(height.low / width.high, height.high / width.low)
    return Lines(zero, one, crest, [one, crest], [-one, up, -tail], True)


def _through(hill: Part) -> Lines:
    """Behind the valley, the lowest point before the highest one behind it, the height stretches what lies above the valley."""
    x, y = ([hill[f"{name}_{index}"] for index in range(num_points(hill))] for name in "xy")
    valley, crest = max(
        ((i, j) for i in range(len(y)) for j in range(i + 1, len(y))), key=lambda pair: y[pair[1]].low - y[pair[0]].low
    )
    drawn, height = _minus(y[crest], y[valley]), hill["height"]
    if not drawn.low > 0:
        raise ValueError("`hill` must have a crest above its valley; give points that rise.")
    rise = Range(height.low / drawn.high, height.high / drawn.low)
    slopes = []
    for index in range(len(x) - 1):
        up, along = _minus(y[index + 1], y[index]), _minus(x[index + 1], x[index])
        if not along.interval.low > 0:
            raise ValueError("`hill` must have points that rise in x; sort them and leave out what stands twice.")
        rising = Interval.around(*up)
        stretched = rising * rise.interval if index >= valley else rising
        slopes.append(stretched / along.interval)
    return Lines(
        Interval(0, 0), x[valley].interval, x[crest].interval, [each.interval for each in x[1:-1]], slopes, False
    )


def _minus(a: Range, b: Range) -> Range:
    return Range(a.low - b.high, a.high - b.low)
