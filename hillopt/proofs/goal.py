"""How far the exact goal of a hill may lie from the one that it computes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.landscapes import AbstractHill
from hillopt.proofs.balls import ball_radius, rounded
from hillopt.proofs.interpreter import bounded

# In eps: what a goal counts as known to that is found by a search, which balls cannot follow. It is an assumption.
SEARCHED = 8


def around_goal(hill: AbstractHill, goal: Float[Array, ""]) -> Float[Array, ""]:
    """Radius around the goal of one hill: nothing on a shared flank, whose height is what was asked for; else what the hill's
    numbers leave open, which count as known to half a unit in their last place."""
    if hill.flank_is_shared:
        return jnp.zeros_like(goal)
    ball, _ = bounded(lambda hill: jnp.asarray(hill.goal()))(jax.tree.map(rounded, hill))
    radius, eps = ball_radius(ball), float(jnp.finfo(goal.dtype).eps) * jnp.abs(goal)
    narrowed = radius.astype(goal.dtype) + eps  # from whatever dtype the hill has it in
    return jnp.where(jnp.isfinite(narrowed), narrowed, SEARCHED * eps)
