"""Stores that several processes fill, one after the other and at once, killed at any moment."""

import random
import subprocess
import sys
import time

import pytest
from stores import ROOT, files, sweep

import hillopt as ho

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


@pytest.mark.slow
def test_two_processes_fill_one_store(uninterrupted, tmp_path):
    path = tmp_path / "s.zarr"
    processes = [start(path, devices=1) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert {name: file.read_bytes() for name, file in files(path).items()} == uninterrupted[0]


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
