"""Sweeps that are killed, resumed and shared, as a user starts them: one answer, bit for bit."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray
from test_launch import launch, launch_here, settings

GRID = ["--axis=learning_rate:log:0.05:0.9:40", "--axis=b1:log_complement:0:0.99:15", "--max_steps=300", "--tile=16"]
GRID += ["--climb=plain", "--cpu_devices=1"]
TILES = 45


def begin(*arguments, cwd):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("JAX_") or "_CACHE_" in name
    }
    return subprocess.Popen(
        [sys.executable, "-m", "launch.sweep", *GRID, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment,
    )


def wait_for_tiles(folder, number):
    """Until so many tiles stand in a store that is being filled."""
    for _ in range(600):
        if (
            sum(1 for path in (folder / "data.zarr" / "progress" / "tiles" / "c").rglob("*") if path.is_file())
            >= number
        ):
            return
        time.sleep(0.05)
    raise AssertionError("no tiles came")


def data(run):
    return xarray.open_zarr(run / "data.zarr", consolidated=False, chunks=None).load()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = launch("sweep", *GRID, "--name=whole", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"{TILES} of {TILES} tiles" in done.stderr
    return folder / "runs" / "whole"


def test_two_devices_are_one(whole, tmp_path):
    done = launch_here("sweep", *GRID, "--cpu_devices=2", "--name=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))


def test_a_killed_sweep_goes_on_with_resume(whole, tmp_path):
    process = begin("--name=run", cwd=tmp_path)
    wait_for_tiles(tmp_path / "runs" / ".run.unfinished", 20)
    process.kill()
    process.communicate()
    refused = launch_here("sweep", *GRID, "--name=run", cwd=tmp_path)
    assert refused.returncode == 2
    assert "holds an unfinished run of that name; pass --resume to go on" in refused.stderr
    refused = launch_here("sweep", *GRID, "--name=run", "--resume", "--max_steps=301", cwd=tmp_path)
    assert refused.returncode == 2
    assert "was begun with --max_steps=300, not --max_steps=301" in refused.stderr
    done = launch_here("sweep", *GRID, "--name=run", "--resume", "--cpu_devices=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))
    assert settings(tmp_path / "runs" / "run") == settings(whole)
    assert (tmp_path / "runs" / "run" / "phase.png").read_bytes() == (whole / "phase.png").read_bytes()


def test_a_finished_sweep_is_mended_with_resume(whole, tmp_path):
    first = launch_here("sweep", *GRID, "--name=run", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (tmp_path / "runs" / "run" / "data.zarr" / "critical_height" / "c" / "2" / "0").write_bytes(b"nonsense")
    done = launch("sweep", *GRID, "--name=run", "--resume", cwd=tmp_path)  # a process that warns
    assert done.returncode == 0, done.stderr
    assert "tile (2, 0) of" in done.stderr
    refused = launch_here("sweep", *GRID, "--name=run", "--resume", "--max_steps=301", cwd=tmp_path)
    assert refused.returncode == 2
    assert "was begun with --max_steps=300, not --max_steps=301" in refused.stderr
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(tmp_path):
    process = begin("--name=run", "--max_steps=30000", cwd=tmp_path)  # tiles that take long enough to be interrupted
    wait_for_tiles(tmp_path / "runs" / ".run.unfinished", 5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted; --resume goes on"


def test_three_shards_of_a_job_array(whole, tmp_path):
    for shard in ("2/3", "0/3", "1/3"):
        done = launch_here("sweep", *GRID, "--name=run", f"--shard={shard}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        if shard != "1/3":
            assert "whoever walks the last one draws" in done.stdout
            assert not (tmp_path / "runs" / "run").exists()
    assert "largest h*" in done.stdout
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True], ids=["both live", "one dies"])
def test_two_processes_of_jax_distributed(kill, whole, tmp_path):
    shared = [f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2", "--name=run"]
    processes = [begin(*shared, f"--process_id={number}", cwd=tmp_path) for number in (0, 1)]
    if kill:
        wait_for_tiles(tmp_path / "runs" / ".run.unfinished", 10)
        processes[1].kill()
    outputs = [process.communicate(timeout=300) for process in processes]
    assert processes[0].returncode == 0, outputs[0][1]
    assert "largest h*" in outputs[0][0]
    assert "h*" not in outputs[1][0]  # the first speaks for all
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))


@pytest.mark.slow  # two processes fill one store in test_store.py every day
def test_two_that_resume_at_once_end_as_one(whole, tmp_path):
    processes = [begin("--name=run", "--resume", cwd=tmp_path) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    xarray.testing.assert_identical(data(tmp_path / "runs" / "run"), data(whole))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


def test_the_store_may_be_elsewhere(whole, tmp_path):
    done = launch_here("sweep", *GRID, "--name=run", f"--store={tmp_path}/elsewhere.zarr", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stored = xarray.open_zarr(tmp_path / "elsewhere.zarr", consolidated=False, chunks=None)
    np.testing.assert_array_equal(stored.critical_height, data(whole).critical_height)
    assert not (tmp_path / "runs" / "run" / "data.zarr").exists()


@pytest.mark.slow
def test_what_the_first_process_refuses_all_refuse(tmp_path):
    """The others would wait for it, and end with a dump of their stack."""
    (tmp_path / "taken.zarr").mkdir()
    shared = [f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2", "--name=run", "--store=taken.zarr"]
    processes = [begin(*shared, f"--process_id={number}", cwd=tmp_path) for number in (0, 1)]
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 2, errors
        assert errors.splitlines()[-1].startswith(
            "sweep: `--store` 'taken.zarr' exists; choose another name, remove it"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["taken.zarr"]
