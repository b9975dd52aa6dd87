"""Grounds for heavy ball, from the easiest on: all quadratics, one bowl, and all functions of some curvatures."""

import abc
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from hillopt.fates.capture import captured, returns
from hillopt.fates.fate import Fate
from hillopt.fates.multipliers import Setting, converges, converges_by_many_taps
from hillopt.landscapes import PiecewiseQuadraticBowl
from hillopt.orbits import exact_cycle
from hillopt.pytrees import FINITE, POSITIVE, AbstractPytree, as_numbers, static
from hillopt.theory import cycle_margin

# Of the terms' sizes: what rounding, and the last digit of a setting, can do to a sum of a few products; four times that.
ROUNDING = 64 * float(np.finfo(np.float64).eps)
HIGHEST = 128  # order of the cycles over roots of unity that are tried
REST = tuple(np.linspace(-6.0, 6.0, 25).tolist())

Cells = Float[np.ndarray, " cell"]


class Fates(NamedTuple):
    """Of settings in a row."""

    fate: Int[np.ndarray, " cell"]
    """As `Fate`."""
    period: Int[np.ndarray, " cell"]
    """Of the shortest cycle that is proved; 0 where none is."""


class AbstractGround(AbstractPytree):
    """Functions with their minimum at 0, and walks of heavy ball on them, whose fates are asked."""

    @property
    @abc.abstractmethod
    def ends(self) -> tuple[float, float]:
        """The least and the greatest curvature."""

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What is asked about."""

    @abc.abstractmethod
    def fates(self, rate: Cells, momentum: Cells) -> Fates:
        """What is proved of each setting."""


class AbstractClass(AbstractGround):
    """All functions of a kind whose curvatures lie in [least, most], in any dimension."""

    least: float
    most: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.least, self.most

    def check(self) -> None:
        """Raise ValueError for curvatures that are not positive, or exchanged."""
        name = type(self).__name__
        for field, value in (("least", self.least), ("most", self.most)):
            POSITIVE.check(f"{name}({field}=...)", value)
        if self.least > self.most:
            raise ValueError(
                f"`{name}(least=...)` must not be above most, got {self.least:g} and {self.most:g}; exchange them."
            )


class AllQuadratics(AbstractClass):
    """Every quadratic: walks converge if both of heavy ball's roots are below 1 in size, which for a curvature k is
    g k < 2 (1 + b)."""

    least: float = static()
    most: float = static()

    @property
    def title(self) -> str:
        return "all quadratics"

    def fates(self, rate: Cells, momentum: Cells) -> Fates:
        stable, unstable = _stability(rate, momentum, self.most)
        fate = np.where(stable, Fate.CONVERGES, np.where(unstable, Fate.UNSTABLE, Fate.OPEN))
        return Fates(fate, np.zeros(fate.shape, int))


class AllFunctions(AbstractClass):
    """Every smooth and strongly convex function.

    That some has a cycle is proved by `theory.cycle_margin`, that none keeps a walk from its minimum by multipliers.
    """

    least: float = static()
    most: float = static()

    @property
    def title(self) -> str:
        return "all smooth, strongly convex functions"

    def fates(self, rate: Cells, momentum: Cells) -> Fates:
        _, unstable = _stability(rate, momentum, self.most)
        period = _period_of_roots(rate, momentum, *self.ends)
        fate = np.where(unstable, Fate.UNSTABLE, np.where(period > 0, Fate.CYCLES, Fate.OPEN))
        rest = fate == Fate.OPEN
        fate[rest] = np.where(_converges_on_all(rate[rest], momentum[rest], *self.ends), Fate.CONVERGES, Fate.OPEN)
        return Fates(fate, np.where(unstable, 0, period))


class OneBowl(AbstractGround):
    """One bowl of quadratic pieces, and walks from rest at `starts`.

    A cycle is proved in rational numbers, convergence for all functions of these curvatures, or from these starts by an error
    bound of each walk.
    """

    bowl: PiecewiseQuadraticBowl
    starts: tuple[float, ...] = static(default=REST)

    @property
    def ends(self) -> tuple[float, float]:
        return min(self.bowl.curvatures), max(self.bowl.curvatures)

    @property
    def title(self) -> str:
        return f"one function of {len(self.bowl.curvatures)} quadratic pieces, {len(self.starts)} starts at rest"

    def check(self) -> None:
        self.bowl.check()
        if 0 in self.bowl.knots:
            raise ValueError("`OneBowl(bowl=...)` must have its minimum inside a piece, got a knot at 0; move it.")
        FINITE.check("OneBowl(starts=...)", self.starts)
        if not np.any(as_numbers(self.starts, "starts")):
            raise ValueError(
                f"`OneBowl(starts=...)` must hold a place beside the minimum, got {self.starts!r}; give some."
            )

    def fates(self, rate: Cells, momentum: Cells) -> Fates:
        _, unstable = _stability(rate, momentum, self.bowl.curvatures[self.bowl.middle])
        fate, period = np.where(unstable, Fate.UNSTABLE, Fate.OPEN), np.zeros(rate.shape, int)
        rest = np.flatnonzero(~unstable)
        fate[rest[_converges_on_all(rate[rest], momentum[rest], *self.ends)]] = Fate.CONVERGES
        rest = np.flatnonzero(fate == Fate.OPEN)
        period[rest] = self._periods(rate[rest], momentum[rest])
        fate[period > 0] = Fate.CYCLES
        rest = np.flatnonzero(fate == Fate.OPEN)
        fate[rest[captured(self.bowl, rate[rest], momentum[rest], np.array(self.starts))]] = Fate.CONVERGES
        return Fates(fate, period)

    def _periods(self, rate: Cells, momentum: Cells) -> Int[np.ndarray, " cell"]:
        periods, places = returns(self.bowl, rate, momentum, np.array(self.starts))
        return np.array([self._proved(*cell) for cell in zip(rate, momentum, periods, places, strict=True)], int)

    def _proved(self, rate: float, momentum: float, periods: np.ndarray, places: np.ndarray) -> int:
        """The shortest period among those of the walks that is that of a cycle in rational numbers."""
        for period in np.unique(periods[periods > 0]).tolist():
            near = places[int(np.argmax(periods == period)), :period]
            try:
                exact_cycle(self.bowl, float(rate), float(momentum), near)
            except ValueError:
                continue
            return period
        return 0


def _stability(
    rate: Cells, momentum: Cells, curvature: float
) -> tuple[Bool[np.ndarray, " cell"], Bool[np.ndarray, " cell"]]:
    """Where the roots are below 1, and where one is above."""
    room, size = 2 * (1 + momentum) - rate * curvature, 2 * (1 + momentum) + rate * curvature
    return room > ROUNDING * size, room < -ROUNDING * size


def _period_of_roots(rate: Cells, momentum: Cells, least: float, most: float) -> Int[np.ndarray, " cell"]:
    """The least order, from 3 on, of roots of unity that heavy ball goes round on some function; 0 for none up to `HIGHEST`."""
    period = np.zeros(rate.shape, int)
    y = least * rate
    size = y**2 + 8 * y + 16 * least / most
    for order in range(HIGHEST, 2, -1):
        period[cycle_margin(rate, momentum, order, least, most) < -ROUNDING * size] = order
    return period


def _converges_on_all(rate: Cells, momentum: Cells, least: float, most: float) -> Bool[np.ndarray, " cell"]:
    """Where multipliers prove it: those of one tap, and those of many where no cycle speaks against them."""
    proved = converges(rate, momentum, least, most)
    hopeful = ~proved & (_period_of_roots(rate, momentum, least, most) == 0) & (rate * most < 2 * (1 + momentum))
    for cell in np.flatnonzero(hopeful):
        proved[cell] = converges_by_many_taps(Setting(rate[cell], momentum[cell], least, most))
    return proved
