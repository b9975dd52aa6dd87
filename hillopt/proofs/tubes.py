"""Tubes around what attracts: minima and cycles of any period, for any optimizer whose state is made of floats.

From where the walk stands, c, take a box B of places. The steps to come carry it along: after i steps it lies in the section
c_i + M_i B + E_i, where c_i is the walk itself, M_i encloses the product of the steps' Jacobians over the sections so far, and E_i
holds what rounding, and the last digits of the numbers, have done. If some section lies inside B, the union of those before it is
mapped into itself: the walk never leaves it, and no later rise is greater than the greatest of a section. This is the mean value
form of interval analysis (Moore 1966), iterated as in Tucker, "Validated Numerics" (2011), section 5. It holds where a step has a
derivative in all of a section: a section in which a comparison may fall either way proves nothing.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import Lane, Vector, decays, is_autonomous, is_curved, lane_of, path
from hillopt.proofs.balls import Ball, ball_radius, rounded, ulps, upper_end
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.trapping import Whereabouts

LOOKS_AHEAD = 1_024  # steps of the walk that say how large a box may have to be
LONGEST = 256  # steps after which a section has to be back
SIZES = 8  # boxes tried, from what the walk misses itself by to four times all that it moves
# Sections are drawn wider by this before a step is enclosed over them: the rules of balls charge for rounding what a radius of
# rounding errors needs, and eps is far below it.
WIDER = 1 + 2.0**-10
FLOOR = 2.0**-20  # the least box in parts of a place: far above rounding


class _Section(NamedTuple):
    """The i-th section of a tube, and what the tube has shown."""

    centre: Vector
    turned: Float[Array, "number number"]
    unsure: Float[Array, "number number"]
    """Radius of `turned`, the product of Jacobians."""
    error: Vector
    top: Float[Array, ""]
    """No rise of a section before is greater."""
    sound: Bool[Array, ""]
    back: Bool[Array, ""]
    num_steps: Int[Array, ""]


def bound_by_tube(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by the best of some tubes around the walk."""
    lane = lane_of(place)
    tops = jax.vmap(functools.partial(_top, lane, hill, optimizer, goal))(_boxes(lane, hill, optimizer))
    return jnp.min(tops)


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """On straight pieces nothing draws a walk back to where it was but a decay of the position."""
    return is_autonomous(hill, optimizer) and (is_curved(hill) or decays(optimizer))


def _boxes(lane: Lane, hill: AbstractHill, optimizer: AbstractOptimizer) -> Float[Array, "size number"]:
    """Radii of boxes to try, of several sizes: all that the walk moves by, shrunk towards what it misses itself by."""
    moved = jnp.abs(path(lane, hill, optimizer, LOOKS_AHEAD) - lane.centre)
    scale = jnp.max(moved, 0) + FLOOR * (1 + jnp.abs(lane.centre))
    missed = jnp.min(jnp.max(moved[:LONGEST] / scale, 1))
    shares = 4 * jnp.geomspace(jnp.maximum(missed / 2, FLOOR), 1, SIZES)
    return jnp.maximum(shares[:, None] * scale, 2 * lane.radius)


def _top(
    lane: Lane, hill: AbstractHill, optimizer: AbstractOptimizer, goal: Float[Array, ""], box: Vector
) -> Float[Array, ""]:
    """The greatest rise in the tube that begins with a box around the walk, infinite if it does not come back."""
    numbers = jax.tree.map(rounded, (hill, optimizer))

    def goes_on(section: _Section) -> Bool[Array, ""]:
        return section.sound & ~section.back & (section.num_steps < LONGEST)

    def carry_on(section: _Section) -> _Section:
        around = Ball(section.centre, WIDER * _radius(section, box))
        jacobian, in_doubt = bounded(jax.jacfwd(lane.step, 2))(*numbers, around)
        after, _ = bounded(lane.step)(*numbers, Ball(section.centre, jnp.zeros_like(box)))
        rise, _ = bounded(lane.rise)(numbers[0], around)
        top = jnp.maximum(section.top, upper_end(rise))
        turned, unsure = _product(jacobian, Ball(section.turned, section.unsure))
        error = _sum(_times(_sizes(jacobian), section.error), ball_radius(after))
        following = section._replace(centre=after.midpoint, turned=turned, unsure=unsure, error=error)
        far = _sum(jnp.abs(after.midpoint - lane.centre), _radius(following, box))
        return following._replace(
            top=top,
            sound=~in_doubt & jnp.all(jnp.isfinite(far)) & (top < goal),
            back=jnp.all(far <= box),
            num_steps=section.num_steps + 1,
        )

    size, zero = box.shape[0], jnp.zeros_like(box[0])
    square = jnp.zeros((size, size), box.dtype)
    no = jnp.zeros((), bool)
    begin = _Section(
        lane.centre, square + jnp.eye(size, dtype=box.dtype), square, 0 * box, zero - jnp.inf, ~no, no, jnp.int32(0)
    )
    last = jax.lax.while_loop(goes_on, carry_on, varying_as_after(carry_on, begin))
    return jnp.where(last.sound & last.back & jnp.all(lane.radius <= box), last.top, jnp.inf)


def _radius(section: _Section, box: Vector) -> Vector:
    return _sum(_times(jnp.abs(section.turned) + section.unsure, box), section.error)


def _sizes(ball: Ball) -> Array:
    return jnp.abs(ball.midpoint) + ball_radius(ball)


def _sum(one: Array, other: Array) -> Array:
    """Of numbers that are not negative, sums of a few products: no less than exact arithmetic gives."""
    total = one + other
    return total + ulps(total, 4 * total.shape[0] + 8) + jnp.finfo(total.dtype).tiny


def _times(matrix: Array, other: Array) -> Array:
    """The product of a matrix and a vector or a matrix, of which no device takes a coarse one."""
    return jnp.sum(matrix[:, :, None] * other[None], 1) if other.ndim == 2 else jnp.sum(matrix * other, 1)


def _product(one: Ball, other: Ball) -> tuple[Array, Array]:
    """Midpoint and radius of a product of square matrices."""
    sizes = _times(_sizes(one), _sizes(other))
    radius = _times(jnp.abs(one.midpoint), ball_radius(other)) + _times(ball_radius(one), _sizes(other))
    return _times(one.midpoint, other.midpoint), _sum(radius, ulps(sizes, one.midpoint.shape[0] + 4))
