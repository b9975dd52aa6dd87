"""Any JAX function on intervals: all that it can give for all arguments that they hold.

The operations of `hillopt.proofs.rules.ends`, and here calls, branches and loops. Unlike `bounded`, which follows one walk and
says where it may be decided otherwise, an enclosure takes both ways: an undecided comparison gives the interval that holds both
cases. So a step encloses where a whole set of places, memories and counts goes (Moore 1966, "Interval Analysis").
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn

from hillopt.jaxprs import interpret, scan_parts
from hillopt.loops import varying_alike, varying_as_after
from hillopt.proofs.balls import is_ball
from hillopt.proofs.interpreter import constant, written
from hillopt.proofs.intervals import Interval, as_intervals, is_interval, where, whole_like
from hillopt.proofs.rules.ends import chosen, intervals_of


def enclosed(function: Callable) -> Callable:
    """Return `run(*args) -> outputs`, the function on intervals.

    Leaves of args may be intervals or balls, of floats, whole numbers or booleans; others count as exact. Every leaf of the
    outputs is an interval that holds whatever exact arithmetic gives for any choice of arguments; one that cannot be told is
    the whole line, and where the function's shapes depend on a number JAX itself refuses.
    """

    def run(*args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(args, is_leaf=lambda leaf: is_ball(leaf) or is_interval(leaf))
        intervals = varying_alike(as_intervals(leaves))
        low = jax.tree.unflatten(treedef, [each.low for each in intervals])
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*low)
        found = (Interval(*each) for each in _evaluate(closed, intervals))
        return jax.tree.unflatten(jax.tree.structure(shapes), found)

    return run


def _evaluate(closed: ClosedJaxpr, args: Sequence[Interval]) -> list[Interval]:
    def apply(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
        return CONTROL.get(equation.primitive.name, intervals_of)(equation, inputs)

    return interpret(
        closed,
        args,
        apply,
        literal=lambda atom: as_intervals(written(np.asarray(atom.val, jax.dtypes.result_type(atom.aval)))),
        constant=lambda value: as_intervals(constant(value)),
    )


def _cond(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """All branches that may be chosen."""
    index, *operands = inputs
    results = [_evaluate(branch, operands) for branch in equation.params["branches"]]
    return [chosen(index, cases) for cases in zip(*results, strict=True)]


def _while(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """As long as it surely goes on. Where it then may or may not, nothing is known of what it gives."""
    split = equation.params["cond_nconsts"], equation.params["cond_nconsts"] + equation.params["body_nconsts"]
    of_cond, of_body, begin = inputs[: split[0]], inputs[split[0] : split[1]], inputs[split[1] :]

    def goes_on(carry: list[Interval]) -> Interval:
        return _evaluate(equation.params["cond_jaxpr"], [*of_cond, *carry])[0]

    def turn(carry: list[Interval]) -> list[Interval]:
        return [_carried(each) for each in _evaluate(equation.params["body_jaxpr"], [*of_body, *carry])]

    carry = varying_as_after(turn, [_carried(each) for each in begin])
    carry = jax.lax.while_loop(lambda carry: jnp.all(goes_on(carry).low), turn, carry)
    may_go_on = jnp.any(jnp.asarray(goes_on(carry).high))
    return [where(may_go_on, whole_like(each.low), each) for each in carry]


def _scan(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """Turn by turn."""
    params, (num_consts, num_carry) = equation.params, scan_parts(equation)
    consts, begin, stacked = inputs[:num_consts], inputs[num_consts:][:num_carry], inputs[num_consts + num_carry :]

    def turn(carry: list[Interval], inputs: list[Interval]) -> tuple[list[Interval], list[Interval]]:
        outputs = _evaluate(params["jaxpr"], [*consts, *carry, *inputs])
        return [_carried(each) for each in outputs[:num_carry]], [Interval(*each) for each in outputs[num_carry:]]

    carry = [_carried(each) for each in begin]
    if params["length"]:
        first = jax.tree.map(lambda leaf: leaf[0], stacked)
        carry = varying_as_after(lambda carry: turn(carry, first)[0], carry)
    carry, outputs = jax.lax.scan(
        turn, carry, stacked, length=params["length"], reverse=params["reverse"], unroll=params["unroll"]
    )
    return [*carry, *outputs]


def _carried(each: Interval) -> Interval:
    """The interval in one and the same type at every turn."""
    low, high = (jnp.asarray(end) for end in each)
    return Interval(*(jax.lax.convert_element_type(end, end.dtype) for end in (low, high)))


CONTROL: dict[str, Callable[[JaxprEqn, list[Interval]], list[Interval]]] = {
    "cond": _cond,
    "scan": _scan,
    "while": _while,
}
