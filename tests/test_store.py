"""Stores: cut anywhere and read by anybody; what comes out is the same bit for bit."""

import json
import os

import numpy as np
import pytest
import xarray
from stores import TILES, Stopped, gathered, stop_after, sweep

import hillopt as ho
from hillopt.sweeps.zarr_store import ZarrTiles


@pytest.fixture(scope="module")
def whole():
    return sweep()


def test_a_store_holds_what_a_sweep_in_memory_returns(whole, tmp_path):
    stored = sweep(tmp_path / "s.zarr")
    xarray.testing.assert_equal(stored.load(), whole)
    reopened = xarray.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None)
    xarray.testing.assert_identical(reopened.load(), stored)
    for name, values in whole.variables.items():
        xarray.testing.assert_identical(reopened[name].variable.load(), values.load())
        assert reopened[name].dtype == values.dtype
    assert {name: reopened.attrs[name] for name in whole.attrs} == whole.attrs


@pytest.mark.parametrize("order", [("b1", "learning_rate", "eps"), ("learning_rate", "eps", "b1")])
@pytest.mark.parametrize("tile", [2, 7, 1000])
def test_any_cut_gives_the_same_bits(order, tile, tmp_path):
    axes = {"b1": (0.5, 0.9), "learning_rate": ho.Axis.log(0.05, 0.9, 5), "eps": (0.0, 0.1, 0.2)}
    axes = {name: axes[name] for name in order}
    stored = sweep(tmp_path / "s.zarr", axes, tile=tile).load()
    xarray.testing.assert_equal(stored, sweep(axes=axes, tile=30))


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_url_is_as_good_as_a_path(scheme, whole, tmp_path):
    url = f"{scheme}://{tmp_path}/s.zarr"
    with pytest.raises(Stopped):
        sweep(url, on_progress=stop_after(5))
    with pytest.raises(ValueError, match="exists; choose another name, remove it, or go on"):
        sweep(url)
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(url, resume=True, on_progress=told.append).load(), whole)
    assert told[0].found >= 5


def test_a_tile_is_written_without_a_look_at_all_others(tmp_path, monkeypatch):
    looks = []
    finished = ZarrTiles.finished
    monkeypatch.setattr(ZarrTiles, "finished", lambda self: looks.append(self) or finished(self))
    sweep(tmp_path / "s.zarr", tile=10)
    few = len(looks)
    sweep(tmp_path / "t.zarr", tile=2)
    assert len(looks) == 2 * few


def test_thinned_keeps_both_ends_of_memory(tmp_path):
    stored = sweep(tmp_path / "s.zarr")
    thin = ho.thinned(stored, 20)
    assert dict(thin.sizes) == {"height": 2, "b1": 3, "learning_rate": 6}
    np.testing.assert_array_equal(thin.critical_height, stored.critical_height[::2, ::2])
    assert ho.thinned(stored, 55) is stored


def test_pieces_are_the_tiles(whole, tmp_path):
    pieces = list(ho.pieces(sweep(tmp_path / "s.zarr")))
    assert len(pieces) == TILES
    assert sum(piece.critical_height.size for piece in pieces) == whole.critical_height.size
    total = sum(float(piece.critical_height.sum()) for piece in pieces)
    assert total == pytest.approx(float(whole.critical_height.sum()), rel=1e-12)
    assert [piece.critical_height.size for piece in ho.pieces(whole)] == [55]


def test_a_store_in_the_home_folder(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ho.Store("~/s.zarr").location == f"{tmp_path}/s.zarr"
    xarray.testing.assert_equal(sweep("~/s.zarr").load(), whole)
    assert [folder.name for folder in tmp_path.iterdir()] == ["s.zarr"]


def test_a_store_says_what_made_it_and_of_what(tmp_path):
    import zarr

    sweep(tmp_path / "s.zarr")
    attributes = dict(zarr.open_group(tmp_path / "s.zarr", mode="r").attrs)
    assert attributes["made_by"] == "hillopt"
    told = json.loads(attributes["identity"])
    assert (told["question"], told["hill"], told["optimizer"]) == ("CriticalHeight", "TentHill", "Adam")
    assert (told["optimizer's b2"], told["question's max_steps"], told["seed"]) == (0.999, 200, 0)
    assert {"hill's program", "optimizer's program", "program", "mathematics", "jax"} <= set(told)


OTHERS = {
    "zarr": lambda path: xarray.open_zarr(path),
    "zarr as it is": lambda path: xarray.open_zarr(path, chunks=None),
    "data set": lambda path: xarray.open_dataset(path, engine="zarr"),
    "tree": lambda path: xarray.open_datatree(path, engine="zarr").to_dataset(),
}


@pytest.mark.parametrize("reader", OTHERS)
@pytest.mark.parametrize(
    "writer", [lambda path: sweep(path), lambda path: ho.save(sweep(), path)], ids=["store", "save"]
)
def test_whatever_reads_zarr_opens_it_without_a_warning(writer, reader, whole, tmp_path):
    writer(tmp_path / "s.zarr")
    with OTHERS[reader](tmp_path / "s.zarr") as found:
        xarray.testing.assert_equal(found.load(), whole)


def by_netcdf(dataset, path):
    dataset.to_netcdf(path / "s.nc", engine="scipy")
    return xarray.open_dataset(path / "s.nc", engine="scipy")


def by_an_older_format(dataset, path):
    dataset.to_zarr(path / "other.zarr", zarr_format=2)
    return xarray.open_zarr(path / "other.zarr")


def by_saving(dataset, path):
    ho.save(dataset, path / "other.zarr")
    return xarray.open_zarr(path / "other.zarr")


@pytest.mark.parametrize("there_and_back", [by_netcdf, by_an_older_format, by_saving])
@pytest.mark.parametrize("stored", [False, True], ids=["memory", "store"])
def test_a_sweep_is_written_elsewhere_without_a_warning(stored, there_and_back, whole, tmp_path):
    dataset = sweep(tmp_path / "s.zarr" if stored else None)
    with there_and_back(dataset, tmp_path) as found:
        xarray.testing.assert_equal(found.load(), whole)
        assert [str(np.asarray(found[name].attrs["flag_values"]).tolist()) for name in ("verdict", "certainty")] == [
            "[0, 1, 2, 3]",
            "[0, 1, 2, 3]",
        ]


@pytest.mark.parametrize("stored", [False, True], ids=["memory", "store"])
def test_flags_are_of_their_variables_own_type(stored, tmp_path):
    dataset = sweep(tmp_path / "s.zarr" if stored else None)
    flagged = [values for values in dataset.variables.values() if "flag_values" in values.attrs]
    assert len(flagged) == 4
    assert all(values.attrs["flag_values"].dtype == values.dtype for values in flagged)


def test_metadata_are_gathered_when_the_last_tile_is_there(tmp_path):
    for shard in range(3):
        assert not gathered(tmp_path / "s.zarr") if shard else True
        sweep(tmp_path / "s.zarr", shard=(shard, 3))
    assert gathered(tmp_path / "s.zarr")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_three_shards_are_one_sweep(order, whole, tmp_path):
    path = tmp_path / "s.zarr"
    for turn, shard in enumerate(order):
        told: list[ho.Progress] = []
        sweep(path, shard=(shard, 3), on_progress=told.append)
        assert told[-1].tiles == 5 * (turn + 1)
    xarray.testing.assert_equal(xarray.open_zarr(path, consolidated=False, chunks=None)[list(whole)].load(), whole)


def test_nothing_half_written_stays_for_long(tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    old, new = path / "upper" / "c" / "old.partial", path / "upper" / "c" / "new.partial"
    for file in (old, new):
        file.write_text("half")
    os.utime(old, (0, 0))
    sweep(path, resume=True)
    assert not old.exists()
    assert new.exists()


def test_a_saved_sweep_in_the_home_folder(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    ho.save(whole, "~/s.zarr")
    assert [folder.name for folder in tmp_path.iterdir()] == ["s.zarr"]


def test_of_a_sweep_that_cannot_be_saved_nothing_stays(whole, tmp_path, monkeypatch):
    def fill_the_disk(dataset, path, **options):
        (path / "half").mkdir(parents=True)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xarray.Dataset, "to_zarr", fill_the_disk)
    with pytest.raises(
        ValueError, match=r"cannot be written \(No space left on device\); mend that, or choose another"
    ):
        ho.save(whole, tmp_path / "s.zarr")
    assert not list(tmp_path.iterdir())
