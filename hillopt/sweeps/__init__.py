"""Sweeps: a question asked of every setting of a grid, tile by tile, on every device, into a store that survives."""

from hillopt.sweeps.bar import ProgressBar
from hillopt.sweeps.budget import Doubling
from hillopt.sweeps.certified import cell_certificate
from hillopt.sweeps.dataset import pieces, save, settings_dims, thinned
from hillopt.sweeps.front import sweep
from hillopt.sweeps.scheduler import Progress
from hillopt.sweeps.store import Store

__all__ = [
    "Doubling",
    "Progress",
    "ProgressBar",
    "Store",
    "cell_certificate",
    "pieces",
    "save",
    "settings_dims",
    "sweep",
    "thinned",
]
