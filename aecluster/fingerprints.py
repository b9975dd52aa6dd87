"""What a function computes, as a short text: the same for the same program, whatever it is called and wherever it stands."""

import hashlib
from collections.abc import Callable
from typing import Any

import jax


def fingerprint(function: Callable, *shapes: Any) -> str:
    """SHA-256 of the StableHLO that a function of arrays of these shapes becomes on a CPU.

    The text holds operations, shapes and constants, and neither addresses nor names nor lines of source; so it is the same
    in another process, and another where a constant in a closure is. JAX's version may change it.
    """
    traced = jax.jit(lambda *arguments: function(*arguments)).trace(*shapes)
    return hashlib.sha256(traced.lower(lowering_platforms=("cpu",)).as_text().encode()).hexdigest()
