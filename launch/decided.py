"""How much is proved: random settings of every optimizer of ours, on the tent and on other hills, and how their walks end."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool

import hillopt as ho

Climbs = tuple[ho.AbstractClimb, ...]
SEED = 0
RATES = (0.01, 1.0)
MOMENTA, LONG, DECAYS = (0.0, 0.95), (0.9, 0.999), (1e-4, 0.1)
RANGES: dict[str, tuple[type[ho.AbstractOptimizer], dict[str, tuple[float, float]]]] = {
    "gradient_descent": (ho.GradientDescent, {}),
    "sign_descent": (ho.SignDescent, {}),
    "heavy_ball": (ho.HeavyBall, {"momentum": MOMENTA}),
    "nesterov": (ho.Nesterov, {"momentum": MOMENTA}),
    "rmsprop": (ho.RMSprop, {"decay": (0.5, 0.99)}),
    "adagrad": (ho.Adagrad, {}),
    "adam": (ho.Adam, {"b1": MOMENTA, "b2": LONG}),
    "adamw": (ho.AdamW, {"b1": MOMENTA, "b2": LONG, "weight_decay": DECAYS}),
    "lion": (ho.Lion, {"b1": (0.5, 0.95), "b2": (0.9, 0.99)}),
    "lion_decaying": (ho.Lion, {"b1": (0.5, 0.95), "b2": (0.9, 0.99), "weight_decay": DECAYS}),
}
"""Beside learning rates, which are drawn evenly in their logarithms, as weight decays are."""
LOGARITHMIC = ("learning_rate", "weight_decay")
TENT = "tent"
HILLS: dict[str, tuple[Callable[..., ho.AbstractHill], float, float]] = {
    "double_well": (ho.DoubleWell, 0.0125, 0.25),
    "gaussian": (ho.GaussianHill, 0.4, 1.0),
    TENT: (ho.TentHill, 0.05, 1.0),
    "wedge": (ho.WedgeHill, 0.05, 1.0),
}
"""With the ends of their heights. On the tent one walk answers for all of them, and is asked how high it climbs."""
SHARES = ("escaped", "trapped", "bounded", "open", "flagged")
WITHIN = 0.01


def table_of(
    hills: tuple[str, ...], own: tuple[str, ...], num_settings: int, max_steps: int, climb: Climbs
) -> list[dict[str, str]]:
    """A row for every optimizer and hill: which shares of the settings have escaped, with proof; are trapped, with proof; are
    neither; or hang on rounding."""
    return [row_of(name, hill, num_settings, max_steps, climb) for hill in hills for name in own]


def row_of(name: str, hill: str, num_settings: int, max_steps: int, climb: Climbs) -> dict[str, str]:
    """Of one optimizer on one hill."""
    numbers, heights = settings_of(name, hill, num_settings)
    optimizer = RANGES[name][0](**numbers)
    if hill == TENT:
        shares = shares_of(ho.critical_height(ho.TentHill(), optimizer, max_steps=max_steps, climb=climb))
    else:
        shares = shares_of(ho.escape(HILLS[hill][0](heights), optimizer, max_steps=max_steps, climb=climb))
    return {"hill": hill, "optimizer": name, **{share: f"{each.mean():.3g}" for share, each in shares.items()}}


def shares_of(answer: Any) -> dict[str, Bool[np.ndarray, " setting"]]:
    """Which settings have escaped, with proof; are trapped, with proof; never climb higher than they did by more than 1 %; are
    none of that; or hang on rounding."""
    verdict, flagged = np.asarray(answer.verdict), np.asarray(answer.certainty) == ho.Certainty.FLAGGED
    escaped, trapped = ((verdict == end) & ~flagged for end in (ho.Verdict.ESCAPED, ho.Verdict.TRAPPED))
    bounded = np.zeros_like(flagged)
    if hasattr(answer, "critical_height"):
        height, upper = np.asarray(answer.critical_height), np.asarray(answer.upper)
        bounded = (upper - height <= WITHIN * np.abs(height)) & ~flagged & ~trapped
    left = ~(escaped | trapped | bounded | flagged)
    return dict(zip(SHARES, (escaped, trapped, bounded, left, flagged), strict=True))


def settings_of(name: str, hill: str, num_settings: int) -> tuple[dict[str, Any], np.ndarray]:
    """The same random learning rates and heights for all optimizers."""
    rng = np.random.default_rng(SEED)
    numbers = {"learning_rate": _drawn(rng, "learning_rate", RATES, num_settings)}
    heights = rng.uniform(*HILLS[hill][1:], num_settings)
    others = {number: _drawn(rng, number, ends, num_settings) for number, ends in RANGES[name][1].items()}
    return numbers | others, heights


def _drawn(rng: np.random.Generator, number: str, ends: tuple[float, float], num_settings: int) -> np.ndarray:
    if number not in LOGARITHMIC:
        return rng.uniform(*ends, num_settings)
    low, high = np.log(ends).tolist()
    return np.exp(rng.uniform(low, high, num_settings))


def lines_of(rows: list[dict[str, str]]) -> list[str]:
    """One line a row."""
    return [
        f"{'hill':<14}{'optimizer':<20}" + "".join(f"{share:>9}" for share in SHARES),
        *(f"{row['hill']:<14}{row['optimizer']:<20}" + "".join(f"{row[share]:>9}" for share in SHARES) for row in rows),
    ]
