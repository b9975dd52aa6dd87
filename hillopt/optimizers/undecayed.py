"""A weight decay of zero is none: where that is known, an optimizer is walked, and proved, as the one without."""

import dataclasses
from typing import Any

import numpy as np

from hillopt.optimizers.adaptive import Adam, AdamW
from hillopt.optimizers.contract import AbstractOptimizer
from hillopt.optimizers.first_order import Lion
from hillopt.optimizers.from_optax import OptaxOptimizer
from hillopt.pytrees import is_traced

DECAY = "weight_decay"
"""How the names of such numbers end."""


def undecayed(optimizer: AbstractOptimizer) -> AbstractOptimizer:
    """The optimizer without a weight decay that is one zero; it takes the same steps.

    One that is being traced may become another number, or have a derivative, and stays.
    """
    if isinstance(optimizer, OptaxOptimizer):
        idle = tuple((name, 0.0) for name, value in optimizer.swept.items() if name.endswith(DECAY) and _is_zero(value))
        swept = {name: value for name, value in optimizer.swept.items() if name not in dict(idle)}
        return dataclasses.replace(optimizer, swept=swept, settings=optimizer.settings + idle) if swept else optimizer
    if isinstance(optimizer, AdamW) and _is_zero(optimizer.weight_decay):
        return Adam(optimizer.learning_rate, optimizer.b1, optimizer.b2, optimizer.eps)
    if isinstance(optimizer, Lion) and optimizer.weight_decay is not None and _is_zero(optimizer.weight_decay):
        return optimizer.replace(weight_decay=None)
    return optimizer


def _is_zero(value: Any) -> bool:
    """An array would take the settings' shape away with it."""
    return not is_traced(value) and np.ndim(value) == 0 and float(value) == 0
