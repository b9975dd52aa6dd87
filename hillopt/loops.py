"""Loops that also run inside shard_map, and brackets halved again and again, all lanes at once."""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, PyTree

Carry = TypeVar("Carry")


def repeated(step: Callable[[Carry], Carry], times: ArrayLike, carry: Carry) -> Carry:
    """What is left of a carry after so many steps."""
    return jax.lax.fori_loop(0, times, lambda _, carry: step(carry), varying_as_after(step, carry))


def in_strides(
    first: int | Array, last: int | Array, step: Callable[[Array, Carry], Carry], carry: Carry, stride: int
) -> Carry:
    """`fori_loop(first, last, step, carry)`, so many steps a round: on a GPU XLA makes one kernel of each round's.

    What is left over is walked in shorter strides, and the rest of that step by step.
    """
    for width in sorted({stride, math.isqrt(stride), 1}, reverse=True):
        rounds = (last - first) // width
        carry = jax.lax.fori_loop(0, rounds, functools.partial(_take_stride, step, width, first), carry)
        first += width * rounds
    return carry


def _take_stride(
    step: Callable[[Array, Carry], Carry], width: int, first: int | Array, index: Array, carry: Carry
) -> Carry:
    for at in range(width):
        carry = step(first + width * index + at, carry)
    return carry


def varying_as_after(step: Callable[[PyTree], PyTree], carry: PyTree) -> PyTree:
    """The same numbers, typed inside shard_map as differing from device to device where they will after some steps.

    A loop's carry must start with the type that it ends with, and steps mix numbers with the lanes.
    """
    while jax.sharding.get_abstract_mesh().manual_axes:
        before = [_varies_over(jax.typeof(leaf)) for leaf in jax.tree.leaves(carry)]
        after = [_varies_over(leaf) for leaf in jax.tree.leaves(jax.eval_shape(step, carry))]
        missing = [then - now for now, then in zip(before, after, strict=True)]
        if not any(missing):
            break
        leaves = [
            jax.lax.pcast(leaf, tuple(axes), to="varying") if axes else leaf
            for leaf, axes in zip(jax.tree.leaves(carry), missing, strict=True)
        ]
        carry = jax.tree.unflatten(jax.tree.structure(carry), leaves)
    return carry


def varying_alike(tree: PyTree) -> PyTree:
    """The same numbers, typed inside shard_map as differing wherever one of them does.

    The derivative in a number that is the same everywhere would else be the sum of all devices' derivatives.
    """
    if not jax.sharding.get_abstract_mesh().manual_axes:
        return tree
    leaves, treedef = jax.tree.flatten(tree)
    axes = frozenset[str]().union(*(_varies_over(jax.typeof(leaf)) for leaf in leaves))

    def varying(leaf: Any) -> Any:
        missing = tuple(axes - _varies_over(jax.typeof(leaf)))
        return jax.lax.pcast(leaf, missing, to="varying") if missing else leaf

    return jax.tree.unflatten(treedef, [varying(leaf) for leaf in leaves])


def _varies_over(leaf: Any) -> frozenset[str]:
    return leaf.manual_axis_type.varying if leaf.manual_axis_type else frozenset()


def bisected(
    is_low: Callable[[Float[Array, "..."]], Bool[Array, "..."]], low: ArrayLike, high: ArrayLike, num_halvings: int
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The brackets [low, high] after so many halvings; the middle becomes the low end where `is_low(middle)` holds."""

    def halve(bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        same = is_low(middle)
        return jnp.where(same, middle, low), jnp.where(same, high, middle)

    return repeated(halve, num_halvings, (jnp.asarray(low), jnp.asarray(high)))
