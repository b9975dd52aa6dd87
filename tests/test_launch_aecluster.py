"""The commands that train and cluster, as a user starts them: files, numbers, kills and refusals."""

import csv
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from test_launch import launch, launch_here

import aecluster as ae

TINY = ["--latent_sizes=2,3", "--widths=12", "--epochs=2", "--num_seeds=2", "--batch_size=100"]


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    done = launch("train", *TINY, "--recipes=original,cured", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_training_writes_tables_checkpoints_and_figures(training):
    folder, printed = training
    run = folder / "runs" / "digits"
    for name in ("reconstructions", "dead_pixels", "loss_curves", "latent_points", "latent_thumbnails", "latent_walk"):
        assert (run / f"{name}.png").stat().st_size > 5_000
        assert (run / f"{name}.pdf").stat().st_size > 5_000
    table = rows(run / "metrics.csv")
    assert [(row["recipe"], row["latent_size"]) for row in table] == [
        ("original", "2"),
        ("original", "3"),
        ("cured", "2"),
        ("cured", "3"),
    ]
    images = ae.load().test.images
    for row in table:
        ensemble = ae.restore(run / "checkpoints" / f"{row['recipe']}_{row['latent_size']}")
        errors = np.abs(ensemble.reconstruct(images) - images).mean((1, 2, 3, 4))
        assert float(row["test_mae"]) == pytest.approx(errors.mean(), rel=1e-5)
        assert float(row["test_mae_std"]) == pytest.approx(errors.std(), abs=1e-6)
        assert f"{errors.mean():.4f}" in printed
    assert len(rows(run / "history.csv")) == 4 * 2 * 2
    settings = json.loads((run / "settings.json").read_text())["settings"]
    assert settings["latent_sizes"] == [2, 3]
    assert settings["num_seeds"] == 2
    assert settings["model"] == "dense"  # not given, and saved all the same


def test_a_training_is_not_overwritten_unasked(training):
    folder, _ = training
    before = (folder / "runs" / "digits" / "metrics.csv").read_bytes()
    done = launch_here("train", *TINY, cwd=folder)
    assert done.returncode == 2
    assert "exists; choose another name or pass --overwrite" in done.stderr
    assert (folder / "runs" / "digits" / "metrics.csv").read_bytes() == before


@pytest.mark.slow
def test_its_settings_repeat_a_training(training):
    folder, _ = training
    done = launch_here("train", "--settings=runs/digits", "--name=again", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert rows(folder / "runs" / "again" / "history.csv") == rows(folder / "runs" / "digits" / "history.csv")


@pytest.mark.slow
def test_killed_and_resumed_a_training_ends_as_if_nothing_had_happened(training):
    folder, _ = training
    command = [sys.executable, "-m", "launch.train", *TINY, "--recipes=original,cured", "--name=killed"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    unfinished = folder / "runs" / ".killed.unfinished" / "checkpoints" / "original_3"
    deadline = time.monotonic() + 120
    while not unfinished.is_dir() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert unfinished.is_dir()
    assert not (folder / "runs" / "killed").exists()
    refused = launch_here("train", *TINY, "--recipes=original,cured", "--name=killed", cwd=folder)
    assert refused.returncode == 2
    assert "pass --resume to go on" in refused.stderr
    done = launch("train", *TINY, "--recipes=original,cured", "--name=killed", "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert rows(folder / "runs" / "killed" / "history.csv") == rows(folder / "runs" / "digits" / "history.csv")


def test_a_loss_that_overflows_stops_with_one_sentence_and_keeps_what_was_saved(tmp_path):
    done = launch_here("train", *TINY, "--recipes=original", "--optimizer=sgd", "--learning_rate=1e38", cwd=tmp_path)
    assert done.returncode == 2
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("train: ")]
    assert "at step" in sentence
    assert "lower `--learning_rate`" in sentence


def test_clustering_a_run_writes_scores_and_maps(training):
    folder, _ = training
    done = launch_here(
        "cluster", "--run=runs/digits", "--deep_seeds=0", "--num_seeds=2", "--num_clusters=4", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    run = folder / "runs" / "digits_clusters"
    table = rows(run / "scores.csv")
    assert [row["space"] for row in table] == ["pixels"] * 2 + ["PCA, 16"] * 2 + [
        space for recipe in ("original", "cured") for size in (2, 3) for space in [f"{recipe}, {size}"] * 2
    ]
    for row in table:
        assert 0.1 <= float(row["accuracy"]) <= 1
        assert row["seeds"] == "2"
    for name in ("tsne_cured_3", "confusion_cured_3"):
        assert (run / f"{name}.png").stat().st_size > 5_000


BAD_TRAININGS = [
    (["--data=mnits"], "did you mean 'mnist'"),
    (["--data_dir=nowhere"], "'nowhere' must exist; give a file or a folder of images"),
    (["--model=dens"], "`--model` must be one of dense, convolutional, variational, got 'dens'; did you mean 'dense'?"),
    (
        ["--recipes=curd"],
        "`--recipes` must be one of original, cured, invariant, variational, got 'curd'; did you mean 'cured'?",
    ),
    (["--latent_sizes=65"], "`--latent_sizes` must lie between 1 and the image's 64 numbers, got 65"),
    (["--batch_size=1501"], "`--batch_size` is 1501, but there are only 1500 images to train on; lower it"),
    (["--optimizer=adam", "--optimizer_options=b3=0.9"], "optax.adam has no option 'b3'; choose one of b1, b2, "),
    (["--optimizer_options=b1=0.9"], "`--optimizer_options` needs `--optimizer`"),
    (["--devices=2", "--batch_size=31"], "cannot be shared evenly by 2 devices"),
    (["--latent_sizes="], "`--latent_sizes` must have one entry at least"),
    (["--learning_rate=nan"], "`--learning_rate` must be a finite number, got nan."),
    (["--epoch=3"], "Did you mean: epochs"),
    (["--out=/proc/no"], "cannot be written"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD_TRAININGS, ids=[" ".join(case) for case, _ in BAD_TRAININGS])
def test_train_refuses_in_one_sentence(arguments, sentence, tmp_path):
    done = launch_here("train", "--latent_sizes=2", "--epochs=1", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("runs/*")) == []


BAD_CLUSTERINGS = [
    (["--run=runs/of_a_sweep"], "is of launch.sweep, not of launch.train; give one of the latter"),
    (["--run=runs/none"], "`--run` 'runs/none' is no finished training"),
    (["--num_clusters=298", "--deep_seeds=0"], "`--num_clusters` is 298, but there are only 297 images"),
    (["--map=cured_5"], "`--map=cured_5` is none of the run's latents; choose among original_2"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"), BAD_CLUSTERINGS, ids=[" ".join(case) for case, _ in BAD_CLUSTERINGS]
)
def test_cluster_refuses_in_one_sentence(arguments, sentence, training):
    folder, _ = training
    (folder / "runs" / "of_a_sweep" / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "runs" / "of_a_sweep" / "settings.json").write_text('{"command": "launch.sweep", "settings": {}}')
    done = launch_here("cluster", "--name=refused", *arguments, cwd=folder)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (folder / "runs" / "refused").exists()
