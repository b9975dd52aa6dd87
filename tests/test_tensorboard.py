"""Logs for TensorBoard, read back record by record."""

import struct
import sys

import pytest
from test_stopping import SEEDS, STOPPING, train

import aecluster as ae

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")


def scalars(folder):
    """(name, epoch, value) of every event in a folder: records of a length, a checksum, an event, and a checksum."""
    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = event_pb2.Event.FromString(data[12 : 12 + length])
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
            data = data[16 + length :]
    return found


def test_every_curve_is_logged_a_run_a_seed(tmp_path):
    board = ae.TensorBoard(tmp_path / "logs")
    ensemble = train(STOPPING, callbacks=[board])
    for index, seed in enumerate(SEEDS):
        expected = [
            (name, epoch + 1, pytest.approx(values[index, epoch], rel=1e-6))
            for epoch in range(ensemble.history.num_epochs)
            for name, values in ensemble.history.columns().items()
        ]
        assert scalars(tmp_path / "logs" / f"seed_{seed}") == expected
    assert board.writers == []


def test_where_no_writer_is_installed_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match="`TensorBoard` needs tensorboardX, which is not installed; install it by"):
        train(callbacks=[ae.TensorBoard(tmp_path / "logs"), pytest.fail])
    assert not (tmp_path / "logs").exists()
