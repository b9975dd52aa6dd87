"""Questions about an optimizer on a hill, each an object: its parameters, its pure function, its answer's fields, its looks."""

from hillopt.questions.again import Cost
from hillopt.questions.contract import (
    DEFAULT_MAX_STEPS,
    AbstractAnswer,
    AbstractQuestion,
    Look,
    ask,
    asked_of,
    described,
    enumerated,
    in_higher_precision,
)
from hillopt.questions.critical_height import CriticalHeight, CriticalHeightAnswer, critical_height
from hillopt.questions.escape import Escape, EscapeAnswer, escape
from hillopt.questions.escaping_heights import EscapingHeights, escaping_heights
from hillopt.questions.loss import Loss, LossAnswer
from hillopt.questions.passages import (
    EscapeProbability,
    EscapeProbabilityAnswer,
    Estimate,
    Passages,
    PassageTime,
    PassageTimeAnswer,
    escape_probability,
    first_passages,
    height_at_probability,
    passage_time,
)
from hillopt.questions.sensitivity import Sensitivity, sensitivity
from hillopt.questions.stability import Stability, StabilityAnswer, stability
from hillopt.questions.trainability import Trainability, TrainabilityAnswer, Training
from hillopt.questions.trainability_stability import TrainabilityStability, TrainabilityStabilityAnswer

QUESTIONS: dict[str, type[AbstractQuestion]] = {
    "critical_height": CriticalHeight,
    "escape": Escape,
    "escape_probability": EscapeProbability,
    "loss": Loss,
    "passage_time": PassageTime,
    "stability": Stability,
    "trainability": Trainability,
    "trainability_stability": TrainabilityStability,
}
"""By the names that a command's flag takes."""

__all__ = [
    "DEFAULT_MAX_STEPS",
    "QUESTIONS",
    "AbstractAnswer",
    "AbstractQuestion",
    "Cost",
    "CriticalHeight",
    "CriticalHeightAnswer",
    "Escape",
    "EscapeAnswer",
    "EscapeProbability",
    "EscapeProbabilityAnswer",
    "EscapingHeights",
    "Estimate",
    "Look",
    "Loss",
    "LossAnswer",
    "PassageTime",
    "PassageTimeAnswer",
    "Passages",
    "Sensitivity",
    "Stability",
    "StabilityAnswer",
    "Trainability",
    "TrainabilityAnswer",
    "TrainabilityStability",
    "TrainabilityStabilityAnswer",
    "Training",
    "ask",
    "asked_of",
    "critical_height",
    "described",
    "enumerated",
    "escape",
    "escape_probability",
    "escaping_heights",
    "first_passages",
    "height_at_probability",
    "in_higher_precision",
    "passage_time",
    "sensitivity",
    "stability",
]
