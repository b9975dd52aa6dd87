"""Where a store cannot be: what is somebody else's, what a file system or a network refuses, disks that are full or read-only."""

import contextlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray
from stores import BRIEFLY, LOW, TILES, Stopped, files, finished_tiles, stop_after, sweep

import hillopt as ho


@pytest.fixture(scope="module")
def whole():
    return sweep()


def thesis(path):
    path.mkdir()
    (path / "chapter.txt").write_text("years of work")


def saved_sweep(path):
    ho.save(sweep(axes={"learning_rate": [0.1]}), path)


def group_with_an_array(zarr_format):
    def make(path):
        import zarr

        zarr.open_group(path, mode="w", zarr_format=zarr_format).create_array("learning_rate", data=np.arange(11.0))

    return make


def empty_group(zarr_format, **attributes):
    def make(path):
        import zarr

        zarr.open_group(path, mode="w", zarr_format=zarr_format).attrs.update(attributes)

    return make


def lone_array(path):
    import zarr

    zarr.create_array(path, data=np.arange(11.0))


def nonsense(path):
    path.mkdir()
    (path / "zarr.json").write_text("nonsense")


FOREIGN = {
    "a folder": (thesis, "holds no sweep"),
    "a file": (lambda path: path.write_text("years of work"), "holds no sweep"),
    "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "holds no sweep"),
    "a saved sweep": (saved_sweep, "holds no sweep that can be resumed"),
    "arrays, version 3": (group_with_an_array(3), "holds no sweep that can be resumed"),
    "arrays, version 2": (group_with_an_array(2), "holds no sweep that can be resumed"),
    "empty, version 3": (empty_group(3), "holds no sweep that can be resumed"),
    "empty, version 2": (empty_group(2), "holds no sweep that can be resumed"),
    "another mark": (empty_group(3, made_by="somebody"), "holds no sweep that can be resumed"),
    "our mark in version 2": (empty_group(2, made_by="hillopt"), "holds no sweep that can be resumed"),
    "an array": (lone_array, "holds no sweep that can be read"),
    "nonsense": (nonsense, "holds no sweep that can be read"),
}


@pytest.mark.parametrize(
    "options", [{}, {"resume": True}, {"shard": (0, 2)}], ids=lambda options: next(iter(options), "plain")
)
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_somebody_elses_is_refused_and_not_changed_by_a_byte(kind, options, tmp_path):
    make, message = FOREIGN[kind]
    make(tmp_path / "s.zarr")
    before = {name: file.read_bytes() for name, file in files(tmp_path).items()}
    with pytest.raises(ValueError, match=message if options else "exists; choose another name") as refused:
        sweep(tmp_path / "s.zarr", **options)
    assert str(refused.value).endswith(".")
    assert {name: file.read_bytes() for name, file in files(tmp_path).items()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ho.Store("x", shard=(2, 2)), r"`shard` must be \(i, n\) with 0 <= i < n, got \(2, 2\)"),
        (lambda: ho.Store("x", shard=(-1, 2)), r"`shard` must be \(i, n\) with 0 <= i < n"),
        (lambda: ho.Store("x", shard=(0.0, 2)), r"`shard` must be \(i, n\) with 0 <= i < n, got \(0\.0, 2\)"),
        (lambda: ho.Store("x", shard="0/2"), r"`shard` must be \(i, n\) with 0 <= i < n, got '0/2'"),
        (lambda: ho.Store(""), r"`path` must be a folder or a URL that fsspec knows, got ''"),
        (lambda: ho.Store(b"x"), r"`path` must be a folder or a URL that fsspec knows, got b'x'"),
        (lambda: ho.Store("a\0b"), r"`path` must be a folder or a URL that fsspec knows, got 'a\\x00b'"),
        (
            lambda: ho.Store(Path("s3://bucket/x")),
            r"`path` 's3:/bucket/x' was a URL before it became a Path; give it as text",
        ),
        (lambda: ho.Store("~nobody_of_that_name/x"), r"`path` '~nobody_of_that_name/x': there is no such home folder"),
        (
            lambda: sweep("/proc/nowhere/s.zarr"),
            r"`path` '/proc/nowhere/s\.zarr' needs .* GiB for its checksums alone \(tiles: 15\), and the disk has 0 left",
        ),
    ],
)
def test_bad_options(make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^{message}"):
        make()
    assert not list(tmp_path.iterdir())


def below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "s.zarr"


class Gone(Exception):
    """What a network may raise, which is no OSError."""


PLACES = {
    "no such protocol": (lambda _: "gopher://x/y", "Protocol not known: gopher"),
    "below a file": (below_a_file, "Not a directory"),
    "a very long name": (lambda _: "a" * 300, "File name too long"),
    "no such kernel file": (lambda _: "/proc/self/nowhere/s.zarr", ""),
}


@pytest.mark.parametrize("place", PLACES)
def test_whatever_a_file_system_raises_is_a_sentence(place, whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, reason = PLACES[place]
    path = make(tmp_path)
    for write in (sweep, lambda path: sweep(path, resume=True), lambda path: ho.save(whole, path)):
        with pytest.raises(ValueError, match=r"^`path` '[^\n]*\.$") as refused:
            write(path)
        assert reason in str(refused.value)
        assert len(str(refused.value)) < 250
    assert [path.name for path in tmp_path.iterdir()] in ([], ["file"])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("Install s3fs to access S3"), "Install s3fs to access S3"),
        (Gone("Unable to locate credentials"), "Unable to locate credentials"),
        (Gone("Could not connect\nto it"), "Could not connect"),
        (Gone(), "Gone"),
        (NotImplementedError(), "nothing can be written there"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
    ids=repr,
)
def test_whatever_a_network_raises_is_a_sentence(error, reason, whole, monkeypatch):
    import fsspec

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(fsspec, "url_to_fs", fail)
    for write in (sweep, lambda path: sweep(path, resume=True), lambda path: ho.save(whole, path)):
        with pytest.raises(ValueError, match=r"^`path` 's3://bucket/x' cannot be ") as refused:
            write("s3://bucket/x")
        assert f"({reason}); mend that, or choose another place." in str(refused.value)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte, which takes the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no right to mount a file system here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def with_room_for(monkeypatch, free):
    monkeypatch.setattr("hillopt.sweeps.place.shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))


MANY = {"b1": ho.Axis.linear(0.1, 0.9, 64), "learning_rate": ho.Axis.log(0.05, 0.9, 1024)}


def test_what_fits_when_it_is_compressed_is_walked(tmp_path, monkeypatch):
    with_room_for(monkeypatch, 250_000)
    dataset = sweep(tmp_path / "s.zarr", MANY, question=BRIEFLY, hill=LOW, tile=2**14)
    assert dataset.nbytes > 400_000


def test_what_does_not_fit_by_its_first_tile_is_refused_then_and_the_tile_is_kept(whole, tmp_path, monkeypatch):
    path = tmp_path / "s.zarr"
    with_room_for(monkeypatch, 200_000)
    with pytest.raises(
        ValueError,
        match=r"needs about [\d.]+ GiB more, by the size of its first tile, and the disk has 0\.000186 left; the tile is kept: "
        r"make room and sweep on with resume=True, or choose another disk or fewer points\.$",
    ):
        sweep(path)
    finished = finished_tiles(path)
    assert finished.sum() == 1
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    assert told[-1].found == (finished * [4, 4, 3]).sum()  # of two devices' tiles either may come first


def test_a_full_disk_loses_nothing(small_disk, whole):
    path, filler = small_disk / "s.zarr", small_disk / "filler"

    def fill(progress):
        if progress.tiles == 4 and not filler.exists():
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

    with pytest.raises(
        ValueError, match=r"cannot be written \(No space left on device\); its \d+ finished tiles of 15 are safe"
    ):
        sweep(path, on_progress=fill)
    assert 4 <= finished_tiles(path).sum() < TILES
    filler.unlink()
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    assert told[0].found >= 4


def test_a_read_only_store_is_read_and_not_gone_on_with(small_disk, whole):
    path = small_disk / "s.zarr"
    with pytest.raises(Stopped):
        sweep(path, on_progress=stop_after(3))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(
        ValueError, match=r"cannot be written \(Read-only file system\); its \d+ finished tiles of 15 are safe"
    ):
        sweep(path, resume=True)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)
