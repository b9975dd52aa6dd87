"""What every operation of JAX does to intervals: a table by the primitive's name.

Most operations rise or fall in each of their arguments, so that their ends come from ends. A rule is given the equation and the
intervals that go in, and gives one interval for each result. What has no rule here is followed as a ball is, if its balls leave no
doubt; else anything may come of it.

Whole numbers count as never leaving their type: a count that reaches the type's end stays there, as optax's do. A number outside
of a function's domain is not passed over: anything may come of it.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn

from hillopt.proofs.balls import any_of, is_float, tiny
from hillopt.proofs.intervals import (
    Chosen,
    Interval,
    ball_of,
    chosen_among,
    exactly,
    is_exact,
    outward,
    where,
    whole_like,
)
from hillopt.proofs.rules import RADII, arithmetic, functions, places
from hillopt.pytrees import is_traced

Rule = Callable[[JaxprEqn, list[Interval]], list[Interval]]


def intervals_of(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """The results of an operation on intervals."""
    name = equation.primitive.name
    exact = all(is_exact(each) for each in inputs)
    if exact and (name in EXACT or not any(map(_gives_float, equation.outvars))):
        return [exactly(value) for value in _bound(equation, [each.low for each in inputs])]
    return RULES.get(name, _as_balls)(equation, inputs)


def _gives_float(atom: Any) -> bool:
    return jnp.issubdtype(atom.aval.dtype, jnp.floating)


def _bound(equation: JaxprEqn, operands: Sequence[Any]) -> list[Any]:
    values = equation.primitive.bind(*operands, **equation.params)
    return list(values) if equation.primitive.multiple_results else [values]


def _apply(equation: JaxprEqn, *operands: Any) -> Any:
    return equation.primitive.bind(*operands, **equation.params)


def _as_balls(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """By the rule for balls, where the whole ball takes one and the same way; of whole numbers that are not exact, nothing."""
    name, doubts = equation.primitive.name, list[Any]()
    balls = [ball_of(each) for each in inputs]
    values = _bound(equation, [ball.midpoint for ball in balls])
    given = all(is_exact(each) or is_float(each.low) for each in inputs)
    if not given or name not in RADII or not is_float(values[0]):
        return [whole_like(value) for value in values]
    radius = RADII[name](values[0], balls, equation, doubts)
    radius = jnp.zeros_like(values[0]) if radius is None else radius
    found = outward(values[0] - radius, values[0] + radius)
    return [where(any_of(doubts) | ~jnp.isfinite(radius), whole_like(values[0]), found)]


def _ends(sign: int) -> Rule:
    """Of an exact operation that rises (1) or falls (-1) in every argument."""

    def rule(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
        return [Interval(*(_apply(equation, *(each[end] for each in inputs)) for end in (0, 1)[::sign]))]

    return rule


def _of_function(name: str) -> Rule:
    """Of a function of one argument that rises or falls all the way."""

    def rule(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
        ends = inputs[0][::-1] if name in FALLING else inputs[0]
        low, high = (_apply(equation, end) for end in ends)
        charges = [jnp.asarray(functions.charge_of(name, jnp.asarray(end)), low.dtype) for end in ends]
        return [outward(low, high, jnp.maximum(*charges), *RANGES.get(name, (-jnp.inf, jnp.inf)))]

    return rule


def _add(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    a, b = inputs
    if not is_float(a.low):
        return [_whole_sum(equation, a, b)]
    b = b if equation.primitive.name != "sub" else _turned(b)
    low, high = (jax.lax.add(*ends) for ends in zip(a, b, strict=True))
    least, most = _least_sum(a.low, b.low), -_least_sum(-a.high, -b.high)
    drawn = outward(low, high, 1, least, most)
    kept = [_is_exact_sum(*ends) for ends in zip(a, b, strict=True)]
    return [Interval(jnp.where(kept[0], low, drawn.low), jnp.where(kept[1], high, drawn.high))]


def _least_sum(one: Any, other: Any) -> Any:
    """What is added to a number that is not below 0 is no more than the sum."""
    return jnp.maximum(jnp.where(one >= 0, other, -jnp.inf), jnp.where(other >= 0, one, -jnp.inf))


def _is_exact_sum(one: Any, other: Any) -> Any:
    """With 0, or 0 itself: it is no flushed one where the numbers' last digits are normal numbers."""
    vanishes = (one + other == 0) & (jnp.abs(one) * jnp.finfo(one.dtype).eps > tiny(one))
    return (one == 0) | (other == 0) | vanishes


def _whole_sum(equation: JaxprEqn, a: Interval, b: Interval) -> Interval:
    """Of whole numbers, each end at most at the end of its type."""
    falls = equation.primitive.name == "sub"

    def end(one: Any, other: Any) -> Any:
        found, ends = _apply(equation, one, other), jnp.iinfo(jnp.result_type(one))
        rises = (other < 0) if falls else (other > 0)
        least, most = (jnp.asarray(end, found.dtype) for end in (ends.min, ends.max))
        found = jnp.where(rises & (found < one), most, found)
        return jnp.where(~rises & (other != 0) & (found > one), least, found)

    return Interval(*(end(one, other) for one, other in zip(a, b[::-1] if falls else b, strict=True)))


def _mul(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    a, b = inputs
    if not is_float(a.low):
        return [_whole_product(equation, a, b)]
    if a is b:
        return _even_power(a, lambda end: end * end, 1)
    return [_of_product(jax.lax.mul, a, b, 1, kept_by=(a, b))]


def _whole_product(equation: JaxprEqn, a: Interval, b: Interval) -> Interval:
    """Of whole numbers, where no corner leaves the type."""
    sizes = [reduce(jnp.maximum, [jnp.abs(jnp.asarray(end, jnp.float32)) for end in each]) for each in (a, b)]
    found = Interval(*_of_corners(partial(_apply, equation), a, b))
    return where(sizes[0] * sizes[1] < float(jnp.iinfo(found.low.dtype).max) / 2, found, whole_like(found.low))


def _whole_quotient(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """Of whole numbers, by one above 0."""
    a, b = inputs
    found = Interval(
        *_of_corners(partial(_apply, equation), a, Interval(jnp.maximum(b.low, 1), jnp.maximum(b.high, 1)))
    )
    return [where(b.low > 0, found, whole_like(found.low))]


def _rem(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """Of whole numbers not below 0, by one above 0; else as a ball."""
    a, b = inputs
    if is_float(a.low):
        return _as_balls(equation, inputs)
    found = _apply(equation, a.low, jnp.maximum(b.low, 1))
    held = Interval(jnp.zeros_like(found), jnp.minimum(a.high, b.high - 1))
    held = where((a.low >= 0) & (b.low > 0), held, whole_like(found))
    return [where((a.low == a.high) & (b.low == b.high) & (b.low > 0), exactly(found), held)]


def _of_corners(function: Callable, a: Interval, b: Interval) -> tuple[Any, Any]:
    """The ends of an operation that rises or falls in each argument while the other stays."""
    found = [function(one, other) for one in a for other in b]
    return reduce(jnp.minimum, found), reduce(jnp.maximum, found)


def _of_product(
    function: Callable, a: Interval, b: Interval, charge: float, kept_by: Sequence[Interval] = ()
) -> Interval:
    """Of a product or quotient, which has a sign where both have; 1 or -1 of `kept_by` keeps the other as it is."""
    low, high = _of_corners(function, a, b)
    least, most = (jnp.where(_same_sign(a, each), 0, end) for each, end in ((b, -jnp.inf), (_turned(b), jnp.inf)))
    drawn = outward(low, high, charge, least, most)
    is_one = ((each.low == each.high) & (jnp.abs(each.low) == 1) for each in (kept_by if charge == 1 else ()))
    unmoved = reduce(jnp.logical_or, is_one, jnp.asarray(False)) & jnp.isfinite(low) & jnp.isfinite(high)
    return where(unmoved, Interval(low, high), drawn)


def _same_sign(a: Interval, b: Interval) -> Any:
    return ((a.low >= 0) & (b.low >= 0)) | ((a.high <= 0) & (b.high <= 0))


def _turned(a: Interval) -> Interval:
    return Interval(-a.high, -a.low)


def _even_power(a: Interval, power: Callable, charge: float) -> list[Interval]:
    sizes = _abs_of(a)
    return [outward(power(sizes.low), power(sizes.high), charge, least=0)]


def _abs_of(a: Interval) -> Interval:
    low, high = jnp.abs(a.low), jnp.abs(a.high)
    return Interval(jnp.where((a.low <= 0) & (a.high >= 0), 0, jnp.minimum(low, high)), jnp.maximum(low, high))


def _abs(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    return [_abs_of(inputs[0])]


def _div(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """By an interval that begins at 0 it has no end; by one that holds 0 in its midst anything may come."""
    a, b = inputs
    if not is_float(a.low):
        return _whole_quotient(equation, inputs)
    above = Interval(jnp.maximum(b.low, 0), b.high)  # 0, not -0
    charge = arithmetic.division_charge(jnp.result_type(a.low))
    found = _of_product(jax.lax.div, a, where(b.low == 0, above, b), charge, kept_by=(b,))
    return [where((b.low >= 0) & (b.high > 0) | (b.high < 0), found, whole_like(found.low))]


def _square(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    return _even_power(inputs[0], lambda end: end * end, 1) if is_float(inputs[0].low) else _as_balls(equation, inputs)


def _integer_pow(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    base, exponent = inputs[0], equation.params["y"]
    if not is_float(base.low):
        return _as_balls(equation, inputs)
    charge, size = 2 * max(abs(exponent), 1), abs(exponent)
    power = lambda end: jax.lax.integer_pow(end, size)  # noqa: E731
    raised = (
        _even_power(base, power, charge)[0] if size % 2 == 0 else outward(power(base.low), power(base.high), charge)
    )
    if exponent >= 0:
        return [raised]
    one = exactly(jnp.ones_like(raised.low))
    found = _of_product(jax.lax.div, one, raised, arithmetic.division_charge(raised.low.dtype))
    return [where((raised.low > 0) | (raised.high < 0), found, whole_like(found.low))]


def _pow(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """It rises or falls in each argument while the other stays, where the base is not negative."""
    base, exponent = inputs
    low, high = _of_corners(partial(_apply, equation), base, exponent)
    found = outward(low, high, arithmetic.CHARGES["pow"], least=0)
    return [where(base.low >= 0, found, whole_like(found.low))]


def _rooted(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """A square root, or one over it."""
    argument, name = inputs[0], equation.primitive.name
    ends = argument if name == "sqrt" else Interval(*reversed(argument))
    low, high = (_apply(equation, jnp.maximum(end, 0)) for end in ends)
    found = outward(low, high, arithmetic.CHARGES[name], least=0)
    return [where(argument.low >= 0, found, whole_like(low))]


def _log(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    low, high = (jnp.log(jnp.maximum(end, 0)) for end in inputs[0])
    found = outward(low, high, functions.CHARGES["log"])
    return [where(inputs[0].low >= 0, found, whole_like(found.low))]


def _comparison(surely: Callable, maybe: Callable) -> Rule:
    def rule(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
        a, b = inputs
        if a is b and equation.primitive.name in ("eq", "ne"):  # how programs ask for a NaN
            return [exactly(_apply(equation, jnp.zeros_like(a.low), jnp.zeros_like(a.low)))]
        return [Interval(surely(a, b), maybe(a, b))]

    return rule


def _choice(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    (found,) = _ends(1)(equation, inputs)
    return [chosen_among(found, inputs, equation.primitive.name)]


def _equality(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """A number beside the greater of it and another asks whether it is no less than that one."""
    for one, greatest in (inputs, inputs[::-1]):
        if isinstance(greatest, Chosen) and any(_is_same(one, each) for each in greatest.among):
            other = greatest.among[_is_same(one, greatest.among[0])]
            low, high = (one, other) if greatest.name == "max" else (other, one)
            return [Interval(low.low >= high.high, low.high >= high.low)]
    return _comparison(_is_one, _meets)(equation, inputs)


def _is_same(one: Interval, other: Interval) -> bool:
    """The very same, or the same number as it is written in the program."""
    written = is_exact(one) and is_exact(other) and not is_traced((one, other))
    return one is other or (written and np.array_equal(one.low, other.low))


def _meets(a: Interval, b: Interval) -> Any:
    return (a.low <= b.high) & (b.low <= a.high)


def _is_one(a: Interval, b: Interval) -> Any:
    return (a.low == a.high) & (b.low == b.high) & (a.low == b.low)


def _select_n(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    return [chosen(inputs[0], inputs[1:])]


def chosen(which: Interval, cases: Sequence[Interval]) -> Interval:
    """What holds every case that may be chosen."""
    if is_exact(which):
        return Interval(*(jax.lax.select_n(which.low, *(case[end] for case in cases)) for end in (0, 1)))
    first, last = (jnp.asarray(end, jnp.int32) for end in which)
    low, high = (jax.lax.select_n(which.low, *(case[end] for case in cases)) for end in (0, 1))
    for index, case in enumerate(cases):
        may_be = (first <= index) & (index <= last)
        low = jnp.where(may_be, jnp.minimum(low, case.low), low)
        high = jnp.where(may_be, jnp.maximum(high, case.high), high)
    return Interval(low, high)


def _moved(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """Numbers that are put elsewhere; what tells where to must be exact."""
    floats = [_gives_float(atom) for atom in equation.invars]
    known = all(is_float or is_exact(each) for is_float, each in zip(floats, inputs, strict=True))
    low, high = (_bound(equation, [each[end] for each in inputs]) for end in (0, 1))
    if known or len(inputs) == 1:
        return [Interval(*ends) for ends in zip(low, high, strict=True)]
    return [whole_like(value) for value in low]


def _gather(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """From a row, what the least and the greatest index and those between them point at."""
    row, *places = inputs
    (found,) = _moved(equation, [row, *(exactly(place.low) for place in places)])
    if all(map(is_exact, places)):
        return [found]
    if row.low.ndim != 1:
        return [whole_like(found.low)]
    longest, index, size = max(equation.params["slice_sizes"]), jnp.arange(row.low.size), row.low.size
    first = jnp.min(jnp.asarray([jnp.min(place.low) for place in places]))
    last = jnp.max(jnp.asarray([jnp.max(place.high) for place in places]))
    may_be = (first <= index) & (index - longest < last)
    least = jnp.min(jnp.where(may_be, row.low, jnp.max(row.low)))
    most = jnp.max(jnp.where(may_be, row.high, jnp.min(row.high)))
    spread = Interval(jnp.full_like(found.low, least), jnp.full_like(found.high, most))
    held = where((first >= 0) & (last <= size - longest), spread, whole_like(found.low))
    known = jnp.asarray([jnp.all(place.low == place.high) for place in places])
    return [where(jnp.all(known), found, held)]


def _updated(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """A row in which a piece is put somewhere: each place that it may come to holds what was there, or anything of the piece."""
    row, piece, place = inputs[0], inputs[1], inputs[-1]
    if is_exact(place) or row.low.ndim != 1:
        return _moved(equation, inputs)
    last = row.low.size - piece.low.size
    first, furthest = (jnp.clip(end, 0, last) for end in place)
    index = jnp.arange(row.low.size)
    held = Interval(jnp.minimum(row.low, jnp.min(piece.low)), jnp.maximum(row.high, jnp.max(piece.high)))
    touched = where((first <= index) & (index < furthest + piece.low.size), held, row)
    (found,) = _moved(equation, [row, piece, exactly(first)])
    return [where(first == furthest, found, touched)]


def _convert(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    (source,) = inputs
    low, high = (jnp.asarray(_apply(equation, end)) for end in source)
    if low.dtype == jnp.bool_:
        return [Interval((source.low > 0) | (source.high < 0), (source.low != 0) | (source.high != 0))]
    if jnp.result_type(source.low) == jnp.bool_:
        return [Interval(low, high)]
    if not is_float(low):
        ends, begin = jnp.iinfo(low.dtype), [jnp.asarray(end).astype(float) for end in source]
        kept = (begin[0] > ends.min - 1.0) & (begin[1] < ends.max + 1.0) & (low <= high)
        return [where(kept, Interval(low, high), whole_like(low))]
    if is_float(source.low):
        widening = jnp.finfo(low.dtype).bits >= jnp.finfo(jnp.result_type(source.low)).bits
        return [Interval(low, high) if widening else outward(low, high)]
    drawn, most = outward(low, high), 1 / float(jnp.finfo(low.dtype).eps)
    exact = [jnp.abs(end) < most for end in (low, high)]
    return [Interval(jnp.where(exact[0], low, drawn.low), jnp.where(exact[1], high, drawn.high))]


def _is_finite(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    low, high = inputs[0]
    sure = jnp.isfinite(low) & jnp.isfinite(high)
    return [Interval(sure, jnp.ones_like(sure))]


def _summed(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """As many roundings of the sum of the sizes as there are terms."""
    low, high = (_apply(equation, end) for end in inputs[0])
    if not is_float(low):
        return [whole_like(low)]
    sizes = _apply(equation, jnp.maximum(*map(jnp.abs, inputs[0])))
    terms = inputs[0].low.size // max(1, low.size) if equation.primitive.name == "reduce_sum" else inputs[0].low.size
    lost = max(terms - 1, 0) * (float(jnp.finfo(low.dtype).eps) * sizes + float(jnp.finfo(low.dtype).tiny))
    return [outward(low - lost, high + lost) if terms > 1 else Interval(low, high)]


def _sort(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
    """Alone, the k-th smallest rises with every number."""
    if len(inputs) > 1:
        return [whole_like(each.low) for each in inputs]
    return [Interval(*(_bound(equation, [end])[0] for end in inputs[0]))]


def _logical(sign: int) -> Rule:
    def rule(equation: JaxprEqn, inputs: list[Interval]) -> list[Interval]:
        booleans = jnp.result_type(inputs[0].low) == jnp.bool_
        return _ends(sign)(equation, inputs) if booleans else _as_balls(equation, inputs)

    return rule


RISING = {
    "ceil",
    "clamp",
    "cummax",
    "cummin",
    "floor",
    "max",
    "min",
    "reduce_and",
    "reduce_max",
    "reduce_min",
    "reduce_or",
}
RISING |= {"reduce_window_max", "reduce_window_min", "round", "sign"}
FALLING = {"erfc"}
RANGES = {
    "erf": (-1, 1),
    "erfc": (0, 2),
    "exp": (0, jnp.inf),
    "exp2": (0, jnp.inf),
    "logistic": (0, 1),
    "tanh": (-1, 1),
}
# Functions whose domain has an end are left to balls.
LIMITED = {"acos", "acosh", "asin", "atanh", "erf_inv", "log1p"}
EXACT = {*arithmetic.EXACT, *places.EXACT, *RISING, "argmax", "argmin", "sort", "top_k"}
RULES: dict[str, Rule] = {
    **dict.fromkeys(places.MOVING | places.MOVING_MANY, _moved),
    **dict.fromkeys(RISING, _ends(1)),
    **{name: _of_function(name) for name in {*functions.RISING, "exp", "tanh"} - LIMITED if name in functions.CHARGES},
    **dict.fromkeys(("lt", "lt_to"), _comparison(lambda a, b: a.high < b.low, lambda a, b: a.low < b.high)),
    **dict.fromkeys(("le", "le_to"), _comparison(lambda a, b: a.high <= b.low, lambda a, b: a.low <= b.high)),
    **dict.fromkeys(("eq", "eq_to"), _equality),
    **dict.fromkeys(("max", "min"), _choice),
    "gt": _comparison(lambda a, b: a.low > b.high, lambda a, b: a.high > b.low),
    "ge": _comparison(lambda a, b: a.low >= b.high, lambda a, b: a.high >= b.low),
    "ne": _comparison(lambda a, b: ~_meets(a, b), lambda a, b: ~_is_one(a, b)),
    "abs": _abs,
    "add": _add,
    "add_any": _add,
    "and": _logical(1),
    "convert_element_type": _convert,
    "cumsum": _summed,
    "div": _div,
    "dynamic_slice": _gather,
    "dynamic_update_slice": _updated,
    "gather": _gather,
    "integer_pow": _integer_pow,
    "is_finite": _is_finite,
    "log": _log,
    "mul": _mul,
    "neg": _ends(-1),
    "not": _logical(-1),
    "or": _logical(1),
    "pow": _pow,
    "reduce_sum": _summed,
    "rem": _rem,
    "rsqrt": _rooted,
    "select_n": _select_n,
    "sort": _sort,
    "sqrt": _rooted,
    "square": _square,
    "sub": _add,
}
