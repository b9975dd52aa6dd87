"""The training loop, and what is trained by it."""

from aecluster.training.bar import ProgressBar
from aecluster.training.callbacks import Callback, Progress
from aecluster.training.discriminators import learn_discriminator
from aecluster.training.loop import Keys, Loop, Outlook, State, Task, fit
from aecluster.training.networks import check_training, epoch_program, train
from aecluster.training.tensorboard import TensorBoard, check_tensorboard

__all__ = [
    "Callback",
    "Keys",
    "Loop",
    "Outlook",
    "Progress",
    "ProgressBar",
    "State",
    "Task",
    "TensorBoard",
    "check_tensorboard",
    "check_training",
    "epoch_program",
    "fit",
    "learn_discriminator",
    "train",
]
