"""Stores that are damaged: chunks, checksums and metadata are found, named and walked again."""

import shutil

import pytest
import xarray
from stores import TILES, Stopped, files, finished_tiles, forget_identity, gathered, stop_after, sweep

import hillopt as ho


@pytest.fixture(scope="module")
def whole():
    return sweep()


def test_of_a_damaged_store_metadata_are_scattered_until_it_is_whole_again(whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    for chunk in ("critical_height/c/0/0", "critical_height/c/3/1"):
        (path / chunk).unlink()
    with pytest.warns(UserWarning, match="is damaged"), pytest.raises(Stopped):
        sweep(path, resume=True, on_progress=stop_after(1))
    assert not gathered(path)
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)
    assert gathered(path)


def test_a_tile_found_damaged_while_another_process_gathers_is_not_hidden(tmp_path, monkeypatch):
    from hillopt.sweeps.zarr_store import ZarrTiles

    path, gather = tmp_path / "s.zarr", ZarrTiles._gather_metadata

    def gather_late(tiles):
        tiles._arrays["progress/tiles"][2, 1] = 0  # by the other, which has found nothing to scatter yet
        gather(tiles)

    monkeypatch.setattr(ZarrTiles, "_gather_metadata", gather_late)
    sweep(path)
    assert not gathered(path)
    assert finished_tiles(path).sum() == TILES - 1


def test_gathered_metadata_are_not_what_a_store_is_read_by(whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    (path / "upper" / "zarr.json").unlink()
    assert gathered(path)
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)
    assert (path / "upper" / "zarr.json").is_file()
    assert gathered(path)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}"])
def test_metadata_that_do_not_decode_are_named_with_the_remedy(content, whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    (path / "upper" / "zarr.json").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"metadata of 'upper' that do not decode; remove upper/zarr\.json, and sweep on"
    ):
        sweep(path, resume=True)
    (path / "upper" / "zarr.json").unlink()
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)


@pytest.mark.parametrize("missing", ["zarr.json", "critical_height", "upper/zarr.json", "progress"])
def test_a_store_whose_beginning_was_cut_off_is_begun_again(missing, whole, tmp_path):
    """Killed while it wrote its metadata: the identity, which comes last, is not there."""
    import zarr

    path = tmp_path / "s.zarr"
    with pytest.raises(Stopped):
        sweep(path, on_progress=stop_after(1))
    for chunk in path.rglob("c"):
        shutil.rmtree(chunk)
    forget_identity(path)
    lost = path / missing
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    if missing == "zarr.json":
        zarr.open_group(path, mode="a").attrs["made_by"] = "hillopt"
    xarray.testing.assert_equal(sweep(path, resume=True).load(), whole)


def flip(chunk):
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 0x10
    chunk.write_bytes(content)


DAMAGES = {
    "flipped": flip,
    "truncated": lambda chunk: chunk.write_bytes(chunk.read_bytes()[:-5]),
    "empty": lambda chunk: chunk.write_bytes(b""),
    "gone": lambda chunk: chunk.unlink(),
}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", ["critical_height/c/1/1", "verdict_at_height/c/0/2/2"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_found_named_and_walked_again(damage, chunk, whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    contents = {name: file.read_bytes() for name, file in files(path).items()}
    DAMAGES[damage](path / chunk)
    place = tuple(int(part) for part in chunk.split("/")[-2:])
    told: list[ho.Progress] = []
    with pytest.warns(UserWarning, match=rf"tile \({place[0]}, {place[1]}\) of .* is damaged: .*; it is walked again"):
        mended = sweep(path, resume=True, on_progress=told.append)
    xarray.testing.assert_equal(mended.load(), whole)
    assert {name: file.read_bytes() for name, file in files(path).items()} == contents
    assert told[0].tiles - TILES + 1 in (0, 1)


def test_a_damaged_checksum_stands_for_none(whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    (path / "progress/tiles/c/1/1").write_bytes(b"nonsense")
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    assert told[-1].found == 55 - 4
    assert finished_tiles(path).all()


def test_a_flipped_chunk_is_noticed_by_whoever_reads_it(tmp_path):
    sweep(tmp_path / "s.zarr")
    flip(tmp_path / "s.zarr" / "critical_height/c/1/1")
    with pytest.raises(Exception, match=r"(?i)checksum|decod|corrupt|zstd"):
        xarray.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None).critical_height.load()
