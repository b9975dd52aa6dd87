"""The losses of one training run, step by step."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from hillopt.front_door import check_is, check_steps
from hillopt.lanes import common_shape
from hillopt.loops import varying_as_after
from hillopt.runs.contract import AbstractRun


def loss_curve(run: AbstractRun, *, max_steps: int) -> Float[Array, " step"]:
    """The loss before each of `max_steps` steps of one run.

    Runs inside jit and vmap. Raises ValueError for what is no run, for one that has fewer steps, and for arrays of numbers.

    Examples:
        >>> run = ho.WalkRun(ho.RoughBowl(0.1, 0.5), ho.GradientDescent(0.1))
        >>> print(ho.loss_curve(run, max_steps=4).round(4))
        [1.1    0.5591 0.3879 0.3818]
    """
    run = check_is(run, AbstractRun, "run", "ho.network_run(model, data, ho.Adam(0.01))")
    run.check()
    length, most = check_steps(max_steps), run.most_steps()
    if most is not None and length > most:
        raise ValueError(
            f"`max_steps` must be at most {most}, the losses that the run has, got {length}; ask for fewer."
        )
    if shape := common_shape(run):
        raise ValueError(f"`run` must be one run, got numbers of the shape {shape}; call it in jax.vmap.")
    return _curve(run, max_steps=length)


@functools.partial(jax.jit, static_argnames="max_steps")
def _curve(run: AbstractRun, max_steps: int) -> Float[Array, " step"]:
    def take_step(carry: PyTree, index: Int[Array, ""]) -> tuple[PyTree, Float[Array, ""]]:
        return run.step(carry, index)

    begin = varying_as_after(lambda carry: take_step(carry, jnp.asarray(0))[0], run.begin())
    return jax.lax.scan(take_step, begin, jnp.arange(max_steps))[1]
