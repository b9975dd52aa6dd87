"""Stores: cut anywhere, killed at any moment, damaged, shared, read-only, full; what comes out is the same bit for bit."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray

import hillopt as ho
from hillopt.sweeps.identity import identity
from hillopt.sweeps.plan import make_plan
from hillopt.sweeps.tiles import Tiling, cut

ROOT = Path(__file__).parent.parent
HILL = ho.TentHill()
ADAM = ho.Adam(0.1)
QUESTION = ho.CriticalHeight(200, ho.PlainClimb(), heights=[0.1, 0.3])  # what compiles soonest
AXES = {"b1": ho.Axis.linear(0.1, 0.9, 5), "learning_rate": ho.Axis.log(0.05, 0.9, 11)}
TILES = 15


def sweep(path=None, axes=AXES, *, question=QUESTION, hill=HILL, optimizer=ADAM, resume=False, shard=None, **options):
    store = None if path is None else ho.Store(path, resume=resume, shard=shard)
    return ho.sweep(question, hill, optimizer, axes, store=store, **{"tile": 4, **options})


@pytest.fixture(scope="module")
def whole():
    return sweep()


def finished_tiles(path):
    import zarr

    return np.asarray(zarr.open_group(path, mode="r")["progress/tiles"][...]) != 0


def files(path):
    return {file.relative_to(path): file for file in Path(path).rglob("*") if file.is_file()}


class Stopped(Exception):
    """A sweep that a test has had enough of."""


def stop_after(tiles):
    def tell(progress):
        if progress.tiles >= tiles:
            raise Stopped

    return tell


# ---------------------------------------------------------------------------------------------------------- the cutting


@pytest.mark.parametrize(
    ("shape", "order", "most", "tile"),
    [
        ((5, 11), (0, 1), 4, (1, 4)),
        ((5, 11), (0, 1), 30, (2, 11)),
        ((5, 11), (1, 0), 30, (5, 6)),
        ((5, 11), (0, 1), 1000, (5, 11)),
        ((7,), (0,), 3, (3,)),
        ((3, 4, 5), (2, 0, 1), 13, (3, 4, 1)),
        ((3, 4), (0, 1), 1, (1, 1)),
    ],
)
def test_tiles_cover_the_grid_once(shape, order, most, tile):
    tiling = cut(shape, order, most)
    assert tiling.tile == tile
    covered = np.zeros(shape, int)
    for number in range(tiling.num_tiles):
        covered[tiling.region(number)] += 1
        assert tiling.cells(number) == covered[tiling.region(number)].size <= most
    assert np.all(covered == 1)


def test_a_tiling_knows_its_places():
    tiling = Tiling((5, 11), (2, 4))
    assert tiling.counts == (3, 3)
    assert [tiling.place(number) for number in (0, 4, 8)] == [(0, 0), (1, 1), (2, 2)]
    assert tiling.region(8) == (slice(4, 5), slice(8, 11))


# ------------------------------------------------------------------------------------------------------ what is written


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


# ------------------------------------------------------------------------------------------------------------ going on


def test_a_sweep_goes_on_where_it_stopped(whole, tmp_path):
    path = tmp_path / "s.zarr"
    with pytest.raises(Stopped):
        sweep(path, on_progress=stop_after(6))
    before = {name: file.stat().st_mtime_ns for name, file in files(path).items() if "c" in name.parts}
    assert 6 <= finished_tiles(path).sum() < TILES
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    after = files(path)
    assert all(after[name].stat().st_mtime_ns == then for name, then in before.items())
    assert finished_tiles(path).all()


def test_a_finished_sweep_is_read_and_not_walked(tmp_path):
    stored = sweep(tmp_path / "s.zarr").load()
    told: list[ho.Progress] = []
    xarray.testing.assert_identical(sweep(tmp_path / "s.zarr", resume=True, on_progress=told.append).load(), stored)
    assert [(progress.found, progress.cells) for progress in told] == [(55, 55)]


def test_resume_begins_what_is_not_there(whole, tmp_path):
    xarray.testing.assert_equal(sweep(tmp_path / "s.zarr", resume=True).load(), whole)


def gathered(path):
    """Whether the metadata of all arrays stand in the root too."""
    import zarr

    return zarr.open_group(path, mode="r").metadata.consolidated_metadata is not None


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


def forget_identity(path):
    """As a process leaves a store that is killed before it has written all that comes before the first tile."""
    import zarr

    group = zarr.open_group(path, mode="a")
    group.attrs.clear()
    group.attrs["made_by"] = "hillopt"


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


def test_a_store_that_was_half_begun_with_other_settings_is_refused(tmp_path):
    with pytest.raises(Stopped):
        sweep(tmp_path / "s.zarr", on_progress=stop_after(1))
    forget_identity(tmp_path / "s.zarr")
    with pytest.raises(ValueError, match=r"was half begun with other settings; remove it\.$"):
        sweep(tmp_path / "s.zarr", resume=True, tile=5)


DIFFERENCES = [
    ({"question": QUESTION.replace(max_steps=201)}, "question's max_steps=200, not 201"),
    ({"question": QUESTION.replace(heights=[0.1, 0.31])}, "question's heights=[0.1, 0.3], not [0.1, 0.31]"),
    ({"question": QUESTION.replace(climb=ho.BoundedClimb())}, "climb='PlainClimb', not 'BoundedClimb'"),
    ({"question": ho.Loss(200)}, "question='CriticalHeight', not 'Loss'"),
    ({"hill": ho.EndlessTent()}, "hill='TentHill', not 'EndlessTent'"),
    ({"optimizer": ho.Adam(0.1, eps=0.1)}, "optimizer's eps=0.0, not 0.1"),
    ({"optimizer": ho.Adam(0.1, b2=0.99)}, "optimizer's b2=0.999, not 0.99"),
    ({"optimizer": ho.AdamW(0.1)}, "optimizer='Adam', not 'AdamW'"),
    ({"dtype": "float32"}, "dtype='float64', not 'float32'"),
    ({"seed": 1}, "seed=0, not 1"),
    ({"tile": 5}, "tile=[1, 4], not [1, 5]"),
    ({"axes": {**AXES, "b1": ho.Axis.linear(0.1, 0.8, 5)}}, "axis b1=[0.1, 0.9, 5, 'linear', "),
    ({"axes": {**AXES, "b1": (0.1, 0.3, 0.50001, 0.7, 0.9)}}, "axis b1=[0.1, 0.9, 5, 'linear', "),
]


@pytest.mark.parametrize(("options", "message"), DIFFERENCES, ids=[row[1][:30] for row in DIFFERENCES])
def test_other_settings_are_refused_by_name_and_nothing_is_lost(options, message, whole, tmp_path):
    path = tmp_path / "s.zarr"
    sweep(path)
    before = {name: file.stat().st_mtime_ns for name, file in files(path).items()}
    with pytest.raises(ValueError, match="was begun with ") as caught:
        sweep(path, resume=True, **options)
    assert message in str(caught.value)
    assert before == {name: file.stat().st_mtime_ns for name, file in files(path).items()}


@pytest.mark.parametrize(
    ("what", "message"), [("jax.__version__", "jax="), ("hillopt.sweeps.identity.MATHEMATICS", "mathematics=")]
)
def test_other_mathematics_are_refused(what, message, tmp_path, monkeypatch):
    sweep(tmp_path / "s.zarr")
    monkeypatch.setattr(what, "another" if "version" in what else 0)
    with pytest.raises(ValueError, match=f"was begun with {message}"):
        sweep(tmp_path / "s.zarr", resume=True)


def plain_descent(learning_rate):
    return ho.from_optax(lambda learning_rate: optax.sgd(learning_rate), learning_rate=learning_rate)


def hurried_descent(learning_rate):
    return ho.from_optax(
        lambda learning_rate: optax.chain(optax.scale(3.0), optax.sgd(learning_rate)), learning_rate=learning_rate
    )


def wave(constant):
    return ho.hill_from(lambda position, height: -height * constant * jnp.sin(position), height=1.0)


RATES = {"learning_rate": ho.Axis.linear(0.1, 0.5, 6)}
DESCENT = ho.GradientDescent(0.1)
LOW = ho.TentHill(0.3)
BRIEFLY = ho.Escape(20, ho.PlainClimb())
SAME_NAMES = [
    (LOW, plain_descent(0.1), LOW, hurried_descent(0.1), "optimizer's program"),
    (wave(1.0), DESCENT, wave(2.0), DESCENT, "hill's program"),
]


@pytest.mark.parametrize(("hill", "optimizer", "other_hill", "other_optimizer", "message"), SAME_NAMES)
def test_what_differs_only_inside_a_function_is_refused(
    hill, optimizer, other_hill, other_optimizer, message, tmp_path
):
    """Two lambdas share one name, and what they close over has none."""
    options = {"question": BRIEFLY, "axes": RATES}
    sweep(tmp_path / "s.zarr", hill=hill, optimizer=optimizer, **options)
    with pytest.raises(ValueError, match=f"was begun with {message}='") as caught:
        sweep(tmp_path / "s.zarr", hill=other_hill, optimizer=other_optimizer, resume=True, **options)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("program=") == 1  # the whole differs too, which says nothing more


def test_functions_that_do_the_same_go_on(tmp_path):
    told: list[ho.Progress] = []
    for resume in (False, True):
        sweep(
            tmp_path / "s.zarr",
            RATES,
            question=BRIEFLY,
            hill=wave(1.0),
            optimizer=plain_descent(0.1),
            resume=resume,
            on_progress=told.append,
        )
    assert told[-1].found == 6


class ChildishDescent(ho.AbstractOptimizer):
    """Gradient descent, whose step depends on a function of its own."""

    learning_rate: float
    slowed: object = ho.static(default=jnp.tanh)

    def init(self, position):
        return ()

    def step(self, slope, state, position):
        return position - self.learning_rate * self.slowed(slope), state


def test_a_function_of_ones_own_that_is_another_is_refused(tmp_path):
    options = {"question": BRIEFLY, "axes": RATES, "hill": LOW}
    sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.tanh(slope)), **options)
    sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.tanh(slope)), resume=True, **options)
    with pytest.raises(ValueError, match="was begun with optimizer's program='"):
        sweep(tmp_path / "s.zarr", optimizer=ChildishDescent(0.1, lambda slope: jnp.sin(slope)), resume=True, **options)


def test_a_number_given_or_left_to_its_default_is_the_same(whole, tmp_path):
    sweep(tmp_path / "s.zarr")
    given = ho.Adam(np.float64(0.7), b2=np.array(0.999), eps=0.0)  # the learning rate is an axis
    xarray.testing.assert_equal(sweep(tmp_path / "s.zarr", optimizer=given, resume=True).load(), whole)


def test_the_defaults_of_an_optax_factory_are_told_too(tmp_path):
    axes = {"learning_rate": ho.Axis.linear(0.1, 0.5, 4)}
    plain = ho.from_optax(optax.adam, learning_rate=0.1)
    sweep(tmp_path / "s.zarr", axes, question=BRIEFLY, hill=LOW, optimizer=plain)
    other = ho.from_optax(optax.adam, learning_rate=0.1, nesterov=True)
    with pytest.raises(ValueError, match="was begun with optimizer's nesterov=False, not True"):
        sweep(tmp_path / "s.zarr", axes, question=BRIEFLY, hill=LOW, optimizer=other, resume=True)


FINGERPRINTS = """
import json, sys, jax
jax.config.update("jax_enable_x64", True)
import numpy, optax
import hillopt as ho
from hillopt.sweeps.identity import identity
from hillopt.sweeps.plan import make_plan
descent = ho.from_optax(lambda learning_rate: optax.sgd(learning_rate), learning_rate=0.1)
hill = ho.hill_from(lambda position, height: -height * 1.5 * jax.numpy.sin(position), height=1.0)
plan = make_plan(ho.Escape(20, ho.PlainClimb()), hill, descent, {"learning_rate": [0.1, 0.2]})
print(json.dumps(identity(plan)))
"""


def test_the_identity_is_the_same_in_another_process():
    question, hill = ho.Escape(20, ho.PlainClimb()), wave(1.5)
    mine = identity(make_plan(question, hill, plain_descent(0.1), {"learning_rate": [0.1, 0.2]}))
    environment = {**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"}
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINTS], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == mine


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


# -------------------------------------------------------------------------------------------------------------- damage


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


# --------------------------------------------------------------------------------------------------- disks that refuse


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
    assert finished_tiles(path).sum() == 1
    told: list[ho.Progress] = []
    xarray.testing.assert_equal(sweep(path, resume=True, on_progress=told.append).load(), whole)
    assert told[-1].found == 4


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


# ------------------------------------------------------------------------------------------------- processes and kills

PROGRAM = """
import sys, jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", int(sys.argv[2]))
import hillopt as ho
axes = {"b1": ho.Axis.linear(0.1, 0.9, 20), "learning_rate": ho.Axis.log(0.05, 0.9, 50)}
tell = lambda progress: print(progress.tiles, flush=True)
ho.sweep(ho.CriticalHeight(200, ho.PlainClimb()), ho.TentHill(), ho.Adam(0.1), axes, tile=10,
         store=ho.Store(sys.argv[1], resume=True), on_progress=tell)
"""
PROGRAM_TILES = 100


def start(path, devices=2):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(devices)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The files that the program's sweep leaves if it is let be, and the seconds from its first tile to its last."""
    path, moments = tmp_path_factory.mktemp("whole") / "s.zarr", []
    axes = {"b1": ho.Axis.linear(0.1, 0.9, 20), "learning_rate": ho.Axis.log(0.05, 0.9, 50)}
    question = ho.CriticalHeight(200, ho.PlainClimb())
    sweep(path, axes, question=question, tile=10, on_progress=lambda progress: moments.append(time.monotonic()))
    return {name: file.read_bytes() for name, file in files(path).items()}, moments[-1] - moments[0]


def kill_and_resume(path, moments, uninterrupted):
    """Kill at random moments after the first tile of each life, then let it end."""
    contents, seconds = uninterrupted
    done = {}
    for share in moments:
        process = start(path)
        process.stdout.readline()
        time.sleep(share * seconds / len(moments))
        process.kill()
        process.communicate()
        now = {name: file.stat().st_mtime_ns for name, file in files(path).items() if name.parts[0] == "progress"}
        assert all(now[name] == then for name, then in done.items()), "a finished tile was walked again"
        done = now
    process = start(path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    after = {name: file.read_bytes() for name, file in files(path).items() if file.suffix != ".partial"}
    assert after == contents
    return len(done)


def test_killed_at_random_moments_and_resumed_it_is_the_same(uninterrupted, tmp_path):
    random.seed(0)
    assert kill_and_resume(tmp_path / "s.zarr", [random.random()], uninterrupted) > 3


@pytest.mark.slow
def test_killed_at_fifty_random_moments_and_resumed_it_is_the_same(uninterrupted, tmp_path):
    random.seed(1)
    assert kill_and_resume(tmp_path / "s.zarr", [2 * random.random() for _ in range(50)], uninterrupted) > 50


def test_two_processes_fill_one_store(uninterrupted, tmp_path):
    path = tmp_path / "s.zarr"
    processes = [start(path, devices=1) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert {name: file.read_bytes() for name, file in files(path).items()} == uninterrupted[0]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_three_shards_are_one_sweep(order, whole, tmp_path):
    path = tmp_path / "s.zarr"
    for turn, shard in enumerate(order):
        told: list[ho.Progress] = []
        sweep(path, shard=(shard, 3), on_progress=told.append)
        assert told[-1].tiles == 5 * (turn + 1)
    xarray.testing.assert_equal(xarray.open_zarr(path, consolidated=False, chunks=None)[list(whole)].load(), whole)


@pytest.mark.slow
def test_memory_is_bounded_by_the_tile(tmp_path):
    """A hundred million settings, whose results take 2.6 GB."""
    program = """
import resource, sys, jax
import hillopt as ho
axes = {"b1": ho.Axis.linear(0, 0.99, 10_000), "learning_rate": ho.Axis.log(1e-2, 1, 10_000)}
question = ho.CriticalHeight(4, ho.BlockedClimb())
ho.sweep(question, ho.TentHill(), ho.Adam(0.1), axes, store=ho.Store(sys.argv[1]), tile=2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "s.zarr"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) < 2e9


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
