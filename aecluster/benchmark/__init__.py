"""Ways to cluster images side by side: the same images, the same scores, seed by seed, and what was published."""

from aecluster.benchmark.cells import Cell, Contest, measured
from aecluster.benchmark.contestants import CONTESTANTS, Contestant, contestant_named
from aecluster.benchmark.published import PUBLISHED, Published
from aecluster.benchmark.summary import HEADINGS, markdown, summaries, written

__all__ = [
    "CONTESTANTS",
    "HEADINGS",
    "PUBLISHED",
    "Cell",
    "Contest",
    "Contestant",
    "Published",
    "contestant_named",
    "markdown",
    "measured",
    "summaries",
    "written",
]
