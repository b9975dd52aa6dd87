"""What is a label worth where one unit in the last place can turn it?"""

from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int8, Key

from hillopt.climbs import FAST, AbstractClimb, as_climbs, first_that_serves
from hillopt.front_door import check_count, check_steps
from hillopt.landscapes import AbstractHill, StartingAt, check_height
from hillopt.lanes import common_dtype, common_shape, keys_as_lanes
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Steps, single, static
from hillopt.questions.contract import (
    DEFAULT_MAX_STEPS,
    AbstractAnswer,
    AbstractQuestion,
    Look,
    ask,
    described,
    enumerated,
)
from hillopt.questions.escape import Escape
from hillopt.walk import Verdict


class StabilityAnswer(AbstractAnswer):
    """Answer of `stability`; fields have the broadcast shape of height and hyperparameters."""

    verdict: Int8[Array, "..."] = enumerated(Verdict, "verdict on a hill of this height")
    """That of the walk as it is."""
    flipped: Float[Array, "..."] = described("share of walks, nudged by one unit in the last place, whose label turns")
    """Share of the nudged walks that escape where it does not, or the other way."""


class Stability(AbstractQuestion):
    """How many labels turn when start, height and hyperparameters are nudged by one unit in the last place?"""

    num_repeats: int = static(default=16)
    """Nudged walks of every setting."""
    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)
    climb: AbstractClimb | tuple[AbstractClimb, ...] = static(default=FAST)
    """How to walk; of several, the first that serves."""

    title: ClassVar[str] = "Stability of the labels"
    look: ClassVar[Look] = Look(
        "flipped", "share of labels that one unit in the last place turns", "share", outlined="verdict"
    )
    answer_type: ClassVar[type[AbstractAnswer]] = StabilityAnswer
    is_noisy: ClassVar[bool] = True
    no_derivative: ClassVar[str] = "a label turns or does not; take differences between shares"

    def answer(
        self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None
    ) -> StabilityAnswer:
        assert key is not None
        dtype = common_dtype(optimizer)
        world = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), (_that_moves(hill), optimizer))
        shape = jnp.broadcast_shapes(key.shape, common_shape(world))
        leaves, structure = jax.tree.flatten(world)
        moved = jax.tree.unflatten(structure, nudged(leaves, keys_as_lanes(key, shape), self.num_repeats, shape))
        question = Escape(self.max_steps, self.climb)
        verdict, others = (question.answer(hill, optimizer, None).verdict for hill, optimizer in (world, moved))
        flips = (others == Verdict.ESCAPED) != (verdict == Verdict.ESCAPED)
        return StabilityAnswer(jnp.broadcast_to(verdict, shape), flips.mean(0, dtype=dtype))

    def prepared(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> "Stability":
        check_height(hill)
        num_repeats = check_count(self.num_repeats, "num_repeats", remedy="16 tell shares of a fifth")
        climb = first_that_serves(self.climb, _that_moves(hill), optimizer)
        return self.replace(num_repeats=num_repeats, max_steps=check_steps(self.max_steps), climb=climb)


def nudged(numbers: list[Array], keys: Array, num_repeats: int, shape: tuple[int, ...]) -> list[Array]:
    """Each of some numbers moved up or down by one unit in the last place, or not at all, as the key of every lane has it.

    They get the shape [repeat, *shape].
    """

    def one(index: int, number: Array) -> Array:
        draw = jax.vmap(lambda key: jax.random.randint(jax.random.fold_in(key, index), (num_repeats,), -1, 2))
        step = draw(keys).T.reshape(num_repeats, *shape)
        full = jnp.broadcast_to(number, step.shape)
        towards = jnp.where(step > 0, jnp.inf, -jnp.inf).astype(number.dtype)
        return jnp.where(step == 0, full, jnp.nextafter(full, towards))

    return [one(index, number) for index, number in enumerate(numbers)]


def _that_moves(hill: AbstractHill) -> StartingAt:
    """The hill with its start among its numbers, to be nudged as they are."""
    return StartingAt(hill, tuple(hill.start) if jnp.ndim(hill.start) else hill.start)


def stability(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    key: Key[Array, "..."],
    *,
    num_repeats: int = 16,
    max_steps: Steps = DEFAULT_MAX_STEPS,
    climb: AbstractClimb | Sequence[AbstractClimb] = FAST,
) -> StabilityAnswer:
    """Repeat a walk with its start, its height and every hyperparameter nudged by one unit in the last place or by none.

    Each number is moved up, down or not at all, independently and as likely; `key` decides, one for all settings or one for
    each. On curved and rough landscapes walks are chaotic near a boundary, and a label there is only as good as it is
    stable. A share of 0 in n repeats bounds the true one below about 3 / n with 95 % confidence. Raises ValueError for fewer
    than one repeat, and what `escape` refuses.
    """
    return ask(Stability(num_repeats, max_steps, as_climbs(climb)), hill, optimizer, key)
