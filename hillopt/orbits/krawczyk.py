"""Proof that one cycle, and only one, passes through a box: Krawczyk's test, and the multiplier of what is in it.

The unknowns are all points of the cycle at once, so that a cycle that repels is proved like one that attracts (multiple shooting).
With G the gaps, c the box's middle, r its half-widths and any matrix Y,

    K = c - Y G(c) + (1 - Y G'(box)) [-r, r]

holds every zero that the box holds; if K lies inside the box there is exactly one (Krawczyk 1969; Moore 1977; Rump 2010,
"Verification methods", theorem 13.3). G and G' are enclosed by balls through the optimizer's own program, for all real
hyperparameters that round to the given ones. A comparison in doubt on the box ends the proof: there the map need not have a
derivative.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hillopt.jaxprs import hides_rules, without_rules_of_its_own
from hillopt.orbits.autonomous import AutonomousWalk
from hillopt.orbits.enclosures import EPS, TINY, Enclosure, exactly, less_than_one, scaled, spectral_radius
from hillopt.orbits.newton import blocks, divisors, gap_slopes
from hillopt.proofs import Ball, ball_radius, bounded, rounded

TRIES, WIDER = 20, 1.2  # boxes, each by so much wider than the one before has shown to be needed
# Radii are rounded too. On a box they are no roundings' errors, but as wide as it is, and nothing else pays for that: each of at
# most a billion operations in a row errs by half an eps of the radius.
SLACK = 1 + 2.0**-20


class Proved(NamedTuple):
    """What is known of the cycle through a box."""

    is_proved: bool
    """Whether there is exactly one, of this least period."""
    half_widths: Float[np.ndarray, "period number"]
    multiplier: float
    """Spectral radius of the return map's Jacobian at the middle."""
    multiplier_ends: tuple[float, float]
    """No less and no more than this: on the box, or at its middle where nothing is proved."""


class Box(NamedTuple):
    """What the steps from the points of a box are."""

    gaps: Enclosure
    """Of the middle, as one column."""
    slopes: list[Enclosure]
    """Of each step, anywhere in the box."""
    is_doubtful: bool
    """Whether some comparison may fall either way in it."""


@np.errstate(all="ignore")
def proved(walk: AutonomousWalk, points: Float[np.ndarray, "period number"]) -> Proved:
    """Prove the cycle near these points, if that can be done."""
    middle = box_of(walk, points, np.zeros(points.shape))
    if not (hides_rules(walk.step, walk.at_rest(jnp.zeros(()))) or middle.is_doubtful):
        inverse = exactly(_inverse(middle, points))
        needed = (inverse @ middle.gaps).most.reshape(points.shape)
        half_widths = np.zeros(points.shape)
        for _ in range(TRIES):
            half_widths = WIDER * needed + TINY
            box = box_of(walk, points, half_widths)
            needed = _reach(inverse, box, half_widths)
            if box.is_doubtful or not np.all(np.isfinite(needed)):
                break
            if np.all(needed * SLACK < half_widths):
                return Proved(is_least(points, half_widths), half_widths, *_multiplier(box, points))
    return Proved(False, np.zeros(points.shape), *_multiplier(middle, points))


def box_of(
    walk: AutonomousWalk, points: Float[np.ndarray, "period number"], half_widths: Float[np.ndarray, "period number"]
) -> Box:
    """The gaps, and the slopes, of a box."""
    steps = [_step(walk, *place) for place in zip(points, half_widths, strict=True)]
    ahead = np.roll(points, -1, 0)
    after, error = (np.array([np.asarray(getattr(step.after, part)) for step in steps]) for part in Ball._fields)
    gap = ahead - after
    gaps = Enclosure(gap.reshape(-1, 1), ((error + EPS * np.abs(gap)) * SLACK).reshape(-1, 1))
    slopes = [Enclosure(np.asarray(step.slopes.midpoint), np.asarray(step.slopes.radius)) for step in steps]
    return Box(gaps, slopes, any(bool(step.is_doubtful) for step in steps))


class _Step(NamedTuple):
    after: Ball
    """From the middle of a point's box."""
    slopes: Ball
    """From all of it."""
    is_doubtful: Bool[Array, ""]


@jax.jit
def _step(walk: AutonomousWalk, middle: Float[Array, " number"], half_widths: Float[Array, " number"]) -> _Step:
    hill, optimizer = jax.tree.map(rounded, (walk.hill, walk.optimizer))
    known = AutonomousWalk(hill, optimizer, walk.kept, walk.begin, walk.structure)
    after, doubt = bounded(lambda walk, numbers: walk.step(numbers))(known, Ball(middle))
    (slopes, _), doubt_of_slopes = bounded(_slopes_and_step)(known, Ball(middle, half_widths))
    after, slopes = (Ball(ball.midpoint, ball_radius(ball)) for ball in (after, slopes))
    return _Step(after, slopes, doubt | doubt_of_slopes)


def _slopes_and_step(walk: AutonomousWalk, numbers: Float[Array, " number"]) -> tuple[Array, Array]:
    """The slopes, and beside them the step, on whose decisions they hang."""

    def twice(numbers: Array) -> tuple[Array, Array]:
        after = without_rules_of_its_own(walk.step)(numbers)
        return after, after

    return jax.jacfwd(twice, has_aux=True)(numbers)


def _inverse(box: Box, points: Float[np.ndarray, "period number"]) -> Float[np.ndarray, "unknown unknown"]:
    """About that of the gaps' slopes, found in units in which all numbers are alike; whatever it is, the proof holds."""
    slopes = np.asarray(gap_slopes(jnp.stack([jnp.asarray(slope.middle) for slope in box.slopes])))
    sizes = np.abs(points).max(0)
    units = np.tile(np.where(sizes > 0, sizes, 1.0), len(points))
    try:
        return np.linalg.inv(slopes * units / units[:, None]) / units * units[:, None]
    except np.linalg.LinAlgError:
        return np.zeros_like(slopes)


def _reach(
    inverse: Enclosure, box: Box, half_widths: Float[np.ndarray, "period number"]
) -> Float[np.ndarray, "period number"]:
    """How far from the middle K reaches at most."""
    middle, radius = (np.stack(parts) for parts in zip(*box.slopes, strict=True))
    full = np.asarray(gap_slopes(jnp.asarray(middle)))
    slopes = Enclosure(full, np.asarray(blocks(jnp.asarray(radius))).reshape(full.shape) + EPS * np.abs(full))
    away = Enclosure(np.zeros((half_widths.size, 1)), half_widths.reshape(-1, 1))
    rest = less_than_one(inverse @ slopes) @ away
    return ((rest.most + (inverse @ box.gaps).most) * SLACK).reshape(half_widths.shape)


def _multiplier(box: Box, points: Float[np.ndarray, "period number"]) -> tuple[float, tuple[float, float]]:
    """The spectral radius of the product of the steps' slopes, and its ends."""
    around = functools.reduce(lambda product, slope: slope @ product, box.slopes)
    around = Enclosure(around.middle, around.radius * SLACK)
    ends = spectral_radius(scaled(around, np.abs(points).max(0)))
    if not np.all(np.isfinite(around.middle)):
        return np.inf, ends
    return float(np.clip(np.abs(np.linalg.eigvals(around.middle)).max(), *ends)), ends


def is_least(points: Float[np.ndarray, "period number"], half_widths: Float[np.ndarray, "period number"]) -> bool:
    """Whether no shorter period will do: some point's box lies apart from that of the point a divisor later."""
    reach = half_widths * SLACK + 4 * EPS * np.abs(points)
    for short in divisors(len(points))[:-1]:
        later, reach_later = (np.roll(part, -short, 0) for part in (points, reach))
        if not np.any(np.abs(points - later) > reach + reach_later):
            return False
    return True
