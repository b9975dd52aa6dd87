"""A hill from any function f(x, height)."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.loops import bisected
from hillopt.names import check_function
from hillopt.pytrees import POSITIVE, Number, as_numbers, is_traced, static

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

    def landmarks(self) -> dict[str, Number]:
        return {"crest": crest_of(self)} if self.passed is None else {}


def hill_from(
    function: Callable[[Array, Number], Array],
    height: ArrayLike | Sequence[float],
    *,
    start: ArrayLike | Sequence[float] = 0.0,
    crest: Callable[[Number], Array] | None = None,
    passed: Callable[[Array, Number], Array] | None = None,
    span: float = 10.0,
) -> FunctionHill:
    """A hill from `function(position, height)`, an elevation written with jax.numpy.

    **Arguments**

    - `height`: what the function takes as its second argument, a number or an array of them.
    - `start`: where walks begin; several numbers for positions that are vectors.
    - `crest`: of a scalar position, the crest's place as a function of the height. Without it, it is looked for: the first
      place behind the first valley where the slope falls through 0, among 4,096 places within `span` of the start.
    - `passed`: of any position, `passed(position, height)`, which is 0 or more where a walk has escaped. Vectors need it.

    Raises ValueError, naming the argument, for a function that branches in Python on its arguments, that returns anything
    but one finite number, or whose slope is not finite at the start, and where no crest is found; of a height that is traced
    only the first two can be told, and a hill without a crest is never escaped. Any error of the function itself is passed on as
    it is.

    Examples:
        >>> dune = ho.hill_from(lambda x, height: -0.3 * x + height * jnp.exp(-8 * (x - 1) ** 2), 0.8)
        >>> print(round(float(dune.value(jnp.array(1.0))), 4))
        0.5
    """
    check_function(function, "function", ("position", "height"))
    if passed is not None and crest is not None:
        raise ValueError("`crest` and `passed` say the same thing; give one of them.")
    place = as_numbers(start, "start")
    if place.ndim > 1 or not np.all(np.isfinite(place)):
        raise ValueError(f"`start` must be a finite number or a tuple of them, got {start!r}; say where walks begin.")
    if place.ndim and passed is None:
        raise ValueError("`passed` is needed where positions are vectors; say when a walk has escaped.")
    if crest is not None:
        check_function(crest, "crest", ("height",))
        passed = _Beyond(crest)
    elif passed is not None:
        check_function(passed, "passed", ("position", "height"))
    POSITIVE.check("span", span)
    heights = None if is_traced(height) else as_numbers(height, "height").reshape(-1)
    height = np.asarray(height, float) if isinstance(height, (list, tuple)) else height
    hill = FunctionHill(height, function, tuple(place.tolist()) if place.ndim else float(place), passed, float(span))
    _check_shapes(hill)
    if heights is not None:
        if not heights.size:
            raise ValueError("`height` must hold one number at least, got none; give some.")
        for one in heights[[0, -1]]:
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


def _check_shapes(hill: FunctionHill) -> None:
    """That the functions can be traced, and return one floating-point number."""
    named = {
        "function": (hill.function, "sum or index what it returns"),
        "passed": (hill.passed, "return what is 0 or more where a walk has escaped, such as position - 1"),
    }
    for name, (function, remedy) in named.items():
        if function is None:
            continue
        name = "crest" if isinstance(function, _Beyond) else name
        try:
            value = jax.eval_shape(function, jnp.asarray(hill.start, float), jnp.zeros(()))
        except jax.errors.TracerBoolConversionError as error:
            raise ValueError(
                f"`{name}` branches in Python on its position or height; write the branch with jnp.where."
            ) from error
        except jax.errors.TracerArrayConversionError as error:
            raise ValueError(
                f"`{name}` hands its position or height to NumPy; write it with jax.numpy, jnp.sin for np.sin."
            ) from error
        if jnp.shape(value) != () or not jnp.issubdtype(jnp.result_type(value), jnp.floating):
            got = f"{value.dtype} of shape {value.shape}"
            raise ValueError(f"`{name}` must return one floating-point number, got {got}; {remedy}.")


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
