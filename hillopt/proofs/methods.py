"""All ways to prove that a walk is trapped."""

import jax

from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import (
    alternation,
    averages,
    cells,
    contractions,
    crossings,
    half_turns,
    overshoots,
    returns,
    sites,
    swings,
    tubes,
    wakes,
)
from hillopt.proofs.trapping import Method

METHODS = (
    Method(overshoots.bound_by_overshoot, overshoots.serves),
    Method(alternation.bound_by_alternation, alternation.serves),
    Method(averages.bound_by_averages, averages.serves),
    Method(tubes.bound_by_tube, tubes.serves, since=32, at_once=64),
    Method(cells.bound_by_cells, cells.serves, at_once=64),
    Method(returns.bound_by_returns, returns.serves, since=64, again=4),
    Method(half_turns.bound_by_half_turns, half_turns.serves, since=64, again=4),
    Method(sites.bound_by_sites, sites.serves, since=32, at_once=64),
    Method(crossings.bound_by_crossings, crossings.serves, since=64, again=16, at_once=8, is_costly=True),
    Method(
        contractions.bound_by_contraction,
        contractions.serves,
        since=256,
        again=8,
        at_once=8,
        is_costly=True,
        is_closest=True,
    ),
    Method(wakes.bound_by_wake, wakes.serves, since=256, again=8, at_once=1, is_costly=True, is_closest=True),
    Method(swings.bound_by_swings, swings.serves, since=256, again=8, at_once=1, is_costly=True),
    Method(swings.bound_by_finer_swings, swings.serves_finer, since=2_048, again=16, at_once=1, is_costly=True),
    Method(
        swings.bound_by_swings_of_memories, swings.serves_memories, since=2_048, again=16, at_once=1, is_costly=True
    ),
)
"""In the order in which they are asked: a lane that one has proved costs the later ones nothing."""


def methods_for(hill: AbstractHill, optimizer: AbstractOptimizer, costly: bool) -> tuple[Method, ...]:
    """Those that may prove something of one lane's hill and optimizer."""
    hill, optimizer = jax.tree.map(jax.typeof, (hill, optimizer))
    asked = (method for method in METHODS if costly or not method.is_costly)
    return tuple(method for method in asked if method.serves(hill, optimizer))
