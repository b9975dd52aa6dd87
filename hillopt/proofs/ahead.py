"""A lane as proofs see it: its place as one vector, its step as a map of such vectors, and where the walk seems to go."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from hillopt.jaxprs import depends_on
from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.balls import is_float, midpoints, radii
from hillopt.proofs.trapping import Whereabouts
from hillopt.walk import move

Vector = Float[Array, " number"]


class Lane(NamedTuple):
    """The numbers of a place, position first, and what one step makes of them."""

    centre: Vector
    radius: Vector
    step: Callable[[AbstractHill, AbstractOptimizer, Vector], Vector]
    rise: Callable[[AbstractHill, Vector], Float[Array, ""]]


def lane_of(place: Whereabouts) -> Lane:
    """The lane at a place whose state is made of floats alone."""
    middle = midpoints(tuple(place))
    centre, unravel = ravel_pytree(middle)

    def step(hill: AbstractHill, optimizer: AbstractOptimizer, numbers: Vector) -> Vector:
        return ravel_pytree(move(hill, optimizer, *unravel(numbers)))[0]

    def rise(hill: AbstractHill, numbers: Vector) -> Float[Array, ""]:
        return jnp.asarray(hill.rise(unravel(numbers)[0]))

    return Lane(centre, ravel_pytree(radii(tuple(place)))[0], step, rise)


def path(lane: Lane, hill: AbstractHill, optimizer: AbstractOptimizer, num_steps: int) -> Float[Array, "time number"]:
    """Where the walk goes next in floating point: a guess that says where to look, and proves nothing."""

    def take_step(numbers: Vector, _: None) -> tuple[Vector, Vector]:
        after = lane.step(hill, optimizer, numbers)
        return after, after

    begin = varying_as_after(lambda numbers: lane.step(hill, optimizer, numbers), lane.centre)
    return jax.lax.scan(take_step, begin, length=num_steps)[1]


def is_one_dimensional(hill: AbstractHill) -> bool:
    """Whether positions are numbers."""
    return not isinstance(hill.start, tuple) and jnp.shape(hill.start) == ()


def state_numbers(hill: AbstractHill, optimizer: AbstractOptimizer) -> list[Any]:
    """The shapes and dtypes of what the optimizer remembers on the hill."""
    state = jax.eval_shape(lambda hill, optimizer: optimizer.init(jnp.asarray(hill.start)), hill, optimizer)
    return jax.tree.leaves(state)


def is_autonomous(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """Whether the state is made of floats alone: a count of steps never comes back."""
    return all(is_float(leaf) for leaf in state_numbers(hill, optimizer))


def decays(optimizer: AbstractOptimizer) -> bool:
    """Whether where a step leads changes with the position by another factor than 1, on a slope that does not.

    What asks for the elevation has none that does not.
    """
    if getattr(optimizer, "asks", ()):
        return False

    def by_numbers(optimizer: AbstractOptimizer) -> Array:
        place = jnp.ones((), float)
        step = lambda place: optimizer.step(jnp.ones_like(place), optimizer.init(place), place)[0]  # noqa: E731
        return jax.jvp(step, (place,), (place,))[1]

    numbers = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), optimizer)
    with jax.ensure_compile_time_eval():
        return depends_on(by_numbers, jax.tree.map(lambda leaf: jnp.ones(leaf.shape, leaf.dtype), numbers))


def is_curved(hill: AbstractHill) -> bool:
    """Whether the slope changes from place to place other than by jumps."""

    def of_shapes(hill: AbstractHill) -> bool:
        hill = jax.tree.map(lambda leaf: jnp.ones(leaf.shape, leaf.dtype), hill)
        place = jnp.asarray(hill.start, float)
        return depends_on(lambda turn: jax.jvp(hill.slope, (place,), (turn,))[1], jnp.ones_like(place))

    with jax.ensure_compile_time_eval():
        return of_shapes(hill)
