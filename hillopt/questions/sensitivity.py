"""How the critical height answers to the hyperparameters."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from hillopt.front_door import check_hill, check_optimizer
from hillopt.landscapes import AbstractHill
from hillopt.lanes import as_lanes, common_dtype, in_shape
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import AbstractPytree, Steps
from hillopt.questions.contract import DEFAULT_MAX_STEPS
from hillopt.questions.critical_height import CriticalHeightAnswer, critical_height
from hillopt.walk import Place, move, set_out

SAME = 1e-6  # of a run: a plain walk that ends so far from the certified height took another branch


class Sensitivity(AbstractPytree):
    """Answer of `sensitivity`; fields have the broadcast shape of the hyperparameters."""

    critical: CriticalHeightAnswer
    slopes: dict[str, Float[Array, "..."]]
    """d h* / d each hyperparameter, by name. NaN at a jump."""
    at_jump: Bool[Array, "..."]
    """h* jumps here, within rounding: there is no slope."""


def sensitivity(
    hill: AbstractHill, optimizer: AbstractOptimizer, *, max_steps: Steps = DEFAULT_MAX_STEPS
) -> Sensitivity:
    """Differentiate the critical height with respect to every hyperparameter.

    Between its jumps h* is a smooth function: the rise at one fixed step of a walk whose decisions do not change. So the
    walk to that step is differentiated forwards, once for each hyperparameter. At a jump (an iterate lands on the valley to
    within rounding, or to within the hyperparameter's last digit) the answer says so instead.
    """
    hill, numbers = check_hill(hill), as_arrays(check_optimizer(optimizer))
    critical = critical_height(hill, optimizer, max_steps=max_steps)
    rise, slopes = _walk_and_slopes(hill.flank(), numbers, critical.step)
    at_jump = ~(critical.certified & (jnp.abs(rise - critical.critical_height) <= SAME))
    by_name = {
        name: jnp.where(at_jump, jnp.nan, slope)
        for name, slope in slopes.hyperparameters().items()
        if isinstance(slope, jax.Array)
    }
    return Sensitivity(critical, by_name, at_jump)


@jax.jit
def _walk_and_slopes(hill: AbstractHill, optimizer: AbstractOptimizer, step: Array) -> tuple[Array, AbstractOptimizer]:
    """The rise at a step, and its derivatives in the place of the hyperparameters."""
    lanes = as_lanes(optimizer, step.shape, common_dtype(optimizer))

    def rise_at(optimizer: AbstractOptimizer, step: Array) -> Array:
        def take_step(_: Array, place: Place) -> Place:
            return move(hill, optimizer, *place)

        position, _ = jax.lax.fori_loop(0, step, take_step, set_out(hill, optimizer))
        return jnp.asarray(hill.rise(position))

    def one(optimizer: AbstractOptimizer, step: Array) -> tuple[Array, AbstractOptimizer]:
        return rise_at(optimizer, step), jax.jacfwd(rise_at)(optimizer, step)

    return in_shape(jax.vmap(one)(lanes, step.reshape(-1)), step.shape)
