"""What a page tells of a sweep: its axes, its fields, its words."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hillopt.names import near_miss
from hillopt.pages.packing import FEW, Packed, packed
from hillopt.pictures.colours import norm_for
from hillopt.pictures.marks import VERDICT_STYLES
from hillopt.pictures.read import Picture
from hillopt.pictures.scales import scale_of_axis
from hillopt.pictures.style import COLOUR_MAP, FLAG_COLOUR, LOST_COLOUR, label_of
from hillopt.questions import Look
from hillopt.sweeps import thinned
from hillopt.walk import Certainty, Verdict

if TYPE_CHECKING:
    import xarray

FIRST_FIELD = 2_700_000
"""Characters of the field that is drawn, at most,"""
ALL_FIELDS, NAMED_FIELDS = 2_850_000, 5_850_000
"""and of all together; of those that were asked for by name."""
FIELDS = ("verdict", "certainty", "upper", "period", "step", "num_steps", "error")
"""In the order in which they find room beside the one that is drawn; what is not named comes last."""
LETTERS = {
    r"\alpha": "α",
    r"\beta_1": "β₁",
    r"\beta_2": "β₂",
    r"\mu": "μ",
    r"\rho": "ρ",
    r"\epsilon": "ε",
    r"\lambda": "λ",
    r"\sigma": "σ",
}
"""For the symbols of a picture's formulas."""
WORDS: dict[str, dict[int, str]] = {
    "verdict": {
        Verdict.UNDECIDED: "within {steps} steps it neither passed nor was proved to be trapped",
        Verdict.ESCAPED: "some step was at the crest or beyond it",
        Verdict.TRAPPED: "proved: no number of steps climbs above {upper}",
        Verdict.DIVERGED: "the position overflowed, or went where the number format resolves the hill no more",
    },
    "certainty": {
        Certainty.UNCHECKED: "no proof was attempted",
        Certainty.FLAGGED: "rounding could change it",
        Certainty.AS_TYPED: "for the hyperparameters as typed, in exact arithmetic",
        Certainty.CERTIFIED: "exact arithmetic gives the same for every number that rounds to the hyperparameters",
    },
}
SHADES = 256
ALL_DIGITS = 7
WIDE = 100.0
"""Times the least is the most of a field whose colours are logarithmic."""


def contents_of(dataset: "xarray.Dataset", names: Sequence[str] | None) -> dict[str, Any]:
    """Of a sweep's or an answer's data set and some of its fields, as JSON takes it; ValueError for what is none."""
    picture = Picture.of(dataset)
    drawn = thinned(dataset).load()
    attributes, numbers = dataset.attrs, picture.numbers
    fields, left_out = _fields(drawn, picture.look, names)
    return {
        "title": str(attributes.get("title", picture.look.label)),
        "told": [_without_formulas(text) for text in picture.told],
        "look": picture.look._asdict(),
        "axes": [_axis(drawn, name) for name in picture.dims],
        "inner": [_axis(drawn, name) for name in _inner(drawn, fields, picture.dims)],
        "fields": fields,
        "left_out": left_out,
        "thinned": picture.every if dataset.sizes != drawn.sizes else 1,
        "optimizer": {"name": attributes.get("optimizer", ""), "numbers": numbers.get("optimizer", {})},
        "hill": {"name": attributes.get("hill", ""), "numbers": numbers.get("hill", {})},
        "selected": numbers["selected"],
        "question": attributes.get("question", ""),
        "max_steps": picture.max_steps,
        "dtype": attributes.get("dtype", ""),
        "words": {kind: {str(int(each)): text for each, text in words.items()} for kind, words in WORDS.items()},
        "colours": _colours(),
    }


def _without_formulas(text: str) -> str:
    """A picture's words with letters for its symbols; a dollar sign of the text's own stays."""
    for symbol, letter in LETTERS.items():
        text = text.replace(symbol, letter)
    return text.replace(r"\$", "\0").replace("$", "").replace("\0", "$")


def _inner(dataset: "xarray.Dataset", fields: list[dict[str, Any]], dims: list[str]) -> list[str]:
    """Dimensions that fields have before those of the settings."""
    return list(dict.fromkeys(name for field in fields for name in field["dims"] if name not in dims))


def _axis(dataset: "xarray.Dataset", name: str) -> dict[str, Any]:
    axis = dataset[name]
    values = np.asarray(axis.values, np.float64)
    scale = scale_of_axis(axis) if values.size > 1 else "linear"
    return {"name": name, "label": _without_formulas(label_of(name)), "scale": scale, "values": values.tolist()}


def _fields(
    dataset: "xarray.Dataset", look: Look, names: Sequence[str] | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The fields, packed, the one that is drawn first, and the names of those that found no room."""
    for name in names or ():
        if name not in dataset:
            raise ValueError(f"`fields` names {name!r}; {near_miss(name, list(map(str, dataset.data_vars)))}")
    rest = [name for name in map(str, dataset.data_vars) if name != look.field and (names is None or name in names)]
    rest.sort(key=lambda name: FIELDS.index(name) if name in FIELDS else len(FIELDS))
    found, left_out = list[dict[str, Any]](), list[str]()
    room = ALL_FIELDS if names is None else NAMED_FIELDS
    for name in [look.field, *rest]:
        is_first = name == look.field
        if is_first:
            field = _field(dataset[name], packed(_numbers(dataset[name]), FIRST_FIELD), look.scale)
        else:
            whole = found[0]["digits"] == ALL_DIGITS
            beside = _numbers(dataset[look.field]) if whole else None
            field = _field(dataset[name], packed(_numbers(dataset[name]), room, FEW, beside), None)
        if field is None:
            left_out.append(name)
        else:
            found.append(field)
            room -= len(field["data"])
    return found, left_out


def _numbers(values: "xarray.DataArray") -> np.ndarray:
    numbers = np.asarray(values.values)
    return numbers.astype(np.uint8) if numbers.dtype == bool else numbers


def _field(values: "xarray.DataArray", text: Packed | None, scale: str | None) -> dict[str, Any] | None:
    """A field that has a scale of its own is drawn on it, any other on one that shows its range."""
    if text is None:
        return None
    numbers = np.asarray(values.values)
    meanings = str(values.attrs.get("flag_meanings", "")).split()
    flags = {str(int(value)): word for value, word in zip(values.attrs.get("flag_values", []), meanings, strict=False)}
    if numbers.dtype == bool:
        flags = {"0": "no", "1": "yes"}
    return {
        "name": str(values.name),
        "about": values.attrs.get("long_name", str(values.name)).replace("_", " "),
        "dims": [str(name) for name in values.dims],
        "flags": flags,
        "data": text.text,
        "dtype": text.dtype,
        "digits": text.digits,
        "is_beside": text.is_beside,
        **({} if flags else _colours_of(np.asarray(numbers, np.float64), scale)),
    }


def _colours_of(values: np.ndarray, scale: str | None) -> dict[str, Any]:
    """The scale of its colours and their ends, as a picture has them."""
    known = values[np.isfinite(values)]
    if scale is None:
        is_wide = known.size > 0 and known.min() > 0 and known.max() > WIDE * known.min()
        scale = "log" if is_wide else "linear"
    norm = norm_for(known[known >= 0] if scale == "heights" else values, scale)
    shown = {"heights": "log", "share": "linear", "verdicts": "linear"}.get(scale, scale)
    return {"scale": shown, "limits": [float(norm.vmin), float(norm.vmax)]}  # type: ignore[arg-type]


def _colours() -> dict[str, Any]:
    import matplotlib

    shades = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 1, SHADES))[:, :3]
    verdicts = {str(int(each)): style.colour for each, style in VERDICT_STYLES.items()}
    return {
        "map": [[round(255 * part) for part in shade] for shade in shades.tolist()],
        "verdicts": verdicts,
        "flag": FLAG_COLOUR,
        "lost": LOST_COLOUR,
    }


def as_json(contents: dict[str, Any]) -> str:
    """As text that may stand inside a script element."""
    text = json.dumps(_finite(contents), allow_nan=False, separators=(",", ":"), default=str)
    return text.replace("</", "<\\/")


def _finite(tree: Any) -> Any:
    """What JSON has no word for, as text that JavaScript's Number reads."""
    if isinstance(tree, dict):
        return {name: _finite(value) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return "NaN" if math.isnan(tree) else "Infinity" if tree > 0 else "-Infinity"
    return tree
