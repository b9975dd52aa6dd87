"""A hill with another start."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from hillopt.landscapes.contract import AbstractHill
from hillopt.pytrees import Number


class StartingAt(AbstractHill):
    """Another hill whose walks begin elsewhere: at a number (or an array of them), or at a tuple of them for vectors.

    The start may be swept, as the height and hyperparameters may. Every hill counts as one with a flank of its own then.
    """

    hill: AbstractHill
    place: Number

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
