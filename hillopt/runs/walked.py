"""The run of an optimizer on a landscape: its losses are elevations."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from hillopt.landscapes import AbstractLandscape
from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import Number
from hillopt.runs.contract import AbstractRun, repeats
from hillopt.walk import Place, move, set_out


class WalkRun(AbstractRun):
    """A walk on a landscape as a training run; its numbers are those of both, by their own names."""

    landscape: AbstractLandscape
    optimizer: AbstractOptimizer

    def label(self) -> str:
        """Who walks where."""
        return f"{self.optimizer.label()} on {self.landscape.label()}"

    def hyperparameters(self) -> dict[str, Number]:
        """The optimizer's, then the landscape's."""
        return {**self.landscape.hyperparameters(), **self.optimizer.hyperparameters()}

    def fixed(self) -> dict[str, Number]:
        """What of both is not swept."""
        return {**self.landscape.fixed(), **self.optimizer.fixed()}

    def replace(self, **hyperparameters: Number) -> "WalkRun":
        own = self.optimizer.hyperparameters()
        optimizer = {name: number for name, number in hyperparameters.items() if name in own}
        landscape = {name: number for name, number in hyperparameters.items() if name not in own}
        return WalkRun(self.landscape.replace(**landscape), self.optimizer.replace(**optimizer))

    def check(self) -> None:
        """As both; ValueError for a name that both have."""
        self.landscape.check()
        self.optimizer.check()
        both = set(self.landscape.hyperparameters()) & set(self.optimizer.hyperparameters())
        if both:
            raise ValueError(
                f"`{min(both)}` is a number of {self.landscape.label()} and of {self.optimizer.label()}; name one of them "
                "otherwise in a class of yours."
            )

    def begin(self) -> Place:
        return set_out(self.landscape, self.optimizer)

    def step(self, carry: Place, index: Int[Array, ""]) -> tuple[Place, Float[Array, ""]]:
        del index
        loss = jnp.asarray(self.landscape.value(carry[0]))
        return move(self.landscape, self.optimizer, *carry), loss

    def is_over(self, before: PyTree, after: PyTree, loss: Float[Array, ""]) -> Bool[Array, ""]:
        """Where a walk comes back to the very place that it left, with the same state, it stays."""
        del loss
        return repeats(before, after)
