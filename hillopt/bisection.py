"""Brackets halved again and again, all lanes at once."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float


def bisected(
    is_low: Callable[[Float[Array, "..."]], Bool[Array, "..."]], low: ArrayLike, high: ArrayLike, num_halvings: int
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The brackets [low, high] after so many halvings; the middle becomes the low end where `is_low(middle)` holds."""

    def halve(_: Array, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        same = is_low(middle)
        return jnp.where(same, middle, low), jnp.where(same, high, middle)

    return jax.lax.fori_loop(0, num_halvings, halve, (low, high))
