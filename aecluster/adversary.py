"""A critic that is trained along with a network: a loss that moves with it."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key

from aecluster.arguments import real, settle, whole
from aecluster.images import Images, ImageShape, Scalar
from aecluster.models import Params, critic_params, log_odds


class AdversaryState(NamedTuple):
    """What an adversary's step changes."""

    params: Params
    optimizer: optax.OptState


@dataclasses.dataclass(frozen=True)
class Adversary:
    """A critic trained along with the network, to tell its predictions from clear images: a loss that moves with it.

    The non-saturating game of Goodfellow et al. 2014 (arXiv:1406.2661, section 3), kept stable by the gradient penalty R1
    on clear images (Mescheder et al. 2018, arXiv:1801.04406, equation 9), by Adam without momentum, and by a weight that
    rises from 0, so that the network restores before it is asked to deceive.

    **Attributes**

    - `weight`: of -log of the probability that a prediction is clear, in the network's loss.
    - `learning_rate`: of the critic.
    - `penalty`: of the squared gradient of the critic's log-odds by the pixels of a clear image, halved.
    - `start`: epochs before the network's loss hears of the critic, which learns from the first step.
    - `ramp`: epochs over which the weight then rises.
    - `images`: of each batch that the critic learns from, at most. The penalty's second derivatives make it the dearest part
      of a step, and it is far ahead of the network anyway.

    Raises ValueError for numbers that make no sense.
    """

    weight: float = 1e-3
    learning_rate: float = 1e-3
    penalty: float = 1.0
    start: float = 4.0
    ramp: float = 4.0
    images: int = 64

    def __post_init__(self) -> None:
        share = real(at_least=0)
        settle(self, weight=share, penalty=share, start=share, ramp=share, learning_rate=real(above=0), images=whole(1))

    def fresh(self, key: Key[Array, ""], image_shape: ImageShape) -> AdversaryState:
        """A critic that has seen nothing."""
        params = critic_params(key, image_shape)
        return AdversaryState(params, self._transformation().init(params))

    def loss(self, state: AdversaryState, prediction: Images, epoch: Scalar) -> Scalar:
        """What the network's loss gains: it falls when the critic takes the prediction for clear."""
        risen = jnp.clip((epoch - self.start) / max(self.ramp, 1e-6), 0, 1)
        return self.weight * risen * jax.nn.softplus(-log_odds(state.params, prediction)).mean()

    def step(self, state: AdversaryState, clear: Images, prediction: Images) -> AdversaryState:
        """One step of the critic: clear images apart from predictions."""
        clear, prediction = clear[: self.images], prediction[: self.images]

        def objective(params: Params) -> Scalar:
            slopes = jax.grad(lambda images: log_odds(params, images).sum())(clear)
            penalty = self.penalty / 2 * jnp.square(slopes).sum((1, 2, 3)).mean()
            told = jax.nn.softplus(-log_odds(params, clear)) + jax.nn.softplus(log_odds(params, prediction))
            return told.mean() + penalty

        updates, optimizer = self._transformation().update(jax.grad(objective)(state.params), state.optimizer)
        return AdversaryState(optax.apply_updates(state.params, updates), optimizer)

    def _transformation(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate, b1=0.0, b2=0.99)
