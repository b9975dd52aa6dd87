"""From an answer to the certificate that proves it: of several kinds the first that checks."""

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from hillopt.certificates.closed_bound import LOOKING, ClosedBound, Loose, reach
from hillopt.certificates.contract import AbstractCertificate, check_parts
from hillopt.certificates.grounds import ground_of
from hillopt.certificates.intervals import ONE, floor_of
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk, serves
from hillopt.certificates.parts import HILLS, OPTIMIZERS, Part
from hillopt.certificates.passage import Passage
from hillopt.certificates.recurrence import NoReturn, Recurrence, Turn
from hillopt.certificates.swing_bound import SWINGING, SwingBound, Swings
from hillopt.certificates.trapping_region import region_certificate
from hillopt.certificates.walk import Walk

FIRST_WINDOW = 32
CLOSE = Fraction(1, 2**50)  # as near as the ends of a height are looked for
ESCAPED, TRAPPED = 1, 2  # as answers tell verdicts
AS_TYPED, CERTIFIED = 2, 3  # and certainties
LATER_CROSSINGS = 3
MOMENTUM_BITS = 40  # of a momentum that is looked for
KEPT = 96  # bits of a number that is found here


class NoClaim(ValueError):
    """What an answer leaves open, so that there is nothing to certify."""


class Uncovered(ValueError):
    """What an answer claims on grounds that no certificate knows."""


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


def answered(answer: Mapping[str, float]) -> Claim:
    """The claim that an answer makes. Raises NoClaim where it bounds nothing."""
    if not (math.isfinite(answer["upper"]) and math.isfinite(answer["error"])):
        raise NoClaim("`upper` must be finite for a certificate, and no bound of this walk is known; allow more steps.")
    if answer["critical_height"] < 0:
        raise NoClaim("`critical_height` must be beyond the valley, and the walk has not reached it; allow more steps.")
    least = Fraction(answer["critical_height"]) - Fraction(answer["error"])
    steps = {name: int(answer[name]) for name in ("step", "period", "num_steps")}
    return Claim(least, upper=Fraction(answer["upper"]), **steps)


def height_certificate(hill: Part, optimizer: Part, claim: Claim) -> AbstractCertificate:
    """The certificate of a critical height, checked. Raises ValueError, saying what is wanting, where none of them proves it."""
    refusals = []
    for certificate in _candidates(hill, optimizer, claim):
        try:
            certificate.check()
        except NoReturn:
            raise  # whatever else may prove the ends, the period is claimed too
        except ValueError as error:
            refusals.append(error)
        else:
            return certificate
    if not serves(optimizer) and isinstance(refusals[-1], Loose):
        raise Uncovered(
            f"`upper` of {optimizer.kind} is below what its formula says, and no other certificate is known."
        )
    raise refusals[0]


def _candidates(hill: Part, optimizer: Part, claim: Claim) -> Iterator[AbstractCertificate]:
    what = hill, optimizer, claim.height, claim.step, claim.upper
    foot = Lattice(optimizer).foot(claim.step) if serves(optimizer) else None
    if foot is not None and claim.period:
        yield Recurrence(*what, foot, max(claim.num_steps, claim.step), claim.period)
    yield ClosedBound(*what, claim.num_steps if optimizer.kind in LOOKING else 0)
    if foot is not None and optimizer.kind in SWINGING:
        yield from _swings(hill, optimizer, LatticeWalk(Lattice(optimizer), foot), claim)


def _swings(hill: Part, optimizer: Part, walk: LatticeWalk, claim: Claim) -> Iterator[SwingBound]:
    """At crossings from early ones on, which are soon checked, with the greatest momentum that leads no higher."""
    foot = walk.step
    for crossing in _crossings(walk, claim):
        momentum = _momentum(crossing, claim.upper)
        yield SwingBound(hill, optimizer, claim.height, claim.step, claim.upper, foot, crossing.step, momentum)


def _crossings(walk: LatticeWalk, claim: Claim) -> Iterator[LatticeWalk]:
    """The walk at its uphill crossings 1, 2, 4, 8, ... since it was highest, and at some after the steps that were followed."""
    met = later = 0
    with contextlib.suppress(ValueError):  # as long as it is certain
        while later < LATER_CROSSINGS and walk.step < 2 * claim.num_steps + FIRST_WINDOW:
            walk.advance()
            if walk.has_crossed() and walk.step >= claim.step:
                met, later = met + 1, later + (walk.step > claim.num_steps)
                if later or met & (met - 1) == 0:
                    yield copy.copy(walk)


def _momentum(walk: LatticeWalk, upper: Fraction) -> Fraction:
    """The greatest of a crossing that leads no higher than `upper`."""
    top, low, high = floor_of(upper), 0, 2**MOMENTUM_BITS
    while high - low > 1:
        middle = (low + high) // 2
        climb = Swings(walk, Fraction(middle, 2**MOMENTUM_BITS)).climb
        low, high = (middle, high) if (climb * walk.lattice.spacing).high <= top else (low, middle)
    return Fraction(low, 2**MOMENTUM_BITS)


def searched(optimizer: Part, max_steps: int) -> Claim:
    """The critical height of a walk on the tent, found here and now. Raises ValueError where its numbers leave it open."""
    if not serves(optimizer):
        return _searched_plainly(optimizer, max_steps)
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
    return Claim(_kept(lattice.rise(best[0]).low, down=True), best[1], _kept(upper), period, walk.step)


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


def certificate_of(hill: Part, optimizer: Part, answer: Mapping[str, float], max_steps: int) -> AbstractCertificate:
    """The certificate of an answer of `critical_height` or `escape`, fields by name. Raises ValueError where it proves nothing."""
    if not (hill.kind in HILLS and optimizer.kind in OPTIMIZERS):
        stranger = hill.kind if hill.kind not in HILLS else optimizer.kind
        raise Uncovered(f"`{stranger}` has no certificates; known are {', '.join(sorted({*HILLS, *OPTIMIZERS}))}.")
    if answer["certainty"] not in (AS_TYPED, CERTIFIED):
        raise NoClaim(
            "`certainty` must be certified for a certificate, and rounding decides here, or no proof was attempted; take numbers "
            "as typed, or move them a little."
        )
    if "critical_height" in answer:
        return height_certificate(hill, optimizer, answered(answer))
    if answer["verdict"] == ESCAPED:
        return _checked(Passage(hill, optimizer, int(answer["step"])))
    if answer["verdict"] == TRAPPED:
        return trapped_certificate(hill, optimizer, max_steps)
    raise NoClaim("`verdict` must be escaped or trapped for a certificate, and is neither; allow more steps.")


def found_certificate(hill: Part, optimizer: Part, max_steps: int) -> AbstractCertificate:
    """The certificate of a setting that nobody has answered yet. Raises ValueError where nothing is proved."""
    check_parts(Passage(hill, optimizer, 1))
    if hill.kind == "TentHill" and "height" not in hill.numbers:
        return height_certificate(hill, optimizer, searched(optimizer, max_steps))
    step = escaping_step(hill, optimizer, max_steps)
    return trapped_certificate(hill, optimizer, max_steps) if step is None else _checked(Passage(hill, optimizer, step))


def trapped_certificate(hill: Part, optimizer: Part, max_steps: int) -> AbstractCertificate:
    """The certificate that a hill is never escaped. Raises ValueError where none is found."""
    if hill.kind == "TentHill":
        return height_certificate(hill, optimizer, searched(optimizer, max_steps))
    if optimizer.kind != "GradientDescent":
        raise Uncovered(
            f"`optimizer` {optimizer.kind} has no certificate of being trapped on {hill.kind}; none is known."
        )
    return region_certificate(hill, optimizer, max_steps)


def _checked(certificate: AbstractCertificate) -> AbstractCertificate:
    certificate.check()
    return certificate


def _kept(number: int, down: bool = False) -> Fraction:
    """A number in units of 1/ONE to fewer digits, moved outwards."""
    kept = number * 2**KEPT // ONE
    return Fraction(kept - 1 if down else kept + 2, 2**KEPT)
