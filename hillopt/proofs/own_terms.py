"""Optimizers told in fewer numbers, where slopes are of size one: there a running mean of squares, divided by what corrects its
bias, is 1 exactly, and many an optimizer of optax walks as one of ours does.

All of it is arithmetic that balls and intervals follow, so that what is proved of the one told holds for the one that was given.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree

from hillopt.optimizers import (
    AbstractOptimizer,
    Adam,
    AdamW,
    GradientDescent,
    HeavyBall,
    Lion,
    Nesterov,
    OptaxOptimizer,
    SignDescent,
)
from hillopt.optimizers.adaptive import AdamState
from hillopt.proofs.dual_averages import Madgrad
from hillopt.proofs.lattice import Lattice, lattice_of
from hillopt.proofs.means import Mean
from hillopt.pytrees import Number

Numbers = dict[str, Any]


class Lamb(AbstractOptimizer):
    """LAMB of a single number (You et al. 2020, algorithm 2): a step as long as learning_rate times the position is, in Adam's
    direction, the decay added. At 0 it is Adam's step."""

    learning_rate: Number
    adam: Adam
    """Of learning rate 1."""
    weight_decay: Number

    def init(self, position: Float[Array, "..."]) -> AdamState:
        return self.adam.init(position)

    def step(
        self, slope: Float[Array, "..."], state: AdamState, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], AdamState]:
        moved, state = self.adam.step(slope, state, jnp.zeros_like(position))
        drive = moved - self.weight_decay * position
        after = position * (1 + self.learning_rate * jnp.sign(position) * jnp.sign(drive))
        return jnp.where(position == 0, self.learning_rate * drive, after), state


class BySize(AbstractOptimizer):
    """Adafactor of a single number on slopes of size one (Shazeer and Stern 2018, algorithm 5): the mean of squares is the same at
    every step, and a step is in proportion to the position's size, or to the least that counts."""

    rate: Number
    least: Number

    def init(self, position: Float[Array, "..."]) -> tuple[()]:
        return ()

    def step(
        self, slope: Float[Array, "..."], state: tuple[()], position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], tuple[()]]:
        return position - self.rate * jnp.maximum(jnp.abs(position), self.least) * slope, state


class Sophia(AbstractOptimizer):
    """Sophia where the ground has no curvature (Liu et al. 2023, algorithm 3): the mean of slopes over eps, clipped."""

    learning_rate: Number
    b1: Number
    eps: Number
    weight_decay: Number
    clip_threshold: Number

    def init(self, position: Float[Array, "..."]) -> Mean:
        return Mean(jnp.zeros_like(position), jnp.ones_like(position))

    def step(
        self, slope: Float[Array, "..."], state: Mean, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Mean]:
        first = self.b1 * state.first + (1 - self.b1) * slope
        power = self.b1 * state.fading
        size = jnp.maximum(0 * self.eps, self.eps)
        moved = jnp.clip(first / (1 - power) / size, -self.clip_threshold, self.clip_threshold)
        position = position * (1 - self.learning_rate * self.weight_decay)
        return position - self.learning_rate * moved, Mean(first, power)


class InShort(AbstractOptimizer):
    """An optimizer of optax that takes its steps as the one that it is told by. That one is made at every step, so that it holds
    for all that balls around the numbers do."""

    given: OptaxOptimizer

    def init(self, position: Float[Array, "..."]) -> PyTree:
        return self.told().init(position)

    def step(
        self, slope: Float[Array, "..."], state: PyTree, position: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], PyTree]:
        return self.told().step(slope, state, position)

    def told(self) -> AbstractOptimizer:
        """The one that it is told by."""
        told = in_own_terms(self.given)
        assert told is not None
        return told


def beside_root(numbers: Numbers) -> Any:
    """What is added to a root that is 1."""
    return jnp.sqrt(1 + numbers["eps_root"]) - 1 + numbers["eps"]


def _descent(numbers: Numbers) -> AbstractOptimizer:
    if numbers["momentum"] is None:
        return GradientDescent(numbers["learning_rate"])
    return (Nesterov if numbers["nesterov"] else HeavyBall)(numbers["learning_rate"], numbers["momentum"])


def _adam(numbers: Numbers) -> AbstractOptimizer:
    return Adam(numbers["learning_rate"], numbers["b1"], 0.0 * numbers["b1"], beside_root(numbers))


def _adamw(numbers: Numbers) -> AbstractOptimizer:
    if _is_none(numbers["weight_decay"]):
        return _adam({"eps_root": 0.0, **numbers})
    eps = beside_root({"eps_root": 0.0, **numbers})
    return AdamW(numbers["learning_rate"], numbers["b1"], 0.0 * numbers["b1"], eps, numbers["weight_decay"])


def _lamb(numbers: Numbers) -> AbstractOptimizer:
    one = 1 + 0 * numbers["b1"]
    return Lamb(
        numbers["learning_rate"], Adam(one, numbers["b1"], 0 * one, beside_root(numbers)), numbers["weight_decay"]
    )


def _adafactor(numbers: Numbers) -> AbstractOptimizer:
    step = jnp.minimum(1 / jnp.sqrt(1 + numbers["eps"]), numbers["clipping_threshold"])
    return BySize(numbers["learning_rate"] * step, 1e-3 + 0 * step)


def _sophia(numbers: Numbers) -> AbstractOptimizer:
    decay = numbers["weight_decay"] + 0 * numbers["b1"]
    return Sophia(numbers["learning_rate"], numbers["b1"], numbers["eps"], decay, numbers["clip_threshold"])


def _madgrad(numbers: Numbers) -> AbstractOptimizer:
    return Madgrad(numbers["learning_rate"], numbers["momentum"], numbers["eps"], numbers["weight_decay"])


def _galore(numbers: Numbers) -> AbstractOptimizer:
    """A single number has no matrix to be projected, and no use for `scale`."""
    return _adamw({**numbers, "b1": 0.9 + 0 * numbers["learning_rate"], "eps": 1e-8})


def _lion(numbers: Numbers) -> AbstractOptimizer:
    decay = None if _is_none(numbers["weight_decay"]) else numbers["weight_decay"]
    return Lion(numbers["learning_rate"], numbers["b1"], numbers["b2"], decay)


def _is_none(decay: Any) -> bool:
    """Whether a decay is fixed to be zero."""
    return isinstance(decay, float) and decay == 0


def default_of(factory: Callable, name: str) -> Any:
    """What a factory takes where it is not given a number of this name."""
    return inspect.signature(factory).parameters[name].default


HESSIAN = default_of(optax.contrib.sophia, "hessian_diagonal_fn")
# What is left out is not looked at on slopes of size one; what is given as a default must be left at it.
WALK_ALIKE: dict[Callable, tuple[Callable[[Numbers], AbstractOptimizer], Numbers]] = {
    optax.adafactor: (
        _adafactor,
        {"decay_offset": 0, "multiply_by_parameter_scale": True, "momentum": None, "weight_decay_rate": None},
    ),
    optax.sgd: (_descent, {}),
    optax.sign_sgd: (lambda numbers: SignDescent(numbers["learning_rate"]), {}),
    optax.signum: (lambda numbers: Lion(numbers["learning_rate"], numbers["beta"], numbers["beta"]), {}),
    optax.adam: (_adam, {"nesterov": False}),
    optax.amsgrad: (_adam, {"bias_correction_mu": True, "bias_correction_nu": True}),
    optax.adamax: (lambda numbers: _adam({"eps_root": 0.0, **numbers}), {}),
    optax.adamw: (_adamw, {"nesterov": False, "mask": None}),
    optax.adamaxw: (_adamw, {"mask": None}),
    optax.lion: (_lion, {"mask": None}),
    optax.lamb: (_lamb, {"mask": None}),
    optax.contrib.sophia: (_sophia, {"weight_decay_mask": None, "hessian_diagonal_fn": HESSIAN, "verbose": False}),
    optax.contrib.madgrad: (_madgrad, {}),
    optax.contrib.galore: (_galore, {"base_optimizer": None, "mask": None}),
}


def is_known(optimizer: AbstractOptimizer, known: dict[Callable, tuple[Any, Numbers]]) -> TypeGuard[OptaxOptimizer]:
    """Whether a table has the factory, and what must be left at its default is."""
    if not isinstance(optimizer, OptaxOptimizer) or optimizer.factory not in known:
        return False
    _, defaults = known[optimizer.factory]
    numbers = {**optimizer.fixed(), **optimizer.swept}
    dtypes = [name for name in numbers if name.endswith("_dtype")]
    if any(numbers[name] is not None for name in dtypes) or any(numbers[name] != defaults[name] for name in defaults):
        return False
    return not any(callable(numbers[name]) for name in numbers.keys() - defaults.keys() if "dtype" not in name)


def numbers_of(optimizer: OptaxOptimizer) -> Numbers:
    """All that a factory is given.

    A fixed number counts as one that is swept: else Python would compute with it before balls see it.
    """
    zero = 0 * next(iter(optimizer.swept.values()))
    fixed = optimizer.fixed()
    given = {name: number + zero for name, number in fixed.items() if isinstance(number, float) and number != 0}
    return {**fixed, **given, **optimizer.swept}


def part_of(state: PyTree, name: str) -> Any:
    """The only part of an optimizer's state that has a number of this name, and no masked one."""

    def has_it(node: Any) -> bool:
        return name in getattr(node, "_fields", ()) and not isinstance(getattr(node, name), optax.MaskedNode)

    (part,) = filter(has_it, jax.tree.leaves(state, is_leaf=has_it))
    return part


def in_own_terms(optimizer: AbstractOptimizer) -> AbstractOptimizer | None:
    """One of ours that takes the same walk on slopes of size one, in operations that balls follow; None where there is none."""
    if not is_known(optimizer, WALK_ALIKE):
        return None
    told, _ = WALK_ALIKE[optimizer.factory]
    return told(numbers_of(optimizer))


def in_short(optimizer: AbstractOptimizer) -> AbstractOptimizer:
    """As it is best walked on slopes of size one: without a mean that is known, and that rounding would spoil."""
    told = jax.eval_shape(in_own_terms, optimizer)
    return (
        InShort(optimizer)
        if isinstance(optimizer, OptaxOptimizer) and isinstance(told, (BySize, Madgrad, Sophia))
        else optimizer
    )


@lattice_of.register
def _of_optax(optimizer: OptaxOptimizer) -> Lattice | None:
    own = in_own_terms(optimizer)
    return None if own is None else lattice_of(own)
