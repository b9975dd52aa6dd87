"""Images that are in memory already: arrays, pairs of images and labels, and what xarray makes of them."""

import sys
from typing import Any

import numpy as np

from aecluster.arguments import is_array, short
from aecluster.data.formats.named_arrays import parts_of
from aecluster.data.formats.options import Options, Part, Parts
from aecluster.data.formats.roles import kind_of

CHANNELS = {"channel", "channels", "band", "rgb"}


def is_in_memory(value: Any) -> bool:
    """Whether a value is images, or a pair of images and labels, rather than a name or a path."""
    return (
        is_array(value) or _is_labelled(value) or (isinstance(value, (tuple, list)) and any(map(is_in_memory, value)))
    )


def read_memory(value: Any, options: Options) -> Parts:
    """Images; (images, labels); ((images, labels), (test images, test labels)); or an array or data set of xarray's.

    Raises ValueError for sequences of another length.
    """
    if _is_labelled(value):
        return _of_xarray(value, options)
    if is_array(value):
        return {"train": Part(np.asarray(value))}
    if isinstance(value, (tuple, list)) and len(value) == 2:
        if isinstance(value[0], tuple):
            return {part: _pair(each, part) for part, each in zip(("train", "test"), value, strict=True)}
        return {"train": _pair(value, "train")}
    raise ValueError(
        f"`name` must be images, (images, labels) or ((images, labels), (test images, test labels)), got {short(value)}; give "
        "such."
    )


def _pair(pair: Any, part: str) -> Part:
    if len(pair) != 2:
        raise ValueError(
            f"The {part} part must be (images, labels), got {len(pair)} things; without labels give (images, None)."
        )
    images, labels = (np.asarray(each) if _is_labelled(each) else each for each in pair)
    listed = [np.asarray(image) for image in images] if isinstance(images, list) else np.asarray(images)
    return Part(listed, labels, f"the {part} part")


def _is_labelled(value: Any) -> bool:
    """Whether a value is xarray's, which need not be imported to know that."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(value, (xarray.DataArray, xarray.Dataset))


def _of_xarray(value: Any, options: Options) -> Parts:
    import xarray as xr

    if isinstance(value, xr.Dataset):
        arrays = {str(name): _channels_last(each) for name, each in value.variables.items()}
        return parts_of(arrays, options, "the data set")
    axis = value.dims[0]
    labels = [name for name, each in value.coords.items() if each.dims == (axis,) and kind_of(str(name)) == "labels"]
    told = [options.labels_key] if options.labels_key is not None else labels
    if len(told) > 1:
        raise ValueError(
            f"The array has the coordinates {', '.join(map(str, told))}; pass `labels_key` to name the labels."
        )
    return {"train": Part(_channels_last(value.variable), value[told[0]].values if told else None, "the array")}


def _channels_last(variable: Any) -> np.ndarray:
    last = [name for name in variable.dims if str(name).lower() in CHANNELS]
    return np.asarray(variable.transpose(..., *last).values if len(variable.dims) > 1 else variable.values)
