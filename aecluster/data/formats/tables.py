"""Tables in text (CSV): one image a row, its pixels in columns, its label in one of them."""

import csv
import gzip
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.formats.options import Options, Part, Parts, Unfit
from aecluster.data.formats.roles import kind_of

LONGEST_LINE = 2**24  # letters
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def is_table(path: Path, start: bytes) -> bool:
    """Whether a file is called a table."""
    del start
    return path.name.lower().endswith(SUFFIXES)


def read_table(path: Path, options: Options) -> Parts:
    """The images of a table, with a line of names above or without.

    Cells are parted by commas, semicolons or tabs. The labels are the column named label, class, target, digit or the like, or
    the one that `labels_key` names (by its place, 0 or -1, where columns have no names). All others are pixels, row by row.
    Raises ValueError for what is no such table.
    """
    delimiter, cells = _first_line(path)
    has_names = not all(_is_number(cell) for cell in cells[1:-1] or cells)
    names = [cell.strip() for cell in cells] if has_names else [str(place) for place in range(len(cells))]
    label = _label_column(names, has_names, options, path)
    pixels = [place for place in range(len(names)) if place != label]
    images = _columns(path, delimiter, has_names, pixels, np.float32)
    if images.size and (images == np.round(images)).all():
        images = images.astype(np.int32)
    labels = None if label is None else _columns(path, delimiter, has_names, [label], np.str_)
    return {"train": Part(images, labels, f"'{path}'")}


def _first_line(path: Path) -> tuple[str, list[str]]:
    """The delimiter, and the cells of the first line."""
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = file.readline(LONGEST_LINE)
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise Unfit(f"'{path}' must be a table in text, it is none or damaged ({error}); write it again.") from error
    delimiter = max(",;\t", key=line.count)
    if line.count(delimiter) == 0 or len(line) == LONGEST_LINE:
        raise Unfit(f"'{path}' must be a table of pixels with commas, semicolons or tabs between them; write it so.")
    return delimiter, next(csv.reader([line], delimiter=delimiter))


def _label_column(names: list[str], has_names: bool, options: Options, path: Path) -> int | None:
    count, told = len(names), options.labels_key
    if told is not None:
        if told in names:
            return names.index(told)
        if told.lstrip("-").isdecimal() and -count <= int(told) < count:
            return int(told) % count
        shown = ", ".join([*names[:3], "...", names[-1]])
        raise ValueError(f"`labels_key` must be one of the columns {shown} of '{path}', got {told!r}; correct it.")
    labels = [place for place, name in enumerate(names) if has_names and kind_of(name) == "labels"]
    if len(labels) == 1:
        return labels[0]
    if not labels and (has_names or _fits(count, options)):
        return None
    which = ", ".join(repr(names[place]) for place in labels) or f"0 or {count - 1}"
    raise ValueError(f"'{path}' has {count} columns, and which are labels is open; pass `labels_key`, such as {which}.")


def _fits(count: int, options: Options) -> bool:
    """Whether so many columns are the pixels of an image."""
    if options.image_shape is not None:
        return math.prod(options.image_shape) == count
    return math.isqrt(count) ** 2 == count


def _columns(path: Path, delimiter: str, has_names: bool, columns: list[int], dtype: type) -> np.ndarray:
    settings: dict[str, Any] = {
        "delimiter": delimiter,
        "skiprows": int(has_names),
        "usecols": columns,
        "ndmin": 2,
        "quotechar": '"',
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty table is refused below
        try:
            with open(path, "rb") as file:
                packed = file.read(2) == b"\x1f\x8b"
            with (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig") as text:
                table = np.loadtxt(text, dtype=dtype, comments=None, **settings)
        except (ValueError, EOFError, gzip.BadGzipFile) as error:
            raise Unfit(
                f"'{path}' must be a table of one image a row ({' '.join(str(error).split()).rstrip('.')}); mend that row, or "
                "remove columns that are neither pixels nor labels."
            ) from error
    if not len(table):
        raise Unfit(f"'{path}' must hold at least one image, it has no row; write it again.")
    return table


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
