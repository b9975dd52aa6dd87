"""How many steps settings get: all the same, or ever more for those that need them."""

import dataclasses
from collections.abc import Callable

import jax
import numpy as np

from hillopt.front_door import check_steps
from hillopt.lanes import num_blocks
from hillopt.sweeps.layout import Lanes
from hillopt.walk import Verdict

FIRST = 1_024


@dataclasses.dataclass(frozen=True)
class Doubling:
    """Begin with `first` steps, and double them for those settings that are still undecided, up to the question's max_steps."""

    first: int = FIRST

    def __post_init__(self) -> None:
        check_steps(self.first, "first")


def settle(
    answer: dict[str, np.ndarray],
    lanes: Lanes,
    walk: Callable[[Lanes, int], dict[str, jax.Array]],
    first: int,
    most: int,
    width: int,
) -> dict[str, np.ndarray]:
    """Double the steps for those settings that are undecided, until none is or `most` are reached.

    `answer` has the tile's rows and columns last; `lanes` are theirs, and `walk` takes [1, width] of them.
    """
    rows, columns = shape = answer["verdict"].shape
    flat = {name: field.reshape(*field.shape[:-2], -1).copy() for name, field in answer.items()}
    lanes = jax.tree.map(lambda leaf: np.broadcast_to(leaf[:rows, :columns], shape).reshape(-1), lanes)
    steps = first
    while steps < most and np.any(undecided := _undecided(flat)):
        steps = min(2 * steps, most)
        chosen = np.flatnonzero(undecided)
        for block in range(num_blocks(len(chosen), width)):
            some = chosen[block * width : (block + 1) * width]
            full = np.resize(some, (1, width))
            found = walk(jax.tree.map(lambda leaf, full=full: leaf[full], lanes), steps)
            for name, field in found.items():
                flat[name][..., some] = np.asarray(field)[..., 0, : len(some)]
    return {name: field.reshape(*field.shape[:-1], *shape) for name, field in flat.items()}


def _undecided(flat: dict[str, np.ndarray]) -> np.ndarray:
    """Settings of which something that is asked is open: also those whose bound is not yet close enough for a height."""
    found = flat["verdict"] == Verdict.UNDECIDED
    if "verdict_at_height" in flat:
        found |= np.any(flat["verdict_at_height"] == Verdict.UNDECIDED, axis=0)
    return found
