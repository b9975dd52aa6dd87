"""For which hyperparameters does a run train?"""

import enum
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8, Key, PyTree

from hillopt.front_door import check_steps
from hillopt.lanes import EACH, common_dtype, common_shape, in_lanes, on_accelerator
from hillopt.pytrees import POSITIVE, Number, Steps, hyperparameter, is_traced, single, static
from hillopt.questions.contract import AbstractAnswer, AbstractQuestion, Look, described, enumerated
from hillopt.runs import AbstractRun

LANE = "lane"
TILE = 32
"""Blocks of a tile at most: what trains takes long enough for two cores to share it, and for progress to be told."""


class Training(enum.IntEnum):
    """How a training run ended."""

    CONVERGED = 0
    """The last losses are, on average, below the level."""
    BOUNDED = 1
    """They are not, and all losses stayed below the ceiling."""
    DIVERGED = 2
    """They are not, and some loss was above the ceiling, infinite or NaN."""


class TrainabilityAnswer(AbstractAnswer):
    """How runs ended; all losses are those before a step, the first one that of the parameters as they begin."""

    outcome: Int8[Array, "..."] = enumerated(Training, "how the run ended")
    ratio: Float[Array, "..."] = described(
        "mean of the last losses over the first one", comment="of each loss at most the ceiling times the first one"
    )
    loss: Float[Array, "..."] = described("last loss")
    lowest: Float[Array, "..."] = described("lowest loss")
    measure: Float[Array, "..."] = described(
        "speed of convergence or divergence",
        comment="minus the sum of all losses over the first one where the run converged, else the sum of their inverses",
    )
    first_step: Int[Array, "..."] | None = described(
        "first step before which the loss is at most the target", comment="max_steps where none is", default=None
    )
    reached: Bool[Array, "..."] | None = described("whether the target was reached", unit=None, default=None)
    num_steps: Int[Array, "..."] = described("steps until nothing changed any more", default=None)


class Trainability(AbstractQuestion):
    """Does a run converge or diverge, how fast, and how low does it get?

    With v_t the loss before step t over the first one, at most the `ceiling`, which also stands for what is infinite or NaN, a
    run has converged if the mean of the last `window` of max_steps values v_t is below the `level` (Sohl-Dickstein 2024,
    https://arxiv.org/abs/2402.06184, and its notebook: 20, 1 and 1e6). All else has diverged if some v_t reached the ceiling, and
    stayed bounded otherwise. A first loss that is not positive and finite makes all v_t the ceiling. `target` is a loss whose
    first step is asked for.

    A run that cannot change any more is not followed further, and gets the answer that it would get.
    """

    max_steps: Steps = single(default=1_000)
    window: Steps = single(default=20)
    level: Number = hyperparameter(POSITIVE, default=1.0)
    ceiling: Number = hyperparameter(POSITIVE, default=1e6)
    target: Number = hyperparameter(POSITIVE, default=None)
    lanes: int = static(default=EACH)
    """Runs side by side; as the run likes it, more on an accelerator."""

    title: ClassVar[str] = "Trainability"
    look: ClassVar[Look] = Look("outcome", "how the run ended", "training")
    answer_type: ClassVar[type[AbstractAnswer]] = TrainabilityAnswer
    asked_of: ClassVar[type] = AbstractRun
    no_derivative: ClassVar[str] = "labels jump; ask for losses by ho.Loss()"

    def prepared(self, hill: AbstractRun, optimizer: None) -> "Trainability":
        del optimizer
        self.check()
        max_steps, window = check_steps(self.max_steps), check_steps(self.window, "window")
        if not is_traced((max_steps, window)) and window > max_steps:
            raise ValueError(
                f"`window` must be at most max_steps={max_steps}, got {window}; average over fewer losses, or run longer."
            )
        most = hill.most_steps()
        if most is not None and not is_traced(max_steps) and max_steps > most:
            raise ValueError(
                f"`max_steps` must be at most {most}, the losses that the run has, got {max_steps}; ask for fewer."
            )
        if not is_traced(hill) and common_shape(hill) == ():
            hill.rehearse()
        # A round of a few runs would leave an accelerator idle: a kernel takes 2 microseconds however little it does.
        lanes = max(hill.lanes, EACH) if on_accelerator() else hill.lanes
        return self.replace(max_steps=max_steps, window=window, lanes=lanes)

    def answer(self, hill: AbstractRun, optimizer: None, key: Key[Array, "..."] | None) -> TrainabilityAnswer:
        del optimizer, key
        world = (self.hyperparameters(), hill)

        def one(numbers: dict[str, Array], run: AbstractRun) -> TrainabilityAnswer:
            return _train(self.replace(**numbers), run)

        return in_lanes(one, world, common_shape(world), common_dtype(hill), self.lanes, LANE)

    @property
    def block(self) -> int:
        """As the run likes it."""
        return self.lanes

    @property
    def settings_at_once(self) -> float:
        """Of a tile."""
        return TILE * self.lanes


class _Seen(NamedTuple):
    """What is kept of the losses so far."""

    first: Float[Array, ""]
    last: Float[Array, ""]
    lowest: Float[Array, ""]
    total: Float[Array, ""]
    inverses: Float[Array, ""]
    window: Float[Array, ""]
    above: Bool[Array, ""]
    first_step: Int[Array, ""]


class _Going(NamedTuple):
    """A run on its way."""

    steps: Int[Array, ""]
    carry: PyTree
    seen: _Seen
    num_steps: Int[Array, ""]
    is_over: Bool[Array, ""]
    all_are_over: Bool[Array, ""]


def _train(question: Trainability, run: AbstractRun) -> TrainabilityAnswer:
    """One run, among others along `LANE` that stop together."""
    max_steps = jnp.asarray(question.max_steps, jnp.int32)

    def goes_on(going: _Going) -> Bool[Array, ""]:
        return (going.steps < max_steps) & ~going.all_are_over

    def take_step(going: _Going) -> _Going:
        carry, loss = run.step(going.carry, going.steps)
        is_over = going.is_over | run.is_over(going.carry, carry, loss)
        seen = _look(question, going.seen, loss, going.steps)
        num_steps = jnp.where(going.is_over, going.num_steps, going.steps + 1)
        return _Going(going.steps + 1, carry, seen, num_steps, is_over, _everywhere(is_over))

    def look_on(index: Int[Array, ""], seen: _Seen) -> _Seen:
        return _look(question, seen, seen.last, index)

    zero, no = jnp.zeros((), jnp.int32), jnp.zeros((), bool)
    begin = run.begin()
    loss = jax.eval_shape(run.step, begin, zero)[1]
    nothing = jnp.zeros((), loss.dtype)
    seen = _Seen(nothing, nothing, nothing + jnp.inf, nothing, nothing, nothing, no, max_steps)
    going = jax.lax.while_loop(goes_on, take_step, _Going(zero, begin, seen, zero, no, no))
    seen = jax.lax.fori_loop(going.steps, max_steps, look_on, going.seen)
    return _told(question, seen, going.num_steps)


def _everywhere(truth: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether it holds in all lanes."""
    return jax.lax.pmin(truth.astype(jnp.int32), LANE) == 1


def _look(question: Trainability, seen: _Seen, loss: Float[Array, ""], index: Int[Array, ""]) -> _Seen:
    first = jnp.where(index == 0, loss, seen.first)
    ceiling = jnp.asarray(question.ceiling, loss.dtype)
    value = loss / first
    is_below = jnp.isfinite(loss) & (value <= ceiling) & (first > 0)
    value = jnp.where(is_below, value, ceiling)
    in_window = index >= jnp.asarray(question.max_steps - question.window, index.dtype)
    first_step = seen.first_step
    if question.target is not None:
        first_step = jnp.where(loss <= question.target, jnp.minimum(index, first_step), first_step)
    return _Seen(
        first,
        loss,
        jnp.where(loss < seen.lowest, loss, seen.lowest),
        seen.total + value,
        seen.inverses + 1 / value,
        seen.window + jnp.where(in_window, value, 0),
        seen.above | ~is_below,
        first_step,
    )


def _told(question: Trainability, seen: _Seen, num_steps: Int[Array, ""]) -> TrainabilityAnswer:
    ratio = seen.window / jnp.asarray(question.window, seen.window.dtype)
    converged = ratio < question.level
    label = jnp.where(converged, Training.CONVERGED, jnp.where(seen.above, Training.DIVERGED, Training.BOUNDED))
    measure = jnp.where(converged, -seen.total, seen.inverses)
    asked: dict[str, Any] = {}
    if question.target is not None:
        asked = {"first_step": seen.first_step, "reached": seen.first_step < question.max_steps}
    return TrainabilityAnswer(
        label.astype(jnp.int8), ratio, seen.last, seen.lowest, measure, num_steps=num_steps, **asked
    )
