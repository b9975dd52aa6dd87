"""A hill with another start."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import FINITE, Number


class StartingAt(AbstractHill):
    """Another hill whose walks begin elsewhere: at a number (or an array of them), or at a tuple of them for vectors.

    The start may be swept, as the height and hyperparameters may. Every hill counts as one with a flank of its own then.
    """

    hill: AbstractHill
    place: Number

    def label(self) -> str:
        """The hill's."""
        return f"{self.hill.label()} from elsewhere"

    def check(self) -> None:
        """As every hill; the place has as many numbers as the hill's start."""
        if not isinstance(self.hill, AbstractHill):
            raise ValueError(
                f"`hill` must be a hill of hillopt, got {self.hill!r}; write for example ho.TentHill(0.5)."
            )
        self.hill.check()
        FINITE.check("StartingAt(place=...)", self.place)
        length = len(self.place) if isinstance(self.place, tuple) else None
        wanted = np.shape(self.hill.start)[0] if np.ndim(self.hill.start) else None
        if length != wanted:
            kind = "a number" if wanted is None else f"a tuple of {wanted} numbers"
            raise ValueError(f"`place` must be {kind}, as the start of {self.hill.label()} is, got {self.place!r}.")

    def hyperparameters(self) -> dict[str, Number]:
        """The hill's, and the place."""
        return {**self.hill.hyperparameters(), "place": self.place}

    def replace(self, **hyperparameters: Number) -> "StartingAt":
        place = hyperparameters.pop("place", self.place)
        return StartingAt(self.hill.replace(**hyperparameters), place)

    @property
    def start(self) -> Number:
        """Where walks begin."""
        return jnp.stack([jnp.asarray(part) for part in self.place]) if isinstance(self.place, tuple) else self.place

    @property
    def height(self) -> Number:
        """That of the hill."""
        return self.hill.height

    def value(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        return self.hill.value(position)

    def slope(self, position: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.hill.slope(position)

    def rise(self, position: Float[Array, "..."]) -> Float[Array, ""]:
        return self.hill.rise(position)

    def goal(self) -> Float[Array, ""]:
        return self.hill.goal()

    def landmarks(self) -> dict[str, Number]:
        return self.hill.landmarks()
