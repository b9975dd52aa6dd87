"""A run folder that a living process fills is not taken from it; one that a dead process has left is free."""

import contextlib
import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_command import Settings, fill

from launch import command, held, runs

ROOT = Path(__file__).parent.parent
FILLING = """
import sys, time
from pathlib import Path
from launch import runs
resume, shared = eval(sys.argv[2])
with runs.folder(Path(sys.argv[1]), overwrite=False, resume=resume, shared=shared) as folder:
    (folder / "data").write_text("hours of work")
    print("filling", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def filling(path, resume=False, shared=True):
    """A process that fills a run folder and never ends by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", FILLING, str(path), repr((resume, shared))], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == "filling\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_running_process_is_not_robbed_and_a_killed_one_does_not_block(tmp_path):
    path = tmp_path / "run"
    with filling(path) as process:
        for options in (
            {"overwrite": True, "resume": False},
            {"overwrite": False, "resume": False},
            {"overwrite": True},
        ):
            with pytest.raises(ValueError, match="is being filled by process") as refused:
                fill(path, "new", shared=True, **options)
            told = str(refused.value)
            assert f"process {process.pid} on {socket.gethostname()} since 20" in told
            assert told.endswith("; wait until that is done, stop it, help it by --resume, or choose another `--name`.")
        assert (runs.unfinished(path) / "data").read_text() == "hours of work"
    fill(path, "new", overwrite=True, resume=False, shared=True)
    assert (path / "data").read_text() == "new"
    assert sorted(os.listdir(path)) == ["data", "settings.json"]
    assert os.listdir(tmp_path) == ["run"]


@pytest.fixture
def foreign(tmp_path):
    """Says that a process of this or another machine fills the unfinished folder of a run."""
    path = tmp_path / "run"
    runs.unfinished(path).mkdir()

    def say(host, pid, age):
        file = runs.unfinished(path) / f"{held.PREFIX}{host}.{pid}"
        file.write_text(json.dumps({"host": host, "pid": pid, "since": "yesterday"}))
        os.utime(file, (time.time() - age,) * 2)
        return path

    return say


DEAD = 2**22 + 1  # above every process number
HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("host", "pid", "age", "locks", "told"),
    [
        ("node7", 12, 100, True, "process 12 on node7 since yesterday, last heard of 100 s ago"),
        ("node7", 12, held.LEASE + 5, True, None),
        (HERE, os.getpid(), 0, True, None),  # one of this number lives, but has not the lock: the number is used again
        (HERE, DEAD, 0, True, None),
        (HERE, os.getpid(), 1000, False, f"process {os.getpid()} on {HERE} since yesterday"),
        (HERE, DEAD, 0, False, None),
    ],
    ids=["elsewhere", "elsewhere, expired", "number used again", "dead", "without locks", "without locks, dead"],
)
def test_who_lives_is_told_by_its_lock_or_by_its_time(host, pid, age, locks, told, foreign, tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    path = foreign(host, pid, age)
    if not locks:
        monkeypatch.setattr(fcntl, "flock", unknown)
    assert held.by(runs.unfinished(path)) == ([] if told is None else [told])
    refusal = contextlib.nullcontext() if told is None else pytest.raises(ValueError, match="is being filled by")
    with refusal:
        fill(path, "new", overwrite=True)


def test_a_sign_of_life_is_given_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(held, "RENEWAL", 0.01)
    with held.hold(tmp_path):
        (file,) = tmp_path.iterdir()
        os.utime(file, (0, 0))
        while file.stat().st_mtime == 0:
            time.sleep(0.01)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("resume", "shared", "is_refused"), [(True, True, False), (True, False, True), (None, False, True)]
)
def test_only_a_shared_run_is_filled_by_several(resume, shared, is_refused, foreign, tmp_path):
    path = foreign("node7", 12, 0)
    with pytest.raises(ValueError, match="node7") if is_refused else contextlib.nullcontext():
        fill(path, "new", overwrite=False, resume=resume, shared=shared)
    assert sorted(os.listdir(tmp_path)) == ([".run.unfinished"] if is_refused else ["run"])


def test_a_finished_run_is_not_replaced_while_it_is_mended(foreign, tmp_path):
    path = tmp_path / "run"
    fill(path, "old", overwrite=False)
    with runs.folder(path, overwrite=False, resume=True, shared=True) as folder:
        assert folder == path
        with pytest.raises(ValueError, match=f"'{path}' is being filled by process {os.getpid()}"):
            fill(path, "new", overwrite=True, resume=False, shared=True)
    assert sorted(os.listdir(path)) == ["data", "settings.json"]


def test_one_that_is_refused_leaves_the_folder_to_those_who_fill_it(foreign, tmp_path):
    path = foreign("node7", 12, 0)
    with pytest.raises(ValueError, match="misspelt"), runs.folder(path, False, resume=True, shared=True):
        raise ValueError("misspelt")
    assert len(held.by(runs.unfinished(path))) == 1


def test_what_came_to_be_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "run"

    def fill_slowly():
        with runs.folder(path, overwrite=False) as folder:
            (folder / "data").write_text("new")
            path.mkdir()
            (path / "thesis.txt").write_text("years of work")

    with pytest.raises(
        ValueError, match=r"came to be meanwhile, and is left alone; what was made is in '.*unfinished'\.$"
    ):
        fill_slowly()
    assert os.listdir(path) == ["thesis.txt"]
    assert (runs.unfinished(path) / "data").read_text() == "new"


def test_settings_of_another_program_are_no_run(tmp_path):
    path = tmp_path / "editor"
    path.mkdir()
    (path / command.SETTINGS_FILE).write_text('{"theme": "dark"}')
    with pytest.raises(ValueError, match=r"`--overwrite` would replace .*, which holds no settings\.json of a run"):
        fill(path, "new", overwrite=True)
    assert os.listdir(path) == ["settings.json"]


def test_folders_that_are_made_for_nothing_go_again(tmp_path):
    with pytest.raises(ZeroDivisionError), runs.folder(tmp_path / "a" / "b" / "run", overwrite=False, resume=False):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    fill(tmp_path / "a" / "b" / "run", "new", overwrite=False)
    assert command.saved(tmp_path / "a" / "b" / "run", Settings) == Settings()
