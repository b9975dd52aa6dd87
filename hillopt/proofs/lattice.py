"""Walks that live on a lattice: where rounding cannot pile up.

On slopes of -1 and +1 many optimizers move by an exact rule. With the memory m <- b m + (1 - b) g of past slopes g, heavy
ball steps x <- x - lr/(1-b) m, and since b (m' - m) = (1 - b) (g - m'), the combination x - weight * m moves by exactly
`spacing` a step, down or up. So

    x_t = x_0 + spacing * site_t + weight * memory_t + shift_t

with an *integer* site, a memory that forgets its own errors by the factor `decay` a step, and (Adam alone) a shift that
collects the bias corrections and soon stands still. A floating-point walk in these coordinates keeps the same error for
ever, and an orbit that comes back can be proved to come back for ever: see `hillopt.climbs.lattice`.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from hillopt.optimizers import AbstractOptimizer, Adam, GradientDescent, HeavyBall, Lion, Nesterov, SignDescent
from hillopt.proofs.balls import Ball, is_ball, lower_end, midpoints, radii, upper_end
from hillopt.proofs.interpreter import at_most, bounded
from hillopt.proofs.rules.arithmetic import division_charge
from hillopt.pytrees import AbstractPytree, static


class Lattice(AbstractPytree):
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
    bias_corrected: bool = static(default=False)


@functools.singledispatch
def lattice_of(optimizer: AbstractOptimizer) -> Lattice | None:
    """The lattice of an optimizer's walk on slopes of size one, or None if it has none.

    Whoever has found one for an optimizer of their own registers it for its class, and climbs prove with it:

        @lattice_of.register(Mine)
        def _(optimizer):
            return Lattice(optimizer.rate * 1, optimizer.rate * 0, optimizer.rate * 0, optimizer.rate * 0 + 1)

    It is traced on balls, so it is written in operations that `hillopt.proofs.rules` knows.
    """
    del optimizer
    return None


@lattice_of.register(GradientDescent)
@lattice_of.register(SignDescent)
def _memoryless(optimizer: GradientDescent | SignDescent) -> Lattice:
    zero = optimizer.learning_rate * 0
    return Lattice(spacing=optimizer.learning_rate * 1, weight=zero, decay=zero, complement=zero + 1)


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
    spacing = optimizer.learning_rate * 1
    return Lattice(spacing, spacing * 0, optimizer.b2, 1 - optimizer.b2, interpolation=optimizer.b1)


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
    """Bound of all that the shift can still move, whatever slopes follow, in operations that balls follow.

    It moves by spacing |m| p / (1 - p), p = power decay^s, at steps s >= 1, and a memory that began at rest has |m| <= 1 - p. So
    it is the geometric series spacing power decay / (1 - decay) at most.
    """
    if not lattice.bias_corrected:
        return power * 0
    return lattice.spacing * power * lattice.decay / lattice.complement


def _weights_left(lattice: Lattice, power: Float[Array, "..."]) -> Float[Array, "..."]:
    """Bound of the sum of all p / (1 - p) to come, in operations that balls follow.

    As f(s) = p / (1 - p) is convex, its sum is at most its integral from s = 1/2 on, -log(1 - q) / -log(decay) with
    q = power sqrt(decay). No logarithm is needed: -log(1 - q) <= q / sqrt(1 - q), and with c = 1 - decay, -log(1 - c) =
    2 artanh(c / (2 - c)) >= 2 c / (2 - c).
    """
    q = power * jnp.sqrt(lattice.decay)
    return q * (2 - lattice.complement) / (2 * lattice.complement * jnp.sqrt(1 - q))


def _tiny(like: Float[Array, "..."]) -> float:
    return float(jnp.finfo(like.dtype).tiny)


class Errors(NamedTuple):
    """What rounding does to a lattice walk; the first three hold at every step, however many there are."""

    rise: Float[Array, "..."]
    memory: Float[Array, "..."]
    drive: Float[Array, "..."]
    worst: Lattice
    """Every number at the end of its ball at which a walk wanders furthest: all of them greatest, but the complement least."""


# All in eps. Roundings of half an eps each: five of a rise; three of a drive; two of a memory, and these twice, since its bound
# counts 1 - decay as known, which is known to 1/16.
ROUNDED_RISE, ROUNDED_DRIVE, ROUNDED_MEMORY = 2.5, 1.5, 2.0
# What a step adds to the relative error of decay^step is one eps; this is twice that, for what is of second order in it.
SPREAD = 2.0
# A sum of positive terms some thirty operations deep loses at most so much, if each rounds by half an eps, or a few by 2.
PAID = 32


def errors(lattice: Lattice, foot: Foot, reach: Float[Array, "..."]) -> Errors:
    """Rounding errors of `advance` from the foot on; `lattice` and `foot` hold balls, |rise| never exceeds `reach`.

    They bound the distance to the exact walk of every real hyperparameter that rounds to the given one, as long as it takes
    the same decisions. Radii are twice what they must be (`hillopt.proofs.balls`), which pays for products of two errors:
    wherever a rise or a drive is further from its tie than its bound says, the memory's error is below 1, so that
    1 - decay is at least 8 units in the last place and known to 1/16. (With less of it nothing is decided: the bound of the
    memory alone exceeds all that a memory can be.) All terms are positive, and the sums below are some twenty operations
    deep: `PAID` pays for their own rounding.
    """
    memory = _error_of_memory(lattice, foot)
    total, shift = _error_of_shift(lattice, foot, memory)
    (around, off), (numbers, at) = radii((lattice, foot)), midpoints((lattice, foot))
    eps = float(jnp.finfo(at.rise.dtype).eps)
    # spacing |site| <= span, since rise = origin + spacing site + weight memory + shift
    span = reach + jnp.abs(at.origin) + numbers.weight + total
    inherited = off.origin + around.spacing / numbers.spacing * span + around.weight + numbers.weight * memory
    # two products and three sums, each of numbers no greater than span, round by half an eps
    rise = inherited + shift + ROUNDED_RISE * eps * span
    drive = jnp.zeros_like(memory)
    if numbers.interpolation is not None:
        # |memory| and |slope| are at most 1; 1 - interpolation, a product and a sum round by half an eps
        drive = memory + 2 * around.interpolation + ROUNDED_DRIVE * eps
    paid = 1 + PAID * eps
    return Errors(rise * paid, memory * paid, drive * paid, worst_of(lattice))


def worst_of(lattice: Lattice) -> Lattice:
    """`Errors.worst` of balls."""
    least = jnp.maximum(lower_end(lattice.complement), 0)
    return jax.tree.map(upper_end, lattice, is_leaf=is_ball).replace(complement=least)


def _error_of_memory(lattice: Lattice, foot: Foot) -> Float[Array, "..."]:
    """Its error e obeys e' <= decay e + (what a step adds), hence never exceeds that over 1 - decay, or the foot's."""
    return jnp.maximum(radii(foot.memory), _added_to_memory(lattice) / midpoints(lattice).complement)


def _added_to_memory(lattice: Lattice) -> Float[Array, "..."]:
    """What a step adds to the memory's error: what is not known of decay and complement, and the rounding of one product and one
    sum, both of numbers of at most 1: half an eps each."""
    around = radii(lattice)
    return around.decay + around.complement + ROUNDED_MEMORY * float(jnp.finfo(midpoints(lattice).decay.dtype).eps)


def _error_of_shift(
    lattice: Lattice, foot: Foot, memory: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """How far the shift moves at most after the foot, n, and the error of that; `memory` bounds the memory's.

    It adds terms spacing m w, w = p / (1 - p), p = decay^s, at s > n. What is not known of spacing is charged elsewhere.

    - The memory's error is what it was at the foot, and what s - n steps have added since; it never exceeds `memory`. With
      s / (1 - decay^s) <= s + 1/c, c = 1 - decay, the sum of s w over s > n is at most p_n (n + 2/c) / c, `weighted`.
    - Two products, a difference and a quotient round by half an eps of the term each, up to 2 eps for a quotient on a GPU.
    - p is known to `start` at the foot, and a step adds eps: half for decay's last digit and half for a product. In a term,
      where |m| <= 1 - p, that counts w times.
    - Adding a term rounds by half an eps of the shift, which never exceeds `total`, but never by more than the term, whose
      sum after k additions is at most total exp(-c k). With k = log(1/eps) / c + 1 that makes
      eps total (log(1/eps) / (2 c) + 1/2 + 1), and 1 <= 1/c.
    """
    at, numbers = midpoints(foot), midpoints(lattice)
    if not lattice.bias_corrected:
        return jnp.zeros_like(memory), jnp.zeros_like(memory)
    eps, c = float(jnp.finfo(memory.dtype).eps), numbers.complement
    total = at_most(shift_left, lattice, foot.power)
    weights = at_most(_weights_left, lattice, foot.power)
    weighted = at.power * (at.step + 2 / c) / c
    start = radii(foot.power) / jnp.maximum(at.power, _tiny(memory))
    rounded_terms = (1.5 + division_charge(memory.dtype)) * eps * total
    remembered = jnp.minimum(weights * memory, weights * radii(foot.memory) + weighted * _added_to_memory(lattice))
    terms = numbers.spacing * (remembered + start * weights + SPREAD * eps * weighted)
    additions = eps * total * (0.5 * math.log(1 / eps) + 1.5) / c
    shift = terms + rounded_terms + additions
    return jnp.where(at.power > 0, total, 0.0), jnp.where(at.power > 0, shift, 0.0)


def descend(
    lattice: Lattice,
    max_steps: Int[Array, ""],
    unsure: Callable[[Int[Array, "..."]], Float[Array, "..."]] | None = None,
) -> tuple[Foot, Bool[Array, "..."]]:
    """Walk down to the first step beyond the valley in closed form; also whether rounding leaves a doubt where it lands.

    `lattice` holds balls, and so does the foot; `unsure` tells how much further off the rise after so many steps may be.
    Downhill from rest the position after n steps is spacing n - weight (1 - decay^n), or spacing n with bias correction. If
    some n lands on the valley within rounding (learning rates such as 1/100), it is taken to land there exactly, where the
    slope is still -1, and the doubt is reported. A walk that needs more than max_steps is left at max_steps, before the valley.
    """
    root = _crossing(midpoints(lattice))
    root = jnp.where(root < FURTHEST, root, FURTHEST)
    nearest = jnp.round(root).astype(jnp.int32)
    landing = _landing(lattice, nearest, unsure)
    touches = ~(jnp.abs(landing.midpoint) > landing.radius)
    before = jnp.where(touches, nearest, jnp.floor(root).astype(jnp.int32))
    step = jnp.minimum(before + 1, max_steps)
    lands = before < step
    touches &= lands
    (rise, hop, memory, power), _ = bounded(downhill)(lattice, step)
    rise = Ball(*(jnp.where(touches, a, b) for a, b in zip(hop, rise, strict=True)))
    last = _landing(lattice, step - 1, unsure)
    beyond = rise.radius if unsure is None else rise.radius + unsure(step)
    # However the crossing was found, this proves it: the walk is downhill up to step - 1, and beyond the valley at step.
    doubt = touches | ~(last.midpoint < -last.radius) | (lands & ~(rise.midpoint > beyond))
    origin, _ = bounded(lambda lattice, rise, memory: rise - lattice.weight * memory)(lattice, rise, memory)
    return Foot(step, rise, memory, power, origin), doubt


def _landing(lattice: Lattice, steps: Int[Array, "..."], unsure: Callable | None) -> Ball:
    """The rise after so many steps down."""
    rise, _ = bounded(_rise_downhill)(lattice, steps)
    return rise if unsure is None else Ball(rise.midpoint, rise.radius + unsure(steps))


def _rise_downhill(lattice: Lattice, steps: Int[Array, "..."]) -> Float[Array, "..."]:
    return downhill(lattice, steps)[0]


def downhill(lattice: Lattice, steps: Int[Array, "..."]) -> tuple[Float[Array, "..."], ...]:
    """After `steps` steps down from rest: the rise, the last step's length, the memory and decay^steps."""
    count = steps.astype(lattice.spacing.dtype)
    power = lattice.decay**count
    if lattice.bias_corrected:
        return lattice.spacing * count - 1, lattice.spacing * 1.0, power - 1, power
    rise = lattice.spacing * count - lattice.weight * (1 - power) - 1
    hop = lattice.spacing - lattice.weight * lattice.complement * lattice.decay ** (count - 1)
    return rise, hop, power - 1, power


# In steps: as far as anyone walks. From above, Newton's method halves the distance until it is near: see `_crossing`.
FURTHEST, HALVINGS, DOUBLINGS = 2.0**30, 30, 10


def _crossing(lattice: Lattice) -> Float[Array, "..."]:
    """Real number of steps at which the downhill walk stands on the valley; a guess that `descend` proves.

    Steps grow from the first, `hop`, to at most n hop at step n. So the root lies below even + lag and below 1 / hop (or
    1), and above sqrt(2 / hop) - 1. Newton's method on a convex function comes down from the right without overshooting,
    and while the walk accelerates it halves the way: 1 / hop over sqrt(2 / hop) is at most 2^30 where the root is below
    2^30, which is as far as anyone walks. The rest are doublings of the number of digits.
    """
    even = 1 / lattice.spacing
    if lattice.bias_corrected:
        return even
    lag = lattice.weight / lattice.spacing
    rate = jnp.log(jnp.maximum(lattice.decay, _tiny(even)))
    hop = lattice.spacing - lattice.weight * lattice.complement

    def newton(_: Array, steps: Float[Array, "..."]) -> Float[Array, "..."]:
        power = jnp.exp(rate * steps)
        return jnp.maximum(steps - (steps - lag * (1 - power) - even) / (1 + lag * rate * power), 0)

    start = jnp.minimum(even + lag, jnp.maximum(1 / hop, 1))
    return jax.lax.fori_loop(0, HALVINGS + DOUBLINGS, newton, start)
