"""What may be said of a setting that nobody has answered yet: found by walking it, and proved elsewhere."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from hillopt.certificates.closed_bound import LOOKING, reach
from hillopt.certificates.grounds import ground_of
from hillopt.certificates.intervals import ONE
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk, serves
from hillopt.certificates.parts import Part
from hillopt.certificates.recurrence import Turn
from hillopt.certificates.swing_bound import SWINGING
from hillopt.certificates.walk import Walk

FIRST_WINDOW = 32
CLOSE = Fraction(1, 2**50)  # as near as the ends of a height are looked for
KEPT = 96  # bits of a number that is found here


class Claim(NamedTuple):
    """What is said of the critical height of one setting."""

    height: Fraction
    """A walk did climb so high,"""
    step: int
    """at this step,"""
    upper: Fraction
    """and never climbs higher."""
    period: int
    """Steps after which it repeats; 0 where that is not known."""
    num_steps: int
    """How far it was followed."""


def searched(optimizer: Part, max_steps: int) -> Iterator[Claim]:
    """What may be said of the critical height of a walk on the tent, the most first. Raises ValueError where it is left open."""
    if not serves(optimizer):
        yield _searched_plainly(optimizer, max_steps)
        return
    lattice = Lattice(optimizer)
    foot = lattice.foot(max_steps)
    if foot is None:
        raise ValueError(f"`max_steps` must lead beyond the valley, and {max_steps} do not; allow more.")
    walk = LatticeWalk(lattice, foot)
    best, upper, period, window = (walk.place.low, foot), reach(optimizer, 0), 0, FIRST_WINDOW
    while walk.step + window <= max_steps and upper - lattice.rise(best[0]).low > CLOSE * ONE:
        turn = Turn(walk)
        for _ in range(window):
            turn.advance()
            best = max(best, (walk.place.low, walk.step), key=lambda met: met[0])
            if turn.returns():
                period, upper = turn.length, min(upper, lattice.rise(turn.highest).high)
                break
        window += window // 4
    found = Claim(_kept(lattice.rise(best[0]).low, down=True), best[1], _kept(upper), period, walk.step)
    if optimizer.kind in SWINGING and not period:
        yield found._replace(upper=_kept(lattice.rise(walk.highest).high))  # if no later swing is higher
    yield found


def _searched_plainly(optimizer: Part, max_steps: int) -> Claim:
    """Of steps that do not add up: the highest rise as far as the walk is certain, and the closed bound after it."""
    walk = Walk(ground_of(Part("TentHill", {})), optimizer)
    best, highest, bound = (walk.rise.low, 0), walk.rise.high, reach(optimizer, 0)
    with contextlib.suppress(ValueError):
        while walk.step < max_steps and bound > best[0]:
            walk.advance()
            best = max(best, (walk.rise.low, walk.step), key=lambda met: met[0])
            highest = max(highest, walk.rise.high)
            if optimizer.kind in LOOKING:
                bound = reach(optimizer, walk.step)
    return Claim(_kept(best[0], down=True), best[1], _kept(max(highest, bound)), 0, walk.step)


def escaping_step(hill: Part, optimizer: Part, max_steps: int) -> int | None:
    """The first step at or beyond the crest, as far as can be told; None if there is none up to `max_steps`."""
    ground = ground_of(hill)
    if hill.kind == "TentHill" and serves(optimizer):
        lattice, goal = Lattice(optimizer), ground.goal - ground.valley
        foot = lattice.foot(max_steps)
        walk = LatticeWalk(lattice, foot) if foot is not None else None
        while walk is not None and walk.step <= max_steps:
            if lattice.rise(walk.place.high).high >= goal.low:
                return walk.step
            walk.advance()
        return None
    plain = Walk(ground, optimizer)
    while plain.step < max_steps:
        plain.advance()
        if plain.place.high >= ground.goal.low:
            return plain.step
    return None


def _kept(number: int, down: bool = False) -> Fraction:
    """A number in units of 1/ONE to fewer digits, moved outwards."""
    kept = number * 2**KEPT // ONE
    return Fraction(kept - 1 if down else kept + 2, 2**KEPT)
