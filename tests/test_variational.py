"""The variational autoencoder: divergence by quadrature, bounds of a model whose evidence is known, training in nats."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from test_stopping import DATA

import aecluster as ae
from aecluster.models import Gaussian
from aecluster.training.networks import network_task
from aecluster.variational import bounds

NETWORK = ae.Variational(2, (6,))
RECIPE = dataclasses.replace(ae.RECIPES["variational"], epochs=4, batch_size=5)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 0.3), (-0.7, 2.0)])
def test_the_divergence_is_that_of_quadrature(mean, deviation):
    at = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 20_001)
    one = norm(mean, deviation)
    expected = np.trapezoid(one.pdf(at) * (one.logpdf(at) - norm.logpdf(at)), at)
    code = Gaussian(jnp.full((1, 3), mean), jnp.full((1, 3), 2 * np.log(deviation)))
    np.testing.assert_allclose(code.divergence(), [3 * expected], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(code.log_density(jnp.full((1, 3), 0.4)), [3 * one.logpdf(0.4)], rtol=1e-5)


# x = weights z + noise: the evidence and the posterior are Gaussians with a formula
WEIGHTS, NOISE = np.array([[1.0, 0.5], [-0.3, 0.8], [0.2, -1.1]]), 0.6
SEEN = np.array([0.7, -0.4, 1.2])
COVARIANCE = np.linalg.inv(np.eye(2) + WEIGHTS.T @ WEIGHTS / NOISE**2)
MEAN = COVARIANCE @ WEIGHTS.T @ SEEN / NOISE**2
EVIDENCE = multivariate_normal(np.zeros(3), WEIGHTS @ WEIGHTS.T + NOISE**2 * np.eye(3)).logpdf(SEEN)


def log_joint(codes):
    means = codes @ WEIGHTS.T
    told = jax.scipy.stats.norm.logpdf(SEEN, means, NOISE).sum(1)
    return told + jax.scipy.stats.norm.logpdf(codes).sum(1)


def test_bounds_of_a_linear_gaussian_model_whose_evidence_is_known():
    variance = np.array([0.3, 0.15])
    posterior = Gaussian(jnp.array([MEAN + 0.2]), jnp.log(jnp.array([variance])))
    elbo, weighted = (float(bound[0]) for bound in bounds(jax.random.key(0), posterior, log_joint, 20_000))
    inverse, apart = np.linalg.inv(COVARIANCE), np.full(2, 0.2)
    logs = np.linalg.slogdet(COVARIANCE)[1] - np.log(variance).sum()
    gap = (np.trace(inverse @ np.diag(variance)) + apart @ inverse @ apart - 2 + logs) / 2
    assert elbo == pytest.approx(EVIDENCE - gap, abs=0.03)
    assert weighted == pytest.approx(EVIDENCE, abs=0.03)
    assert elbo < weighted - 0.1


def test_fewer_samples_are_a_lower_bound():
    posterior = Gaussian(jnp.array([MEAN + 0.2] * 500), jnp.log(jnp.full((500, 2), 0.3)))
    means = [bounds(jax.random.key(1), posterior, log_joint, num).importance_weighted.mean() for num in (1, 5, 50)]
    assert means == sorted(means)
    assert means[-1] <= EVIDENCE + 0.01


@pytest.fixture(scope="module")
def trained():
    return ae.train(NETWORK, DATA, RECIPE, seeds=(3, 5))


def test_what_is_minimised_is_the_negative_bound_in_nats(trained):
    images = DATA.train.images[:5]
    task = network_task(NETWORK, DATA.image_shape, RECIPE)
    params = jax.tree.map(lambda leaf: leaf[1], trained.params)
    keys = jax.random.split(jax.random.key(2), 4_000)
    losses = jax.vmap(lambda key: task.loss(params, None, jnp.asarray(images), key, jnp.float32(0))[0])(keys)
    other = ae.evidence(trained, images, num_samples=4_000).elbo[1].mean()
    assert float(losses.mean()) == pytest.approx(-other, rel=5e-3)


def test_beta_weighs_the_divergence():
    params = network_task(NETWORK, DATA.image_shape, RECIPE).fresh(0)
    found = []
    for beta in (0.0, 1.0, 4.0):
        task = network_task(dataclasses.replace(NETWORK, beta=beta), DATA.image_shape, RECIPE)
        loss, _ = task.loss(params, None, jnp.asarray(DATA.train.images), jax.random.key(0), jnp.float32(0))
        found.append(float(loss))
    assert found[2] - found[0] == pytest.approx(4 * (found[1] - found[0]), rel=1e-4)
    assert found[0] < found[1] < found[2]


def test_it_is_an_autoencoder_like_the_others(trained, tmp_path):
    images = DATA.test.images
    member = trained.member(1)
    np.testing.assert_allclose(trained.encode(images)[1], member.encoder.posterior(jnp.asarray(images)).mean, rtol=1e-5)
    np.testing.assert_allclose(trained.reconstruct(images), trained.decode(trained.encode(images)), rtol=1e-5)
    ae.save(trained, tmp_path / "saved")
    restored = ae.restore(tmp_path / "saved")
    assert restored.architecture == NETWORK
    np.testing.assert_array_equal(restored.encode(images), trained.encode(images))
    found = ae.evidence(restored, images)
    assert found.elbo.shape == (2, 5)
    assert (found.elbo <= found.importance_weighted).all()
    own = ae.sample_prior(trained, 4)
    assert own.shape == (2, 4, 3, 3, 1)
    np.testing.assert_array_equal(own, ae.sample_prior(restored, 4))
    assert (own != ae.sample_prior(trained, 4, seed=1)).any()


def test_others_have_no_evidence():
    dense = ae.train(ae.Dense(2, ()), DATA, dataclasses.replace(RECIPE, epochs=1))
    for refused in (lambda: ae.evidence(dense, DATA.test.images), lambda: ae.sample_prior(dense, 1)):
        with pytest.raises(ValueError, match="`ensemble` must be variational, got Dense"):
            refused()
