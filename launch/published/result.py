"""What a published result is: numbers to compare, and a figure."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Check(NamedTuple):
    """A published number beside ours."""

    what: str
    published: float
    ours: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether ours is as near as it has to be."""
        return abs(self.ours - self.published) <= self.tolerance


class Found(NamedTuple):
    """What came of a result."""

    checks: list[Check]
    figure: "Figure | None"


@dataclasses.dataclass(frozen=True)
class Result:
    """A result of the literature that one call repeats."""

    name: str
    source: str
    arxiv: str
    """Its number there, or an empty text."""
    about: str
    run: Callable[[], Found] | None
    """None for what the library does not repeat by this command; `about` says where it is."""
