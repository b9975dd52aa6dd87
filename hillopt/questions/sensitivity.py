"""How the critical height answers to the hyperparameters."""

import jax
from jaxtyping import Array, Bool, Float

from hillopt.front_door import check_hill, check_optimizer
from hillopt.landscapes import AbstractHill
from hillopt.lanes import cut_back, in_size_class
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import AbstractPytree, Steps
from hillopt.questions.contract import DEFAULT_MAX_STEPS
from hillopt.questions.critical_height import CriticalHeightAnswer, critical_height
from hillopt.questions.derivatives import refusing, slopes_along


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

    These are the derivatives that `jax.grad` gives of `critical_height`, all at once, with the height itself and with what says
    that there is none: at a jump (an iterate lands on the valley to within rounding, or to within the hyperparameter's last
    digit). The walk to the critical height's step is differentiated forwards, once for each hyperparameter. It has no derivative
    itself: ValueError.

    Examples:
        >>> slopes = ho.sensitivity(ho.TentHill(), ho.Adam(0.3)).slopes
        >>> print({name: round(float(slopes[name]), 4) for name in ("learning_rate", "b1")})
        {'learning_rate': 4.7006, 'b1': 0.7567}
    """
    hill, numbers = check_hill(hill), as_arrays(check_optimizer(optimizer))
    numbers = refusing(
        numbers,
        "`sensitivity` is a derivative and has none; apply jax.jacfwd to jax.grad of `critical_height` instead.",
    )
    critical = critical_height(hill, numbers, max_steps=max_steps)
    walks, length = in_size_class(
        ((hill.flank(), numbers), critical.step, critical.critical_height, critical.certainty)
    )
    (_, slopes), at_jump = cut_back(slopes_along(*walks), length)
    by_name = {name: slope for name, slope in slopes.hyperparameters().items() if isinstance(slope, jax.Array)}
    return Sensitivity(critical, by_name, at_jump)
