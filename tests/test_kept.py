"""Where commands keep what they compile: the folder, what is said where there is none, and what is removed from it."""

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import jax
import pytest

from launch import kept

SETTINGS = ("jax_compilation_cache_dir", *kept.THRESHOLDS)


@pytest.fixture
def unset(monkeypatch, tmp_path):
    """JAX as it is where nobody has said anything; a home that is empty. All is put back."""
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", *(setting.upper() for setting in SETTINGS)):
        monkeypatch.delenv(name, raising=False)
    jax.config.update("jax_compilation_cache_dir", None)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.parametrize(
    ("place", "environment", "system", "folder"),
    [
        (None, {}, "linux", ".cache/hillopt/compiled"),
        (None, {}, "darwin", "Library/Caches/hillopt/compiled"),
        (None, {"XDG_CACHE_HOME": "{home}/x"}, "linux", "x/hillopt/compiled"),
        ("{home}/here", {"XDG_CACHE_HOME": "{home}/x"}, "linux", "here"),
        ("~/here", {}, "linux", "here"),
    ],
)
def test_compiled_programs_are_kept_by_kind_of_processor(unset, monkeypatch, place, environment, system, folder):
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(home=unset))
    monkeypatch.setattr(sys, "platform", system)
    kept.keep_compiled(place and place.format(home=unset))
    used = Path(jax.config.jax_compilation_cache_dir)
    assert used.parent == unset / folder
    assert list(used.iterdir()) == []
    assert used.stat().st_mode & 0o077 == 0  # nobody else puts programs there
    assert [getattr(jax.config, name) for name in kept.THRESHOLDS] == [0, 0]


@pytest.mark.parametrize(("place", "folder"), [(None, "told"), ("no", None)])
def test_what_the_environment_says_holds_unless_a_flag_says_otherwise(unset, place, folder):
    jax.config.update("jax_compilation_cache_dir", "told")  # as JAX reads its environment
    kept.keep_compiled(place)
    assert jax.config.jax_compilation_cache_dir == folder
    assert list(unset.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_in_one_line_and_done_without(unset, capsys):
    (unset / "file").touch()
    kept.keep_compiled(str(unset / "file"))
    assert jax.config.jax_compilation_cache_dir is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"compiled programs cannot be kept in '{unset}/file/")
    assert line.endswith("(Not a directory) and are compiled anew; name a folder by --compilation_cache=PATH, or no.")


def test_no_name_is_refused(unset):
    with pytest.raises(ValueError, match=r"^`--compilation_cache` must be a folder or no, got ''; leave it out for"):
        kept.keep_compiled("")


def test_what_jax_warns_of_is_told_once_and_a_broken_entry_removed_and_other_warnings_are_shown(
    unset, monkeypatch, capsys
):
    others: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: others.append(str(message)))
    kept.keep_compiled(str(unset))
    folder = Path(jax.config.jax_compilation_cache_dir)
    for name in ("jit_walk-1f-cache", "jit_walker-2e-cache"):
        (folder / name).touch()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(
            "Error reading persistent compilation cache entry for 'jit_walk': ValueError: bytes", stacklevel=1
        )
        for program in ("jit_a", "jit_b"):
            warnings.warn(
                f"Error writing persistent compilation cache entry for '{program}': OSError: No space", stacklevel=1
            )
        warnings.warn("another one", stacklevel=1)
    assert [path.name for path in folder.iterdir()] == ["jit_walker-2e-cache"]
    assert capsys.readouterr().err.splitlines() == [
        f"a compiled program in '{folder}' was broken, and is compiled anew.",
        f"compiled programs cannot be kept in '{folder}' (OSError: No space).",
    ]
    assert others == ["another one"]


def test_programs_that_nobody_runs_any_more_are_forgotten(unset):
    kept.keep_compiled(str(unset))
    folder = Path(jax.config.jax_compilation_cache_dir)
    for name, days in {"old-cache": kept.DAYS + 1, "young-cache": kept.DAYS - 1, "somebody's": 9 * kept.DAYS}.items():
        (folder / name).touch()
        os.utime(folder / name, times=(time.time() - days * 86_400,) * 2)
    kept.keep_compiled(str(unset))
    assert {path.name for path in folder.iterdir()} == {"young-cache", "somebody's"}


@pytest.mark.slow
def test_a_second_sweep_compiles_nothing(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "JAX_EXPLAIN_CACHE_MISSES": "1"}
    for misses in (True, False):
        program = [sys.executable, "-m", "launch.sweep", "--tiny", f"--out={tmp_path}", "--overwrite"]
        done = subprocess.run(program, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert ("PERSISTENT COMPILATION CACHE MISS" in done.stderr) == misses
    settings = (tmp_path / "adam_tiny" / "settings.json").read_text()
    assert kept.FLAG not in settings
