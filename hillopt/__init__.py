"""How high a hill can an optimizer climb out of?"""

from hillopt.axes import Axis
from hillopt.critical import DEFAULT_MAX_STEPS, CriticalHeight, Escape, critical_height, escape
from hillopt.dataset import save
from hillopt.landscapes import AbstractHill, TentHill
from hillopt.optimizers import (
    OPTIMIZERS,
    AbstractOptimizer,
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    HeavyBall,
    Lion,
    Nesterov,
    RMSprop,
    SignDescent,
    check_names,
    from_optax,
)
from hillopt.rollout import Trajectory, trajectory
from hillopt.sweep import DEFAULT_TILE, Progress, sweep
from hillopt.verdicts import Verdict

__all__ = [
    "DEFAULT_MAX_STEPS",
    "DEFAULT_TILE",
    "OPTIMIZERS",
    "AbstractHill",
    "AbstractOptimizer",
    "Adagrad",
    "Adam",
    "AdamW",
    "Axis",
    "CriticalHeight",
    "Escape",
    "GradientDescent",
    "HeavyBall",
    "Lion",
    "Nesterov",
    "Progress",
    "RMSprop",
    "SignDescent",
    "TentHill",
    "Trajectory",
    "Verdict",
    "check_names",
    "critical_height",
    "escape",
    "from_optax",
    "save",
    "sweep",
    "trajectory",
]
