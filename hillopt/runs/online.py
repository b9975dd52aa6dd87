"""A problem whose loss changes from step to step: the counterexample to Adam's convergence."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import FINITE, Domain, Number, hyperparameter
from hillopt.runs.contract import AbstractRun

ROUND = 3  # steps, of which the first one costs
ABOVE_TWO = Domain(2.0, float("inf"), low_included=False)

OnlineCarry = tuple[Float[Array, ""], PyTree]


class OnlineRun(AbstractRun):
    """An optimizer on f_t(x) = cost x at every third step and -x at the others, from the first one on, held inside [-1, 1].

    The best point is -1, since a round of three steps costs (cost - 2) x; the loss is that cost's mean over its steps, beyond that
    of the best point: (cost - 2) (x + 1) / 3. With b1 = 0 and b2 = 1 / (1 + cost²) Adam forgets the dear step before the cheap
    ones are over, and goes to +1; AMSGrad does not (Reddi, Kale, Kumar 2018, arXiv:1904.09237, section 3).

    Attributes:
        optimizer: which walks; its numbers are swept by their own names.
        cost: of a position, at every third step; above 2.
        x: where walks begin.
    """

    optimizer: AbstractOptimizer
    cost: Number = hyperparameter(ABOVE_TWO, default=15.0)
    x: Number = hyperparameter(FINITE, default=0.0)

    def label(self) -> str:
        """Who walks where."""
        return f"{self.optimizer.label()} on losses that alternate"

    def hyperparameters(self) -> dict[str, Number]:
        """The optimizer's, the cost and the start."""
        return {**self.optimizer.hyperparameters(), "cost": self.cost, "x": self.x}

    def fixed(self) -> dict[str, Number]:
        """Those of the optimizer."""
        return self.optimizer.fixed()

    def replace(self, **hyperparameters: Number) -> "OnlineRun":
        cost, x = hyperparameters.pop("cost", self.cost), hyperparameters.pop("x", self.x)
        return OnlineRun(self.optimizer.replace(**hyperparameters), cost, x)

    def begin(self) -> OnlineCarry:
        position = jnp.asarray(self.x, jnp.result_type(float))
        return position, self.optimizer.init(position)

    def step(self, carry: OnlineCarry, index: Int[Array, ""]) -> tuple[OnlineCarry, Float[Array, ""]]:
        position, state = carry
        slope = jnp.where(index % ROUND == 0, self.cost, -1.0).astype(position.dtype)
        loss = jnp.asarray((self.cost - 2) * (position + 1) / ROUND)
        position, state = self.optimizer.facing(lambda place: slope * place).step(slope, state, position)
        return (jnp.clip(position, -1, 1), state), loss
