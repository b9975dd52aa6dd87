"""What JAX compiles is kept on disk for the next command: in the user's cache folder, or where one is told."""

import contextlib
import hashlib
import os
import platform
import re
import sys
import time
import warnings
from pathlib import Path

import jax

FLAG = "compilation_cache"
ABOUT = (
    "Folder where compiled programs are kept for the next run, or no. By default the environment's JAX_COMPILATION_CACHE_DIR, or "
    "hillopt in the user's cache folder."
)
NO = "no"
DAYS = 60  # that an entry is kept, so that programs that nobody runs any more do not fill the disk
THRESHOLDS = ("jax_persistent_cache_min_compile_time_secs", "jax_persistent_cache_min_entry_size_bytes")
ERROR = r"Error (?P<doing>reading|writing) persistent compilation cache entry for '(?P<program>[^']+)': (?P<reason>.*)"


def keep_compiled(place: str | None) -> None:
    """Keep what is compiled from now on in a folder, or `no`; None for JAX's own setting, and else for the user's cache folder.

    A folder that cannot be written is told of in one line on stderr, and nothing is kept. ValueError for no folder's name.
    """
    if place is None and jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    if place is not None and (not place or "\0" in place):
        raise ValueError(
            f"`--{FLAG}` must be a folder or {NO}, got {place!r}; leave it out for the user's cache folder."
        )
    folder = None if place == NO else _made(_of_the_user() if place is None else Path(os.path.expanduser(place)))
    jax.config.update("jax_compilation_cache_dir", None if folder is None else str(folder))
    if folder is None:
        return
    for name in THRESHOLDS:
        if name.upper() not in os.environ:
            jax.config.update(name, 0)  # the many small programs before the large one count too
    _forget_the_old(folder)
    _mend_and_tell(folder)


def _of_the_user() -> Path:
    """The folder of caches as the system has it."""
    home = Path.home() / "Library" / "Caches" if sys.platform == "darwin" else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home) / "hillopt" / "compiled"


def _made(place: Path) -> Path | None:
    """The folder for this kind of processor, there and writable; None if it cannot be. Nobody else may put programs into it."""
    folder = place / _processor()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        print(
            f"compiled programs cannot be kept in {str(folder)!r} ({error.strerror}) and are compiled anew; name a folder by "
            f"--{FLAG}=PATH, or no.",
            file=sys.stderr,
        )
        return None
    return folder


def _processor() -> str:
    """A name for what machine code hangs on: a home may be shared by machines whose processors know other instructions."""
    about = f"{platform.machine()} {platform.processor()}"
    with contextlib.suppress(OSError):
        about += "".join(
            sorted({*re.findall(r"^(?:model name|flags|Features).*$", Path("/proc/cpuinfo").read_text(), re.M)})
        )
    return f"{platform.machine()}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"


def _forget_the_old(folder: Path) -> None:
    for entry in folder.glob("*-cache"):
        with contextlib.suppress(OSError):  # another process may be faster
            if time.time() - entry.stat().st_mtime > DAYS * 86_400:
                entry.unlink()


def _mend_and_tell(folder: Path) -> None:
    """An entry that a killed process has half written: JAX warns of it, compiles, and would leave it there for ever.

    Of a disk that takes no more JAX warns with every program; once is enough.
    """
    show, told = warnings.showwarning, set[str]()

    def shown(message: Warning | str, *about: object, **more: object) -> None:
        found = re.match(ERROR, str(message))
        if found is None:
            show(message, *about, **more)  # type: ignore[arg-type]
        elif found["doing"] == "reading":
            for entry in folder.glob(f"{found['program']}-*-cache"):
                entry.unlink(missing_ok=True)
            print(f"a compiled program in {str(folder)!r} was broken, and is compiled anew.", file=sys.stderr)
        elif not told:
            told.add(found["reason"])
            print(f"compiled programs cannot be kept in {str(folder)!r} ({found['reason']}).", file=sys.stderr)

    warnings.showwarning = shown
