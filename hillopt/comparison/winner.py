"""Who is best in every setting."""

import json
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool, Float

from hillopt.walk import Verdict

if TYPE_CHECKING:
    import xarray

ENTRIES = ("optimizer", "hill")
"""Dimensions of what is compared."""
LOWEST = ("Loss", "PassageTime", "Trainability")
"""Questions of which the lowest answer is best."""
TIE = 1e-9  # of the best, below which a difference is none


def entries_of(dataset: "xarray.Dataset") -> str:
    """The dimension of those that are compared; ValueError where there is not exactly one."""
    found = [name for name in ENTRIES if name in dataset.dims]
    if len(found) != 1:
        raise ValueError(
            f"`dataset` must compare optimizers or hills, got the dimensions {', '.join(map(str, dataset.dims))}; select one of "
            "the others, by ho.on_each_hill too, or call ho.compare with several."
        )
    return found[0]


def on_each_hill(dataset: "xarray.Dataset") -> dict[str, "xarray.Dataset"]:
    """Of several optimizers on several hills the comparison on each hill, by its name; another one as it is, without a name."""
    if not set(ENTRIES) <= set(dataset.dims):
        return {"": dataset}
    asked = str(dataset.attrs.get("title", "")).rpartition(" on ")[0]
    return {
        str(name): dataset.sel(hill=name, drop=True).assign_attrs(title=f"{asked} on {name}")
        for name in dataset["hill"].values
    }


def winner(
    dataset: "xarray.Dataset", *, best: Literal["highest", "lowest"] | None = None, tie: float = TIE
) -> "xarray.Dataset":
    """Who has the best answer in every setting of a comparison.

    **Arguments**

    - `dataset`: of `compare`, with several optimizers or several hills.
    - `best`: which answer is; the lowest of losses and passage times, else the highest. An escape counts as 1, all else as 0.
    - `tie`: two answers whose difference is at most this share of the better one are as good as each other.

    Returns a data set of the small integers `winner`, which number the entries in their order, then "tie" and then "undecided",
    as its attributes say, and `margin`, by how much the best answer is better than the second best. Of critical heights the winner
    is decided where its height is above what the others can ever reach, by their `upper`; a setting in which nobody has a finite
    answer is undecided too. Raises ValueError for another `best`, and for what is no comparison.

    Examples:
        >>> two = {"adam": ho.Adam(0.1), "heavy ball": ho.HeavyBall(0.1)}
        >>> data = ho.compare(ho.CriticalHeight(), ho.TentHill(), two, {"learning_rate": [0.05, 0.5]})
        >>> ho.winner(data).winner.values.tolist()  # the second
        [1, 1]
    """
    import xarray

    dimension = entries_of(dataset)
    if best not in (None, "highest", "lowest"):
        raise ValueError(f"`best` must be 'highest' or 'lowest', got {best!r}; leave it out for the question's own.")
    if dataset.sizes[dimension] < 2:
        raise ValueError(f"`dataset` must compare two or more, got one {dimension}; compare it with another.")
    names = [str(name) for name in dataset[dimension].values]
    best = best or ("lowest" if dataset.attrs.get("question") in LOWEST else "highest")
    values, upper = _answers(dataset, dimension, 1.0 if best == "highest" else -1.0)
    index, margin = _decided(values, upper, tie)
    dims = [str(name) for name in dataset[_field(dataset)].dims if name != dimension]
    about = {
        "long_name": f"who has the {best} answer",
        "flag_values": np.arange(len(names) + 2, dtype=np.int8),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in [*names, "tie", "undecided"]),
        "names": json.dumps([*names, "tie", "undecided"]),
    }
    title = f"{dataset.attrs.get('title', '')}: the {best}"
    return xarray.Dataset(
        {"winner": (dims, index, about), "margin": (dims, margin, {"long_name": "lead over the second best"})},
        {name: dataset.coords[name] for name in dims if name in dataset.coords},
        {**dataset.attrs, "title": title},
    )


def _field(dataset: "xarray.Dataset") -> str:
    return str(json.loads(dataset.attrs["look"])["field"])


def _answers(
    dataset: "xarray.Dataset", dimension: str, sign: float
) -> tuple[Float[np.ndarray, "entry ..."], Float[np.ndarray, "entry ..."]]:
    """What is to be high, and what it can be at most; -inf where there is no answer."""
    look = json.loads(dataset.attrs["look"])
    field = dataset[look["field"]].transpose(dimension, ...)
    if look["scale"] == "verdicts":
        escaped = (field.values == Verdict.ESCAPED).astype(float)
        return escaped, escaped
    if look["scale"] == "training":
        field = dataset["loss"].transpose(dimension, ...)
    values = np.where(np.isfinite(field.values), sign * field.values.astype(float), -np.inf)
    if look["scale"] != "heights" or "upper" not in dataset:
        return values, values
    return values, np.maximum(values, np.nan_to_num(dataset["upper"].transpose(dimension, ...).values, nan=np.inf))


def _decided(
    values: Float[np.ndarray, "entry ..."], upper: Float[np.ndarray, "entry ..."], tie: float
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of winners, and by how much they lead."""
    order = np.sort(values, axis=0)
    first, second = order[-1], order[-2]
    index = np.argmax(values, axis=0)
    with np.errstate(invalid="ignore"):
        margin = first - second
        close = _is_close(first, second, tie)
    others = np.where(np.arange(len(values)).reshape(-1, *[1] * index.ndim) == index, -np.inf, upper).max(axis=0)
    can_be_passed = (others > first) & ~_is_close(others, first, tie)
    found = np.where(close, len(values), np.where(can_be_passed, len(values) + 1, index))
    nobody = ~np.isfinite(first)
    return np.where(nobody, len(values) + 1, found).astype(np.int8), np.where(nobody, np.nan, margin)


def _is_close(one: np.ndarray, other: np.ndarray, tie: float) -> Bool[np.ndarray, "..."]:
    with np.errstate(invalid="ignore"):
        return np.abs(one - other) <= tie * np.abs(one)
