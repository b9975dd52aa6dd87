"""What an autoencoder's latent space knows: train, reconstruct, map, cluster."""

from aecluster.checkpoints import restore
from aecluster.corruptions import AbstractCorruption, Deformation
from aecluster.data import NAMES, ImageData, Split, load, read_idx, write_idx
from aecluster.ensemble import Ensemble, History, Trained, dead_pixels_of
from aecluster.losses import L1, L2, LOSSES, AbstractLoss, CrossEntropy, WarmUp
from aecluster.models import (
    ARCHITECTURES,
    AbstractArchitecture,
    Autoencoder,
    Convolutional,
    Dense,
    architecture_named,
    check_architecture,
    count_parameters,
)
from aecluster.recipes import RECIPES, SCHEDULES, Recipe, optimizer_named
from aecluster.training import Progress, train

__all__ = [
    "ARCHITECTURES",
    "L1",
    "L2",
    "LOSSES",
    "NAMES",
    "RECIPES",
    "SCHEDULES",
    "AbstractArchitecture",
    "AbstractCorruption",
    "AbstractLoss",
    "Autoencoder",
    "Convolutional",
    "CrossEntropy",
    "Deformation",
    "Dense",
    "Ensemble",
    "History",
    "ImageData",
    "Progress",
    "Recipe",
    "Split",
    "Trained",
    "WarmUp",
    "architecture_named",
    "check_architecture",
    "count_parameters",
    "dead_pixels_of",
    "load",
    "optimizer_named",
    "read_idx",
    "restore",
    "train",
    "write_idx",
]
