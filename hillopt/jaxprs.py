"""Jaxprs, read in one place: an interpreter that works with values of any kind, and a walk over all equations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

T = TypeVar("T")

# What only calls another jaxpr, and the parameter that holds it. Checkpoints have had three names in as many years.
CALLS = {
    "checkpoint": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
}


def interpret(
    closed: ClosedJaxpr,
    arguments: Sequence[T],
    rule: Callable[[JaxprEqn, list[T]], Sequence[T]],
    *,
    literal: Callable[[Literal], T],
    constant: Callable[[Any], T],
) -> list[T]:
    """Evaluate a jaxpr on values of one's own: balls, numbers that know where they come from, shapes, anything.

    `rule(equation, inputs)` gives an equation's outputs, in order of execution. Equations that only call another jaxpr
    are opened here and never reach it; of control flow (`cond`, `scan`, `while`) it is given the equation as a whole.
    `literal` and `constant` make values of what is written into the jaxpr.
    """
    jaxpr, environment = closed.jaxpr, dict[Any, T]()

    def read(atom: Any) -> T:
        return literal(atom) if isinstance(atom, Literal) else environment[atom]

    def evaluate(equation: JaxprEqn) -> Sequence[T]:
        inputs, inner = [read(atom) for atom in equation.invars], _called(equation)
        if inner is None:
            return rule(equation, inputs)
        return interpret(inner, inputs, rule, literal=literal, constant=constant)

    environment.update(zip(jaxpr.constvars, map(constant, closed.consts), strict=True))
    environment.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        environment.update(zip(equation.outvars, evaluate(equation), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _called(equation: JaxprEqn) -> ClosedJaxpr | None:
    """The jaxpr that an equation only calls, or None if it does more than that."""
    if equation.primitive.name == "call_hi_primitive":  # from JAX 0.12 on, searchsorted: what it stands for is traced
        return jax.make_jaxpr(equation.params["_prim"].expand)(*(atom.aval for atom in equation.invars))
    if equation.primitive.name not in CALLS:
        return None
    inner = equation.params[CALLS[equation.primitive.name]]
    return inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())


def scan_parts(equation: JaxprEqn) -> tuple[int, int]:
    """How many of a scan's inputs stay as they are, and how many are carried. What tells it has changed with JAX 0.12."""
    if "num_consts" in equation.params:
        return equation.params["num_consts"], equation.params["num_carry"]
    staying, carried, _ = equation.params["ft_in"].update(equation.invars).unpack()
    return len(list(staying)), len(list(carried))


def replaced(function: Callable[..., Any], rules: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function with some primitives computed otherwise, in its loops and branches too.

    `rules[name](*inputs)` gives the one result of a primitive of floating-point numbers; what is given integers stays.
    """

    def rule(equation: JaxprEqn, inputs: list[Any]) -> list[Any]:
        name = equation.primitive.name
        if name in rules and jnp.issubdtype(jnp.result_type(*inputs), jnp.floating):
            return [rules[name](*inputs)]
        params = {key: jax.tree.map(inside, value, is_leaf=_is_jaxpr) for key, value in equation.params.items()}
        found = equation.primitive.bind(*inputs, **params)
        return list(found) if equation.primitive.multiple_results else [found]

    def inside(part: Any) -> Any:
        return jax.make_jaxpr(lambda *inputs: evaluate(part, inputs))(*part.in_avals) if _is_jaxpr(part) else part

    def evaluate(closed: ClosedJaxpr, inputs: Sequence[Any]) -> list[Any]:
        return interpret(closed, inputs, rule, literal=lambda atom: atom.val, constant=lambda value: value)

    def run(*arguments: Any) -> Any:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        return jax.tree.unflatten(jax.tree.structure(shapes), evaluate(closed, jax.tree.leaves(arguments)))

    return run


def depends_on(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether anything that a function gives depends on its arguments, rather than on what it closes over."""
    closed = jax.make_jaxpr(function)(*arguments)

    def rule(equation: JaxprEqn, inputs: list[bool]) -> list[bool]:
        return [any(inputs)] * len(equation.outvars)

    def fixed(_: Any) -> bool:
        return False

    given = [True] * len(closed.jaxpr.invars)
    outputs: list[bool] = interpret(closed, given, rule, literal=fixed, constant=fixed)
    return any(outputs)


def equations(jaxpr: Jaxpr | ClosedJaxpr) -> Iterator[JaxprEqn]:
    """Every equation, those inside calls, branches and loops included.

    To look for a primitive: `any(equation.primitive.name == "sin" for equation in equations(jax.make_jaxpr(f)(x)))`.
    """
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr):
            if _is_jaxpr(inner):
                yield from equations(inner)


def _is_jaxpr(leaf: Any) -> bool:
    return isinstance(leaf, (Jaxpr, ClosedJaxpr))


# What gives a derivative that need not be the function's.
RULES_OF_ITS_OWN = {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "stop_gradient"}


def without_rules_of_its_own(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose derivative JAX takes operation by operation: nobody's own rule, nothing that stops it."""

    def opened(*arguments: Any) -> Any:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)

        def apply(equation: JaxprEqn, inputs: list[Any]) -> Sequence[Any]:
            if equation.primitive.name == "stop_gradient":
                return inputs
            outputs = equation.primitive.bind(*inputs, **equation.params)
            return outputs if equation.primitive.multiple_results else [outputs]

        outputs: list[Any] = interpret(
            closed,
            jax.tree.leaves(arguments),
            apply,
            literal=lambda atom: atom.val,
            constant=lambda value: value,
        )
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return opened


def hides_rules(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether loops or branches of a function hide derivatives that somebody has made up."""
    jaxpr = jax.make_jaxpr(without_rules_of_its_own(function))(*arguments)
    return any(equation.primitive.name in RULES_OF_ITS_OWN for equation in equations(jaxpr))
