"""Undoing a blur: peers and networks by name, their scores on the same images, and the pictures of both."""

from aecluster.deblurring.peers import Linear, RichardsonLucy, Wiener, choose_balance, learn_ridge
from aecluster.deblurring.photographs import PHOTOGRAPHS, photograph, photographs
from aecluster.deblurring.presets import ADVERSARY, BLUR_WEIGHTS, Preset, composites, losses, mixture, networks
from aecluster.deblurring.report import failures, grid, strength_curve, weight_curve
from aecluster.deblurring.scores import MEASURES, check_measurable, score
from aecluster.deblurring.study import (
    NOTHING,
    PEERS,
    Method,
    Scores,
    best,
    by_strength,
    check_methods,
    judged_mixtures,
    peer,
    score_seeds,
    strengths,
    summary,
    train_preset,
    untouched,
)
from aecluster.deblurring.whole_images import restore

__all__ = [
    "ADVERSARY",
    "BLUR_WEIGHTS",
    "MEASURES",
    "NOTHING",
    "PEERS",
    "PHOTOGRAPHS",
    "Linear",
    "Method",
    "Preset",
    "RichardsonLucy",
    "Scores",
    "Wiener",
    "best",
    "by_strength",
    "check_measurable",
    "check_methods",
    "choose_balance",
    "composites",
    "failures",
    "grid",
    "judged_mixtures",
    "learn_ridge",
    "losses",
    "mixture",
    "networks",
    "peer",
    "photograph",
    "photographs",
    "restore",
    "score",
    "score_seeds",
    "strength_curve",
    "strengths",
    "summary",
    "train_preset",
    "untouched",
    "weight_curve",
]
