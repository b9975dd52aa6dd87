"""The certificate of an answer about one setting: what proves it, as plain numbers that anybody can check."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from hillopt.certificates import (
    AbstractCertificate,
    Part,
    Range,
    as_written,
    certificate_of,
    found_certificate,
    reals_that_round_to,
)
from hillopt.front_door import check_hill, check_optimizer, check_steps
from hillopt.landscapes import AbstractHill
from hillopt.lanes import common_dtype, common_shape
from hillopt.optimizers import DECAY, AbstractOptimizer, as_arrays
from hillopt.pytrees import AbstractPytree, is_traced
from hillopt.questions.contract import DEFAULT_MAX_STEPS, ask
from hillopt.questions.critical_height import CriticalHeight
from hillopt.questions.escape import Escape

EXACT = 2.0**10
"""A number of a hill's points that is a multiple of 1/1024 stands for itself, as in a walk's proofs."""
UNDECAYED = {"AdamW": "Adam"}  # what one without its decay is called


def certificate(
    hill: AbstractHill, optimizer: AbstractOptimizer, *, max_steps: int = DEFAULT_MAX_STEPS, as_typed: bool = False
) -> AbstractCertificate:
    """What proves the answer about one setting: of `critical_height` on an endless tent, of `escape` on any other hill.

    It has been checked before it is returned; `check()` checks it once more, in milliseconds and with the standard library alone,
    and `to_json()` and `AbstractCertificate.from_json` lose nothing.

    **Arguments**

    - `hill`, `optimizer`: one setting. Certificates know `TentHill`, `WedgeHill`, `PiecewiseLinearHill` and `DoubleWell`, and this
      package's optimizers.
    - `max_steps`: at most so many steps.
    - `as_typed`: every number counts as its shortest decimal, 0.01 as 1/100, instead of all reals that round to it. That settles
      what lies at a knife edge.

    Raises ValueError for several settings, for a hill or an optimizer that certificates do not know, and, saying what is wanting,
    where nothing is proved.

    Examples:
        >>> proof = ho.certificate(ho.TentHill(), ho.Adam(0.3))
        >>> proof.check()
        >>> print(proof.checkpoint, proof.period)
        132 20
    """
    if is_traced((hill, optimizer, max_steps)):
        raise ValueError(
            "`certificate` is made of numbers that JAX cannot trace; call it outside of jit, vmap and grad."
        )
    hill, optimizer, steps = check_hill(hill), check_optimizer(optimizer), int(check_steps(max_steps))
    if common_shape((hill, optimizer)) != ():
        raise ValueError("`optimizer` and `hill` must be one setting for a certificate, got several; give one of them.")
    dtype = common_dtype(as_arrays(optimizer))
    reading = typed_in(dtype) if as_typed else rounding_to(dtype)
    parts = _part(hill, reading), _part(optimizer, reading)
    if as_typed:
        return found_certificate(*parts, steps)
    is_endless = hill.flank_is_shared and bool(np.isinf(np.asarray(hill.height)))
    answer = ask(CriticalHeight(steps) if is_endless else Escape(steps), hill, optimizer)
    return certificate_of(*parts, {name: np.asarray(value).item() for name, value in answer.items()}, steps)


def rounding_to(dtype: np.dtype) -> Callable[[Any], Range]:
    """How a walk in this format reads a number: as all reals that round to it."""
    return lambda number: reals_that_round_to(float(np.asarray(number, dtype)), str(dtype))


def typed_in(dtype: np.dtype) -> Callable[[float], Range]:
    """How a number in this format reads as a person has typed it: as its shortest decimal."""
    return lambda number: as_written(dtype.type(number))


def _part(thing: AbstractPytree, reading: Callable[[Any], Range]) -> Part:
    return part_of(thing.label(), {**thing.hyperparameters(), **thing.fixed()}, reading)


def part_of(kind: str, numbers: Mapping[str, Any], reading: Callable[[Any], Range]) -> Part:
    """A hill or an optimizer as certificates know it: its numbers, and its points where it has some, by name.

    An infinite height, what is None and what is no number are left out, and a weight decay of zero, as it is walked.
    """
    known: dict[str, Range] = {}
    if np.array_equal(numbers.get(DECAY, 1.0), 0.0):
        kind, numbers = UNDECAYED.get(kind, kind), {name: numbers[name] for name in numbers if name != DECAY}
    for name, value in numbers.items():
        if name == "points":
            known |= _points(value, reading)
        elif isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)) and np.isfinite(value):
            known[name] = reading(np.asarray(value)[()])
    return Part(kind, known)


def _points(points: Sequence[Sequence[float]], reading: Callable[[Any], Range]) -> dict[str, Range]:
    named = {
        f"{axis}_{index}": each for index, point in enumerate(points) for axis, each in zip("xy", point, strict=True)
    }
    return {
        name: as_written(each) if each * EXACT == round(each * EXACT) else reading(each) for name, each in named.items()
    }
