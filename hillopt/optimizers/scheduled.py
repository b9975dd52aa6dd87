"""Learning rates that change from step to step, by schedules whose numbers may be swept.

Those of optax check their lengths in Python, so that they cannot be swept; these are the same functions of the step.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.pytrees import NONNEGATIVE, POSITIVE, AbstractPytree, Number, hyperparameter

RATE = "learning_rate"


class AbstractSchedule(AbstractPytree):
    """A learning rate for every step, as a frozen pytree of numbers; lengths may be fractions of a step."""

    @abc.abstractmethod
    def at(self, step: Int[Array, ""]) -> Float[Array, "..."]:
        """The learning rate of a step, counted from 0."""


class WarmupCosine(AbstractSchedule):
    """`optax.warmup_cosine_decay_schedule`: a line from `init_value` to the peak, then half a cosine down to `end_value`.

    The warm-up takes `warmup_steps`, and all is over after `decay_steps`, which count from the start.
    """

    peak_value: Number = hyperparameter(POSITIVE, default=0.1)
    warmup_steps: Number = hyperparameter(NONNEGATIVE, default=10.0)
    decay_steps: Number = hyperparameter(POSITIVE, default=100.0)
    init_value: Number = hyperparameter(NONNEGATIVE, default=0.0)
    end_value: Number = hyperparameter(NONNEGATIVE, default=0.0)

    def at(self, step: Int[Array, ""]) -> Float[Array, "..."]:
        warmed = jnp.minimum(step / jnp.where(self.warmup_steps > 0, self.warmup_steps, 1), 1)
        rising = self.init_value + (self.peak_value - self.init_value) * warmed
        length = self.decay_steps - self.warmup_steps
        share = jnp.clip((step - self.warmup_steps) / jnp.where(length > 0, length, 1), 0, 1)
        falling = self.end_value + (self.peak_value - self.end_value) * (1 + jnp.cos(jnp.pi * share)) / 2
        return jnp.where(step < self.warmup_steps, rising, falling)


class ExponentialDecay(AbstractSchedule):
    """`optax.exponential_decay`: init_value decay_rate^(step / transition_steps)."""

    init_value: Number = hyperparameter(POSITIVE, default=0.1)
    transition_steps: Number = hyperparameter(POSITIVE, default=100.0)
    decay_rate: Number = hyperparameter(POSITIVE, default=0.5)

    def at(self, step: Int[Array, ""]) -> Float[Array, "..."]:
        return self.init_value * self.decay_rate ** (step / jnp.asarray(self.transition_steps))


class ScheduledState(NamedTuple):
    """Steps taken, and the state of what takes them."""

    steps: Int[Array, ""]
    inner: PyTree


class Scheduled(AbstractOptimizer):
    """Another optimizer, own or optax's, whose learning rate follows a schedule: `Scheduled(ho.Adam(0.1), ho.WarmupCosine(0.1))`.

    Its numbers are the schedule's and the optimizer's, but for the learning rate, which is not looked at.

    Examples:
        >>> decaying = ho.Scheduled(ho.GradientDescent(0.3), ho.ExponentialDecay(0.5, 1))
        >>> print(ho.trajectory(ho.TentHill(0.5), decaying, max_steps=3).position.round(4))
        [0.    0.5   0.75  0.875]
    """

    optimizer: AbstractOptimizer
    schedule: AbstractSchedule

    def label(self) -> str:
        """Both."""
        return f"{self.optimizer.label()} with {self.schedule.label()}"

    def hyperparameters(self) -> dict[str, Number]:
        """The schedule's, then the optimizer's without its learning rate."""
        own = {name: number for name, number in self.optimizer.hyperparameters().items() if name != RATE}
        return {**self.schedule.hyperparameters(), **own}

    def fixed(self) -> dict[str, Number]:
        """What is not swept."""
        return {**self.schedule.fixed(), **self.optimizer.fixed()}

    def replace(self, **hyperparameters: Number) -> "Scheduled":
        own = self.schedule.hyperparameters()
        schedule = {name: number for name, number in hyperparameters.items() if name in own}
        optimizer = {name: number for name, number in hyperparameters.items() if name not in own}
        return Scheduled(self.optimizer.replace(**optimizer), self.schedule.replace(**schedule))

    def check(self) -> None:
        """As both; ValueError for an optimizer without a learning rate, and for a name that both have."""
        self.optimizer.check()
        self.schedule.check()
        known = self.optimizer.hyperparameters()
        if RATE not in known:
            raise ValueError(
                f"`{self.optimizer.label()}` has no learning_rate to follow a schedule; it has {', '.join(known)}."
            )
        if both := set(known) & set(self.schedule.hyperparameters()):
            raise ValueError(
                f"`{min(both)}` is a number of the optimizer and of its schedule; name one of them otherwise."
            )

    def facing(self, objective: Callable[..., Array]) -> "Scheduled":
        return dataclasses.replace(self, optimizer=self.optimizer.facing(objective))

    def init(self, position: Float[Array, "..."]) -> ScheduledState:
        return ScheduledState(jnp.zeros((), jnp.int32), self.optimizer.init(position))

    def step(
        self, slope: Float[Array, "..."], state: ScheduledState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], ScheduledState]:
        position, inner = self._at(state).step(slope, state.inner, position)
        return position, ScheduledState(state.steps + 1, inner)

    def init_all(self, parameters: PyTree) -> ScheduledState:
        return ScheduledState(jnp.zeros((), jnp.int32), self.optimizer.init_all(parameters))

    def step_all(self, slopes: PyTree, state: ScheduledState, parameters: PyTree) -> tuple[PyTree, ScheduledState]:
        parameters, inner = self._at(state).step_all(slopes, state.inner, parameters)
        return parameters, ScheduledState(state.steps + 1, inner)

    def _at(self, state: ScheduledState) -> AbstractOptimizer:
        rate = self.schedule.at(state.steps)
        return self.optimizer.replace(**{RATE: rate.astype(jnp.result_type(*self.schedule.hyperparameters().values()))})


SCHEDULES: dict[str, type[AbstractSchedule]] = {
    "exponential_decay": ExponentialDecay,
    "warmup_cosine": WarmupCosine,
}
"""By the names that a command's flag takes, before a point and the optimizer's: warmup_cosine.adam."""
