"""Does an optimizer escape from this hill?"""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int8, Key

from hillopt.climbs import PROVING, AbstractClimb, Batch, as_climbs, first_that_serves
from hillopt.exact import exact_goal, walk_exactly
from hillopt.front_door import check_steps
from hillopt.landscapes import AbstractHill, check_height
from hillopt.lanes import as_lanes, common_dtype, common_shape
from hillopt.optimizers import AbstractOptimizer
from hillopt.proofs import around_goal
from hillopt.pytrees import Steps, single, static
from hillopt.questions.again import check_precision
from hillopt.questions.contract import (
    CERTAINTIES,
    DEFAULT_MAX_STEPS,
    AbstractAnswer,
    AbstractQuestion,
    Look,
    ask,
    described,
    enumerated,
)
from hillopt.questions.critical_height import check_not_empty, verdict_of
from hillopt.walk import Certainty, Verdict, judge


class EscapeAnswer(AbstractAnswer):
    """Answer of `escape`; every field has the broadcast shape of height and hyperparameters."""

    verdict: Int8[Array, "..."] = enumerated(Verdict, "verdict on a hill of this height")
    step: Int[Array, "..."] = described(
        "step that was first at or beyond the crest", comment="where not escaped, how far the walk was followed"
    )
    """The step that was first at or beyond the crest where escaped; else, and for walks without proofs, how far the walk was
    followed."""
    certainty: Int8[Array, "..."] = enumerated(
        Certainty,
        "whether rounding could change the verdict",
        comment=CERTAINTIES,
    )

    @property
    def certified(self) -> Bool[Array, "..."]:
        """Whether rounding could not change the answer."""
        return self.certainty >= Certainty.AS_TYPED


class Escape(AbstractQuestion):
    """Does the optimizer escape from the hill at its height within max_steps, or is it trapped?

    The walk stops at the first step beyond the crest. Trapped is proved from where the walk stands now and then
    (`hillopt.proofs.methods`), or says that the floating-point walk repeats itself exactly.
    """

    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)
    climb: AbstractClimb | tuple[AbstractClimb, ...] = static(default=PROVING)
    """How to walk; of several, the first that serves."""
    precision: str | None = static(default=None)
    """"auto": what is flagged is asked again, in float64 and then in exact arithmetic, for the numbers as typed."""

    title: ClassVar[str] = "Escapes"
    look: ClassVar[Look] = Look("verdict", "verdict", "verdicts")
    answer_type: ClassVar[type[AbstractAnswer]] = EscapeAnswer

    def answer(self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None) -> EscapeAnswer:
        del key
        shape, dtype = common_shape((optimizer, hill)), common_dtype(optimizer)
        check_not_empty(shape)
        lanes = as_lanes(hill, shape, dtype)
        goals = jax.vmap(lambda hill: jnp.asarray(hill.goal(), dtype))(lanes)
        around = jax.vmap(around_goal)(lanes, goals).reshape(shape)
        goals = goals.reshape(shape)
        assert isinstance(self.climb, AbstractClimb)
        climbed = self.climb.climb(
            Batch(optimizer, hill.flank(), goals, shape, around), jnp.asarray(self.max_steps, jnp.int32)
        )
        climbed = jax.tree.map(lambda leaf: leaf.reshape(shape), climbed)
        verdict = judge(climbed.highest, climbed.upper, climbed.diverged, goals)
        passage = climbed.num_steps if climbed.passage is None else climbed.passage
        step = jnp.where(verdict == Verdict.ESCAPED, passage, climbed.num_steps)
        return EscapeAnswer(verdict, step, climbed.certainty)

    def prepared(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> "Escape":
        check_height(hill, most=np.finfo(np.float64).max)
        climb = first_that_serves(self.climb, hill.flank(), optimizer)
        check_precision(self.precision, climb)
        return self.replace(max_steps=check_steps(self.max_steps), climb=climb)

    @property
    def asks_again(self) -> bool:
        return self.precision is not None

    def exactly(self, hill: AbstractHill, optimizer: AbstractOptimizer, step_by_step: bool) -> dict[str, Any] | None:
        target = exact_goal(hill) if step_by_step or hill.flank_is_shared else None
        if target is None:
            return None
        walk = walk_exactly(hill.flank(), optimizer, int(self.max_steps), target, step_by_step)
        if walk is None:
            return None
        return {
            "verdict": verdict_of(walk, target),
            "step": walk.passage or walk.num_steps,
            "certainty": Certainty.AS_TYPED,
        }

    @property
    def climb_used(self) -> AbstractClimb | None:
        return self.climb if isinstance(self.climb, AbstractClimb) else None


def escape(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    *,
    max_steps: Steps = DEFAULT_MAX_STEPS,
    climb: AbstractClimb | Sequence[AbstractClimb] = PROVING,
    precision: str | None = None,
) -> EscapeAnswer:
    """Decide whether the optimizer escapes from the hill at its height (or heights: `TentHill(height=array)`).

    The walk stops at the first step beyond the crest. Trapped is proved, or on a hill with a flank of its own says that
    the floating-point walk repeats itself exactly. Arguments and errors as for `critical_height`; in addition a height that is
    negative, NaN or infinite raises ValueError.

    Examples:
        >>> answer = ho.escape(ho.TentHill(height=jnp.array([0.3, 0.5])), ho.Adam(0.3))
        >>> print([ho.Verdict(int(verdict)).name for verdict in answer.verdict])
        ['ESCAPED', 'TRAPPED']
    """
    return ask(Escape(max_steps, as_climbs(climb), precision), hill, optimizer)
