"""Jaxprs: what only calls is opened, in whatever way it calls, and a search finds what stands inside branches and loops."""

import jax
import jax.numpy as jnp
import pytest

from hillopt.jaxprs import CALLS, depends_on, equations, interpret
from hillopt.proofs import Ball, bounded


@jax.custom_jvp
def third(x):
    return x / 3


@jax.custom_vjp
def fourth(x):
    return x / 4


third.defjvp(lambda primals, tangents: (primals[0] / 3, tangents[0] / 3))
fourth.defvjp(lambda x: (x / 4, None), lambda _, cotangent: (cotangent / 4,))
WRAPPED = {
    "plainly": lambda x: x / 2,
    "jit": jax.jit(lambda x: x / 2),
    "jit twice": jax.jit(lambda x: jax.jit(jnp.sin)(x) / 2),
    "custom_jvp": third,
    "custom_vjp": fourth,
    "checkpoint": jax.checkpoint(lambda x: x / 2),
    "all": jax.jit(lambda x: jax.checkpoint(third)(x) + fourth(x)),
}


@pytest.mark.parametrize("function", WRAPPED.values(), ids=WRAPPED)
def test_calls_are_opened_and_never_reach_the_rule(function):
    met = []

    def rule(equation, inputs):
        met.append(equation.primitive.name)
        return [equation.primitive.bind(*inputs, **equation.params)]

    closed = jax.make_jaxpr(function)(1.5)
    (value,) = interpret(closed, [jnp.asarray(1.5)], rule, literal=lambda atom: atom.val, constant=lambda const: const)
    assert float(value) == pytest.approx(float(function(1.5)), rel=1e-15)
    assert "div" in met
    assert not set(met) & set(CALLS)


def test_values_may_be_of_any_kind():
    """Formulas, say."""
    closed = jax.make_jaxpr(jax.jit(lambda x, y: x * x + y + 2.0))(jnp.asarray(1.0), jnp.asarray(2.0))

    def rule(equation, inputs):
        del equation
        return ["(" + " ".join(inputs) + ")"]

    assert interpret(closed, ["x", "y"], rule, literal=lambda atom: str(atom.val), constant=str) == ["(((x x) y) 2.0)"]


HIDDEN = {
    "here": jnp.sin,
    "in a call": jax.jit(lambda x: jax.checkpoint(jnp.sin)(x)),
    "in a branch": lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.cos, x),
    "in a loop": lambda x: jax.lax.fori_loop(0, 3, lambda _, x: jnp.sin(x), x),
    "in a loop without a count": lambda x: jax.lax.while_loop(lambda x: x > 1, jnp.sin, x),
    "in a map under vmap": lambda x: jax.vmap(lambda y: jax.lax.map(jnp.sin, y))(jnp.full((2, 3), x)),
}


@pytest.mark.parametrize("function", HIDDEN.values(), ids=HIDDEN)
def test_a_primitive_is_found_wherever_it_stands(function):
    found = {equation.primitive.name for equation in equations(jax.make_jaxpr(function)(1.0))}
    assert "sin" in found
    assert "tan" not in found


def test_a_checkpoint_costs_a_bound_nothing():
    """It has had several names as a primitive; one that was not known made every answer uncertain."""
    ball, _ = bounded(jax.checkpoint(lambda x: x / 3))(Ball(jnp.asarray(1.5), jnp.asarray(0.25)))
    assert float(ball.radius) == pytest.approx(0.25 / 3)


def test_what_depends_on_its_arguments():
    outside = jnp.asarray(3.0)
    assert depends_on(jax.jit(lambda x: outside * x), 1.0)
    assert depends_on(lambda x: jax.lax.cond(x > 0, lambda: outside, lambda: 2.0), 1.0)
    assert not depends_on(jax.jit(lambda x: outside * 2), 1.0)
    assert not depends_on(lambda x: (jnp.sin(x), outside)[1], 1.0)
