"""Running error bounds for any JAX function, by interpreting its jaxpr on balls.

A ball is a midpoint, the very number that the function computes in floating point, and a radius within which the
exact result lies. `bounded(f)` runs f's own operations and, beside each, the classical running error bound
(Wilkinson 1963; Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. 2002, section 3.3). A comparison whose
operands' balls overlap is *ambiguous*: exact arithmetic may have taken the other branch.

Every rounding is charged `eps`, twice the unit roundoff. The factor two pays for the rounding of the radii themselves
(they lose at most a few units roundoff a step, so 1e5 steps in float32 stay far below one half of the bound) and for
fused multiply-adds, which round less often. Operations that are not correctly rounded are charged by `CHARGES`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal
from jaxtyping import Array, Bool

from hillopt.jaxprs import interpret

# What an operation's own rounding costs, in eps: twice its error or more, and a relative error of one unit in the last place
# is at most one eps. Errors are the larger of what was measured of XLA on a CPU over the functions' ranges, float32 and float64
# (a test measures them again, wherever it runs), and of what NVIDIA documents (CUDA C++ Programming Guide, appendix
# "Mathematical Functions", maximum ulp errors; XLA takes its functions from the same library, but for tanh):
#
#             exp    log   pow    tanh   sin, cos   rsqrt   sqrt, CPU   sqrt, GPU
#   measured  0.9    0.9   0.6    3.5    0.5        1.3     0.5
#   CUDA      2      1     8      2      2          2                   1
#
# sin and cos are charged as absolute errors of arguments beyond 1, since near a zero few digits are left.
CHARGES = {"exp": 8, "log": 8, "pow": 16, "tanh": 8, "sin": 8, "cos": 8, "rsqrt": 4, "sqrt": 2}


def division_charge(dtype: Any) -> int:
    """What a division costs, in eps.

    Correctly rounded (1/2 ulp) it is charged like a product. On a GPU float32 is not: XLA asks for PTX's div.full.f32 there
    (`-nvptx-prec-divf32=1`, https://github.com/openxla/xla/issues/37181, where a/a is not 1), whose documented error is
    2 ulp (PTX ISA, `div`), and a third eps pays for the rounding of the radii.
    """
    approximate = jax.default_backend() != "cpu" and jnp.finfo(dtype).bits < 64
    return 3 if approximate else 1


class Ball(NamedTuple):
    """The numbers within `radius` of `midpoint`; radius None says that the midpoint is exact."""

    midpoint: Any
    radius: Any = None


def is_ball(leaf: Any) -> bool:
    """Tell a ball from its parts when walking a pytree."""
    return isinstance(leaf, Ball)


def rounded(value: Array) -> Ball:
    """Ball of the real numbers that `value` may stand for: it is the nearest floating-point number to them.

    They lie within half a unit in the last place, at most eps / 2 of the value; eps pays for the radius's own rounding.
    An infinite number stands for itself: a flank that never ends.
    """
    return Ball(value, jnp.where(jnp.isinf(value), 0, jnp.finfo(value.dtype).eps * jnp.abs(value)))


def upper_end(ball: Ball) -> Any:
    """No number of the ball is greater: the sum and what is added to it round by half an eps each, hence 2 eps."""
    radius = ball_radius(ball)
    end = ball.midpoint + radius
    end = jnp.where(radius == 0, end, end + _ulps(end, 2))
    return jnp.where(jnp.isnan(end), jnp.inf, end)


def lower_end(ball: Ball) -> Any:
    """No number of the ball is less."""
    return -upper_end(Ball(-ball.midpoint, ball.radius))


def at_most(formula: Callable, *args: Any) -> Any:
    """The upper end of a formula that makes no comparison, on arguments that may be balls: a bound that vouches for itself."""
    ball, _ = bounded(formula)(*args)
    return upper_end(ball)


def midpoints(tree: Any) -> Any:
    """The numbers themselves, for balls anywhere in a pytree."""
    return jax.tree.map(lambda leaf: leaf.midpoint if is_ball(leaf) else leaf, tree, is_leaf=is_ball)


def radii(tree: Any) -> Any:
    """The radii of the balls anywhere in a pytree; 0 for what is exact."""
    return jax.tree.map(lambda leaf: ball_radius(leaf if is_ball(leaf) else Ball(leaf)), tree, is_leaf=is_ball)


def bounded(function: Callable) -> Callable:
    """Return `run(*args) -> (outputs, ambiguous)`, the function on balls.

    Float leaves of args may be balls (others count as exact); float leaves of the outputs are balls. `ambiguous` is a
    scalar bool: some comparison, on the way, could fall the other way in exact arithmetic. A primitive without a rule
    here gives an infinite radius, so that whatever depends on it is ambiguous, never silently trusted.
    """

    def run(*args: Any) -> tuple[Any, Bool[Array, ""]]:
        leaves, treedef = jax.tree.flatten(args, is_leaf=is_ball)
        balls = [leaf if is_ball(leaf) else Ball(leaf) for leaf in leaves]
        midpoints = jax.tree.unflatten(treedef, [ball.midpoint for ball in balls])
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*midpoints)
        doubts: list[Any] = []
        outputs = _evaluate(closed, balls, doubts)
        ambiguous = jnp.asarray(False)
        for doubt in doubts:
            ambiguous = ambiguous | doubt
        return jax.tree.unflatten(jax.tree.structure(shapes), [_as_leaf(ball) for ball in outputs]), ambiguous

    return run


def _as_leaf(ball: Ball) -> Any:
    return ball if jnp.issubdtype(jnp.result_type(ball.midpoint), jnp.floating) else ball.midpoint


def _evaluate(closed: ClosedJaxpr, args: Sequence[Ball], doubts: list[Any]) -> list[Ball]:
    def apply(equation: JaxprEqn, inputs: list[Ball]) -> list[Ball]:
        return _apply(equation, inputs, doubts)

    return interpret(closed, args, apply, literal=_literal, constant=Ball)


def _literal(atom: Literal) -> Ball:
    """A literal such as 1 or 0.5 is exact; one such as 1e-8 is the rounding of a decimal."""
    value = np.asarray(atom.val)
    if not np.issubdtype(value.dtype, np.floating) or value * 2.0**10 == np.round(value * 2.0**10):
        return Ball(atom.val)
    return rounded(jnp.asarray(value))


def _apply(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    name, params = equation.primitive.name, equation.params
    if name == "cond":
        return _cond(params["branches"], inputs, doubts)
    values = equation.primitive.bind(*(ball.midpoint for ball in inputs), **params)
    values = values if equation.primitive.multiple_results else [values]
    if all(ball.radius is None for ball in inputs) and (name in _EXACT or _is_exact(values)):
        return [Ball(value) for value in values]
    if name in _COMPARISONS:
        doubts.append(jnp.any(_overlap(*inputs)))
        return [Ball(values[0])]
    if name in _STRUCTURAL:
        radii = [ball_radius(ball) for ball in inputs]
        return [Ball(values[0], equation.primitive.bind(*radii, **params))]
    if name in _RULES:
        return [Ball(values[0], _RULES[name](values[0], inputs, params, doubts))]
    return [_unknown(value, doubts) for value in values]


def _is_exact(values: Sequence[Any]) -> bool:
    return not any(jnp.issubdtype(jnp.result_type(value), jnp.floating) for value in values)


def _unknown(value: Any, doubts: list[Any]) -> Ball:
    if jnp.issubdtype(value.dtype, jnp.floating):
        return Ball(value, jnp.full_like(value, jnp.inf))
    doubts.append(jnp.asarray(True))
    return Ball(value)


def ball_radius(ball: Ball) -> Any:
    """The radius as a number."""
    return jnp.zeros_like(jnp.asarray(ball.midpoint)) if ball.radius is None else ball.radius


def _overlap(a: Ball, b: Ball) -> Any:
    """Written as a negation so that a NaN anywhere counts as overlap."""
    return ~(jnp.abs(a.midpoint - b.midpoint) > ball_radius(a) + ball_radius(b))


def _ulps(value: Any, count: int = 1) -> Any:
    info = jnp.finfo(value.dtype)
    return count * float(info.eps) * jnp.abs(value)


def _sum(*terms: Any) -> Any:
    kept = [term for term in terms if term is not None]
    return sum(kept[1:], kept[0]) if kept else None


def _scaled(radius: Any, factor: Any) -> Any:
    return None if radius is None else radius * jnp.abs(factor)


def _cond(branches: Any, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    index, *operands = inputs
    results = [_evaluate(branch, operands, doubts) for branch in branches]
    which = jnp.asarray(index.midpoint, jnp.int32)
    return [_select(which, list(cases)) for cases in zip(*results, strict=True)]


def _select(which: Any, cases: list[Ball]) -> Ball:
    midpoint = jax.lax.select_n(which, *(case.midpoint for case in cases))
    if all(case.radius is None for case in cases):
        return Ball(midpoint)
    return Ball(midpoint, jax.lax.select_n(which, *(ball_radius(case) for case in cases)))


def _tiny(value: Any) -> Any:
    """What a flush of subnormal numbers to zero may lose."""
    return jnp.finfo(value.dtype).tiny


def _size(value: Any) -> Any:
    """The size of a result that may have been flushed to zero."""
    return jnp.maximum(jnp.abs(value), _tiny(value))


def _add(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return _sum(inputs[0].radius, inputs[1].radius, _ulps(value), _tiny(value))


def _mul(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    a, b = inputs
    both = None if a.radius is None or b.radius is None else a.radius * b.radius
    return _sum(_scaled(b.radius, a.midpoint), _scaled(a.radius, b.midpoint), both, _ulps(value), _tiny(value))


def _div(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    a, b = inputs
    least = jnp.abs(b.midpoint) - (0.0 if b.radius is None else b.radius)
    moved = _sum(a.radius, _scaled(b.radius, _size(value)))
    propagated = 0.0 if moved is None else jnp.where(least > 0, moved / least, jnp.inf)
    return propagated + _ulps(value, division_charge(value.dtype)) + _tiny(value)


def _sqrt(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    radius = ball_radius(inputs[0])
    slope = jnp.where(value > 0, radius / value, jnp.inf)
    return jnp.minimum(slope, jnp.sqrt(radius)) + _ulps(value, CHARGES["sqrt"])


def _rsqrt(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    least = inputs[0].midpoint - ball_radius(inputs[0])
    return jnp.where(least > 0, jax.lax.rsqrt(least) - value, jnp.inf) + _ulps(value, CHARGES["rsqrt"])


def _integer_pow(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    """By squaring it takes as good as |y| - 1 products of (1/2) eps each, and a division where y < 0: 2 |y| is twice that."""
    base, exponent = inputs[0], params["y"]
    if exponent == 1:
        return ball_radius(base)
    if exponent == 2:
        return _mul(value, [base, base], params, doubts)
    change = _log_change(base) * abs(exponent)
    return _size(value) * jnp.expm1(change) + _ulps(value, 2 * abs(exponent)) + _tiny(value)


def _log_change(ball: Ball) -> Any:
    """How far the logarithm of |x| can be from the midpoint's; 0 for an exact 0, infinite for a ball that holds 0."""
    radius, size = ball_radius(ball), jnp.abs(ball.midpoint)
    change = jnp.where(radius < size, -jnp.log1p(-radius / jnp.where(size > 0, size, 1)), jnp.inf)
    return jnp.where(radius == 0, 0.0, change)


def _pow(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    base, exponent = inputs
    change = jnp.abs(exponent.midpoint) * _log_change(base)
    if exponent.radius is not None:
        change = change + exponent.radius * (jnp.abs(jnp.log(base.midpoint)) + _log_change(base))
    radius = _size(value) * jnp.expm1(change) + _ulps(value, CHARGES["pow"]) + _tiny(value)
    radius = jnp.where(jnp.isnan(radius), jnp.inf, radius)
    vanishes = (base.midpoint == 0) & (ball_radius(base) == 0)  # 0 to any power above 0, or to an exact one
    if exponent.radius is not None:
        vanishes &= exponent.midpoint > exponent.radius
    is_one = (exponent.midpoint == 0) & (ball_radius(exponent) == 0)
    return jnp.where(vanishes | is_one, 0.0, radius)


def _exp(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return _size(value) * jnp.expm1(ball_radius(inputs[0])) + _ulps(value, CHARGES["exp"]) + _tiny(value)


def _log(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return _log_change(inputs[0]) + _ulps(value, CHARGES["log"])


def _tanh(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return ball_radius(inputs[0]) + _ulps(value, CHARGES["tanh"])


def _sin(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    """It moves by no more than its argument. Beyond 1 the error is absolute: near a multiple of pi few digits are left."""
    return ball_radius(inputs[0]) + _ulps(jnp.minimum(jnp.abs(inputs[0].midpoint), 1), CHARGES["sin"])


def _cos(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return ball_radius(inputs[0]) + _ulps(jnp.ones_like(value), CHARGES["cos"])


def _same(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return inputs[0].radius


def _greatest(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    """Of a maximum or minimum: the chosen one's radius where the balls lie apart, else the larger."""
    first, second = (ball_radius(ball) for ball in inputs)
    apart = jnp.where(value == inputs[0].midpoint, first, second)
    return jnp.where(_overlap(*inputs), jnp.maximum(first, second), apart)


def _clamp(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    radii = [ball_radius(ball) for ball in inputs]
    return jnp.broadcast_to(_maximum(radii), value.shape)


def _maximum(radii: list[Any]) -> Any:
    """Elementwise maximum of several arrays: a clamped number moves by no more than its operands do."""
    largest = radii[0]
    for radius in radii[1:]:
        largest = jnp.maximum(largest, radius)
    return largest


def _sign(value: Any, inputs: list[Ball], params: Any, doubts: list[Any]) -> Any:
    doubts.append(jnp.any(_overlap(inputs[0], Ball(jnp.zeros_like(inputs[0].midpoint)))))


def _select_n(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    return _select(inputs[0].midpoint, inputs[1:]).radius


def _reduce_sum(value: Any, inputs: list[Ball], params: Any, doubts: Any) -> Any:
    axes, array = params["axes"], inputs[0].midpoint
    terms = math.prod(array.shape[axis] for axis in axes)
    return jnp.sum(ball_radius(inputs[0]), axes) + max(terms - 1, 0) * _ulps(jnp.sum(jnp.abs(array), axes))


def _convert(value: Any, inputs: list[Ball], params: Any, doubts: list[Any]) -> Any:
    source = inputs[0]
    if not jnp.issubdtype(jnp.result_type(source.midpoint), jnp.floating):
        exact = jnp.abs(value) * float(jnp.finfo(value.dtype).eps) < 1
        return jnp.where(exact, 0.0, _ulps(value))
    if not jnp.issubdtype(value.dtype, jnp.floating):
        doubts.append(jnp.asarray(True))
        return None
    widening = jnp.finfo(value.dtype).bits >= jnp.finfo(jnp.result_type(source.midpoint)).bits
    radius = None if source.radius is None else source.radius.astype(value.dtype)
    return radius if widening else _sum(radius, jnp.where(jnp.isinf(source.midpoint), 0.0, _ulps(value) + _tiny(value)))


_COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne"}
_STRUCTURAL = {"reshape", "squeeze", "broadcast_in_dim", "expand_dims", "transpose", "slice", "concatenate", "stack"}
_STRUCTURAL |= {"copy", "pvary", "pcast"}
_EXACT = {"neg", "abs", "sign", "max", "min", "clamp", "select_n", *_STRUCTURAL}
_RULES: dict[str, Callable] = {
    "add": _add,
    "add_any": _add,
    "sub": _add,
    "mul": _mul,
    "square": lambda value, inputs, *rest: _mul(value, [inputs[0], inputs[0]], *rest),
    "div": _div,
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "integer_pow": _integer_pow,
    "pow": _pow,
    "exp": _exp,
    "log": _log,
    "tanh": _tanh,
    "sin": _sin,
    "cos": _cos,
    "neg": _same,
    "abs": _same,
    "max": _greatest,
    "min": _greatest,
    "clamp": _clamp,
    "sign": _sign,
    "select_n": _select_n,
    "reduce_sum": _reduce_sum,
    "reduce_max": lambda value, inputs, *_: jnp.broadcast_to(jnp.max(ball_radius(inputs[0])), value.shape),
    "convert_element_type": _convert,
}
