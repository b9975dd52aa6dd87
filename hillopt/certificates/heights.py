"""What certificates of critical heights have in common: the rise that was met, and the one that is never passed."""

import dataclasses
from fractions import Fraction

from hillopt.certificates.contract import AbstractCertificate, check_parts
from hillopt.certificates.intervals import floor_of, told
from hillopt.certificates.lattice_walk import SERVED, LatticeWalk, serves
from hillopt.certificates.parts import Part


@dataclasses.dataclass(frozen=True)
class AbstractHeightCertificate(AbstractCertificate):
    """Of a critical height on the tent."""

    hill: Part
    optimizer: Part
    height: Fraction
    """A walk did climb so high."""
    step: int
    """When it did."""
    upper: Fraction
    """It never climbs higher."""

    def check(self) -> None:
        """What all of them claim; each kind goes on from here."""
        check_parts(self)
        check_tent(self.hill, self.upper)


def check_served(optimizer: Part) -> Part:
    """The optimizer; ValueError if its steps do not add up."""
    if not serves(optimizer):
        raise ValueError(
            f"`optimizer` must be one of {', '.join(SERVED)} without weight decay, got {optimizer.kind}; the steps of others "
            "do not add up."
        )
    return optimizer


def check_tent(hill: Part, upper: Fraction) -> None:
    """ValueError unless it is the tent, endless or higher than `upper`."""
    if hill.kind != "TentHill":
        raise ValueError(f"`hill` must be the TentHill for such a certificate, got {hill.kind}; take another kind.")
    if "height" in hill.numbers and not upper < hill["height"].low:
        raise ValueError(
            "`upper` must be below the height of `hill`, where walks are trapped, and is not; leave the height out."
        )


def check_height(walk: LatticeWalk, height: Fraction, step: int) -> None:
    """Walk to `step`; ValueError unless the rise there is at least `height`."""
    walk_to(walk, step)
    check_met(walk.lattice.rise(walk.place.low).low, height, step)


def walk_to(walk: LatticeWalk, step: int) -> None:
    """Go on up to a step."""
    while walk.step < step:
        walk.advance()


def check_met(rise: int, height: Fraction, step: int) -> None:
    """ValueError unless a rise, the least that it may be, is at least `height`."""
    if not floor_of(height) <= rise - 1:
        raise ValueError(
            f"`height` must be met at step {step}, and the rise there may be {told(rise)}; give no more than that."
        )


def check_upper(rise: int, upper: Fraction) -> None:
    """ValueError unless `upper` is at least a rise, the greatest that there may be."""
    if floor_of(upper) < rise:
        raise ValueError(f"`upper` must bound every rise, and some may come to {told(rise)}; give no less than that.")
