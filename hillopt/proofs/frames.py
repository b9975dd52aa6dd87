"""How errors travel along a walk: in a box whose edges turn with it.

A running error bound adds up sizes, as if every step turned each error to its worst. On curved ground that grows for ever, though
the errors themselves may shrink: x - 2 x is 3 times as unsure as x. Here the exact place lies in centre + frame [-sizes, sizes],
and a step takes what is in the frame to where its derivative does (mean value form, Moore 1966). The new edges are the images of
the old ones; or those made orthogonal, the longest first, once they come to lie along each other (Lohner 1987, "Enclosing the
solutions of ordinary initial and boundary value problems"). So sizes grow as fast as errors do. A box along the numbers is carried
beside, by a running error bound, and the place lies in both: it is all there is where a step has no derivative.

It serves programs whose derivative is JAX's, operation by operation: rules of somebody's own are not believed
(`hillopt.jaxprs.without_rules_of_its_own`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from hillopt.jaxprs import hides_rules, without_rules_of_its_own
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs.ahead import is_curved, state_numbers
from hillopt.proofs.balls import Ball, ball_radius, is_ball, is_float, midpoints, radii, tiny, ulps
from hillopt.proofs.interpreter import bounded
from hillopt.walk import move

Vector = Float[Array, " number"]
ROUNDED = 2**13
MOST_NUMBERS = 16  # of a place; the frame has their square
LEANING = 64  # at most, of what the box along a frame's edges is greater than that around it


class Framed(NamedTuple):
    """Where a walk may be: the numbers of its place that are floats, in a box, and in another one besides."""

    centre: PyTree
    """The place itself, in floating point."""
    frame: Float[Array, "number edge"]
    sizes: Float[Array, " edge"]
    radii: Float[Array, " number"]
    """Of a box along the numbers, which holds the exact place too."""
    turns: Bool[Array, ""]
    """Whether the next frame is made orthogonal. It is kept, since a compiled program may compute a number twice with different
    last digits, and a frame that is chosen twice has to be the same one."""


def is_framed(hill: AbstractHill, optimizer: AbstractOptimizer, straight: bool = False) -> bool:
    """Whether errors are followed so: on curved ground, or `straight` too, for few numbers, where nothing hides what a derivative
    is."""
    hill, optimizer = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), (hill, optimizer))
    state = [leaf for leaf in state_numbers(hill, optimizer) if is_float(leaf)]
    is_small = np.size(hill.start) + sum(leaf.size for leaf in state) <= MOST_NUMBERS
    if not (is_small and (straight or is_curved(hill))):
        return False

    def step(hill: AbstractHill, optimizer: AbstractOptimizer) -> PyTree:
        position = jnp.asarray(hill.start, float)
        return move(hill, optimizer, position, optimizer.init(position))

    return not hides_rules(step, hill, optimizer)


def wider(size: Any) -> Any:
    """A radius with what its own rounding may have lost, far less than so many eps of it: the rules of balls charge for rounding
    what a radius of rounding errors needs. As sizes are drawn wider at every step, it must not be much more either."""
    return size * (1 + ROUNDED * float(jnp.finfo(size.dtype).eps))


def framed(place: PyTree) -> Framed:
    """A place of balls, in a frame along its numbers."""
    sizes = _vector(radii(place))
    return Framed(midpoints(place), jnp.eye(sizes.shape[0], dtype=sizes.dtype), sizes, sizes, jnp.zeros((), bool))


def all_within(place: Framed) -> PyTree:
    """Balls that hold all that is in both of a place's boxes."""
    floats, put = _floats(place.centre)
    _, unravel = ravel_pytree(floats)
    around = unravel(_reach(place))
    return put([Ball(*ball) for ball in zip(floats, around, strict=True)])


def carried(step: Callable[..., PyTree], numbers: PyTree, place: Framed) -> tuple[Framed, Bool[Array, ""]]:
    """Where `step(*numbers, place)` leads, and whether it is in doubt; `numbers` may be balls."""
    floats, put = _floats(place.centre)
    centre, unravel = ravel_pytree(floats)

    def moved(*given: Any) -> Array:
        *numbers, vector = given
        return _vector(step(*numbers, put(unravel(vector))))

    reach = _reach(place)
    derivative = bounded(jax.jacfwd(without_rules_of_its_own(moved), len(numbers)), is_derivative=True)
    slopes, is_lost = derivative(*numbers, Ball(centre, wider(reach)))
    after, _ = bounded(step)(*numbers, put([Ball(each) for each in floats]))
    outer, in_doubt = bounded(step)(*numbers, all_within(place))
    lost, around = _vector(radii(after)), _vector(radii(outer))
    box = wider(around + jnp.abs(_vector(midpoints(outer)) - _vector(midpoints(after))))
    edges = _times(slopes.midpoint, place.frame)
    rounding = _charged(slopes.midpoint, place.frame)
    rest = lost + _times(ball_radius(slopes), reach) + _times(rounding, place.sizes)
    is_known = jnp.all(jnp.isfinite(edges)) & ~is_lost
    along = jnp.eye(rest.shape[0], dtype=rest.dtype)
    edges, rest = jnp.where(is_known, edges, along), jnp.where(is_known, wider(rest), jnp.inf)
    frame, sizes, turns = _reframed(edges, place.sizes, rest, box, place.turns)
    return Framed(midpoints(after), frame, sizes, box, turns), in_doubt


def _spread(frame: Array, sizes: Vector) -> Vector:
    """How far a box in a frame reaches along every number."""
    reach = _times(jnp.abs(frame), sizes)
    return jnp.where(jnp.isnan(reach), jnp.inf, wider(reach))


def _reach(place: Framed) -> Vector:
    """How far both boxes reach along every number."""
    return jnp.minimum(_spread(place.frame, place.sizes), place.radii)


def _reframed(edges: Array, sizes: Vector, rest: Vector, box: Vector, turns: Array) -> tuple[Array, Vector, Array]:
    """A box around all edges [-sizes, sizes] + [-rest, rest] that lie in [-box, box]: in a frame of the edges, or an orthogonal
    one if it turns; and whether the orthogonal one was the smaller one, and is to be taken next time."""
    scale = jnp.minimum(_times(jnp.abs(edges), sizes) + rest, box)
    scale = jnp.where(jnp.isfinite(scale), jnp.maximum(scale, jnp.finfo(scale.dtype).tiny ** 0.5), 1)
    longest = jnp.argsort(-jnp.max(jnp.abs(edges) / scale[:, None], 0) * sizes)
    edges, sizes = edges[:, longest], sizes[longest]
    turned, triangle = _orthogonal(edges / scale[:, None])
    orthogonal, inverse = turned * scale[:, None], turned.T / scale
    frames, inverses = jnp.stack([edges, orthogonal]), jnp.stack([_times(_inverse(triangle), inverse), inverse])
    found = jax.vmap(lambda frame, inverse: _sizes(frame, inverse, edges, sizes, rest, box))(frames, inverses)
    reach = jax.vmap(lambda frame, sizes: jnp.sum(_times(jnp.abs(frame), sizes) / scale))(frames, found)
    frame, sizes = (jnp.where(turns, orthogonal, as_it_is) for as_it_is, orthogonal in (frames, found))
    lean = jnp.max(_times(_times(jnp.abs(frames[0]), jnp.abs(inverses[0])), scale) / scale)
    return frame, sizes, ~((reach[0] <= reach[1]) & (lean <= LEANING))


def _sizes(frame: Array, inverse: Array, edges: Array, sizes: Vector, rest: Vector, box: Vector) -> Vector:
    """Of a box in a frame around all edges [-sizes, sizes] + [-rest, rest] that lie in [-box, box].

    With a frame F and any matrix G near its inverse, E = 1 - G F, coordinates z of y = F z are G y + E z. So they are no greater
    than |G y| and |E| / (1 - |E|) times the greatest of it, where |E| is a norm below 1.
    """
    unlike = jnp.abs(jnp.eye(sizes.shape[0], dtype=sizes.dtype) - _times(inverse, frame)) + _charged(inverse, frame)
    unlike = jnp.max(jnp.sum(unlike, 1))
    told = jnp.abs(_times(inverse, edges)) + _charged(inverse, edges)
    moved, boxed = _times(told, sizes) + _times(jnp.abs(inverse), rest), _times(jnp.abs(inverse), box)
    found = jnp.where(moved < boxed, moved, boxed)
    found += 2 * unlike * jnp.max(found)
    found = wider(found) + tiny(found)
    return jnp.where(jnp.isfinite(found) & (unlike < 0.25), found, jnp.inf)


def _orthogonal(matrix: Array) -> tuple[Array, Array]:
    """An orthogonal matrix whose first k columns span, if they can, those of the given one, by Householder's reflections; and the
    upper triangle of which it makes that."""
    size = matrix.shape[0]
    places, turned = jnp.arange(size), jnp.eye(size, dtype=matrix.dtype)
    for index in range(size - 1):
        column = jnp.where(places >= index, matrix[:, index], 0)
        length = jnp.sqrt(jnp.sum(column * column))
        mirror = column + jnp.where(places == index, jnp.where(column[index] < 0, -length, length), 0)
        square = jnp.sum(mirror * mirror)
        factor = jnp.where(square > 0, 2 / jnp.where(square > 0, square, 1), 0)
        matrix -= factor * mirror[:, None] * jnp.sum(mirror[:, None] * matrix, 0)
        turned -= factor * jnp.sum(turned * mirror, 1)[:, None] * mirror
    return jnp.where(jnp.isfinite(turned), turned, jnp.eye(size, dtype=matrix.dtype)), matrix


def _inverse(triangle: Array) -> Array:
    """Of an upper triangle, as well as floating point has it."""
    size = triangle.shape[0]
    rows: list[Array] = []
    for index in reversed(range(size)):
        row = jnp.zeros(size, triangle.dtype).at[index].set(1)
        for later, known in zip(range(size - 1, index, -1), rows, strict=True):
            row -= triangle[index, later] * known
        rows.append(row / triangle[index, index])
    return jnp.stack(rows[::-1])


def _times(matrix: Array, other: Array) -> Array:
    """The product of a matrix and a vector or a matrix, of which no device takes a coarse one."""
    return jnp.sum(matrix[:, :, None] * other[None], 1) if other.ndim == 2 else jnp.sum(matrix * other, 1)


def _charged(one: Array, other: Array) -> Array:
    """What rounding does to a product of two matrices."""
    sizes = _times(jnp.abs(one), jnp.abs(other))
    return ulps(sizes, one.shape[0] + 4) + tiny(sizes)


def _vector(tree: PyTree) -> Vector:
    """The leaves that are floats, one behind the other."""
    return ravel_pytree(_floats(tree)[0])[0]


def _floats(tree: PyTree) -> tuple[list[Array], Callable[[list[Any]], PyTree]]:
    """The leaves that are floats, and how others are put in their place."""
    leaves, structure = jax.tree.flatten(tree, is_leaf=is_ball)

    def put(floats: list[Any]) -> PyTree:
        given = iter(floats)
        return jax.tree.unflatten(structure, [next(given) if is_float(leaf) else leaf for leaf in leaves])

    return [leaf for leaf in leaves if is_float(leaf)], put
