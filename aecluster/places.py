"""Paths: the home folder in them, and what the file system says of them in one sentence."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONGEST = 100  # letters of a path that a sentence quotes whole


def place(name: str, path: Any) -> Path:
    """A path, its `~` resolved. Raises ValueError for what is none, and for the home folder of nobody."""
    try:
        text = os.fspath(path)
    except TypeError:
        text = None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(f"`{name}` must be a path, got {path!r}; give text or a pathlib.Path.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"`{name}` {text!r} names a home folder that is not there; write the path in full.") from None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one sentence, a ValueError, what the file system has against reading from a path."""
    with _in_words(path, "read", "give the path of what is there and may be read"):
        yield


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one sentence, a ValueError, what the file system has against writing to a path."""
    with _in_words(path, "written", "choose another place, or make room there"):
        yield


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """A place beside a path to write to, from which the file comes to the path when all of it is written; else nothing is left."""
    half_written = path.with_name(f".{os.getpid()}.{path.name}")
    with writing(path):
        try:
            yield half_written
            half_written.replace(path)
        except OSError:
            half_written.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _in_words(path: Path, done: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        about = Path(os.fsdecode(error.filename or path))
        raise ValueError(f"{quoted(about)} cannot be {done} ({_why(about, error)}); {remedy}.") from error


def _why(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.EEXIST) and path.is_symlink() and not path.exists():
        return "it is a link to what is not there"
    return error.strerror or str(error)


def quoted(path: Any) -> str:
    """A path in quotes, a long one without its middle."""
    text = os.fsdecode(path)
    return repr(text if len(text) <= LONGEST else f"{text[:60]}...{text[-20:]}")
