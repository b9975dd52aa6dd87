"""Operations that decide: comparisons, rounding to whole numbers, the greatest of many, orders. What could be decided otherwise
within the radii is a doubt."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import (
    Ball,
    BothWays,
    Chosen,
    Undecided,
    ball_radius,
    chosen,
    is_float,
    overlap,
    ulps,
    undecided,
)
from hillopt.pytrees import is_traced


def _compare(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    """A number beside itself is how programs ask for a NaN, of which there is none in exact arithmetic; one beside the greatest
    of some, whether it is that."""
    one, other = inputs
    if one is other:
        doubts.append(jnp.any(jnp.isnan(one.midpoint)))
        return [Ball(values[0])]
    for number, greatest in (inputs, inputs[::-1]):
        if isinstance(greatest, Chosen) and _is_among(number, greatest):
            if isinstance(doubts, BothWays):
                return [undecided(values[0], greatest.may_tie())]
            doubts.append(greatest.may_tie())
            return [Ball(values[0])]
    if isinstance(doubts, BothWays) and any(_are_same(inputs, pair) for pair in doubts.chosen_among):
        return [undecided(values[0], jnp.any(overlap(one, other)))]
    doubts.append(jnp.any(overlap(one, other)))
    return [Ball(values[0])]


def both_ways(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball] | None:
    """The results of an operation on a boolean that is undecided; None where there is none, or where it becomes a doubt."""
    unsure = [ball for ball in inputs if isinstance(ball, Undecided)]
    if not unsure:
        return None
    which, *cases = inputs
    if isinstance(which, Undecided) and equation.primitive.name in MOVED_WHOLE:
        return [undecided(values[0], which.may_turn)]
    if isinstance(which, Undecided) and equation.primitive.name == "select_n" and is_float(values[0]):
        one, other = cases
        apart = jnp.abs(one.midpoint - other.midpoint)
        both = jnp.maximum(ball_radius(one), ball_radius(other)) + apart + ulps(apart)
        either = jax.lax.select_n(which.midpoint, ball_radius(one), ball_radius(other))
        return [Ball(values[0], jnp.where(which.may_turn, both, either))]
    doubts.extend(ball.may_turn for ball in unsure)
    return None


def _is_among(one: Ball, greatest: Chosen) -> bool:
    return any(_is_same(one, each) for each in greatest.among)


def _are_same(some: Sequence[Ball], others: Sequence[Ball]) -> bool:
    return all(any(_is_same(one, each) for each in others) for one in some)


def _is_same(one: Ball, other: Ball) -> bool:
    return one is other or _is_same_literal(one, other)


def _is_same_literal(one: Ball, other: Ball) -> bool:
    numbers = one.midpoint, other.midpoint
    return one.radius is other.radius is None and not is_traced(numbers) and np.array_equal(*numbers)


def with_choice(ball: Ball, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Ball:
    """The result of an operation that chooses, or that moves about what was chosen, with what it was chosen among."""
    name = equation.primitive.name
    if name in ("max", "min"):
        if isinstance(doubts, BothWays):
            doubts.chosen_among.append(inputs)
        return chosen(ball, inputs, lambda: jnp.any(overlap(*inputs)))
    if name in ("reduce_max", "reduce_min"):
        return chosen(ball, inputs, lambda: _may_be_another(ball, inputs[0], equation.params["axes"]))
    if name in MOVED_WHOLE and isinstance(inputs[0], Chosen):
        return chosen(ball, inputs[0].among, inputs[0].may_tie)
    return ball


def _may_be_another(greatest: Ball, among: Ball, axes: tuple[int, ...]) -> Any:
    """Whether another one overlaps with the greatest along axes, or is as great as that without being exact."""
    place, reach = (jnp.expand_dims(part, axes) for part in (greatest.midpoint, ball_radius(greatest)))
    is_greatest, radius = among.midpoint == place, ball_radius(among)
    others = ~is_greatest & ~(jnp.abs(place - among.midpoint) > radius + reach)
    return jnp.any(others) | jnp.any((is_greatest & (radius > 0)).sum(axes) > 1)


def _sign(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    doubts.append(jnp.any(overlap(inputs[0], Ball(jnp.zeros_like(inputs[0].midpoint)))))


def _is_finite(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    """What is finite with a finite radius is; an overflow is none in exact arithmetic."""
    doubts.append(jnp.any(~(jnp.isfinite(inputs[0].midpoint) & jnp.isfinite(ball_radius(inputs[0])))))
    return [Ball(values[0])]


def _whole(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """The whole number is exact unless the ball reaches from one to the next."""
    radius = ball_radius(inputs[0])
    ends = (equation.primitive.bind(inputs[0].midpoint + side * radius, **equation.params) for side in (-1, 1))
    low, high = ends
    doubts.append(jnp.any(~((low == value) & (high == value))))


def _greatest(sign: int) -> Callable:
    """The greatest (sign 1) or least (-1) along axes: as good as the worst of those that it may be."""

    def rule(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
        radius = ball_radius(inputs[0])
        axes = equation.params["axes"]
        place = jnp.expand_dims(value, axes)
        own = jnp.max(jnp.where(inputs[0].midpoint == place, radius, 0), axes, keepdims=True)
        may_be = ~(sign * (place - inputs[0].midpoint) > radius + own)
        return jnp.max(jnp.where(may_be, radius, 0), axes)

    return rule


def _running_greatest(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """The greatest, or least, so far or in a window moves by no more than the worst radius there."""
    radius, params = ball_radius(inputs[0]), equation.params
    if "axis" in params:
        return jax.lax.cummax(radius, axis=params["axis"], reverse=params["reverse"])
    return jax.lax.reduce_window(
        radius,
        jnp.zeros((), radius.dtype),
        jax.lax.max,
        params["window_dimensions"],
        params["window_strides"],
        params["padding"],
        params["base_dilation"],
        params["window_dilation"],
    )


def _scatter_greatest(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    return jnp.broadcast_to(jnp.maximum(*(jnp.max(ball_radius(inputs[which])) for which in (0, 2))), value.shape)


def _place_of_greatest(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    """Clear where no other ball overlaps with the chosen one; of equal exact numbers it is the first."""
    (axis,), ball = equation.params["axes"], inputs[0]
    radius, chosen = ball_radius(ball), jnp.expand_dims(values[0], axis)
    best = Ball(*(jnp.take_along_axis(part, chosen, axis) for part in (ball.midpoint, radius)))
    others = (
        jnp.arange(ball.midpoint.shape[axis]).reshape([-1 if d == axis else 1 for d in range(radius.ndim)]) != chosen
    )
    doubts.append(jnp.any(others & overlap(Ball(ball.midpoint, radius), best)))
    return [Ball(values[0])]


def _sort(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    """Alone, the k-th smallest lies between the k-th smallest lower and upper ends, whatever the order. With other arrays that
    are put into the same order, the order is a decision."""
    axis = equation.params["dimension"]
    if len(inputs) == 1:
        return [Ball(values[0], _order_statistics(values[0], inputs[0], axis))]
    stable = {"dimension": axis, "is_stable": equation.params["is_stable"], "num_keys": equation.params["num_keys"]}
    with_radii = [ball_radius(ball) for ball in inputs if is_float(ball.midpoint)]
    moved = list(jax.lax.sort([*(ball.midpoint for ball in inputs), *with_radii], **stable)[len(inputs) :])
    balls = [Ball(value, moved.pop(0) if is_float(value) else None) for value in values]
    keys = range(equation.params["num_keys"])
    if any(inputs[key].radius is not None for key in keys):
        doubts.append(_may_swap(balls[0], axis))
    return balls


def _order_statistics(value: Any, ball: Ball, axis: int) -> Any:
    radius = ball_radius(ball)
    low, high = (jnp.sort(ball.midpoint + side * radius, axis) for side in (-1, 1))
    rounding = jnp.where(jnp.max(radius, axis, keepdims=True) > 0, ulps(value), 0)
    return jnp.maximum(high - value, value - low) + rounding


def _may_swap(ordered: Ball, axis: int) -> Any:
    """Whether some number may be greater than a later one."""
    radius = jnp.moveaxis(ball_radius(ordered), axis, 0)
    middle = jnp.moveaxis(ordered.midpoint, axis, 0)
    most, exactly = jax.lax.cummax(middle + radius), jax.lax.cummax(radius) == 0
    before, after = most[:-1], (middle - radius)[1:]
    return jnp.any(~((before < after) | ((before == after) & exactly[1:])))


def _top_k(values: list[Any], inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> list[Ball]:
    numbers, places = values
    ball, axis = inputs[0], equation.params.get("axis", -1)
    if ball.radius is None:
        return [Ball(numbers), Ball(places)]
    order = jnp.argsort(ball.midpoint, axis)
    doubts.append(_may_swap(Ball(*(jnp.take_along_axis(part, order, axis) for part in ball)), axis))
    return [Ball(numbers, jnp.take_along_axis(ball.radius, places, axis)), Ball(places)]


MOVED_WHOLE = {"broadcast_in_dim", "reshape", "squeeze"}
COMPARISONS = {"eq", "eq_to", "ge", "gt", "le", "le_to", "lt", "lt_to", "ne"}
EXACT = {"argmax", "argmin", "ceil", "cummax", "cummin", "floor", "reduce_max", "reduce_min", "reduce_window_max"}
EXACT |= {"reduce_window_min", "round", "scatter-max", "scatter-min", "sign", "sort", "top_k"}
RADII = {
    "ceil": _whole,
    "cummax": _running_greatest,
    "cummin": _running_greatest,
    "floor": _whole,
    "reduce_max": _greatest(1),
    "reduce_min": _greatest(-1),
    "reduce_window_max": _running_greatest,
    "reduce_window_min": _running_greatest,
    "round": _whole,
    "scatter-max": _scatter_greatest,
    "scatter-min": _scatter_greatest,
    "sign": _sign,
}
BALLS = {
    **dict.fromkeys(COMPARISONS, _compare),
    "argmax": _place_of_greatest,
    "argmin": _place_of_greatest,
    "is_finite": _is_finite,
    "sort": _sort,
    "top_k": _top_k,
}
