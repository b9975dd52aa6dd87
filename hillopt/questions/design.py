"""Which hyperparameters have a wanted critical height?"""

import functools
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int8

from hillopt.axes import Axis
from hillopt.front_door import check_hill, check_hyperparameters, check_number, check_optimizer, check_steps
from hillopt.landscapes import AbstractHill
from hillopt.lanes import cut_back, in_size_class
from hillopt.loops import bisected
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import POSITIVE, AbstractPytree, Steps, is_traced
from hillopt.questions.contract import DEFAULT_MAX_STEPS
from hillopt.questions.critical_height import CriticalHeight, critical_height
from hillopt.walk import Certainty

HALVINGS = 60  # of the gap between two values of the solved axis


class Design(AbstractPytree):
    """Settings that reach a wanted height, one an entry; each was walked."""

    settings: dict[str, Float[np.ndarray, " setting"]]
    """By name: the solved axis and the values of the others that it was solved at."""
    critical_height: Float[np.ndarray, " setting"]
    """The critical height of each, within the tolerance of the wanted one."""
    settled: Bool[np.ndarray, " setting"]
    """Whether that height is proved for any number of steps."""
    certainty: Int8[np.ndarray, " setting"]
    """`Certainty.FLAGGED` where rounding could change it: next to a jump a setting may miss the wanted height after all."""

    @property
    def certified(self) -> Bool[np.ndarray, " setting"]:
        """Whether rounding could not change the answer."""
        return self.certainty >= Certainty.AS_TYPED


def design(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    wanted: float,
    axes: Mapping[str, Axis | ArrayLike | Sequence[float]],
    *,
    atol: float = 1e-9,
    max_steps: Steps = DEFAULT_MAX_STEPS,
) -> Design:
    """Find the hyperparameters whose critical height is the wanted one: on every tooth of the sawtooth, not only on one.

    The first axis is solved for, at all values of the others: between neighbours on it that lie on both sides of the
    wanted height, the height is bisected. What converges to a jump, which passes over the wanted height, is left out; so is
    a tooth that begins and ends between two neighbours: take more points.

    **Arguments**

    - `optimizer`: as for `sweep`; its numbers that are axes are replaced.
    - `axes`: name to `Axis` or increasing values, as for `sweep`.
    - `atol`: how close to the wanted height an answer must be.

    Raises ValueError for a wanted height that is not positive or not reached anywhere on the axes, and for unknown names.
    """
    hill, optimizer = check_hill(hill), check_optimizer(optimizer)
    if is_traced((hill, optimizer, wanted, axes)):
        raise ValueError(
            "`design` finds as many settings as there are, a number that JAX cannot trace; call it outside of jit, vmap and grad, "
            "or ask `critical_height` on a grid inside."
        )
    wanted = check_number(wanted, "wanted", POSITIVE, "every walk escapes a hill without height")
    atol = check_number(atol, "atol", POSITIVE, "say how close to the wanted height is close enough")
    if not (isinstance(axes, Mapping) and axes):
        raise ValueError("`axes` must name the hyperparameter to solve for, such as learning_rate; got none.")
    check_hyperparameters(optimizer, list(axes))
    for name, number in optimizer.hyperparameters().items():
        if name not in axes and np.ndim(number):
            raise ValueError(
                f"`optimizer` must have one value of {name!r}, got the shape {np.shape(number)}; name it in `axes`."
            )
    solved, *others = axes
    grids = np.meshgrid(*(np.asarray(Axis.named(name, axes[name]).values) for name in (solved, *others)), indexing="ij")
    given = dict(zip((solved, *others), grids, strict=True))
    reached = np.asarray(critical_height(hill, optimizer.replace(**given), max_steps=max_steps).critical_height)
    above = reached >= wanted
    where = np.nonzero(above[1:] != above[:-1])
    if not len(where[0]):
        raise ValueError(
            f"`wanted` height {wanted:g} is out of reach: on the grid h* goes from {reached.min():.4g} to {reached.max():.4g}; "
            "widen the ranges of `axes`, or give them more points."
        )
    low, high = grids[0][:-1][where], grids[0][1:][where]
    beside = {name: given[name][:-1][where] for name in others}
    below = ~above[:-1][where]
    question = CriticalHeight(check_steps(max_steps)).prepared(hill, optimizer)
    brackets, length = in_size_class((low, high, beside, below))
    place = np.asarray(cut_back(_bisect(question, hill, optimizer, wanted, *brackets, solved=solved), length))
    settings = {solved: place, **beside}
    found = critical_height(hill, optimizer.replace(**settings), max_steps=max_steps)
    kept = np.abs(np.asarray(found.critical_height) - wanted) <= atol
    return Design(
        {name: np.asarray(values)[kept] for name, values in settings.items()},
        *(np.asarray(field)[kept] for field in (found.critical_height, found.settled, found.certainty)),
    )


@functools.partial(jax.jit, static_argnames="solved")
def _bisect(
    question: CriticalHeight,
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    wanted: ArrayLike,
    low: Array,
    high: Array,
    beside: dict[str, Array],
    below: Array,
    solved: str,
) -> Array:
    def is_low(middle: Array) -> Array:
        settings = as_arrays(optimizer.replace(**{solved: middle, **beside}))
        return (question.answer(hill, settings, None).critical_height < wanted) == below

    low, high = bisected(is_low, low, high, HALVINGS)
    return (low + high) / 2
