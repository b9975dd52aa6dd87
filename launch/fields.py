"""What a setting may be: a field of a dataclass, declared once, read from text or from a file, and checked the same way.

    num_walks: int = fields.flag(1_000, "Noisy walks a setting.", at_least=1)

The field's type says how it is read: bool, int, float, str, Path, a tuple of one of these, a dict of numbers by name; with
`| None` where nothing is a value too, and with `| Literal["auto"]` where a word stands beside the numbers.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

PAIRS = "learning_rate=0.3,b1=0.9"
PHRASES = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    Path: "a path",
}


def flag(
    default: Any,
    about: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    choices: Sequence[str] = (),
    forms: Mapping[str, str] | None = None,
    repeated: bool = False,
    may_be_empty: bool = False,
    counts: bool = True,
    called: str | None = None,
    example: str = PAIRS,
) -> Any:
    """A field of a command's settings.

    **Arguments**

    - `default`, `about`: its value if nothing is said, and its line of --help.
    - `at_least`, `at_most`, `above`, `choices`: what it must keep to; of a tuple every entry, of a dict every number.
    - `forms`: what may stand in place of a choice, as a regular expression by what to call it.
    - `repeated`: a tuple whose entries are given by one flag each, since they hold commas.
    - `may_be_empty`: of a tuple, whether it may have no entry.
    - `counts`: whether it says what is computed. What says where and how to run does not count when two runs are compared.
    - `called`: the library's word for it, where that is another; sentences of the library are told in flags.
    - `example`: of the pairs of a dict.
    """
    ways = tuple((forms or {}).items())
    rules = Rules(
        about, at_least, at_most, above, tuple(choices), ways, repeated, may_be_empty, counts, called, example
    )
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata={"rules": rules})
    return dataclasses.field(default=default, metadata={"rules": rules})


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the declaration of a flag says besides its name, type and default."""

    about: str
    at_least: float | None
    at_most: float | None
    above: float | None
    choices: tuple[str, ...]
    forms: tuple[tuple[str, str], ...]
    repeated: bool
    may_be_empty: bool
    counts: bool
    called: str | None
    example: str

    @property
    def told_choices(self) -> str:
        """All choices, and what else may stand there."""
        return ", or ".join([", ".join(self.choices), *(name for name, _ in self.forms)])


@dataclasses.dataclass(frozen=True)
class Flag:
    """A setting: its name, what it may be, and the rules it keeps to."""

    name: str
    kind: Any
    """bool, int, float, str or Path: of a tuple its entries', of a dict its numbers'."""
    container: type | None
    """tuple, dict, or None."""
    optional: bool
    words: tuple[str, ...]
    """What may stand in place of a number."""
    rules: Rules

    def parse(self, texts: Sequence[Any]) -> Any:
        """The value that the command line gives; an empty text is None where that is a value."""
        if self.rules.repeated:
            return self.check(list(texts))
        if self.kind is bool:
            return self.check(texts[-1])
        text = texts[-1].strip()
        if self.container is tuple:
            return self.check([self._read(part.strip()) for part in text.split(",")] if text else [])
        if self.container is dict:
            return self.check(self._pairs(text))
        return self.check(None if self.optional and not text else self._read(text))

    def check(self, value: Any) -> Any:
        """The value in its type; ValueError with the flag, the rule and what was given."""
        if value is None and self.optional:
            return None
        if self.container is tuple:
            if not isinstance(value, list | tuple):
                raise self._misfit(value)
            if not value and not self.rules.may_be_empty:
                raise ValueError(f"`--{self.name}` must have one entry at least; give some, or leave it out.")
            return tuple(dict.fromkeys(self._check_one(entry) for entry in value))
        if self.container is dict:
            if not isinstance(value, Mapping):
                raise self._misfit(value)
            return {name: self._check_one(number, of=f" of {name!r}") for name, number in value.items()}
        return self._check_one(value)

    def _read(self, text: str) -> Any:
        """A number where the text is one; else the text, for the check to refuse or to take."""
        if self.kind not in (int, float):
            return text
        try:
            return self.kind(text)
        except ValueError:
            return text

    def _pairs(self, text: str) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        for pair in text.split(",") if text else ():
            name, equals, number = (part.strip() for part in pair.partition("="))
            if not (name and equals and isinstance(self._read(number), self.kind)):
                raise ValueError(
                    f"`--{self.name}` takes name=number pairs, got {pair!r}; write for example --{self.name}={self.rules.example}."
                )
            if name in pairs:
                raise ValueError(f"`--{self.name}` gives {name!r} twice; give every name one number.")
            pairs[name] = self._read(number)
        return pairs

    def _check_one(self, value: Any, of: str = "") -> Any:
        if value in self.words and isinstance(value, str):
            return value
        typed = self._typed(value)
        if typed is None:
            raise self._misfit(value, of)
        rules = self.rules
        if rules.at_least is not None and typed < rules.at_least:
            raise ValueError(f"`--{self.name}`{of} must be at least {rules.at_least:g}, got {value}.")
        if rules.at_most is not None and typed > rules.at_most:
            raise ValueError(f"`--{self.name}`{of} must be at most {rules.at_most:,}, got {value}.")
        if rules.above is not None and typed <= rules.above:
            raise ValueError(f"`--{self.name}`{of} must be above {rules.above:g}, got {value}.")
        if (
            rules.choices
            and typed not in rules.choices
            and not any(re.fullmatch(form, typed) for _, form in rules.forms)
        ):
            near = difflib.get_close_matches(typed, rules.choices, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(f"`--{self.name}` must be one of {rules.told_choices}, got {value!r}{hint}")
        return typed

    def _typed(self, value: Any) -> Any:
        """The value as one of this kind, or None if it is none."""
        if self.kind is Path and isinstance(value, str | Path) and str(value):
            return _at_home(Path(value), self.name)
        if self.kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) if math.isfinite(value) else None
        return value if type(value) is self.kind else None

    def _misfit(self, value: Any, of: str = "") -> ValueError:
        phrase = " or ".join([PHRASES[self.kind], *self.words])
        many = (
            ""
            if of or self.container is None
            else "a list, each "
            if self.container is tuple
            else "numbers by name, each "
        )
        return ValueError(f"`--{self.name}`{of} must be {many}{phrase}, got {value!r}.")

    def shown(self, value: Any) -> str:
        """The value as the command line takes it back."""
        if value is None:
            return ""
        if self.container is dict:
            return ",".join(f"{name}={number}" for name, number in value.items())
        if self.container is tuple:
            return ",".join(str(entry) for entry in value)
        return str(value).lower() if self.kind is bool else str(value)

    def given_as(self, value: Any) -> str:
        """What the command line says to give the value."""
        if self.rules.repeated:
            return " ".join(f"--{self.name}={entry}" for entry in value)
        shown = self.shown(value)
        return f"--{self.name}={shown}" if shown else f"no --{self.name}"

    def plain(self, value: Any) -> Any:
        """The value as JSON knows it."""
        if isinstance(value, tuple):
            return [self.plain(entry) for entry in value]
        return str(value) if isinstance(value, Path) else value

    def explained(self, default: Any) -> str:
        """What it is, the rules it keeps to and its default, for --help."""
        rules, told = self.rules, [self.rules.about]
        told += [f"At least {rules.at_least:g}."] if rules.at_least is not None else []
        told += [f"At most {rules.at_most:,}."] if rules.at_most is not None else []
        told += [f"Above {rules.above:g}."] if rules.above is not None else []
        told += [f"One of {rules.told_choices}."] if rules.choices else []
        if self.kind is bool:
            told += ["On by default."] if default else []
        elif self.rules.repeated or self.shown(default):
            told += [f"Default: {self.given_as(default) if rules.repeated else self.shown(default)}"]
        return " ".join(told)


def flags_of(settings_type: type) -> dict[str, Flag]:
    """Every flag of a command's settings by its name."""
    hints = typing.get_type_hints(settings_type)
    declared = dataclasses.fields(settings_type)
    return {field.name: _flag(field.name, hints[field.name], field.metadata["rules"]) for field in declared}


def _flag(name: str, hint: Any, rules: Rules) -> Flag:
    arms = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    words = tuple(word for arm in arms if typing.get_origin(arm) is Literal for word in typing.get_args(arm))
    (arm,) = (arm for arm in arms if arm is not types.NoneType and typing.get_origin(arm) is not Literal)
    container = typing.get_origin(arm)
    kinds = {None: (arm,), tuple: typing.get_args(arm)[:1], dict: typing.get_args(arm)[1:]}
    return Flag(name, kinds[container][0], container, types.NoneType in arms, words, rules)


def _at_home(path: Path, name: str) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"`--{name}={path}`: there is no such home folder; write the path in full.") from error
