"""Networks on disk, with a typed record of what they are and how they came about."""

from aecluster.checkpoints.folder import Checkpoints
from aecluster.checkpoints.networks import BEST, records, restore, restore_discriminator, save, trained
from aecluster.checkpoints.record import Identity, Record

__all__ = [
    "BEST",
    "Checkpoints",
    "Identity",
    "Record",
    "records",
    "restore",
    "restore_discriminator",
    "save",
    "trained",
]
