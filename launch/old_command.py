"""What every command shares: parsing, refusals, run folders."""

import contextlib
import csv
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging

import hillopt as ho

FLAGS_FILE = "flags.txt"
WHERE_AND_HOW = (
    "out",
    "name",
    "overwrite",
    "resume",
    "shard",
    "coordinator",
    "num_processes",
    "process_id",
    "cpu_devices",
)


def run(main: Callable[[], None]) -> None:
    """Parse the flags and call main; a bad flag or a ValueError becomes one sentence and exit code 2."""

    def guarded(arguments: Sequence[str]) -> None:
        if len(arguments) > 1:
            _refuse(f"unexpected argument {arguments[1]!r}; every setting is a flag, see --help.")
        warnings.formatwarning = lambda message, *_: f"{message}\n"
        logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
        try:
            main()
        except ValueError as error:
            _refuse(str(error))
        except KeyboardInterrupt:
            print("interrupted" + ("; --resume goes on" if "resume" in flags.FLAGS else ""), file=sys.stderr)
            sys.exit(130)

    app.run(guarded, flags_parser=_parse)


def _parse(arguments: list[str]) -> list[str]:
    if any(argument in ("--help", "-help", "-h") for argument in arguments[1:]):
        print(str(sys.modules["__main__"].__doc__).strip() + "\n\nFlags:")
        print(flags.FLAGS.main_module_help().split(":\n", 1)[-1].strip("\n"))
        sys.exit(0)
    try:
        return flags.FLAGS(arguments)
    except flags.Error as error:
        _refuse(" ".join(str(error).split()))


def _refuse(sentence: str) -> NoReturn:
    print(f"{Path(sys.argv[0]).stem}: {sentence}", file=sys.stderr)
    sys.exit(2)


class NotYet(Exception):
    """Leaves a run folder unfinished, for another process to go on with."""


def unfinished(path: Path) -> Path:
    """Where a run folder is filled before it takes its place."""
    return path.with_name(f".{path.name}.unfinished")


@contextlib.contextmanager
def run_folder(path: Path, overwrite: bool, resume: bool | None = None, in_place: bool = False) -> Iterator[Path]:
    """A fresh folder to fill, which takes the place of `path` when all is written.

    If anything fails on the way, what was at `path` is still there. Of a command that can go on where it stopped, `resume`
    says whether it should: the unfinished folder is then kept for the next try. One that cannot leaves nothing half-written
    (None). With `in_place` a finished run may be resumed too, where it stands. Raises ValueError if the path exists and is
    not to be overwritten, is no run folder, or cannot be written.
    """
    fresh = unfinished(path)
    if in_place and resume and not overwrite and not fresh.exists() and (path / FLAGS_FILE).is_file():
        yield path
        return
    _check_free(path, fresh, overwrite, resume)
    try:
        if not resume:
            shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, exist_ok=bool(resume))
    except OSError as error:
        raise ValueError(
            f"`--out` {str(path.parent)!r} cannot be written ({error.strerror}); choose another folder."
        ) from error
    try:
        yield fresh
        if not fresh.exists():
            pass  # another process that filled it with us has put it in place
        elif path.exists():
            old = path.with_name(f".{path.name}.replaced")
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
            fresh.rename(path)
            shutil.rmtree(old)
        else:
            fresh.rename(path)
    finally:
        if resume is None or (fresh.is_dir() and not any(fresh.iterdir())):
            shutil.rmtree(fresh, ignore_errors=True)


def _check_free(path: Path, fresh: Path, overwrite: bool, resume: bool | None) -> None:
    if path.exists() and not overwrite:
        raise ValueError(
            f"`--out` and `--name` give {str(path)!r}, which exists; choose another name or pass --overwrite."
        )
    if path.exists() and not (path / FLAGS_FILE).is_file():
        raise ValueError(f"`--overwrite` would replace {str(path)!r}, which holds no {FLAGS_FILE}; remove it by hand.")
    if resume is False and fresh.exists() and not overwrite:
        raise ValueError(
            f"{str(fresh)!r} holds an unfinished run of that name; pass --resume to go on, or --overwrite to begin anew."
        )


def save_flags(folder: Path) -> None:
    """Write the settings as they were, in the form that --flagfile takes back; where to put a run, and who makes it, are none.

    Raises ValueError where an unfinished run stands in the folder that was begun with others.
    """
    values = flags.FLAGS.flags_by_module_dict()[
        "__main__" if "__main__" in flags.FLAGS.flags_by_module_dict() else sys.argv[0]
    ]
    lines = [flag.serialize() for flag in values if flag.name not in WHERE_AND_HOW and flag.value is not None]
    lines = "\n".join(line for line in lines if line).splitlines()  # a flag that is given twice has two
    path = folder / FLAGS_FILE
    before = path.read_text().splitlines() if path.is_file() else lines
    if before != lines:
        changed = ", ".join(line for line in before if line not in lines) or "fewer settings"
        raise ValueError(
            f"{str(folder)!r} was begun with {changed}; --resume it with the same flags, or --overwrite it."
        )
    path.write_text("\n".join(lines) + "\n")


def saved_flags(folder: Path) -> dict[str, str]:
    """The settings of a run folder, as they stand in its file."""
    pairs = (line.lstrip("-").partition("=") for line in (folder / FLAGS_FILE).read_text().splitlines())
    return {name: value for name, _, value in pairs}


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the same names as a CSV file with a heading."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def integers(texts: Sequence[str], flag: str) -> list[int]:
    """A list flag as integers, each once."""
    try:
        return list(dict.fromkeys(int(text) for text in texts))
    except ValueError as error:
        raise ValueError(f"`{flag}` takes integers, got {','.join(texts)!r}.") from error


def numbers(texts: Sequence[str], flag: str) -> list[float]:
    """A list flag as numbers, each once."""
    try:
        return list(dict.fromkeys(float(text) for text in texts))
    except ValueError as error:
        raise ValueError(f"`{flag}` takes numbers, got {','.join(texts)!r}.") from error


def hyperparameters(pairs: Sequence[str], flag: str, example: str = "learning_rate=0.3,b1=0.9") -> dict[str, float]:
    """Parse `name=number` pairs; ValueError for what is no such pair."""
    parsed: dict[str, float] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            parsed[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise ValueError(f"`{flag}` takes name=number pairs, got {pair!r}; write for example {flag}={example}.")
    return parsed


def make_optimizer(name: str, given: dict[str, float]) -> ho.AbstractOptimizer:
    """One of our optimizers; ValueError naming the near miss for a hyperparameter that it does not have."""
    factory = ho.OPTIMIZERS[name]
    ho.check_names(factory, list(given))
    return factory(**given)
