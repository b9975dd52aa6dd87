"""Logs that TensorBoard shows: one run a seed, one curve each for all that is measured."""

import contextlib
from pathlib import Path
from typing import Any

from aecluster.places import place
from aecluster.training.callbacks import Progress


class TensorBoard(contextlib.AbstractContextManager):
    """A callback that writes what is measured after every epoch into a folder for TensorBoard.

    `ae.train(..., callbacks=[ae.TensorBoard("logs")])`, then `tensorboard --logdir=logs`. A resumed training goes on in the
    same curves: what was written of epochs that are done again is hidden. Needs tensorboardX, which comes with the extra
    `tensorboard`; raises ValueError where it is missing.
    """

    def __init__(self, folder: str | Path):
        self.folder = place("folder", folder)
        self.writers: list[Any] = []

    def __exit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.close()
        self.writers = []

    def __call__(self, progress: Progress) -> None:
        if not self.writers:
            self.writers = [_writer(self.folder / f"seed_{seed}", progress.epoch) for seed in progress.ensemble.seeds]
        for name, values in progress.history.columns().items():
            for writer, value in zip(self.writers, values[:, -1], strict=True):
                writer.add_scalar(name, value.item(), progress.epoch)

    def __enter__(self) -> "TensorBoard":
        check_tensorboard()
        return self


def check_tensorboard() -> None:
    """Refuse with ValueError where nothing can write such logs."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise ValueError(
            "`TensorBoard` needs tensorboardX, which is not installed; install it by `pip install tensorboardX`."
        ) from None


def _writer(folder: Path, first_epoch: int) -> Any:
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder), purge_step=first_epoch)
