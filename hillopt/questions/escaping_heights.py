"""Which hills are escaped, where escaping one says nothing of the lower ones: the set of heights, as intervals."""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Int8

from hillopt.climbs import PROVING, AbstractClimb, as_climbs
from hillopt.front_door import check_count, check_hill, check_known, check_number, check_optimizer, check_steps
from hillopt.landscapes import AbstractHill
from hillopt.lanes import common_dtype, common_shape, cut_back, in_size_class
from hillopt.loops import bisected
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import POSITIVE, Steps, as_numbers
from hillopt.questions.contract import DEFAULT_MAX_STEPS, AbstractAnswer, described, enumerated
from hillopt.questions.derivatives import refusing
from hillopt.questions.escape import Escape
from hillopt.walk import Certainty, Verdict

SWITCH = "switch"  # the dimension of the switches


class EscapingHeights(AbstractAnswer):
    """Answer of `escaping_heights`. Fields have the broadcast shape of the hyperparameters; `switch` and `width` have the
    axis of the switches before it."""

    switch: Float[Array, "switch ..."] = described("height at which the verdict changes", dims=(SWITCH,))
    """Heights at which the verdict changes, rising: the middles of brackets. NaN where there are no more."""
    width: Float[Array, "switch ..."] = described("width of the bracket", dims=(SWITCH,))
    """Of the brackets: each switch is known to half of this. Between two heights of the grid there may be more of them."""
    num_switches: Int[Array, "..."] = described("changes between neighbouring heights of the grid")
    """Changes seen between neighbouring heights of the grid; where there are more than fit into `switch`, the first stand
    there."""
    last: Float[Array, "..."] = described("last switch of all")
    """The last switch of all; NaN where there is none."""
    escapes_lowest: Bool[Array, "..."] = described("whether the lowest height of the grid is escaped", unit=None)
    """Whether the lowest height of the grid is escaped; from there on every switch changes it."""
    settled: Bool[Array, "..."] = described("whether more steps change nothing", unit=None)
    """Every height of the grid is escaped or proved to trap: more steps change nothing."""
    certainty: Int8[Array, "..."] = enumerated(Certainty, "the least of all heights of the grid")
    """Flagged where at some height of the grid rounding decides."""
    lowest: Float[Array, "..."] = described("lowest height of the grid")
    highest: Float[Array, "..."] = described("highest height of the grid")

    @property
    def certified(self) -> Bool[Array, "..."]:
        """Whether rounding could not change the verdict at any height of the grid."""
        return self.certainty >= Certainty.AS_TYPED

    def intervals(self) -> list[tuple[float, float]]:
        """Of a single setting, the escaped heights between the grid's ends as intervals; ValueError if not all fit."""
        if self.num_switches.ndim:
            raise ValueError(
                f"`intervals` is for one setting, got the shape {self.num_switches.shape}; index the answer."
            )
        if self.num_switches > len(self.switch):
            raise ValueError(
                f"there are {int(self.num_switches)} switches and room for {len(self.switch)}; raise `max_switches`."
            )
        edges = [float(edge) for edge in self.switch[: int(self.num_switches)]]
        edges = [float(self.lowest), *edges] if self.escapes_lowest else edges
        edges = [*edges, float(self.highest)] if len(edges) % 2 else edges
        return list(zip(edges[::2], edges[1::2], strict=True))


def escaping_heights(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    heights: ArrayLike | Sequence[float],
    *,
    max_switches: int = 16,
    atol: float = 1e-9,
    max_steps: Steps = DEFAULT_MAX_STEPS,
    climb: AbstractClimb | Sequence[AbstractClimb] = PROVING,
) -> EscapingHeights:
    """Find the heights at which the verdict switches between escaped within max_steps and not.

    The hill is walked at every height of the grid, and between neighbours that differ the switch is bisected until its
    bracket is no wider than `atol`. That the tolerance in the height ends the search, and not a residual, is why it ends:
    a verdict has no small residual. Two switches between neighbours of the grid are not seen; take more heights.

    **Arguments**

    - `hill`: any hill; its own height is ignored.
    - `heights`: the grid, rising.
    - `max_switches`: so many are refined and returned, the first ones; the last one always is.
    - `optimizer`, `max_steps`, `climb`: as for `escape`.

    Runs inside jit, vmap and shard_map, the grid being known when it is traced. Raises ValueError for a grid that does not rise,
    and what `escape` refuses.

    Examples:
        >>> hill = ho.WedgeHill(0.5)
        >>> heights = np.linspace(0.05, 1, 20)
        >>> found = ho.escaping_heights(hill, ho.GradientDescent(0.3), heights, max_steps=100, climb=ho.FAST)
        >>> found.num_switches.item(), found.escapes_lowest.item()
        (7, True)
    """
    hill, numbers = check_hill(hill), as_arrays(check_optimizer(optimizer))
    check_known(heights, "heights", "since the grid is searched")
    grid = as_numbers(heights, "heights").reshape(-1)
    if grid.size < 2 or not (np.isfinite(grid).all() and np.all(np.diff(grid) > 0) and grid[0] >= 0):
        raise ValueError(
            "`heights` must be at least two rising numbers from 0 on; give for example linspace(0, 1, 200)."
        )
    atol = check_number(atol, "atol", POSITIVE, "give the width at which a bracket is narrow enough")
    room = check_count(max_switches, "max_switches")
    num_halvings = max(0, math.ceil(math.log2(np.diff(grid).max() / atol)))
    question = Escape(check_steps(max_steps), as_climbs(climb)).prepared(hill.at(float(grid[-1])), numbers)
    sentence = "`escaping_heights` has no derivative: its switches are searched for; take differences between them."
    hill, numbers = refusing((hill, numbers), sentence)
    numbers, length = in_size_class(numbers)
    return cut_back(_search(question, hill, numbers, grid, room=room, num_halvings=num_halvings), length)


@functools.partial(jax.jit, static_argnames=("room", "num_halvings"))
def _search(
    question: Escape, hill: AbstractHill, optimizer: AbstractOptimizer, grid: ArrayLike, room: int, num_halvings: int
) -> EscapingHeights:
    shape, dtype = common_shape(optimizer), common_dtype(optimizer)
    grid = jnp.asarray(grid, dtype).reshape(-1, *(1 for _ in shape))
    answer = question.answer(hill.at(grid), optimizer, None)
    escaped = answer.verdict == Verdict.ESCAPED
    changes = escaped[1:] != escaped[:-1]
    last = len(changes) - 1 - jnp.argmax(changes[::-1], axis=0)
    chosen = jnp.argsort(~changes, axis=0, stable=True)[:room]
    chosen = jnp.concatenate([chosen, last[None]])
    real = jnp.take_along_axis(changes, chosen, axis=0)
    levels = jnp.broadcast_to(grid, escaped.shape)
    low, high = (jnp.take_along_axis(levels, chosen + end, axis=0) for end in (0, 1))
    below = jnp.take_along_axis(escaped, chosen, axis=0)

    def is_low(height: Array) -> Array:
        return (question.answer(hill.at(height), optimizer, None).verdict == Verdict.ESCAPED) == below

    low, high = bisected(is_low, low, high, num_halvings)
    switch = jnp.where(real, (low + high) / 2, jnp.nan)
    return EscapingHeights(
        switch=switch[:-1],
        width=jnp.where(real, high - low, jnp.nan)[:-1],
        num_switches=changes.sum(0),
        last=switch[-1],
        escapes_lowest=escaped[0],
        settled=jnp.all(escaped | (answer.verdict == Verdict.TRAPPED), axis=0),
        certainty=jnp.min(answer.certainty, axis=0),
        lowest=levels[0],
        highest=levels[-1],
    )
