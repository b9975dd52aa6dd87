"""Walks with noise in their slopes: who escapes, how likely, and when."""

import functools
import math
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from hillopt.front_door import (
    check_count,
    check_hill,
    check_is,
    check_key,
    check_number,
    check_optimizer,
    check_steps,
)
from hillopt.landscapes import AbstractHill, check_height
from hillopt.lanes import (
    EACH,
    as_lanes,
    common_dtype,
    common_shape,
    cut_back,
    in_shape,
    in_size_class,
    keys_as_lanes,
    num_blocks,
)
from hillopt.loops import repeated, varying_as_after
from hillopt.optimizers import AbstractOptimizer, as_arrays
from hillopt.pytrees import Domain, Steps, is_traced, single, static
from hillopt.questions.contract import (
    DEFAULT_MAX_STEPS,
    AbstractAnswer,
    AbstractQuestion,
    Look,
    described,
)
from hillopt.questions.derivatives import refusing
from hillopt.walk import AbstractNoise, Sampler, as_noise, move, set_out

STEPS_BETWEEN_LOOKS = 16
NO_DERIVATIVE = "a walk escapes or does not; take differences between answers with the same key"
PROPORTION = Domain(0.0, 1.0, low_included=False)
WALKS_AT_ONCE = 2**22  # of a tile, whose steps and rises are in memory together


class Passages(AbstractAnswer):
    """Answer of `first_passages`: the broadcast shape of hill, optimizer and noise, then the walks."""

    step: Int[Array, "... walk"] = described(
        "first step at or beyond the crest", comment="else, how far it was followed"
    )
    """The first step at or beyond the crest; of walks that have not escaped, how far they were followed."""
    escaped: Bool[Array, "... walk"] = described("whether the walk escaped", unit=None)
    """False: censored, by max_steps or by diverging."""
    highest: Float[Array, "... walk"] = described("highest rise met")
    """The highest rise met."""


class EscapeProbabilityAnswer(AbstractAnswer):
    """The probability of an escape within max_steps, with a 95 % interval."""

    probability: Float[Array, "..."] = described("probability of an escape within max_steps")
    probability_low: Float[Array, "..."] = described("lower end of its 95 % interval")
    probability_high: Float[Array, "..."] = described("upper end of its 95 % interval")


class PassageTimeAnswer(AbstractAnswer):
    """Mean steps to the first escape with a 95 % interval; `escaped` is the share of the walks that did, the rest censored."""

    passage_time: Float[Array, "..."] = described(
        "mean steps to the first escape",
        comment="where walks are censored, of an exponential law; infinite where none escaped",
    )
    passage_time_low: Float[Array, "..."] = described("lower end of its 95 % interval")
    passage_time_high: Float[Array, "..."] = described("upper end of its 95 % interval")
    escaped: Float[Array, "..."] = described("share of the walks that escaped")


class AbstractPassageQuestion(AbstractQuestion):
    """What is asked of many walks of every setting, with noise in their slopes."""

    is_noisy: ClassVar[bool] = True
    no_derivative: ClassVar[str] = NO_DERIVATIVE

    if TYPE_CHECKING:

        @property
        def noise(self) -> AbstractNoise:
            """A field of every such question."""

        @property
        def num_walks(self) -> int:
            """A field made by `static`."""

    def prepared(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> Self:
        del optimizer
        check_height(hill)
        noise = as_noise(self.noise)
        noise.check()
        num_walks = check_count(self.num_walks, "num_walks")
        return self.replace(noise=noise, num_walks=num_walks, max_steps=check_steps(self.max_steps))

    @property
    def block(self) -> int:
        return 1  # the walks of a setting fill blocks of their own

    @property
    def settings_at_once(self) -> int:
        return max(1, WALKS_AT_ONCE // self.num_walks)


class EscapeProbability(AbstractPassageQuestion):
    """How likely is an escape within max_steps, if there is noise in the slopes?"""

    noise: AbstractNoise
    num_walks: int = static(default=1_000)
    """Walks of every setting."""
    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)

    title: ClassVar[str] = "Probabilities of escape"
    look: ClassVar[Look] = Look("probability", "probability of an escape", "share", levels=(0.5,))
    answer_type: ClassVar[type[AbstractAnswer]] = EscapeProbabilityAnswer

    def answer(
        self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None
    ) -> EscapeProbabilityAnswer:
        assert key is not None
        walks = walk_noisily(hill, optimizer, self.noise, key, self.max_steps, self.num_walks)
        return EscapeProbabilityAnswer(*_setting_by_setting(escape_probability, walks))


class PassageTime(AbstractPassageQuestion):
    """How many steps does it take to escape, if there is noise in the slopes?"""

    noise: AbstractNoise
    num_walks: int = static(default=1_000)
    """Walks of every setting."""
    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)

    title: ClassVar[str] = "First-passage times"
    look: ClassVar[Look] = Look("passage_time", "mean steps to the first escape", "log")
    answer_type: ClassVar[type[AbstractAnswer]] = PassageTimeAnswer

    def answer(
        self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None
    ) -> PassageTimeAnswer:
        assert key is not None
        walks = walk_noisily(hill, optimizer, self.noise, key, self.max_steps, self.num_walks)
        return PassageTimeAnswer(*_setting_by_setting(passage_time, walks), walks.escaped.mean(-1))


def first_passages(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    noise: AbstractNoise | Sampler,
    key: Key[Array, "..."],
    *,
    num_walks: int,
    max_steps: Steps,
) -> Passages:
    """Walk many times with noise in the slopes, until each walk escapes or max_steps is reached.

    One jitted call; 4,096 walks are in memory at once, and the answer needs 9 or 13 bytes a walk. Every walk has a key of its
    own, made from the given one and its index, so that it is the same walk however many others there are. On a shared
    flank, `hill.at(inf)` never ends a walk, and `highest` tells of every height at once.

    **Arguments**

    - `hill`, `optimizer`: numbers or arrays that broadcast, also against the noise's.
    - `noise`: `GaussianNoise(scale)`, a noise of one's own, or any `noise(key, slope)` that returns an array of the shape of the
      slope of one walk.
    - `key`: one for all settings, or one for each in their broadcast shape.

    Raises ValueError for a negative or infinite scale, a sampler that returns another shape, and what `escape` refuses.
    """
    hill, optimizer, pushes = check_height(check_hill(hill)), check_optimizer(optimizer), as_noise(noise)
    pushes.check()
    num_walks, steps = check_count(num_walks, "num_walks"), check_steps(max_steps)
    sentence = f"`first_passages` has no derivative: {NO_DERIVATIVE}."
    hill, numbers, pushes = refusing((hill, as_arrays(optimizer), pushes), sentence)
    world, length = in_size_class((hill, numbers, pushes, check_key(key)))
    return cut_back(_first_passages(*world, steps, num_walks=num_walks), length, axis=-2)


@functools.partial(jax.jit, static_argnames="num_walks")
def _first_passages(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    noise: AbstractNoise,
    key: Key[Array, "..."],
    max_steps: Steps,
    num_walks: int,
) -> Passages:
    return walk_noisily(hill, optimizer, noise, key, max_steps, num_walks)


def walk_noisily(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    noise: AbstractNoise,
    key: Key[Array, "..."],
    max_steps: Steps,
    num_walks: int,
) -> Passages:
    """`first_passages` as a pure function."""
    world = (hill, optimizer, noise)
    shape = jnp.broadcast_shapes(key.shape, common_shape(world))
    settings, keys = as_lanes(world, shape, common_dtype(optimizer)), keys_as_lanes(key, shape)
    total = math.prod(shape) * num_walks
    width = min(EACH, total)

    def block(index: Array) -> Passages:
        walks = jnp.minimum(index * width + jnp.arange(width), total - 1)
        hill, optimizer, noise = jax.tree.map(lambda leaf: leaf[walks // num_walks], settings)
        walk_keys = jax.vmap(jax.random.fold_in)(keys[walks // num_walks], walks % num_walks)
        return _walk_block(hill, optimizer, noise, walk_keys, max_steps)

    answer = jax.lax.map(block, jnp.arange(num_blocks(total, width)))
    return jax.tree.map(lambda leaf: leaf.reshape(-1)[:total].reshape(*shape, num_walks), answer)


class _Walks(NamedTuple):
    """Many walks, all at the same step."""

    step: Int[Array, ""]
    position: Float[Array, "lane ..."]
    state: PyTree
    passage: Int[Array, " lane"]
    highest: Float[Array, " lane"]


def _walk_block(
    hill: AbstractHill, optimizer: AbstractOptimizer, noise: AbstractNoise, keys: Key[Array, "..."], max_steps: Steps
) -> Passages:
    dtype = common_dtype(optimizer)
    goal = jax.vmap(lambda hill, _: jnp.asarray(hill.goal(), dtype))(hill, keys)
    position, state = jax.vmap(set_out)(hill, optimizer)
    rise_of = jax.vmap(lambda hill, position: hill.rise(position))
    walks = _Walks(jnp.zeros((), jnp.int32), position, state, jnp.zeros(keys.shape, jnp.int32), rise_of(hill, position))
    push_and_move = jax.vmap(_push_and_move, in_axes=(0, 0, 0, 0, None, 0, 0))

    def take_step(walks: _Walks) -> _Walks:
        going = (walks.passage == 0) & (walks.step < max_steps)
        position, state = push_and_move(hill, optimizer, noise, keys, walks.step, walks.position, walks.state)
        rise, step = rise_of(hill, position), walks.step + 1
        return _Walks(
            step=step,
            position=position,
            state=state,
            passage=jnp.where(going & (rise >= goal), step, walks.passage),
            highest=jnp.where(going & (rise > walks.highest), rise, walks.highest),
        )

    def is_going(walks: _Walks) -> Array:
        return (walks.step < max_steps) & jnp.any(walks.passage == 0)

    def take_steps(walks: _Walks) -> _Walks:
        return repeated(take_step, STEPS_BETWEEN_LOOKS, walks)

    walks = jax.lax.while_loop(is_going, take_steps, varying_as_after(take_step, walks))
    escaped = walks.passage > 0
    return Passages(jnp.where(escaped, walks.passage, max_steps), escaped, walks.highest)


def _push_and_move(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    noise: AbstractNoise,
    key: Key[Array, ""],
    step: Array,
    position: Array,
    state: PyTree,
) -> Any:
    slope = hill.slope(position)
    push = noise(jax.random.fold_in(key, step), slope)
    if jnp.shape(push) != slope.shape:
        raise ValueError(
            f"`noise` must return an array of the slope's shape {slope.shape}, got {jnp.shape(push)}; "
            "draw with shape=slope.shape."
        )
    return move(hill, optimizer, position, state, push)


class Estimate(NamedTuple):
    """A number with its interval of confidence."""

    value: Float[Array, "..."]
    low: Float[Array, "..."]
    high: Float[Array, "..."]


def _setting_by_setting(estimate: Callable[[Passages], Estimate], passages: Passages) -> Estimate:
    """An estimate of every setting, one after the other: of many at once the compiler rounds last digits by how many there are."""
    *shape, num_walks = passages.step.shape
    settings = jax.tree.map(lambda leaf: leaf.reshape(-1, num_walks), passages)
    return in_shape(jax.lax.map(estimate, settings), tuple(shape))


def escape_probability(passages: Passages, confidence: float = 0.95) -> Estimate:
    """Share of the walks that escaped within max_steps, with Wilson's interval (Wilson 1927).

    Examples:
        >>> noise, key = ho.GaussianNoise(3.0), jax.random.key(0)
        >>> walks = ho.first_passages(
        ...     ho.DoubleWell(0.1), ho.GradientDescent(0.1), noise, key, num_walks=100, max_steps=10
        ... )
        >>> print(ho.escape_probability(walks).value)
        0.07
    """
    check_is(passages, Passages, "passages", "ho.first_passages(...)")
    deviations, count = _deviations(confidence), passages.escaped.shape[-1]
    share = passages.escaped.mean(-1, dtype=passages.highest.dtype)
    middle = (share + deviations**2 / (2 * count)) / (1 + deviations**2 / count)
    spread = jnp.sqrt(share * (1 - share) / count + deviations**2 / (4 * count**2))
    half = deviations * spread / (1 + deviations**2 / count)
    return Estimate(share, jnp.maximum(middle - half, 0), jnp.minimum(middle + half, 1))


def passage_time(passages: Passages, confidence: float = 0.95) -> Estimate:
    """Mean number of steps to the first escape, censored walks taken for what they are.

    Where all walks escaped it is their mean. Where some did not, it is the mean of an exponential law, all steps walked over
    the number of escapes (its maximum-likelihood estimate), which holds where escapes are rare events without memory, as
    over a high barrier. Infinite, low and high too, where none escaped.
    """
    check_is(passages, Passages, "passages", "ho.first_passages(...)")
    steps, count = passages.step.astype(passages.highest.dtype), passages.escaped.sum(-1)
    mean = steps.sum(-1) / count
    error = jnp.where(passages.escaped.all(-1), steps.std(-1), mean) / jnp.sqrt(count)
    half = jnp.where(count > 0, _deviations(confidence) * error, 0.0)
    return Estimate(mean, jnp.maximum(mean - half, 0), mean + half)


def height_at_probability(passages: Passages, probability: float, confidence: float = 0.95) -> Estimate:
    """The height that is escaped with this probability within max_steps, on a shared flank.

    From walks on the endless flank: a quantile of the highest rises, its interval from the binomial law of order statistics.
    Raises ValueError unless 0 < probability < 1, and for walks that stopped at a crest: how high they would have climbed is not
    known.
    """
    check_is(passages, Passages, "passages", "ho.first_passages(...)")
    probability = check_number(probability, "probability", PROPORTION, "choose 0.5, say")
    if not is_traced(passages.escaped) and bool(jnp.any(passages.escaped)):
        raise ValueError(
            "`passages` must be of walks on an endless flank, got some that stopped at a crest; walk on hill.at(float('inf'))."
        )
    highest, count = jnp.sort(passages.highest, axis=-1), passages.highest.shape[-1]
    half = _deviations(confidence) * np.sqrt(probability * (1 - probability) / count)
    ranks = (1 - probability + np.array([0.0, -half, half])) * count
    value, low, high = (highest[..., int(np.clip(rank, 0, count - 1))] for rank in ranks)
    return Estimate(value, low, high)


def _deviations(confidence: float) -> float:
    confidence = check_number(confidence, "confidence", PROPORTION, "choose 0.95, say")
    return statistics.NormalDist().inv_cdf((1 + confidence) / 2)
