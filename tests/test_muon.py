"""Muon against singular values by NumPy, and against optax's, which multiplies in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aecluster.muon import muon, orthogonalize

RNG = np.random.default_rng(7)
SHAPES = {"wide": (40, 90), "tall": (90, 40), "convolution": (3, 3, 4, 50)}


def matrix_of(singular, rows=40, columns=60):
    left, right = (np.linalg.qr(RNG.normal(size=(n, n)))[0] for n in (rows, columns))
    return (left * singular) @ right[:rows]


def test_singular_values_come_near_one_and_vectors_stay():
    matrix = matrix_of(np.geomspace(1e-2, 1, 40))
    found = np.asarray(orthogonalize(jnp.float32(matrix)))
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    along = left.T @ found @ right.T
    assert np.all((np.diag(along) > 0.65) & (np.diag(along) < 1.25))
    assert np.abs(along - np.diag(np.diag(along))).max() < 0.05


def test_the_iterations_are_the_quintic_on_every_singular_value():
    singular = np.geomspace(0.1, 1, 40)
    found = np.linalg.svd(orthogonalize(jnp.float32(matrix_of(singular))), compute_uv=False)
    expected = singular / np.linalg.norm(singular)
    for _ in range(5):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    np.testing.assert_allclose(np.sort(found), np.sort(expected), rtol=0.02)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_with_float32_factors_a_step_is_optaxs(shape, monkeypatch):
    monkeypatch.setattr("aecluster.muon.FACTORS", np.float32)

    def axes(params):
        return {
            "kernel": optax.contrib.MuonDimensionNumbers(tuple(range(len(shape) - 1)), (len(shape) - 1,)),
            "bias": None,
        }

    params = {"kernel": np.zeros(shape, np.float32), "bias": np.zeros(shape[-1], np.float32)}
    found, expected = muon(0.1), optax.contrib.muon(0.1, muon_weight_dimension_numbers=axes)
    gradients = jax.tree.map(lambda leaf: RNG.normal(size=(150, *leaf.shape)).astype(np.float32), params)

    def last(rule):  # after so many steps that optax's correction of the momentum's beginning no longer counts
        updates = jax.lax.scan(
            lambda state, each: rule.update(each, state, params)[::-1], rule.init(params), gradients
        )[1]
        return jax.tree.map(lambda leaf: leaf[-1], updates)

    with jax.default_matmul_precision("float32"):  # a GPU's own has 10 bits
        ours, theirs = jax.jit(last, static_argnums=0)(found), jax.jit(last, static_argnums=0)(expected)
    np.testing.assert_allclose(ours["bias"], theirs["bias"], rtol=1e-5)
    assert np.linalg.norm(ours["kernel"] - theirs["kernel"]) < 1e-3 * np.linalg.norm(theirs["kernel"])


def test_without_a_gradient_nothing_moves():
    params = {"kernel": np.zeros((5, 6), np.float32)}
    rule = muon(0.1)
    update, _ = rule.update(params, rule.init(params), params)
    np.testing.assert_array_equal(update["kernel"], 0)
