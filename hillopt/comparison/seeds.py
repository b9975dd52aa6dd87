"""What seeds agree on: mean, spread, and the share of the commonest label."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

SEED = "seed"


def over_seeds(dataset: "xarray.Dataset") -> "xarray.Dataset":
    """A data set with a dimension "seed" as one without: of every field what is typical of it, and how far seeds differ.

    Of numbers the mean over the seeds with a finite one, as `<field>_spread` their standard deviation (n - 1 in the denominator, 0
    of a single seed), and as `<field>_finite` the share of such seeds. Of labels, which are integers with names and switches, the
    commonest one, the smaller of two that are equally common, and as `<field>_agreement` its share of the seeds. What is drawn of
    the result is what is drawn of one seed. Raises ValueError for a data set without seeds.
    """
    if SEED not in dataset.dims:
        raise ValueError(f"`dataset` must have the dimension {SEED!r}; call ho.compare with `seeds`, or sweep a seed.")
    found: dict[str, Any] = {}
    for name, values in dataset.data_vars.items():
        if SEED not in values.dims:
            found[str(name)] = values
            continue
        axis = values.dims.index(SEED)
        dims, about = [each for each in values.dims if each != SEED], dict(values.attrs)
        parts = _labels(values.values, axis) if _is_label(values) else _numbers(values.values, axis)
        for ending, part in parts.items():
            told = {"long_name": f"{about.get('long_name', name)}: {ending.replace('_', ' ')}"} if ending else about
            found[f"{name}_{ending}" if ending else str(name)] = (dims, part, told)
    coords = {name: values for name, values in dataset.coords.items() if SEED not in values.dims}
    title = f"{dataset.attrs.get('title', '')}, {dataset.sizes[SEED]} seeds"
    return dataset.__class__(found, coords, {**dataset.attrs, "title": title})


def _is_label(values: "xarray.DataArray") -> bool:
    return "flag_values" in values.attrs or values.dtype.kind == "b"


def _numbers(values: np.ndarray, axis: int) -> dict[str, np.ndarray]:
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    count = known.sum(axis)
    total = np.where(known, values, 0).sum(axis)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    away = np.where(known, values - np.expand_dims(mean, axis), 0)
    spread = np.sqrt(np.square(away).sum(axis) / np.maximum(count - 1, 1))
    return {"": mean, "spread": np.where(count > 0, spread, np.nan), "finite": count / values.shape[axis]}


def _labels(values: np.ndarray, axis: int) -> dict[str, np.ndarray]:
    kinds = np.unique(values)
    shares = np.stack([(values == kind).mean(axis) for kind in kinds])
    return {"": kinds[shares.argmax(0)].astype(values.dtype), "agreement": shares.max(0)}
