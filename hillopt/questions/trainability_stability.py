"""What is the end of a training run worth where one unit in the last place can turn it?"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int8, Key

from hillopt.front_door import check_count
from hillopt.lanes import common_dtype, common_shape, keys_as_lanes
from hillopt.pytrees import POSITIVE, Number, Steps, hyperparameter, single, static
from hillopt.questions.contract import AbstractAnswer, AbstractQuestion, Look, described, enumerated
from hillopt.questions.stability import nudged
from hillopt.questions.trainability import Trainability, Training
from hillopt.runs import AbstractRun


class TrainabilityStabilityAnswer(AbstractAnswer):
    """How runs ended, and how many of those nudged ended otherwise."""

    outcome: Int8[Array, "..."] = enumerated(Training, "how the run ended")
    """That of the run as it is."""
    flipped: Float[Array, "..."] = described("share of runs, nudged by one unit in the last place, whose end turns")
    """Share of the nudged runs that converge where it does not, or the other way."""


class TrainabilityStability(AbstractQuestion):
    """How many runs end otherwise when their hyperparameters are nudged by one unit in the last place?

    Each number is moved up, down or not at all, independently and as likely, but for seeds; the other fields are those of
    `Trainability`.
    """

    num_repeats: int = static(default=16)
    """Nudged runs of every setting."""
    max_steps: Steps = single(default=1_000)
    window: Steps = single(default=20)
    level: Number = hyperparameter(POSITIVE, default=1.0)
    ceiling: Number = hyperparameter(POSITIVE, default=1e6)
    lanes: int = static(default=1)

    title: ClassVar[str] = "Stability of the ends"
    look: ClassVar[Look] = Look(
        "flipped", "share of ends that one unit in the last place turns", "share", outlined="outcome"
    )
    answer_type: ClassVar[type[AbstractAnswer]] = TrainabilityStabilityAnswer
    is_noisy: ClassVar[bool] = True
    asked_of: ClassVar[type] = AbstractRun
    no_derivative: ClassVar[str] = "an end turns or does not; take differences between shares"

    def prepared(self, hill: AbstractRun, optimizer: None) -> "TrainabilityStability":
        num_repeats = check_count(self.num_repeats, "num_repeats", remedy="16 tell shares of a fifth")
        asked = self._of_each.prepared(hill, optimizer)
        return self.replace(num_repeats=num_repeats, lanes=asked.lanes)

    def answer(self, hill: AbstractRun, optimizer: None, key: Key[Array, "..."] | None) -> TrainabilityStabilityAnswer:
        assert key is not None
        dtype, shape = common_dtype(hill), jnp.broadcast_shapes(key.shape, common_shape((hill, self.hyperparameters())))
        numbers = {name: jnp.asarray(value, dtype) for name, value in hill.hyperparameters().items()}
        moving = [name for name in numbers if name not in hill.whole]
        moved = nudged([numbers[name] for name in moving], keys_as_lanes(key, shape), self.num_repeats, shape)
        asked = self._of_each
        outcome = asked.answer(hill, optimizer, None).outcome
        others = asked.answer(hill.replace(**dict(zip(moving, moved, strict=True))), optimizer, None).outcome
        flips = (others == Training.CONVERGED) != (outcome == Training.CONVERGED)
        return TrainabilityStabilityAnswer(jnp.broadcast_to(outcome, shape), flips.mean(0, dtype=dtype))

    @property
    def _of_each(self) -> Trainability:
        return Trainability(self.max_steps, self.window, self.level, self.ceiling, lanes=self.lanes)

    @property
    def block(self) -> int:
        """As the run likes it."""
        return self.lanes

    @property
    def settings_at_once(self) -> float:
        """Of a tile, each with its repeats."""
        return max(1.0, self._of_each.settings_at_once // self.num_repeats)
