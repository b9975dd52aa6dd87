"""Who is filling a run folder: a file in it for every process that does, locked as long as the process lives.

The lock goes with its process, however that ends. Where a file system knows no locks, or the process is on another machine,
which may not see them, the file's time tells: it is renewed as long as the process lives.
"""

import contextlib
import datetime
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".filled_by."
RENEWAL = 30.0  # seconds between two signs of life
LEASE = 300.0  # seconds without one after which a process of another machine counts as dead


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Say that this process fills the folder, until the block ends; wherever the folder is moved meanwhile."""
    path = folder / f"{PREFIX}{socket.gethostname()}.{os.getpid()}"
    since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    over = threading.Event()
    with path.open("w") as file:
        with contextlib.suppress(OSError):  # no locks here
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": since}))
        file.flush()
        renewal = threading.Thread(target=_renew, args=(file.fileno(), over), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            over.set()
            renewal.join()
            path.unlink(missing_ok=True)


def _renew(file: int, over: threading.Event) -> None:
    while not over.wait(RENEWAL):
        with contextlib.suppress(OSError):
            os.utime(file)


def by(folder: Path) -> list[str]:
    """The processes that fill a folder now, each in words."""
    found = (_process(path) for path in sorted(folder.glob(f"{PREFIX}*")))
    return [process for process in found if process is not None]


def forget(folder: Path) -> None:
    """Remove the files of all processes."""
    for path in folder.glob(f"{PREFIX}*"):
        path.unlink(missing_ok=True)


def _process(path: Path) -> str | None:
    """What a file says of its process; None if that is dead."""
    try:
        is_locked, record = _is_locked(path), json.loads(path.read_text() or "{}")
        silence = time.time() - path.stat().st_mtime
    except FileNotFoundError:  # it has ended meanwhile
        return None
    host, pid, since = (record.get(name, "?") for name in ("host", "pid", "since"))
    if host == socket.gethostname():
        lives, heard = _runs(pid) if is_locked is None else is_locked, ""
    else:
        lives, heard = is_locked or silence < LEASE, f", last heard of {silence:.0f} s ago"
    return f"process {pid} on {host} since {since}{heard}" if lives else None


def _is_locked(path: Path) -> bool | None:
    """Whether a process holds the lock; None where the file system knows none."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
    return False


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One process after the other, where locks are known."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
