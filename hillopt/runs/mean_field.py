"""The networks of "The boundary of neural network trainability is fractal" (Sohl-Dickstein 2024), in six conditions."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from hillopt.optimizers import GradientDescent, by_part
from hillopt.pytrees import FINITE, Number, hyperparameter, static
from hillopt.runs.network import AbstractProblem, NetworkRun

Layers = dict[str, Float[Array, "in out"]]
Data = tuple[Float[Array, "example in"], Float[Array, "example 1"]]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": lambda z: jnp.tanh(z * math.sqrt(2)),
    "relu": lambda z: jax.nn.relu(z) * math.sqrt(2),
    "linear": lambda z: z,
}


class MeanFieldNetwork(AbstractProblem):
    """One hidden layer on random data: y(x) = phi(x W0 / sqrt(n)) W1 / n, with the mean of its squared errors as the loss.

    Weights, inputs and targets are standard normal (https://arxiv.org/abs/2402.06184, and its author's notebook: keys and order
    of the draws are the notebook's, so that seed 0 in float64 has the numbers that it has with the same JAX; versions before 0.5
    draw others, as later ones do with jax_threefry_partitionable switched off). There are as many examples as parameters,
    n^2 + n, for a linear network n.

    The notebook adds its `offset` to all weights of the first layer before every step, and not only before the first one.
    """

    offset: Number = hyperparameter(FINITE, default=0.0)
    activation: str = static(default="tanh")
    width: int = static(default=16)
    examples: int | None = static(default=None)
    """None for as many as parameters."""

    def label(self) -> str:
        """The activation's."""
        return f"a {self.activation} network"

    @property
    def num_examples(self) -> int:
        """Of the data."""
        if self.examples is not None:
            return self.examples
        return self.width if self.activation == "linear" else self.width**2 + self.width

    def draw(self, key: Key[Array, ""]) -> tuple[Layers, Data]:
        key, of_weights = jax.random.split(key)
        keys = jax.random.split(of_weights)
        weights = {
            "input": jax.random.normal(keys[0], (self.width, self.width)),
            "output": jax.random.normal(keys[1], (self.width, 1)),
        }
        key, of_inputs = jax.random.split(key)
        inputs = jax.random.normal(of_inputs, (self.num_examples, self.width))
        targets = jax.random.normal(jax.random.split(key)[1], (self.num_examples, 1))
        return weights, (inputs, targets)

    def entering(self, parameters: Layers) -> Layers:
        return {**parameters, "input": parameters["input"] + self.offset}

    def loss(self, parameters: Layers, data: Data) -> Float[Array, ""]:
        inputs, targets = data
        root = math.sqrt(self.width)
        fields = jnp.einsum("ij,ei->je", parameters["input"], inputs) / root  # examples last: XLA transposes nothing
        outputs = parameters["output"][:, 0] @ ACTIVATIONS[self.activation](fields) / root / root
        return jnp.mean((outputs - targets[:, 0]) ** 2)


def _two_rates(problem: MeanFieldNetwork, batch: int | None = None) -> NetworkRun:
    """A learning rate for each layer: `input_learning_rate` and `output_learning_rate`."""
    return NetworkRun(problem, by_part(input=GradientDescent(1.0), output=GradientDescent(1.0)), batch=batch)


NETWORKS: dict[str, NetworkRun] = {
    "tanh": _two_rates(MeanFieldNetwork()),
    "relu": _two_rates(MeanFieldNetwork(activation="relu")),
    "linear": _two_rates(MeanFieldNetwork(activation="linear")),
    "minibatch": _two_rates(MeanFieldNetwork(), batch=16),
    "one_example": _two_rates(MeanFieldNetwork(examples=1)),
    "offset": NetworkRun(MeanFieldNetwork(), GradientDescent(1.0)),
}
"""The six published conditions: the learning rates of both layers are swept, of the last one `offset` and `learning_rate`."""
