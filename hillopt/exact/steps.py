"""Walks of any optimizer on any hill, step by step: their own JAX program, read with real numbers in the place of floats.

It serves what is made of sums, products, quotients, roots, whole powers and decisions of single numbers. Constants of the program
count as typed too. Ten thousand steps take about a second.
"""

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal
from jaxtyping import Array, PyTree

from hillopt.exact.reals import Arithmetic, Interval, MoreDigitsError, Real
from hillopt.exact.record import ExactWalk
from hillopt.exact.typed import as_typed
from hillopt.jaxprs import interpret
from hillopt.landscapes import AbstractHill
from hillopt.optimizers import AbstractOptimizer
from hillopt.walk import move, set_out

DIGITS = (192, 768, 3072)
"""Bits behind the point, one number after the other until every decision is certain."""
CLOSE = 60
"""Bits of a rise that are certain at least."""
FURTHEST = 2**52
PROGRAMS = 64  # kept in a process


class UnknownOperationError(ArithmeticError):
    """The program does what is not known here."""


def walk_steps(
    hill: AbstractHill, optimizer: AbstractOptimizer, max_steps: int, target: Fraction | None
) -> ExactWalk | None:
    """The walk of one setting, its numbers as typed; None where its program does what is not known here, or decides nothing.

    It is proved to rise no higher if its state repeats exactly.
    """
    leaves, structure = jax.tree.flatten((hill, optimizer))
    try:
        programs = _programs(structure, len(leaves))
        numbers = [_constant(leaf) for leaf in leaves]
    except UnknownOperationError:
        return None
    for bits in DIGITS:
        try:
            return _walk(Arithmetic(bits), programs, numbers, max_steps, target)
        except MoreDigitsError:
            continue
        except UnknownOperationError:
            return None
    return None


@functools.lru_cache(maxsize=PROGRAMS)
def _programs(structure: jax.tree_util.PyTreeDef, count: int) -> tuple[ClosedJaxpr, ClosedJaxpr]:
    """What sets out, and what takes a step: numbers (and a place) in, a rise and the place after it out."""

    def begin(*numbers: Array) -> tuple[Array, PyTree]:
        hill, optimizer = jax.tree.unflatten(structure, numbers)
        place = set_out(hill, optimizer)
        return jnp.asarray(hill.rise(place[0])), place

    with jax.enable_x64(True):
        number = jax.ShapeDtypeStruct((), jnp.float64)
        setting_out, (_, place) = jax.make_jaxpr(begin, return_shape=True)(*[number] * count)
        flat, shape = jax.tree.flatten(place)

        def take_step(numbers: Sequence[Array], place: Sequence[Array]) -> tuple[Array, PyTree]:
            hill, optimizer = jax.tree.unflatten(structure, numbers)
            after = move(hill, optimizer, *jax.tree.unflatten(shape, place))
            return jnp.asarray(hill.rise(after[0])), after

        return setting_out, jax.make_jaxpr(take_step)([number] * count, flat)


def goal_of(hill: AbstractHill) -> Fraction | None:
    """The rise at which a walk has escaped, its numbers as typed; None where that is no rational number that is known."""
    leaves, structure = jax.tree.flatten(hill)
    try:
        (found,) = _run(Arithmetic(DIGITS[0]), _goal(structure, len(leaves)), [_constant(leaf) for leaf in leaves])
    except (MoreDigitsError, UnknownOperationError):
        return None
    return found if isinstance(found, Fraction) else None


@functools.lru_cache(maxsize=PROGRAMS)
def _goal(structure: jax.tree_util.PyTreeDef, count: int) -> ClosedJaxpr:
    def goal(*numbers: Array) -> Array:
        return jnp.asarray(jax.tree.unflatten(structure, numbers).goal(), jnp.float64)

    with jax.enable_x64(True):
        return jax.make_jaxpr(goal)(*[jax.ShapeDtypeStruct((), jnp.float64)] * count)


def _walk(
    arithmetic: Arithmetic,
    programs: tuple[ClosedJaxpr, ClosedJaxpr],
    numbers: list[Real],
    max_steps: int,
    target: Fraction | None,
) -> ExactWalk:
    setting_out, taking_a_step = programs
    rise, *place = _run(arithmetic, setting_out, numbers)
    highest, top = rise, arithmetic.enclosed(rise).high
    step, passage, period, saved, since, window = 0, 0, 0, place, 0, 1
    for taken in range(1, max_steps + 1):
        rise, *place = _run(arithmetic, taking_a_step, [*numbers, *place])
        low, high = arithmetic.enclosed(rise)
        if (high - low) >> (arithmetic.bits - CLOSE):
            raise MoreDigitsError
        if abs(low + high) >> (arithmetic.bits + 1) > FURTHEST:
            raise UnknownOperationError
        if low > arithmetic.enclosed(highest).low:
            highest, step = rise, taken
        top = max(top, high)
        if target is not None and arithmetic.sign(arithmetic.sub(rise, target)) >= 0:
            passage = taken
            break
        since += 1
        if place == saved and all(isinstance(number, (bool, Fraction)) for number in place):
            period = since
            break
        if since == window:
            saved, since, window = place, 0, 2 * window
    least, most = Fraction(arithmetic.enclosed(highest).low, 1 << arithmetic.bits), Fraction(top, 1 << arithmetic.bits)
    return ExactWalk(
        highest=(least + most) / 2,
        error=(most - least) / 2,
        step=step,
        upper=most if period else None,
        proved=period > 0,
        period=period,
        num_steps=taken,
        passage=None if target is None else passage,
    )


def _run(arithmetic: Arithmetic, closed: ClosedJaxpr, inputs: list[Real]) -> list[Any]:
    def rule(equation: JaxprEqn, values: list[Any]) -> list[Any]:
        name = equation.primitive.name
        known: list[Any] = [atom.aval for atom in (*equation.invars, *equation.outvars)]
        is_whole = jnp.issubdtype(known[-1].dtype, jnp.integer)
        if name not in RULES or any(aval.size != 1 for aval in known) or (is_whole and name in NOT_OF_WHOLE):
            raise UnknownOperationError(name)
        return [RULES[name](arithmetic, equation.params, *values)]

    return interpret(closed, inputs, rule, literal=lambda atom: _constant(_value(atom)), constant=_constant)


def _value(atom: Literal) -> Any:
    return atom.val


def _constant(value: Any) -> Any:
    """A number of the program, as typed."""
    array = np.asarray(value)
    if array.size != 1 or not np.all(np.isfinite(array)):
        raise UnknownOperationError
    number = array.reshape(-1)[0]
    if array.dtype == bool:
        return bool(number)
    return as_typed(number) if np.issubdtype(array.dtype, np.floating) else Fraction(int(number))


def _compared(holds: Callable[[Fraction], bool]) -> Callable[..., bool]:
    """A comparison, by the sign of the difference."""
    return lambda arithmetic, params, a, b: holds(arithmetic.sign(arithmetic.sub(_number(a), _number(b))))


def _number(value: Any) -> Real:
    return Fraction(int(value)) if isinstance(value, bool) else value


def _power(arithmetic: Arithmetic, params: dict[str, Any], base: Real, exponent: Real) -> Real:
    if not (isinstance(exponent, Fraction) and exponent.denominator == 1):
        raise UnknownOperationError
    return arithmetic.power(base, int(exponent))


def _converted(arithmetic: Arithmetic, params: dict[str, Any], a: Any) -> Any:
    if isinstance(a, bool) or not jnp.issubdtype(params["new_dtype"], jnp.integer):
        return bool(a) if jnp.issubdtype(params["new_dtype"], jnp.bool_) else _number(a)
    if isinstance(a, Interval):
        raise UnknownOperationError
    return Fraction(int(a))


def _same(arithmetic: Arithmetic, params: dict[str, Any], a: Any, *others: Any) -> Any:
    return a


NOT_OF_WHOLE = {"and", "div", "not", "or"}
"""What means something else of whole numbers."""
RULES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("broadcast_in_dim", "copy", "reduce_sum", "reshape", "squeeze", "stop_gradient"), _same),
    "abs": lambda real, params, a: real.absolute(a),
    "add": lambda real, params, a, b: real.add(a, b),
    "add_any": lambda real, params, a, b: real.add(a, b),
    "and": lambda real, params, a, b: a and b,
    "convert_element_type": _converted,
    "div": lambda real, params, a, b: real.div(a, b),
    "eq": _compared(lambda sign: sign == 0),
    "ge": _compared(lambda sign: sign >= 0),
    "gt": _compared(lambda sign: sign > 0),
    "integer_pow": lambda real, params, a: real.power(a, params["y"]),
    "le": _compared(lambda sign: sign <= 0),
    "lt": _compared(lambda sign: sign < 0),
    "max": lambda real, params, a, b: real.maximum(a, b),
    "min": lambda real, params, a, b: real.minimum(a, b),
    "mul": lambda real, params, a, b: real.mul(a, b),
    "ne": _compared(lambda sign: sign != 0),
    "neg": lambda real, params, a: real.neg(a),
    "not": lambda real, params, a: not a,
    "or": lambda real, params, a, b: a or b,
    "pow": _power,
    "rsqrt": lambda real, params, a: real.div(Fraction(1), real.sqrt(a)),
    "select_n": lambda real, params, which, *cases: cases[int(which)],
    "sign": lambda real, params, a: real.sign(a),
    "sqrt": lambda real, params, a: real.sqrt(a),
    "square": lambda real, params, a: real.power(a, 2),
    "sub": lambda real, params, a, b: real.sub(a, b),
}
