"""What is done after every epoch: test, refuse what is not finite, write down, keep the best, save, tell."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from aecluster.checkpoints import BEST, Checkpoints
from aecluster.ensemble import Ensemble, History
from aecluster.images import ImageShape
from aecluster.models import AbstractArchitecture, Params
from aecluster.recipes import Recipe
from aecluster.stopping import is_best
from aecluster.training.callbacks import Callback, Progress, tell
from aecluster.training.exam import Exam
from aecluster.training.loop import Seen, State, check_finite


@dataclasses.dataclass(eq=False)
class Diary:
    """The history of one training, which it writes epoch by epoch, and the networks to keep.

    **Attributes**

    - `exam`: the test images; `rehearsal`: those that are held out, if any.
    - `callbacks`: who is told.
    - `saver`: the checkpoints, if any.
    - `history`: so far.
    - `best`: of every seed the parameters of the least error on the held-out images.
    """

    architecture: AbstractArchitecture
    image_shape: ImageShape
    seeds: tuple[int, ...]
    recipe: Recipe
    exam: Exam
    rehearsal: Exam | None
    callbacks: tuple[Callback, ...]
    saver: Checkpoints | None = None
    history: History = dataclasses.field(init=False)
    best: Params | None = None

    def __post_init__(self) -> None:
        self.history = History.empty(len(self.seeds), held_out=self.rehearsal is not None)

    def __call__(self, epoch: int, state: State, seen: Seen) -> bool:
        """Write down an epoch; whether it was the last."""
        self._write(epoch, state, seen)
        complete = self.complete()
        saved = complete or self._due()
        if saved:
            self._save(state)
        asked = tell(self.callbacks, Progress(epoch, self.recipe.epochs, self.ensemble(state, newest=True)))
        if asked and not saved:
            self._save(state)
        return complete or asked

    def complete(self) -> bool:
        """Whether all epochs are done, or as many as the recipe's early stopping lets it."""
        stopping, errors = self.recipe.stopping, self.history.held_out_error
        stops = stopping is not None and errors is not None and stopping.stops(errors)
        return stops or self.history.num_epochs >= self.recipe.epochs

    def ensemble(self, state: State, newest: bool = False) -> Ensemble:
        """The networks to keep, or those of the newest epoch."""
        params = state.params if newest or self.best is None else self.best
        return Ensemble(self.architecture, self.image_shape, self.seeds, params, self.history)

    def trees(self, state: State) -> dict[str, Any]:
        """What a checkpoint holds besides the history."""
        if self.rehearsal is None:
            return state._asdict()
        return state._asdict() | {BEST: state.params if self.best is None else self.best}

    def _write(self, epoch: int, state: State, seen: Seen) -> None:
        tested, saver = self.exam(state.params), self.saver
        rehearsed = {} if self.rehearsal is None else {"held_out_error": self.rehearsal(state.params).error}
        kept = f" The last good checkpoint is in {str(saver.path)!r}." if saver is not None and saver.saved() else ""
        losses = np.column_stack([seen.loss, *rehearsed.values(), tested.error])
        check_finite(losses, epoch - 1, self.seeds, num_tests=1 + len(rehearsed), kept=kept)
        self.history = self.history.after(
            loss=np.mean(seen.loss, 1),
            train_error=np.mean(seen.error, 1),
            test_error=tested.error,
            dead_pixels=tested.dead_pixels,
            **rehearsed,
        )
        if self.history.held_out_error is not None:
            self.best = _replaced(self.best, state.params, is_best(self.history.held_out_error))

    def _due(self) -> bool:
        return self.saver is not None and self.saver.due()

    def _save(self, state: State) -> None:
        if self.saver is not None:
            self.saver.save(self.trees(state), self.history)


def _replaced(best: Params | None, params: Params, better: np.ndarray) -> Params:
    """The best parameters, those of some seeds replaced; copies, since the next step takes the newest for its own."""
    if best is None:
        return jax.tree.map(jnp.copy, params)

    def replaced(old: jax.Array, new: jax.Array) -> jax.Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(replaced, best, params)
