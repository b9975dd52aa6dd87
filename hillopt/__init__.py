"""How high a hill can an optimizer climb out of?"""

from hillopt import theory
from hillopt.axes import Axis
from hillopt.critical import DEFAULT_MAX_STEPS, CriticalHeight, Escape, critical_height, escape
from hillopt.dataset import save
from hillopt.design import Design, Sensitivity, design, sensitivity
from hillopt.landscapes import (
    HILLS,
    AbstractHill,
    DoubleWell,
    FunctionHill,
    GaussianHill,
    MuellerBrown,
    NarrowPass,
    PiecewiseLinearHill,
    RoughBowl,
    TentHill,
    WedgeHill,
    hill_from,
)
from hillopt.noise import (
    Estimate,
    GaussianNoise,
    Passages,
    escape_probability,
    first_passages,
    height_at_probability,
    passage_time,
)
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
from hillopt.switches import EscapingHeights, escaping_heights
from hillopt.verdicts import Verdict

__all__ = [
    "DEFAULT_MAX_STEPS",
    "DEFAULT_TILE",
    "HILLS",
    "OPTIMIZERS",
    "AbstractHill",
    "AbstractOptimizer",
    "Adagrad",
    "Adam",
    "AdamW",
    "Axis",
    "CriticalHeight",
    "Design",
    "DoubleWell",
    "Escape",
    "EscapingHeights",
    "Estimate",
    "FunctionHill",
    "GaussianHill",
    "GaussianNoise",
    "GradientDescent",
    "HeavyBall",
    "Lion",
    "MuellerBrown",
    "NarrowPass",
    "Nesterov",
    "Passages",
    "PiecewiseLinearHill",
    "Progress",
    "RMSprop",
    "RoughBowl",
    "Sensitivity",
    "SignDescent",
    "TentHill",
    "Trajectory",
    "Verdict",
    "WedgeHill",
    "check_names",
    "critical_height",
    "design",
    "escape",
    "escape_probability",
    "escaping_heights",
    "first_passages",
    "from_optax",
    "height_at_probability",
    "hill_from",
    "passage_time",
    "save",
    "sensitivity",
    "sweep",
    "theory",
    "trajectory",
]
