"""What only puts numbers elsewhere, or chooses among them: the radii go where the numbers go."""

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import Ball, ball_radius, is_float


def radii_moved(inputs: list[Ball], equation: JaxprEqn) -> Any:
    """What the operation does to the radii in the place of the numbers; indices and predicates stay."""
    operands = [ball_radius(ball) if is_float(ball.midpoint) else ball.midpoint for ball in inputs]
    return equation.primitive.bind(*operands, **equation.params)


def _moved(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return radii_moved(inputs, equation)


def _moved_each(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    moved = radii_moved(inputs, equation)
    return [Ball(value, radius if is_float(value) else None) for value, radius in zip(values, moved, strict=True)]


def selected_radius(which: Any, cases: Sequence[Ball]) -> Any:
    """That of the case that is chosen; None if all are exact."""
    if all(case.radius is None for case in cases):
        return None
    return jax.lax.select_n(which, *(ball_radius(case) for case in cases))


def _select_n(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return selected_radius(inputs[0].midpoint, inputs[1:])


MOVING = {"broadcast_in_dim", "concatenate", "copy", "dynamic_slice", "dynamic_update_slice", "gather"}
MOVING |= {
    "pad",
    "pcast",
    "pvary",
    "reshape",
    "rev",
    "scatter",
    "slice",
    "squeeze",
    "stack",
    "stop_gradient",
    "tile",
    "transpose",
}
MOVING_MANY = {"optimization_barrier", "split", "unstack"}
EXACT = {*MOVING, *MOVING_MANY, "bitcast_convert_type", "iota", "select_n"}
RADII = {**dict.fromkeys(MOVING, _moved), "select_n": _select_n}
BALLS = dict.fromkeys(MOVING_MANY, _moved_each)
