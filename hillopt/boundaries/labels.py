"""What is told apart by a boundary: labels that an answer has, or the sides of a level of one of its numbers."""

import dataclasses
import math

import numpy as np
from jaxtyping import Int

from hillopt.names import near_miss
from hillopt.questions import AbstractQuestion

BELOW, REACHED, NO_NUMBER = range(3)
SIDES = {"below": BELOW, "reached": REACHED, "no_number": NO_NUMBER}
ON_OR_OFF = {"no": 0, "yes": 1}


@dataclasses.dataclass(frozen=True)
class Labelling:
    """A field of the answer and, where it is a number, the level that divides it."""

    field: str
    level: float | None
    dtype: np.dtype
    """Of the labels."""
    names: dict[str, int]
    """Of the labels, in words."""

    def of(self, values: np.ndarray) -> Int[np.ndarray, "..."]:
        """The labels of a field's values."""
        if self.level is None:
            return np.asarray(values, self.dtype)
        sides = np.where(values >= self.level, REACHED, BELOW)
        return np.where(np.isnan(values), NO_NUMBER, sides).astype(self.dtype)

    @property
    def told(self) -> str:
        """In words, for titles."""
        return self.field if self.level is None else f"{self.field} >= {self.level:g}"


def labelling_of(question: AbstractQuestion, field: str | None, level: float | None, fields: dict) -> Labelling:
    """The labelling of an answer whose fields have these shapes and dtypes; None stands for the field that is drawn.

    Raises ValueError for a field that the answer has not, or that has dimensions of its own, and for a level where there is none
    to give, or none where it takes one.
    """
    name = question.look.field if field is None else field
    if name not in fields:
        raise ValueError(f"`of` must be a field of the answer, got {name!r}; {near_miss(str(name), list(fields))}")
    if own := question.answer_type.dims()[name]:
        raise ValueError(
            f"`of` must have one value for each setting, and {name!r} has some along {own[0]}; take another field."
        )
    dtype = np.dtype(fields[name].dtype)
    if np.issubdtype(dtype, np.floating):
        return Labelling(name, _checked(level, name), np.dtype(np.int8), SIDES)
    if level is not None:
        raise ValueError(f"`level` divides numbers, and {name!r} has labels; leave it out.")
    about = question.answer_type.about()[name]
    if np.issubdtype(dtype, np.bool_):
        return Labelling(name, None, np.dtype(np.int8), ON_OR_OFF)
    meanings = str(about.get("flag_meanings", "")).split()
    values = np.asarray(about.get("flag_values", ()), int).tolist()
    return Labelling(name, None, dtype, dict(zip(meanings, values, strict=True)))


def _checked(level: object, name: str) -> float:
    if level is None:
        raise ValueError(f"`level` must be given, since {name!r} is a number; give the value at which it is divided.")
    if isinstance(level, bool) or not isinstance(level, (int, float, np.integer, np.floating)) or math.isnan(level):
        raise ValueError(f"`level` must be a number, got {level!r}; give the value at which {name!r} is divided.")
    return float(level)
