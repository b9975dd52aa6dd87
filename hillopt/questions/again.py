"""What rounding decides is asked again, in a higher precision, for the numbers as typed.

float32 is followed by float64, and that by exact arithmetic, which takes one setting after the other. A higher precision's answer
is about one number, the shortest decimal that rounds to a hyperparameter: its certainty is `AS_TYPED`.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Bool, PyTree

from hillopt.climbs import AbstractClimb
from hillopt.exact import as_typed
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    from hillopt.questions.contract import AbstractQuestion

AUTO = "auto"
"""The precision that goes on as long as anything is flagged."""
Tree = TypeVar("Tree")
Ask = Callable[["AbstractQuestion", PyTree], dict[str, Any]]
Stage = Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]
STEP_BY_STEP = 2**18
"""Settings times steps up to which walks off the lattice are made in exact arithmetic, which takes a minute at most or two."""
SURE = "certainty"  # fields that tell how well an answer is known begin with it
_one_at_a_time = threading.Lock()  # two devices' threads compile and walk the same here


class Cost(NamedTuple):
    """What a precision was asked for."""

    precision: str
    """"float64", or "exact"."""
    asked: int
    """Settings that were asked again."""
    answered: int
    """How many of these are not flagged any more."""
    seconds: float

    def and_(self, other: "Cost | None") -> "Cost":
        """Both together, of one precision."""
        if other is None:
            return self
        asked, answered = self.asked + other.asked, self.answered + other.answered
        return Cost(self.precision, asked, answered, self.seconds + other.seconds)


def check_precision(precision: str | None, climb: AbstractClimb) -> str | None:
    """None, or "auto" for a climb that tells what is to be asked again; else ValueError."""
    if precision not in (None, AUTO):
        raise ValueError(f'`precision` must be "auto" or None, got {precision!r}; leave it out to ask once.')
    if precision == AUTO and not climb.proves:
        raise ValueError(
            f'`precision="auto"` asks again what proofs have flagged, and `climb={climb!r}` attempts none; leave one of them out.'
        )
    return precision


def asked_again(
    question: "AbstractQuestion", world: PyTree, fields: dict[str, np.ndarray], ask: Ask, num_settings: int
) -> tuple[dict[str, np.ndarray], list[Cost]]:
    """An answer's fields with what was flagged asked again, and what that took.

    The numbers of `world`, a hill and an optimizer, broadcast against the settings' shape; `ask` gives the fields for such.
    """
    shape = fields[SURE].shape
    dtype = np.result_type(*(np.asarray(leaf).dtype for leaf in jax.tree.leaves(world[1])))
    fields = {
        name: field.reshape((*field.shape[: field.ndim - len(shape)], -1)).copy() for name, field in fields.items()
    }
    asking, costs = _typed(question, dtype), []
    exactly = functools.partial(_exactly, step_by_step=num_settings * int(question.max_steps) <= STEP_BY_STEP)
    stages: dict[str, Callable[..., Stage]] = (
        {"float64": _in_float64, "exact": exactly} if dtype == np.float32 else {"exact": exactly}
    )
    for precision, stage in stages.items():
        chosen = np.flatnonzero(_is_flagged(fields))
        if not chosen.size:
            break
        began = time.perf_counter()
        settings = jax.tree.map(lambda leaf, chosen=chosen: np.broadcast_to(leaf, shape).reshape(-1)[chosen], world)
        for places, found in stage(asking, _typed(settings, dtype), chosen, ask):
            for name, values in question.narrowed(found, dtype).items():
                fields[name][..., places] = values
        answered = chosen.size - int(_is_flagged(fields)[chosen].sum())
        costs.append(Cost(precision, chosen.size, answered, time.perf_counter() - began))
    return {name: field.reshape((*field.shape[:-1], *shape)) for name, field in fields.items()}, costs


def _is_flagged(fields: dict[str, np.ndarray]) -> Bool[np.ndarray, " setting"]:
    """Where anything of an answer is; what has left the range of its dtype is left alone."""
    flagged = np.zeros(fields[SURE].shape, bool)
    for name, field in fields.items():
        if name.startswith(SURE):
            flagged |= (field == Certainty.FLAGGED).reshape(-1, flagged.size).any(0)
    return flagged & (fields["verdict"] != Verdict.DIVERGED)


def _typed(tree: Tree, dtype: np.dtype) -> Tree:
    """In float64, the numbers that were typed as these in a narrower dtype."""

    def typed(leaf: Any) -> Any:
        numbers = np.asarray(leaf)
        if dtype == np.float64 or not np.issubdtype(numbers.dtype, np.floating):
            return leaf
        values, places = np.unique(numbers.astype(dtype), return_inverse=True)
        wide = [float(as_typed(value)) if np.isfinite(value) else float(value) for value in values]
        return np.array(wide)[places].reshape(numbers.shape)

    return jax.tree.map(typed, tree)


def _in_float64(question: "AbstractQuestion", settings: PyTree, chosen: np.ndarray, ask: Ask) -> Stage:
    """Rows of one width, so that no digit depends on how many settings are asked."""
    width = question.block
    for start in range(0, chosen.size, width):
        places = chosen[start : start + width]
        row = jax.tree.map(lambda leaf, start=start: np.resize(leaf[start : start + width], width), settings)
        with _one_at_a_time, jax.enable_x64(True):
            found = {name: np.asarray(field)[..., : places.size] for name, field in ask(question, row).items()}
        for name, field in found.items():
            if name.startswith(SURE):
                found[name] = np.minimum(field, Certainty.AS_TYPED)
        yield places, found


def _exactly(
    question: "AbstractQuestion", settings: PyTree, chosen: np.ndarray, ask: Ask, *, step_by_step: bool
) -> Stage:
    """One setting after the other; what takes too much effort stays flagged."""
    for index, place in enumerate(chosen):
        hill, optimizer = jax.tree.map(lambda leaf, index=index: leaf[index], settings)
        found = question.exactly(hill, optimizer, step_by_step)
        if found is not None:
            yield np.array([place]), {name: np.asarray(value)[..., None] for name, value in found.items()}
