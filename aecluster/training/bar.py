"""How far a training is, as a bar: in a notebook's output, or on a terminal."""

import contextlib
import warnings
from typing import Any

from aecluster.training.callbacks import Progress


class ProgressBar(contextlib.AbstractContextManager):
    """A callback that draws a bar of epochs with the newest errors: `ae.train(..., callbacks=[ae.ProgressBar()])`.

    In a notebook with ipywidgets it is a widget, elsewhere a line of text. It tells the seconds an epoch, the time left, and the
    mean absolute errors on the training and the test images, mean over seeds. A resumed training's begins where that stood.
    """

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a notebook without ipywidgets is nothing to warn of: it gets the line
                from tqdm.auto import tqdm

            self._bar = tqdm(total=progress.epochs, initial=progress.epoch - 1, unit=" epochs")
        self._bar.set_postfix(train=f"{progress.train_error:.4f}", test=f"{progress.test_error:.4f}", refresh=False)
        self._bar.update(progress.epoch - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
