"""How high a lattice walk can still swing: a slow memory loses more on every swing than a step can give back.

Lengths in units of the lattice's spacing; d is the decay, c = 1 - d, and K = weight c / (spacing d) is 1, or d with a
look-ahead. At a place of slope s with the memory m, a = 1 - s m tells how far the memory is from full. A step makes d a of it,
and moves the walk uphill by F (K d a - 1), where F >= 1 is what is left of a bias correction, and only falls. With
psi(z) = log(z) / log(d) - (1 - z) / c, which falls down to 0 at z = d, and is not positive from there to 1:

- *A swing ends slowly.* From y above the valley with z = K d a < 1 the walk crosses in step n, the first one for which
  y <= sum_{j < n} F (1 - z d^j). With one step less, and 1 for F, the sum is not more than y. So z' = z d^(n - 1), which is
  what K a has become by then, has psi(z') <= y + max(0, psi(z)).
- *The next one begins slowly.* The crossing step is F (1 - z') at most, and on the other side a is 2 - z' / K. So the walk
  climbs by F sum_{j >= 1} max(0, (2 K - z') d^j - 1) at most.

Let the *energy* of a state be y + (what it may still climb) + max(0, psi(min(K d a, d))). If some z <= d has psi(z) >= H, and
whatever crosses with z' >= z has an energy of at most H, then all swings to come, on either side, are at most H high as soon as
the energy is. For small c a crossing memory of p becomes p - 2/3 p^2 + O(c): only short swings ever grow.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from hillopt.loops import repeated, varying_as_after
from hillopt.proofs.balls import Ball, lower_end, midpoints, radii
from hillopt.proofs.interpreter import at_most, bounded
from hillopt.proofs.lattice import Lattice
from hillopt.proofs.reach import guessed_number, overshoot_sum

# Newton's from above on a convex function; what they leave open costs nothing but a proof.
NEWTON_STEPS = 12
# Of F: swings that are no higher may keep themselves up. For decays over 0.55 without a look-ahead it is 0.750 to 0.821, as
# bisection has it. Nothing is proved with it.
PERSISTS = 0.83
SPARE = 1e-6


def energy_bound(
    lattice: Lattice, rise: Ball, memory: Ball, correction: Float[Array, "..."], top: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Bound of every later rise, and depth, of all walks whose numbers lie in the balls; infinite where none is known.

    It is `top`, a length, if that can be proved to be one; else as little as can be. `lattice` holds balls; `correction` is the
    greatest F to come. Which slope the state sees is read from the midpoint of its rise.
    """
    if lattice.interpolation is not None:
        return jnp.full_like(top, jnp.inf)
    numbers, slope = midpoints(lattice), jnp.where(rise.midpoint <= 0, -1.0, 1.0).astype(top.dtype)
    number = guessed_number(numbers.decay, _pull(numbers, 1 - slope * memory.midpoint))
    energy = at_most(_energy, lattice, slope, rise, memory, correction, number)
    scaled, _ = bounded(lambda top, spacing: top / spacing)(top, lattice.spacing)
    persisting = jnp.maximum(energy, PERSISTS * correction) * (1 + SPARE)
    length = at_most(lambda height, spacing: height * spacing, persisting, lattice.spacing)

    def try_height(index: ArrayLike, bound: Array) -> Array:
        height = jnp.where(index == 0, persisting, lower_end(scaled))
        never_higher = _swings_stay_below(lattice, correction, height) & (energy <= height)
        return jnp.where(never_higher, jnp.where(index == 0, length, top), bound)

    return jax.lax.fori_loop(
        0, 2, try_height, varying_as_after(lambda bound: try_height(0, bound), jnp.full_like(top, jnp.inf))
    )


def _swings_stay_below(
    lattice: Lattice, correction: Float[Array, "..."], height: Float[Array, "..."]
) -> Bool[Array, "..."]:
    """Whether no swing is higher after one that is not."""
    numbers = midpoints(lattice)
    z = _guessed_crossing(lattice, height)
    depth, _ = bounded(_psi)(lattice.decay, lattice.complement, z)
    number = guessed_number(numbers.decay, 2 * look_ahead(numbers) - z)
    crossed = at_most(_energy_of_crossing, lattice, z, correction, number)
    return (z > 0) & (z <= lower_end(lattice.decay)) & (lower_end(depth) >= height) & (crossed <= height)


def look_ahead(lattice: Lattice) -> Float[Array, "..."]:
    """K."""
    return lattice.weight * lattice.complement / (lattice.spacing * lattice.decay)


def _pull(lattice: Lattice, a: Float[Array, "..."]) -> Float[Array, "..."]:
    """K a: the step after j more is F (K a d^j - 1)."""
    return look_ahead(lattice) * a


def _psi(decay: Float[Array, "..."], complement: Float[Array, "..."], z: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.log(z) / jnp.log(decay) - (1 - z) / complement


def _energy(
    lattice: Lattice, slope: Array, rise: Array, memory: Array, correction: Array, number: Array
) -> Float[Array, "..."]:
    """Of a state."""
    pull = _pull(lattice, 1 - slope * memory)
    climbs = correction * overshoot_sum(lattice.decay, pull, number)
    return slope * rise / lattice.spacing + climbs + _falls_from(lattice, pull)


def _energy_of_crossing(lattice: Lattice, z: Array, correction: Array, number: Array) -> Float[Array, "..."]:
    """Of a state that has just crossed with z, or more of it, which is at most 1."""
    pull = 2 * look_ahead(lattice) - z
    climbs = correction * (1 - z + overshoot_sum(lattice.decay, pull, number))
    return climbs + _falls_from(lattice, 2 * look_ahead(lattice) - 1)


def _falls_from(lattice: Lattice, pull: Array) -> Float[Array, "..."]:
    """max(0, psi) where a state whose next steps climb no more begins to fall."""
    z = jnp.minimum(lattice.decay * pull, lattice.decay)
    return jnp.maximum(_psi(lattice.decay, lattice.complement, z), 0.0)


def _guessed_crossing(lattice: Lattice, height: Float[Array, "..."]) -> Float[Array, "..."]:
    """z with psi(z) >= height, hardly more: exp(-w) with w / -log(d) - (1 - exp(-w)) / c = height, by Newton's method.

    Around it psi grows by w / c per unit of w, and what is not known of d lets it waver by some w eps / c^2, more if it is
    of a shorter format.
    """
    numbers, last = midpoints(lattice), radii(lattice).decay
    rate, c = -jnp.log(numbers.decay), numbers.complement

    def newton(w: Float[Array, "..."]) -> Float[Array, "..."]:
        rest = jnp.exp(-w)
        return w - (w / rate - (1 - rest) / c - height) / (1 / rate - rest / c)

    w = repeated(newton, NEWTON_STEPS, rate * (height + 1 / c))
    unsure = jnp.maximum(float(jnp.finfo(w.dtype).eps), last) / c
    return jnp.exp(-w * (1 + SPARE) - 16 * unsure)
