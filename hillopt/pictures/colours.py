"""What colours mean: limits that a few extreme cells do not spoil, and an arrow where cells lie beyond them."""

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import Normalize

TAILS = (0.01, 0.99)  # next to a jump h* is almost 0, next to divergence anything
LEGIBLE = 1e4  # times the median, and as far below it, is what a logarithmic scale shows at most
FINE = 1e3  # of a scale with both signs: what is so many times smaller than its end is drawn as next to nothing

POWERS = 3  # of ten with a tick on such a scale, on either side of zero
MOST = 1e150  # beyond it a picture's margins and ticks overflow; and least, on a logarithmic scale, is its inverse


def drawable(values: np.ndarray) -> np.ndarray:
    """The values in float64, those near the end of its range well before it."""
    values = np.asarray(values, np.float64)
    return np.where(np.isfinite(values), np.clip(values, -MOST, MOST), values)


def norm_for(values: np.ndarray, scale: str) -> "Normalize":
    """The colours' limits for these values on a look's scale, whatever of them is finite, positive, or there at all."""
    from matplotlib.colors import LogNorm, Normalize, SymLogNorm

    known = drawable(values[np.isfinite(values)])
    if scale == "share":
        return Normalize(0, 1)
    if scale in ("log", "heights"):
        return LogNorm(*_log_limits(known[known > 0]))
    low, high = _apart(*np.quantile(known, TAILS).tolist()) if known.size else (0.0, 1.0)
    if scale == "signed_log":
        most = FINE * max(1.0, float(np.quantile(np.abs(known), 0.25))) if known.size else 1.0
        low, high = _apart(max(low, -most), min(high, most))
        return SymLogNorm(almost_zero(np.array([low, high])), vmin=low, vmax=high)
    return Normalize(low, high)


def almost_zero(values: np.ndarray) -> float:
    """What a logarithmic scale with both signs does not resolve, of these values or ends of them."""
    return float(np.abs(values).max()) / FINE or 1.0


def _log_limits(positive: np.ndarray) -> tuple[float, float]:
    if positive.size == 0:
        return 0.1, 1.0
    low, middle, high = np.quantile(np.maximum(positive, 1 / MOST), [TAILS[0], 0.5, TAILS[1]]).tolist()
    low, high = max(low, middle / LEGIBLE), min(high, middle * LEGIBLE)
    return (low, high) if high > low * (1 + 1e-6) else (low / 2, high * 2)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Two ends that differ, also where all values are the same."""
    room = abs(high) / 2 or 1.0
    return (low, high) if high - low > 1e-6 * room else (low - room, high + room)


def within(values: np.ndarray, norm: "Normalize") -> np.ma.MaskedArray:
    """The values as they are drawn: what is not finite is left out, zero and less are least on a logarithmic scale."""
    from matplotlib.colors import LogNorm

    shown = np.ma.masked_invalid(drawable(values))
    return np.ma.maximum(shown, 1 / MOST) if isinstance(norm, LogNorm) else shown


def extend_for(norm: "Normalize", values: np.ndarray) -> Literal["neither", "min", "max", "both"]:
    """At which ends of the colour bar cells lie beyond it."""
    known = values[np.isfinite(values)]
    below, above = bool(np.any(known < norm.vmin)), bool(np.any(known > norm.vmax))
    ends: Any = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return ends[below, above]


def ticks_for(norm: "Normalize") -> list[float] | None:
    """Of a scale with both signs zero, and powers of ten that stand apart from it; None for Matplotlib's own."""
    from matplotlib.colors import SymLogNorm

    if not isinstance(norm, SymLogNorm):
        return None
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    top = math.floor(math.log10(max(abs(low), abs(high))))
    powers = [10.0**power for power in range(top - POWERS + 1, top + 1)]
    return [tick for tick in (*(-power for power in powers[::-1]), 0.0, *powers) if low <= tick <= high]
