"""Where data are kept, a folder or a URL: what is there, what room there is, and one sentence for whatever a file system says."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KIND = "a folder or a URL that fsspec knows"
MEND = "mend that, or choose another place"


def location_of(path: str | os.PathLike[str]) -> str:
    """The path or URL as a string, `~` expanded; ValueError for what is neither."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError(f"`path` must be {KIND}, got {path!r}; write for example 'adam.zarr'.")
    if re.match(r"[a-z][a-z0-9+]+:/[^/]", text):
        raise ValueError(f"`path` {text!r} was a URL before it became a Path; give it as text.")
    text = text.removeprefix("file://")
    found = text if is_url(text) else os.path.expanduser(text)
    if found.startswith("~"):
        raise ValueError(f"`path` {text!r}: there is no such home folder; write the path in full.")
    return found


def is_url(location: str) -> bool:
    """Whether fsspec is asked."""
    return re.match(r"[A-Za-z][\w+.-]*(::[\w+.-]+)*://", location) is not None


def is_there(location: str) -> bool:
    """Whether anything is, be it a link that leads nowhere."""
    if not is_url(location):
        return os.path.lexists(location)
    import fsspec

    system, inner = fsspec.url_to_fs(location)
    return bool(system.exists(inner))


def zarr_store(location: str, read_only: bool) -> Any:
    """The place as Zarr takes it."""
    import zarr

    if is_url(location):
        return zarr.storage.FsspecStore.from_url(location, read_only=read_only)
    return zarr.storage.LocalStore(location, read_only=read_only)


def free_bytes(location: str) -> int | None:
    """Room on the disk of a folder that may not be there yet; None where nobody knows it."""
    if is_url(location):
        return None
    place = Path(location).absolute()
    return shutil.disk_usage(next(folder for folder in [place, *place.parents] if folder.is_dir())).free


@contextlib.contextmanager
def told_in_a_sentence(
    location: str, verb: str = "written", remedy: Callable[[], str] = lambda: MEND
) -> Iterator[None]:
    """Whatever a file system raises, and each has errors of its own, as a ValueError of one sentence, which ends in the remedy."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"`path` {shown(location)} cannot be {verb} ({reason_of(error)}); {remedy()}.") from error


def shown(location: str) -> str:
    """A location in quotes, the middle of a very long one left out."""
    return repr(location if len(location) < 120 else f"{location[:60]}...{location[-40:]}")


def reason_of(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, NotImplementedError):
        return "nothing can be written there"
    told = (error.strerror if isinstance(error, OSError) else None) or str(error).strip() or type(error).__name__
    return told.splitlines()[0].rstrip(".")
