"""What Triton lacks, or computes otherwise than JAX does, in operations that it has.

Its maximum of a number and NaN is the number. JAX's is NaN, and proofs take it for what is not known: a bound that dropped it
would be one that nothing vouches for.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from hillopt.jaxprs import replaced


def lowerable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, to be lowered for Triton."""
    return replaced(function, RULES)


def _max(a: Any, b: Any) -> Array:
    return jnp.where((a > b) | (a != a), a, b)


def _min(a: Any, b: Any) -> Array:
    return jnp.where((a < b) | (a != a), a, b)


def _clamp(low: Any, value: Any, high: Any) -> Array:
    return _min(_max(value, low), high)


def _round(value: Any) -> Array:
    """To the nearest whole number, to the even one of two."""
    below = jnp.floor(value)
    rest, is_odd = value - below, below != 2 * jnp.floor(below / 2)
    return jnp.where((rest > 1 / 2) | ((rest == 1 / 2) & is_odd), below + 1, below)


RULES: dict[str, Callable[..., Any]] = {"clamp": _clamp, "max": _max, "min": _min, "round": _round}
