"""The commands, as a user starts them: files, summaries, refusals with exit code 2."""

import contextlib
import importlib
import io
import json
import os
import runpy
import subprocess
import sys
import warnings

import absl.logging
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
import xarray
from flax import nnx

import aecluster as ae
import hillopt as ho
from launch import asked, command, sweep
from launch.bench import restoring, timing

COMMANDS = (
    "sweep",
    "explore",
    "trajectory",
    "optimizers",
    "atlas",
    "boundary",
    "zoom",
    "reproduce",
    "compare",
    "certify",
    "report",
)
COMMANDS += ("train", "cluster", "latent_map", "benchmark", "deblur", "restore")
COMMANDS += ("bench", "bench.training", "bench.quality", "bench.restoring", "bench.deblurring", "bench.networks")
SMALL = ["--axis=learning_rate:log:0.05:0.9:7", "--axis=b1:log_complement:0:0.99:5", "--max_steps=500"]
JUDGED = [*SMALL, "--heights=list:0.1,0.4", "--fixed=eps=1e-3"]


def launch(command, *arguments, cwd):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("JAX_") or "_CACHE_" in name
    }
    return subprocess.run(
        [sys.executable, "-m", f"launch.{command}", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
    )


BEFORE_A_BACKEND = ("jax_num_cpu_devices", "jax_enable_x64", "jax_enable_recoverability")


def launch_here(name, *arguments, cwd):
    """A command inside this process, where JAX runs already and much is compiled: for what a fresh process does not decide."""
    module = importlib.import_module(f"launch.{name}.__main__" if name == "bench" else f"launch.{name}")
    update, verbosity, disabled = jax.config.update, absl.logging.get_verbosity(), jaxtyping.config.jaxtyping_disable
    printed, errors, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(errors),
    ):
        patch.setattr(sys, "argv", [name, *arguments])
        patch.setattr(warnings, "formatwarning", warnings.formatwarning)
        patch.setattr(jax.config, "update", lambda key, value: key in BEFORE_A_BACKEND or update(key, value))
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            command.run(module.main, module.Settings, getattr(module, "PRESETS", None), getattr(module, "tiny", None))
        except SystemExit as ended:
            code = ended.code
        finally:
            jaxtyping.config.update("jaxtyping_disable", disabled)
            absl.logging.set_verbosity(verbosity)
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), errors.getvalue())


@pytest.fixture(scope="module")
def sweep_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    done = launch("sweep", *JUDGED, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_sweep_writes_its_data_its_pictures_and_its_settings(sweep_run):
    folder, done = sweep_run
    run = folder / "runs" / "adam"
    assert sorted(path.name for path in run.iterdir()) == ["data.zarr", "phase.pdf", "phase.png", "settings.json"]
    assert [path.name for path in (folder / "runs").iterdir()] == ["adam"]
    data = xarray.open_zarr(run / "data.zarr", consolidated=False, chunks=None)
    assert dict(data.sizes) == {"learning_rate": 7, "b1": 5, "height": 2}
    expected = ho.critical_height(
        ho.TentHill(), ho.Adam(data.learning_rate.values[:, None], data.b1.values, eps=1e-3), max_steps=500
    )
    np.testing.assert_allclose(data.critical_height, expected.critical_height, rtol=1e-12)
    assert (run / "phase.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (run / "phase.pdf").read_bytes()[:4] == b"%PDF"
    for word in ("trapped", "largest h*", "optimizer steps", "data.zarr"):
        assert word in done.stdout


def settings(run):
    return json.loads((run / "settings.json").read_text())["settings"]


def test_settings_written_by_a_run_give_the_same_run_again(sweep_run):
    folder, _ = sweep_run
    runs = folder / "runs"
    again = launch_here("sweep", f"--settings={runs}/adam/settings.json", "--name=again", cwd=folder)
    assert again.returncode == 0, again.stderr
    first, second = (
        xarray.open_zarr(runs / name / "data.zarr", consolidated=False, chunks=None) for name in ("adam", "again")
    )
    xarray.testing.assert_identical(first, second)
    assert settings(runs / "again") == settings(runs / "adam")
    assert settings(runs / "adam")["fixed"] == {"eps": 1e-3}
    assert settings(runs / "adam")["num_walks"] == 1_000  # not given, and saved all the same


def test_settings_keep_no_place_that_a_repetition_would_meet_again(tmp_path):
    given = sweep.Settings(optimizer="lion", store="kept.zarr", shard="0/2", resume=True, overwrite=True, name="lions")
    command.save(tmp_path, given)
    assert command.parse([f"--settings={tmp_path}"], sweep.Settings) == sweep.Settings(optimizer="lion")


@pytest.mark.slow  # test_launch_sweeps.py compares one device and two every day
def test_one_core_or_two_give_the_same_bits(sweep_run):
    folder, _ = sweep_run
    done = launch("sweep", "--settings=runs/adam", "--name=one", "--cpu_devices=1", "--tile=3", cwd=folder)
    assert done.returncode == 0, done.stderr
    two, one = (
        xarray.open_zarr(folder / "runs" / name / "data.zarr", consolidated=False, chunks=None)
        for name in ("adam", "one")
    )
    for name in two.data_vars:
        np.testing.assert_array_equal(two[name], one[name], err_msg=str(name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "arguments", "field"),
    [
        ("escape", ["--hill=narrow_pass", "--optimizer=optax.contrib.prodigy"], "verdict"),
        (
            "passage_time",
            ["--hill=double_well", "--optimizer=heavy_ball", "--noise=2", "--num_walks=20"],
            "passage_time",
        ),
    ],
)
def test_other_questions_on_other_hills(question, arguments, field, tmp_path):
    axes = ["--axis=learning_rate:log:0.01:1:5", "--axis=height:linear:0.1:0.4:4"]
    done = launch_here(
        "sweep", f"--question={question}", *arguments, *axes, "--max_steps=50", "--name=other", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "other"
    assert (run / "phase.png").stat().st_size > 5_000
    data = xarray.open_zarr(run / "data.zarr", consolidated=False, chunks=None)
    assert data[field].dims == ("learning_rate", "height")
    assert data.attrs["question"] == ho.QUESTIONS[question].__name__
    assert "compilation included" in done.stdout


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path):
    done = launch("sweep", "--axis=learning_rat:log:0.1:1:3", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "sweep: `Adam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'? "
        "Known are: b1, b2, eps, height, learning_rate.\n"
    )
    assert not list(tmp_path.iterdir())


def test_an_optimizer_of_optax_is_as_optax_makes_it_but_for_what_is_given():
    plain = sweep.Settings(optimizer="optax.sgd", axis=["learning_rate:log:0.1:1:3"])
    assert set(asked.optimizer_of(plain).hyperparameters()) == {"learning_rate"}
    heavy = sweep.Settings(
        question="escape", optimizer="optax.sgd", axis=["momentum:linear:0.1:0.9:3", "height:list:1"]
    )
    assert asked.optimizer_of(heavy).hyperparameters()["momentum"] == 0.1


def test_an_existing_run_is_refused_and_replaced_only_on_demand(sweep_run):
    folder, _ = sweep_run
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs" / "adam").rglob("*")}
    refused = launch_here("sweep", *SMALL, cwd=folder)
    assert refused.returncode == 2
    assert "exists; choose another name or pass --overwrite" in refused.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "runs" / "adam").rglob("*")}
    (folder / "runs" / "precious").mkdir()
    (folder / "runs" / "precious" / "thesis.txt").write_text("years of work")
    refused = launch_here("sweep", *SMALL, "--name=precious", "--overwrite", cwd=folder)
    assert refused.returncode == 2
    assert (folder / "runs" / "precious" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("more", [[], ["--resume"], ["--shard=0/2"]], ids=" ".join)
def test_an_input_error_is_no_success_though_an_older_run_is_to_be_replaced(more, sweep_run):
    folder, _ = sweep_run
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs" / "adam").rglob("*")}
    refused = launch_here("sweep", "--axis=learning_rat:log:0.1:1:3", "--overwrite", *more, cwd=folder)
    assert refused.returncode == 2
    assert "did you mean 'learning_rate'" in refused.stderr
    assert refused.stdout == ""
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "runs" / "adam").rglob("*")}
    assert not (folder / "runs" / ".adam.unfinished").exists()


def test_paths_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = launch_here("sweep", *JUDGED, "--out=~/made", "--store=~/kept.zarr", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "made" / "adam").iterdir()) == [
        "phase.pdf",
        "phase.png",
        "settings.json",
    ]
    assert (tmp_path / "kept.zarr" / "zarr.json").is_file()
    assert done.stdout.splitlines()[-1] == (
        f"wrote {tmp_path}/kept.zarr; {tmp_path}/made/adam: phase (png and pdf), settings.json"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_and_succeeds(name, monkeypatch, capsys):
    """The last line of every command's file works: Python's -m without its process."""
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    warnings.filterwarnings("ignore", ".* found in sys.modules", RuntimeWarning)  # other tests have imported it
    runpy.run_module(f"launch.{name}", run_name="__main__", alter_sys=True)
    assert f"python -m launch.{name}" in capsys.readouterr().out


def test_trajectory_prints_the_reference_table(tmp_path):
    done = launch_here("trajectory", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.split() and line.split()[0].isdigit()]
    adam, descent = rows[:10], rows[10:]
    positions = [0.3, 0.6, 0.9, 1.2, 1.353483431418032, 1.4101842951299657]
    positions += [1.3985127716140042, 1.3362158088702085, 1.2351152242311638, 1.1034768180909407]
    np.testing.assert_allclose([float(row[1]) for row in adam], positions, atol=1e-14)
    np.testing.assert_allclose([float(row[1]) for row in descent[2:6]], [0.9, 1.2, 0.9, 1.2], atol=1e-14)
    assert "h* = 0.41018429" in done.stdout
    assert sorted(path.name for path in (tmp_path / "runs" / "trajectory").iterdir()) == [
        "settings.json",
        "walk.pdf",
        "walk.png",
    ]


@pytest.fixture
def small_yardsticks(monkeypatch):
    """What the benches measure the machine by, no larger than their own tests need; all cores come back."""
    bench = importlib.import_module("launch.bench.__main__")
    for module, name, value in [
        (timing, "SIDE", 64),
        (timing, "LARGE", 2**10),
        (timing, "BEST_OF", 1),
        (bench, "NOISY_WALKS", 1_000),
    ]:
        monkeypatch.setattr(module, name, value)
    cores = timing.cores()
    yield
    timing.run_on(cores)


@pytest.mark.slow
@pytest.mark.usefixtures("small_yardsticks")
def test_bench_prints_its_figures(tmp_path):
    small = ["--settings=256", "--steps=10", "--repeats=1", "--side=2", "--nocold_start", "--json=figures.json"]
    done = launch_here("bench", *small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    for name in (
        "steps/s: tent, shared, blocked",
        "steps/s: wedge, lanes, blocked",
        "steps/s: NumPy, arrays of all settings",
        "ratio to plain lanes: tent, shared, blocked",
        "ratio to the bisection over optax.adam: learning rates around 1e-4",
        "ratio to the bisection over Adam by hand: learning rates 0.01 to 1",
        "time at 1e-6 / time at 1e-2",
        "share of the arithmetic ceiling: the fastest general step",
    ):
        assert figures[name][0] > 0
        assert name in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bench", "arguments", "told"),
    [
        ("training", ["--num_images=512", "--latent_sizes=2"], "latent   2: ours"),
        ("deblurring", ["--num_images=256", "--slow_images=1"], "scikit-image, image by image"),
    ],
)
@pytest.mark.usefixtures("small_yardsticks")
def test_the_other_benches_print_their_figures(bench, arguments, told, tmp_path):
    done = launch_here(f"bench.{bench}", *arguments, "--repeats=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    assert "of the ceiling" in done.stdout


@pytest.mark.slow  # it compiles a training
@pytest.mark.usefixtures("small_yardsticks")
def test_the_bench_of_quality_tells_when_a_target_was_reached_and_when_not(tmp_path):
    arguments = ["--data=digits", "--latent_sizes=2", "--targets=0.9,0.001"]
    arguments += ["--cured_epochs=2", "--max_epochs=1"]
    done = launch_here("bench.quality", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reached, missed = [line for line in done.stdout.splitlines() if "ours, cured" in line]
    assert "0.9000 after" in reached
    assert "1 epochs" in reached
    assert "0.0010 not after" in missed
    assert "2 epochs" in missed


@pytest.mark.slow  # it compiles a training
@pytest.mark.usefixtures("small_yardsticks")
def test_the_bench_of_restoring_tells_when_a_target_was_reached_and_when_not(tmp_path):
    arguments = ["--data=digits", "--targets=9,99", "--epochs=2", "--num_test=20"]
    done = launch_here("bench.restoring", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reached, missed = [line for line in done.stdout.splitlines() if line.startswith("ours")]
    assert "9 dB after" in reached
    assert "1 epochs" in reached
    assert "99 dB not after" in missed
    assert "2 epochs" in missed


def test_the_restorer_in_pytorch_is_ours():
    pytest.importorskip("torch")
    import torch

    ours = ae.Restorer(8, 2, 5).build((28, 28, 1), nnx.Rngs(params=0))
    ours.last.kernel[...] = jax.random.normal(jax.random.key(0), ours.last.kernel.shape, jnp.float32)
    theirs = restoring.torch_restorer(ae.Restorer(8, 2, 5), 1)
    between = [convolution for block in ours.blocks for convolution in block]
    for one, other in zip([ours.first, *between, ours.last], [theirs.first, *theirs.blocks, theirs.last], strict=True):
        matrix = np.asarray(one.kernel[...]).transpose(3, 2, 0, 1).reshape(other.matrix.shape)
        other.matrix.data = torch.tensor(matrix)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    found = theirs(torch.tensor(images).movedim(-1, 1)).movedim(1, -1).detach().numpy()
    np.testing.assert_allclose(found, ours(jnp.asarray(images)), rtol=1e-4, atol=1e-4)


def test_the_bench_of_quality_knows_what_was_reported_of_three_sizes(tmp_path):
    unknown = launch_here("bench.quality", "--data=digits", "--latent_sizes=3", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "`--latent_sizes` has 3, for which nothing was reported; give `--targets`." in unknown.stderr


@pytest.mark.slow
def test_the_rivals_solve_the_same():
    from launch.bench import rivals

    rates, b1 = np.array([0.31, 0.07]), np.array([0.9, 0.5])
    ours = ho.critical_height(ho.TentHill(), ho.Adam(rates, b1), max_steps=300)
    for by_hand in (False, True):
        np.testing.assert_allclose(rivals.bisection(300, by_hand)(rates, b1), ours.critical_height, atol=4e-9)
    small = [rates.astype(np.float32), b1.astype(np.float32), 300]
    np.testing.assert_allclose(rivals.numpy_heights(*small), ours.critical_height, atol=1e-4)
    if (numba_heights := rivals.numba_heights()) is not None:
        np.testing.assert_allclose(numba_heights(*small), ours.critical_height, atol=1e-4)
