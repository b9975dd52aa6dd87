"""The estimators as scikit-learn's users take them: its contract, tables in and out, copies on disk, pipelines, grids."""

import contextlib
import copy
import dataclasses
import io
import pickle
from unittest import SkipTest

import joblib
import numpy as np
import optax
import pandas
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import validate_data

import aecluster as ae
from aecluster import clustering
from aecluster.clustering import deep

RNG = np.random.default_rng(6)
LABELS = np.arange(40) % 2
IMAGES = np.clip(RNG.random((40, 4, 4, 1)) / 4 + 0.7 * LABELS[:, None, None, None], 0, 1).astype(np.float32)
ROWS = IMAGES.reshape(40, 16)
TABLE = pandas.DataFrame(ROWS, columns=[f"pixel{place}" for place in range(16)], index=np.arange(40) + 100)
QUICK = dataclasses.replace(ae.RECIPES["invariant"], epochs=1, optimizer=optax.sgd)
SMALL = clustering.DeepClustering(
    2, latent_size=2, widths=(4,), recipe=QUICK, self_training=clustering.SelfTraining(epochs=1), random_state=0
)
CHECKS = list(estimator_checks_generator(SMALL))
pytestmark = [pytest.mark.usefixtures("compiled_in_haste"), pytest.mark.filterwarnings("ignore:n_jobs value")]


@dataclasses.dataclass
class Plain:
    """Networks without a training: the first numbers of an image, and the nearest of the clusters' means."""

    latent_size: int
    means: np.ndarray | None = None
    encoder: None = None

    def member(self, index):
        return self

    def check(self, images):
        pass

    def encode(self, images):
        return images.reshape(1, len(images), -1)[..., : self.latent_size]

    def memberships(self, images):
        far = ((images.reshape(len(images), 1, -1) - self.means) ** 2).sum(-1)
        near = np.exp(far.min(1, keepdims=True) - far)
        return near / near.sum(1, keepdims=True)


@pytest.fixture
def untrained(monkeypatch):
    """What an estimator owes its callers, and not what networks learn, which takes most of the time and has its own tests."""

    def train(model, images, seed):
        return Plain(min(model.latent_size, images[0].size))

    def learn(images, memberships, *_):
        weights = memberships / np.maximum(memberships.sum(0), 1e-9)
        return Plain(1, weights.T @ images.reshape(len(images), -1))

    monkeypatch.setattr(clustering.DeepClustering, "_train", train)
    monkeypatch.setattr(deep, "learn", learn)
    monkeypatch.setattr(deep, "learn_among", lambda images, several, *_: learn(images, several[:, 0]))
    monkeypatch.setattr(deep, "unrolled", laid_out)


def laid_out(latents, seed, neighbours=0):
    """Instead of UMAP's layout, what is laid out."""
    return np.asarray(latents, np.float64)


@pytest.mark.usefixtures("as_users_call", "untrained")
@pytest.mark.filterwarnings("ignore")  # mixtures of data as small as scikit-learn's checks use
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{i}-{check.func.__name__}" for i, (_, check) in enumerate(CHECKS)]
)
def test_deep_clustering_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.usefixtures("as_users_call")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{i}-{check.func.__name__}" for i, (_, check) in enumerate(CHECKS)]
)
def test_deep_clustering_keeps_it_with_its_networks_and_layouts(estimator, check):
    """Half an hour. One epoch would teach a classifier of fifty rows nothing, and they are asked for their clusters."""
    check(estimator.set_params(self_training=clustering.SelfTraining(epochs=60)))


@pytest.fixture(scope="module")
def encoder():
    data = ae.ImageData("two", ae.Split(IMAGES, LABELS), ae.Split(IMAGES[:8], LABELS[:8]))
    return clustering.LatentEncoder(ae.train(ae.Dense(2, (4,)), data, ae.Recipe(epochs=1, batch_size=20), seeds=(0, 1)))


@pytest.fixture(scope="module")
def clusters():
    """Trained, but for UMAP's layout."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deep, "unrolled", laid_out)
        yield clone(SMALL).fit(TABLE), clone(SMALL).fit(TABLE)


@pytest.fixture(params=["encoder", pytest.param("deep", marks=pytest.mark.slow)])
def fitted(request, encoder):
    """Either estimator, fitted to a table."""
    return copy.deepcopy(
        request.getfixturevalue("clusters")[0] if request.param == "deep" else clone(encoder).fit(TABLE)
    )


def test_tables_come_in_and_go_out(fitted):
    assert_keeps_tables(fitted)


@pytest.mark.usefixtures("untrained")
def test_deep_clustering_takes_and_gives_tables():
    assert_keeps_tables(clone(SMALL).fit(TABLE))


def assert_keeps_tables(fitted):
    names = fitted.get_feature_names_out()
    prefix = type(fitted).__name__.lower()
    assert names.tolist() == [f"{prefix}0", f"{prefix}1"]
    assert fitted.feature_names_in_.tolist() == TABLE.columns.tolist()
    plain = fitted.transform(TABLE)
    found = copy.deepcopy(fitted).set_output(transform="pandas").transform(TABLE)
    assert found.columns.tolist() == names.tolist()
    assert found.index.tolist() == TABLE.index.tolist()
    np.testing.assert_array_equal(found, plain)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(TABLE.rename(columns={"pixel0": "ink"}))


@pytest.mark.parametrize("module", [pickle, joblib], ids=["pickle", "joblib"])
def test_what_comes_back_from_disk_answers_alike(fitted, module):
    file = io.BytesIO()
    module.dump(fitted, file)
    file.seek(0)
    back = module.load(file)
    np.testing.assert_array_equal(back.transform(TABLE), fitted.transform(TABLE))
    assert repr(back) == repr(fitted)


def test_an_image_is_transformed_alike_in_every_company(fitted):
    together = fitted.transform(TABLE)
    for rows in ([3], [3, 0, 39], list(range(20))):
        np.testing.assert_allclose(fitted.transform(TABLE.iloc[rows]), together[rows], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_everything(clusters):
    first, second = clusters
    for name in ("labels_", "manifold_", "mixture_labels_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.predict_proba(TABLE), second.predict_proba(TABLE))


def test_an_encoder_in_a_pipeline_is_searched_over_a_grid(encoder):
    """Which member, and how many clusters: by the inertia of the held-out images, without labels."""
    pipeline = make_pipeline(encoder, KMeans(n_init=2, random_state=0))
    grid = {"latentencoder__member": [0, 1], "kmeans__n_clusters": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(IMAGES)
    assert search.best_params_["kmeans__n_clusters"] == 2
    assert len(search.cv_results_["params"]) == 4
    named = search.best_estimator_[:-1].get_feature_names_out()
    assert named.tolist() == ["latentencoder0", "latentencoder1"]


@pytest.mark.usefixtures("untrained")
def test_deep_clustering_is_searched_over_a_grid():
    search = GridSearchCV(SMALL, {"n_clusters": [2, 3]}, scoring="adjusted_rand_score", cv=2, error_score="raise")
    search.fit(ROWS, LABELS)
    assert search.best_params_["n_clusters"] == 2
    assert adjusted_rand_score(LABELS, search.predict(ROWS)) == 1


@pytest.fixture
def of_any_width(monkeypatch):
    """Any table becomes rows of the network's width in [0, 1]; all else is the encoder's own."""

    def images(self, X, reset):
        rows = validate_data(self, X, reset=reset, dtype=np.float32)[:, :16]
        return np.pad(1 / (1 + np.exp(-rows)), ((0, 0), (0, 16 - rows.shape[1]))).reshape(-1, 4, 4, 1)

    monkeypatch.setattr(clustering.LatentEncoder, "_images", images)


@pytest.mark.usefixtures("as_users_call", "of_any_width")
@pytest.mark.filterwarnings("ignore")
def test_an_encoder_of_any_width_keeps_scikit_learns_contract(encoder):
    for estimator, check in estimator_checks_generator(encoder):
        with contextlib.suppress(SkipTest):
            check(estimator)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (ROWS[:, :5], r"`images` must have shape \(images, 4, 4, 1\)"),
        (ROWS * 255, r"`images` must lie in \[0, 1\]"),
        (np.full((3, 16), np.nan), "contains NaN"),
        (ROWS + 0j, "Complex data not supported"),
        (ROWS[0], "Expected 2D array, got 1D array instead"),
        (IMAGES[:0], "`images` must have|at least one image"),
    ],
)
def test_an_encoder_refuses_other_images(images, message, encoder):
    for call in (clone(encoder).fit, encoder.fit(IMAGES).transform):
        with pytest.raises(ValueError, match=message):
            call(images)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("image_shape", "fewest", "studied"), [((4, 4, 1), 40, True), ((4, 4, 1), 41, False), (None, 40, False)]
)
def test_many_pictures_are_studied_and_few_or_rows_are_not(monkeypatch, image_shape, fewest, studied):
    def study(images, taught, sure, *_):
        asked.append(sure)
        return deep.learn(images, taught)

    asked = []
    monkeypatch.setattr(deep, "SMALL", fewest)
    monkeypatch.setattr(deep, "study", study)
    clone(SMALL).set_params(image_shape=image_shape).fit(ROWS)
    assert [sure.shape for sure in asked] == [(40,)] * studied


def test_an_encoder_says_that_it_takes_no_sparse_rows(encoder):
    with pytest.raises(TypeError, match="Sparse data was passed"):
        clone(encoder).fit(scipy.sparse.csr_array(ROWS))
