"""From an answer to the certificate that proves it: of several kinds the first that checks."""

import contextlib
import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from hillopt.certificates.closed_bound import LOOKING, ClosedBound, Loose
from hillopt.certificates.contract import AbstractCertificate, check_parts
from hillopt.certificates.intervals import floor_of
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk, serves
from hillopt.certificates.parts import HILLS, OPTIMIZERS, Part
from hillopt.certificates.passage import Passage
from hillopt.certificates.recurrence import NoReturn, Recurrence
from hillopt.certificates.search import Claim, escaping_step, searched
from hillopt.certificates.swing_bound import SWINGING, SwingBound, Swings
from hillopt.certificates.trapping_region import region_certificate

ESCAPED, TRAPPED = 1, 2  # as answers tell verdicts
AS_TYPED, CERTIFIED = 2, 3  # and certainties
LATER_CROSSINGS, LATER_STEPS = 3, 32
LONGER = 4  # times the steps that were followed, to look for a period
MOMENTUM_BITS = 40  # of a momentum that is looked for


class NoClaim(ValueError):
    """What an answer leaves open, so that there is nothing to certify."""


class Uncovered(ValueError):
    """What an answer claims on grounds that no certificate knows."""


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
    has_others = optimizer.kind == "RMSprop" or not serves(optimizer)  # proofs, which no certificate knows
    if has_others and any(isinstance(error, Loose) for error in refusals):
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
    if foot is not None and not claim.period:
        for found in searched(optimizer, LONGER * claim.num_steps + LATER_STEPS):
            if found.period:  # which the answer did not need to know
                yield Recurrence(*what, foot, max(found.num_steps, claim.step), found.period)


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
        while later < LATER_CROSSINGS and walk.step < 2 * claim.num_steps + LATER_STEPS:
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
        return _of_first(hill, optimizer, searched(optimizer, max_steps))
    step = escaping_step(hill, optimizer, max_steps)
    return trapped_certificate(hill, optimizer, max_steps) if step is None else _checked(Passage(hill, optimizer, step))


def trapped_certificate(hill: Part, optimizer: Part, max_steps: int) -> AbstractCertificate:
    """The certificate that a hill is never escaped. Raises ValueError where none is found."""
    if hill.kind == "TentHill":
        return _of_first(hill, optimizer, searched(optimizer, max_steps))
    if optimizer.kind != "GradientDescent":
        raise Uncovered(
            f"`optimizer` {optimizer.kind} has no certificate of being trapped on {hill.kind}; none is known."
        )
    return region_certificate(hill, optimizer, max_steps)


def _of_first(hill: Part, optimizer: Part, claims: Iterable[Claim]) -> AbstractCertificate:
    """Of the first claim that has one."""
    refusals = []
    for claim in claims:
        try:
            return height_certificate(hill, optimizer, claim)
        except ValueError as error:
            refusals.append(error)
    raise refusals[-1]


def _checked(certificate: AbstractCertificate) -> AbstractCertificate:
    certificate.check()
    return certificate
