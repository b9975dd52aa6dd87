"""Simplified steps: powers carried along and squares of signs dropped where that is right, and only there."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho
from hillopt.cheaper_steps import simplified
from hillopt.climbs.cheap_walk import CheapWalk
from hillopt.optimizers import as_arrays

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
    plain = ho.critical_height(ho.TentHill(), optimizer, max_steps=300, climb=ho.PlainClimb())
    walk = ho.trajectory(ho.TentHill(), optimizer, max_steps=300)
    np.testing.assert_allclose(plain.critical_height, np.asarray(walk.position).max(0) - 1, atol=1e-11)


def test_optaxs_adam_carries_both_of_its_powers():
    numbers = {"learning_rate": jnp.asarray(0.1), "b1": jnp.asarray(0.9), "b2": jnp.asarray(0.99)}

    def step(numbers, state, position):
        update, state = optax.adam(**numbers).update(position, state, position)
        return position + update, state

    reduced = simplified(step, lambda numbers, x: optax.adam(**numbers).init(x), numbers, jnp.zeros(()))
    assert len(reduced.powers) == 2


def second_moments(hill):
    """Adam's second moments after a step from two places, carried once for both lanes; an error if they depend on the lane."""
    walker = CheapWalk(hill, as_arrays(ho.Adam(0.3)))
    after = lambda place: walker.after(walker.begin._replace(position=place)).state.second  # noqa: E731
    return jax.vmap(after, out_axes=None)(jnp.array([0.5, 1.1]))


def test_on_slopes_of_size_one_the_second_moment_depends_on_no_lane():
    assert float(second_moments(ho.TentHill().flank())) == pytest.approx(0.001)
    with pytest.raises(ValueError, match="out_axes"):
        second_moments(jax.tree.map(jnp.asarray, ho.WedgeHill(0.2)))


@pytest.mark.parametrize("square", [jnp.square, lambda g: g * g, lambda g: g**2, jnp.abs, lambda g: (-g) ** 4])
def test_squares_of_signs_are_one_and_other_squares_are_left_alone(square):
    def step(betas, state, position):
        sign, other = jnp.where(position > 1, 1.0, -1.0), jnp.where(position > 1, 2.0, -1.0)
        return position + square(sign) + 10 * square(other), (state[0], square(sign) * betas["b1"])

    reduced = simplified(step, start, BETAS, jnp.zeros(()))
    for place in (0.5, 1.5):
        (position, state), _ = reduced.step(BETAS, start(None, None), reduced.powers, jnp.asarray(place))
        expected, (_, moment) = step(BETAS, start(None, None), jnp.asarray(place))
        assert float(position) == float(expected)
        assert float(state[1]) == float(moment) == 0.9


def test_what_is_no_sign_for_sure_is_squared():
    def step(betas, state, position):
        return jnp.square(jnp.sign(position)) * betas["b1"], state

    reduced = simplified(step, start, BETAS, jnp.zeros(()))
    (position, _), _ = reduced.step(BETAS, start(None, None), reduced.powers, jnp.asarray(0.0))
    assert float(position) == 0.0
