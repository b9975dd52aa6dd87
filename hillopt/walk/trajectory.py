"""One walk, step by step: every position, and the optimizer's state with it."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from hillopt.front_door import check_hill, check_known, check_memory, check_optimizer, check_steps
from hillopt.landscapes import AbstractHill, AbstractLandscape, check_height
from hillopt.lanes import as_lanes, common_dtype, common_shape, cut_back, in_size_class
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import AbstractPytree
from hillopt.walk.move import Place, move, set_out


class Trajectory(AbstractPytree):
    """A walk of n steps; axis 0 is time, with n + 1 entries from the start on."""

    position: Float[Array, "time ..."]
    slope: Float[Array, "time ..."]
    """The slope at each position: what the next step is made from."""
    state: PyTree
    """The optimizer's state at each position, as a pytree of arrays."""


def trajectory(hill: AbstractLandscape, optimizer: AbstractOptimizer, *, max_steps: int) -> Trajectory:
    """Walk `max_steps` steps on a hill at its height, or on any landscape, as the optimizer's own update has them.

    This is the plain definition: floating-point steps in the hyperparameters' dtype, without any help against rounding.
    Array hyperparameters and heights broadcast; `position` has shape [max_steps + 1, *broadcast]. Runs inside jit, vmap and
    shard_map, and is differentiated by JAX forwards and in reverse. Raises ValueError for hyperparameters out of range or
    max_steps < 1, which must be known when it is traced.

    Examples:
        >>> walk = ho.trajectory(ho.TentHill(0.5), ho.Adam(0.3), max_steps=5)
        >>> print(walk.position.round(4))
        [0.     0.3    0.6    0.9    1.2    1.3535]
    """
    hill, numbers = check_hill(hill, AbstractLandscape), as_arrays(check_optimizer(optimizer))
    hill = check_height(hill) if isinstance(hill, AbstractHill) else hill
    check_known(max_steps, "max_steps", "since it is the answer's shape")
    length = check_steps(max_steps)
    one_step = jax.tree.leaves(jax.eval_shape(functools.partial(_trajectory, max_steps=1), hill, numbers))
    num_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in one_step) / 2 * (length + 1)
    check_memory(num_bytes, "max_steps", "walk fewer steps, or fewer settings at once")
    world, settings = in_size_class((hill, numbers))
    return cut_back(_trajectory(*world, max_steps=length), settings, axis=1)


@functools.partial(jax.jit, static_argnames="max_steps")
def _trajectory(hill: AbstractLandscape, optimizer: AbstractOptimizer, max_steps: int) -> Trajectory:
    shape = common_shape((hill, optimizer))
    lanes = as_lanes((hill, optimizer), shape, common_dtype(optimizer))
    walks = jax.vmap(functools.partial(_walk, max_steps=max_steps), out_axes=1)(*lanes)
    return jax.tree.map(lambda leaf: leaf.reshape(max_steps + 1, *shape, *leaf.shape[2:]), walks)


def _walk(hill: AbstractLandscape, optimizer: AbstractOptimizer, max_steps: int) -> Trajectory:
    def take_step(place: Place, _: None) -> tuple[Place, Trajectory]:
        position, state = place
        return move(hill, optimizer, *place), Trajectory(position, jnp.asarray(hill.slope(position)), state)

    begin = varying_as_after(lambda place: move(hill, optimizer, *place), set_out(hill, optimizer))
    return jax.lax.scan(take_step, begin, length=max_steps + 1)[1]
