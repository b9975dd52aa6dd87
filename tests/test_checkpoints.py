"""Checkpoints: stopped and resumed equals uninterrupted, bit for bit, kills included; what belongs elsewhere is refused."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

import aecluster as ae
from aecluster import checkpoints

RNG = np.random.default_rng(9)
DATA = ae.ImageData(
    "noise", ae.Split.of(RNG.random((20, 4, 4, 1), np.float32)), ae.Split.of(RNG.random((6, 4, 4, 1), np.float32))
)
NETWORK = ae.Dense(2, (5,))
RECIPE = ae.Recipe(epochs=4, batch_size=8, optimizer=optax.adam, learning_rate=1e-2, loss=ae.WarmUp(epochs=1.0))
SEEDS = (3, 5)
ALWAYS, ONCE = np.inf, 1e-9  # as a share of the time: save after every epoch, or after the first and the last


class Stopped(Exception):
    """What interrupts a training in these tests."""


def assert_same(one, other):
    assert (one.architecture, one.image_shape, one.seeds) == (other.architecture, other.image_shape, other.seeds)
    for name, values in dataclasses.asdict(one.history).items():
        np.testing.assert_array_equal(values, getattr(other.history, name), err_msg=name)
    for ours, theirs in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def stopped_after(epoch, folder, architecture=NETWORK, recipe=RECIPE):
    def stop(progress):
        if progress.epoch == epoch:
            raise Stopped

    with pytest.raises(Stopped):
        ae.train(architecture, DATA, recipe, seeds=SEEDS, checkpoints=folder, resume=True, on_epoch=stop)


@pytest.fixture(scope="module")
def uninterrupted():
    return ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, uninterrupted):
    """A folder with the checkpoint of a whole training."""
    folder = tmp_path_factory.mktemp("saved")
    assert_same(ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=folder), uninterrupted)
    return folder


def steps_in(folder):
    return sorted(path.name for path in Path(folder).iterdir() if path.is_dir())


# Going on


@pytest.mark.parametrize(("share", "kept"), [(ALWAYS, ["3"]), (ONCE, ["1"])], ids=["every epoch", "the first only"])
def test_resumed_is_uninterrupted(share, kept, uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", share)
    stopped_after(3, tmp_path)
    assert steps_in(tmp_path) == kept
    told = []
    resumed = ae.train(
        NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=tmp_path, resume=True, on_epoch=lambda p: told.append(p.epoch)
    )
    assert told == list(range(int(kept[0]) + 1, 5))
    assert_same(resumed, uninterrupted)
    assert_same(ae.restore(tmp_path), uninterrupted)
    assert steps_in(tmp_path) == ["4"]


def test_a_convolutional_training_resumes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)
    network, recipe = ae.Convolutional(2, (1, 1), 5), dataclasses.replace(RECIPE, epochs=2)
    stopped_after(1, tmp_path, network, recipe)
    resumed = ae.train(network, DATA, recipe, seeds=SEEDS, checkpoints=tmp_path, resume=True)
    assert_same(resumed, ae.train(network, DATA, recipe, seeds=SEEDS))
    assert_same(ae.restore(tmp_path), resumed)


def test_resuming_a_finished_training_trains_no_more(saved, uninterrupted):
    def fail(progress):
        raise AssertionError(progress)

    again = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=saved, resume=True, on_epoch=fail)
    assert_same(again, uninterrupted)


def test_a_restored_ensemble_encodes_and_decodes_the_same(saved, uninterrupted):
    restored = ae.restore(str(saved))
    assert_same(restored, uninterrupted)
    images = DATA.test.images
    np.testing.assert_array_equal(restored.encode(images), uninterrupted.encode(images))
    np.testing.assert_array_equal(restored.reconstruct(images), uninterrupted.reconstruct(images))


def test_saving_keeps_to_its_share_of_the_time(saved, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    saver = checkpoints.Checkpoints(saved, {})
    assert saver.due()  # the first save's cost is not known yet
    saver.last, saver.cost = 100.0, 2.0
    for now, due in [(139.0, False), (140.0, True)]:
        clock[0] = now
        assert saver.due() is due


# Refusals


def other_images():
    images = DATA.train.images.copy()
    images[7, 1, 2] = 0.125
    return ae.ImageData("noise", ae.Split(images), DATA.test)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": ae.Dense(2, (6,))}, r"another architecture, widths \[5\] and not \[6\]; go on with the same"),
        (
            {"architecture": ae.Convolutional(2, (1, 1), 5)},
            r"another architecture, name dense and not convolutional, widths \[5\] and not None, channels None and not \[1, 1\]",
        ),
        ({"seeds": (3, 6)}, r"another seeds, \[3, 5\] and not \[3, 6\]; "),
        ({"seeds": (3,)}, r"another seeds, \[3, 5\] and not \[3\]; "),
        ({"recipe": dataclasses.replace(RECIPE, epochs=5)}, r"another recipe, epochs 4 and not 5; "),
        (
            {"recipe": dataclasses.replace(RECIPE, loss=ae.L1(), batch_size=4)},
            r"another recipe, batch_size 8 and not 4, loss \{.*'WarmUp'.* and not \{'name': 'L1'\}; ",
        ),
        ({"data": other_images()}, r"another images, sha256 [0-9a-f]{64} and not [0-9a-f]{64}; "),
        ({"data": DATA.take(train=19)}, r"another images, train 20 and not 19, sha256 "),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(change, message, saved):
    options = {"architecture": NETWORK, "data": DATA, "recipe": RECIPE, "seeds": SEEDS} | change
    with pytest.raises(ValueError, match=rf"^The checkpoint in '.*' was made with {message}.*"):
        ae.train(**options, checkpoints=saved, resume=True)


def test_a_folder_with_checkpoints_is_refused_without_resume(saved, uninterrupted):
    with pytest.raises(
        ValueError, match=r"^`checkpoints` '.*' holds some already; pass resume=True or another folder\.$"
    ):
        ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=saved)
    assert_same(ae.restore(saved), uninterrupted)


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_checkpoints_cannot_be_restored(name, tmp_path):
    with pytest.raises(ValueError, match=r"holds no checkpoint; train with `checkpoints` set to this folder first\.$"):
        ae.restore(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# A loss that is no longer finite


def fine_until(first_bad):
    def schedule(learning_rate, num_steps):
        del num_steps
        return lambda step: jax.numpy.where(step < first_bad, learning_rate, 1e30)

    return schedule


def exploding(first_bad):
    """Two steps an epoch; the step `first_bad`, counted from 0, throws the weights away."""
    return dataclasses.replace(RECIPE, optimizer=optax.sgd, learning_rate=0.1, schedule=fine_until(first_bad))


def test_a_loss_that_explodes_at_once_is_named():
    message = r"^The loss of seed 3 became (nan|inf) at step 1 \(epoch 1\); lower `learning_rate`\.$"
    with pytest.raises(ValueError, match=message):
        ae.train(NETWORK, DATA, exploding(0), seeds=SEEDS)


@pytest.mark.parametrize(("first_bad", "step", "epoch"), [(4, 5, 3), (5, 6, 3)], ids=["within", "at the end"])
def test_the_last_good_checkpoint_is_named_and_is_good(first_bad, step, epoch, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)
    message = (
        rf"^The loss of seed 3 became (nan|inf) at step {step} \(epoch {epoch}\); lower `learning_rate`\. "
        rf"The last good checkpoint is in '.*{tmp_path.name}'\.$"
    )
    for _ in range(2):  # the second time it goes on from that checkpoint, saves nothing, and says the same
        with pytest.raises(ValueError, match=message):
            ae.train(NETWORK, DATA, exploding(first_bad), seeds=SEEDS, checkpoints=tmp_path, resume=True)
        restored = ae.restore(tmp_path)
        assert restored.history.loss.shape == (2, 2)
        assert np.all(np.isfinite(restored.reconstruct(DATA.test.images)))


# Killed


LONG = dataclasses.replace(RECIPE, epochs=30)


def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_happened(tmp_path):
    rng = np.random.default_rng(0)
    kept = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    command, tmp_path = [sys.executable, __file__, tmp_path / "checkpoints"], tmp_path / "checkpoints"
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | kept) as training:
            for _ in range(int(rng.integers(1, 4))):
                assert training.stdout.readline().startswith("epoch"), "ended before it could be killed"
            time.sleep(rng.uniform(0, 0.2))  # most of the time it saves
            training.send_signal(signal.SIGKILL)
        assert training.returncode == -signal.SIGKILL
    told = []
    resumed = ae.train(
        NETWORK, DATA, LONG, seeds=SEEDS, checkpoints=tmp_path, resume=True, on_epoch=lambda p: told.append(p.epoch)
    )
    assert 1 < told[0] < 30
    assert_same(resumed, ae.train(NETWORK, DATA, LONG, seeds=SEEDS))
    assert_same(ae.restore(tmp_path), resumed)
    assert steps_in(tmp_path) == ["30"]


def main(folder):
    """What is killed: trains with the settings of `conftest`, saves after every epoch, and tells it."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    checkpoints.SAVING_SHARE = ALWAYS
    ae.train(
        NETWORK,
        DATA,
        LONG,
        seeds=SEEDS,
        checkpoints=folder,
        resume=True,
        on_epoch=lambda progress: print("epoch", progress.epoch, flush=True),
    )


if __name__ == "__main__":
    main(sys.argv[1])
