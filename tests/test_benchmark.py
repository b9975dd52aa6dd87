"""Contestants of the clustering benchmark against their equations and scikit-learn, its table, and the command that resumes."""

import contextlib
import csv
import json

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.cluster import KMeans
from test_clustering import shapes
from test_launch import launch_here

import aecluster as ae
from aecluster import benchmark, clustering
from aecluster.clustering import embedded, number
from launch import benchmark as command

RNG = np.random.default_rng(0)
IMAGES, KINDS = shapes(90)
CONTEST = benchmark.Contest("shapes", IMAGES, KINDS, 3)
BLOBS = np.concatenate([RNG.normal(size=(60, 2)) + 30 * np.array(centre) for centre in ([0, 0], [1, 0], [0, 1])])


def test_memberships_and_their_targets_are_the_published_ones():
    latents, centres = RNG.normal(size=(5, 2)).astype(np.float32), RNG.normal(size=(3, 2)).astype(np.float32)
    kernel = [
        [1 / (1 + sum((a - b) ** 2 for a, b in zip(z, m, strict=True))) for m in centres.tolist()]
        for z in latents.tolist()
    ]
    q = [[one / sum(row) for one in row] for row in kernel]
    np.testing.assert_allclose(embedded.similarities(jnp.asarray(latents), jnp.asarray(centres)), q, rtol=1e-5)
    sizes = [sum(row[j] for row in q) for j in range(3)]
    squares = [[row[j] ** 2 / sizes[j] for j in range(3)] for row in q]
    p = [[one / sum(row) for one in row] for row in squares]
    np.testing.assert_allclose(embedded.sharpened(np.array(q)), p, rtol=1e-12)


@pytest.fixture(scope="module")
def pretrained():
    recipe = ae.Recipe(epochs=1, batch_size=30, optimizer=optax.adam, learning_rate=1e-3, loss=ae.L2())
    return ae.train(ae.Dense(4, (16,)), ae.ImageData("shapes", ae.Split(IMAGES), ae.Split(IMAGES[:30])), recipe)


@pytest.mark.parametrize("reconstruction", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_embedded_clustering_gathers_until_hardly_anything_changes(reconstruction, pretrained):
    once = embedded.EmbeddedClustering(reconstruction, max_steps=1).gather(pretrained, IMAGES, 3, 0)
    stopped = embedded.EmbeddedClustering(reconstruction, tolerance=1.0).gather(pretrained, IMAGES, 3, 0)
    np.testing.assert_array_equal(once, stopped)
    begun = KMeans(3, n_init=20, random_state=0).fit_predict(pretrained.encode(IMAGES)[0])
    assert clustering.score(begun, once).accuracy > 0.8
    gathered = embedded.EmbeddedClustering(reconstruction, max_steps=300).gather(pretrained, IMAGES, 3, 0)
    assert np.mean(gathered != once) < 0.5


def test_prediction_strength_is_the_share_of_pairs_kept_in_the_worst_cluster():
    clusters, predicted = RNG.integers(0, 3, 40), RNG.integers(0, 4, 40)
    shares = []
    for cluster in range(3):
        mine = np.flatnonzero(clusters == cluster)
        pairs = [(i, j) for i in mine for j in mine if i != j]
        shares.append(np.mean([predicted[i] == predicted[j] for i, j in pairs]))
    assert number._least_kept(clusters, predicted) == pytest.approx(min(shares), abs=1e-12)


def test_as_many_clusters_are_found_as_there_are():
    assert clustering.prediction_strength(BLOBS, 3) == 1.0
    assert clustering.clusters_found(BLOBS, candidates=(2, 3, 4)) == 3
    assert clustering.clusters_found(BLOBS, candidates=(4,)) == 1


def test_a_cell_is_the_method_as_scikit_learn_has_it():
    cell = benchmark.measured(CONTEST, "pixels k-means", 4)
    found = KMeans(3, n_init=10, random_state=4).fit_predict(IMAGES.reshape(90, -1))
    expected = clustering.score(KINDS, found)
    assert cell[:6] == ("shapes", "pixels k-means", 4, expected.accuracy, expected.nmi, expected.ari)
    assert cell.clusters == 3
    assert cell.gib > 0


@pytest.mark.parametrize("method", ["pixels mixture", "PCA k-means", "PCA mixture"])
def test_plain_contestants_repeat_themselves(method):
    assert benchmark.measured(CONTEST, method, 0)[:7] == benchmark.measured(CONTEST, method, 0)[:7]


@pytest.mark.slow
@pytest.mark.parametrize("method", benchmark.CONTESTANTS)
def test_every_contestant_clusters(method):
    assert benchmark.measured(CONTEST, method, 0, pretraining=1).accuracy > 0.4


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: benchmark.measured(CONTEST, "pixel k-means", 0),
            "No contestant is called 'pixel k-means'; did you mean",
        ),
        (
            lambda: benchmark.measured(CONTEST._replace(num_clusters=91), "ours", 0),
            "`contest.num_clusters` must be a whole number from 1 to 90, got 91; give less.",
        ),
        (
            lambda: benchmark.measured(CONTEST._replace(images=IMAGES * 255), "ours", 0),
            r"`contest.images` must lie in \[0, 1\]",
        ),
        (
            lambda: embedded.EmbeddedClustering(pretraining=0),
            "`pretraining` must be a whole number of at least 1, got 0; give more.",
        ),
        (
            lambda: clustering.prediction_strength(BLOBS, 91),
            "`num_clusters` must be a whole number from 1 to 90, got 91; give less.",
        ),
    ],
)
def test_the_benchmark_refuses(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def cell(method, seed, accuracy, data="mnist"):
    return benchmark.Cell(data, method, seed, accuracy, 0.5, 0.25, 10, 60.0, 1.5 + seed)


def test_the_table_has_medians_ranges_and_what_was_published():
    cells = [cell("ours", 0, 0.98), cell("DEC", 1, 0.7), cell("DEC", 0, 0.9), cell("DEC", 2, 0.8)]
    first, last = benchmark.summaries(cells)
    assert (first["method"], first["seeds"], first["published"]) == ("DEC", 3, 0.843)
    assert [first[name] for name in ("accuracy", "least", "greatest", "gib")] == [0.8, 0.7, 0.9, 3.5]
    assert (last["method"], last["published"]) == ("ours", "")
    told = benchmark.markdown([first, last]).splitlines()
    assert told[2] == "| mnist | DEC | 3 | 0.8000 | 0.7000 to 0.9000 | 0.500 | 0.250 | 10 | 60 | 3.5 | 0.843 |"
    assert "- mnist, JULE: 0.964 (Yang et al. 2016, arXiv:1604.03628)" in told


def test_every_published_number_is_of_a_paper():
    for entry in benchmark.PUBLISHED:
        assert 0.5 < entry.accuracy < 1
        assert "arXiv:" in entry.source or "doi:" in entry.source


def test_the_command_offers_every_contestant():
    assert tuple(benchmark.CONTESTANTS) == command.METHODS


@pytest.fixture
def here(monkeypatch):
    """The command's cells are measured in this process; which were, in order."""
    asked = []

    @contextlib.contextmanager
    def apart(contest):
        def ask(method, seed, pretraining):
            if len(asked) == 3:
                asked.append(None)
                raise KeyboardInterrupt
            asked.append((contest.data, method, seed))
            return benchmark.measured(contest, method, seed, pretraining)

        yield ask

    monkeypatch.setattr(command, "apart", apart)
    return asked


def test_a_benchmark_that_was_stopped_goes_on_and_repeats_nothing(here, tmp_path):
    stopped = launch_here("benchmark", "--tiny", cwd=tmp_path)
    assert (stopped.returncode, "interrupted; --resume goes on" in stopped.stderr) == (130, True)
    refused = launch_here("benchmark", "--tiny", cwd=tmp_path)
    assert (refused.returncode, "pass --resume to go on" in refused.stderr) == (2, True)
    done = launch_here("benchmark", "--tiny", "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    methods = ("pixels k-means", "PCA mixture")
    assert [one for one in here if one] == [("digits", method, seed) for method in methods for seed in (0, 1)]
    run = tmp_path / "runs" / "digits_benchmark_tiny"
    with (run / "cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["seed"]) for row in rows] == [
        (method, str(seed)) for method in methods for seed in (0, 1)
    ]
    data = ae.load().everything().first(100)
    expected = KMeans(10, n_init=10, random_state=0).fit_predict(data.images.reshape(100, -1))
    assert float(rows[0]["accuracy"]) == clustering.score(data.labels, expected).accuracy
    assert {path.name for path in run.iterdir()} == {
        "cells.csv", "summary.csv", "table.md", "accuracies.png", "accuracies.pdf", "settings.json",
    }  # fmt: skip
    assert "PCA mixture" in done.stdout


@pytest.mark.slow
def test_the_command_measures_in_processes_of_their_own(tmp_path):
    done = launch_here("benchmark", "--tiny", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Files of images, with labels and without."""
    folder = tmp_path_factory.mktemp("own")
    np.savez(folder / "some.npz", x=IMAGES, y=KINDS)
    np.savez(folder / "none.npz", x=IMAGES)
    (folder / "twin").mkdir()
    np.savez(folder / "twin" / "some.npz", x=IMAGES, y=KINDS)
    return folder


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--methods=kmeans"], "`--methods` must be one of pixels k-means, "),
        (
            ["--data=mnist,kmnist", "--data_dir=a"],
            "`--data_dir` must give one place for each of mnist, kmnist, got 1; ",
        ),
        (["--data_dir={own}/none.npz"], "'none' has no labels, and clusters are scored by labels; give labels."),
        (
            ["--data_dir={own}/some.npz,{own}/twin/some.npz"],
            "`--data_dir` gives two sets of one name, some, some; rename",
        ),
        (["--data_dir={own}/some.npz", "--num_clusters=91"], "`--num_clusters` is 91, but 'some' has only 90 images"),
        (
            ["--num_images=5000"],
            "`--num_images` must be between 1 and the 1797 images there are, got 5000; take fewer.",
        ),
        (["--name=a/b"], "`--name` must be the name of one folder, got 'a/b'; say where it goes by --out."),
    ],
)
def test_the_command_refuses_in_one_sentence_before_any_work(arguments, sentence, own, tmp_path):
    done = launch_here("benchmark", *(argument.format(own=own) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 2
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"benchmark: {sentence}")
    assert list(tmp_path.iterdir()) == []


def test_images_of_ones_own_are_clustered_from_their_file(own, tmp_path, monkeypatch):
    @contextlib.contextmanager
    def apart(contest):
        yield lambda *cell: benchmark.measured(contest, *cell)

    monkeypatch.setattr(command, "apart", apart)
    arguments = [f"--data_dir={own}/some.npz", "--methods=pixels k-means", "--num_clusters=3", "--num_seeds=1"]
    done = launch_here("benchmark", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (settings,) = tmp_path.glob("runs/*/settings.json")
    assert json.loads(settings.read_text())["settings"]["data_dir"] == [f"{own}/some.npz"]
