"""Training runs: of an optimizer on a landscape, of a network on data, of any function that returns losses."""

from hillopt.runs.contract import AbstractRun, repeats
from hillopt.runs.curve import loss_curve
from hillopt.runs.from_function import FunctionRun, run_from
from hillopt.runs.mean_field import NETWORKS, MeanFieldNetwork
from hillopt.runs.network import AbstractProblem, NetworkRun
from hillopt.runs.online import OnlineRun
from hillopt.runs.supervised import Model, from_flax, mean_squared_error, network_run
from hillopt.runs.walked import WalkRun

__all__ = [
    "NETWORKS",
    "AbstractProblem",
    "AbstractRun",
    "FunctionRun",
    "MeanFieldNetwork",
    "Model",
    "NetworkRun",
    "OnlineRun",
    "WalkRun",
    "from_flax",
    "loss_curve",
    "mean_squared_error",
    "network_run",
    "repeats",
    "run_from",
]
