"""How low does an optimizer get?"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from hillopt.front_door import check_steps
from hillopt.landscapes import AbstractLandscape
from hillopt.lanes import setting_by_setting
from hillopt.loops import repeated
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Steps, single
from hillopt.questions.contract import DEFAULT_MAX_STEPS, AbstractAnswer, AbstractQuestion, Look, described
from hillopt.questions.derivatives import forwards
from hillopt.walk import Place, move, set_out


class LossAnswer(AbstractAnswer):
    """Elevation after max_steps, and the lowest one met."""

    loss: Float[Array, "..."] = described("elevation after max_steps")
    lowest: Float[Array, "..."] = described("lowest elevation met")
    finite: Bool[Array, "..."] = described("whether the elevation is finite", unit=None)
    num_steps: Int[Array, "..."] = described("steps that the walk was followed")


class Loss(AbstractQuestion):
    """How low is the ground after max_steps?

    `loss` and `lowest` have derivatives in every number, forwards and in reverse.
    """

    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)

    title: ClassVar[str] = "Losses"
    look: ClassVar[Look] = Look("loss", "elevation at the end", "signed_log")
    answer_type: ClassVar[type[AbstractAnswer]] = LossAnswer
    asked_of: ClassVar[type] = AbstractLandscape

    @setting_by_setting
    def answer(
        self, hill: AbstractLandscape, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None
    ) -> LossAnswer:
        del key
        max_steps = jnp.asarray(self.max_steps, jnp.int32)
        loss, lowest = forwards(_walk)((hill, optimizer), max_steps)
        return LossAnswer(loss, lowest, jnp.isfinite(loss), max_steps)

    def prepared(self, hill: AbstractLandscape, optimizer: AbstractOptimizer) -> "Loss":
        del hill, optimizer
        return self.replace(max_steps=check_steps(self.max_steps))


def _walk(world: tuple[AbstractLandscape, AbstractOptimizer], max_steps: Int[Array, ""]) -> tuple[Array, Array]:
    """The elevation at the end of a walk, and the lowest one on it."""
    hill, optimizer = world

    def take_step(carry: tuple[Place, Array]) -> tuple[Place, Array]:
        (position, state), lowest = carry
        position, state = move(hill, optimizer, position, state)
        value = hill.value(position)
        return (position, state), jnp.where(value < lowest, value, lowest)

    begin = set_out(hill, optimizer)
    (position, _), lowest = repeated(take_step, max_steps, (begin, hill.value(begin[0])))
    return hill.value(position), lowest
