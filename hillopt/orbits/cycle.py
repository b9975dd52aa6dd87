"""Periodic orbits of an optimizer on a hill: all that are found, each with its proof."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Bool, Float, PyTree

from hillopt.front_door import check_count, check_hill, check_optimizer
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.orbits.autonomous import AutonomousWalk, autonomous
from hillopt.orbits.krawczyk import proved
from hillopt.orbits.newton import found
from hillopt.pytrees import FINITE, AbstractPytree, as_numbers, is_traced

LONGEST = 32  # steps: Newton's method solves for all points at once
NUM_STARTS, REACH = 128, 4.0  # by default: so many places within this distance of the hill's start


class Cycle(AbstractPytree):
    """A walk that comes back to where it was, memory and all: `points[0]` follows `points[-1]`, and is the greatest."""

    points: Float[np.ndarray, " period"]
    """The positions in turn."""
    states: PyTree
    """The optimizer's state at each point, the period first."""
    half_widths: Float[np.ndarray, "period number"]
    """Of the box around it that holds exactly one cycle: of each point, and then of the numbers of its state that move; NaN where
    nothing is proved."""
    multiplier: Float[np.ndarray, ""]
    """Spectral radius of the derivative of one round: by how much a small deviation grows in a round, in the long run."""
    multiplier_ends: Float[np.ndarray, " 2"]
    """No less and no more than this; of the points as they are where the cycle is not certified."""
    certified: Bool[np.ndarray, ""]
    """Whether it is proved that there is such a cycle, and that no shorter period will do."""

    @property
    def period(self) -> int:
        """The least number of steps after which everything is as it was."""
        return len(self.points)

    @property
    def radius(self) -> float:
        """Within it of each point lies that of the exact cycle; NaN where nothing is proved."""
        return float(self.half_widths[:, 0].max())

    @property
    def attracting(self) -> bool:
        """Whether walks that begin near by come ever nearer: proved where the cycle is certified."""
        return bool(self.multiplier_ends[1] < 1)

    @property
    def repelling(self) -> bool:
        """Whether almost all walks that begin near by go away: proved where the cycle is certified."""
        return bool(self.multiplier_ends[0] > 1)


def cycles(
    hill: AbstractHill, optimizer: AbstractOptimizer, *, period: int, starts: ArrayLike | Sequence[float] | None = None
) -> tuple[Cycle, ...]:
    """Find cycles of one setting that close after `period` steps, attracting or not, and prove each that can be proved.

    A minimum where the optimizer stays is a cycle of period 1. Cycles of a period that divides `period` are found too, and told
    with their own. They are looked for by Newton's method from walks that begin at rest at `starts` and from positions drawn
    among them: not all need be found, but what is certified is there, in exact arithmetic, for every real hyperparameter that
    rounds to the given one, and alone in its box. What a state only counts with, such as the powers of Adam's bias
    corrections, is at the value where it ends. Everything is in float64.

    A cycle is not certified where the slope jumps or has no derivative within rounding of a point, and where cycles lie on a
    whole line, as on slopes of size one.

    **Arguments**

    - `hill`: with positions that are numbers; it is walked at its height.
    - `period`: at most 32.
    - `starts`: positions; by default 128 within 4 of the hill's start.

    Returns the cycles by period and place, each once. Raises ValueError for a period that is no integer from 1 to 32, starts that
    are not finite, numbers that are arrays or traced, a hill of vectors, and an optimizer that draws random numbers or counts
    without end.

    Examples:
        >>> (minimum,) = ho.cycles(ho.DoubleWell(0.25), ho.GradientDescent(0.1), period=1, starts=[1.0])
        >>> print(minimum.period, minimum.certified)
        1 True
    """
    hill, optimizer = check_hill(hill), check_optimizer(optimizer)
    period = check_count(period, "period", most=LONGEST, remedy="a walk closes after some whole number of steps")
    _check_one_setting(hill, optimizer, period, starts)
    with jax.enable_x64(True):
        places = _places(hill, starts)
        walk = autonomous(hill, optimizer)
        return tuple(_told(walk, points) for points in found(walk, places, period))


def _check_one_setting(hill: AbstractHill, optimizer: AbstractOptimizer, *rest: object) -> None:
    if is_traced((hill, optimizer, rest)):
        raise ValueError(
            "`cycles` finds as many cycles as there are, a number that JAX cannot trace; call it outside of jit, vmap and grad."
        )
    for owner, about in (("hill", hill), ("optimizer", optimizer)):
        for name, number in about.hyperparameters().items():
            if np.ndim(number) and name != "place":
                raise ValueError(
                    f"`{owner}` must have one value of {name!r}, got the shape {np.shape(number)}; ask for one setting at a time."
                )
    if np.ndim(hill.start):
        raise ValueError(
            f"`hill` must have positions that are numbers, got {hill.label()} with starts of the shape {np.shape(hill.start)}; "
            "cycles are found in one dimension."
        )


def _places(hill: AbstractHill, starts: ArrayLike | Sequence[float] | None) -> Float[np.ndarray, " start"]:
    if starts is None:
        return float(hill.start) + np.linspace(-REACH, REACH, NUM_STARTS)
    FINITE.check("starts", starts)
    places = as_numbers(starts, "starts").reshape(-1)
    if not places.size:
        raise ValueError("`starts` must hold one place at least, got none; give some, or leave it out.")
    return places


def _told(walk: AutonomousWalk, points: Float[np.ndarray, "period number"]) -> Cycle:
    proof = proved(walk, points)
    states = jax.tree.map(np.asarray, jax.vmap(walk.state)(jnp.asarray(points)))
    return Cycle(
        points=points[:, 0],
        states=states,
        half_widths=np.where(proof.is_proved, proof.half_widths, np.nan),
        multiplier=np.asarray(proof.multiplier),
        multiplier_ends=np.array(proof.multiplier_ends),
        certified=np.asarray(proof.is_proved),
    )
