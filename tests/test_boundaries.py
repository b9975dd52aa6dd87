"""Boundaries: every mixed cell of the whole grid by few evaluations, resumed, and bad input by its text."""

import itertools
import re

import numpy as np
import pytest
import xarray

import hillopt as ho
from hillopt.boundaries import front
from hillopt.boundaries.search import Known, filled, search

TENT, ADAM = ho.TentHill(0.2), ho.Adam(0.1, 0.9)
PLAIN = ho.Escape(200, climb=ho.PlainClimb())
SIZE = 129


def plane(size, second="height"):
    """The plane of the learning rate and the height, or another number up to almost 1."""
    high = 1.0 if second == "height" else 0.95
    return {"learning_rate": ho.Axis.linear(0.05, 0.6, size), second: ho.Axis.linear(0.0, high, size)}


def mixed_cells(labels):
    """By the definition: the corners of a cell are not all alike."""
    corners = [labels[rows, columns] for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None))]
    return np.any([corner != corners[0] for corner in corners[1:]], axis=0)


CASES = {
    "a verdict": (PLAIN, TENT, ADAM, plane(SIZE), {}, "verdict", None),
    "three labels": (
        ho.Escape(60, climb=ho.PlainClimb()),
        ho.DoubleWell(0.25),
        ho.HeavyBall(0.1, 0.5),
        {"height": ho.Axis.linear(0.1, 1.0, 90), "learning_rate": ho.Axis.linear(0.01, 0.9, 77)},
        {"spacing": 4},
        "verdict",
        None,
    ),
    "a level": (
        ho.CriticalHeight(200, ho.PlainClimb()),
        ho.TentHill(),
        ADAM,
        {"learning_rate": ho.Axis.linear(0.34, 0.49, 80), "eps": ho.Axis.linear(0.0, 0.8, 90)},
        {"of": "critical_height", "level": 0.25},
        "critical_height",
        0.25,
    ),
    "a bool": (
        ho.Loss(900),
        ho.RoughBowl(0.2),
        ho.HeavyBall(0.1),
        {"learning_rate": ho.Axis.linear(0.05, 2.5, 90), "momentum": ho.Axis.linear(0.0, 0.9, 57)},
        {"of": "finite"},
        "finite",
        None,
    ),
}


@pytest.mark.parametrize(("question", "hill", "optimizer", "axes", "how", "field", "level"), CASES.values(), ids=CASES)
def test_labels_and_mixed_cells_are_those_of_the_whole_grid(question, hill, optimizer, axes, how, field, level):
    found = ho.boundary(question, hill, optimizer, axes, batch=512, **how)
    values = ho.sweep(question, hill, optimizer, axes)[field].values
    labels = values if level is None else values >= level
    np.testing.assert_array_equal(found["label"].values[found["evaluated"].values], labels[found["evaluated"].values])
    np.testing.assert_array_equal(found["mixed"].values, mixed_cells(labels))
    assert found.attrs["num_mixed"] == mixed_cells(labels).sum() > 0
    assert found.attrs["evaluations"] == found["evaluated"].values.sum() < labels.size / 2


def test_shapes_of_every_kind_are_outlined():
    """Bands, diagonals and ovals, on grids of awkward sizes."""
    for (rows, columns), spacing in itertools.product([(64, 65), (97, 31), (2, 50), (33, 2)], [1, 4, 16, 128]):
        y, x = np.mgrid[:rows, :columns].astype(float)
        for labels in (
            x > columns / 3,
            y > x * rows / columns,
            (x - columns / 2) ** 2 + (y - rows / 2) ** 2 < rows * columns / 9,
        ):
            known = Known.nothing((rows, columns), np.dtype(np.int8))
            search(known, _asked_of(known, labels), spacing)
            corners = labels[:: max(rows - 1, 1), :: max(columns - 1, 1)]
            if (
                spacing == 1 or (corners != corners[0, 0]).any()
            ):  # some boundary is met: these have only one, or meet it
                np.testing.assert_array_equal(filled(known), labels)
                np.testing.assert_array_equal(known.mixed, mixed_cells(labels))


def _asked_of(known, labels):
    def ask(settings, stride):
        del stride
        settings = known.unknown(settings)
        known.note(settings, labels.reshape(-1)[settings])
        return settings

    return ask


def test_what_is_checked_finds_islands_and_follows_them(monkeypatch):
    """A disc of three settings across lies between the settings of the first lattice."""
    labels = np.zeros((65, 65), bool)
    labels[20:35] = True
    labels[48:51, 37:40] = True
    known = Known.nothing(labels.shape, np.dtype(np.int8))
    ask = _asked_of(known, labels)
    search(known, ask, 16)
    assert known.mixed.sum() == mixed_cells(labels).sum() - 12
    assert front._check(known, ask, front.Rules(16, 0, labels.size), seed=0)[1] == 9
    np.testing.assert_array_equal(known.mixed, mixed_cells(labels))


def test_an_interrupted_refinement_goes_on_and_gives_the_same(tmp_path, monkeypatch):
    """It stops after some rounds; whoever resumes asks only what the record has not."""
    monkeypatch.setattr("hillopt.boundaries.record.TILE", 128)
    axes, store = plane(65), ho.Store(tmp_path / "adam.zarr", resume=True)
    whole = ho.boundary(PLAIN, TENT, ADAM, axes, batch=256)

    def stop(progress):
        if progress.evaluations > 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ho.boundary(PLAIN, TENT, ADAM, axes, batch=256, store=store, on_progress=stop)
    asked = []
    answers = front.Asker.answers
    monkeypatch.setattr(
        front.Asker,
        "answers",
        lambda self, settings, field: asked.append(settings.size) or answers(self, settings, field),
    )
    resumed = ho.boundary(PLAIN, TENT, ADAM, axes, batch=256, store=store)
    xarray.testing.assert_identical(resumed, whole)
    assert 0 < sum(asked) <= whole.attrs["evaluations"] - 512
    asked.clear()
    xarray.testing.assert_identical(ho.boundary(PLAIN, TENT, ADAM, axes, batch=256, store=store), whole)
    assert sum(asked) == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 1}, "was begun with seed=0, not 1; sweep with the same, or choose another name."),
        ({"spacing": 8}, "was begun with spacing=16, not 8;"),
        ({"axes": plane(33)}, "was begun with axis learning_rate=[0.05, 0.6, 17, 'linear', "),
    ],
)
def test_a_store_of_another_refinement_is_refused(tmp_path, changes, sentence):
    store = ho.Store(tmp_path / "adam.zarr", resume=True)
    ho.boundary(PLAIN, TENT, ADAM, plane(17), store=store)
    given = {"axes": plane(17), "store": store, **changes}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        ho.boundary(PLAIN, TENT, ADAM, **given)


AXES = plane(9)
BAD = {
    "one axis": (
        {"axes": {"learning_rate": [0.1, 0.2]}},
        "`axes` must be two, of at least two values each, got 'learning_rate' of 2;",
    ),
    "three axes": (
        {"axes": {**AXES, "b1": [0.1, 0.2]}},
        "`axes` must be two, of at least two values each, got 'learning_rate' of 9, 'height' of 9, 'b1' of 2;",
    ),
    "one value": (
        {"axes": {**AXES, "height": [0.1]}},
        "`axes` must be two, of at least two values each, got 'learning_rate' of 9, 'height' of 1; a boundary",
    ),
    "no such field": ({"of": "verdikt"}, "`of` must be a field of the answer, got 'verdikt'; did you mean 'verdict'?"),
    "a field of its own": (
        {"question": ho.CriticalHeight(10, heights=[0.1]), "axes": plane(9, "b1"), "of": "verdict_at_height"},
        "`of` must have one value for each setting, and 'verdict_at_height' has some along height; take another field.",
    ),
    "a label's level": ({"level": 0.5}, "`level` divides numbers, and 'verdict' has labels; leave it out."),
    "no level": (
        {"question": ho.Loss(10), "of": "loss"},
        "`level` must be given, since 'loss' is a number; give the value at which it is divided.",
    ),
    "no number": (
        {"question": ho.Loss(10), "of": "loss", "level": float("nan")},
        "`level` must be a number, got nan; give the value at which 'loss' is divided.",
    ),
    "a level not met": (
        {"question": ho.Loss(10), "of": "loss", "level": 1e9},
        "`axes` show no boundary: loss >= 1e+09 is 'below' at all 81 settings asked; choose other axes or another level,",
    ),
    "a spacing": ({"spacing": 3}, "`spacing` must be a power of two, since it is divided, got 3; take 16, say."),
    "no spacing": ({"spacing": 0}, "`spacing` must be at least 1, got 0; take 16, say."),
    "checks": ({"checks": -1}, "`checks` must be a whole number of at least 0, got -1; 0 checks nothing."),
    "a margin": ({"margin": -1}, "`margin` must be a whole number of at least 0, got -1; 0 asks none around."),
    "a batch": ({"batch": 0}, "`batch` must be at least 1, got 0; leave it out for a good one."),
    "a shard": (
        {"store": ho.Store("a", shard=(0, 2))},
        "`store` is filled by one process, since what is asked next hangs on all labels; leave `shard` out.",
    ),
    "a path": (
        {"store": "a.zarr"},
        "`store` must be a store of hillopt, got 'a.zarr'; write for example ho.Store(\"boundary.zarr\").",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_a_sentence(changes, sentence, tmp_path, monkeypatch, as_users_call):
    monkeypatch.chdir(tmp_path)
    given = {"question": PLAIN, "hill": TENT, "optimizer": ADAM, "axes": AXES, **changes}
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        ho.boundary(**given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("second", ["height", "b1"])
def test_the_tents_planes_take_a_25th_of_the_evaluations(second):
    """On 1,024 x 1,024 settings. Over b1, islands of some cells beside the tips of teeth are missed, and all else is found."""
    axes = plane(1_024, second)
    question = ho.Escape(1_000, climb=ho.PlainClimb())
    labels = ho.sweep(question, TENT, ADAM, axes)["verdict"].values
    found = ho.boundary(question, TENT, ADAM, axes)
    mixed = mixed_cells(labels)
    missed = (mixed & ~found["mixed"].values).sum() / mixed.sum()
    assert missed == 0 if second == "height" else missed < 0.025
    assert not (found["mixed"].values & ~mixed).any()
    assert labels.size / found.attrs["evaluations"] > 25
