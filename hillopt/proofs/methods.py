"""All ways to prove that a walk is trapped."""

import jax

from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import cells, overshoots, swings, tubes
from hillopt.proofs.trapping import Method

METHODS = (
    Method(overshoots.bound_by_overshoot, overshoots.serves),
    Method(tubes.bound_by_tube, tubes.serves, since=32, at_once=64),
    Method(cells.bound_by_cells, cells.serves, at_once=64),
    Method(swings.bound_by_swings, swings.serves, since=256, again=16, at_once=1, at_most=2_048),
)
"""In the order in which they are asked: a lane that one has proved costs the later ones nothing."""


def methods_for(hill: AbstractHill, optimizer: AbstractOptimizer, num_lanes: int) -> tuple[Method, ...]:
    """Those that may prove something of so many lanes of one hill and optimizer, in good time."""
    hill, optimizer = jax.tree.map(jax.typeof, (hill, optimizer))
    in_time = (method for method in METHODS if method.at_most is None or num_lanes <= method.at_most)
    return tuple(method for method in in_time if method.serves(hill, optimizer))
