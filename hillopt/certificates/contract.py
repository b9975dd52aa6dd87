"""What a certificate is: plain numbers that prove an answer, written as JSON, and a check that trusts nobody.

Nothing here knows how an answer was found. A certificate is checked from the mathematics alone, in Python's integers, with
every rounding outwards; whoever doubts the check reads this folder, which imports nothing but the standard library.
"""

import abc
import dataclasses
import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar, get_type_hints

from hillopt.certificates.parts import HILLS, OPTIMIZERS, Part, Range, check_part

MOST_STEPS = 2**21  # that a check walks, a hundred thousand in some seconds
LONGEST = 2_500  # digits of a rational number; the least float has 1,075 in each half

KINDS: dict[str, type["AbstractCertificate"]] = {}


class AbstractCertificate(abc.ABC):
    """What proves an answer about one setting, for every real that its numbers stand for.

    `to_json` and `from_json` lose nothing: numbers are exact rationals. `check` verifies it, and raises ValueError in one
    sentence, naming the number, where it proves nothing.
    """

    hill: Part
    optimizer: Part

    claim: ClassVar[str]
    """What it proves, in words."""

    def __init_subclass__(cls) -> None:
        if not cls.__name__.startswith("Abstract"):
            KINDS[cls.__name__] = cls

    @abc.abstractmethod
    def check(self) -> None:
        """Verify it. Raises ValueError, naming the number, the rule and the remedy, where it does not prove what it claims."""

    def to_json(self) -> str:
        """As JSON: numbers as fractions in lowest terms, ranges as pairs of them."""
        fields = {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return json.dumps({"kind": type(self).__name__, **fields})

    @staticmethod
    def from_json(text: str) -> "AbstractCertificate":
        """The certificate that `to_json` wrote. Raises ValueError, naming the field, for what is none."""
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("a certificate must be JSON, and this is none; give it as it was written.") from error
        if not isinstance(record, dict) or record.get("kind") not in [*KINDS]:
            got = record.get("kind") if isinstance(record, dict) else record
            raise ValueError(
                f"`kind` must be one of {', '.join(sorted(KINDS))}, got {_short(got)}; none else is checked."
            )
        kind = KINDS[record.pop("kind")]
        hints = get_type_hints(kind)
        names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
        for stray in sorted(set(names) ^ set(record)):
            verb = "needs" if stray in names else "has no"
            raise ValueError(f"`{kind.__name__}` {verb} {stray!r}; its fields are {', '.join(names)}.")
        return kind(**{name: READERS[hints[name]](name, record[name]) for name in names})


def check_parts(certificate: AbstractCertificate) -> None:
    """ValueError for a hill or an optimizer that is unknown, or whose numbers are out of range."""
    check_part(certificate.hill, "hill", HILLS)
    check_part(certificate.optimizer, "optimizer", OPTIMIZERS)


def check_steps(name: str, number: int, least: int, most: int = MOST_STEPS) -> None:
    """ValueError unless a number of steps lies within its bounds."""
    if not least <= number <= most:
        raise ValueError(
            f"`{name}` must lie between {least} and {most}, got {number}; give the certificate as it was made."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {"kind": value.kind, **{name: _plain(number) for name, number in value.numbers.items()}}
    if isinstance(value, Range):
        return str(value.low) if value.low == value.high else [str(value.low), str(value.high)]
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, int) else str(value)  # of a fraction: in lowest terms


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _step(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(
            f"`{name}` must be a whole number, got {_short(value)}; give the certificate as it was written."
        )
    return value


def _number(name: str, value: object) -> Fraction:
    if not isinstance(value, str) or len(value) > LONGEST or not re.fullmatch(r"-?\d+(/[1-9]\d*)?", value, re.ASCII):
        raise ValueError(f'`{name}` must be a fraction as text, such as "1/3", got {_short(value)}; write it so.')
    return Fraction(value)


def _range(name: str, value: object) -> Range:
    ends = value if isinstance(value, list) else [value, value]
    if len(ends) != 2:
        raise ValueError(f"`{name}` must be one fraction or two ends, got {len(ends)} of them; write it so.")
    return Range(_number(name, ends[0]), _number(name, ends[1]))


def _part(name: str, value: object) -> Part:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise ValueError(f"`{name}` must be its kind and its numbers, got {_short(value)}; write it so.")
    return Part(value["kind"], {key: _range(key, number) for key, number in value.items() if key != "kind"})


def _ranges(name: str, value: object) -> tuple[Range, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"`{name}` must be a list of pairs of ends, got {_short(value)}; write it so.")
    return tuple(_range(name, ends) for ends in value)


READERS: dict[Any, Callable[[str, object], Any]] = {
    int: _step,
    Fraction: _number,
    Part: _part,
    tuple[Range, ...]: _ranges,
}
