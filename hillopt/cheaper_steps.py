"""A step made cheaper before it is walked a million times, by an interpreter of its jaxpr.

Powers are carried along. Most of optax's optimizers correct a bias by 1 - beta**t: a power a step and lane, which costs more
than all the rest of the step. Wherever a number that only hyperparameters make is raised to the number of the step, the power
of the step before is multiplied by that number once more. That differs from the power by half a unit in the last place a
step, which is what our own optimizers allow themselves too.

Squares of signs are one. On a hill whose slope is +1 or -1 a second moment is the same for all lanes that share its decay;
vmap does not carry a number for every lane if it sees that it depends on none. This changes no bit.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal
from jaxtyping import Array, ArrayLike, PyTree

from hillopt.jaxprs import interpret

TRIAL = (1.0, 2.0, 3.0)  # the exponents that a counter of steps shows in the first three
SETTLED, COUNTED, MOVING = "hyperparameters", "counters", "all else"
KEEP_SIZE = {"broadcast_in_dim", "convert_element_type", "copy", "neg", "pcast", "pvary", "reshape", "squeeze"}


class Known(NamedTuple):
    """A value of the interpreted step, and which of the three it is made from; a literal is made from nothing."""

    value: Array
    sources: frozenset[str] = frozenset()
    is_sign: bool = False
    """Whether it is -1 or +1, whatever the inputs."""


class Simplified(NamedTuple):
    """A step with its running powers: `step(optimizer, state, powers, position, *others) -> ((position, state), powers)`."""

    step: Callable[..., PyTree]
    powers: list[Array]
    """Before the first step: ones."""


def simplified(
    step: Callable[..., PyTree],
    first_state: Callable[..., PyTree],
    optimizer: PyTree,
    position: PyTree,
    *others: PyTree,
) -> Simplified:
    """Simplify `step(optimizer, state, position, *others) -> (position, state)` of one lane.

    To find its powers it is tried out for three steps with one half for every number; a site counts if its exponent is
    1, 2, 3 then. Of the arguments only shapes and dtypes matter.
    """
    no_mesh = jax.sharding.AbstractMesh((), ())  # tried out here, whatever devices the step is for
    with jax.sharding.use_abstract_mesh(no_mesh), jax.ensure_compile_time_eval():
        halves = jax.tree.map(lambda leaf: jnp.full(leaf.shape, 0.5, leaf.dtype), (optimizer, position, *others))
        state = first_state(*halves[:2])
        seen: list[dict[int, float]] = []
        for _ in TRIAL:
            seen.append({})
            _, state = _interpret(step, halves[0], state, halves[1:], functools.partial(_note, seen[-1]))
    sites = [site for site in seen[0] if tuple(each.get(site) for each in seen) == TRIAL]

    def take(optimizer: PyTree, state: PyTree, powers: list[Array], *others: PyTree) -> tuple[PyTree, list[Array]]:
        renewed = list(powers)

        def power(site: int, base: Array, exponent: Array) -> Array | None:
            del exponent
            if site not in sites:
                return None
            place = sites.index(site)
            renewed[place] = powers[place] * base
            return renewed[place]

        return _interpret(step, optimizer, state, others, power), renewed

    dtype = jnp.result_type(*jax.tree.leaves(optimizer))
    return Simplified(take, [jnp.ones((), dtype) for _ in sites])


def _note(exponents: dict[int, float], site: int, base: Array, exponent: Array) -> None:
    del base
    exponents[site] = float(exponent)


def _interpret(
    step: Callable, optimizer: PyTree, state: PyTree, others: PyTree, power: Callable[[int, Array, Array], Array | None]
) -> PyTree:
    """The step's outputs; `power(site, base, exponent)` may give a value in place of a power, or None."""
    closed, shapes = jax.make_jaxpr(step, return_shape=True)(optimizer, state, *others)
    inputs = [Known(leaf, frozenset([SETTLED])) for leaf in jax.tree.leaves(optimizer)]
    inputs += [Known(leaf, frozenset([COUNTED if _is_counter(leaf) else MOVING])) for leaf in jax.tree.leaves(state)]
    inputs += [Known(leaf, frozenset([MOVING])) for leaf in jax.tree.leaves(others)]
    sites = itertools.count()
    rule = functools.partial(_apply, sites=sites, power=power)
    outputs = interpret(closed, inputs, rule, literal=_literal, constant=Known)
    return jax.tree.unflatten(jax.tree.structure(shapes), [output.value for output in outputs])


def _is_counter(leaf: ArrayLike) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.integer) and jnp.ndim(leaf) == 0


def _literal(atom: Literal) -> Known:
    return Known(atom.val, is_sign=bool(np.all(np.abs(np.asarray(atom.val, float)) == 1)))


def _apply(equation: JaxprEqn, inputs: list[Known], sites: Iterator[int], power: Callable) -> list[Known]:
    name, params = equation.primitive.name, equation.params
    values = [known.value for known in inputs]
    if name == "pow" and inputs[0].sources == {SETTLED} and inputs[1].sources == {COUNTED}:
        found = power(next(sites), *values)
        if found is not None:
            return [Known(found, frozenset([MOVING]))]
    if _is_square_of_sign(name, params, inputs):
        return [Known(_one(equation.outvars[0].aval), is_sign=True)]
    outputs = equation.primitive.bind(*values, **params)
    outputs = outputs if equation.primitive.multiple_results else [outputs]
    sources = frozenset[str]().union(*(known.sources for known in inputs))
    return [Known(output, sources, _is_sign(name, inputs)) for output in outputs]


def _one(aval: Any) -> Any:
    """A literal where that can be, which is what kernels take; inside shard_map of the type that the square had."""
    one = np.ones(aval.shape, aval.dtype) if aval.shape else aval.dtype.type(1)
    varying = aval.manual_axis_type.varying if aval.manual_axis_type else ()
    return jax.lax.pcast(jnp.asarray(one), tuple(varying), to="varying") if varying else one


def _is_sign(name: str, inputs: list[Known]) -> bool:
    given = inputs[1:] if name == "select_n" else inputs
    return name in {"select_n", "mul", *KEEP_SIZE} and all(known.is_sign for known in given)


def _is_square_of_sign(name: str, params: dict[str, Any], inputs: list[Known]) -> bool:
    even = name in ("square", "abs") or (name == "integer_pow" and params["y"] % 2 == 0)
    return inputs != [] and inputs[0].is_sign and (even or (name == "mul" and inputs[0].value is inputs[1].value))
