"""The names under which commands and files know our own optimizers."""

from hillopt.names import near_miss
from hillopt.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.optimizers.first_order import GradientDescent, HeavyBall, Lion, Nesterov, SignDescent

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


def optimizer_named(name: str) -> type[AbstractOptimizer]:
    """One of our own; ValueError with the near miss for a name that none has."""
    if name not in OPTIMIZERS:
        raise ValueError(f"No optimizer is called {name!r}; {near_miss(name, OPTIMIZERS)}")
    return OPTIMIZERS[name]
