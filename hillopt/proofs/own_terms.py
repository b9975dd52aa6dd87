"""Optimizers told in fewer numbers, where slopes are of size one: there a running mean of squares, divided by what corrects its
bias, is 1 exactly, and many an optimizer of optax walks as one of ours does.

All of it is arithmetic that balls and intervals follow, so that what is proved of the one told holds for the one that was given.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from jaxtyping import PyTree

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
from hillopt.proofs.balls import rounded
from hillopt.proofs.interpreter import at_most
from hillopt.proofs.lattice import Lattice, lattice_of
from hillopt.proofs.means import (
    Mean,
    NesterovAdamW,
    Optimist,
    OptimisticNadam,
    RAdam,
    RectifiedState,
    RMSHeavyBall,
    TwoMeans,
    TwoMeansState,
)
from hillopt.proofs.reach import reach_of

Numbers = dict[str, Any]


def _guard(numbers: Numbers) -> Any:
    """What is added to a root that is 1."""
    return jnp.sqrt(1 + numbers["eps_root"]) - 1 + numbers["eps"]


def _descent(numbers: Numbers) -> AbstractOptimizer:
    if numbers["momentum"] is None:
        return GradientDescent(numbers["learning_rate"])
    return (Nesterov if numbers["nesterov"] else HeavyBall)(numbers["learning_rate"], numbers["momentum"])


def _adam(numbers: Numbers) -> AbstractOptimizer:
    return Adam(numbers["learning_rate"], numbers["b1"], 0.0 * numbers["b1"], _guard(numbers))


def _adamw(numbers: Numbers) -> AbstractOptimizer:
    eps = _guard({"eps_root": 0.0, **numbers})
    return AdamW(numbers["learning_rate"], numbers["b1"], 0.0 * numbers["b1"], eps, numbers["weight_decay"])


# What is left out is not looked at on slopes of size one; what is given as a default must be left at it.
WALK_ALIKE: dict[Callable, tuple[Callable[[Numbers], AbstractOptimizer], Numbers]] = {
    optax.sgd: (_descent, {}),
    optax.sign_sgd: (lambda numbers: SignDescent(numbers["learning_rate"]), {}),
    optax.signum: (lambda numbers: Lion(numbers["learning_rate"], numbers["beta"], numbers["beta"]), {}),
    optax.adam: (_adam, {"nesterov": False}),
    optax.amsgrad: (_adam, {"bias_correction_mu": True, "bias_correction_nu": True}),
    optax.adamax: (lambda numbers: _adam({"eps_root": 0.0, **numbers}), {}),
    optax.adamw: (_adamw, {"nesterov": False, "mask": None}),
    optax.adamaxw: (_adamw, {"mask": None}),
}


def in_own_terms(optimizer: AbstractOptimizer) -> AbstractOptimizer | None:
    """One of ours that takes the same walk on slopes of size one, in operations that balls follow; None where there is none."""
    told, numbers = _told_by(WALK_ALIKE, optimizer)
    return None if told is None else told(numbers)


def _told_by(table: dict[Callable, tuple[Any, Numbers]], optimizer: AbstractOptimizer) -> tuple[Any, Numbers]:
    """How a table tells an optimizer of optax, and its numbers; None where it does not."""
    if not isinstance(optimizer, OptaxOptimizer) or optimizer.factory not in table:
        return None, {}
    told, defaults = table[optimizer.factory]
    numbers = {**optimizer.fixed(), **optimizer.swept}
    dtypes = [name for name in numbers if name.endswith("_dtype")]
    if any(numbers[name] is not None for name in dtypes) or any(numbers[name] != defaults[name] for name in defaults):
        return None, {}
    if any(callable(numbers[name]) for name in numbers.keys() - defaults.keys()):
        return None, {}
    return told, numbers


@lattice_of.register
def _of_optax(optimizer: OptaxOptimizer) -> Lattice | None:
    own = in_own_terms(optimizer)
    return None if own is None else lattice_of(own)


@reach_of.register
def _reach_of_optax(optimizer: OptaxOptimizer, state: PyTree) -> Any:
    """That of one of ours whose numbers are computed with a rounding or two more, which no bound follows by more than 8 eps."""
    own = in_own_terms(optimizer)
    if own is None or isinstance(own, AdamW):
        return jnp.asarray(jnp.inf)
    bound = reach_of(own, state)
    return at_most(lambda bound: bound * 1.0, rounded(bound * (1 + 8 * float(jnp.finfo(bound.dtype).eps))))


def has_reach(optimizer: AbstractOptimizer) -> bool:
    """Whether a closed bound is known of its class, or of one of ours that walks alike."""
    alike = in_own_terms(optimizer)
    kind = type(optimizer if alike is None else alike)
    return kind is not OptaxOptimizer and reach_of.dispatch(kind) is not reach_of.dispatch(object)


def told_shortly(optimizer: AbstractOptimizer, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """An optimizer and a state of its walk on slopes of size one, in as few numbers as tell the rest of the walk."""
    if isinstance(optimizer, (Adam, AdamW)):
        one = jnp.ones_like(state.second)
        return optimizer.replace(b2=0.0 * optimizer.b2), AdamState(state.first, one, state.b1_power, 0.0 * one)
    told, numbers = _told_by(TOLD_SHORTLY, optimizer)
    return (optimizer, state) if told is None else told(numbers, state)


def _adamw_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    own, adam = _adamw(numbers), _part(state, "mu")
    one = jnp.ones_like(adam.mu)
    return own, AdamState(adam.mu, one, _power(own.b1, adam), 0.0 * one)


def _nadamw_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    adam, rate, b1 = _part(state, "mu"), numbers["learning_rate"], numbers["b1"]
    decay = numbers.get("weight_decay", 0.0 * rate)
    return NesterovAdamW(rate, b1, _guard(numbers), decay), Mean(adam.mu, _power(b1, adam))


def _muon_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """On one number it is Nadam, with some of its numbers under other names."""
    alike = {name.removeprefix("adam_"): number for name, number in numbers.items() if name.startswith("adam_")}
    return _nadamw_shortly(numbers | alike | {"learning_rate": numbers["learning_rate"]}, state)


def _optimistic_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    rate, adam = numbers["learning_rate"], _part(state, "mu")
    alpha, beta = (numbers.get(name, 1.0) for name in ("alpha", "beta"))
    if "optimism" in numbers:  # the first version
        alpha, beta = 1.0, (rate if numbers["optimism"] is None else numbers["optimism"]) / rate
    told = OptimisticNadam(alpha * rate, beta * rate, numbers["b1"], _guard(numbers))
    last = _part(state, "previous_gradient").previous_gradient
    return told, Optimist(adam.mu, _power(told.b1, adam), last)


def _ademamix_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    part, guard = _part(state, "m1"), 1 + _guard(numbers)
    told = TwoMeans(
        learning_rate=numbers["learning_rate"],
        b1=numbers["b1"],
        slow=numbers["b3"],
        share=1 / guard,
        slow_share=numbers["alpha"] / guard,
        weight_decay=numbers["weight_decay"],
    )
    return told, TwoMeansState(part.m1, _power(told.b1, part), part.m2)


def _simplified_ademamix_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """A sum that forgets is a mean over 1 - b1; the slope itself is a mean that remembers nothing."""
    part, guard, rest = _part(state, "m"), 1 + _guard(numbers), 1 - numbers["b1"]
    told = TwoMeans(
        learning_rate=numbers["learning_rate"],
        b1=0.0 * rest,
        slow=numbers["b1"],
        share=numbers["alpha"] / guard,
        slow_share=1 / (rest * guard),
        weight_decay=numbers["weight_decay"],
    )
    return told, TwoMeansState(jnp.zeros_like(part.m), jnp.zeros_like(part.m), part.m * rest)


def _adopt_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """After the first step v is 1, and nothing is clipped."""
    adam, rate, zero = _part(state, "mu"), numbers["learning_rate"], 0.0 * numbers["learning_rate"]
    told = TwoMeans(rate, zero, numbers["b1"], zero, 1 / jnp.maximum(1.0, numbers["eps"]), zero)
    return told, TwoMeansState(jnp.zeros_like(adam.mu), jnp.zeros_like(adam.mu), adam.mu)


def _default(factory: Callable, name: str) -> Any:
    return inspect.signature(factory).parameters[name].default


def _radam_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    adam = _part(state, "mu")
    told = RAdam(numbers["learning_rate"], numbers["b1"], numbers["b2"], _guard(numbers), numbers["threshold"])
    powers = (_power(base, adam) for base in (told.b1, told.b2))
    return told, RectifiedState(adam.mu, *powers, adam.count * _power(told.b2, adam))


def _rmsprop_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """optax traces steps, ours slopes."""
    rate, scaled = numbers["learning_rate"], _part(state, "nu")
    momentum, trace = 0.0 * rate, jnp.zeros_like(scaled.nu)
    if numbers["momentum"] is not None:
        momentum, trace = numbers["momentum"], -_part(state, "trace").trace / rate
    return RMSHeavyBall(rate, momentum, numbers["decay"], numbers["eps"], 0.0 * rate), Mean(trace, 1 - scaled.nu)


def _novograd_shortly(numbers: Numbers, state: PyTree) -> tuple[AbstractOptimizer, PyTree]:
    """After the first step v is 1."""
    guard, part, rate = 1 + _guard(numbers), _part(state, "mu"), numbers["learning_rate"]
    told = RMSHeavyBall(rate / guard, numbers["b1"], 0.0 * rate, 0.0 * rate, numbers["weight_decay"] * guard)
    return told, Mean(part.mu * guard, jnp.zeros_like(part.mu))


def _power(base: Any, adam: Any) -> Any:
    """Of as many factors as steps, in the format of the mean."""
    return base ** adam.count.astype(jnp.result_type(adam[1]))


def _part(state: PyTree, name: str) -> Any:
    """The only part of an optimizer's state that has a number of this name, and no masked one."""

    def has_it(node: Any) -> bool:
        return name in getattr(node, "_fields", ()) and not isinstance(getattr(node, name), optax.MaskedNode)

    (part,) = filter(has_it, jax.tree.leaves(state, is_leaf=has_it))
    return part


TOLD_SHORTLY: dict[Callable, tuple[Callable[[Numbers, PyTree], tuple[AbstractOptimizer, PyTree]], Numbers]] = {
    optax.adamw: (_adamw_shortly, {"nesterov": False, "mask": None}),
    optax.adamaxw: (_adamw_shortly, {"mask": None}),
    optax.adam: (_nadamw_shortly, {"nesterov": True}),
    optax.nadam: (_nadamw_shortly, {"nesterov": True}),
    optax.nadamw: (_nadamw_shortly, {"nesterov": True, "mask": None}),
    optax.contrib.muon: (_muon_shortly, {"nesterov": True, "adam_learning_rate": None}),
    optax.optimistic_adam: (_optimistic_shortly, {"nesterov": True}),
    optax.optimistic_adam_v2: (_optimistic_shortly, {"nesterov": True}),
    optax.contrib.adopt: (
        _adopt_shortly,
        {"nesterov": False, "clip_value_fn": _default(optax.contrib.adopt, "clip_value_fn")},
    ),
    optax.contrib.ademamix: (_ademamix_shortly, {"mask": None}),
    optax.contrib.simplified_ademamix: (_simplified_ademamix_shortly, {"mask": None}),
    optax.radam: (_radam_shortly, {"nesterov": False}),
    optax.rmsprop: (
        _rmsprop_shortly,
        {"eps_in_sqrt": True, "centered": False, "nesterov": False, "bias_correction": False},
    ),
    optax.novograd: (_novograd_shortly, {}),
}
