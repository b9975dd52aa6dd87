"""Optimizers that stand in for one whose memory would be too much for boxes of places: what it leaves out may be anything that it
ever comes to.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.dual_averages import Following, Lead, Madgrad, averaged, lead_of
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.intervals import Interval
from hillopt.proofs.means import AdEMAMix, greatest_slow, pulled, without_slow

VALLEY = 1.0


class StandIn(NamedTuple):
    """What is followed in place of a walk that was told."""

    numbers: PyTree
    """The optimizer's, as intervals."""
    optimizer: AbstractOptimizer
    """One of those that they hold, likely to walk as the one that was told."""
    place: PyTree
    """Where it is: position and state."""
    part: Callable[[PyTree], PyTree]
    """What it holds of intervals of a place."""


@functools.singledispatch
def stand_in(optimizer: AbstractOptimizer, numbers: PyTree, here: PyTree, place: PyTree) -> StandIn:
    """What stands in for an optimizer as told, of these intervals of numbers and of its place: itself, if nothing else does."""
    del here
    return StandIn(numbers, optimizer, place, lambda place: place)


@stand_in.register
def _for_ademamix(optimizer: AdEMAMix, numbers: PyTree, here: PyTree, place: PyTree) -> StandIn:
    """A pull in place of the slow mean."""

    def greatest(optimizer: AdEMAMix, position: Array, state: PyTree) -> Array:
        return greatest_slow(optimizer, state, position - VALLEY)

    def part(place: PyTree) -> PyTree:
        return place[0], without_slow(place[1])

    most = enclosed(greatest)(numbers, *here).high
    return StandIn(
        enclosed(pulled)(numbers, Interval(-most, most)), pulled(optimizer, place[1].slow), part(place), part
    )


@stand_in.register
def _for_madgrad(optimizer: Madgrad, numbers: PyTree, here: PyTree, place: PyTree) -> StandIn:
    """In place of sums that grow, how far the position is behind what it follows."""

    def lead(optimizer: Madgrad, position: Array, state: PyTree) -> Lead:
        return lead_of(optimizer, state, position - VALLEY)

    def behind(optimizer: Madgrad, position: Array, state: PyTree) -> Array:
        return averaged(optimizer, state) - position

    found, likely = enclosed(lead)(numbers, *here), lead(optimizer, *place)
    most, lengths = found.pull.high, Interval(found.shortest.low, found.longest.high)
    return StandIn(
        Following(numbers.momentum, lengths, Interval(-most, most)),
        Following(optimizer.momentum, likely.shortest, jnp.zeros_like(likely.shortest)),
        (place[0], behind(optimizer, *place)),
        lambda place: (place[0], enclosed(behind)(numbers, *place)),
    )
