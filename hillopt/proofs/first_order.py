"""What the last digits of an optimizer's numbers do to any walk: to first order one number each, in common for all steps.

A running error bound adds up what an unknown digit does to each operation, as if it were another digit every time. The mean value
theorem does not: as long as every decision stays what it is, a number s of the walk is a differentiable function of the
hyperparameters p, and s(p) - s(p0) = s'(q) (p - p0) for some q between. So the walk of p0 is followed, which is known but for
rounding, and beside each number a ball that holds its derivatives for all p.

It serves optimizers whose step is known to have the derivative that JAX gives it: nothing in them stops a gradient.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from hillopt.optimizers import AdamW, Lion
from hillopt.proofs.balls import Ball, ball_radius, is_ball, is_float, midpoints, typed, with_radius
from hillopt.proofs.interpreter import bounded

Step = Callable[..., PyTree]
FOLLOWED = (AdamW, Lion)


class Followed(NamedTuple):
    """Numbers of a walk, as balls, in the order of their leaves."""

    centre: PyTree
    """Of the walk of the numbers as they are given: known but for rounding."""
    slopes: list[Ball]
    """Derivatives in the optimizer's numbers, of every leaf that is a float [number ...]."""


def followed(
    step: Step, optimizer: PyTree, others: PyTree, before: Followed
) -> tuple[PyTree, Followed, Bool[Array, ""]]:
    """Where `step(others, optimizer, place)` leads: balls of all that may come of it, the same as followed, and whether it is in
    doubt. Numbers of the optimizer are floats of a short format, `others` may be balls."""
    leaves, structure = jax.tree.flatten(optimizer)
    numbers = [typed(leaf) for leaf in leaves]
    exactly = jax.tree.unflatten(structure, midpoints(numbers))
    around = all_around(before, numbers)
    _, in_doubt = bounded(step)(others, jax.tree.unflatten(structure, numbers), around)
    centre, _ = bounded(step)(others, exactly, before.centre)

    def along(direction: Array, slopes: list[Ball]) -> tuple[list[Ball], Array]:
        def derivative(
            others: PyTree, optimizer: PyTree, place: PyTree, direction: Array, slopes: list[Array]
        ) -> list[Array]:
            floats, put = _floats(place)
            given = jax.tree.leaves(optimizer)
            moved = [direction[index] for index in range(len(given))]

            def result(given: list[Array], floats: list[Array]) -> list[Array]:
                return _floats(step(others, jax.tree.unflatten(structure, given), put(floats)))[0]

            return jax.jvp(result, (given, floats), (moved, slopes))[1]

        found, in_doubt = bounded(derivative)(others, jax.tree.unflatten(structure, numbers), around, direction, slopes)
        return [with_radius(ball) for ball in found], in_doubt

    slopes, unclear = jax.vmap(along)(jnp.eye(len(leaves), dtype=numbers[0].midpoint.dtype), before.slopes)
    after = Followed(jax.tree.map(with_radius, centre, is_leaf=is_ball), slopes)
    return all_around(after, numbers), after, in_doubt | jnp.any(unclear)


def at_rest(position: Array, optimizer: PyTree) -> Followed:
    """A position that depends on no number of the optimizer."""
    zeros = jnp.zeros((len(jax.tree.leaves(optimizer)), *position.shape), position.dtype)
    return Followed(Ball(position, jnp.zeros_like(position)), [Ball(zeros, zeros)])


def all_around(place: Followed, numbers: list[Ball]) -> PyTree:
    """Balls that hold a place for all numbers."""
    radius = jnp.stack([ball_radius(number) for number in numbers])
    slopes = iter(place.slopes)

    def of_leaf(leaf: Any) -> Any:
        if not is_ball(leaf):
            return leaf
        slope = next(slopes)
        most = jnp.abs(slope.midpoint) + slope.radius
        return Ball(leaf.midpoint, ball_radius(leaf) + jnp.tensordot(radius, most, 1) * (1 + 2.0**-40))

    return jax.tree.map(of_leaf, place.centre, is_leaf=is_ball)


def _floats(tree: PyTree) -> tuple[list[Array], Callable[[list[Array]], PyTree]]:
    """The leaves that are floats, and how others are put in their place."""
    leaves, structure = jax.tree.flatten(tree)

    def put(floats: list[Array]) -> PyTree:
        given = iter(floats)
        return jax.tree.unflatten(structure, [next(given) if is_float(leaf) else leaf for leaf in leaves])

    return [leaf for leaf in leaves if is_float(leaf)], put
