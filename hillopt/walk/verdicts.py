"""How a walk ends, and how well that is known."""

import enum

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int8


class Verdict(enum.IntEnum):
    """The four ends of a walk, stored as int8.

    A verdict is about the walk from the hill's start, with exactly the given hyperparameters.
    """

    UNDECIDED = 0
    """Neither escaped within max_steps nor proved to be trapped."""
    ESCAPED = 1
    """Some step was at or beyond the crest."""
    TRAPPED = 2
    """Proved, by a recurrence or by a closed bound: no step ever will be."""
    DIVERGED = 3
    """The position overflowed, or went so far that the dtype no longer resolves the hill."""


class Certainty(enum.IntEnum):
    """What is known of rounding's part in an answer, stored as int8; of several, the least is that of all together."""

    UNCHECKED = 0
    """No proof was attempted."""
    FLAGGED = 1
    """Rounding, or a hyperparameter's own last digit, could change the answer."""
    AS_TYPED = 2
    """A hyperparameter's own last digit could; of all numbers that round to it the answer is that of the one that was typed, the
    shortest decimal, and rounding could not change it."""
    CERTIFIED = 3
    """Neither could: exact arithmetic gives the same answer for every number that rounds to a hyperparameter, to within the
    stated error."""


def certainty_of(flagged: Bool[Array, "..."]) -> Int8[Array, "..."]:
    """Of a walk with proofs: certified, or flagged where rounding could change it."""
    return jnp.where(flagged, Certainty.FLAGGED, Certainty.CERTIFIED).astype(jnp.int8)


def judge(
    highest: Float[Array, "..."],
    upper: Float[Array, "..."],
    diverged: Bool[Array, "..."],
    target: Float[Array, "..."],
) -> Int8[Array, "..."]:
    """Verdict on hills of height `target` for walks that climbed to `highest` and never climb above `upper`.

    On a shared flank a walk escapes every hill up to the highest rise that it meets, so this needs no further walk.
    """
    verdict = jnp.where(upper < target, Verdict.TRAPPED, Verdict.UNDECIDED)
    verdict = jnp.where(diverged, Verdict.DIVERGED, verdict)
    return jnp.where(highest >= target, Verdict.ESCAPED, verdict).astype(jnp.int8)
