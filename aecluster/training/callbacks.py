"""What a training tells while it runs, and to whom: one protocol for progress, logs, and stopping."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from aecluster.arguments import entries_of, function, short
from aecluster.ensemble import Ensemble, History


class Progress(NamedTuple):
    """How far a training is.

    **Attributes**

    - `epoch`: epochs done, those before a resumption too.
    - `epochs`: of the recipe.
    - `ensemble`: the networks as they are, with their history so far. Their arrays are the training's own and are gone when the
      next epoch begins; copy what is to be kept.
    """

    epoch: int
    epochs: int
    ensemble: Ensemble

    @property
    def history(self) -> History:
        """What was measured after every epoch so far."""
        return self.ensemble.history

    @property
    def train_error(self) -> float:
        """The newest mean absolute error on the training batches, mean over seeds."""
        return float(self.history.train_error[:, -1].mean())

    @property
    def test_error(self) -> float:
        """The newest mean absolute error on the test images, mean over seeds."""
        return float(self.history.test_error[:, -1].mean())


Callback: TypeAlias = Callable[[Progress], bool | None]


def check_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """Refuse with ValueError what cannot be called."""
    entries = entries_of("callbacks", callbacks, "a list of functions of an `ae.Progress`")
    return tuple(function("print")("callbacks", callback) for callback in entries)


@contextlib.contextmanager
def present(callbacks: Sequence[Callback]) -> Iterator[None]:
    """Those callbacks that are context managers, entered in their order and left in the opposite one, whatever happens."""
    with contextlib.ExitStack() as stack:
        for callback in callbacks:
            if isinstance(callback, contextlib.AbstractContextManager):
                stack.enter_context(callback)
        yield


def tell(callbacks: Sequence[Callback], progress: Progress) -> bool:
    """Tell all of them; whether any wants the training to stop. Raises ValueError where an answer is none."""
    answers = [
        _answer(callback, callback(progress)) for callback in callbacks
    ]  # all of them, whatever the first one says
    return any(answers)


def _answer(callback: Callback, answer: bool | None) -> bool:
    if answer not in (None, True, False):
        raise ValueError(
            f"`callbacks` must return True to stop, else False or None, got {short(answer)} from {short(callback)}; "
            "return nothing."
        )
    return bool(answer)
