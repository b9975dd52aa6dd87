"""Checkpoints: stopped and resumed equals uninterrupted, bit for bit, kills included; what belongs elsewhere is refused."""

import dataclasses
import functools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest

import aecluster as ae
from aecluster.checkpoints import folder as checkpoints
from aecluster.ensemble import History
from aecluster.models import initialize

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
    for name, values in one.history.columns().items():
        np.testing.assert_array_equal(values, getattr(other.history, name), err_msg=name)
    for ours, theirs in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def stopped_after(epoch, folder, architecture=NETWORK, recipe=RECIPE):
    def stop(progress):
        if progress.epoch == epoch:
            raise Stopped

    with pytest.raises(Stopped):
        ae.train(architecture, DATA, recipe, seeds=SEEDS, checkpoints=folder, resume=True, callbacks=[stop])


@pytest.fixture(scope="module")
def uninterrupted():
    return ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, uninterrupted):
    """A folder with the checkpoint of a whole training."""
    folder = tmp_path_factory.mktemp("run") / "saved"
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
        NETWORK,
        DATA,
        RECIPE,
        seeds=SEEDS,
        checkpoints=tmp_path,
        resume=True,
        callbacks=[lambda p: told.append(p.epoch)],
    )
    assert told == list(range(int(kept[0]) + 1, 5))
    assert_same(resumed, uninterrupted)
    assert_same(ae.restore(tmp_path), uninterrupted)
    assert steps_in(tmp_path) == ["4"]


@pytest.mark.slow  # a dense one resumes above
def test_a_convolutional_training_resumes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)
    network, recipe = ae.Convolutional(2, (1, 1), 5), dataclasses.replace(RECIPE, epochs=2)
    stopped_after(1, tmp_path, network, recipe)
    resumed = ae.train(network, DATA, recipe, seeds=SEEDS, checkpoints=tmp_path, resume=True)
    assert_same(resumed, ae.train(network, DATA, recipe, seeds=SEEDS))
    assert_same(ae.restore(tmp_path), resumed)


@pytest.mark.parametrize(
    "architecture", [ae.Convolutional(2, (1, 1), 3), ae.Variational(2, (3,), 0.5), ae.Restorer(1, 1, 3)], ids=str
)
def test_networks_of_every_kind_are_read_back(architecture, tmp_path):
    params = initialize(architecture, DATA.image_shape, jax.random.split(jax.random.key(0), 2))
    history = History(*np.ones((3, 2, 1)), np.ones((2, 1), int))
    ensemble = ae.Ensemble(architecture, DATA.image_shape, SEEDS, params, history)
    ae.save(ensemble, tmp_path / "saved")
    assert_same(ae.restore(tmp_path / "saved"), ensemble)


def test_resuming_a_finished_training_trains_no_more(saved, uninterrupted):
    def fail(progress):
        raise AssertionError(progress)

    again = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=saved, resume=True, callbacks=[fail])
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


@pytest.mark.slow
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


def lambdas(change):
    """Two recipes whose functions share the name <lambda>: the one of the first line, or another program."""
    factor = 2.0 if change else 1.0
    return {
        "loss": lambda logits, target, given, epoch: factor * jnp.abs(jax.nn.sigmoid(logits) - target).mean(),
        "schedule": lambda learning_rate, num_steps: lambda step: learning_rate / factor,
        "corruption": lambda key, images: images / factor,
        "degradation": lambda key, images: images / factor,
        "optimizer": lambda learning_rate: optax.adam(learning_rate, b1=0.9 / factor),
    }


ALIKE = dataclasses.replace(RECIPE, epochs=1, **lambdas(False))


@pytest.fixture(scope="module")
def nameless(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nameless")
    jaxtyping.config.update("jaxtyping_disable", True)  # a lambda is no AbstractLoss, and serves
    ae.train(NETWORK, DATA, ALIKE, seeds=SEEDS, checkpoints=folder)
    jaxtyping.config.update("jaxtyping_disable", False)
    return folder


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize("part", lambdas(False))
def test_another_program_of_the_same_name_is_refused_by_the_name_of_its_part(part, nameless):
    other = dataclasses.replace(ALIKE, **{part: lambdas(True)[part]})
    assert other.describe() == ALIKE.describe()
    message = rf"^The checkpoint in '.*' was made with another recipe, whose {part} has the same name, .*<lambda>, and computes"
    with pytest.raises(ValueError, match=message):
        ae.train(NETWORK, DATA, other, seeds=SEEDS, checkpoints=nameless, resume=True)


@pytest.mark.usefixtures("as_users_call")
def test_another_lambda_that_computes_the_same_goes_on(nameless):
    alike = dataclasses.replace(ALIKE, **lambdas(False))
    again = ae.train(NETWORK, DATA, alike, seeds=SEEDS, checkpoints=nameless, resume=True)
    assert again.history.num_epochs == 1


def test_an_architecture_of_ones_own_is_trained_but_not_saved(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Own(ae.AbstractAutoencoder):
        latent_size: int = 2

        def build(self, image_shape, rngs, dtype=jnp.float32):
            return ae.Dense(self.latent_size, ()).build(image_shape, rngs, dtype)

    recipe = dataclasses.replace(RECIPE, epochs=1)
    assert ae.train(Own(), DATA, recipe).encode(DATA.test.images).shape == (1, 6, 2)
    with pytest.raises(
        ValueError, match=r"^`architecture` Own cannot be saved, only dense, convolutional, .* can; leave"
    ):
        ae.train(Own(), DATA, recipe, checkpoints=tmp_path / "own")


def test_a_restorer_of_an_older_version_is_refused(tmp_path):
    """Its numbers have the same shapes, and would mean something else."""
    params = initialize(ae.Restorer(1, 1, 3), DATA.image_shape, jax.random.split(jax.random.key(0), 1))
    history = History(*np.ones((3, 1, 1)), np.ones((1, 1), int))
    ae.save(ae.Ensemble(ae.Restorer(1, 1, 3), DATA.image_shape, (0,), params, history), tmp_path)
    record = tmp_path / "1" / "record" / "metadata"
    record.write_text(record.read_text().replace('"restorer_of_logits"', '"restorer"'))
    with pytest.raises(ValueError, match=r"^The checkpoint '.*1' has no record that this version reads; train into"):
        ae.restore(tmp_path)


def test_a_checkpoint_without_a_record_is_refused(tmp_path):
    (tmp_path / "4").mkdir()
    with pytest.raises(ValueError, match=r"^The checkpoint '.*4' has no record that this version reads; train into"):
        ae.restore(tmp_path)


# Records


def test_a_record_tells_what_a_checkpoint_holds(saved):
    record = ae.records(saved.parent)[saved]
    assert (record.architecture, record.image_shape, record.seeds, record.epochs) == (NETWORK, (4, 4, 1), SEEDS, 4)
    assert (record.recipe, record.identity.recipe) == ("own", RECIPE.describe())
    assert ae.Record.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert set(record.versions) == {"jax", "flax", "optax"}


@pytest.mark.slow
def test_the_autoencoders_of_a_run_are_read_by_their_records_and_not_by_their_folders(tmp_path):
    recipes = [dataclasses.replace(RECIPE, epochs=1, name=name) for name in ("with_a_9", "cured")]
    for index, recipe in enumerate(recipes):
        for size in (3, 2):
            folder = tmp_path / f"any {9 - index}, {size}"
            ae.train(ae.Dense(size, ()), DATA, recipe, checkpoints=folder)
    trained = ae.trained(tmp_path)
    assert list(trained) == [("with_a_9", 3), ("with_a_9", 2), ("cured", 3), ("cured", 2)]
    assert [ensemble.latent_size for ensemble in trained.values()] == [3, 2, 3, 2]
    ae.train(ae.Restorer(4, 1, 3), DATA, recipes[0], checkpoints=tmp_path / "restorer")
    with pytest.raises(
        ValueError, match=r"restorer' holds Restorer\(.*which has no latent space; read it with `restore`"
    ):
        ae.trained(tmp_path)
    with pytest.raises(ValueError, match="holds no checkpoint"):
        ae.trained(tmp_path / "restorer")


def test_networks_are_saved_and_come_back(uninterrupted, tmp_path):
    ae.save(uninterrupted, tmp_path / "kept")
    assert_same(ae.restore(tmp_path / "kept"), uninterrupted)
    with pytest.raises(ValueError, match=r"holds no discriminator but Dense\(.*; read it with `restore`\.$"):
        ae.restore_discriminator(tmp_path / "kept")


@pytest.mark.slow
def test_an_optimizer_that_holds_a_key_resumes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)
    recipe = dataclasses.replace(
        RECIPE, epochs=2, optimizer=functools.partial(optax.noisy_sgd, key=1), learning_rate=1e-2
    )
    stopped_after(1, tmp_path, NETWORK, recipe)
    resumed = ae.train(NETWORK, DATA, recipe, seeds=SEEDS, checkpoints=tmp_path, resume=True)
    assert_same(resumed, ae.train(NETWORK, DATA, recipe, seeds=SEEDS))


# Readers


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_reading_touches_nothing_of_a_training_that_goes_on(uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)
    folder, seen = tmp_path / "run" / "net", []

    def look(progress):
        half = folder / f"{progress.epoch + 1}.orbax-checkpoint-tmp"  # as a training that saves leaves it for a moment
        half.mkdir()
        (half / "begun").write_text("half")
        before = listing(folder)
        seen.append(ae.restore(folder).history.num_epochs)
        seen.append(len(ae.trained(folder.parent)))
        assert listing(folder) == before
        (half / "begun").unlink()
        half.rmdir()

    trained = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=folder, callbacks=[look])
    assert seen == [1, 1, 2, 1, 3, 1, 4, 1]
    assert_same(trained, uninterrupted)


def test_a_call_that_is_refused_touches_nothing_of_a_training_that_goes_on(saved, uninterrupted, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    (folder / "5.orbax-checkpoint-tmp").mkdir()  # as a training that saves leaves it for a moment
    before = listing(folder)
    another = dataclasses.replace(RECIPE, epochs=9)
    for call in (
        lambda: ae.save(uninterrupted, folder),
        lambda: ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=folder),
        lambda: ae.train(NETWORK, DATA, another, seeds=SEEDS, checkpoints=folder, resume=True),
    ):
        with pytest.raises(ValueError, match=r"holds a checkpoint already|holds some already|made with another"):
            call()
    assert_same(ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=folder, resume=True), uninterrupted)
    assert listing(folder) == before  # nothing was left to train either


def test_a_disk_without_room_is_told_before_anything_is_written(uninterrupted, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    message = r"full' cannot be written, it needs 1,\d+ bytes, and 1,000 are free; make room there, or choose another place\.$"
    with pytest.raises(ValueError, match=message):
        ae.save(uninterrupted, tmp_path / "full")
    assert list((tmp_path / "full").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("OUT_OF_RANGE: Failed writing [os_error_code='28']"), "No space left on device"),
        (KeyError("params"), "KeyError"),
    ],
)
def test_what_breaks_off_a_save_is_told_in_one_sentence(error, reason, tmp_path):
    message = rf"^The checkpoint '.*' cannot be written \({reason}\); choose another place, or make room there\.$"
    with pytest.raises(ValueError, match=message), checkpoints._orbax(tmp_path, "written"):
        raise error


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_anew(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "run")

    def read(step, calls=[]):  # noqa: B006 - counts its calls
        calls.append(step.name)
        if len(calls) == 1:
            step.rename(step.with_name("5"))
            raise FileNotFoundError(step)
        return calls

    assert checkpoints.look(tmp_path / "run", read) == ["4", "5"]


@pytest.mark.slow
def test_what_two_devices_trained_is_read_and_goes_on_with_one(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVING_SHARE", ALWAYS)

    def stop(progress):
        if progress.epoch == 2:
            raise Stopped

    devices, folder = jax.local_devices()[:2], tmp_path / "run" / "net"
    with pytest.raises(Stopped):
        ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, devices=devices, checkpoints=folder, callbacks=[stop])
    done = subprocess.run([sys.executable, __file__, "one", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == 1
    assert found["epochs"] == [2, 4, 4]
    whole = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS)
    np.testing.assert_allclose(found["loss"], whole.history.loss, rtol=1e-3)
    assert found["programs"] == _programs()  # fingerprints are those of another process


def _programs():
    return ALIKE.fingerprints(DATA.image_shape, 8)


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


@pytest.mark.slow
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


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_happened(kills, tmp_path):
    rng = np.random.default_rng(0)
    command, tmp_path = [sys.executable, __file__, tmp_path / "checkpoints"], tmp_path / "checkpoints"
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
            for _ in range(int(rng.integers(1, 4))):
                assert training.stdout.readline().startswith("epoch"), "ended before it could be killed"
            time.sleep(rng.uniform(0, 0.2))  # most of the time it saves
            training.send_signal(signal.SIGKILL)
        assert training.returncode == -signal.SIGKILL
    told = []
    resumed = ae.train(
        NETWORK, DATA, LONG, seeds=SEEDS, checkpoints=tmp_path, resume=True, callbacks=[lambda p: told.append(p.epoch)]
    )
    assert 1 < told[0] < 30
    assert_same(resumed, ae.train(NETWORK, DATA, LONG, seeds=SEEDS))
    assert_same(ae.restore(tmp_path), resumed)
    assert steps_in(tmp_path) == ["30"]


def one(folder):
    """What has one device: reads what two have trained, goes on with it, and says what it finds."""
    jax.config.update("jax_enable_x64", True)
    read = ae.restore(folder).history
    ended = ae.train(NETWORK, DATA, RECIPE, seeds=SEEDS, checkpoints=folder, resume=True).history
    (again,) = ae.trained(Path(folder).parent).values()
    epochs = [history.num_epochs for history in (read, ended, again.history)]
    said = {"devices": len(jax.devices()), "epochs": epochs, "loss": ended.loss.tolist(), "programs": _programs()}
    print(json.dumps(said))


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
        callbacks=[lambda progress: print("epoch", progress.epoch, flush=True)],
    )


if __name__ == "__main__":
    one(sys.argv[2]) if sys.argv[1] == "one" else main(sys.argv[1])
