"""Derivatives of answers: taken forwards along the walk, so that no loop need be reversed; and refused where there are none."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int8, PyTree

from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_dtype, in_shape
from hillopt.loops import repeated
from hillopt.optimizers import AbstractOptimizer
from hillopt.walk import Certainty, Place, move, set_out

SAME = 1e-6  # of a run: a plain walk that ends so far from the certified height took another branch
World = tuple[AbstractHill, AbstractOptimizer]


def forwards(function: Callable[..., tuple[Float[Array, ""], ...]]) -> Callable[..., tuple[Float[Array, ""], ...]]:
    """`function(numbers, *others)` of one setting, with its derivatives in a pytree of numbers taken forwards, one at a time.

    So reverse mode serves too, though a loop with so many steps as are asked for cannot be reversed.
    """

    @jax.custom_jvp
    def run(numbers: PyTree, *others: Any) -> tuple[Array, ...]:
        return function(numbers, *others)

    @run.defjvp
    def along(primals: tuple, tangents: tuple) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        outputs, slopes = _with_slopes(function)(*primals)
        return outputs, tuple(_change(of_one, tangents[0]) for of_one in slopes)

    return run


def _with_slopes(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """What a function gives, and its derivatives in its first argument, by one walk."""

    def twice(*arguments: Any) -> tuple[Any, Any]:
        found = function(*arguments)
        return found, found

    def run(*arguments: Any) -> tuple[Any, Any]:
        slopes, found = jax.jacfwd(twice, has_aux=True)(*arguments)
        return found, slopes

    return run


def _change(slopes: PyTree, moved: PyTree) -> Array:
    """By how much a result changes, to first order."""
    terms = [slope * jnp.asarray(by) for slope, by in zip(jax.tree.leaves(slopes), jax.tree.leaves(moved), strict=True)]
    return sum(terms[1:], terms[0])


def refusing(numbers: PyTree, sentence: str) -> PyTree:
    """The same numbers, on which no derivative may be taken: ValueError with the sentence."""

    @jax.custom_jvp
    def same(numbers: PyTree) -> PyTree:
        return numbers

    @same.defjvp
    def refuse(primals: tuple, tangents: tuple) -> tuple:
        raise ValueError(sentence)

    return same(numbers)


@jax.jit
def slopes_along(
    world: World, step: Int[Array, "..."], height: Float[Array, "..."], certainty: Int8[Array, "..."]
) -> tuple[World, Array]:
    """Derivatives of the rise at a step, in the place of the numbers and in the settings' shape: NaN at a jump, which is told.

    Between its jumps a critical height is a smooth function: the rise at one fixed step of a walk whose decisions do not change.
    """
    lanes = as_lanes(world, step.shape, common_dtype(world[1]))

    def rise_at(world: World, step: Array) -> Array:
        hill, optimizer = world

        def take_step(place: Place) -> Place:
            return move(hill, optimizer, *place)

        position, _ = repeated(take_step, step, set_out(hill, optimizer))
        return jnp.asarray(hill.rise(position))

    rise, slopes = in_shape(jax.vmap(_with_slopes(rise_at))(lanes, step.reshape(-1)), step.shape)
    at_jump = ~((certainty == Certainty.CERTIFIED) & (jnp.abs(rise - height) <= SAME))
    return jax.tree.map(lambda slope: jnp.where(at_jump, jnp.nan, slope), slopes), at_jump


@jax.custom_jvp
def with_slopes(
    ends: tuple[Array, Array, Array], step: Int[Array, "..."], certainty: Int8[Array, "..."], world: World
) -> tuple[Array, Array, Array]:
    """(critical height, upper end, error) as they are, with derivatives in the world's numbers: the first's are the slopes along
    its walk, NaN at jumps and where rounding decides; the others have none, NaN."""
    del step, certainty, world
    return ends


@with_slopes.defjvp
def _along_the_walk(primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    ends, step, certainty, world = primals
    slopes, _ = slopes_along(world, step, ends[0], certainty)
    change = _change(slopes, tangents[3])
    nowhere = np.nan * change
    return ends, (change, nowhere, nowhere)
