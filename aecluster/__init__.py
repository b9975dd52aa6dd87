"""What an autoencoder's latent space knows: train, reconstruct, map, cluster."""

from aecluster.blur import Blur, RandomBlur
from aecluster.checkpoints import restore
from aecluster.corruptions import AbstractCorruption, Deformation, corrupted
from aecluster.data import NAMES, ImageData, Split, load, read_idx, write_idx
from aecluster.discriminator import Adversary, Discriminator, ProbabilityOfBlur, learn_discriminator
from aecluster.ensemble import Ensemble, History, Trained, dead_pixels_of
from aecluster.losses import (
    L1,
    L2,
    LOSSES,
    AbstractLoss,
    CrossEntropy,
    Dissimilarity,
    GreyTargets,
    ToGiven,
    WarmUp,
    Weighted,
    composite,
    loss_named,
)
from aecluster.models import (
    ARCHITECTURES,
    AUTOENCODERS,
    AbstractArchitecture,
    AbstractAutoencoder,
    Autoencoder,
    Convolutional,
    Dense,
    Restorer,
    autoencoder_named,
    check_architecture,
    count_parameters,
)
from aecluster.recipes import RECIPES, SCHEDULES, Recipe, optimizer_named
from aecluster.training import Progress, train

__all__ = [
    "ARCHITECTURES",
    "AUTOENCODERS",
    "L1",
    "L2",
    "LOSSES",
    "NAMES",
    "RECIPES",
    "SCHEDULES",
    "AbstractArchitecture",
    "AbstractAutoencoder",
    "AbstractCorruption",
    "AbstractLoss",
    "Adversary",
    "Autoencoder",
    "Blur",
    "Convolutional",
    "CrossEntropy",
    "Deformation",
    "Dense",
    "Discriminator",
    "Dissimilarity",
    "Ensemble",
    "GreyTargets",
    "History",
    "ImageData",
    "ProbabilityOfBlur",
    "Progress",
    "RandomBlur",
    "Recipe",
    "Restorer",
    "Split",
    "ToGiven",
    "Trained",
    "WarmUp",
    "Weighted",
    "autoencoder_named",
    "check_architecture",
    "composite",
    "corrupted",
    "count_parameters",
    "dead_pixels_of",
    "learn_discriminator",
    "load",
    "loss_named",
    "optimizer_named",
    "read_idx",
    "restore",
    "train",
    "write_idx",
]
