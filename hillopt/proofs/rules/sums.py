"""Sums and products of many numbers. In whatever order n terms are added, the error is at most (n - 1) roundings of the sum of
their sizes (Higham 2002, equation 4.4)."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import Ball, ball_radius, tiny, ulps

# What a product of float32 matrices may lose off the CPU where nobody asks for more: its factors are rounded to 8 bits on a TPU,
# to 11 on a GPU (TF32), so that a product errs by 2^-8 at most; twice that.
COARSE = 2.0**-7


def _reduce_sum(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    axes, array = equation.params["axes"], inputs[0].midpoint
    terms = math.prod(array.shape[axis] for axis in axes)
    return jnp.sum(ball_radius(inputs[0]), axes) + max(terms - 1, 0) * ulps(jnp.sum(jnp.abs(array), axes))


def _running_sum(length_of: Callable[[Ball, JaxprEqn], int]) -> Callable:
    """Sums along an axis or in windows: the operation itself adds up radii and sizes."""

    def rule(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
        def added(numbers: Any) -> Any:
            return equation.primitive.bind(numbers, **equation.params)

        terms = length_of(inputs[0], equation)
        return added(ball_radius(inputs[0])) + max(terms - 1, 0) * ulps(added(jnp.abs(inputs[0].midpoint)))

    return rule


def _product(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    """It moves by no more than the product of the sizes does if every number has its radius added to its size."""

    def multiplied(numbers: Any) -> Any:
        return equation.primitive.bind(numbers, **equation.params)

    sizes = jnp.abs(inputs[0].midpoint)
    most, terms = multiplied(sizes + ball_radius(inputs[0])), max(inputs[0].midpoint.size, 1)
    return most - jnp.abs(value) + ulps(most, 2 * terms) + terms * tiny(value)


def _scatter_add(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
    operand, indices, updates = inputs

    def added(base: Any, more: Any) -> Any:
        return equation.primitive.bind(base, indices.midpoint, more, **equation.params)

    sizes = added(jnp.abs(operand.midpoint), jnp.abs(updates.midpoint))
    return added(ball_radius(operand), ball_radius(updates)) + updates.midpoint.size * ulps(sizes) + tiny(value)


def _contraction(terms_of: Callable[[Any, JaxprEqn], int]) -> Callable:
    """Products of matrices, and convolutions: bilinear, with so many terms in every sum."""

    def rule(value: Any, inputs: list[Ball], equation: JaxprEqn, doubts: list[Any]) -> Any:
        exactly = {**equation.params, "precision": jax.lax.Precision.HIGHEST}

        def contracted(a: Any, b: Any) -> Any:
            return equation.primitive.bind(a, b, **exactly)

        a, b = (jnp.abs(ball.midpoint) for ball in inputs)
        of_a, of_b = (ball_radius(ball) for ball in inputs)
        rounding = terms_of(inputs[1].midpoint, equation) * float(jnp.finfo(value.dtype).eps) + _coarseness(
            value, equation
        )
        moved = contracted(a, of_b) + contracted(of_a, b + of_b)
        return moved + rounding * contracted(a, b) + tiny(value)

    return rule


def _coarseness(value: Any, equation: JaxprEqn) -> float:
    precision = equation.params["precision"]
    asked = precision if isinstance(precision, tuple) else (precision,)
    is_exact = jax.default_backend() == "cpu" or jnp.finfo(value.dtype).bits == 64
    return 0.0 if is_exact or all(each == jax.lax.Precision.HIGHEST for each in asked) else COARSE


def _terms_of_dot(right: Any, equation: JaxprEqn) -> int:
    (_, contracting), _ = equation.params["dimension_numbers"]
    return max(1, math.prod(right.shape[axis] for axis in contracting))


def _terms_of_convolution(kernel: Any, equation: JaxprEqn) -> int:
    return max(1, kernel.size // max(1, kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]))


RADII = {
    "conv_general_dilated": _contraction(_terms_of_convolution),
    "cumprod": _product,
    "cumsum": _running_sum(lambda ball, equation: ball.midpoint.shape[equation.params["axis"]]),
    "dot_general": _contraction(_terms_of_dot),
    "reduce_prod": _product,
    "reduce_sum": _reduce_sum,
    "reduce_window_sum": _running_sum(lambda ball, equation: math.prod(equation.params["window_dimensions"])),
    "scatter-add": _scatter_add,
}
