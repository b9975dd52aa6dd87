"""What every command is: settings as flags in, a call of its `main`, and one sentence for whatever is refused.

    @dataclasses.dataclass(frozen=True)
    class Settings:
        num_walks: int = command.flag(1_000, "Noisy walks a setting.", at_least=1)

    if __name__ == "__main__":
        command.run(main, Settings, PRESETS, tiny)

Settings come from a preset or from the file of another run, if one is named, and from the flags, which win.
"""

import dataclasses
import logging
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import absl.logging
from absl import flags

from launch import kept
from launch.fields import Flag, flag, flags_of
from launch.saved import SETTINGS_FILE, command_of, save, saved

__all__ = ["SETTINGS_FILE", "flag", "parse", "run", "save", "saved"]

Settings = TypeVar("Settings")


def run(
    main: Callable[[Settings], None],
    settings_type: type[Settings],
    presets: Mapping[str, Settings] | None = None,
    tiny: Callable[[Settings], Settings] | None = None,
) -> None:
    """Call main with the settings that the command line gives; what it refuses becomes one sentence and exit code 2."""
    arguments = sys.argv[1:]
    if any(argument in ("--help", "-help", "-h") for argument in arguments):
        print(explained(settings_type, presets or {}, tiny is not None))
        return
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    absl.logging.set_verbosity(absl.logging.WARNING)  # JAX tells of every backend that it does not find
    declared = flags_of(settings_type)
    try:
        settings, texts = _parsed(arguments, settings_type, presets or {}, tiny)
        kept.keep_compiled(_last(texts.get(kept.FLAG)))
    except ValueError as error:
        _refuse(settings_type, str(error))
    try:
        main(settings)
    except ValueError as error:
        _refuse(settings_type, in_flags(str(error), declared))
    except OSError as error:
        about = f"{error.filename!r}: " if error.filename else ""
        _refuse(settings_type, f"{about}{error.strerror or error}; mend that, or choose another place.")
    except KeyboardInterrupt:
        logging.getLogger("asyncio").disabled = True  # a store's writes under way are dropped, and need no word each
        print("interrupted" + ("; --resume goes on" if "resume" in declared else ""), file=sys.stderr)
        sys.exit(130)


def _refuse(settings_type: type, sentence: str) -> NoReturn:
    print(f"{command_of(settings_type).removeprefix('launch.')}: {sentence}", file=sys.stderr)
    sys.exit(2)


def parse(
    arguments: Sequence[str],
    settings_type: type[Settings],
    presets: Mapping[str, Settings] | None = None,
    tiny: Callable[[Settings], Settings] | None = None,
) -> Settings:
    """The settings that the arguments give; ValueError for an unknown name, a wrong type, a value out of bounds."""
    return _parsed(arguments, settings_type, presets or {}, tiny)[0]


def _parsed(
    arguments: Sequence[str],
    settings_type: type[Settings],
    presets: Mapping[str, Settings],
    tiny: Callable[[Settings], Settings] | None,
) -> tuple[Settings, dict[str, list[str] | None]]:
    """The settings, and the texts of the flags that are none."""
    declared = flags_of(settings_type)
    sources = _sources(declared, presets, tiny is not None)
    given = _given(arguments, declared, sources)
    texts = {name: given.pop(name, None) for name in sources}
    base = _base(settings_type, presets, texts)
    if texts.get("tiny") and tiny is not None:
        base = tiny(base)
    changes = {name: declared[name].parse(values) for name, values in given.items()}
    return dataclasses.replace(base, **changes), texts  # type: ignore[type-var]


def _last(texts: Sequence[str] | None) -> str | None:
    return texts[-1] if texts else None


def _sources(declared: Mapping[str, Flag], presets: Mapping[str, Any], has_tiny: bool) -> dict[str, str]:
    """The flags that are no settings: where those come from, and where compiled programs are kept."""
    found = {"preset": f"Settings by name: {', '.join(presets)}. Other flags change them."} if presets else {}
    if has_tiny:
        found["tiny"] = "The same made so small, on data that need no download, that it takes seconds."
    if "out" in declared:
        found["settings"] = f"A run folder or its {SETTINGS_FILE}, to repeat that run. Other flags change it."
    return {**found, kept.FLAG: kept.ABOUT}


def _given(arguments: Sequence[str], declared: Mapping[str, Flag], sources: Mapping[str, str]) -> dict[str, list[str]]:
    """The texts of all flags that are there."""
    known = flags.FlagValues()
    for name in [*declared, *sources]:
        if name == "tiny" or (name in declared and declared[name].kind is bool):
            flags.DEFINE_boolean(name, None, "", flag_values=known)
        else:
            flags.DEFINE_multi_string(name, None, "", flag_values=known)
    for argument in arguments:
        stray = re.match(r"--?(flagfile|undefok)(=|$)", argument)  # absl's own, which would go around all this
        if stray:
            raise ValueError(f"Unknown command line flag {stray[1]!r}; --settings repeats a run, see --help.")
    try:
        rest = known(["", *arguments])[1:]
    except flags.IllegalFlagValueError as error:  # of a switch: all others are texts here
        name = str(error).partition("=")[0].split("--")[-1]
        raise ValueError(f"`--{name}` is a switch; write --{name}, --no{name}, or =true or =false.") from error
    except flags.Error as error:
        raise ValueError(" ".join(str(error).split())) from error
    if rest:
        raise ValueError(f"unexpected argument {rest[0]!r}; every setting is a flag, see --help.")
    values = {name: known[name].value for name in [*declared, *sources]}
    return {name: value if isinstance(value, list) else [value] for name, value in values.items() if value is not None}


def _base(
    settings_type: type[Settings], presets: Mapping[str, Settings], texts: Mapping[str, list[str] | None]
) -> Settings:
    """What the flags change: a preset, another run, or the defaults."""
    preset, file = texts.get("preset"), texts.get("settings")
    if preset and file:
        raise ValueError("`--preset` and `--settings` both give all settings; choose one.")
    if preset:
        if preset[-1] not in presets:
            raise ValueError(f"`--preset` must be one of {', '.join(presets)}, got {preset[-1]!r}.")
        return presets[preset[-1]]
    return saved(Path(os.path.expanduser(file[-1])), settings_type) if file else settings_type()


def in_flags(sentence: str, declared: Mapping[str, Flag]) -> str:
    """A sentence of the library in the words of the command line: `fixed['b1']` is `--fixed=b1`, resume=True is --resume."""
    words = {name: name for name in declared}
    words |= {one.rules.called: name for name, one in declared.items() if one.rules.called}

    def quoted(match: re.Match) -> str:
        name, key, value = match["name"], match["key"], match["value"]
        if name not in words:
            return match[0]
        return f"`--{words[name]}{f'={key}' if key else ''}{_unquoted(value)}`"

    def bare(match: re.Match) -> str:
        return f"--{words[match['name']]}{_unquoted(match['value'])}" if match["name"] in words else match[0]

    sentence = re.sub(r"`(?P<name>\w+)(\['(?P<key>\w+)'\])?(?P<value>=[^`]*)?`", quoted, sentence)
    return re.sub(r"(?<![-\w=,.:`'\[])(?P<name>\w+)(?P<value>=(True|'[^']*'|\d[\w.]*))", bare, sentence)


def _unquoted(value: str | None) -> str:
    return "" if value in (None, "=True") else str(value).replace("'", "")


def explained(settings_type: type, presets: Mapping[str, Any], has_tiny: bool) -> str:
    """--help: what the command does, then its flags."""
    declared, defaults = flags_of(settings_type), settings_type()
    lines = [str(sys.modules[settings_type.__module__].__doc__).strip(), "", "Flags:"]
    for name, about in _sources(declared, presets, has_tiny).items():
        lines += [f"  --{name}", *_wrapped(about)]
    for name, one in declared.items():
        lines.append(f"  --[no]{name}" if one.kind is bool else f"  --{name}")
        lines += _wrapped(one.explained(getattr(defaults, name)))
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False)
