"""Intervals: all numbers from a low to a high end. What is known of a number that is not known, however wide.

Balls follow one walk and the rounding around it; intervals hold whole sets of walks. Floats, whole numbers and booleans alike: a
boolean from False to True is undecided. Ends are drawn outwards by what their own rounding may have lost, so an interval holds
the results of exact arithmetic for all that its arguments hold.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from hillopt.proofs.balls import Ball, is_ball, is_float, lower_end, tiny, ulps, upper_end


class Interval(NamedTuple):
    """The numbers from `low` to `high`; where both are the very same object, the number is exact."""

    low: Any
    high: Any


class Chosen(Interval):
    """The greater or the lesser of two intervals, which it remembers until it is moved about.

    Derivatives ask which of two numbers is the greater by comparing both with that. The two compare where they lie apart; each
    compared with the hull of both never would.
    """

    among: tuple[Interval, Interval]
    name: str
    """max or min."""


def chosen_among(interval: Interval, among: Sequence[Interval], name: str) -> Chosen:
    """The interval as one that was chosen."""
    one, other = among
    found = Chosen(*interval)
    found.among, found.name = (one, other), name
    return found


def is_interval(leaf: Any) -> bool:
    """Tell an interval from its ends when walking a pytree."""
    return isinstance(leaf, Interval)


def exactly(value: Any) -> Interval:
    """The interval of one number."""
    return Interval(value, value)


def is_exact(interval: Interval) -> bool:
    """Whether it is known while tracing that the interval holds one number only."""
    return interval.low is interval.high


def as_intervals(tree: Any) -> Any:
    """Intervals of balls, of numbers that are exact, and of intervals, anywhere in a pytree."""
    return jax.tree.map(_as_interval, tree, is_leaf=lambda leaf: is_ball(leaf) or is_interval(leaf))


def _as_interval(leaf: Any) -> Interval:
    if is_interval(leaf):
        return leaf
    if not is_ball(leaf) or leaf.radius is None:
        return exactly(leaf.midpoint if is_ball(leaf) else leaf)
    return Interval(lower_end(leaf), upper_end(leaf))


def with_two_ends(tree: Any) -> Any:
    """The intervals with ends of their own, also where a number is exact, so that a loop may carry them."""
    return jax.tree.map(lambda each: Interval(*map(jnp.asarray, each)), tree, is_leaf=is_interval)


def hull(one: Any, other: Any) -> Any:
    """The least intervals that hold both, leaf by leaf."""

    def of_leaf(one: Interval, other: Interval) -> Interval:
        return Interval(jnp.minimum(one.low, other.low), jnp.maximum(one.high, other.high))

    return jax.tree.map(of_leaf, one, other, is_leaf=is_interval)


def is_inside(inner: Any, outer: Any) -> Any:
    """Whether every interval of one pytree lies within that of the other: a boolean of one lane."""

    def of_leaf(inner: Interval, outer: Interval) -> Any:
        return jnp.all((outer.low <= inner.low) & (inner.high <= outer.high))

    inside = jax.tree.map(of_leaf, inner, outer, is_leaf=is_interval)
    return jnp.all(jnp.asarray(jax.tree.leaves(inside)))


def whole_like(value: Any) -> Interval:
    """Any number of the value's type."""
    dtype, low, high = jnp.result_type(value), -jnp.inf, jnp.inf
    if dtype == jnp.bool_:
        low, high = False, True
    elif jnp.issubdtype(dtype, jnp.integer):
        low, high = jnp.iinfo(dtype).min, jnp.iinfo(dtype).max
    elif not jnp.issubdtype(dtype, jnp.floating):
        return exactly(value)  # keys, and what else has no order
    return Interval(jnp.full_like(value, low), jnp.full_like(value, high))


def where(condition: Any, one: Interval, other: Interval) -> Interval:
    """One interval or the other, by a condition that is known."""
    return Interval(jnp.where(condition, one.low, other.low), jnp.where(condition, one.high, other.high))


def outward(low: Any, high: Any, charge: Any = 1, least: Any = -jnp.inf, most: Any = jnp.inf) -> Interval:
    """Ends that were computed with an error of at most `charge` / 2 eps each and the flush of a subnormal number to zero.

    Exact results are known to lie between `least` and `most`. NaN says that nothing is known, and an end that has overflowed to
    the wrong side is the largest number.
    """
    lower, upper = jnp.maximum(-_raised(-low, charge), least), jnp.minimum(_raised(high, charge), most)
    lost, largest = jnp.isnan(low) | jnp.isnan(high), jnp.finfo(lower.dtype).max
    lower = jnp.where(lost, -jnp.inf, jnp.minimum(lower, largest))
    return Interval(lower, jnp.where(lost, jnp.inf, jnp.maximum(upper, -largest)))


def _raised(end: Any, charge: Any) -> Any:
    """One eps is at least the step from a number to the next: by such a step an end is raised that has lost half of one."""
    end = jnp.asarray(end)
    return end + (ulps(end, charge) + tiny(end))


def ball_of(interval: Interval) -> Ball:
    """A ball that holds the interval, for what is known of balls only."""
    low, high = interval
    if is_exact(interval) or not is_float(low):
        return Ball(low)
    known = jnp.isfinite(low) & jnp.isfinite(high)
    middle = jnp.where(known, low / 2 + high / 2, 0)
    radius = jnp.maximum(high - middle, middle - low)
    return Ball(middle, jnp.where(low == high, 0, jnp.where(known, radius + ulps(radius, 2) + tiny(radius), jnp.inf)))
