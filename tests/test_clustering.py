"""Scores against closed forms and scikit-learn, estimators against their contract, deep clustering on shapes of our own."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from sklearn import metrics
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import aecluster as ae
from aecluster import clustering
from aecluster.clustering import deep, invariance, parts, self_training, student

RNG = np.random.default_rng(0)
QUICK = dataclasses.replace(
    ae.RECIPES["invariant"], corruption=ae.Deformation(rotation=5.0, shift=0.13, scale=0.05, shear=0.05)
)


def shapes(count, seed=0):
    """Bars, rings and crosses of 8 x 8 pixels, moved by a pixel or not and noisy, and which is which."""
    rng = np.random.default_rng(seed)
    bar, ring, cross = np.zeros((3, 6, 6))
    bar[:, 2:4] = 1
    ring[[0, 5], 1:5] = ring[1:5, [0, 5]] = 1
    cross[np.arange(6), np.arange(6)] = cross[np.arange(6), 5 - np.arange(6)] = 1
    kinds = rng.integers(0, 3, count)
    images = np.zeros((count, 8, 8, 1), np.float32)
    for image, kind in zip(images, kinds, strict=True):
        row, column = rng.integers(0, 2, 2)
        image[row : row + 6, column : column + 6, 0] = np.stack([bar, ring, cross])[kind]
    return np.clip(images * 0.9 + 0.1 * rng.random(images.shape), 0, 1).astype(np.float32), kinds


@pytest.mark.parametrize("num_clusters", [2, 3, 5])
def test_accuracy_is_that_of_the_best_of_all_matchings(num_clusters):
    labels, clusters = RNG.integers(0, 3, 40), RNG.integers(0, num_clusters, 40)
    size = max(3, num_clusters)
    best = max(np.mean(np.array(numbers)[clusters] == labels) for numbers in itertools.permutations(range(size)))
    scores = clustering.score(labels, clusters)
    assert scores.accuracy == pytest.approx(best, abs=1e-12)
    assert np.trace(scores.confusion) == pytest.approx(best * 40)
    assert scores.confusion.sum() == 40
    np.testing.assert_array_equal(scores.confusion.sum(1)[:3], np.bincount(labels, minlength=3))


def test_renaming_clusters_changes_no_score():
    labels, clusters, space = RNG.integers(0, 4, 60), RNG.integers(0, 4, 60), RNG.normal(size=(60, 2))
    renamed = np.array([2, 0, 3, 1])[clusters]
    first, second = clustering.score(labels, clusters, space), clustering.score(labels, renamed, space)
    for name in ("accuracy", "nmi", "ari", "silhouette"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-12)
    np.testing.assert_array_equal(first.confusion, second.confusion)
    np.testing.assert_array_equal(clustering.matched(labels, clusters), clustering.matched(labels, renamed))


def test_scores_of_a_perfect_and_of_a_blind_clustering():
    labels = np.repeat([0, 1, 2], 20)
    space = labels[:, None] + 0.01 * RNG.normal(size=(60, 1))
    perfect = clustering.score(labels, (labels + 1) % 3, space)
    assert (perfect.accuracy, perfect.nmi, perfect.ari) == (1.0, 1.0, 1.0)
    assert perfect.silhouette == pytest.approx(metrics.silhouette_score(space, labels))
    blind = clustering.score(labels, np.zeros(60, int), space)
    assert (blind.accuracy, blind.nmi, blind.ari) == (pytest.approx(1 / 3), 0.0, 0.0)
    assert np.isnan(blind.silhouette)


@pytest.mark.usefixtures("as_users_call")
def test_labels_and_clusters_of_different_number_are_refused():
    with pytest.raises(ValueError, match=r"`labels` and `clusters` must be as many, got 3 and 4"):
        clustering.score(np.arange(3), np.arange(4))


@pytest.mark.parametrize(
    ("labels", "clusters", "message"),
    [
        (
            [0, 1, -1],
            [0, 1, 2],
            "`labels` must count from 0, image 2 has -1; give it a class of its own, or leave it out",
        ),
        (
            [0, 1, 2],
            [0, -2, 1],
            "`clusters` must count from 0, image 1 has -2; give it a class of its own, or leave it",
        ),
        ([0, 1, 10**9], [0, 1, 2], "`labels` must be below 5,000, got 1000000000; number them by `np.unique"),
        ([], [], "`labels` must count from 0, got none; "),
    ],
)
def test_labels_of_no_class_are_refused_and_not_counted_for_the_last(labels, clusters, message):
    for call in (clustering.score, clustering.matched, clustering.counts):
        with pytest.raises(ValueError, match=f"^{message}"):
            call(np.array(labels, int), np.array(clusters, int))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.full((60, 3), 0.5), "`points` must differ, all 60 are the same; a map of them would be one dot"),
        (np.full((60, 3), np.nan), "`points` must be finite numbers, got NaN or infinity; remove such rows"),
    ],
)
def test_points_that_make_no_map_are_refused(points, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        clustering.tsne(points, perplexity=10)


@pytest.mark.slow
def test_a_single_feature_can_be_mapped():
    places = clustering.tsne(RNG.normal(size=(60, 1)), perplexity=10)
    assert places.shape == (60, 2)
    assert np.isfinite(places).all()


@pytest.mark.usefixtures("as_users_call")
def test_tsne_keeps_neighbours_and_repeats_itself():
    space = np.concatenate([RNG.normal(size=(60, 5)) + 20 * centre for centre in np.eye(5)[:3]])
    places = clustering.tsne(space, perplexity=10)
    np.testing.assert_array_equal(places, clustering.tsne(space, perplexity=10))
    found = KMeans(3, n_init=5, random_state=0).fit_predict(places)
    assert clustering.score(np.repeat([0, 1, 2], 60), found).accuracy == 1.0
    with pytest.raises(ValueError, match=r"`perplexity` must be below a third of the 30 points"):
        clustering.tsne(space[:30], perplexity=10)


@pytest.fixture(scope="module")
def trained():
    images, kinds = shapes(200)
    data = ae.ImageData("shapes", ae.Split(images, kinds), ae.Split(images[:50], kinds[:50]))
    recipe = ae.Recipe(epochs=3, batch_size=50)
    return {("cured", 4): ae.train(ae.Dense(4, (32,)), data, recipe, seeds=(0, 1))}


@pytest.mark.slow
@pytest.mark.usefixtures("as_users_call")
def test_an_encoder_is_a_transformer_in_a_pipeline(trained):
    images, _ = shapes(60, seed=1)
    encoder = clustering.LatentEncoder(trained["cured", 4], member=1)
    pipeline = make_pipeline(encoder, clustering.k_means(3, 0)).fit(images)
    latents = trained["cured", 4].encode(images)[1]
    np.testing.assert_array_equal(pipeline[0].transform(images), latents)
    np.testing.assert_array_equal(pipeline.predict(images), clustering.k_means(3, 0).fit(latents).predict(latents))
    assert clone(encoder).get_params()["member"] == 1
    with pytest.raises(ValueError, match=r"`images` must have shape \(images, 8, 8, 1\)"):
        encoder.fit(images[:, :4])


def test_methods_are_compared_on_every_space_with_their_spread(trained):
    images, kinds = shapes(90, seed=2)
    named = dict(clustering.spaces(images, trained, 2))
    assert [(name, len(spaces), spaces[0].shape[1]) for name, spaces in named.items()] == [
        ("pixels", 2, 64),
        ("PCA, 16", 2, 16),
        ("cured, 4", 2, 4),
    ]
    rows = list(clustering.compare(kinds, named, 3))
    assert [(row.space, row.method) for row in rows][-2:] == [("cured, 4", "k-means"), ("cured, 4", "mixture")]
    summary = rows[-2].summary()
    accuracies = [clustering.score(kinds, found).accuracy for found in rows[-2].clusters]
    assert summary["accuracy"] == pytest.approx(np.mean(accuracies))
    assert summary["accuracy_std"] == pytest.approx(np.std(accuracies))
    with pytest.raises(ValueError, match=r"`num_clusters` is 91, but there are only 90 images"):
        next(clustering.compare(kinds, named, 91))


@pytest.mark.slow  # golden files hold what self-training learns
def test_deep_clustering_finds_shapes_wherever_they_are():
    images, kinds = shapes(240)
    model = clustering.DeepClustering(3, latent_size=8, widths=(64, 32), recipe=QUICK, random_state=0).fit(images)
    assert clustering.score(kinds, model.labels_).accuracy > 0.97
    assert (
        clustering.score(kinds, KMeans(3, n_init=10, random_state=0).fit_predict(images.reshape(240, -1))).accuracy
        < 0.9
    )
    new_images, new_kinds = shapes(80, seed=5)
    assert clustering.score(new_kinds, model.predict(new_images)).accuracy > 0.95


@pytest.mark.slow
def test_deep_clustering_is_an_estimator(monkeypatch):
    monkeypatch.setattr(deep, "NEIGHBOURS_OF_FEW", ())
    images, _ = shapes(60)
    settings = {"widths": (8,), "recipe": dataclasses.replace(QUICK, epochs=1)}
    settings["self_training"] = clustering.SelfTraining(epochs=1)
    numbers = {"latent_size": np.int64(2), "random_state": np.int64(0)}  # the same as plain ones
    model = clustering.DeepClustering(np.int64(3), **numbers, **settings).fit(images)
    np.testing.assert_array_equal(model.predict(images), model.labels_)
    assert model.transform(images[:7]).shape == (7, 2)
    np.testing.assert_allclose(model.predict_proba(images).sum(1), 1, atol=1e-5)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "labels_")
    flat = clustering.DeepClustering(3, latent_size=2, **settings, random_state=0, image_shape=(8, 8, 1))
    np.testing.assert_array_equal(flat.fit_predict(images.reshape(60, -1)), model.labels_)


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("settings", "rows", "message"),
    [
        ({"n_clusters": 10}, 6, r"`n_clusters` is 10, but n_samples=6; look for fewer clusters or give more images"),
        ({"n_clusters": 0}, 20, r"`n_clusters` must be a whole number of at least 1, got 0; give more"),
        ({"image_shape": (5, 5, 1)}, 20, r"`image_shape` \(5, 5, 1\) does not fit rows of 64 numbers"),
    ],
)
def test_deep_clustering_refuses(settings, rows, message):
    with pytest.raises(ValueError, match=message):
        clustering.DeepClustering(**settings).fit(RNG.random((rows, 64), dtype=np.float32))


FEW_STEPS = clustering.SelfTraining(epochs=2)
SMALL = clustering.DeepClustering(
    2,
    latent_size=2,
    widths=(8,),
    recipe=QUICK,
    self_training=clustering.SelfTraining(epochs=2),
    random_state=0,
)
CHECKS = list(estimator_checks_generator(SMALL))


@pytest.mark.slow
@pytest.mark.usefixtures("as_users_call")
@pytest.mark.filterwarnings("ignore")  # UMAP warns of every data set as small as scikit-learn's checks use
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{i}-{check.func.__name__}" for i, (_, check) in enumerate(CHECKS)]
)
def test_deep_clustering_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("ink", "canvas", "margin"), [((20, 14), 28, 0), ((8, 5), 8, 2), ((28, 20), 28, 6), ((4, 4), 28, 0), ((0, 0), 8, 0)]
)
def test_ink_fills_as_much_as_in_mnist_once_there_is_a_margin(ink, canvas, margin):
    images = np.zeros((3, canvas, canvas, 1), np.float32)
    images[:, : ink[0], : ink[1]] = 1
    assert deep.margin_of(images) == margin
    assert ink[0] / (canvas + 2 * margin) <= 20 / 28


def test_what_groups_tell_of_their_neighbours_is_scikit_learns_mutual_information():
    neighbours, groups = RNG.integers(0, 40, (40, 3)), RNG.integers(0, 4, 40)
    ends = groups.repeat(3), groups[neighbours].ravel()
    both_ways = np.concatenate(ends), np.concatenate(ends[::-1])
    told = parts.information(parts.linked(groups, neighbours, 4))
    np.testing.assert_allclose(told, metrics.mutual_info_score(*both_ways), rtol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_joined_as_the_best_of_all_ways_to_join_them(seed):
    links = np.random.default_rng(seed).random((6, 6)) ** 4
    links = (links + links.T) / (2 * links.sum())
    ways = [np.array(way) for way in itertools.product(range(3), repeat=6) if len(set(way)) == 3]
    told, groups = parts.join(links, 3)
    best = max(parts.information(parts.together(links, way)) for way in ways)
    assert told == pytest.approx(best) == pytest.approx(parts.information(parts.together(links, groups)))
    pairs = [np.where(np.arange(6) == b, a, np.arange(6)) for a, b in itertools.combinations(range(6), 2)]
    five = [np.unique(pair, return_inverse=True)[1] for pair in pairs]
    cheapest = max(five, key=lambda way: parts.information(parts.together(links, way)))
    first, second = parts.cheapest(links)
    assert cheapest[first] == cheapest[second]


def test_a_cluster_may_lie_in_two_places_where_a_mixture_of_as_many_gaussians_takes_two_clusters_for_one():
    """Islands of 100, 60 and 40 points, the first two close: nothing tells where the last belongs but the clusters' sizes."""
    islands = [RNG.normal((place, 0), 1, (count, 2)) for count, place in ((100, 0.0), (60, 12.0), (40, 200.0))]
    space, kinds = np.concatenate(islands), np.repeat([0, 1], 100)
    found = parts.partitions([space], parts.nearest(space), 2, seed=0)[0].argmax(1)
    assert clustering.score(kinds, found).accuracy == 1.0
    assert clustering.score(kinds, clustering.mixture(2, 0).fit_predict(space)).accuracy < 0.9


def test_an_image_is_sure_where_all_of_its_neighbours_are_in_its_cluster():
    clusters, neighbours = np.array([0, 0, 1, 1]), np.array([[1, 1], [0, 2], [3, 3], [2, 0]])
    assert student.agreed(clusters, neighbours).tolist() == [True, False, True, False]


@pytest.mark.slow  # a convolutional network
def test_a_student_judges_by_itself_what_its_teacher_was_not_sure_of():
    """One image in five has the cluster of another, and is called unsure."""
    images, kinds = shapes(240)
    sure = RNG.random(240) < 0.8
    taught = np.eye(3)[np.where(sure, kinds, (kinds + 1) % 3)]
    learned = student.study(images, taught, sure, QUICK.corruption, clustering.SelfTraining(60), 0)
    assert clustering.score(kinds, learned.memberships(images).argmax(1)).accuracy > 0.97


def test_mutual_information_is_that_of_a_plain_sum_and_at_most_the_logarithm_of_the_number():
    first, second = RNG.dirichlet(np.ones(3), (2, 20))
    joint = [[np.mean(first[:, i] * second[:, j]) for j in range(3)] for i in range(3)]
    joint = (np.array(joint) + np.transpose(joint)) / 2
    terms = [joint[i, j] * np.log(joint[i, j] / (sum(joint[i]) * sum(joint[:, j]))) for i in range(3) for j in range(3)]
    found = invariance.mutual_information(jnp.asarray(first)[:, None], jnp.asarray(second)[:, None])
    np.testing.assert_allclose(found, [sum(terms)], rtol=1e-10)
    sure = jnp.eye(3)[jnp.arange(30) % 3][:, None]
    np.testing.assert_allclose(invariance.mutual_information(sure, sure), [np.log(3)], rtol=1e-6)


@pytest.mark.slow  # the estimator's own test learns among several every day
def test_of_two_clusterings_the_one_that_goes_by_shape_is_kept():
    images, kinds = shapes(240)
    by_place = images[:, 0].sum((1, 2)) > 1  # which depends on a shift by one pixel
    by_shape = kinds > 0
    clusterings = np.eye(2)[np.column_stack([by_place, by_shape]).astype(int)]
    encoder = ae.Dense(3, (64,)).build((8, 8, 1), nnx.Rngs(0)).encoder
    settings = self_training.SelfTraining(epochs=6)
    learned = invariance.learn_among(images, clusterings, encoder, QUICK.corruption, settings, 0)
    assert clustering.score(by_shape.astype(int), learned.memberships(images).argmax(1)).accuracy > 0.9
