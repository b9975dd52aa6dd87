"""What the commands of aecluster do first: numbers are written before pictures are drawn, and reading leaves no trace."""

import csv
import dataclasses

import numpy as np
import pytest
from test_bad_input_aecluster import DENSE, IMAGES, LABELS, NETWORKS, listing, run_of

import aecluster as ae
from aecluster import clustering, report
from launch import cluster, command, train


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(tmp_path):
    """A finished run of launch.train, of 400 images."""
    run_of(tmp_path / "run", np.tile(IMAGES, (20, 1, 1, 1)), np.tile(LABELS, 20))
    return tmp_path / "run"


def test_clustering_a_run_reads_it_without_a_trace(run):
    half = run / "checkpoints" / "net" / "7.orbax-checkpoint-tmp"  # as a training that saves leaves it for a moment
    half.mkdir()
    (half / "begun").write_text("half")
    before = listing(run)
    _, trained = cluster.load(cluster.Settings(run=run))
    assert list(trained) == [("own", 2)]
    assert listing(run) == before


def no_picture(*_, **__):
    raise ValueError("no picture today.")


def compared(labels, named, num_clusters):
    """k-means on every space, done at once."""
    return iter([row_of(space) for space in named])


def row_of(space):
    return clustering.Row(space, "k-means", [clustering.score(LABELS, LABELS)], [LABELS])


def settings_for(run, **changes):
    return cluster.Settings(run=run, num_clusters=4, num_seeds=1, perplexity=5, out=run.parent, name="done", **changes)


def test_scores_stand_before_maps_are_drawn(run, monkeypatch):
    monkeypatch.setattr(clustering, "compare", compared)
    monkeypatch.setattr(cluster, "draw", no_picture)
    with pytest.raises(ValueError, match="no picture today"):
        cluster.main(settings_for(run, deep_seeds=0))
    assert [row["space"] for row in rows(run.parent / "done" / "scores.csv")] == ["pixels", "PCA, 16", "own, 2"]
    assert (run.parent / "done" / command.SETTINGS_FILE).is_file()


class Deep:
    """A deep clustering that is done at once."""

    def __init__(self, num_clusters, random_state):
        self.labels_, self.manifold_ = np.arange(400) % num_clusters, np.arange(400.0)[:, None]

    def fit(self, images):
        return self

    def transform(self, images):
        raise ValueError("no latents today.")


def test_deep_clusters_stand_before_their_map_is_drawn(run, monkeypatch):
    monkeypatch.setattr(clustering, "DeepClustering", Deep)
    monkeypatch.setattr(cluster, "draw", lambda *_: ["map"])
    monkeypatch.setattr(clustering, "compare", compared)
    with pytest.raises(ValueError, match="no latents today"):
        cluster.main(settings_for(run, deep_seeds=2))
    assert [row["method"] for row in rows(run.parent / "done" / "scores.csv")] == [*["k-means"] * 3, "deep clustering"]
    assert len(rows(run.parent / "done" / "clusters.csv")) == 400


def test_of_latents_too_many_for_a_mixture_the_clusters_of_k_means_are_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(cluster, "draw", lambda data, space, clusters, *_: drawn.append(clusters) or ["map"])
    names = cluster.draw_space(None, {"own, 256": [IMAGES]}, [row_of("own, 256")], ("own", 256), 5.0, None)
    assert names == ["map"]
    np.testing.assert_array_equal(drawn[0], LABELS)


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """Settings of two trainings on a file, whose networks are there at once, and a list of those that are trained."""
    np.savez(tmp_path / "mine.npz", x=IMAGES, y=LABELS)
    begun = []

    def at_once(architecture, data, recipe, **options):
        begun.append(recipe.name)
        return dataclasses.replace(NETWORKS, architecture=architecture)

    monkeypatch.setattr(ae, "train", at_once)
    monkeypatch.setattr(train, "set_up", lambda settings: None)  # JAX has its devices already
    settings = train.Settings(
        data_dir=tmp_path / "mine.npz", latent_sizes=(2,), widths=DENSE.widths, num_seeds=1, epochs=1, out=tmp_path
    )
    return settings, begun


def test_metrics_stand_before_figures_are_drawn(trainings, monkeypatch):
    settings, _ = trainings
    monkeypatch.setattr(report, "draw", no_picture)
    with pytest.raises(ValueError, match="no picture today"):
        train.main(settings)
    unfinished = settings.out / ".mine.unfinished"
    assert [row["recipe"] for row in rows(unfinished / "metrics.csv")] == ["original", "cured"]
    assert [row["recipe"] for row in rows(unfinished / "history.csv")] == ["original", "cured"]


def test_metrics_of_what_is_trained_stand_before_the_next_training_begins(trainings, monkeypatch):
    settings, begun = trainings
    at_once = ae.train

    def fail_by_and_by(*arguments, **options):
        if begun:
            raise ValueError("The loss became nan.")
        return at_once(*arguments, **options)

    monkeypatch.setattr(ae, "train", fail_by_and_by)
    with pytest.raises(ValueError, match="became nan"):
        train.main(settings)
    assert [row["recipe"] for row in rows(settings.out / ".mine.unfinished" / "metrics.csv")] == ["original"]


def test_no_training_begins_where_a_later_one_cannot(trainings):
    settings, begun = trainings
    with pytest.raises(ValueError, match="`latent_size` must lie between 1 and the image's 64 numbers, got 65"):
        train.main(dataclasses.replace(settings, latent_sizes=(2, 65)))
    assert begun == []
    assert not (settings.out / ".mine.unfinished").exists()


def test_more_curves_than_one_figure_tells_apart_are_drawn_in_several():
    drawn = {}
    report._draw_curves({f"latent {size}": NETWORKS for size in range(9)}, drawn.__setitem__)
    assert list(drawn) == ["loss_curves", "loss_curves_2"]
