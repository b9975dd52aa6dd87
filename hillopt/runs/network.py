"""The run of an optimizer on a learning problem: parameters, data, and the loss that they have together."""

import abc
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from hillopt.optimizers import AbstractOptimizer
from hillopt.pytrees import NONNEGATIVE, AbstractPytree, Number, hyperparameter, static
from hillopt.runs.contract import AbstractRun, repeats

BATCHES = 42  # added to the seed for the batches: those of the published notebook at seed 0
# Whose activations a core's second cache holds: a step of 16 x 16 weights on 272 examples takes 12.4 us a run in float64 in
# blocks of 8 on an AMD EPYC (Zen 4).
LANES = 8


class AbstractProblem(AbstractPytree):
    """What is learned, by what: a frozen pytree, whose numbers may be swept."""

    @abc.abstractmethod
    def draw(self, key: Key[Array, ""]) -> tuple[PyTree, PyTree]:
        """Parameters to begin with and the data, whose arrays have the examples first; in JAX's default dtype."""

    @abc.abstractmethod
    def loss(self, parameters: PyTree, data: PyTree) -> Float[Array, ""]:
        """The mean loss of some examples."""

    def entering(self, parameters: PyTree) -> PyTree:
        """The parameters that a step begins with; most are those that the last one ended with."""
        return parameters


class Learning(NamedTuple):
    """What a network's run carries."""

    parameters: PyTree
    state: PyTree
    """The optimizer's."""
    data: PyTree
    key: Key[Array, ""]
    """Of the batches."""


class NetworkRun(AbstractRun):
    """A network in training, by full batches or by small ones; make one of your own with `network_run`.

    Every loss is that of all examples. Of a run in small batches, those of step t are drawn with replacement by the key of the
    seed and t: `randint(fold_in(key(seed + 42), t), (batch,), 0, num_examples)`.
    """

    problem: AbstractProblem
    optimizer: AbstractOptimizer
    seed: Number = hyperparameter(NONNEGATIVE, default=0.0)
    """Of what is drawn: a whole number below 2^24."""
    batch: int | None = static(default=None)
    """Examples of a step; None for all."""
    lanes: int = static(default=LANES)

    def label(self) -> str:
        """Who trains what."""
        return f"{self.optimizer.label()} on {self.problem.label()}"

    def hyperparameters(self) -> dict[str, Number]:
        """The problem's, the optimizer's and the seed."""
        return {**self.problem.hyperparameters(), **self.optimizer.hyperparameters(), "seed": self.seed}

    def fixed(self) -> dict[str, Number]:
        """What is not swept."""
        return {**self.problem.fixed(), **self.optimizer.fixed(), "batch": self.batch}

    def replace(self, **hyperparameters: Number) -> "NetworkRun":
        if unknown := set(hyperparameters) - set(self.hyperparameters()):
            raise ValueError(
                f"`{self.label()}` has no number {min(unknown)!r}; it has {', '.join(self.hyperparameters())}."
            )
        seed, own = hyperparameters.pop("seed", self.seed), self.problem.hyperparameters()
        problem = {name: number for name, number in hyperparameters.items() if name in own}
        optimizer = {name: number for name, number in hyperparameters.items() if name not in own}
        return NetworkRun(
            self.problem.replace(**problem), self.optimizer.replace(**optimizer), seed, self.batch, self.lanes
        )

    def begin(self) -> Learning:
        dtype, seed = jnp.result_type(self.seed), jnp.round(self.seed).astype(jnp.uint32)
        drawn = self.problem.draw(jax.random.key(seed))
        parameters, data = jax.tree.map(lambda leaf: _in_dtype(leaf, dtype), drawn)
        state = self.optimizer.init_all(parameters)
        return Learning(self.problem.entering(parameters), state, data, jax.random.key(seed + BATCHES))

    def step(self, carry: Learning, index: Int[Array, ""]) -> tuple[Learning, Float[Array, ""]]:
        parameters, state, data, key = carry
        loss, slopes = jax.value_and_grad(self.problem.loss)(parameters, data)
        if self.batch is not None:
            data = _some(jax.random.fold_in(key, index), self.batch, data)
            slopes = jax.grad(self.problem.loss)(parameters, data)
        optimizer = self.optimizer.facing(lambda parameters: self.problem.loss(parameters, data))
        parameters, state = optimizer.step_all(slopes, state, parameters)
        return carry._replace(parameters=self.problem.entering(parameters), state=state), loss

    def is_over(self, before: Learning, after: Learning, loss: Float[Array, ""]) -> Bool[Array, ""]:
        """Where a full-batch step changes nothing; and where all parameters are NaN, as steps add to what is there."""
        lost = ~jnp.isfinite(loss)
        for leaf in jax.tree.leaves(after.parameters):
            lost &= jnp.all(jnp.isnan(leaf))
        if self.batch is not None:
            return lost
        return lost | repeats((before.parameters, before.state), (after.parameters, after.state))


def _in_dtype(leaf: Array, dtype: jnp.dtype) -> Array:
    return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _some(key: Key[Array, ""], batch: int, data: PyTree) -> PyTree:
    num_examples = jax.tree.leaves(data)[0].shape[0]
    chosen = jax.random.randint(key, (batch,), 0, num_examples)
    return jax.tree.map(lambda leaf: leaf[chosen], data)
