"""Walks of heavy ball on one bowl of quadratic pieces: proof that they end in the minimum, or how long their cycle is.

A walk is followed in (x_k, x_k-1), which a step takes by C = [[1 + b - g c, -b], [1, 0]] where the curvature is c. Distances are
measured by a norm sqrt(y' P y) in which C shrinks for the piece of the minimum. One step takes two walks as far apart as some C
does whose curvature lies between those on the way from one to the other, and its norm is at most that of an end; so the error of
the floating-point walk is known. Where it is so near to the minimum that all of its neighbourhood lies in the piece, it ends
there.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import PiecewiseQuadraticBowl
from hillopt.loops import repeated

STEPS = 1_500  # that a walk is given to be captured
SETTLING = 3_000  # steps before a cycle is looked for
LONGEST = 36  # cycle that is
RETURNS = 1e-4  # of its farthest place: how nearly it does so
BEST = 1e5  # at most the condition of a norm; beyond it the padding below does not pay for what it costs
EDGE = 1e-6  # so near to 1 the minimum's spectral radius is left alone
CELLS = 512  # walked at a time, with all their starts
PADDED = 1 + 1e-8  # for the rounding of norms, which lose eps times the condition, and of the error's own recursion
EPS = float(np.finfo(np.float64).eps)


class Norms(NamedTuple):
    """The norm of every cell, and what it makes of the pieces."""

    shape: Float[np.ndarray, "cell 2 2"]
    """P."""
    of_x: Float[np.ndarray, " cell"]
    """The first coordinate is at most this times the norm."""
    pieces: Float[np.ndarray, "cell piece"]
    """The norm of each piece's step; infinite where nothing serves."""


def norms(
    bowl: PiecewiseQuadraticBowl, rate: Float[np.ndarray, " cell"], momentum: Float[np.ndarray, " cell"]
) -> Norms:
    """P of (C / s)' P (C / s) - P = -1, where s lies in the middle between the spectral radius of the minimum's C and 1."""
    steps = np.stack([_companion(rate, momentum, curvature) for curvature in bowl.curvatures], 1)
    middle = steps[:, bowl.middle]
    radius = np.abs(np.linalg.eigvals(middle)).max(1)
    attracts = radius < 1 - EDGE
    scaled = np.where(attracts, 2 / (1 + radius), 0.0)[:, None, None] * middle
    transposed = scaled.swapaxes(1, 2)
    system = np.eye(4) - np.einsum("nij,nkl->nikjl", transposed, transposed).reshape(-1, 4, 4)
    solution = np.linalg.solve(system, np.broadcast_to(np.eye(2).reshape(4, 1), (len(rate), 4, 1)))
    shape = solution.reshape(-1, 2, 2)
    shape = (shape + shape.swapaxes(1, 2)) / 2
    low, high = np.linalg.eigvalsh(shape).T
    serves = attracts & (low > 0) & (high < BEST * low)
    shape = np.where(serves[:, None, None], shape, np.eye(2))
    factor = np.linalg.cholesky(shape).swapaxes(1, 2)
    around = factor[:, None] @ steps @ np.linalg.inv(factor)[:, None]
    sizes = np.linalg.norm(around, ord=2, axis=(2, 3)) * PADDED
    return Norms(shape, np.sqrt(np.linalg.inv(shape)[:, 0, 0]) * PADDED, np.where(serves[:, None], sizes, np.inf))


def _companion(rate: np.ndarray, momentum: np.ndarray, curvature: float) -> Float[np.ndarray, "cell 2 2"]:
    ones = np.ones_like(rate)
    return np.stack([1 + momentum - rate * curvature, -momentum, ones, 0 * ones], 1).reshape(-1, 2, 2)


def _heavy_ball(bowl: PiecewiseQuadraticBowl, rate: Array, momentum: Array, x: Array, before: Array) -> Array:
    """Where a step from x leads that came from `before`."""
    return x + momentum * (x - before) - rate * bowl.slope(x)


def captured(
    bowl: PiecewiseQuadraticBowl,
    rate: Float[np.ndarray, " cell"],
    momentum: Float[np.ndarray, " cell"],
    starts: Float[np.ndarray, " start"],
) -> Bool[np.ndarray, " cell"]:
    """Where the walks from rest at all starts are proved to end in the minimum, within `STEPS` steps."""
    shape, of_x, pieces = norms(bowl, rate, momentum)
    shrinks = pieces[:, bowl.middle] < 1
    found = _of_all(_is_captured, bowl, jnp.asarray(starts), (rate, momentum, Norms(shape, of_x, pieces)))
    return np.asarray(found).all(1) & shrinks


@functools.partial(jax.jit, static_argnames="function")
def _of_all(function: Callable, bowl: PiecewiseQuadraticBowl, starts: Float[Array, " start"], cells: PyTree) -> PyTree:
    """What a function makes of the bowl, a start, and a cell: of all cells and starts, [cell, start], some cells at a time."""

    def of_cell(cell: PyTree) -> PyTree:
        return jax.vmap(lambda start: function(bowl, start, *cell))(starts)

    return jax.lax.map(of_cell, cells, batch_size=CELLS)


def _is_captured(
    bowl: PiecewiseQuadraticBowl,
    start: Float[Array, ""],
    rate: Float[Array, ""],
    momentum: Float[Array, ""],
    norm: Norms,
) -> Bool[Array, ""]:
    knots = jnp.array([-jnp.inf, *bowl.knots, jnp.inf])
    room = min((abs(knot) for knot in bowl.knots), default=np.inf)
    bends = np.abs(np.diff(bowl.curvatures))
    steepest, offset = bowl.curvatures[bowl.middle] + float(bends.sum()), float(bends @ np.abs(bowl.knots))
    rounding = (8 + len(bowl.curvatures)) * EPS  # twice the roundings of a step, in the sizes that it adds up

    def step(walk: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        x, before, error, is_caught = walk
        reach = error * norm.of_x + 4 * EPS * jnp.abs(x)
        touched = (x + reach >= knots[:-1]) & (x - reach <= knots[1:])
        growth = jnp.max(jnp.where(touched, norm.pieces, 0))
        after = _heavy_ball(bowl, rate, momentum, x, before)
        sizes = 2 * jnp.abs(x) + jnp.abs(before) + rate * (steepest * jnp.abs(x) + offset)
        error = (growth * error + rounding * sizes * jnp.sqrt(norm.shape[0, 0])) * PADDED
        place = jnp.stack([after, x])
        distance = jnp.sqrt(place @ norm.shape @ place) * PADDED + error
        return after, x, error, is_caught | (distance * norm.of_x < room)

    zero = jnp.zeros(())
    return repeated(step, STEPS, (start, start, zero, zero > 1))[3]


def returns(
    bowl: PiecewiseQuadraticBowl,
    rate: Float[np.ndarray, " cell"],
    momentum: Float[np.ndarray, " cell"],
    starts: Float[np.ndarray, " start"],
) -> tuple[Int[np.ndarray, "cell start"], Float[np.ndarray, "cell start place"]]:
    """After how many steps each walk is back where it was, once it has settled, and its places from then on; 0 for one that is
    not, or that has come to rest."""
    period, places = _of_all(_return, bowl, jnp.asarray(starts), (rate, momentum))
    return np.asarray(period), np.asarray(places)


def _return(
    bowl: PiecewiseQuadraticBowl,
    start: Float[Array, ""],
    rate: Float[Array, ""],
    momentum: Float[Array, ""],
) -> tuple[Int[Array, ""], Float[Array, " place"]]:
    def step(walk: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        x, before = walk
        after = _heavy_ball(bowl, rate, momentum, x, before)
        return (after, x), x

    walk = repeated(lambda walk: step(walk, None)[0], SETTLING, (start, start))
    places = jax.lax.scan(step, walk, length=2 * LONGEST)[1]
    later = jnp.stack([places[period : period + LONGEST] for period in range(1, LONGEST + 1)])
    back = jnp.abs(later - places[:LONGEST]).max(1) <= RETURNS * jnp.abs(places).max()
    period = jnp.where(jnp.any(back), jnp.argmax(back) + 1, 0)
    return jnp.where(period == 1, 0, period), places[:LONGEST]
