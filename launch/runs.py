"""Run folders: filled beside their place, put there when all is written, never replaced unasked."""

import contextlib
import csv
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from launch import held
from launch.fields import flag
from launch.saved import SETTINGS_FILE, is_run


def out() -> Any:
    """The setting --out."""
    return flag(Path("runs"), "Folder that run folders are put into.", counts=False)


def name(default: str | None, about: str = "Name of the run folder.") -> Any:
    """The setting --name."""
    return flag(default, about, counts=False)


def overwrite() -> Any:
    """The setting --overwrite."""
    return flag(False, "Replace a run folder of that name.", counts=False)


def resume(about: str = "Go on with an unfinished run of that name.") -> Any:
    """The setting --resume."""
    return flag(False, about, counts=False)


class NotYet(Exception):
    """Leaves a run folder unfinished, for another process to go on with."""


class FinishedByAnother(Exception):
    """Another process that filled the folder with this one has put it in place meanwhile."""


def place(out: Path, name: str) -> Path:
    """Where a run of that name goes; ValueError for a name that would leave `out`."""
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise ValueError(f"`--name` must be the name of one folder, got {name!r}; say where it goes by --out.")
    return out / name


def unfinished(path: Path) -> Path:
    """Where a run folder is filled before it takes its place."""
    return path.with_name(f".{path.name}.unfinished")


def filled_at(path: Path, overwrite: bool, resume: bool | None = None, shared: bool = False) -> Path:
    """Where `folder` with these arguments writes: beside the place, or in it."""
    fresh = unfinished(path)
    stands = shared and resume and not overwrite and not fresh.exists() and (path / SETTINGS_FILE).is_file()
    return path if stands else fresh


def check(path: Path, overwrite: bool, resume: bool | None = None, shared: bool = False) -> None:
    """ValueError where `folder` with these arguments would refuse before anything is made."""
    with _in_a_sentence(path):
        _check(path, filled_at(path, overwrite, resume, shared), overwrite, resume, shared)


@contextlib.contextmanager
def folder(path: Path, overwrite: bool, resume: bool | None = None, shared: bool = False) -> Iterator[Path]:
    """A fresh folder to fill, which takes the place of `path` when all is written.

    If anything fails on the way, what was at `path` is still there. Of a command that can go on where it stopped, `resume`
    says whether it should: the unfinished folder is then kept for the next try. One that cannot leaves nothing half-written
    (None). One process fills a folder. Where a run is `shared`, others may fill it with this one by resuming it, and a finished
    one may be resumed too, where it stands. Raises ValueError if the path exists and is not to be overwritten, is no run folder,
    is being filled by another process, or cannot be written; FinishedByAnother if what fails here is only that another process
    was done first.
    """
    with contextlib.ExitStack() as made, contextlib.ExitStack() as holding:
        with _in_a_sentence(path):
            _make_parents(path, made)
            with held.alone_in(path.parent):
                fresh = filled_at(path, overwrite, resume, shared)
                _check(path, fresh, overwrite, resume, shared)
                if fresh != path:
                    _make(fresh, anew=not resume)
                holding.enter_context(held.hold(fresh))
        if fresh == path:
            yield path
            return
        ours, is_filled = fresh.stat(), False
        try:
            yield fresh
            is_filled = True
            with _in_a_sentence(path), held.alone_in(path.parent):
                _put(fresh, path, overwrite)
        except (ValueError, OSError) as error:
            if path.exists() and os.path.samestat(ours, path.stat()):
                raise FinishedByAnother from error
            raise
        finally:
            holding.close()
            if not is_filled:
                _clean(fresh, always=resume is None)


def _make_parents(path: Path, made: contextlib.ExitStack) -> None:
    """The folders above; those that stay empty go in the end."""

    def remove_if_empty(folder: Path) -> None:
        with contextlib.suppress(OSError):
            folder.rmdir()

    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir(exist_ok=True)
        made.callback(remove_if_empty, folder)


def _check(path: Path, fresh: Path, overwrite: bool, resume: bool | None, shared: bool) -> None:
    if fresh != path:
        _check_free(path, overwrite)
    if overwrite:
        _check_not_filled(path, shared)
    if not (shared and resume):
        _check_not_filled(fresh, shared)
    if resume is False and fresh.exists() and not overwrite:
        raise ValueError(
            f"{str(fresh)!r} holds an unfinished run of that name; pass --resume to go on, or --overwrite to begin anew."
        )


def _check_free(path: Path, overwrite: bool) -> None:
    if path.is_symlink() and not path.exists():
        raise ValueError(f"{str(path)!r} is a link to what is not there; remove it, or choose another `--name`.")
    if path.exists() and not overwrite:
        raise ValueError(
            f"`--out` and `--name` give {str(path)!r}, which exists; choose another name or pass --overwrite."
        )
    if path.exists() and not is_run(path):
        raise ValueError(
            f"`--overwrite` would replace {str(path)!r}, which holds no {SETTINGS_FILE} of a run; remove it by hand."
        )


def _check_not_filled(folder: Path, shared: bool) -> None:
    """Nobody takes away what a running process is writing."""
    if processes := held.by(folder):
        helping = ", help it by --resume" if shared else ""
        raise ValueError(
            f"{str(folder)!r} is being filled by {' and '.join(processes)}; wait until that is done, stop it{helping}, or choose "
            "another `--name`."
        )


def _make(fresh: Path, anew: bool) -> None:
    if anew:
        shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(exist_ok=not anew)


def _clean(fresh: Path, always: bool) -> None:
    """Nothing half-written stays of what cannot go on, or has not begun; unless others are filling it."""
    with contextlib.suppress(OSError), held.alone_in(fresh.parent):
        if always or (set(os.listdir(fresh)) <= {SETTINGS_FILE} and not held.by(fresh)):
            shutil.rmtree(fresh, ignore_errors=True)


def _put(fresh: Path, path: Path, overwrite: bool) -> None:
    """Into its place; what stood there goes when the new one is there."""
    if not fresh.exists():
        return  # another process that filled it with us has put it in place
    if path.exists() and not overwrite:
        raise ValueError(f"{str(path)!r} came to be meanwhile, and is left alone; what was made is in {str(fresh)!r}.")
    _check_not_filled(path, shared=False)
    held.forget(fresh)
    if not path.exists():
        fresh.rename(path)
        return
    old = path.with_name(f".{path.name}.replaced")
    _remove(old)
    path.rename(old)
    fresh.rename(path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


@contextlib.contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"`--out` and `--name` give {_short(path)!r}, which cannot be written ({error.strerror}); choose others."
        ) from error


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) < 100 else f"{text[:60]}...{text[-20:]}"


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same names as a CSV file with a heading."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def wrote(path: Path, *names: str, pictures: Sequence[str] = (), elsewhere: str | None = None) -> str:
    """The last line of a command: everything that it has written, and where."""
    drawn = [f"{', '.join(pictures)} (png and pdf)"] if pictures else []
    inside = f"{path}: {', '.join([*names, *drawn, SETTINGS_FILE])}"
    return f"wrote {inside}" if elsewhere is None else f"wrote {elsewhere}; {inside}"
