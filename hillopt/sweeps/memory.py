"""How many settings the memory of a device takes."""

import math
from collections.abc import Sequence

import jax
import numpy as np

from hillopt.questions import AbstractQuestion

SHARE = 0.5  # of a device's memory that tiles may take; programs and what else a process has there take some too
IN_FLIGHT = 2  # tiles on a device: one is walked while the other is read
# Bytes that the walk of a setting takes beside its answer's fields. The lattice climb's program, the largest, has 440 of them in
# float64 as compiled for a CPU; a compiler that merges less has more.
WALK = 1_024
WIDEST = np.dtype("float64").itemsize  # of a field's dtypes


def settings_that_fit(question: AbstractQuestion, devices: Sequence[jax.Device]) -> float:
    """Settings of a tile, at most, that fits into every device's memory; infinite where no device tells how much it has.

    A power of 2, so that devices that report nearly the same have tiles of one size, and may go on with each other's sweeps.
    """
    limits = [limit for device in devices if (limit := _memory_of(device)) is not None]
    if not limits:
        return math.inf
    fit = SHARE * min(limits) / (IN_FLIGHT * (WALK + bytes_of_answer(question)))
    return 2 ** max(0, math.floor(math.log2(max(1.0, fit))))


def bytes_of_answer(question: AbstractQuestion) -> int:
    """Of one setting, at most: fields that have dimensions of their own count where the question has values along them."""
    lengths = {name: np.size(values) for name, values in question.coordinates().items()}
    dims = question.answer_type.dims().values()
    return sum(WIDEST * math.prod(lengths.get(name, 0) for name in own) for own in dims)


def _memory_of(device: jax.Device) -> int | None:
    """Bytes that JAX may take of a device; None where it does not say."""
    return (device.memory_stats() or {}).get("bytes_limit")
