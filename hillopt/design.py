"""How the critical height answers to the hyperparameters, and which of them reach a wanted one."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hillopt.axes import Axis
from hillopt.bisection import halved
from hillopt.blocks import as_lanes
from hillopt.critical import DEFAULT_MAX_STEPS, CriticalHeight, critical_height
from hillopt.landscapes import AbstractHill
from hillopt.names import check_names
from hillopt.optimizers import AbstractOptimizer, as_arrays

HALVINGS = 60  # of the gap between two values of the solved axis
SAME = 1e-6  # of a run: a plain walk that ends so far from the certified height took another branch


class Sensitivity(NamedTuple):
    """Answer of `sensitivity`; fields have the broadcast shape of the hyperparameters."""

    critical: CriticalHeight
    slopes: dict[str, Float[Array, "..."]]
    """d h* / d each hyperparameter, by name. NaN at a jump."""
    at_jump: Bool[Array, "..."]
    """h* jumps here, within rounding: there is no slope."""


def sensitivity(hill: AbstractHill, optimizer: AbstractOptimizer, *, max_steps: Any = DEFAULT_MAX_STEPS) -> Sensitivity:
    """Differentiate the critical height with respect to every hyperparameter.

    Between its jumps h* is a smooth function: the rise at one fixed step of a walk whose decisions do not change. So the
    walk to that step is differentiated forwards, once for each hyperparameter. At a jump (an iterate lands on the valley to
    within rounding, or to within the hyperparameter's last digit) the answer says so instead.
    """
    critical = critical_height(hill, optimizer, max_steps=max_steps)
    numbers = as_arrays(optimizer)
    rise, slopes = _walk_and_slopes(hill.at(float("inf")), numbers, critical.step)
    at_jump = critical.flagged | ~(jnp.abs(rise - critical.height) <= SAME)
    named = numbers.hyperparameters()
    leaves, by_name = iter(slopes), {}
    for name, value in named.items():
        if value is not None and not isinstance(value, (str, bool)):
            by_name[name] = jnp.where(at_jump, jnp.nan, next(leaves))
    return Sensitivity(critical, by_name, at_jump)


@jax.jit
def _walk_and_slopes(hill: AbstractHill, optimizer: AbstractOptimizer, step: Array) -> tuple[Array, list[Array]]:
    leaves, structure = jax.tree.flatten(optimizer)
    shape = step.shape
    lanes = as_lanes(leaves, shape, jnp.result_type(*leaves))

    def rise_at(numbers: list[Array], step: Array) -> Array:
        walker = jax.tree.unflatten(structure, numbers)
        start = jnp.asarray(hill.start, numbers[0].dtype)

        def take_step(_: Array, carry: tuple[Array, Any]) -> tuple[Array, Any]:
            position, state = carry
            return walker.facing(hill.value).step(hill.slope(position), state, position)

        return hill.rise(jax.lax.fori_loop(0, step, take_step, (start, walker.init(start)))[0])

    def one(numbers: list[Array], step: Array) -> tuple[Array, list[Array]]:
        return rise_at(numbers, step), jax.jacfwd(rise_at)(numbers, step)

    rise, slopes = jax.vmap(one)(lanes, step.reshape(-1))
    return jax.tree.map(lambda leaf: leaf.reshape(shape), (rise, slopes))


class Design(NamedTuple):
    """Settings that reach a wanted height, one an entry; each was walked."""

    settings: dict[str, np.ndarray]
    """By name: the solved axis and the values of the others that it was solved at."""
    height: np.ndarray
    """The critical height of each, within the tolerance of the wanted one."""
    settled: np.ndarray
    """Whether that height is proved for any number of steps."""


def design(
    hill: AbstractHill,
    optimizer: Callable[..., AbstractOptimizer],
    wanted: float,
    free: Mapping[str, Axis],
    *,
    fixed: Mapping[str, Any] | None = None,
    atol: float = 1e-9,
    max_steps: Any = DEFAULT_MAX_STEPS,
) -> Design:
    """Find the hyperparameters whose critical height is the wanted one: on every tooth of the sawtooth, not only on one.

    The first free axis is solved for, at all values of the others: between neighbours on it that lie on both sides of the
    wanted height, the height is bisected. What converges to a jump, which passes over the wanted height, is left out; so is
    a tooth that begins and ends between two neighbours: take more points. Raises ValueError for a wanted height that is not
    positive or not reached anywhere in the ranges, and for unknown names.
    """
    if not wanted > 0:
        raise ValueError(f"`wanted` must be positive, got {wanted:g}; every walk escapes a hill without height.")
    check_names(optimizer, [*free, *(fixed or {})])
    solved, *others = free
    grids = np.meshgrid(*(np.asarray(free[name].values) for name in (solved, *others)), indexing="ij")
    given = dict(zip((solved, *others), grids, strict=True))

    def heights(settings: Mapping[str, Any]) -> CriticalHeight:
        return critical_height(hill, optimizer(**settings, **(fixed or {})), max_steps=max_steps)

    reached = np.asarray(heights(given).height)
    above = reached >= wanted
    where = np.nonzero(above[1:] != above[:-1])
    if not len(where[0]):
        raise ValueError(
            f"`wanted` height {wanted:g} is out of reach: on the grid h* goes from {reached.min():.4g} to {reached.max():.4g}; "
            "widen the ranges of `free`, or give it more points."
        )
    low, high = grids[0][:-1][where], grids[0][1:][where]
    beside = {name: given[name][:-1][where] for name in others}
    below = ~above[:-1][where]
    bisect = jax.jit(functools.partial(_bisect, lambda settings: heights(settings).height, solved, wanted))
    place = np.asarray(bisect(jnp.asarray(low), jnp.asarray(high), beside, below))
    settings = {solved: place, **beside}
    answer = heights(settings)
    kept = np.abs(np.asarray(answer.height) - wanted) <= atol
    return Design(
        {name: np.asarray(values)[kept] for name, values in settings.items()},
        np.asarray(answer.height)[kept],
        np.asarray(answer.settled)[kept],
    )


def _bisect(
    height_of: Callable, solved: str, wanted: float, low: Array, high: Array, beside: dict[str, Array], below: Array
) -> Array:
    low, high = halved(lambda middle: (height_of({solved: middle, **beside}) < wanted) == below, low, high, HALVINGS)
    return (low + high) / 2
