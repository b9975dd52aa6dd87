"""Arrays with names, as .npz and .mat files and xarray's data sets have them: which are images, labels, train and test."""

from collections.abc import Mapping

import numpy as np

from aecluster.data.formats.options import Options, Part, Parts, Unfit
from aecluster.data.formats.roles import kind_of, part_of

_LONE = {"arr_0": "arr_1"}  # what `numpy.savez(path, images, labels)` calls them


def parts_of(arrays: Mapping[str, np.ndarray], options: Options, source: str, images_last: bool = False) -> Parts:
    """The parts that the arrays' names tell, or that `images_key` and `labels_key` say.

    Names are words joined in any way (x_train, trainImages, test_labels); an array alone needs no name. Raises ValueError where
    the names leave it open.
    """
    images = _images(arrays, options, source)
    labels = _labels(arrays, options, source, images)
    return {
        part: Part(
            arrays[name],
            arrays[labels[part]] if part in labels else None,
            f"{source}, {' and '.join(filter(None, [name, labels.get(part)]))}",
            images_last=images_last,
        )
        for part, name in images.items()
    }


def _images(arrays: Mapping[str, np.ndarray], options: Options, source: str) -> dict[str, str]:
    if options.images_key is not None:
        return {"train": known("images_key", options.images_key, arrays, source)}
    able = [name for name, array in arrays.items() if array.ndim > 1 and array.dtype.kind in "buif"]
    named = [name for name in able if kind_of(name) == "images"]
    others = [name for name in able if kind_of(name) is None and name not in _LONE.values()]
    if not named and len(others) != 1:
        held = ", ".join(arrays) or "none"
        raise Unfit(
            f"{source} must hold arrays of images, such as x_train and x_test (labels: y_train, y_test) or images (labels), got "
            f"{held}; pass `images_key`, or write them by `numpy.savez(path, x=images, y=labels)`."
        )
    return _one_a_part(named or others, "images_key", source)


def _labels(
    arrays: Mapping[str, np.ndarray], options: Options, source: str, images: Mapping[str, str]
) -> dict[str, str]:
    if options.labels_key is not None:
        name = known("labels_key", options.labels_key, arrays, source)
        if len(images) > 1:
            raise ValueError(f"`labels_key` names one array, but {source} has {len(images)} parts; leave it out.")
        return {next(iter(images)): name}
    (lone,) = images.values() if len(images) == 1 else (None,)
    if lone in _LONE and _LONE[lone] in arrays:
        return {next(iter(images)): _LONE[lone]}
    names = [name for name in arrays if kind_of(name) == "labels" and name not in images.values()]
    if options.images_key is not None:  # the part that its name says is all there is
        names = [name for name in names if part_of(name) == part_of(options.images_key)]
        return {"train": _one_a_part(names, "labels_key", source)[_part(names[0])]} if names else {}
    return _one_a_part(names, "labels_key", source)


def known(option: str, name: str, names: Mapping[str, object] | list[str], source: str) -> str:
    """The name, if there is such a one; ValueError where there is none."""
    if name not in names:
        raise ValueError(f"`{option}` must be one of {', '.join(names)} of {source}, got {name!r}; correct it.")
    return name


def _one_a_part(names: list[str], option: str, source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        if found.setdefault(_part(name), name) != name:
            raise ValueError(
                f"{source} holds both {found[_part(name)]} and {name}; pass `{option}`, such as {option}={name!r}."
            )
    return found


def _part(name: str) -> str:
    return part_of(name) or "train"
