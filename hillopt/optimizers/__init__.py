"""Optimizers as frozen pytrees: nine of our own, and any of optax's."""

from hillopt.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from hillopt.optimizers.by_part import ByPart, by_part
from hillopt.optimizers.catalogue import OPTIMIZERS, optax_named, optax_names, optax_settings, optimizer_named
from hillopt.optimizers.contract import AbstractOptimizer, as_arrays
from hillopt.optimizers.first_order import GradientDescent, HeavyBall, Lion, Nesterov, SignDescent
from hillopt.optimizers.from_optax import OptaxOptimizer, from_optax
from hillopt.optimizers.scheduled import SCHEDULES, AbstractSchedule, ExponentialDecay, Scheduled, WarmupCosine
from hillopt.optimizers.undecayed import DECAY, undecayed

__all__ = [
    "DECAY",
    "OPTIMIZERS",
    "SCHEDULES",
    "AbstractOptimizer",
    "AbstractSchedule",
    "Adagrad",
    "Adam",
    "AdamW",
    "ByPart",
    "ExponentialDecay",
    "GradientDescent",
    "HeavyBall",
    "Lion",
    "Nesterov",
    "OptaxOptimizer",
    "RMSprop",
    "Scheduled",
    "SignDescent",
    "WarmupCosine",
    "as_arrays",
    "by_part",
    "from_optax",
    "optax_named",
    "optax_names",
    "optax_settings",
    "optimizer_named",
    "undecayed",
]
