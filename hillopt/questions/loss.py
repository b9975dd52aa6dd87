"""How low does an optimizer get?"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from hillopt.front_door import check_steps
from hillopt.landscapes import AbstractHill
from hillopt.lanes import setting_by_setting
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Steps, single
from hillopt.questions.contract import DEFAULT_MAX_STEPS, AbstractAnswer, AbstractQuestion, Look, described
from hillopt.walk import Place, move, set_out


class LossAnswer(AbstractAnswer):
    """Elevation after max_steps, and the lowest one met."""

    loss: Float[Array, "..."] = described("elevation after max_steps")
    lowest: Float[Array, "..."] = described("lowest elevation met")
    finite: Bool[Array, "..."] = described("whether the elevation is finite", unit=None)
    num_steps: Int[Array, "..."] = described("steps that the walk was followed")


class Loss(AbstractQuestion):
    """How low is the ground after max_steps?"""

    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)

    title: ClassVar[str] = "Losses"
    look: ClassVar[Look] = Look("loss", "elevation at the end", "signed_log")
    answer_type: ClassVar[type[AbstractAnswer]] = LossAnswer

    @setting_by_setting
    def answer(self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None) -> LossAnswer:
        del key

        def take_step(_: Array, carry: tuple[Place, Array]) -> tuple[Place, Array]:
            (position, state), lowest = carry
            position, state = move(hill, optimizer, position, state)
            value = hill.value(position)
            return (position, state), jnp.where(value < lowest, value, lowest)

        begin = set_out(hill, optimizer)
        (position, _), lowest = jax.lax.fori_loop(0, self.max_steps, take_step, (begin, hill.value(begin[0])))
        loss = hill.value(position)
        return LossAnswer(loss, lowest, jnp.isfinite(loss), jnp.asarray(self.max_steps, jnp.int32))

    def prepared(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> "Loss":
        del hill, optimizer
        return self.replace(max_steps=check_steps(self.max_steps))
