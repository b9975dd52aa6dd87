"""Intervals that gradient descent never leaves."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar

from hillopt.certificates.contract import AbstractCertificate, check_parts, check_steps
from hillopt.certificates.grounds import Ground, Quartic, ground_of
from hillopt.certificates.intervals import ONE, Interval, floor_of
from hillopt.certificates.parts import Part, Range
from hillopt.certificates.walk import Walk

CUTS = 64  # of a piece on curved ground
GROWTH = 40  # bits: a share of its size by which a region is widened that is looked for
TRIES = 200
LONGEST_CYCLE = 500  # places of a region


@dataclasses.dataclass(frozen=True)
class TrappingRegion(AbstractCertificate):
    """The walk is before the crest up to `step`, where it is in one of the `pieces`, and gradient descent takes every piece into
    one of them: it is trapped.

    On straight ground the image of a piece is exact but for the ranges of the numbers; on curved ground it is enclosed by the
    mean value theorem, on parts of it.
    """

    hill: Part
    optimizer: Part
    step: int
    pieces: tuple[Range, ...]
    """Of places, before the crest."""

    claim: ClassVar[str] = "the walk stays in a region"

    def check(self) -> None:
        check_parts(self)
        check_steps("step", self.step, 0)
        ground, rate = ground_of(self.hill), _rate(self.optimizer)
        highest, place = _walked(Walk(ground, self.optimizer), self.step)
        if highest >= ground.goal.low:
            raise ValueError(
                f"`step` must come before any at the crest, and a walk may be there by step {self.step}; give an earlier one."
            )
        if not self._hold(place):
            raise ValueError(
                f"`pieces` must hold the walk at step {self.step}, and it may be at {place}; give the step of its entry."
            )
        for piece in self.pieces:
            if not (piece.low <= piece.high and piece.interval.high < ground.goal.low):
                raise ValueError(
                    f"`pieces` must be before the crest, from low to high, got {piece.interval}; leave it out."
                )
            for image in images(ground, rate, piece.interval):
                if not self._hold(image):
                    raise ValueError(
                        f"`pieces` must be mapped into themselves, and {piece.interval} goes to {image}; add that, or mend it."
                    )

    def _hold(self, place: Interval) -> bool:
        return any(_lies_in(place, _inside(piece)) for piece in self.pieces)


def _rate(optimizer: Part) -> Interval:
    if optimizer.kind != "GradientDescent":
        raise ValueError(
            f"`optimizer` must be GradientDescent in a region of places, got {optimizer.kind}; it remembers more."
        )
    return optimizer.interval("learning_rate")


def _walked(walk: Walk, step: int) -> tuple[int, Interval]:
    highest = walk.place.high
    while walk.step < step:
        walk.advance()
        highest = max(highest, walk.place.high)
    return highest, walk.place


def _inside(piece: Range) -> Interval:
    """What surely lies in it, in fixed point."""
    return Interval(
        -floor_of(-piece.low),
        floor_of(piece.high),
    )


def images(ground: Ground, rate: Interval, piece: Interval) -> Iterator[Interval]:
    """Where one step of gradient descent takes a piece."""
    if not isinstance(ground, Quartic):
        yield from (part - rate * slope for part, slope in ground.pieces(piece))
        return
    ends = [piece.low + (piece.high - piece.low) * cut // CUTS for cut in range(CUTS + 1)]
    for low, high in itertools.pairwise(ends):
        yield ground.descended(Interval(low, high), rate)


def region_certificate(hill: Part, optimizer: Part, max_steps: int) -> TrappingRegion:
    """A region that is found around the end of a walk, checked. Raises ValueError where none is found."""
    ground, rate = ground_of(hill), _rate(optimizer)
    visited = list(_places(Walk(ground, optimizer), max_steps))
    for entry, pieces in itertools.chain(_hulls(ground, rate, visited), _cycles(visited)):
        found = TrappingRegion(hill, optimizer, entry, pieces)
        found.check()
        return found
    raise ValueError(
        f"`max_steps` must lead into a region that is never left, and none is found after {max_steps}; allow more."
    )


Found = tuple[int, tuple[Range, ...]]
"""The step of the entry, and the pieces."""


def _hulls(ground: Ground, rate: Interval, visited: list[Interval]) -> Iterator[Found]:
    """Around the places visited last, widened until it holds its image."""
    late = visited[3 * len(visited) // 4 :]
    region = Interval(min(place.low for place in late), max(place.high for place in late))
    for _ in range(TRIES):
        image = list(images(ground, rate, region))
        hull = Interval(min(part.low for part in image), max(part.high for part in image))
        if _lies_in(hull, region):
            entry = next(step for step, place in enumerate(visited) if _lies_in(place, region))
            yield entry, (_range(region),)
            return
        region = region.hull(hull)
        margin = (region.high - region.low >> GROWTH) + 1
        region = Interval(region.low - margin, region.high + margin)
        if region.high >= ground.goal.low:
            return


def _cycles(visited: list[Interval]) -> Iterator[Found]:
    """The places of a walk that comes back to exactly where it was, if it does so soon."""
    met: dict[int, int] = {}
    for step, place in enumerate(visited):
        since = met.setdefault(place.low, step)
        if place.low < place.high or step - since > LONGEST_CYCLE:
            return
        if since < step:
            yield since, tuple(_range(one) for one in visited[since:step])
            return


def _range(interval: Interval) -> Range:
    return Range(Fraction(interval.low, ONE), Fraction(interval.high, ONE))


def _places(walk: Walk, max_steps: int) -> Iterator[Interval]:
    """Of a walk, as long as it is certain."""
    yield walk.place
    with contextlib.suppress(ValueError):
        while walk.step < max_steps:
            walk.advance()
            yield walk.place


def _lies_in(place: Interval, region: Interval) -> bool:
    return region.low <= place.low and place.high <= region.high
