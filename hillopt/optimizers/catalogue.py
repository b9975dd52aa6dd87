"""Optimizers by name: our own, and all of optax's with every number that they take as something to sweep."""

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax
from jaxtyping import Array, PyTree

from hillopt.names import check_names, near_miss
from hillopt.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.optimizers.first_order import GradientDescent, HeavyBall, Lion, Nesterov, SignDescent
from hillopt.optimizers.from_optax import OptaxOptimizer, from_optax
from hillopt.optimizers.scheduled import SCHEDULES, Scheduled
from hillopt.pytrees import Number

OPTIMIZERS: dict[str, type[AbstractOptimizer]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "gradient_descent": GradientDescent,
    "heavy_ball": HeavyBall,
    "lion": Lion,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "sign_descent": SignDescent,
}

RATE = 0.1  # where a factory has no default


def dpsgd(
    learning_rate: Number = RATE, l2_norm_clip: Number = 1.0, noise_multiplier: Number = 0.1
) -> optax.GradientTransformation:
    """optax.contrib.dpsgd, from its parts, with a key; it wants the gradient of every example, and a landscape is one example."""
    private = optax.chain(
        optax.contrib.differentially_private_aggregate(l2_norm_clip, noise_multiplier, key=0), optax.sgd(learning_rate)
    )

    def update(slope: Array, state: PyTree, position: Array | None = None) -> tuple[Array, PyTree]:
        return private.update(jax.tree.map(lambda leaf: leaf[None], slope), state, position)

    return optax.GradientTransformation(private.init, update)


def mechanize(learning_rate: Number = RATE, weight_decay: Number = 0.01) -> optax.GradientTransformation:
    """optax.contrib.mechanize around gradient descent."""
    return optax.contrib.mechanize(optax.sgd(learning_rate), weight_decay=weight_decay)


def sam(learning_rate: Number = RATE, radius: Number = 0.05) -> optax.GradientTransformation:
    """optax.contrib.sam around gradient descent, its adversary gradient descent on normalised slopes."""
    adversary = optax.chain(optax.contrib.normalize(), optax.sgd(radius))
    return optax.contrib.sam(optax.sgd(learning_rate), adversary)


def schedule_free(learning_rate: Number = RATE, b1: Number = 0.9) -> optax.GradientTransformation:
    """optax.contrib.schedule_free around gradient descent."""
    return optax.contrib.schedule_free(optax.sgd(learning_rate), learning_rate, b1)


# What takes other transformations, around gradient descent; and what takes examples, given one.
WRAPPERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "contrib.dpsgd": dpsgd,
    "contrib.mechanize": mechanize,
    "contrib.sam": sam,
    "contrib.schedule_free": schedule_free,
}
# What optax would else draw of itself.
DRAWN: dict[str, dict[str, Number]] = {"noisy_sgd": {"key": 0}}
# Numbers that are None by default, which the catalogue gives, so that they too are swept.
OPTIONAL: dict[str, dict[str, Number]] = {"sgd": {"momentum": 0.9}, "rmsprop": {"momentum": 0.9}}


def optax_names() -> list[str]:
    """Every public alias of optax and of optax.contrib that is an optimizer: it takes a learning rate or makes one.

    Examples:
        >>> len(ho.optax_names()), ho.optax_names()[:3]
        (52, ['adabelief', 'adadelta', 'adafactor'])
    """
    found = set(WRAPPERS)
    for prefix, module in (("", optax), ("contrib.", optax.contrib)):
        for name, value in vars(module).items():
            if name.startswith(("_", "scale_by")) or not isinstance(value, (types.FunctionType, functools.partial)):
                continue
            parameters = inspect.signature(value).parameters
            if {"learning_rate", "max_learning_rate"} & set(parameters):
                found.add(prefix + name)
    return sorted(found)


def optax_settings(name: str) -> tuple[Callable[..., optax.GradientTransformation], dict[str, Number]]:
    """The factory of this name and all its numbers: its defaults, `RATE` for a learning rate and 0.9 for a momentum without one.

    Raises ValueError with the near miss for a name that none has.
    """
    factory, numbers = _defaults(name)
    return factory, {**numbers, **OPTIONAL.get(name, {})}


def _defaults(name: str) -> tuple[Callable[..., optax.GradientTransformation], dict[str, Number]]:
    if name not in optax_names():
        raise ValueError(f"optax has no optimizer {name!r}; {near_miss(name, optax_names())}")
    factory = WRAPPERS.get(name) or _named(name)
    numbers: dict[str, Number] = {}
    for parameter in inspect.signature(factory).parameters.values():
        if isinstance(parameter.default, float):
            numbers[parameter.name] = parameter.default
        elif parameter.name == "learning_rate":
            numbers[parameter.name] = RATE
    return factory, {**numbers, **DRAWN.get(name, {})}


def optax_named(name: str, **hyperparameters: Number) -> OptaxOptimizer:
    """An optimizer of the catalogue with all its numbers to sweep; ValueError as for `optax_settings`.

    Examples:
        >>> ho.optax_named("radam").hyperparameters()
        {'learning_rate': 0.1, 'b1': 0.9, 'b2': 0.999, 'eps': 1e-08, 'eps_root': 0.0, 'threshold': 5.0}
    """
    factory, settings = optax_settings(name)
    return from_optax(factory, **{**settings, **hyperparameters})


def _named(name: str) -> Callable[..., optax.GradientTransformation]:
    module: Mapping[str, Any] = vars(optax.contrib if name.startswith("contrib.") else optax)
    return module[name.removeprefix("contrib.")]


def optimizer_named(name: str, **hyperparameters: Number) -> AbstractOptimizer:
    """One of our own, such as "adam", or of optax's, such as "optax.nadam", as it is with what is given and its defaults; either
    by a schedule, such as "warmup_cosine.adam".

    A learning rate that is neither given nor has a default is `RATE`. Raises ValueError with the near miss for a name or a
    hyperparameter that there is none of.
    """
    if name.startswith("optax."):
        factory, defaults = _defaults(name.removeprefix("optax."))
        return from_optax(factory, **{**defaults, **hyperparameters})
    schedule, _, scheduled = name.partition(".")
    if schedule in SCHEDULES and scheduled:
        own = {each.name for each in dataclasses.fields(SCHEDULES[schedule])}
        of_schedule = {key: number for key, number in hyperparameters.items() if key in own}
        others = {key: number for key, number in hyperparameters.items() if key not in own}
        return Scheduled(optimizer_named(scheduled, **others), SCHEDULES[schedule](**of_schedule))
    if name not in OPTIMIZERS:
        raise ValueError(f"No optimizer is called {name!r}; {near_miss(name, OPTIMIZERS)}")
    given = {"learning_rate": RATE, **hyperparameters}
    check_names(OPTIMIZERS[name], list(given))
    return OPTIMIZERS[name](**given)
