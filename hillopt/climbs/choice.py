"""Which climb serves."""

from collections.abc import Sequence

from hillopt.climbs.blocked import BlockedClimb
from hillopt.climbs.bounded import BoundedClimb
from hillopt.climbs.contract import AbstractClimb
from hillopt.climbs.lattice import LatticeClimb
from hillopt.climbs.pallas import PallasClimb
from hillopt.climbs.plain import PlainClimb
from hillopt.front_door import check_count, check_is
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer

PROVING = (LatticeClimb(), BoundedClimb())
"""With proofs: in exact coordinates where the optimizer has them, else with a running error bound."""
THOROUGH = (LatticeClimb(), BoundedClimb(thorough=True))
"""With all proofs that there are, however long they take."""
FAST = (PallasClimb(), BlockedClimb())
"""Without proofs, at full speed."""
CLIMBS: dict[str, tuple[AbstractClimb, ...]] = {
    "blocked": (BlockedClimb(),),
    "bounded": (BoundedClimb(),),
    "fast": FAST,
    "lattice": (LatticeClimb(),),
    "pallas": (PallasClimb(),),
    "plain": (PlainClimb(),),
    "proving": PROVING,
    "thorough": THOROUGH,
}
"""By the names that a command's flag takes."""


def as_climbs(climbs: AbstractClimb | Sequence[AbstractClimb]) -> AbstractClimb | tuple[AbstractClimb, ...]:
    """A climb, or several in an order that lasts; what is neither is left to `first_that_serves` to refuse."""
    return tuple(climbs) if isinstance(climbs, list) else climbs  # type: ignore[return-value]


def first_that_serves(
    climbs: AbstractClimb | Sequence[AbstractClimb], hill: AbstractHill, optimizer: AbstractOptimizer
) -> AbstractClimb:
    """The climb, or the first one of several, that can serve settings of these shapes; ValueError if none can."""
    if isinstance(climbs, str):
        _refuse_name(climbs)
    several: Sequence[object] = climbs if isinstance(climbs, (tuple, list)) else (climbs,)
    reasons = []
    for each in several:
        climb = check_is(each, AbstractClimb, "climb", "ho.BlockedClimb()")
        check_count(climb.block, "lanes", remedy="leave it out for a good number")
        reason = climb.why_not(hill, optimizer)
        if reason is None:
            return climb
        reasons.append(f"`climb={climb!r}` cannot serve: {reason}")
    raise ValueError(f"{'; '.join(reasons) or '`climb` names none'}; leave `climb` out, or take ho.BoundedClimb().")


def _refuse_name(name: str) -> None:
    known = {key: value for key, value in CLIMBS.items() if len(value) == 1}
    example = f"ho.{known[name][0]!r}" if name in known else "ho.BlockedClimb()"
    raise ValueError(f"`climb` must be a climb of hillopt, got {name!r}; write for example {example}.")
