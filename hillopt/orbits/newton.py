"""Where a walk may close: Newton's method on all points of a cycle at once (multiple shooting), from many guesses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.loops import repeated
from hillopt.orbits.autonomous import AutonomousWalk

ROUNDS = 40  # of Newton's method, which doubles the digits in each once it is near
SAME = 1e-7  # of the largest number of a cycle: what lies nearer is one point
LEAST = 1e-4  # of the farthest start: a cycle closes, and is told from others, as if it were no smaller
FAR = 1_000.0  # times the starts' greatest: there a step is lost in the position's last digits, and everything seems to stay
SETTLING = 1_000  # steps that a walk is given to come to a cycle that attracts it
CLOSER = 8.0  # powers of ten, of how much closer positions are drawn around where a walk has settled
SHARES = 0.5 ** np.arange(8)  # of a step of Newton's method: the first from where the next step is finite is taken
ENTRIES = 2**24  # of the matrices that are solved with at a time
CLOSED = 1e-11  # of the largest number of a cycle: by how much it may fail to close, and Newton's last step be


def gaps(walk: AutonomousWalk, points: Float[Array, "period number"]) -> Float[Array, "period number"]:
    """By how much each point differs from the step from the one before it: 0 on a cycle."""
    return jnp.roll(points, -1, 0) - jax.vmap(walk.step)(points)


@jax.jit
def gap_slopes(slopes: Float[Array, "period number number"]) -> Float[Array, "unknown unknown"]:
    """The derivative of all gaps by all points, from those of the steps."""
    period, number, _ = slopes.shape
    next_point = jnp.roll(jnp.eye(period), 1, 1)[:, None, :, None] * jnp.eye(number)[:, None, :]
    return (next_point - blocks(slopes)).reshape(period * number, period * number)


def blocks(matrices: Float[Array, "period number number"]) -> Float[Array, "period number period number"]:
    """The matrices along the diagonal of one."""
    return jnp.eye(len(matrices))[:, None, :, None] * matrices[:, :, None, :]


def found(
    walk: AutonomousWalk, starts: Float[np.ndarray, " start"], period: int
) -> list[Float[np.ndarray, "least number"]]:
    """Walks that close after so many steps to within rounding: each once, over its least period, from its greatest position on.

    Guesses are the walks from rest at the starts, at once and when they have settled, which find cycles that attract; and
    positions drawn among the starts, as far apart as these and ever closer around where walks have settled, which find others
    too. Newton's method leaves a guess of a shorter period at that period.
    """
    guesses = _guesses(walk, jnp.asarray(starts), jnp.asarray(_drawn(starts, period)), period=period)
    points, gap, moved = (np.asarray(part) for part in _solved(walk, guesses))
    scale = float(np.abs(starts).max()) or 1.0
    size = np.maximum(np.abs(points).max((1, 2)), LEAST * scale)
    closes = (gap <= CLOSED * size) & (moved <= CLOSED * size) & (np.abs(points[:, :, 0]).max(1) <= FAR * scale)
    return _distinct(points[closes] + 0.0, SAME * LEAST * scale)  # no -0


def _drawn(starts: Float[np.ndarray, " start"], period: int) -> Float[np.ndarray, "draw period"]:
    """Starts in random order, as many of each period that divides this one."""
    order = np.random.default_rng(0).permuted(np.tile(starts, (period, 1)), axis=1).T
    return np.concatenate([np.tile(order[:, :short], period // short) for short in divisors(period)])


def divisors(period: int) -> list[int]:
    """Those of a period, itself the last."""
    return [short for short in range(1, period + 1) if period % short == 0]


@functools.partial(jax.jit, static_argnames="period")
def _guesses(
    walk: AutonomousWalk, starts: Float[Array, " start"], draws: Float[Array, "draw period"], period: int
) -> Float[Array, "guess period number"]:
    def along(numbers: Float[Array, " number"]) -> Float[Array, "period number"]:
        return jax.lax.scan(lambda numbers, _: (walk.step(numbers), numbers), numbers, length=period)[1]

    begun = jax.vmap(walk.at_rest)(starts)
    settled = jax.vmap(functools.partial(repeated, walk.step, SETTLING))(begun)
    closer = 10 ** -jnp.linspace(0, CLOSER, len(draws))
    around = jnp.resize(settled[:, 0], (len(draws),))[:, None] + closer[:, None] * draws
    remembering = jax.vmap(functools.partial(_remembering, walk))(jnp.concatenate([draws, around]))
    return jnp.concatenate([jax.vmap(along)(begun), jax.vmap(along)(settled), remembering])


def _remembering(walk: AutonomousWalk, places: Float[Array, " period"]) -> Float[Array, "period number"]:
    """Positions with the memory that going round and round them makes, which is that before a round if it is that after it: one
    step of Newton's method, since optimizers' memories are sums of what they have seen."""

    def visit(memory: Array, place: Array) -> tuple[Array, Array]:
        numbers = jnp.concatenate([place[None], memory])
        return walk.step(numbers)[1:], numbers

    def changes(memory: Array) -> Array:
        return jax.lax.scan(visit, memory, places)[0] - memory

    at_rest = walk.at_rest(places[0])[1:]
    if not at_rest.size:
        return places[:, None]
    memory = at_rest - jnp.linalg.solve(jax.jacfwd(changes)(at_rest), changes(at_rest))
    return jax.lax.scan(visit, memory, places)[1]


@jax.jit
def _solved(
    walk: AutonomousWalk, guesses: Float[Array, "guess period number"]
) -> tuple[Float[Array, "guess period number"], Float[Array, " guess"], Float[Array, " guess"]]:
    """The points, the widest gap that they leave, and the last step, some guesses at a time."""
    at_once = max(1, ENTRIES // guesses[0].size ** 2)
    return jax.lax.map(functools.partial(_closed, walk), guesses, batch_size=at_once)


def _closed(
    walk: AutonomousWalk, guess: Float[Array, "period number"]
) -> tuple[Float[Array, "period number"], Float[Array, ""], Float[Array, ""]]:
    def is_finite(points: Array) -> Array:
        return jnp.all(jnp.isfinite(gaps(walk, points)))

    def improve(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        points, _ = carry
        slopes = gap_slopes(jax.vmap(jax.jacfwd(walk.step))(points))
        step = jnp.linalg.solve(slopes, gaps(walk, points).ravel()).reshape(points.shape)
        step = jnp.where(jnp.all(jnp.isfinite(step)), step, 0)  # a whole line of cycles: it stays where it is
        steps = jnp.asarray(SHARES)[:, None, None] * step
        step = steps[jnp.argmax(jax.vmap(is_finite)(points - steps))]
        return points - step, jnp.abs(step).max()

    points, moved = repeated(improve, ROUNDS, (guess, jnp.asarray(jnp.inf)))
    return points, jnp.abs(gaps(walk, points)).max(), moved


def _distinct(walks: Float[np.ndarray, "walk period number"], near: float) -> list[Float[np.ndarray, "least number"]]:
    kept: list[np.ndarray] = []
    for points in walks:
        once = _once_round(points, near)
        turned = np.roll(once, -int(once[:, 0].argmax()), 0)
        if not any(_are_the_same(turned, other, near) for other in kept):
            kept.append(turned)
    return sorted(kept, key=lambda points: (len(points), *points[:, 0]))


def _once_round(points: Float[np.ndarray, "period number"], near: float) -> Float[np.ndarray, "least number"]:
    returns = (short for short in divisors(len(points)) if _close(points, np.roll(points, short, 0), near))
    return points[: next(returns)]


def _are_the_same(one: np.ndarray, other: np.ndarray, near: float) -> bool:
    return len(one) == len(other) and any(_close(one, np.roll(other, turn, 0), near) for turn in range(len(one)))


def _close(one: np.ndarray, other: np.ndarray, near: float) -> bool:
    return bool(np.abs(one - other).max() <= max(SAME * np.abs(one).max(), near))
