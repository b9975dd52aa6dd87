"""All of optax's optimizers, by name, each with every number that it takes as something to sweep."""

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax

from hillopt.names import near_miss
from hillopt.optimizers.from_optax import OptaxOptimizer, from_optax

RATE = 0.1  # where a factory has no default


def _private_descent(
    learning_rate: Any = RATE, l2_norm_clip: Any = 1.0, noise_multiplier: Any = 0.1
) -> optax.GradientTransformation:
    """dpsgd wants the gradient of every example; a landscape is one example."""
    private = optax.contrib.dpsgd(learning_rate, l2_norm_clip, noise_multiplier, seed=0)

    def update(slope: Any, state: Any, position: Any = None) -> Any:
        return private.update(jax.tree.map(lambda leaf: leaf[None], slope), state, position)

    return optax.GradientTransformation(private.init, update)


# What takes other transformations, around gradient descent; and what takes examples, given one.
WRAPPERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "contrib.dpsgd": _private_descent,
    "contrib.mechanize": lambda learning_rate=RATE, weight_decay=0.01: optax.contrib.mechanize(
        optax.sgd(learning_rate), weight_decay=weight_decay
    ),
    "contrib.sam": lambda learning_rate=RATE, radius=0.05: optax.contrib.sam(
        optax.sgd(learning_rate), optax.chain(optax.contrib.normalize(), optax.sgd(radius))
    ),
    "contrib.schedule_free": lambda learning_rate=RATE, b1=0.9: optax.contrib.schedule_free(
        optax.sgd(learning_rate), learning_rate, b1
    ),
}
# Numbers that are None by default, and what optax would else draw or warn of itself.
SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9},
    "rmsprop": {"momentum": 0.9},
    "noisy_sgd": {"key": 0},
}


def optax_names() -> list[str]:
    """Every public alias of optax and of optax.contrib that is an optimizer: it takes a learning rate or makes one."""
    found = set(WRAPPERS)
    for prefix, module in (("", optax), ("contrib.", optax.contrib)):
        for name, value in vars(module).items():
            if name.startswith(("_", "scale_by")) or not isinstance(value, (types.FunctionType, functools.partial)):
                continue
            parameters = inspect.signature(value).parameters
            if {"learning_rate", "max_learning_rate"} & set(parameters):
                found.add(prefix + name)
    return sorted(found)


def optax_settings(name: str) -> tuple[Callable[..., optax.GradientTransformation], dict[str, Any]]:
    """The factory of this name and its numbers: its defaults, and `RATE` for a learning rate without one.

    Raises ValueError with the near miss for a name that none has.
    """
    if name not in optax_names():
        raise ValueError(f"optax has no optimizer {name!r}; {near_miss(name, optax_names())}")
    factory = WRAPPERS.get(name) or _named(name)
    numbers: dict[str, Any] = {}
    for parameter in inspect.signature(factory).parameters.values():
        if isinstance(parameter.default, float):
            numbers[parameter.name] = parameter.default
        elif parameter.name == "learning_rate":
            numbers[parameter.name] = RATE
    return factory, {**numbers, **SETTINGS.get(name, {})}


def optax_named(name: str, **hyperparameters: Any) -> OptaxOptimizer:
    """An optimizer of the catalogue with all its numbers to sweep; ValueError as for `optax_settings`."""
    factory, settings = optax_settings(name)
    return from_optax(factory, **{**settings, **hyperparameters})


def _named(name: str) -> Callable[..., optax.GradientTransformation]:
    module: Mapping[str, Any] = vars(optax.contrib if name.startswith("contrib.") else optax)
    return module[name.removeprefix("contrib.")]
