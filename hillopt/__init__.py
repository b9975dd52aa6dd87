"""How high a hill can an optimizer climb out of?"""

from hillopt.axes import Axis
from hillopt.critical import CriticalHeight, Escape, critical_height, escape
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
    from_optax,
)
from hillopt.rollout import Trajectory, trajectory
from hillopt.sweep import Progress, save, sweep
from hillopt.verdicts import Verdict

__all__ = [
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
    "critical_height",
    "escape",
    "from_optax",
    "save",
    "sweep",
    "trajectory",
]
