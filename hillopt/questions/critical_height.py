"""How high a hill can an optimizer climb out of?"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Int8, Key

from hillopt.climbs import PROVING, AbstractClimb, Batch, Climbed, as_climbs, first_that_serves
from hillopt.exact import ExactWalk, as_typed, walk_exactly
from hillopt.front_door import check_steps
from hillopt.landscapes import AbstractHill
from hillopt.lanes import common_shape
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Steps, as_numbers, single, static
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
from hillopt.questions.derivatives import refusing, with_slopes
from hillopt.walk import Certainty, Verdict, certainty_of, judge

HEIGHT = "height"  # the dimension of hills that are judged


class CriticalHeightAnswer(AbstractAnswer):
    """Answer of `critical_height`; every field has the broadcast shape of the hyperparameters.

    `critical_height` has derivatives in them, forwards and in reverse: those of the walk to `step`, NaN at jumps and where
    flagged. `upper` and `error` have none: NaN.
    """

    critical_height: Float[Array, "..."] = described(
        "critical height, lower end", comment="highest rise met within max_steps, in lengths of the run to the valley"
    )
    """Lower end: the highest rise met within max_steps, so the walk escapes every hill up to it. Negative if the walk
    has not reached the valley by then."""
    upper: Float[Array, "..."] = described(
        "critical height, upper end", comment="no number of steps ever climbs higher; infinite where no bound is known"
    )
    """Upper end: no walk of this setting ever escapes a hill above it. Infinite where no bound is known."""
    error: Float[Array, "..."] = described(
        "rounding error of critical_height at most",
        comment="where certified; hyperparameters count as known to half a unit in their last place",
    )
    """Rounding error of `critical_height` at most, where certified."""
    step: Int[Array, "..."] = described("step that met the critical height", comment="0 where it was not recorded")
    """The step that met `critical_height`; 0 where it was not recorded (walks without proofs)."""
    verdict: Int8[Array, "..."] = enumerated(
        Verdict,
        "how the walk on the endless flank ended",
        comment="trapped: proved that nothing above upper comes; undecided: max_steps ended the search",
    )
    """`Verdict.TRAPPED` where it is proved that nothing higher comes (up to `upper`), UNDECIDED where max_steps ended
    the search, DIVERGED where the walk left the range of its dtype."""
    period: Int[Array, "..."] = described("steps after which the walk repeats", comment="0 where not found")
    """Steps after which the walk repeats itself; 0 where no recurrence was found."""
    certainty: Int8[Array, "..."] = enumerated(
        Certainty,
        "whether rounding could change the answer",
        comment=CERTAINTIES,
    )
    """`Certainty.FLAGGED` where rounding, or the hyperparameter's own last digit, could change the answer by more than `error`."""
    num_steps: Int[Array, "..."] = described("steps that the walk was followed")
    """How far the walk was followed."""
    verdict_at_height: Int8[Array, "height ..."] | None = enumerated(
        Verdict, "verdict on a hill of this height", dims=(HEIGHT,), default=None
    )
    """Where `heights` were asked for: the verdict on hills of these heights, before the settings' axes."""
    certainty_at_height: Int8[Array, "height ..."] | None = enumerated(
        Certainty, "whether rounding could change the verdict on a hill of this height", dims=(HEIGHT,), default=None
    )

    @property
    def settled(self) -> Bool[Array, "..."]:
        """Whether the critical height is known for any number of steps, not only for max_steps."""
        return self.verdict == Verdict.TRAPPED

    @property
    def certified(self) -> Bool[Array, "..."]:
        """Whether rounding could not change the answer."""
        return self.certainty >= Certainty.AS_TYPED


class CriticalHeight(AbstractQuestion):
    """How high a hill can the optimizer climb out of, by one walk on the endless flank.

    It takes a hill whose rising flank does not depend on its height, which is ignored itself.
    """

    max_steps: Steps = single(default=DEFAULT_MAX_STEPS)
    """At most so many steps, from 1 to 2^31 - 1."""
    climb: AbstractClimb | tuple[AbstractClimb, ...] = static(default=PROVING)
    """How to walk; of several, the first that serves."""
    heights: ArrayLike = single(default=None)
    """Hills of these heights [height] are judged too, which takes no further walk."""
    precision: str | None = static(default=None)
    """"auto": what is flagged is asked again, in float64 and then in exact arithmetic, for the numbers as typed."""

    title: ClassVar[str] = "Critical heights"
    look: ClassVar[Look] = Look("critical_height", "critical height $h^*$ (run to the valley = 1)", "heights")
    answer_type: ClassVar[type[AbstractAnswer]] = CriticalHeightAnswer
    ignores_height: ClassVar[bool] = True

    def answer(
        self, hill: AbstractHill, optimizer: AbstractOptimizer, key: Key[Array, "..."] | None
    ) -> CriticalHeightAnswer:
        del key
        flank = hill.flank()
        shape = common_shape((optimizer, flank))
        check_not_empty(shape)
        assert isinstance(self.climb, AbstractClimb)
        world = flank, optimizer
        if not self.climb.proves:
            world = refusing(
                world, f"`{self.climb.label()}` has no derivatives; take a climb that proves, as by default."
            )
        fixed_flank, fixed_optimizer = jax.lax.stop_gradient(world)
        batch = Batch(fixed_optimizer, fixed_flank, None, shape)
        climbed = self.climb.climb(batch, jnp.asarray(self.max_steps, jnp.int32))
        climbed = jax.tree.map(lambda leaf: leaf.reshape(shape), climbed)
        ends = with_slopes((climbed.highest, climbed.upper, climbed.error), climbed.step, climbed.certainty, world)
        verdict = jnp.where(climbed.proved, Verdict.TRAPPED, Verdict.UNDECIDED)
        at_height = (None, None) if self.heights is None else _judged(climbed, self.heights)
        return CriticalHeightAnswer(
            critical_height=ends[0],
            upper=ends[1],
            error=ends[2],
            step=climbed.step,
            verdict=jnp.where(climbed.diverged, Verdict.DIVERGED, verdict).astype(jnp.int8),
            period=climbed.period,
            certainty=climbed.certainty,
            num_steps=climbed.num_steps,
            verdict_at_height=at_height[0],
            certainty_at_height=at_height[1],
        )

    def prepared(self, hill: AbstractHill, optimizer: AbstractOptimizer) -> "CriticalHeight":
        if not hill.flank_is_shared:
            raise ValueError(
                f"`{type(hill).__name__}` has another flank for every height, so that a walk may escape it and not a lower one; "
                "ask `escaping_heights`."
            )
        heights = self.heights if self.heights is None else check_heights(self.heights)
        climb = first_that_serves(self.climb, hill.flank(), optimizer)
        check_precision(self.precision, climb)
        return self.replace(max_steps=check_steps(self.max_steps), climb=climb, heights=heights)

    @property
    def asks_again(self) -> bool:
        return self.precision is not None

    def exactly(self, hill: AbstractHill, optimizer: AbstractOptimizer, step_by_step: bool) -> dict[str, Any] | None:
        walk = walk_exactly(hill.flank(), optimizer, int(self.max_steps), step_by_step=step_by_step)
        if walk is None:
            return None
        height = float(walk.highest)
        found: dict[str, Any] = {
            "critical_height": height,
            "upper": math.inf if walk.upper is None else _rounded_up(walk.upper),
            "error": _rounded_up(abs(Fraction(height) - walk.highest) + walk.error),
            "step": walk.step,
            "verdict": Verdict.TRAPPED if walk.proved else Verdict.UNDECIDED,
            "period": walk.period,
            "certainty": Certainty.AS_TYPED,
            "num_steps": walk.num_steps,
        }
        if self.heights is not None:
            levels = [as_typed(level) for level in np.asarray(self.heights)]
            at_height = [_judged_exactly(walk, level, hill, optimizer, int(self.max_steps)) for level in levels]
            found["verdict_at_height"], found["certainty_at_height"] = zip(*at_height, strict=True)
        return found

    def narrowed(self, fields: dict[str, np.ndarray], dtype: np.dtype) -> dict[str, np.ndarray]:
        height = fields["critical_height"].astype(dtype)
        off = np.abs(height.astype(np.float64) - fields["critical_height"])
        error = np.nextafter(fields["error"] + off, np.inf)
        return {
            **fields,
            "critical_height": height,
            "upper": _narrowed_up(fields["upper"], dtype),
            "error": _narrowed_up(error, dtype),
        }

    def coordinates(self) -> dict[str, ArrayLike]:
        return {} if self.heights is None else {HEIGHT: self.heights}

    @property
    def climb_used(self) -> AbstractClimb | None:
        return self.climb if isinstance(self.climb, AbstractClimb) else None


def check_not_empty(shape: tuple[int, ...]) -> None:
    """Raise ValueError for settings of a shape that holds none."""
    if 0 in shape:
        raise ValueError(f"the hyperparameters' common shape is {shape}, which holds no setting; give at least one.")


def check_heights(heights: object) -> ArrayLike:
    """Heights to judge as an array; ValueError unless they are numbers from 0 on."""
    if isinstance(heights, jax.core.Tracer):
        return heights
    values = as_numbers(heights, "heights").reshape(-1)
    if values.size == 0 or not np.all(np.isfinite(values)) or np.any(values < 0):
        wrong = values[~(np.isfinite(values) & (values >= 0))]
        got = f"{wrong[0]:g}" if wrong.size else "none"
        raise ValueError(f"`heights` must be finite and not negative, got {got}; start at 0 or above.")
    return values


def _judged(climbed: Climbed, heights: ArrayLike) -> tuple[Int8[Array, "height ..."], Int8[Array, "height ..."]]:
    """Verdicts on hills of these heights, and whether rounding could change them."""
    levels = jnp.asarray(heights, climbed.highest.dtype).reshape(-1, *(1 for _ in climbed.highest.shape))
    verdict = judge(climbed.highest, climbed.upper, climbed.diverged, levels)
    close = jnp.abs(climbed.highest - levels) <= climbed.error
    return verdict, jnp.minimum(climbed.certainty, certainty_of(close))


def _judged_exactly(
    walk: ExactWalk, level: Fraction, hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: int
) -> tuple[Verdict, Certainty]:
    """The verdict on a hill of this height; one that the walk may or may not reach is walked up to once more."""
    if abs(walk.highest - level) <= walk.error:
        towards = walk_exactly(hill.flank(), optimizer, max_steps, level)
        if towards is None:
            return Verdict.UNDECIDED, Certainty.FLAGGED
        return verdict_of(towards, level), Certainty.AS_TYPED
    escapes = walk.highest > level
    return Verdict.ESCAPED if escapes else verdict_of(walk, level), Certainty.AS_TYPED


def verdict_of(walk: ExactWalk, target: Fraction) -> Verdict:
    """On a hill of this height, of a walk that has not passed it unless that is noted."""
    if walk.passage:
        return Verdict.ESCAPED
    return Verdict.TRAPPED if walk.upper is not None and walk.upper < target else Verdict.UNDECIDED


def _rounded_up(number: Fraction) -> float:
    """The least float64 that is not below a number."""
    nearest = float(number)
    return nearest if Fraction(nearest) >= number else math.nextafter(nearest, math.inf)


def _narrowed_up(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """In a narrower dtype, not below what they were."""
    nearest = numbers.astype(dtype)
    return np.where(nearest.astype(np.float64) < numbers, np.nextafter(nearest, dtype.type(np.inf)), nearest)


def critical_height(
    hill: AbstractHill,
    optimizer: AbstractOptimizer,
    *,
    max_steps: Steps = DEFAULT_MAX_STEPS,
    climb: AbstractClimb | Sequence[AbstractClimb] = PROVING,
    precision: str | None = None,
) -> CriticalHeightAnswer:
    """Solve for the highest hill that the optimizer escapes over, by one walk on the endless flank.

    Written for one setting; array hyperparameters broadcast against each other. Runs eagerly or inside jit, vmap and
    shard_map; new values of the same shapes and dtypes compile nothing, and neither does a new max_steps. `jax.grad` and
    `jax.jvp` of `critical_height(...).critical_height` are the slopes between its jumps, NaN at a jump and where flagged.

    **Arguments**

    - `hill`: a hill whose rising flank does not depend on its height; its own height is ignored.
    - `optimizer`: from this package or from `from_optax`. The hyperparameters' dtype is the answer's; climbs that prove
      walk in float64.
    - `max_steps`: at most so many steps, from 1 to 2^31 - 1.
    - `climb`: how to walk. With proofs, `LatticeClimb()` (certified in exact arithmetic; where the optimizer has a lattice) and
      `BoundedClimb()` (any optimizer, with a running error bound); the first of these that serves is taken. Without proofs, so
      that all is unchecked, `PlainClimb()` (the definition), `BlockedClimb()` (the same walk at full speed on a CPU: fastest
      where the learning rate varies along the last axis alone and the other numbers do not), `PallasClimb()` (in one kernel on a
      GPU), and `FAST` for the last that serves.
    - `precision`: "auto" to ask again what is flagged: of float32 walks in float64, then in exact arithmetic, for the shortest
      decimals that round to the hyperparameters. Eagerly alone.

    Raises ValueError for hyperparameters out of range, a hill with a flank of its own, max_steps < 1, a climb that cannot
    serve, and a precision that cannot.

    Examples:
        >>> answer = ho.critical_height(ho.TentHill(), ho.Adam(learning_rate=jnp.array([0.3, 0.1])))
        >>> print(answer.critical_height)
        [0.4101843  0.26428712]
        >>> answer.settled.tolist(), answer.certified.tolist()
        ([True, True], [True, False])
    """
    return ask(CriticalHeight(max_steps, as_climbs(climb), precision=precision), hill, optimizer)
