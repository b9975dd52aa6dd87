"""Networks: autoencoders, restorers and critics, their shapes and their names."""

from aecluster.models.autoencoders import Autoencoder, Convolutional, ConvolutionalEncoder, Dense, DenseEncoder
from aecluster.models.catalogue import ARCHITECTURES, AUTOENCODERS, architecture_named
from aecluster.models.contract import (
    AbstractArchitecture,
    AbstractAutoencoder,
    Params,
    check_architecture,
    count_parameters,
    fresh,
    initialize,
    structure,
    take,
)
from aecluster.models.critic import CRITIC, Critic, critic_params, log_odds
from aecluster.models.restorer import Restorer
from aecluster.models.variational import Gaussian, Variational

__all__ = [
    "ARCHITECTURES",
    "AUTOENCODERS",
    "CRITIC",
    "AbstractArchitecture",
    "AbstractAutoencoder",
    "Autoencoder",
    "Convolutional",
    "ConvolutionalEncoder",
    "Critic",
    "Dense",
    "DenseEncoder",
    "Gaussian",
    "Params",
    "Restorer",
    "Variational",
    "architecture_named",
    "check_architecture",
    "count_parameters",
    "critic_params",
    "fresh",
    "initialize",
    "log_odds",
    "structure",
    "take",
]
