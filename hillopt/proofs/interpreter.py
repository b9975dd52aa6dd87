"""Running error bounds for any JAX function, by interpreting its jaxpr on balls.

`bounded(f)` runs f's own operations and, beside each, the classical running error bound (Wilkinson 1963; Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed. 2002, section 3.3). A comparison whose operands' balls overlap is *ambiguous*: exact
arithmetic may have taken the other branch. The rules of all operations are in `hillopt.proofs.rules`; here are calls, branches
and loops.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn
from jaxtyping import Array, Bool

from hillopt.jaxprs import interpret, scan_parts
from hillopt.loops import varying_as_after
from hillopt.proofs.balls import Ball, BothWays, Undecided, any_of, ball_radius, is_ball, is_float, rounded, upper_end
from hillopt.proofs.rules import balls_of
from hillopt.proofs.rules.places import selected_radius


def bounded(function: Callable, *, is_derivative: bool = False) -> Callable:
    """Return `run(*args) -> (outputs, ambiguous)`, the function on balls.

    Float leaves of args may be balls (others count as exact); float leaves of the outputs are balls. `ambiguous` is a
    scalar bool: some comparison, on the way, could fall the other way in exact arithmetic. A primitive without a rule
    gives an infinite radius, so that whatever depends on it is ambiguous, never silently trusted.

    In a derivative the greater of two numbers is asked for by comparisons. There is no doubt in them if `is_derivative`: of two
    that may be equal, the balls hold the derivatives of both.
    """

    def run(*args: Any) -> tuple[Any, Bool[Array, ""]]:
        leaves, treedef = jax.tree.flatten(args, is_leaf=is_ball)
        balls = [leaf if is_ball(leaf) else Ball(leaf) for leaf in leaves]
        midpoints = jax.tree.unflatten(treedef, [ball.midpoint for ball in balls])
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*midpoints)
        doubts: list[Any] = BothWays() if is_derivative else []
        outputs = _evaluate(closed, balls, doubts)
        leaves = [Ball(*ball) if is_float(ball.midpoint) else ball.midpoint for ball in outputs]
        return jax.tree.unflatten(jax.tree.structure(shapes), leaves), any_of(doubts)

    return run


def at_most(formula: Callable, *args: Any) -> Any:
    """The upper end of a formula that makes no comparison, on arguments that may be balls: a bound that vouches for itself."""
    ball, _ = bounded(formula)(*args)
    return upper_end(ball)


def surely_at_most(formula: Callable, *args: Any) -> Any:
    """The same of a formula that compares: infinite where it is in doubt which case it is."""
    ball, in_doubt = bounded(formula)(*args)
    return jnp.where(in_doubt, jnp.inf, upper_end(ball))


def _evaluate(closed: ClosedJaxpr, args: Sequence[Ball], doubts: list[Any]) -> list[Ball]:
    def apply(equation: JaxprEqn, inputs: list[Ball]) -> list[Ball]:
        control = CONTROL.get(equation.primitive.name)
        return control(equation, doubted(inputs), doubts) if control else balls_of(equation, inputs, doubts)

    def doubted(balls: list[Ball]) -> list[Ball]:
        doubts.extend(ball.may_turn for ball in balls if isinstance(ball, Undecided))
        return balls

    return doubted(interpret(closed, args, apply, literal=lambda atom: written(atom.val), constant=constant))


def constant(value: Any) -> Ball:
    """What a function closes over: written into it, but for what is being traced still."""
    return Ball(value) if isinstance(value, jax.core.Tracer) else written(value)


def written(value: Any) -> Ball:
    """A number in a program such as 1 or 0.5 is exact; one such as 1e-8 is the rounding of a decimal."""
    numbers = np.asarray(value) if jnp.issubdtype(jnp.result_type(value), jnp.inexact) else None
    if numbers is None or not np.issubdtype(numbers.dtype, np.floating):
        return Ball(value)
    with np.errstate(over="ignore", invalid="ignore"):
        is_exact = numbers * 2.0**10 == np.round(numbers * 2.0**10)
    if np.all(is_exact):
        return Ball(value)
    ball = rounded(jnp.asarray(numbers))
    return Ball(ball.midpoint, jnp.where(is_exact, 0, ball.radius))


def _cond(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    """All branches, of which one is chosen; what is ambiguous in any of them is."""
    index, *operands = inputs
    results = [_evaluate(branch, operands, doubts) for branch in equation.params["branches"]]
    which = jnp.asarray(index.midpoint, jnp.int32)
    return [_of_branch(which, cases) for cases in zip(*results, strict=True)]


def _of_branch(which: Array, cases: Sequence[Ball]) -> Ball:
    return Ball(jax.lax.select_n(which, *(case.midpoint for case in cases)), selected_radius(which, cases))


def _while(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    """It goes on as the midpoints do; that it goes on at all is a decision at every turn."""
    split = equation.params["cond_nconsts"], equation.params["cond_nconsts"] + equation.params["body_nconsts"]
    of_cond, of_body, begin = inputs[: split[0]], inputs[split[0] : split[1]], inputs[split[1] :]

    def goes_on(carry: list[Ball]) -> tuple[Array, Array]:
        found: list[Any] = []
        (going,) = _evaluate(equation.params["cond_jaxpr"], [*of_cond, *carry], found)
        return jnp.asarray(going.midpoint), any_of(found)

    def turn(carried: tuple[list[Ball], Array, Array]) -> tuple[list[Ball], Array, Array]:
        carry, _, doubt = carried
        found: list[Any] = []
        carry = [_carried(ball) for ball in _evaluate(equation.params["body_jaxpr"], [*of_body, *carry], found)]
        going, ambiguous = goes_on(carry)
        return carry, going, doubt | ambiguous | any_of(found)

    carry = [_carried(ball) for ball in begin]
    carried = varying_as_after(turn, (carry, *goes_on(carry)))
    carry, _, doubt = jax.lax.while_loop(lambda carried: carried[1], turn, carried)
    doubts.append(doubt)
    return carry


def _scan(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    """Turn by turn, the radii carried along with the numbers."""
    params, (num_consts, num_carry) = equation.params, scan_parts(equation)
    consts, begin, stacked = inputs[:num_consts], inputs[num_consts:][:num_carry], inputs[num_consts + num_carry :]

    def turn(carried: tuple[list[Ball], Array], inputs: list[Ball]) -> tuple[tuple[list[Ball], Array], list[Ball]]:
        carry, doubt = carried
        found: list[Any] = []
        outputs = _evaluate(params["jaxpr"], [*consts, *carry, *inputs], found)
        carry = [_carried(ball) for ball in outputs[:num_carry]]
        return (carry, doubt | any_of(found)), [Ball(*ball) for ball in outputs[num_carry:]]

    carried = ([_carried(ball) for ball in begin], jnp.asarray(False))
    if params["length"]:
        first = jax.tree.map(lambda leaf: leaf[0], stacked)
        carried = varying_as_after(lambda carried: turn(carried, first)[0], carried)
    (carry, doubt), outputs = jax.lax.scan(
        turn, carried, stacked, length=params["length"], reverse=params["reverse"], unroll=params["unroll"]
    )
    doubts.append(doubt)
    return [*carry, *outputs]


def _polynomial(equation: JaxprEqn, inputs: list[Ball], doubts: list[Any]) -> list[Ball]:
    """By Horner's rule from the last coefficient, the highest, on; the operation's own result is as far off as it is from that."""

    def horner(place: Array, *coefficients: Array) -> Array:
        total = coefficients[-1]
        for coefficient in coefficients[-2::-1]:
            total = total * place + coefficient
        return total

    value = equation.primitive.bind(*(ball.midpoint for ball in inputs), **equation.params)
    (found,) = _evaluate(jax.make_jaxpr(horner)(*(ball.midpoint for ball in inputs)), inputs, doubts)
    return [Ball(value, ball_radius(found) + jnp.abs(value - found.midpoint))]


def _carried(ball: Ball) -> Ball:
    """The ball in one and the same type at every turn: a float has a radius."""
    midpoint = jnp.asarray(ball.midpoint)
    midpoint = jax.lax.convert_element_type(midpoint, midpoint.dtype)  # strongly typed
    return Ball(midpoint, ball_radius(ball).astype(midpoint.dtype)) if is_float(midpoint) else Ball(midpoint)


CONTROL: dict[str, Callable[[JaxprEqn, list[Ball], list[Any]], list[Ball]]] = {
    "cond": _cond,
    "polynomial": _polynomial,
    "scan": _scan,
    "while": _while,
}
