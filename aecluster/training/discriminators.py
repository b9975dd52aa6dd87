"""Training a critic to tell clear images from degraded ones."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key

from aecluster.arguments import a_seed, function, real, whole
from aecluster.corruptions import AbstractCorruption
from aecluster.discriminator import Discriminator
from aecluster.images import HostImages, Images, Scalar, check_images
from aecluster.models import Params, critic_params, log_odds, take
from aecluster.training.loop import Keys, Loop, LossFunction, Outlook, RivalState, Task, fit

BATCH_SIZE = 256
LEAST_STEPS = 300


def learn_discriminator(
    images: HostImages,
    degradation: AbstractCorruption,
    *,
    seed: int = 0,
    epochs: int = 2,
    learning_rate: float = 1e-3,
) -> Discriminator:
    """Learn to tell the clear images from what `degradation` makes of them: cross-entropy, Adam, a rate that decays.

    Few images are passed more often than `epochs` says, until `LEAST_STEPS` steps are done. Raises ValueError for images
    that are none, and where the loss is no longer finite.
    """
    check_images("images", images)
    function("ae.Blur()")("degradation", degradation)
    epochs, seed = whole(1)("epochs", epochs), a_seed("seed", seed)
    learning_rate = real(above=0)("learning_rate", learning_rate)
    height, width, channels = images.shape[1:]
    batch_size = min(BATCH_SIZE, len(images))
    epochs = max(epochs, -(-LEAST_STEPS // (len(images) // batch_size)))

    def fresh(seed: int) -> Params:
        return critic_params(_streams(seed)[0], (height, width, channels))

    def transformation(num_steps: int) -> optax.GradientTransformation:
        return optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))

    task = Task(fresh, telling_apart(degradation), _keys, transformation, epochs, batch_size)
    state = fit(Loop(task, images), (seed,))
    return Discriminator((height, width, channels), take(state.params, 0), seed, epochs)


def telling_apart(degradation: AbstractCorruption) -> LossFunction:
    """The mean cross-entropy of a critic that sees every image of a batch, clear and degraded."""

    def loss(
        params: Params, rival: RivalState, batch: Images, key: Key[Array, ""], epoch: Scalar
    ) -> tuple[Scalar, Outlook]:
        del rival, epoch
        clear, other = log_odds(params, batch), log_odds(params, degradation(key, batch))
        wrong = (clear < 0).mean() + (other > 0).mean()
        return (jax.nn.softplus(-clear) + jax.nn.softplus(other)).mean() / 2, Outlook(wrong / 2)

    return loss


def _streams(seed: int) -> Key[Array, "3"]:
    """Keys of the beginning, of the order of the images, and of the degradation."""
    return jax.random.split(jax.random.key(seed), 3)


def _keys(seed: int, epoch_index: int, num_steps: int) -> Keys:
    _, ordering, degrading = _streams(seed)
    numbers = epoch_index * num_steps + jnp.arange(num_steps)
    return Keys(
        jax.random.fold_in(ordering, epoch_index),
        jax.vmap(lambda number: jax.random.fold_in(degrading, number))(numbers),
    )
