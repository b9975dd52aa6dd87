"""Optimizers of which the rest of a walk on slopes of size one is told in fewer numbers than their state has.

There a mean of squares is 1 once its bias is corrected, and what is left of many a state is a mean of slopes or two
(`hillopt.proofs.means`). It is arithmetic that balls and intervals follow.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from jaxtyping import PyTree

from hillopt.landscapes import EndlessTent
from hillopt.optimizers import AbstractOptimizer, Adam, AdamW, Lion
from hillopt.optimizers.adaptive import AdamState
from hillopt.optimizers.first_order import TraceState
from hillopt.proofs.balls import midpoints, rounded
from hillopt.proofs.enclosures import enclosed
from hillopt.proofs.estimates import CENTRE, DAdaptAdamW, DAdapting, Prodigy, Weighing
from hillopt.proofs.intervals import as_intervals
from hillopt.proofs.means import (
    AdEMAMix,
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
from hillopt.proofs.memories import ACProp, AdaBelief, DeviationState, Yogi, YogiState
from hillopt.proofs.own_terms import (
    InShort,
    Lamb,
    Numbers,
    beside_root,
    default_of,
    in_own_terms,
    is_known,
    numbers_of,
    part_of,
)

Told = tuple[AbstractOptimizer, PyTree]


def told_shortly(optimizer: AbstractOptimizer, state: PyTree) -> Told:
    """An optimizer and a state of its walk on slopes of size one, in as few numbers as tell the rest of the walk."""
    if isinstance(optimizer, (Adam, AdamW)):
        one = jnp.ones_like(state.second)
        return optimizer.replace(b2=0.0 * optimizer.b2), AdamState(state.first, one, state.b1_power, 0.0 * one)
    if isinstance(optimizer, InShort):
        return optimizer.told(), state
    own = in_own_terms(optimizer)
    if isinstance(own, (AdamW, Lamb)):
        adam = part_of(state, "mu")
        one, b1 = jnp.ones_like(adam.mu), own.adam.b1 if isinstance(own, Lamb) else own.b1
        return own, AdamState(adam.mu, one, _power(b1, adam), 0.0 * one)
    if isinstance(own, Lion):
        return own, TraceState(part_of(state, "mu").mu)
    if is_known(optimizer, TELLINGS):
        telling, _ = TELLINGS[optimizer.factory]
        told, mean = telling(numbers_of(optimizer), state)
        return jax.tree.map(lambda number: jnp.asarray(number, mean.first.dtype), told), mean
    return optimizer, state


def told_around(optimizer: AbstractOptimizer, state: PyTree) -> tuple[Told, Told]:
    """The same of all numbers and states that balls hold, in intervals; and of those in the middle."""
    everywhere = enclosed(told_shortly)(jax.tree.map(rounded, optimizer), as_intervals(state))
    return everywhere, told_shortly(optimizer, midpoints(state))


def told_at_first(optimizer: AbstractOptimizer) -> Told:
    """The same where walks on the tent begin."""
    return told_shortly(optimizer, optimizer.init(jnp.asarray(EndlessTent.start, float)))


def _nadamw(numbers: Numbers, state: PyTree) -> Told:
    adam, rate, b1 = part_of(state, "mu"), numbers["learning_rate"], numbers["b1"]
    decay = numbers.get("weight_decay", 0.0 * rate)
    return NesterovAdamW(rate, b1, beside_root(numbers), decay), Mean(adam.mu, _power(b1, adam))


def _muon(numbers: Numbers, state: PyTree) -> Told:
    """On one number it is Nadam, with some of its numbers under other names."""
    alike = {name.removeprefix("adam_"): number for name, number in numbers.items() if name.startswith("adam_")}
    return _nadamw(numbers | alike | {"learning_rate": numbers["learning_rate"]}, state)


def _optimistic(numbers: Numbers, state: PyTree) -> Told:
    rate, adam = numbers["learning_rate"], part_of(state, "mu")
    alpha, beta = (numbers.get(name, 1.0) for name in ("alpha", "beta"))
    if "optimism" in numbers:  # the first version
        alpha, beta = 1.0, (rate if numbers["optimism"] is None else numbers["optimism"]) / rate
    told = OptimisticNadam(alpha * rate, beta * rate, numbers["b1"], beside_root(numbers))
    last = part_of(state, "previous_gradient").previous_gradient
    return told, Optimist(adam.mu, _power(told.b1, adam), last)


def _ademamix(numbers: Numbers, state: PyTree) -> Told:
    part, guard = part_of(state, "m1"), 1 + beside_root(numbers)
    told = AdEMAMix(
        learning_rate=numbers["learning_rate"],
        b1=numbers["b1"],
        slow=numbers["b3"],
        share=1 / guard,
        slow_share=numbers["alpha"] / guard,
        weight_decay=numbers["weight_decay"],
    )
    return told, TwoMeansState(part.m1, _power(told.b1, part), part.m2)


def _simplified_ademamix(numbers: Numbers, state: PyTree) -> Told:
    """A sum that forgets is a mean over 1 - b1; the slope itself is a mean that remembers nothing."""
    part, guard, rest = part_of(state, "m"), 1 + beside_root(numbers), 1 - numbers["b1"]
    told = TwoMeans(
        learning_rate=numbers["learning_rate"],
        b1=0.0 * rest,
        slow=numbers["b1"],
        share=numbers["alpha"] / guard,
        slow_share=1 / (rest * guard),
        weight_decay=numbers["weight_decay"],
    )
    return told, TwoMeansState(jnp.zeros_like(part.m), jnp.zeros_like(part.m), part.m * rest)


def _adopt(numbers: Numbers, state: PyTree) -> Told:
    """After the first step v is 1, and nothing is clipped."""
    adam, rate, zero = part_of(state, "mu"), numbers["learning_rate"], 0.0 * numbers["learning_rate"]
    told = TwoMeans(rate, zero, numbers["b1"], zero, 1 / jnp.maximum(1.0, numbers["eps"]), zero)
    return told, TwoMeansState(jnp.zeros_like(adam.mu), jnp.zeros_like(adam.mu), adam.mu)


def _radam(numbers: Numbers, state: PyTree) -> Told:
    adam = part_of(state, "mu")
    told = RAdam(numbers["learning_rate"], numbers["b1"], numbers["b2"], beside_root(numbers), numbers["threshold"])
    b2_power = _power(told.b2, adam)
    return told, RectifiedState(adam.mu, _power(told.b1, adam), b2_power, adam.count * b2_power)


def _rmsprop(numbers: Numbers, state: PyTree) -> Told:
    """optax traces steps, ours slopes."""
    rate, scaled = numbers["learning_rate"], part_of(state, "nu")
    momentum, trace = 0.0 * rate, jnp.zeros_like(scaled.nu)
    if numbers["momentum"] is not None:
        momentum, trace = numbers["momentum"], -part_of(state, "trace").trace / rate
    return RMSHeavyBall(rate, momentum, numbers["decay"], numbers["eps"], 0.0 * rate), Mean(trace, 1 - scaled.nu)


def _novograd(numbers: Numbers, state: PyTree) -> Told:
    """After the first step v is 1."""
    guard, part, rate = 1 + beside_root(numbers), part_of(state, "mu"), numbers["learning_rate"]
    told = RMSHeavyBall(rate / guard, numbers["b1"], 0.0 * rate, 0.0 * rate, numbers["weight_decay"] * guard)
    return told, Mean(part.mu * guard, jnp.zeros_like(part.mu))


def _yogi(numbers: Numbers, state: PyTree) -> Told:
    """Unless the second moment is surely within a step of 1, nothing is proved: the learning rate has no upper end."""
    adam, rest = part_of(state, "mu"), 1 - numbers["b2"]
    above = adam.nu - 1
    other = adam.nu - rest * jnp.sign(above)
    takes_turns = (jnp.abs(above) < rest) & (jnp.abs(above) > 0)
    rate = numbers["learning_rate"] / takes_turns.astype(above.dtype)
    told = Yogi(rate, numbers["b1"], numbers["b2"], numbers["eps"])
    return told, YogiState(adam.mu, _power(told.b1, adam), _power(told.b2, adam), adam.nu, other)


def _adabelief(numbers: Numbers, state: PyTree) -> Told:
    names = "learning_rate", "b1", "b2", "eps", "eps_root"
    told = AdaBelief(*(numbers[name] for name in names))
    state = _deviation(told, state)
    return told, state._replace(second=state.second + told.of_square() * state.first**2)


def _acprop(numbers: Numbers, state: PyTree) -> Told:
    names = "learning_rate", "b1", "b2", "eps", "eps_root", "weight_decay"
    told = ACProp(*(numbers[name] for name in names))
    return told, _deviation(told, state)


def _deviation(told: AdaBelief | ACProp, state: PyTree) -> DeviationState:
    part = part_of(state, "mu")
    return DeviationState(part.mu, part.nu, _power(told.b1, part), _power(told.b2, part))


def _dadapt_adamw(numbers: Numbers, state: PyTree) -> Told:
    rate, sums, estimate, (b1, b2) = _estimating(numbers, state)
    scale = 1 / ((1 - jnp.sqrt(b2)) * estimate)
    b2_power = _power_of(b2, sums.count, estimate)
    told = DAdaptAdamW(rate, b1, b2, numbers["eps"], numbers["weight_decay"])
    return told, DAdapting(
        first=sums.exp_avg / estimate / jnp.sqrt(1 - b2_power),
        b1_power=_power_of(b1, sums.count, estimate),
        b2_power=b2_power,
        total=sums.grad_sum * scale,
        numerator=sums.numerator_weighted * scale * scale,
        estimate=estimate,
        growths=jnp.zeros_like(estimate),
    )


def _prodigy(numbers: Numbers, state: PyTree) -> Told:
    rate, sums, estimate, (b1, b2) = _estimating(numbers, state)
    keep = jnp.sqrt(b2) if numbers["beta3"] is None else numbers["beta3"]
    square, b2_power = estimate * estimate, _power_of(b2, sums.count, estimate)
    scale = numbers["estim_lr0"] / square
    total = sums.grad_sum * scale
    told = Prodigy(rate, b1, b2, keep, numbers["eps"], numbers["estim_lr_coef"], numbers["weight_decay"])
    return told, Weighing(
        first=sums.exp_avg / estimate,
        b1_power=_power_of(b1, sums.count, estimate),
        b2_power=b2_power,
        missing=1 - b2_power - sums.exp_avg_sq / square,
        total=total,
        numerator=sums.numerator_weighted * scale + (CENTRE - sums.params0) * total,
        estimate=estimate,
        growths=jnp.zeros_like(estimate),
        start=sums.params0,
    )


def _estimating(numbers: Numbers, state: PyTree) -> tuple[Any, Any, Any, tuple[Any, Any]]:
    """The learning rate, the state, what is estimated, which is above zero, and both betas."""
    rate, sums = numbers["learning_rate"], part_of(state, "estim_lr")
    estimate = jnp.where(numbers["estim_lr0"] > 0, sums.estim_lr, jnp.nan)
    b1, b2 = (beta + 0 * rate for beta in numbers["betas"])
    return rate, sums, estimate, (b1, b2)


def _power(base: Any, adam: Any) -> Any:
    """Of as many factors as steps, in the format of the mean."""
    return _power_of(base, adam.count, adam[1])


def _power_of(base: Any, count: Any, mean: Any) -> Any:
    return base ** count.astype(jnp.result_type(mean))


TELLINGS: dict[Callable, tuple[Callable[[Numbers, PyTree], Told], Numbers]] = {
    optax.adam: (_nadamw, {"nesterov": True}),
    optax.nadam: (_nadamw, {"nesterov": True}),
    optax.nadamw: (_nadamw, {"nesterov": True, "mask": None}),
    optax.contrib.muon: (_muon, {"nesterov": True, "adam_learning_rate": None}),
    optax.optimistic_adam: (_optimistic, {"nesterov": True}),
    optax.optimistic_adam_v2: (_optimistic, {"nesterov": True}),
    optax.contrib.adopt: (
        _adopt,
        {"nesterov": False, "clip_value_fn": default_of(optax.contrib.adopt, "clip_value_fn")},
    ),
    optax.contrib.ademamix: (_ademamix, {"mask": None}),
    optax.contrib.simplified_ademamix: (_simplified_ademamix, {"mask": None}),
    optax.radam: (_radam, {"nesterov": False}),
    optax.rmsprop: (
        _rmsprop,
        {"eps_in_sqrt": True, "centered": False, "nesterov": False, "bias_correction": False},
    ),
    optax.novograd: (_novograd, {}),
    optax.yogi: (_yogi, {}),
    optax.adabelief: (_adabelief, {"nesterov": False}),
    optax.contrib.acprop: (_acprop, {"mask": None}),
    optax.contrib.dadapt_adamw: (_dadapt_adamw, {}),
    optax.contrib.prodigy: (_prodigy, {"safeguard_warmup": False}),
}
