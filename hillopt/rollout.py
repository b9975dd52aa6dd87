"""One walk, step by step: every position, and the optimizer's state with it."""

import functools
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.blocks import as_lanes, common_shape
from hillopt.landscapes import AbstractHill, check_height
from hillopt.optimizers import AbstractOptimizer, as_arrays


class Trajectory(NamedTuple):
    """A walk of n steps; axis 0 is time, with n + 1 entries from the start on."""

    position: Float[Array, "time ..."]
    slope: Float[Array, "time ..."]
    """The slope at each position: what the next step is made from."""
    state: Any
    """The optimizer's state at each position, as a pytree of arrays."""


def trajectory(hill: AbstractHill, optimizer: AbstractOptimizer, *, num_steps: int) -> Trajectory:
    """Walk `num_steps` steps on the hill at its height, as the optimizer's own update has them.

    This is the plain definition: floating-point steps in the hyperparameters' dtype, without any help against rounding.
    Array hyperparameters and heights broadcast; `position` has shape [num_steps + 1, *broadcast]. Raises ValueError for
    hyperparameters out of range or num_steps < 1.
    """
    optimizer.check()
    hill = check_height(hill)
    return _trajectory(hill, as_arrays(optimizer), num_steps=check_steps(num_steps, "num_steps"))


@functools.partial(jax.jit, static_argnames="num_steps")
def _trajectory(hill: AbstractHill, optimizer: AbstractOptimizer, num_steps: int) -> Trajectory:
    shape = common_shape((hill, optimizer))
    dtype = jnp.result_type(*jax.tree.leaves(optimizer))
    flat = as_lanes((hill, optimizer), shape, dtype)
    walks = jax.vmap(functools.partial(_walk, num_steps=num_steps), out_axes=1)(*flat)
    return jax.tree.map(lambda leaf: leaf.reshape(num_steps + 1, *shape, *leaf.shape[2:]), walks)


def _walk(hill: AbstractHill, optimizer: AbstractOptimizer, num_steps: int) -> Trajectory:
    def take_step(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], Trajectory]:
        position, state = carry
        slope = hill.slope(position)
        return optimizer.facing(hill.value).step(slope, state, position), Trajectory(position, slope, state)

    start = jnp.asarray(hill.start, jax.tree.leaves(optimizer)[0].dtype)
    return jax.lax.scan(take_step, (start, optimizer.init(start)), length=num_steps + 1)[1]


def check_steps(number: Any, name: str) -> Any:
    """The number of steps, traced or not; ValueError unless it is an integer from 1 to 2^31 - 1."""
    if isinstance(number, jax.core.Tracer):
        return number
    try:
        steps = operator.index(number)
    except TypeError as error:
        raise ValueError(f"`{name}` must be an integer, got {number!r}.") from error
    if not 1 <= steps < 2**31:
        raise ValueError(f"`{name}` must lie between 1 and 2147483647, got {steps}; give the walk at least one step.")
    return steps
