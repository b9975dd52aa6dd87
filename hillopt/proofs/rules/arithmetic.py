"""Sums, products, quotients, powers and roots: correctly rounded, or nearly."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import Ball, ball_radius, is_float, overlap, size, tiny, ulps

# What an operation's own rounding costs, in eps: twice its error or more, and a relative error of one unit in the last place
# is at most one eps. Errors are the larger of what was measured of XLA on a CPU over the functions' ranges, float32 and float64
# (a test measures them again, wherever it runs), and of what NVIDIA documents (CUDA C++ Programming Guide, appendix
# "Mathematical Functions", maximum ulp errors; XLA takes its functions from the same library).
#
#             pow    rsqrt   sqrt, CPU   sqrt, GPU
#   measured  0.6    1.3     0.5
#   CUDA      8      2                   1
CHARGES = {"pow": 16, "rsqrt": 4, "sqrt": 2}


def division_charge(dtype: Any) -> int:
    """What a division costs, in eps.

    Correctly rounded (1/2 ulp) it is charged like a product. On a GPU float32 is not: XLA asks for PTX's div.full.f32 there
    (`-nvptx-prec-divf32=1`, https://github.com/openxla/xla/issues/37181, where a/a is not 1), whose documented error is
    2 ulp (PTX ISA, `div`), and a third eps pays for the rounding of the radii.
    """
    approximate = jax.default_backend() != "cpu" and jnp.finfo(dtype).bits < 64
    return 3 if approximate else 1


def total(*terms: Any) -> Any:
    """The sum of those radii that are there."""
    kept = [term for term in terms if term is not None]
    return sum(kept[1:], kept[0]) if kept else None


def _scaled(radius: Any, factor: Any) -> Any:
    return None if radius is None else radius * jnp.abs(factor)


def _add(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    a, b = inputs
    if a.radius is None and b.radius is None:
        return _error_of_sum(a.midpoint, -b.midpoint if equation.primitive.name == "sub" else b.midpoint)
    return total(a.radius, b.radius, ulps(value), tiny(value))


def _mul(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """A product by 0 is not rounded; nor is one of few digits, which is asked where both factors are exact."""
    a, b = inputs
    is_exact = (a.midpoint == 0) | (b.midpoint == 0)
    if a.radius is None and b.radius is None:
        is_exact |= _has_few_digits(a.midpoint) & _has_few_digits(b.midpoint) & (jnp.abs(value) > tiny(value))
    rounding = jnp.where(is_exact, 0, ulps(value) + tiny(value))
    both = None if a.radius is None or b.radius is None else a.radius * b.radius
    return total(_scaled(b.radius, a.midpoint), _scaled(a.radius, b.midpoint), both, rounding)


def _error_of_sum(a: Any, b: Any) -> Any:
    """The very error of a sum of exact numbers (Knuth's two-sum); None if it is known to be 0."""
    value = a + b
    rest = value - a
    error = abs((a - (value - rest)) + (b - rest))
    return error if isinstance(error, jax.core.Tracer) or np.any(error) else None


def _has_few_digits(number: Any) -> Any:
    """Whether a product of two such numbers has room for all of its digits."""
    info = jnp.finfo(jnp.result_type(number))
    return jax.lax.reduce_precision(number, info.nexp, (info.nmant - 1) // 2) == number


def _square(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return _mul(value, [inputs[0], inputs[0]], equation, doubts)


def _div(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    a, b = inputs
    least = jnp.abs(b.midpoint) - (0.0 if b.radius is None else b.radius)
    moved = total(a.radius, _scaled(b.radius, size(value)))
    propagated = 0.0 if moved is None else jnp.where(least > 0, moved / least, jnp.inf)
    return propagated + ulps(value, division_charge(value.dtype)) + tiny(value)


def _rem(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """x - y trunc(x / y), which is exact in floating point. Which multiple of y is taken away is a decision."""
    x, y = (Ball(jnp.abs(ball.midpoint), ball_radius(ball)) for ball in inputs)
    slack = 1 + 8 * float(jnp.finfo(value.dtype).eps)
    most = jnp.floor((x.midpoint + x.radius) / (y.midpoint - y.radius) * slack)
    least = jnp.floor(jnp.maximum(x.midpoint - x.radius, 0) / (y.midpoint + y.radius) / slack)
    is_exact = (x.radius == 0) & (y.radius == 0)
    doubts.append(jnp.any(~is_exact & ~((most == least) & (y.midpoint > y.radius))))
    return jnp.where(is_exact, 0, x.radius + most * y.radius + tiny(value))


def _sqrt(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """The roots of two numbers are as far apart as those are, over the sum of the roots."""
    middle, radius = inputs[0].midpoint, ball_radius(inputs[0])
    least = jnp.sqrt(jnp.maximum(middle - radius - ulps(middle, 2), 0))
    slope = jnp.where(value > 0, radius / (value + least - ulps(least, 8)), jnp.inf)
    return jnp.minimum(slope, jnp.sqrt(radius)) + ulps(value, CHARGES["sqrt"])


def _rsqrt(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    least = inputs[0].midpoint - ball_radius(inputs[0])
    return jnp.where(least > 0, jax.lax.rsqrt(least) - value, jnp.inf) + ulps(value, CHARGES["rsqrt"])


def _integer_pow(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """By squaring it takes as good as |y| - 1 products of (1/2) eps each, and a division where y < 0: 2 |y| is twice that."""
    base, exponent = inputs[0], equation.params["y"]
    if exponent == 1:
        return ball_radius(base)
    if exponent == 2:
        return _square(value, inputs, equation, doubts)
    change = log_change(base) * abs(exponent)
    return size(value) * jnp.expm1(change) + ulps(value, 2 * abs(exponent)) + tiny(value)


def log_change(ball: Ball) -> Any:
    """How far the logarithm of |x| can be from the midpoint's; 0 for an exact 0, infinite for a ball that holds 0."""
    radius, distance = ball_radius(ball), jnp.abs(ball.midpoint)
    change = jnp.where(radius < distance, -jnp.log1p(-radius / jnp.where(distance > 0, distance, 1)), jnp.inf)
    return jnp.where(radius == 0, 0.0, change)


def _pow(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    base, exponent = inputs
    change = jnp.abs(exponent.midpoint) * log_change(base)
    if exponent.radius is not None:
        change = change + exponent.radius * (jnp.abs(jnp.log(base.midpoint)) + log_change(base))
    radius = size(value) * jnp.expm1(change) + ulps(value, CHARGES["pow"]) + tiny(value)
    radius = jnp.where(jnp.isnan(radius), jnp.inf, radius)
    vanishes = (base.midpoint == 0) & (ball_radius(base) == 0)  # 0 to any power above 0, or to an exact one
    if exponent.radius is not None:
        vanishes &= exponent.midpoint > exponent.radius
    is_one = (exponent.midpoint == 0) & (ball_radius(exponent) == 0)
    return jnp.where(vanishes | is_one, 0.0, radius)


def _same(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return inputs[0].radius


def _greater(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """Of a maximum or minimum: the chosen one's radius where the balls lie apart, else the larger."""
    first, second = (ball_radius(ball) for ball in inputs)
    apart = jnp.where(value == inputs[0].midpoint, first, second)
    return jnp.where(overlap(*inputs), jnp.maximum(first, second), apart)


def _clamp(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """A clamped number moves by no more than its operands do."""
    low, middle, high = (ball_radius(ball) for ball in inputs)
    return jnp.broadcast_to(jnp.maximum(jnp.maximum(low, middle), high), value.shape)


def _nextafter(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """A number beside another is as good as that one."""
    return ball_radius(inputs[0]) + ulps(value) + tiny(value)


def _convert(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    source = inputs[0]
    if not is_float(source.midpoint):
        exact = jnp.abs(value) * float(jnp.finfo(value.dtype).eps) < 1
        return jnp.where(exact, 0.0, ulps(value))
    if not is_float(value):  # towards zero
        low, high = source.midpoint - ball_radius(source), source.midpoint + ball_radius(source)
        doubts.append(jnp.any(~(jnp.trunc(low) == jnp.trunc(high))))
        return None
    widening = jnp.finfo(value.dtype).bits >= jnp.finfo(jnp.result_type(source.midpoint)).bits
    radius = None if source.radius is None else source.radius.astype(value.dtype)
    is_infinite = abs(source.midpoint) == jnp.inf
    return radius if widening else total(radius, jnp.where(is_infinite, 0.0, ulps(value) + tiny(value)))


def _reduce_precision(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """Rounded to fewer digits; below the least normal number of fewer exponents it may be flushed to zero."""
    kept = 2.0 ** -equation.params["mantissa_bits"]
    least = 2.0 ** (2 - 2 ** (equation.params["exponent_bits"] - 1))
    return ball_radius(inputs[0]) + kept * jnp.abs(inputs[0].midpoint) + max(least, float(tiny(value)))


EXACT = {"abs", "clamp", "max", "min", "neg", "nextafter", "rem"}
RADII = {
    "abs": _same,
    "add": _add,
    "add_any": _add,
    "clamp": _clamp,
    "convert_element_type": _convert,
    "div": _div,
    "integer_pow": _integer_pow,
    "max": _greater,
    "min": _greater,
    "mul": _mul,
    "neg": _same,
    "nextafter": _nextafter,
    "pow": _pow,
    "reduce_precision": _reduce_precision,
    "rem": _rem,
    "rsqrt": _rsqrt,
    "sqrt": _sqrt,
    "square": _square,
    "sub": _add,
}
