"""Walks that live on a lattice: where rounding cannot pile up.

On slopes of -1 and +1 many optimizers move by an exact rule. With the memory m <- b m + (1 - b) g of past slopes g, heavy
ball steps x <- x - lr/(1-b) m, and since b (m' - m) = (1 - b) (g - m'), the combination x - weight * m moves by exactly
`spacing` a step, down or up. So

    x_t = x_0 + spacing * site_t + weight * memory_t + shift_t

with an *integer* site, a memory that forgets its own errors by the factor `decay` a step, and (Adam alone) a shift that
collects the bias corrections and soon stands still. A floating-point walk in these coordinates keeps the same error for
ever, and an orbit that comes back can be proved to come back for ever: see `hillopt.climbs.on_lattice`.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.optimizers import AbstractOptimizer, Adam, GradientDescent, HeavyBall, Lion, Nesterov, SignDescent
from hillopt.proofs.balls import Ball, bounded, midpoints, radii
from hillopt.pytrees import register_pytree


@register_pytree
@dataclasses.dataclass(frozen=True)
class Lattice:
    """The numbers of an optimizer's walk on slopes of size one: float arrays, or balls around them.

    `interpolation` (Lion) is the share of the memory in the direction's sign, None where the slope alone decides.
    `bias_corrected` (Adam): the step is spacing * m / (1 - decay^t), so the ramp down to the valley has even steps.
    Otherwise the memory fills up on the way down and the ramp accelerates.
    """

    spacing: Any
    weight: Any
    decay: Any
    complement: Any
    """1 - decay"""
    interpolation: Any = None
    bias_corrected: bool = dataclasses.field(default=False, metadata={"static": True})


@functools.singledispatch
def lattice_of(optimizer: AbstractOptimizer) -> Lattice | None:
    """The lattice of an optimizer's walk on slopes of size one, or None if it has none.

    Whoever has found one for an optimizer of their own registers it for its class, and climbs prove with it:

        @lattice_of.register(Mine)
        def _(optimizer):
            return Lattice(optimizer.rate * 1.0, optimizer.rate * 0, optimizer.rate * 0, optimizer.rate * 0 + 1)

    It is traced on balls, so it is written in operations that `hillopt.proofs.balls` has rules for.
    """
    del optimizer
    return None


@lattice_of.register(GradientDescent)
@lattice_of.register(SignDescent)
def _memoryless(optimizer: GradientDescent | SignDescent) -> Lattice:
    zero = jnp.zeros_like(optimizer.learning_rate)
    return Lattice(spacing=optimizer.learning_rate * 1.0, weight=zero, decay=zero, complement=zero + 1)


@lattice_of.register
def _of_heavy_ball(optimizer: HeavyBall) -> Lattice:
    spacing, rest = optimizer.learning_rate / (1 - optimizer.momentum), 1 - optimizer.momentum
    return Lattice(spacing, spacing * optimizer.momentum / rest, optimizer.momentum, rest)


@lattice_of.register
def _of_nesterov(optimizer: Nesterov) -> Lattice:
    spacing, rest = optimizer.learning_rate / (1 - optimizer.momentum), 1 - optimizer.momentum
    return Lattice(spacing, spacing * optimizer.momentum * optimizer.momentum / rest, optimizer.momentum, rest)


@lattice_of.register
def _of_lion(optimizer: Lion) -> Lattice | None:
    if optimizer.weight_decay is not None:
        return None
    spacing = optimizer.learning_rate * 1.0
    return Lattice(spacing, jnp.zeros_like(spacing), optimizer.b2, 1 - optimizer.b2, interpolation=optimizer.b1)


@lattice_of.register
def _of_adam(optimizer: Adam) -> Lattice:
    """On slopes of size one the corrected second moment is exactly 1, so b2 does not matter and eps only rescales."""
    spacing, rest = optimizer.learning_rate / (1 + optimizer.eps), 1 - optimizer.b1
    return Lattice(spacing, spacing * optimizer.b1 / rest, optimizer.b1, rest, bias_corrected=True)


class Foot(NamedTuple):
    """The walk's first step beyond the valley, from which the lattice walk goes on: arrays, or balls around them."""

    step: Any
    rise: Any
    memory: Any
    power: Any
    """decay^step"""
    origin: Any
    """The rise at site, memory and shift zero; the site and the shift are counted from here."""


class LatticeState(NamedTuple):
    """Where a walk stands: its rise above the valley and the coordinates that give it."""

    rise: Float[Array, "..."]
    site: Float[Array, "..."]
    memory: Float[Array, "..."]
    shift: Float[Array, "..."]
    power: Float[Array, "..."]


def advance(
    lattice: Lattice, origin: Float[Array, "..."], state: LatticeState
) -> tuple[LatticeState, Float[Array, "..."]]:
    """One step; also the signed quantity whose sign chose the direction."""
    slope = jnp.where(state.rise <= 0, -jnp.ones_like(state.rise), jnp.ones_like(state.rise))
    drive, direction = slope, slope
    if lattice.interpolation is not None:
        drive = lattice.interpolation * state.memory + (1 - lattice.interpolation) * slope
        direction = jnp.sign(drive)
    site = state.site - direction
    memory = lattice.decay * state.memory + lattice.complement * slope
    power, shift = state.power, state.shift
    if lattice.bias_corrected:
        power = lattice.decay * power
        shift = shift - lattice.spacing * memory * power / (1 - power)
    rise = origin + lattice.spacing * site + lattice.weight * memory + shift
    return LatticeState(rise, site, memory, shift, power), drive


def shift_left(lattice: Lattice, power: Float[Array, "..."]) -> Float[Array, "..."]:
    """Bound of all that the shift can still move, whatever slopes follow.

    The sum of spacing p/(1 - p) over p = power decay^s, s >= 1, is at most its integral from s = 0.
    """
    if not lattice.bias_corrected:
        return jnp.zeros_like(power)
    return 1.01 * lattice.spacing * -jnp.log1p(-power) / -jnp.log(jnp.maximum(lattice.decay, _tiny(power)))


def _tiny(like: Float[Array, "..."]) -> float:
    return float(jnp.finfo(like.dtype).tiny)


class Errors(NamedTuple):
    """Bounds of the rounding errors of a lattice walk; they hold at every step, however many there are."""

    rise: Float[Array, "..."]
    memory: Float[Array, "..."]
    drive: Float[Array, "..."]


def errors(lattice: Lattice, foot: Foot, reach: Float[Array, "..."]) -> Errors:
    """Rounding errors of `advance` from the foot on; `lattice` and `foot` hold balls, |rise| never exceeds `reach`.

    The memory's error e obeys e' <= decay e + (what a step adds), hence never exceeds that over 1 - decay. The shift adds
    terms spacing m w_s with w_s = p_s / (1 - p_s) and p_s = decay^s, whose relative error grows by 3/2 eps a step; with
    s / (1 - decay^s) <= s + 1/(1 - decay) the sums over s > n have the closed bounds used below. Adding a term to the
    shift rounds by no more than the term itself, so only the first 36/(1 - decay) additions matter (eps > e^-36).
    Hyperparameters count as known to within eps, twice their half unit in the last place, which pays for the rounding
    of this bound.
    """
    (around, off), (lattice, foot) = radii((lattice, foot)), midpoints((lattice, foot))
    eps = float(jnp.finfo(foot.rise.dtype).eps)
    memory = jnp.maximum(off.memory, (around.decay + around.complement + 2 * eps) / lattice.complement)
    total, shift = jnp.zeros_like(memory), jnp.zeros_like(memory)
    if lattice.bias_corrected:
        total = shift_left(lattice, foot.power)
        weights = total / lattice.spacing
        start = off.power / jnp.maximum(foot.power, _tiny(foot.power))
        growth = foot.power * (foot.step + 2 / lattice.complement) / lattice.complement + weights / lattice.complement
        additions = min(36.0, 1 - math.log(eps)) / lattice.complement
        terms = weights * (memory + 4 * eps) + start * weights * (1 + 1 / (1 - foot.power)) + 3 * eps * growth
        shift = lattice.spacing * (terms + 2 * eps / lattice.complement) + 0.5 * eps * additions * total
        shift = jnp.where(foot.power > 0, shift, 0.0)
    span = reach + jnp.abs(foot.origin) + lattice.weight + total
    rise = off.origin + around.spacing / lattice.spacing * span + around.weight + lattice.weight * memory
    drive = jnp.zeros_like(memory)
    if lattice.interpolation is not None:
        drive = memory + 2 * around.interpolation + 3 * eps
    return Errors(rise + shift + 3 * eps * span, memory, drive)


def descend(lattice: Lattice, max_steps: Int[Array, ""]) -> tuple[Foot, Bool[Array, "..."]]:
    """Walk down to the first step beyond the valley in closed form; also whether rounding leaves a doubt where it lands.

    `lattice` holds balls, and so does the foot. Downhill from rest the position after n steps is spacing n
    - weight (1 - decay^n), or spacing n with bias correction. If some n lands on the valley within rounding (learning
    rates such as 1/100), it is taken to land there exactly, where the slope is still -1, and the doubt is reported.
    A walk that needs more than max_steps is left at max_steps, before the valley.
    """
    root = jnp.minimum(_crossing(midpoints(lattice)), 2.0**30)
    nearest = jnp.round(root)
    landing, _ = bounded(_rise_downhill)(lattice, nearest)
    touches = ~(jnp.abs(landing.midpoint) > landing.radius)
    before = jnp.where(touches, nearest, jnp.floor(root))
    step = jnp.minimum(before + 1, max_steps.astype(root.dtype))
    touches &= before < step
    (rise, hop, memory, power), _ = bounded(_downhill)(lattice, step)
    rise = Ball(*(jnp.where(touches, a, b) for a, b in zip(hop, rise, strict=True)))
    last, _ = bounded(_rise_downhill)(lattice, step - 1)
    astride = (last.midpoint < -last.radius) & (rise.midpoint > rise.radius)
    doubt = touches | ((before < step) & ~astride)
    origin, _ = bounded(lambda lattice, rise, memory: rise - lattice.weight * memory)(lattice, rise, memory)
    return Foot(step.astype(jnp.int32), rise, memory, power, origin), doubt


def _rise_downhill(lattice: Lattice, steps: Float[Array, "..."]) -> Float[Array, "..."]:
    return _downhill(lattice, steps)[0]


def _downhill(lattice: Lattice, steps: Float[Array, "..."]) -> tuple[Float[Array, "..."], ...]:
    """After `steps` steps down from rest: the rise, the last step's length, the memory and decay^steps."""
    power = lattice.decay**steps
    if lattice.bias_corrected:
        return lattice.spacing * steps - 1, lattice.spacing * 1.0, power - 1, power
    rise = lattice.spacing * steps - lattice.weight * (1 - power) - 1
    hop = lattice.spacing - lattice.weight * lattice.complement * lattice.decay ** (steps - 1)
    return rise, hop, power - 1, power


def _crossing(lattice: Lattice) -> Float[Array, "..."]:
    """Real number of steps at which the downhill walk stands on the valley."""
    even = 1 / lattice.spacing
    if lattice.bias_corrected:
        return even
    lag = lattice.weight / lattice.spacing
    rate = jnp.log(jnp.maximum(lattice.decay, _tiny(even)))

    def newton(_: Array, steps: Float[Array, "..."]) -> Float[Array, "..."]:
        """The walk is convex in time, so Newton's method comes down from the right without overshooting."""
        power = jnp.exp(rate * steps)
        return jnp.maximum(steps - (steps - lag * (1 - power) - even) / (1 + lag * rate * power), 0)

    return jax.lax.fori_loop(0, 40, newton, even + lag)
