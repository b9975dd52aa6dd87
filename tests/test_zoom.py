"""Zooms: windows that hold each other's settings bit for bit, an end where numbers end, films, and what is refused."""

import re
import subprocess

import numpy as np
import pytest
import xarray
from matplotlib.animation import FFMpegWriter
from PIL import Image

import hillopt as ho
from hillopt import pictures
from hillopt.boundaries import front

AXES = {"learning_rate": ho.Axis.linear(0.05, 0.6, 33), "height": ho.Axis.linear(0.05, 0.6, 33)}
ASKED = ho.Escape(100, ho.FAST), ho.TentHill(0.3), ho.Adam(0.1)


def test_every_window_is_half_as_wide_and_knows_what_was_known():
    found = ho.zoom(*ASKED, AXES, num_frames=3)
    assert len(found.frames) == 3
    for before, after in zip(found.frames[:-1], found.frames[1:], strict=True):
        for name in AXES:
            wide, narrow = before[name].values, after[name].values
            assert narrow[-1] - narrow[0] == (wide[-1] - wide[0]) / 2
            assert set(narrow[::2]) <= set(wide)
        known = before.sel({name: after[name].values[::2] for name in AXES})
        taken = after.isel({name: slice(None, None, 2) for name in AXES})
        asked = known["evaluated"].values & taken["evaluated"].values
        assert asked.sum() > 20
        np.testing.assert_array_equal(taken["label"].values[asked], known["label"].values[asked])
        assert int(after["mixed"].sum()) > 0


def test_the_answers_of_a_window_are_those_of_its_settings():
    frame = ho.zoom(*ASKED, AXES, num_frames=2).frames[-1]
    axes = {name: frame[name].values for name in AXES}
    whole = ho.sweep(*ASKED, axes)["verdict"].transpose(*frame["label"].dims).values
    asked = frame["evaluated"].values
    np.testing.assert_array_equal(frame["label"].values[asked], whole[asked])


def test_a_zoom_ends_where_the_number_format_does():
    close = {"learning_rate": ho.Axis.linear(0.3, 0.3 + 2e-6, 9), "height": ho.Axis.linear(0.1, 0.6, 9)}
    # neighbours of a window of float32 are 2^-25 apart near 0.3, half of which rounding takes for nothing
    found = ho.zoom(*ASKED, close, num_frames=10, dtype="float32", spacing=1)
    spacing = np.diff(found.frames[-1]["learning_rate"].values.astype(np.float32))
    assert 1 <= len(found.frames) < 10
    assert spacing.min() == np.float32(2**-25)
    assert found.ended == (
        f"the number format ends: after {len(found.frames)} windows float32 does not tell neighbouring values of learning_rate "
        "apart; take float64, fewer points or fewer frames."
    )


def test_an_interrupted_zoom_goes_on_and_gives_the_same(tmp_path, monkeypatch):
    """It stops in the second of three windows; whoever resumes asks only what no store has."""
    monkeypatch.setattr("hillopt.boundaries.record.TILE", 64)
    store = ho.Store(tmp_path / "windows", resume=True)
    whole = ho.zoom(*ASKED, AXES, num_frames=3)

    def stop(number, progress):
        if number == 1 and progress.evaluations > 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ho.zoom(*ASKED, AXES, num_frames=3, store=store, on_frame=stop)
    asked = []
    answers = front.Asker.answers
    monkeypatch.setattr(
        front.Asker,
        "answers",
        lambda self, settings, field: asked.append(settings.size) or answers(self, settings, field),
    )
    resumed = ho.zoom(*ASKED, AXES, num_frames=3, store=store)
    evaluations = [frame.attrs["evaluations"] for frame in whole.frames]
    assert sum(evaluations[1:]) - 64 >= sum(asked) > 0
    for before, after in zip(whole.frames, resumed.frames, strict=True):
        xarray.testing.assert_identical(after, before)
    assert sorted(path.name for path in (tmp_path / "windows").iterdir()) == ["000.zarr", "001.zarr", "002.zarr"]


def test_a_window_of_another_zoom_is_refused(tmp_path):
    ho.zoom(*ASKED, AXES, num_frames=1, store=ho.Store(tmp_path / "windows"))
    store = ho.Store(tmp_path / "windows", resume=True)
    with pytest.raises(
        ValueError, match=r"was begun with seed=0, not 1; sweep with the same, or choose another name\.$"
    ):
        ho.zoom(*ASKED, AXES, num_frames=1, store=store, seed=1)


BAD = {
    "about nothing": (
        {"about": {"learning_rate": 0.2}},
        "`about` must give one value for each of learning_rate, height, got {'learning_rate': 0.2}; leave it out",
    ),
    "about elsewhere": (
        {"about": {"learning_rate": 2.0, "height": 0.2}},
        "`about` must lie in the first window, learning_rate from ",
    ),
    "a list": (
        {"axes": {**AXES, "height": [0.1, 0.2, 0.4]}},
        "`axes['height']` must be a linear or logarithmic axis of several values, got a list axis; write for example",
    ),
    "one axis": ({"axes": {"height": AXES["height"]}}, "`axes` must be two, of at least two values each, got 'height' of 33;"),
    "no frames": ({"num_frames": 0}, "`num_frames` must be at least 1, got 0; give at least one"),
    "frames": ({"num_frames": 10**9}, "`num_frames` makes an answer of 4.06e+03 GiB, and this machine's memory has"),
    "a path": ({"store": "zoom"}, "`store` must be a store of hillopt, got 'zoom'; write for example ho.Store(\"zoom\")"),
    "no boundary": (
        {"axes": {**AXES, "height": ho.Axis.linear(50.0, 60.0, 33)}},
        "`axes` show no boundary: verdict is 'undecided' at all 9 settings asked; choose other axes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_a_sentence(changes, sentence, as_users_call):
    with pytest.raises(ValueError, match=rf"^{re.escape(sentence)}[^\n]*\.$"):
        ho.zoom(*ASKED, **{"axes": AXES, **changes})


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="ffmpeg is not installed")
def test_films_show_every_window(tmp_path):
    found = ho.zoom(*ASKED, AXES, num_frames=2)
    assert pictures.write_film(found.frames, tmp_path) == ["zoom.gif", "zoom.mp4"]
    told = subprocess.run(
        ["ffmpeg", "-i", tmp_path / "zoom.mp4", "-f", "null", "-"], capture_output=True, text=True, check=True
    )
    assert re.search(r"frame=\s*2 ", told.stderr)
    with Image.open(tmp_path / "zoom.gif") as film:
        assert film.n_frames == 2
