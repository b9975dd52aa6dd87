"""A run's settings as a file beside its results: settings.json."""

import difflib
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any, TypeVar

from launch.fields import flags_of

SETTINGS_FILE = "settings.json"
TOLD_OF = ("hillopt", "jax", "jaxlib", "numpy", "optax", "flax")

Settings = TypeVar("Settings")


def command_of(settings_type: type) -> str:
    """The command whose settings these are, as `python -m` takes it."""
    spec = sys.modules[settings_type.__module__].__spec__
    return (spec.name if spec is not None else settings_type.__module__).removesuffix(".__main__")


def save(folder: Path, settings: Any) -> None:
    """Write all settings, given or not, with the command and the versions that it ran with.

    A run that goes on keeps the file that it was begun with. Raises ValueError where that holds other settings, save those
    that say where and how to run.
    """
    path = folder / SETTINGS_FILE
    if path.exists():
        _check_same(path, saved(path, type(settings)), settings)
        return
    flags = flags_of(type(settings))
    plain = {name: flag.plain(getattr(settings, name)) for name, flag in flags.items()}
    record = {
        "command": command_of(type(settings)),
        "settings": {name: value for name, value in plain.items() if flags[name].rules.counts},
        "where": {name: value for name, value in plain.items() if not flags[name].rules.counts},
        "versions": _versions(),
    }
    half_written = path.with_name(f".{path.name}.{os.getpid()}")
    half_written.write_text(json.dumps(record, indent=2) + "\n")
    half_written.replace(path)


def is_run(folder: Path) -> bool:
    """Whether a folder is one that a command has filled: other programs have files of that name too."""
    try:
        record = json.loads((folder / SETTINGS_FILE).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and {"command", "settings"} <= set(record)


def saved(place: Path, settings_type: type[Settings], flag: str = "--settings") -> Settings:
    """The settings of a run, from its folder or its settings.json; where and how it ran are the defaults again.

    Raises ValueError, naming the flag that the place came from, for what are no settings of that command.
    """
    path = place / SETTINGS_FILE if os.path.isdir(place) else place
    known = {name: field for name, field in flags_of(settings_type).items() if field.rules.counts}
    found = _read(path, command_of(settings_type), flag)
    strays = [name for name in found if name not in known]
    if strays:
        near = difflib.get_close_matches(strays[0], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "remove it from the file."
        raise ValueError(f"`{flag}` {str(path)!r} has a setting {strays[0]!r}, which the command does not; {hint}")
    try:
        return settings_type(**{name: known[name].check(value) for name, value in found.items()})
    except ValueError as error:
        raise ValueError(f"`{flag}` {str(path)!r}: {error}") from error


def _read(path: Path, command: str, flag: str) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(
            f"`{flag}` {str(path)!r} cannot be read ({error.strerror}); give a run folder or its file."
        ) from error
    except ValueError as error:
        raise ValueError(f"`{flag}` {str(path)!r} is no {SETTINGS_FILE}; give the one of a run folder.") from error
    if not (isinstance(record, dict) and isinstance(record.get("settings"), dict)):
        raise ValueError(f"`{flag}` {str(path)!r} holds no settings; give the {SETTINGS_FILE} of a run folder.")
    if record.get("command") != command:
        raise ValueError(
            f"`{flag}` {str(path)!r} is of {record.get('command')}, not of {command}; give one of the latter."
        )
    return record["settings"]


def _check_same(path: Path, before: Any, now: Any) -> None:
    for name, flag in flags_of(type(now)).items():
        old, new = (getattr(settings, name) for settings in (before, now))
        if flag.rules.counts and old != new:
            raise ValueError(
                f"{str(path.parent)!r} was begun with {flag.given_as(old)}, not {flag.given_as(new)}; --resume it with the "
                "same settings, or --overwrite it."
            )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in TOLD_OF:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # run from a clone
    return found
