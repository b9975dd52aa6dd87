"""What becomes of heavy ball at a setting, and how many settings are left open."""

import enum
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int8, Int16

from hillopt.axes import scale_of
from hillopt.pytrees import AbstractPytree

if TYPE_CHECKING:
    import xarray


class Fate(enum.IntEnum):
    """Proved, all but the first; stored as int8."""

    OPEN = 0
    """Nothing is proved."""
    CONVERGES = 1
    """Every walk that is asked about ends in the minimum."""
    CYCLES = 2
    """Some walk goes round for ever, on this function or on one of these."""
    UNSTABLE = 3
    """The minimum repels: on a quadratic walks diverge."""


class Atlas(AbstractPytree):
    """The fates of heavy ball over learning rate and momentum."""

    learning_rates: Float[np.ndarray, " rate"]
    momenta: Float[np.ndarray, " momentum"]
    fate: Int8[np.ndarray, "momentum rate"]
    """As `Fate`."""
    period: Int16[np.ndarray, "momentum rate"]
    """Of the cycle, the shortest that was found; 0 where there is none."""

    def share(self, fate: Fate) -> float:
        """Which share of the cells has this fate."""
        return float((self.fate == fate).mean())

    def to_dataset(self) -> "xarray.Dataset":
        """As a labelled data set over momentum and learning_rate."""
        import xarray

        dims = ("momentum", "learning_rate")
        flags = {
            "flag_values": np.array([int(fate) for fate in Fate], np.int8),
            "flag_meanings": " ".join(fate.name.lower() for fate in Fate),
        }
        fields = {
            "fate": (dims, self.fate, {"long_name": "what becomes of heavy ball", **flags}),
            "period": (dims, self.period, {"long_name": "steps of the cycle", "units": "steps"}),
        }
        axes = zip(dims, (self.momenta, self.learning_rates), strict=True)
        return xarray.Dataset(fields, {name: (name, values, {"scale": scale_of(values)}) for name, values in axes})
