"""Functions that are not correctly rounded: their own errors are charged by `CHARGES`."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import Ball, ball_radius, size, tiny, ulps
from hillopt.proofs.rules.arithmetic import log_change

# As in `hillopt.proofs.rules.arithmetic`: twice the error or more, in eps. On a GPU the same compiler expands most of these into
# the same operations; what it takes from CUDA's library errs there by at most 2 (exp, sin, cos, acos), 1 (log, log1p, expm1,
# cbrt), 4 (tan, asin, and tanh of old), 3 (atan2) units in the last place. Measured on a CPU, the worse of float32 and float64
# (of log1p and atanh, float32):
#
#   acos acosh asin asinh atan atan2 atanh cbrt cos erf erf_inv exp expm1 log log1p logistic sin tan tanh
#   1.2  1.8   1.1  1.4   0.5  0.9   1.6   2.1  0.5 1.9 1.7     0.9 2.5   0.9 1.6   1.2      0.5 0.6 3.5
#
# sin and cos are charged as absolute errors of arguments beyond 1, since near a zero few digits are left.
CHARGES = {
    **dict.fromkeys(
        ("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "exp"), 8
    ),
    **dict.fromkeys(("exp2", "expm1", "log", "log1p", "logistic", "sin", "sinh", "tan", "tanh"), 8),
    "erf_inv": 16,
    "erfc": 16,
}
# XLA's polynomial for log1p in float64 errs by up to 121 eps just above 1 - sqrt(2), and atanh is made of it.
IN_FLOAT64 = {"log1p": 256, "atanh": 160}
# What is more for large arguments, since an exponent is rounded before it is raised (errors of 0.36 |x| and 0.5 x^2 eps), and for
# the inverse of a function that is flat, near its ends.
GROWTH: dict[str, Callable] = {
    "cosh": jnp.abs,
    "erf_inv": lambda x: 1 / (1 - jnp.abs(x)),
    "erfc": jnp.square,
    "exp2": jnp.abs,
    "sinh": jnp.abs,
}


def charge_of(name: str, argument: Any) -> Any:
    """What a function of one argument costs, in eps."""
    fixed = IN_FLOAT64.get(name, CHARGES[name]) if jnp.finfo(argument.dtype).bits == 64 else CHARGES[name]
    return fixed + GROWTH[name](argument) if name in GROWTH else fixed


def _exp(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return size(value) * jnp.expm1(ball_radius(inputs[0])) + ulps(value, CHARGES["exp"]) + tiny(value)


def _log(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return log_change(inputs[0]) + ulps(value, CHARGES["log"])


def _tanh(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return ball_radius(inputs[0]) + ulps(value, CHARGES["tanh"])


def _sin(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """It moves by no more than its argument. Beyond 1 the error is absolute: near a multiple of pi few digits are left."""
    return ball_radius(inputs[0]) + ulps(jnp.minimum(jnp.abs(inputs[0].midpoint), 1), CHARGES["sin"])


def _cos(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return ball_radius(inputs[0]) + ulps(jnp.ones_like(value), CHARGES["cos"])


def _cosh(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """It rises on either side of 0."""
    return _by_its_ends("cosh", jnp.cosh, value, Ball(jnp.abs(inputs[0].midpoint), inputs[0].radius))


def _tan(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """It rises but for its poles. A ball of a radius below 1 holds one if the tangent falls from end to end."""
    radius, middle = ball_radius(inputs[0]), inputs[0].midpoint
    ends = jnp.tan(middle - radius), jnp.tan(middle + radius)
    rises = (radius < 1) & (ends[0] <= value) & (value <= ends[1])
    return jnp.where(rises, _by_its_ends("tan", jnp.tan, value, inputs[0]), jnp.inf)


def _atan2(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """A point that moves by d at a distance r turns by at most asin(d / r), which is below (pi / 2) d / r."""
    y, x = inputs
    moved, distance = ball_radius(x) + ball_radius(y), jnp.hypot(x.midpoint, y.midpoint)
    turned = jnp.where(moved < distance, math.pi / 2 * moved / distance, jnp.inf)
    at_the_cut = (x.midpoint - ball_radius(x) < 0) & (jnp.abs(y.midpoint) <= ball_radius(y)) & (ball_radius(y) > 0)
    return (
        jnp.where(moved == 0, 0, jnp.where(at_the_cut, jnp.inf, turned)) + ulps(value, CHARGES["atan2"]) + tiny(value)
    )


def _by_its_ends(name: str, function: Callable, value: Any, ball: Ball) -> Any:
    """A function that rises, or falls, all the way: its result lies between those of the ball's ends.

    The ends are drawn out by what rounds them, and the results by what the function itself may err.
    """
    radius = ball_radius(ball)
    further = radius + ulps(jnp.abs(ball.midpoint) + radius) + tiny(value)
    ends = [ball.midpoint - further, ball.midpoint + further]
    found = [function(end) for end in ends]
    erring = [ulps(each) * charge_of(name, end) for each, end in zip(found, ends, strict=True)]
    widest = jnp.maximum(*(jnp.abs(each - value) + error for each, error in zip(found, erring, strict=True)))
    widest = jnp.where(jnp.isnan(widest), jnp.inf, widest)
    return jnp.where(radius == 0, 0, widest) + ulps(value) * charge_of(name, ball.midpoint) + tiny(value)


def _rising(name: str, function: Callable) -> Callable:
    """The rule of a function that rises or falls all the way."""

    def rule(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
        return _by_its_ends(name, function, value, inputs[0])

    return rule


RISING: dict[str, Callable] = {
    "acos": jnp.arccos,
    "acosh": jnp.arccosh,
    "asin": jnp.arcsin,
    "asinh": jnp.arcsinh,
    "atan": jnp.arctan,
    "atanh": jnp.arctanh,
    "cbrt": jnp.cbrt,
    "erf": jax.lax.erf,
    "erf_inv": jax.lax.erf_inv,
    "erfc": jax.lax.erfc,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "log1p": jnp.log1p,
    "logistic": jax.lax.logistic,
    "sinh": jnp.sinh,
}
RADII = {
    "atan2": _atan2,
    "cos": _cos,
    "cosh": _cosh,
    "exp": _exp,
    "log": _log,
    "sin": _sin,
    "tan": _tan,
    "tanh": _tanh,
    **{name: _rising(name, function) for name, function in RISING.items()},
}
