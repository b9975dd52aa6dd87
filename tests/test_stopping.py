"""Callbacks, early stopping on what is held out, the best and the last networks, and the history as a table."""

import contextlib
import dataclasses

import jax
import numpy as np
import optax
import pytest
from test_checkpoints import assert_same

import aecluster as ae
from aecluster.ensemble import History

RNG = np.random.default_rng(4)
DATA = ae.ImageData("noise", *(ae.Split.of(RNG.random((num, 3, 3, 1), np.float32)) for num in (20, 5)))
NETWORK = ae.Dense(2, ())
RECIPE = ae.Recipe(epochs=12, batch_size=6, optimizer=optax.adam, learning_rate=0.3, loss=ae.L2())
STOPPING = dataclasses.replace(RECIPE, stopping=ae.EarlyStopping(patience=2, share=0.3))
SEEDS = (3, 5)


def train(recipe=RECIPE, **settings):
    return ae.train(NETWORK, DATA, recipe, seeds=SEEDS, **settings)


def plainly(errors, patience):
    """Whether to stop, as one would count by hand."""
    waits = []
    for row in errors:
        best, wait = np.inf, 0
        for error in row:
            best, wait = (error, 0) if error < best else (best, wait + 1)
        waits.append(wait)
    return len(errors[0]) > 0 and min(waits) >= patience


@pytest.mark.parametrize("num_epochs", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_patience_is_counted_as_by_hand(num_epochs, patience):
    for _ in range(20):
        errors = RNG.integers(0, 4, (2, num_epochs)) / 4
        assert ae.EarlyStopping(patience).stops(errors) == plainly(errors, patience)


@pytest.mark.parametrize(("share", "num"), [(0.3, 6), (0.01, 1), (0.9, 18)])
def test_what_is_held_out_is_not_trained_on(share, num):
    images = DATA.train.images
    rest, held_out = ae.EarlyStopping(share=share).split(images)
    assert (len(rest), len(held_out)) == (20 - num, num)
    both = np.concatenate([rest, held_out]).reshape(20, -1)
    assert {row.tobytes() for row in both} == {image.tobytes() for image in images}
    again = ae.EarlyStopping(share=share).split(images)
    np.testing.assert_array_equal(again[1], held_out)


@pytest.fixture(scope="module")
def told():
    """Every epoch's parameters and errors, as a callback saw them."""
    return []


@pytest.fixture(scope="module")
def stopped(told, tmp_path_factory):
    def note(progress):
        params = jax.tree.map(np.array, progress.ensemble.params)
        told.append((params, progress.history.held_out_error[:, -1]))

    folder = tmp_path_factory.mktemp("stopped") / "saved"
    return folder, train(STOPPING, callbacks=[note], checkpoints=folder)


def test_the_best_networks_come_back_and_are_restored(stopped, told):
    folder, ensemble = stopped
    errors = np.stack([error for _, error in told], axis=1)
    np.testing.assert_array_equal(ensemble.history.held_out_error, errors)
    assert [plainly(errors[:, :n], 2) for n in range(1, errors.shape[1] + 1)].index(True) == errors.shape[1] - 1 < 11
    for index, epoch in enumerate(errors.argmin(1)):
        wanted = jax.tree.map(lambda leaf, index=index: leaf[index], told[epoch][0])
        kept = jax.tree.map(lambda leaf, index=index: leaf[index], ensemble.params)
        jax.tree.map(np.testing.assert_array_equal, kept, wanted)
        assert ensemble.history.kept()["held_out_error"][index] == errors[index].min()
    assert_same(ae.restore(folder), ensemble)
    last = ae.restore(folder, last=True)
    jax.tree.map(np.testing.assert_array_equal, last.params, told[-1][0])
    assert last.history.held_out_error is None
    _, held_out = STOPPING.stopping.split(DATA.train.images)
    errors_now = np.abs(ensemble.reconstruct(held_out) - held_out).mean((1, 2, 3, 4))
    np.testing.assert_allclose(errors_now, ensemble.history.kept()["held_out_error"], rtol=1e-5)


def test_without_stopping_the_last_networks_are_kept():
    ensemble = train(dataclasses.replace(RECIPE, epochs=2))
    assert ensemble.history.held_out_error is None
    assert ensemble.history.kept()["test_error"].tolist() == ensemble.history.test_error[:, -1].tolist()


def test_a_stopped_training_resumes_to_itself_and_an_interrupted_one_to_the_same(stopped, tmp_path):
    folder, ensemble = stopped
    assert_same(train(STOPPING, checkpoints=folder, resume=True, callbacks=[pytest.fail]), ensemble)
    train(STOPPING, checkpoints=tmp_path, callbacks=[lambda progress: progress.epoch == 2])
    assert ae.restore(tmp_path).history.num_epochs == 2
    assert_same(train(STOPPING, checkpoints=tmp_path, resume=True), ensemble)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [(1, 2), (2, 1)], ids=["one, then two", "two, then one"])
def test_a_training_goes_on_with_another_number_of_devices(devices, stopped, tmp_path):
    before, after = (jax.local_devices()[:num] for num in devices)
    train(STOPPING, checkpoints=tmp_path, devices=before, callbacks=[lambda progress: progress.epoch == 1])
    resumed = train(STOPPING, checkpoints=tmp_path, devices=after, resume=True)
    whole = stopped[1]
    np.testing.assert_allclose(resumed.history.loss, whole.history.loss, rtol=1e-3)
    jax.tree.map(
        lambda ours, its: np.testing.assert_allclose(ours, its, rtol=0.02, atol=1e-3), resumed.params, whole.params
    )


class Guest(contextlib.AbstractContextManager):
    """A callback with a beginning and an end."""

    def __init__(self, said):
        self.said = said

    def __enter__(self):
        self.said.append("begin")

    def __exit__(self, *error):
        self.said.append("end")

    def __call__(self, progress):
        self.said.append(progress.epoch)
        return progress.epoch == 2


def fail(progress):
    raise KeyError(progress.epoch)


def test_a_callback_may_begin_stop_and_end():
    said = []
    ensemble = train(callbacks=[Guest(said), lambda progress: said.append("next")])
    assert said == ["begin", 1, "next", 2, "next", "end"]
    assert ensemble.history.num_epochs == 2
    said.clear()
    with pytest.raises(KeyError):
        train(callbacks=[Guest(said), fail])
    assert said == ["begin", 1, "end"]


def test_the_history_is_a_table(stopped):
    history = stopped[1].history
    table = history.to_dataframe(SEEDS)
    names = ["loss", "train_error", "test_error", "dead_pixels", "held_out_error"]
    assert list(table.columns) == ["seed", "epoch", *names]
    assert table.seed.unique().tolist() == [3, 5]
    assert history.to_dataframe().seed.unique().tolist() == [0, 1]
    for name in names:
        back = table.pivot(index="seed", columns="epoch", values=name)
        np.testing.assert_array_equal(back, getattr(history, name))
        assert back.columns.tolist() == list(range(1, history.num_epochs + 1))
    assert list(History.empty(1).to_dataframe().columns) == ["seed", "epoch", *names[:-1]]


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (lambda: ae.EarlyStopping(0), "`patience` must be a whole number of at least 1, got 0; give more."),
        (lambda: ae.EarlyStopping(share=0), "`share` must be a finite number above 0, got 0; give more."),
        (
            lambda: ae.EarlyStopping(share=1.0),
            "`share` must leave images to train on, at most 0.9 held out, got 1; give less.",
        ),
        (
            lambda: ae.Recipe(stopping=ae.EarlyStopping),
            "`stopping` must be an instance, got the class EarlyStopping; write ae.EarlyStopping().",
        ),
        (
            lambda: train(dataclasses.replace(STOPPING, batch_size=16)),
            "`batch_size` is 16, but there are only 14 images to train on besides the 6 held out; lower it.",
        ),
        (
            lambda: train(callbacks=print),
            "`callbacks` must be a list of functions of an `ae.Progress`, got <built-in function print>; give such a value.",
        ),
        (lambda: train(callbacks=[3]), "`callbacks` must be a function, got 3; write print."),
        (
            lambda: train(callbacks=[lambda progress: "yes"]),
            "`callbacks` must return True to stop, else False or None, got 'yes'",
        ),
        (
            lambda: History.empty(2).to_dataframe((1,)),
            "`seeds` must name 2 networks, got 1; give those of the ensemble.",
        ),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_refusals(refused, sentence):
    with pytest.raises(ValueError, match="`") as error:
        refused()
    assert str(error.value).startswith(sentence)


def test_a_bar_goes_to_the_last_epoch_and_begins_where_a_resumed_training_stood(tmp_path, capsys):
    def stop(progress):
        return progress.epoch == 3

    train(checkpoints=tmp_path / "net", callbacks=[ae.ProgressBar(), stop])
    assert "3/12" in capsys.readouterr().err.replace("\r", "\n").splitlines()[-1]
    ended = train(checkpoints=tmp_path / "net", resume=True, callbacks=[ae.ProgressBar()])
    drawn = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if line]
    assert "3/12" in drawn[0]
    assert "12/12" in drawn[-1]
    assert f"test={ended.history.test_error[:, -1].mean():.4f}" in drawn[-1]
