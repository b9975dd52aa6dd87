"""A hill from any function f(x, height)."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.loops import bisected
from hillopt.pytrees import Number, static

SAMPLES = 4_096  # places at which a slope is looked at, to find the crest
HALVINGS = 50  # of the gap between two of them


class FunctionHill(AbstractHill):
    """A hill whose elevation is any JAX function of the position and the height; make it with `hill_from`."""

    height: Number
    function: Callable[[Array, Number], Array] = static()
    start: Number = static()  # type: ignore[misc]
    passed: Callable[[Array, Number], Array] | None = static()
    span: float = static()

    def value(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        return self.function(position, self.height)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        return position - self.start if self.passed is None else self.passed(position, self.height)

    def goal(self) -> Float[Array, ""]:
        height = jnp.asarray(self.height, float)
        return jnp.zeros_like(height) if self.passed is not None else crest_of(self) - self.start


def hill_from(
    function: Callable[[Array, Number], Array],
    height: ArrayLike | Sequence[float],
    *,
    start: float | tuple[float, ...] = 0.0,
    crest: Callable[[Number], Array] | None = None,
    passed: Callable[[Array, Number], Array] | None = None,
    span: float = 10.0,
) -> FunctionHill:
    """A hill from `function(position, height)`, an elevation written with jax.numpy.

    **Arguments**

    - `height`: what the function takes as its second argument, a number or an array of them.
    - `start`: where walks begin; a tuple of numbers for positions that are vectors.
    - `crest`: of a scalar position, the crest's place as a function of the height. Without it, it is looked for: the first
      place behind the first valley where the slope falls through 0, among 4,096 places within `span` of the start.
    - `passed`: of any position, `passed(position, height)`, which is 0 or more where a walk has escaped. Vectors need it.

    Raises ValueError, naming the argument, for a function that branches in Python on its arguments, that returns anything
    but one finite number, or whose slope is not finite at the start, and where no crest is found; of a height that is traced
    only the first two can be told, and a hill without a crest is never escaped. Any error of the function itself is passed on as
    it is.
    """
    if passed is not None and crest is not None:
        raise ValueError("`crest` and `passed` say the same thing; give one of them.")
    if isinstance(start, tuple) and passed is None:
        raise ValueError("`passed` is needed where positions are vectors; say when a walk has escaped.")
    if crest is not None:
        passed = _Beyond(crest)
    where = start if isinstance(start, tuple) else float(start)
    height = np.asarray(height, float) if isinstance(height, (list, tuple)) else height
    hill = FunctionHill(height, function, where, passed, float(span))
    _check_shape(hill)
    if not isinstance(height, jax.core.Tracer):
        for one in np.asarray(height, float).reshape(-1)[[0, -1]]:
            _check(hill.at(float(one)))
    return hill


@dataclasses.dataclass(frozen=True)
class _Beyond:
    """How far a position is beyond a crest whose place is known."""

    crest: Callable[[Number], Array]

    def __call__(self, position: Array, height: Number) -> Array:
        return position - self.crest(height)


def crest_of(hill: FunctionHill) -> Float[Array, ""]:
    """Where the slope first falls through 0 behind a valley, within the span; NaN where it does not."""
    places = jnp.linspace(hill.start, hill.start + hill.span, SAMPLES)
    uphill = jax.vmap(hill.slope)(places) > 0
    ends = uphill[:-1] & ~uphill[1:] & (jnp.cumsum(~uphill[:-1]) > 0)  # a rise counts where it has begun on the way
    first = jnp.argmax(ends)
    low, high = bisected(lambda place: hill.slope(place) > 0, places[first], places[first + 1], HALVINGS)
    return jnp.where(jnp.any(ends), (low + high) / 2, jnp.nan)


def _check_shape(hill: FunctionHill) -> None:
    try:
        value = jax.eval_shape(lambda hill: hill.value(jnp.asarray(hill.start, float)), hill.at(jnp.zeros(())))
    except jax.errors.TracerBoolConversionError as error:
        raise ValueError(
            "`function` branches in Python on its position or height; write the branch with jnp.where."
        ) from error
    if jnp.shape(value) != () or not jnp.issubdtype(value.dtype, jnp.floating):
        raise ValueError(
            f"`function` must return one floating-point number, got {value}; sum or index what it returns."
        )


def _check(hill: FunctionHill) -> None:
    position = jnp.asarray(hill.start, float)
    elevation, slope = hill.value(position), hill.slope(position)
    if not np.isfinite(elevation):
        raise ValueError(
            f"`function` must be finite where walks begin, got {elevation} at {hill.start} for height {hill.height:g}; "
            "move `start`."
        )
    if not np.all(np.isfinite(slope)):
        raise ValueError(
            f"`function` must have a slope where walks begin, got {slope} at {hill.start} for height {hill.height:g}; "
            "move `start`, or guard the square root or the division there with jnp.where on its argument."
        )
    if hill.passed is None and not np.isfinite(crest_of(hill)):
        raise ValueError(
            f"`function` has no crest within {hill.span:g} of the start for height {hill.height:g}; "
            "give `crest`, or a larger `span`."
        )
