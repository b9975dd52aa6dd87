"""Sites: where every step is as long as every other one, a walk only ever visits places of a lattice, on whatever ground.

Lion's place is that of now and a whole number of learning rates. So two places of the same number are the same, and all that a
walk remembers is its momentum, of which every step forgets a share. Take all momenta in an interval: as long as they agree on
which way to go, one place after the other is visited by all of them; and where they come back to the first place with momenta
that lie in the interval, they go such rounds for ever (Poincaré's return map, of one number, in interval arithmetic).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.landscapes import AbstractHill
from hillopt.loops import varying_as_after
from hillopt.optimizers import AbstractOptimizer, Lion
from hillopt.proofs.ahead import is_one_dimensional
from hillopt.proofs.balls import Ball, ball_radius, rounded, upper_end
from hillopt.proofs.frames import wider
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.trapping import Whereabouts

LONGEST = 1_024  # steps after which a walk has to be back
SIZES = 16  # intervals tried, as wide as the momentum itself and narrower
NARROWEST = 2.0**-30  # the least of them, in parts of that


class _Round(NamedTuple):
    """All momenta of an interval, some steps later."""

    site: Int[Array, ""]
    """Steps forward less steps back."""
    momentum: Ball
    top: Float[Array, ""]
    """No rise so far is greater."""
    sound: Bool[Array, ""]
    """They have agreed so far."""
    back: Bool[Array, ""]
    num_steps: Int[Array, ""]


def bound_by_sites(
    hill: AbstractHill, optimizer: AbstractOptimizer, place: Whereabouts, goal: Float[Array, ""]
) -> Float[Array, ""]:
    """Bound of every later rise by those of a round of places."""
    assert isinstance(optimizer, Lion)
    trace = place.state.trace
    sizes = jnp.abs(trace.midpoint) * jnp.geomspace(NARROWEST, 1, SIZES)
    return jnp.min(jax.vmap(lambda size: _top(hill, optimizer, place, goal, size))(sizes))


def serves(hill: AbstractHill, optimizer: AbstractOptimizer) -> bool:
    """In one dimension, for Lion without weight decay."""
    return is_one_dimensional(hill) and isinstance(optimizer, Lion) and optimizer.weight_decay is None


def _top(hill: AbstractHill, optimizer: Lion, place: Whereabouts, goal: Array, size: Array) -> Float[Array, ""]:
    """The greatest rise of the round of all momenta around that of now, infinite if they do not come back."""
    numbers, trace = jax.tree.map(rounded, (hill, optimizer)), place.state.trace

    def at(hill: AbstractHill, optimizer: Lion, start: Array, site: Array) -> tuple[Array, Array]:
        position = start + optimizer.learning_rate * site
        return jnp.asarray(hill.slope(position)), jnp.asarray(hill.rise(position))

    def agreed(optimizer: Lion, slope: Array, momentum: Array) -> tuple[Array, Array]:
        ahead = optimizer.b1 * momentum + (1 - optimizer.b1) * slope
        return ahead, optimizer.b2 * momentum + (1 - optimizer.b2) * slope

    def go(walk: _Round) -> _Round:
        (slope, _), in_doubt = bounded(at)(*numbers, place.position, walk.site.astype(size.dtype))
        (ahead, momentum), _ = bounded(agreed)(numbers[1], slope, walk.momentum)
        site = walk.site - jnp.sign(ahead.midpoint).astype(walk.site.dtype)
        (_, rise), _ = bounded(at)(*numbers, place.position, site.astype(size.dtype))
        top = jnp.maximum(walk.top, upper_end(rise))
        far = jnp.abs(momentum.midpoint - trace.midpoint) + ball_radius(momentum)
        return _Round(
            site=site,
            momentum=Ball(momentum.midpoint, wider(ball_radius(momentum))),
            top=top,
            sound=walk.sound & ~in_doubt & (jnp.abs(ahead.midpoint) > wider(ball_radius(ahead))) & (top < goal),
            back=(site == 0) & (wider(far) <= size),
            num_steps=walk.num_steps + 1,
        )

    def goes_on(walk: _Round) -> Bool[Array, ""]:
        return walk.sound & ~walk.back & (walk.num_steps < LONGEST)

    no, none = jnp.zeros((), bool), jnp.int32(0)
    begin = _Round(none, Ball(trace.midpoint, wider(size)), jnp.full_like(size, -jnp.inf), ~no, no, none)
    last = jax.lax.while_loop(goes_on, go, varying_as_after(go, begin))
    return jnp.where(last.sound & last.back & (ball_radius(trace) <= size), last.top, jnp.inf)
