"""Sets of places just beyond a valley: cells by how far beyond it they lie and by one number of the state, each with one box."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.balls import is_float
from hillopt.proofs.intervals import Interval, hull, is_interval, where


class Cells(NamedTuple):
    """How many divide a section, by place and by the key."""

    phases: int
    parts: int


class Section(NamedTuple):
    """Boxes of places on one side of the valley; some hold nothing."""

    holds: Bool[Array, " cell"]
    place: PyTree
    """Intervals of (position, state), which have an axis of cells."""


def pulls_of(optimizer: AbstractOptimizer, place: PyTree, seen: PyTree) -> list[Array]:
    """How much of a step each number of the state decides, as much as it was seen to vary; -1 for what cannot be a key."""
    position, state = place
    leaves, structure = jax.tree.flatten(state)
    floats = [is_float(leaf) for leaf in leaves]

    def moved(numbers: list[Array]) -> Array:
        given = iter(numbers)
        whole = [next(given) if real else leaf for leaf, real in zip(leaves, floats, strict=True)]
        return optimizer.step(jnp.ones_like(position), jax.tree.unflatten(structure, whole), position)[0]

    slopes = iter(jax.grad(moved)([leaf for leaf, real in zip(leaves, floats, strict=True) if real]))
    found = []
    for each, real in zip(jax.tree.leaves(seen, is_leaf=is_interval), floats, strict=True):
        pull = jnp.full_like(position, -1)
        slope = next(slopes) if real else None
        if slope is not None and slope.size == 1:
            pull = jnp.nan_to_num(jnp.abs(slope * (each.high - each.low)).reshape(()))
        found.append(pull)
    return found


def key_of(pulls: list[Array], like: PyTree) -> PyTree:
    """For each leaf of a state, whether it is the key: the one that pulls most."""
    chosen = jnp.argmax(jnp.stack(pulls))
    structure = jax.tree.structure(like, is_leaf=is_interval)
    return jax.tree.unflatten(structure, [chosen == index for index in range(len(pulls))])


def sorted_into(cells: Cells, is_key: PyTree, found: Section) -> Section:
    """Boxes in cells, which divide evenly what places and keys the boxes have: each cell's hull of all that reaches into it."""
    position, state = found.place
    phases = _cells(_hull_of_row(found.holds, position), cells.phases)
    clipped, reaches = _clipped(position, Interval(*(jnp.repeat(end, cells.parts) for end in phases)))
    reaches &= found.holds[:, None]

    def of_state(each: Interval, is_key: Array) -> tuple[Interval, Array]:
        whole = Interval(*(end[:, None] for end in each))
        if not is_float(each.low) or each.low[0].size != 1:
            return whole, jnp.ones_like(reaches)
        row = Interval(*(end.reshape(-1) for end in each))
        parts = _cells(_hull_of_row(found.holds, row), cells.parts)
        of_key, inside = _clipped(each, Interval(*(jnp.tile(end, cells.phases) for end in parts)))
        return where(is_key, of_key, whole), inside | ~is_key

    leaves, structure = jax.tree.flatten(state, is_leaf=is_interval)
    pairs = [of_state(each, here) for each, here in zip(leaves, jax.tree.leaves(is_key), strict=True)]
    for _, inside in pairs:
        reaches &= inside
    place = (clipped, jax.tree.unflatten(structure, [each for each, _ in pairs]))
    place = jax.tree.map(lambda each: _hull(reaches, each), place, is_leaf=is_interval)
    return Section(jnp.any(reaches, 0), place)


def _hull_of_row(holds: Array, each: Interval) -> Interval:
    low, high = jnp.where(holds, each.low, jnp.inf), jnp.where(holds, each.high, -jnp.inf)
    return Interval(jnp.min(low), jnp.max(high))


def _cells(hull: Interval, number: int) -> Interval:
    """So many that divide an interval; the first and the last one have no end.

    What has no upper end is divided in proportion to its size.
    """
    share = jnp.arange(1, number, dtype=hull.low.dtype) / number
    wide = jnp.where(jnp.isinf(hull.high), (1 + jnp.abs(hull.low)) / (1 - share), hull.high - hull.low)
    inner = jnp.nan_to_num(hull.low + wide * share)
    return Interval(jnp.append(-jnp.inf, inner), jnp.append(inner, jnp.inf))


def _clipped(each: Interval, within: Interval) -> tuple[Interval, Array]:
    """Each box's part of each cell, and whether there is one."""
    rank = (1,) * (each.low.ndim - 1)
    low = jnp.maximum(each.low[:, None], within.low.reshape(-1, *rank))
    high = jnp.minimum(each.high[:, None], within.high.reshape(-1, *rank))
    return Interval(low, high), (low <= high).reshape(low.shape[0], -1)


def _hull(counts: Array, each: Interval) -> Interval:
    """Along the first axis, of the boxes that count in each cell; where none does, something or other."""
    shape = (*counts.shape, *each.low.shape[2:])
    counts = counts.reshape(*counts.shape, *(1,) * (len(shape) - 2))
    low, high = (jnp.broadcast_to(end, shape) for end in each)
    if low.dtype == jnp.bool_:
        return Interval(jnp.all(low | ~counts, 0), jnp.any(high & counts, 0))
    most = jnp.asarray(jnp.inf if is_float(low) else jnp.iinfo(low.dtype).max, low.dtype)
    found = Interval(jnp.min(jnp.where(counts, low, most), 0), jnp.max(jnp.where(counts, high, -most), 0))
    return where(jnp.any(counts, 0), found, Interval(low[0], low[0]))


def hull_of_all(section: Section) -> PyTree:
    """One box, as the only one along the axis of cells, that holds all boxes."""
    counts = section.holds[:, None]
    alone = lambda each: Interval(*(end[:, None] for end in each))  # noqa: E731
    return jax.tree.map(lambda each: _hull(counts, alone(each)), section.place, is_leaf=is_interval)


def joined(one: Section, other: Section) -> Section:
    """The hull of two boxes, either of which may hold nothing."""

    def of_leaf(a: Interval, b: Interval) -> Interval:
        return where(one.holds & other.holds, hull(a, b), where(other.holds, b, a))

    return Section(one.holds | other.holds, jax.tree.map(of_leaf, one.place, other.place, is_leaf=is_interval))


def boxes_within(inner: PyTree, outer: PyTree) -> Bool[Array, " cell"]:
    """Whether each box lies in another one."""

    def of_leaf(a: Interval, b: Interval) -> Array:
        inside = (b.low <= a.low) & (a.high <= b.high)
        return jnp.all(inside.reshape(inside.shape[0], -1), 1)

    leaves = jax.tree.leaves(jax.tree.map(of_leaf, inner, outer, is_leaf=is_interval))
    return jnp.all(jnp.stack(leaves), 0)
