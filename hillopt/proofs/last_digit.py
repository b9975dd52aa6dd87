"""What the last digits of numbers in a short format do to a lattice walk: one number in common for all steps.

Numbers typed in float32 are known to half a unit in their last place, and a decay b near 1 turns that into much: 1 - b of 0.001
is known to 3e-5. As a bound of each step's error it piles up. But the unknown digits are the same in all steps. While the slopes
that a walk meets stay the same, its position x is proportional to the learning rate, and an analytic function of b. So walks are
followed in float64, where rounding is nothing beside that, with the derivative x' in b beside each number, and

    |x(b + d) - x(b) - x'(b) d| <= M q^2 / (1 - q),   q = 2 |d| / c,   c = 1 - b,

by Cauchy's estimate, if |x - x(b)| <= M on the disc of complex numbers z within c / 2 of b. There |z| <= 1 - c/2 and
c/2 <= |1 - z| <= 3c/2, hence a memory, (1 - z) sum_j z^j g_j, is at most 3 in size, and 3 (1 - |z|^s) after s steps. In units of
the spacing h at b, with an integer site that depends on no b:

- *Adam*: x - x_n = site + z / (1 - z) (m - m_n) + sum m z^s / (1 - z^s), at most 12/c + 6/c, and 3/c at b itself: M = 21 h / c.
- *Heavy ball, Nesterov*: x = K h(z) + z^k lr / (1 - z)^2 m, k = 1 or 2, with an integer K, and h |K| <= |x| + h / c. As
  |h(z) - h| <= h, and the second term is at most 12 h / c, and h / c at b itself, M = 14 h / c + 1 + reach.
- *Lion*: positions depend on no decay; its drive i m + (1 - i) g does, and is at most 5 in size, and 1 at b.

What float64 rounds in a derivative is at most 64 eps / c of M / (c / 2), which is below 2^-24 where q <= 1/4, the only case
served; as are terms of second order in b and another number. `SPARE` pays for both.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from hillopt.jaxprs import depends_on
from hillopt.optimizers import AbstractOptimizer, Adam, HeavyBall, Lion, Nesterov
from hillopt.proofs.balls import Ball, lower_end, midpoints, typed, upper_end
from hillopt.proofs.interpreter import bounded
from hillopt.proofs.lattice import Foot, Lattice, LatticeState, advance, downhill, lattice_of
from hillopt.proofs.own_terms import in_own_terms

SERVED = (Adam, HeavyBall, Lion, Nesterov)
WIDEST = 1 / 4  # q
SPARE = 2.0**-20


class Tangent(NamedTuple):
    """Derivatives of a walk's numbers in its decay."""

    rise: Float[Array, "..."]
    memory: Float[Array, "..."]
    shift: Float[Array, "..."]
    power: Float[Array, "..."]


class LastDigit(NamedTuple):
    """Of a decay, and what it does to the numbers that stay the same in a walk."""

    radius: Float[Array, "..."]
    lattice: Lattice
    """Derivatives of its numbers in the decay."""
    scale: Float[Array, "..."]
    """Relative radius of all lengths, as other numbers decide them."""
    rise: Float[Array, "..."]
    """All that is not of first order in a rise,"""
    memory: Float[Array, "..."]
    """in a memory,"""
    drive: Float[Array, "..."]
    """and in a drive, with what other numbers do to it."""

    def of_rise(self, rise: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        """How far a rise with such a derivative can be off."""
        return self.of_length(1 + jnp.abs(rise), slope) + self.rise

    def of_length(self, length: Float[Array, "..."], slope: Float[Array, "..."]) -> Float[Array, "..."]:
        """How far a distance between two places can be, to first order."""
        return length * self.scale + jnp.abs(slope) * self.radius

    def of_memory(self, slope: Float[Array, "..."]) -> Float[Array, "..."]:
        """How far a memory can be."""
        return jnp.abs(slope) * self.radius + self.memory

    def of_drive(self, slope: Float[Array, "..."]) -> Float[Array, "..."]:
        """How far a drive can be."""
        return jnp.abs(slope) * self.radius + self.drive


class Known(NamedTuple):
    """A lattice in float64, as it is known."""

    around: Lattice
    """Balls that hold its numbers."""
    fixed: Lattice
    """Balls that hold them where every digit that counts is known."""
    digit: LastDigit | None
    """None where `fixed` is all of them."""


def known_lattice(optimizer: AbstractOptimizer, reach: Float[Array, "..."]) -> Known:
    """The lattice of an optimizer whose |rise| never exceeds `reach`; that of short numbers in float64."""
    leaves, structure = jax.tree.flatten(optimizer)
    balls = [typed(leaf) for leaf in leaves]
    around, _ = bounded(lattice_of)(jax.tree.unflatten(structure, balls))
    place = _place_of_decay(optimizer)
    if place is None:
        return Known(around, around, None)
    exact, decay = [Ball(ball.midpoint, jnp.zeros_like(ball.midpoint)) for ball in balls], balls[place]

    def with_decay(decay: Array | Ball, others: list) -> AbstractOptimizer:
        return jax.tree.unflatten(structure, [*others[:place], decay, *others[place + 1 :]])

    fixed, _ = bounded(lattice_of)(jax.tree.unflatten(structure, exact))
    others, _ = bounded(lattice_of)(with_decay(exact[place], balls))
    _, lattice = jax.jvp(
        lambda decay: lattice_of(with_decay(decay, midpoints(balls))),
        (decay.midpoint,),
        (jnp.ones_like(decay.midpoint),),
    )
    c = lower_end(around.complement)
    q = jnp.where(c > 0, 2 * decay.radius / c, jnp.inf)
    rest = jnp.where(q <= WIDEST, q * q / (1 - q) + SPARE * q, jnp.inf)
    most = 21 * upper_end(around.spacing) / c + 1 + reach.astype(jnp.float64)
    scale = others.spacing.radius / others.spacing.midpoint
    if lattice.interpolation is None:
        return Known(around, fixed, LastDigit(decay.radius, lattice, scale, most * rest, 4 * rest, 4 * rest))
    drive = 6 * rest + 2 * others.interpolation.radius  # |memory| and |slope| are at most 1
    return Known(around, fixed, LastDigit(decay.radius, lattice, scale, jnp.zeros_like(rest), 4 * rest, drive))


def _place_of_decay(optimizer: AbstractOptimizer) -> int | None:
    """Which short number is the decay, of an optimizer for which the above is proved."""
    leaves, structure = jax.tree.flatten(optimizer)
    own = in_own_terms(optimizer) or optimizer
    if leaves[0].dtype == jnp.float64 or not isinstance(own, SERVED):
        return None

    def decides(place: int) -> bool:
        def decay(number: Array) -> Array:
            lattice = lattice_of(jax.tree.unflatten(structure, [*ones[:place], number, *ones[place + 1 :]]))
            assert lattice is not None
            return lattice.decay

        ones = [jnp.ones((), leaf.dtype) for leaf in leaves]
        return depends_on(decay, ones[place])

    found = [place for place in range(len(leaves)) if decides(place)]
    return found[0] if len(found) == 1 else None


def of_foot(digit: LastDigit, lattice: Lattice, foot: Foot) -> tuple[Tangent, Float[Array, "..."]]:
    """At the foot, and of its origin."""

    def numbers(lattice: Lattice) -> tuple[Array, ...]:
        rise, _, memory, power = downhill(lattice, foot.step)
        return rise, memory, power, rise - lattice.weight * memory

    _, (rise, memory, power, origin) = jax.jvp(numbers, (lattice,), (digit.lattice,))
    return Tangent(rise, memory, jnp.zeros_like(rise), power), origin


def unsure_downhill(digit: LastDigit, lattice: Lattice, steps: Int[Array, "..."]) -> Float[Array, "..."]:
    """How far the rise after so many steps down can be off."""
    return digit.of_rise(*jax.jvp(lambda lattice: downhill(lattice, steps)[0], (lattice,), (digit.lattice,)))


def advance_with_tangent(
    digit: LastDigit,
    lattice: Lattice,
    origin: tuple[Float[Array, "..."], Float[Array, "..."]],
    state: LatticeState,
    tangent: Tangent,
) -> tuple[Tangent, Float[Array, "..."]]:
    """The derivatives after one step, and that of the drive which chose its direction; of the origin, it and its derivative."""

    def step(lattice: Lattice, origin: Array, memory: Array, shift: Array, power: Array) -> tuple[Tangent, Array]:
        after, drive = advance(lattice, origin, state._replace(memory=memory, shift=shift, power=power))
        return Tangent(after.rise, after.memory, after.shift, after.power), drive

    at = lattice, origin[0], state.memory, state.shift, state.power
    return jax.jvp(step, at, (digit.lattice, origin[1], tangent.memory, tangent.shift, tangent.power))[1]
