"""Cells: for an optimizer without a state, every set of places that steps lead to, cut into pieces of a window.

One step takes a cell to what an enclosure of the step says, which overlaps with some cells again. From the cells that hold the
walk, whatever can be reached is followed until nothing new comes; if none of it leaves the window, the walk stays there for ever.
Nothing is asked of the walk: it may be chaotic, and meet kinks and jumps of the slope (Hsu 1987, "Cell-to-Cell Mapping";
Dellnitz and Junge 2002 on such coverings of attractors).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import is_one_dimensional, lane_of, path, state_numbers
from hillopt.proofs.balls import Ball, lower_end, rounded, ulps, upper_end
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.intervals import Interval
from hillopt.proofs.trapping import Whereabouts

CELLS = 512
AT_ONCE = 64  # cells whose images are enclosed side by side
LOOKS_AHEAD = 1_024  # steps of the walk that say where the window is
MARGIN = 0.25  # of the window beyond them, in parts of what they span


def bound_by_cells(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by that of all cells within reach."""
    visited = path(lane_of(place), hill, optimizer, LOOKS_AHEAD)[:, 0]
    low, high = jnp.min(visited), jnp.max(visited)
    around = MARGIN * (high - low) + 2.0**-20 * (1 + jnp.abs(low))
    edges = jnp.linspace(low - around, high + around, CELLS + 1)
    images, rises = _images(hill, optimizer, place, edges)
    stays = (images.low >= edges[0]) & (images.high <= edges[-1])
    first = jnp.searchsorted(edges, images.low, side="right") - 1
    last = jnp.searchsorted(edges, images.high, side="left")
    begin = (edges[1:] >= lower_end(place.position)) & (edges[:-1] <= upper_end(place.position))
    is_in = (lower_end(place.position) >= edges[0]) & (upper_end(place.position) <= edges[-1])

    def spread(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        reached, _ = carry
        steps = jnp.zeros(CELLS + 1, jnp.int32).at[first].add(reached.astype(jnp.int32), mode="clip")
        steps = steps.at[last].add(-reached.astype(jnp.int32), mode="clip")
        after = reached | (jnp.cumsum(steps[:-1]) > 0)
        return after, jnp.any(after & ~reached) & jnp.all(stays | ~after)

    reached, _ = jax.lax.while_loop(lambda carry: carry[1], spread, spread((begin, is_in)))
    top = jnp.max(jnp.where(reached, rises, -jnp.inf))
    return jnp.where(is_in & jnp.all(stays | ~reached), top, jnp.inf)


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """In one dimension, where the place is all that there is."""
    return is_one_dimensional(hill) and not state_numbers(hill, optimizer)


def _images(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, edges: Float[Array, " edge"]
) -> tuple[Interval, Float[Array, " cell"]]:
    """Where a step takes every cell, and the greatest rise in it."""
    numbers = jax.tree.map(rounded, (hill, optimizer))
    step = lane_of(place).step

    def of_cell(ends: tuple[Array, Array]) -> tuple[Array, Array, Array]:
        cell = Interval(ends[0][None], ends[1][None])
        whole = enclosed(step)(*numbers, cell)
        middle = (cell.low + cell.high) / 2
        half = (cell.high - cell.low) / 2 + ulps(jnp.abs(cell.low) + jnp.abs(cell.high), 2)
        narrow = _by_mean_value(step, numbers, cell, middle, half)
        low, high = jnp.maximum(whole.low, narrow.low), jnp.minimum(whole.high, narrow.high)
        rise = enclosed(lambda hill, position: jnp.asarray(hill.rise(position)))(numbers[0], Interval(*ends))
        return low[0], high[0], rise.high

    low, high, rises = jax.lax.map(of_cell, (edges[:-1], edges[1:]), batch_size=AT_ONCE)
    return Interval(low, high), rises


def _by_mean_value(step: Callable, numbers: PyTree, cell: Interval, middle: Array, half: Array) -> Interval:
    """step(middle) + step'(cell) (cell - middle), which is narrow where a step draws together; where the step has a derivative."""
    _, in_doubt = bounded(step)(*numbers, Ball(middle, 2 * half))
    slope = enclosed(jax.jacfwd(step, 2))(*numbers, cell)
    at = enclosed(step)(*numbers, Interval(middle, middle))
    turn = jnp.maximum(jnp.abs(slope.low), jnp.abs(slope.high))[0] * half
    turn = jnp.where(in_doubt, jnp.inf, turn + ulps(turn, 4))
    return Interval(_down(at.low - turn), -_down(-(at.high + turn)))


def _down(end: Array) -> Array:
    return jnp.nextafter(end, -jnp.inf)
