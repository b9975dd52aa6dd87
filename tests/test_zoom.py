"""Zooms: windows that hold each other's settings bit for bit, and an end where numbers end."""

import numpy as np

import hillopt as ho

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
