"""What every operation of JAX does to balls: a table by the primitive's name.

A rule gives the radius of an operation's result, or, where there are several results, a ball for each. Its arguments are the
value that the operation itself gave, the balls that went in, the equation, and a list of doubts, to which it adds whether a
decision could fall the other way.
"""

from typing import Any

import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import Ball, is_float
from hillopt.proofs.rules import arithmetic, decisions, functions, places, sums

RADII = {**arithmetic.RADII, **functions.RADII, **places.RADII, **sums.RADII, **decisions.RADII}
BALLS = {**places.BALLS, **decisions.BALLS}
EXACT = arithmetic.EXACT | places.EXACT | decisions.EXACT
"""What gives an exact result for exact arguments, though it is a float."""


def balls_of(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    """The results of an operation on balls. One without a rule gives an infinite radius, or a decision that is in doubt."""
    name = equation.primitive.name
    values = equation.primitive.bind(*(ball.midpoint for ball in inputs), **equation.params)
    values = values if equation.primitive.multiple_results else [values]
    found = decisions.both_ways(values, inputs, equation, doubts)
    if found is not None:
        return found
    if all(ball.radius is None for ball in inputs) and (name in EXACT or _holds_no_rounding(values)):
        return [Ball(value) for value in values]
    if name in BALLS:
        return BALLS[name](values, inputs, equation, doubts)
    if name in RADII:
        ball = Ball(values[0], RADII[name](values[0], inputs, equation, doubts))
        return [decisions.with_choice(ball, inputs, equation, doubts)]
    return [_unknown(value, doubts) for value in values]


def _holds_no_rounding(values: Any) -> bool:
    return not any(jnp.issubdtype(jnp.result_type(value), jnp.inexact) for value in values)


def _unknown(value: Any, doubts: list[Any]) -> Ball:
    if is_float(value):
        return Ball(value, jnp.full_like(value, jnp.inf))
    doubts.append(jnp.asarray(True))
    return Ball(value)
