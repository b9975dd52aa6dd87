"""How high a hill can an optimizer climb out of?"""

from hillopt import theory
from hillopt.axes import Axis
from hillopt.blocks import compiler_options
from hillopt.critical import DEFAULT_MAX_STEPS, IMPLEMENTATIONS, PROOFS, CriticalHeight, Escape, critical_height, escape
from hillopt.dataset import pieces, save, thinned
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
    StartingAt,
    TentHill,
    WedgeHill,
    hill_from,
)
from hillopt.names import check_names
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
    from_optax,
    optax_named,
    optax_names,
    optax_settings,
    optimizer_named,
)
from hillopt.outcomes import OUTCOMES
from hillopt.proofs import Lattice, lattice_of, reach_of
from hillopt.rollout import Trajectory, trajectory
from hillopt.stability import Stability, stability
from hillopt.sweep import MOST_STEPS, Progress, sweep
from hillopt.switches import EscapingHeights, escaping_heights
from hillopt.verdicts import Verdict

__all__ = [
    "DEFAULT_MAX_STEPS",
    "HILLS",
    "IMPLEMENTATIONS",
    "MOST_STEPS",
    "OPTIMIZERS",
    "OUTCOMES",
    "PROOFS",
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
    "Lattice",
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
    "Stability",
    "StartingAt",
    "TentHill",
    "Trajectory",
    "Verdict",
    "WedgeHill",
    "check_names",
    "compiler_options",
    "critical_height",
    "design",
    "escape",
    "escape_probability",
    "escaping_heights",
    "first_passages",
    "from_optax",
    "height_at_probability",
    "hill_from",
    "lattice_of",
    "optax_named",
    "optax_names",
    "optax_settings",
    "optimizer_named",
    "passage_time",
    "pieces",
    "reach_of",
    "save",
    "sensitivity",
    "stability",
    "sweep",
    "theory",
    "thinned",
    "trajectory",
]
