"""An answer as a table, which notebooks show: the value of every field, or its range, and what it means."""

import html
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """A field of an answer."""

    name: str
    values: np.ndarray
    kind: type[IntEnum] | None
    """What its small integers mean."""
    about: str


HINTS = {
    0: "",
    1: "answer.to_dataframe({name: values}) tells them all, ho.plot(answer.to_dataset({name: values})) draws them.",
    2: "ho.explore(answer.to_dataset({name: values, ...})) is the map of them, ho.plot(...) its picture.",
}
"""What to write next, by the number of the settings' dimensions; of more than two that of two."""


def table_of(title: str, shape: tuple[int, ...], rows: Iterator[Row]) -> str:
    """HTML without a style of its own: light or dark is the notebook's choice. Nothing of it needs a script."""
    of = f" of {' × '.join(f'{size:,}' for size in shape)} settings" if shape else ""
    hint = HINTS[min(len(shape), max(HINTS))]
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    head = "<thead><tr><th>field</th><th>value</th><th>what it is</th></tr></thead>"
    told = f"<p><code>{html.escape(hint)}</code></p>" if hint else ""
    return f"<p><b>{html.escape(title)}</b>{of}</p><table>{head}<tbody>{lines}</tbody></table>{told}"


def _cells(row: Row) -> str:
    value = _named(row) if row.kind is not None else _number(row.values)
    left = 'style="text-align: left"'
    return "".join(f"<td {left}>{html.escape(text)}</td>" for text in (row.name, value, row.about))


def _named(row: Row) -> str:
    """Of one setting the word, of many how many there are of each."""
    assert row.kind is not None
    if row.values.ndim == 0:
        return row.kind(int(row.values)).name.lower()
    counts = {each.name.lower(): int((row.values == each).sum()) for each in row.kind}
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _number(values: np.ndarray) -> str:
    """One number in all its digits; of many the range of those that are finite, and how many are not."""
    if values.ndim == 0:
        return str(values[()])
    finite = values[np.isfinite(values)]
    ends = (
        [f"{end:,}" if values.dtype.kind in "iub" else f"{end:.4g}" for end in (finite.min(), finite.max())]
        if finite.size
        else []
    )
    told = [" to ".join(dict.fromkeys(ends))] if ends else []
    told += [
        f"{count:,} {word}"
        for word, count in (("infinite", np.isinf(values).sum()), ("NaN", np.isnan(values).sum()))
        if count
    ]
    return ", ".join(told)
