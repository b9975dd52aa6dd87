"""Tubes around what attracts: minima and cycles of any period, for any optimizer whose state is made of floats.

From where the walk stands take a box of places. The steps to come carry it along in a frame (`hillopt.proofs.frames`), one section
after the other. If some section lies inside the box, the union of those before it is mapped into itself: the walk never leaves it,
and no later rise is greater than the greatest of a section (Tucker, "Validated Numerics", 2011, section 5). It holds where a step
has a derivative in all of a section: a section in which a comparison may fall either way proves nothing.
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
from hillopt.proofs.balls import Ball, ball_radius, rounded, upper_end
from hillopt.proofs.frames import Framed, all_within, carried, framed, wider
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.trapping import Whereabouts

LOOKS_AHEAD = 1_024  # steps of the walk that say how large a box may have to be
LONGEST = 256  # steps after which a section has to be back
SIZES = 8  # boxes tried of either shape, from what the walk misses itself by to four times all that it moves
# The least box in parts of a place: on a cycle that draws a walk in slowly, a step's slopes must hardly change over a box. It is
# never less than so many eps, above rounding.
FLOOR, EPS_OF_FLOOR = 2.0**-30, 8


class _Section(NamedTuple):
    """A section of a tube, and what the tube has shown."""

    place: Framed
    top: Float[Array, ""]
    """No rise of this section or of one before is greater."""
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
    """Radii of boxes to try, of several sizes: all that the walk moves by, shrunk towards what it misses itself by.

    Of two shapes: as wide as all numbers move, and with room for what they make of each other on the way: on a cycle a number
    may hardly move, as a second moment does.
    """
    visited = path(lane, hill, optimizer, LOOKS_AHEAD)
    moved = jnp.abs(visited - lane.centre)
    floor = max(FLOOR, EPS_OF_FLOOR * float(jnp.finfo(moved.dtype).eps))
    scale = jnp.max(moved, 0) + floor * (1 + jnp.abs(lane.centre))

    def turn(turned: Array, numbers: Vector) -> tuple[Array, Vector]:
        turned = jax.jacfwd(lambda numbers: lane.step(hill, optimizer, numbers))(numbers) @ turned
        return turned, jnp.abs(turned) @ scale

    begin = varying_as_after(lambda turned: turn(turned, lane.centre)[0], jnp.eye(scale.size, dtype=scale.dtype))
    _, made = jax.lax.scan(turn, begin, visited[:LONGEST])
    shapes = jnp.stack([scale, jnp.maximum(scale, jnp.max(made, 0))])
    missed = jnp.min(jnp.max(moved[:LONGEST, None] / shapes, 2), 0)
    shares = 4 * jnp.geomspace(jnp.maximum(missed / 2, floor), jnp.ones_like(missed), SIZES)
    return jnp.maximum((shares[..., None] * shapes).reshape(-1, scale.size), 2 * lane.radius)


def _top(
    lane: Lane, hill: AbstractHill, optimizer: AbstractOptimizer, goal: Float[Array, ""], box: Vector
) -> Float[Array, ""]:
    """The greatest rise in the tube that begins with a box around the walk, infinite if it does not come back."""
    numbers = jax.tree.map(rounded, (hill, optimizer))

    def goes_on(section: _Section) -> Bool[Array, ""]:
        return section.sound & ~section.back & (section.num_steps < LONGEST)

    def carry_on(section: _Section) -> _Section:
        place, in_doubt = carried(lane.step, numbers, section.place)
        around = all_within(place)
        rise, _ = bounded(lane.rise)(numbers[0], around)
        top = jnp.maximum(section.top, upper_end(rise))
        far = wider(jnp.abs(around.midpoint - lane.centre)) + ball_radius(around)
        return _Section(
            place=place,
            top=top,
            sound=section.sound & ~in_doubt & jnp.all(jnp.isfinite(far)) & (top < goal),
            back=jnp.all(far <= box),
            num_steps=section.num_steps + 1,
        )

    begin = framed(Ball(lane.centre, box))
    rise, _ = bounded(lane.rise)(numbers[0], all_within(begin))
    no = jnp.zeros((), bool)
    section = _Section(begin, upper_end(rise), ~no, no, jnp.int32(0))
    last = jax.lax.while_loop(goes_on, carry_on, varying_as_after(carry_on, section))
    return jnp.where(last.sound & last.back & jnp.all(lane.radius <= box), last.top, jnp.inf)
