"""How much is proved on hills other than the tent: random settings of every optimizer of ours, and how their walks end."""

from collections.abc import Callable
from typing import Any

import numpy as np

import hillopt as ho

Climbs = tuple[ho.AbstractClimb, ...]
SEED = 0
RATES = (0.01, 1.0)
MOMENTA, LONG = (0.0, 0.95), (0.9, 0.999)
RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "gradient_descent": {},
    "sign_descent": {},
    "heavy_ball": {"momentum": MOMENTA},
    "nesterov": {"momentum": MOMENTA},
    "rmsprop": {"decay": (0.5, 0.99)},
    "adagrad": {},
    "adam": {"b1": MOMENTA, "b2": LONG},
    "lion": {"b1": (0.5, 0.95), "b2": (0.9, 0.99)},
}
"""Beside learning rates, which are drawn evenly in their logarithms."""
HILLS: dict[str, tuple[Callable[..., ho.AbstractHill], float, float]] = {
    "double_well": (ho.DoubleWell, 0.0125, 0.25),
    "gaussian": (ho.GaussianHill, 0.4, 1.0),
    "wedge": (ho.WedgeHill, 0.05, 1.0),
}
"""With the ends of their heights."""
SHARES = ("escaped", "trapped", "open", "flagged")


def table_of(
    hills: tuple[str, ...], own: tuple[str, ...], num_settings: int, max_steps: int, climb: Climbs
) -> list[dict[str, str]]:
    """A row for every optimizer and hill: which shares of the settings have escaped, with proof; are trapped, with proof; are
    neither; or hang on rounding."""
    return [row_of(name, hill, num_settings, max_steps, climb) for hill in hills for name in own]


def row_of(name: str, hill: str, num_settings: int, max_steps: int, climb: Climbs) -> dict[str, str]:
    """Of one optimizer on one hill."""
    numbers, heights = settings_of(name, hill, num_settings)
    answer = ho.escape(HILLS[hill][0](heights), ho.OPTIMIZERS[name](**numbers), max_steps=max_steps, climb=climb)
    verdict, flagged = np.asarray(answer.verdict), np.asarray(answer.certainty) == ho.Certainty.FLAGGED
    ends = [(verdict == end) & ~flagged for end in (ho.Verdict.ESCAPED, ho.Verdict.TRAPPED)]
    found = [*ends, ~ends[0] & ~ends[1] & ~flagged, flagged]
    shares = {share: f"{each.mean():.3g}" for share, each in zip(SHARES, found, strict=True)}
    return {"hill": hill, "optimizer": name, **shares}


def settings_of(name: str, hill: str, num_settings: int) -> tuple[dict[str, Any], np.ndarray]:
    """The same random learning rates and heights for all optimizers."""
    rng = np.random.default_rng(SEED)
    low, high = np.log(RATES).tolist()
    rates = np.exp(rng.uniform(low, high, num_settings))
    heights = rng.uniform(*HILLS[hill][1:], num_settings)
    others = {number: rng.uniform(*ends, num_settings) for number, ends in RANGES[name].items()}
    return {"learning_rate": rates, **others}, heights


def lines_of(rows: list[dict[str, str]]) -> list[str]:
    """One line a row."""
    return [
        f"{'hill':<14}{'optimizer':<20}" + "".join(f"{share:>9}" for share in SHARES),
        *(f"{row['hill']:<14}{row['optimizer']:<20}" + "".join(f"{row[share]:>9}" for share in SHARES) for row in rows),
    ]
