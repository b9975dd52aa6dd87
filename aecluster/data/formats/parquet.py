"""Parquet files with encoded pictures, as the data sets of Hugging Face are stored: struct image {bytes, path} and label."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from aecluster.data.formats.named_arrays import known
from aecluster.data.formats.options import Options, Part, Parts, Unfit
from aecluster.data.formats.pictures import all_decoded
from aecluster.data.formats.roles import kind_of

MAGIC = b"PAR1"


def is_parquet(path: Path, start: bytes) -> bool:
    """Whether a file begins as parquet does."""
    del path
    return start.startswith(MAGIC)


def read_parquet(path: Path, options: Options) -> Parts:
    """The images in a parquet file: a column of encoded pictures, or of rows of pixels, and a column of labels.

    The column of images is the one of structs with bytes, of bytes or of lists, or what `images_key` names; that of labels the
    one named label or the like, or what `labels_key` names. Raises ValueError for what is damaged or ambiguous.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        images, labels = _columns(schema, options, path)
        table = pq.read_table(path, columns=[images, *([labels] if labels else [])], memory_map=True)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unfit(
            f"'{path}' must be a whole parquet file, it is damaged ({_first(error)}); fetch it again."
        ) from error
    found, broken = _images(table.column(images), path, options)
    kept = np.delete(np.asarray(table.column(labels).to_pylist()), broken) if labels else None
    return {"train": Part(found, kept, f"'{path}', {images}", _classes(schema, labels), skipped=len(broken))}


def _columns(schema: Any, options: Options, path: Path) -> tuple[str, str | None]:
    source, names = f"'{path}'", list(schema.names)
    if options.images_key is not None:
        images = known("images_key", options.images_key, names, source)
    else:
        images = (
            _lone([name for name in names if _holds_images(schema.field(name).type)], "images_key", source, names) or ""
        )
    if options.labels_key is not None:
        return images, known("labels_key", options.labels_key, names, source)
    labels = [name for name in names if name != images and kind_of(name) == "labels"]
    return images, _lone(labels, "labels_key", source, names) if labels else None


def _lone(found: list[str], option: str, source: str, names: list[str]) -> str:
    if len(found) == 1:
        return found[0]
    what = (
        f"holds {', '.join(found)}, of which one is meant"
        if found
        else f"has no column of pictures among {', '.join(names)}"
    )
    raise ValueError(f"{source} {what}; pass `{option}`.")


def _holds_images(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        return any(kind.field(index).name == "bytes" for index in range(kind.num_fields))
    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_list(kind) or types.is_fixed_size_list(kind)


def _images(column: Any, path: Path, options: Options) -> tuple[Any, list[int]]:
    cells = column.to_pylist()
    if cells and isinstance(cells[0], list):
        return np.asarray(cells), []
    encoded = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
    return all_decoded(((f"row {index} of '{path}'", each or b"") for index, each in enumerate(encoded)), options)


def _classes(schema: Any, labels: str | None) -> tuple[str, ...] | None:
    """The names of classes that Hugging Face's library leaves in the file."""
    told = (schema.metadata or {}).get(b"huggingface")
    if told is None or labels is None:
        return None
    names = json.loads(told).get("info", {}).get("features", {}).get(labels, {}).get("names")
    return tuple(map(str, names)) if names else None


def _first(error: BaseException) -> str:
    return " ".join(str(error).split())[:80]
