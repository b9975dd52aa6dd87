"""A walk that escapes."""

import dataclasses
from typing import ClassVar

from hillopt.certificates.contract import AbstractCertificate, check_parts, check_steps
from hillopt.certificates.grounds import Ground, ground_of
from hillopt.certificates.intervals import Interval
from hillopt.certificates.lattice_walk import Lattice, LatticeWalk, serves
from hillopt.certificates.parts import Part
from hillopt.certificates.walk import Walk


@dataclasses.dataclass(frozen=True)
class Passage(AbstractCertificate):
    """The walk is at the crest or beyond it at `step`, and at no step before: every slope on the way there is certain."""

    hill: Part
    optimizer: Part
    step: int
    """The first at or beyond the crest."""

    claim: ClassVar[str] = "the walk escapes"

    def check(self) -> None:
        check_parts(self)
        check_steps("step", self.step, 1)
        if self.hill.kind == "TentHill" and "height" not in self.hill.numbers:
            raise ValueError("`hill` must have a height, since nobody escapes from an endless flank; give one.")
        before, there, goal = self._ends()
        if before >= goal.low:
            raise ValueError(
                f"`step` must be the first at the crest, and one before {self.step} may be there; give that one."
            )
        if there < goal.high:
            raise ValueError(
                f"`step` must be at the crest or beyond it, and {self.step} may not be; give the one that is."
            )

    def _ends(self) -> tuple[int, int, Interval]:
        """The greatest place before the step, the least one at it, and the goal."""
        ground = ground_of(self.hill)
        if self.hill.kind == "TentHill" and serves(self.optimizer):
            return self._on_lattice(ground)
        walk = Walk(ground, self.optimizer)
        highest = walk.place.high
        while walk.step < self.step:
            highest = max(highest, walk.place.high)
            walk.advance()
        return highest, walk.place.low, ground.goal

    def _on_lattice(self, ground: Ground) -> tuple[int, int, Interval]:
        """Before its crest a tent is the endless flank."""
        lattice = Lattice(self.optimizer)
        walk = LatticeWalk(lattice, lattice.foot(self.step) or 0)
        highest = lattice.rise(lattice.ramp(walk.step - 1).high).high
        while walk.step < self.step:
            highest = max(highest, lattice.rise(walk.place.high).high)
            walk.advance()
        return highest, lattice.rise(walk.place.low).low, ground.goal - ground.valley
