"""Running powers: found where they are, left alone where they are not, and the same walk."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.simplified import simplified

BETAS = {"b1": jnp.asarray(0.9), "b2": jnp.asarray(0.99)}


def start(betas, position):
    del betas, position
    return jnp.asarray(0), jnp.asarray(1.0)


def run(step, num_steps):
    reduced = simplified(step, start, BETAS, jnp.zeros(()))
    state, powers, position, seen = start(None, None), reduced.powers, jnp.zeros(()), []
    for _ in range(num_steps):
        (position, state), powers = reduced.step(BETAS, state, powers, position)
        seen.append(float(position))
    return seen, len(powers)


def test_powers_by_the_step_are_carried_along():
    def step(betas, state, position):
        count = jnp.minimum(state[0] + 1, 2**31 - 1)
        return betas["b1"] ** count + jax.jit(lambda b: (1 - b) ** count)(betas["b2"]), (count, state[1])

    seen, found = run(step, 30)
    assert found == 2
    np.testing.assert_allclose(seen, [0.9**t + 0.01**t for t in range(1, 31)], rtol=1e-13)


@pytest.mark.parametrize(
    "exponent",
    [lambda state: 2.0 * (state[0] + 1), lambda state: state[1] * (state[0] + 1), lambda state: state[1]],
    ids=["twice the step", "the step times a number of the state", "a number of the state"],
)
def test_other_powers_are_left_alone(exponent):
    def step(betas, state, position):
        del position
        return betas["b1"] ** exponent(state), (state[0] + 1, state[1])

    seen, found = run(step, 4)
    assert found == 0
    np.testing.assert_allclose(seen, [0.9 ** float(exponent((t, 1.0))) for t in range(4)], rtol=1e-13)


def test_a_base_that_moves_is_left_alone():
    def step(betas, state, position):
        return (1 + position * position) ** (state[0] + 1) * betas["b1"], (state[0] + 1, state[1])

    assert run(step, 3)[1] == 0


@pytest.mark.parametrize("name", ["adam", "nadam", "adamax", "radam", "contrib.ademamix"])
def test_the_plain_walk_is_that_of_the_optimizer_itself(name):
    optimizer = ho.optax_named(name, learning_rate=np.array([0.02, 0.3]))
    plain = ho.critical_height(ho.TentHill(), optimizer, max_steps=300, implementation="plain")
    walk = ho.trajectory(ho.TentHill(), optimizer, num_steps=300)
    np.testing.assert_allclose(plain.height, np.asarray(walk.position).max(0) - 1, atol=1e-11)


def test_optaxs_adam_carries_both_of_its_powers():
    numbers = {"learning_rate": jnp.asarray(0.1), "b1": jnp.asarray(0.9), "b2": jnp.asarray(0.99)}

    def step(numbers, state, position):
        update, state = optax.adam(**numbers).update(position, state, position)
        return position + update, state

    reduced = simplified(step, lambda numbers, x: optax.adam(**numbers).init(x), numbers, jnp.zeros(()))
    assert len(reduced.powers) == 2
