"""A network that tells clear images from others, and what it says of an image as a loss."""

import dataclasses
import hashlib

import jax
import numpy as np
from jaxtyping import Float

from aecluster.arguments import a_seed, a_shape, settle, some, whole
from aecluster.images import HostImages, Images, ImageShape, Scalar, check_images, chunks, joined
from aecluster.losses import AbstractLoss, Logits
from aecluster.models import Params, log_odds
from aecluster.names import shown


@dataclasses.dataclass(frozen=True, eq=False)
class Discriminator:
    """A critic that has learned to tell clear images from blurred ones; it learns no more.

    **Attributes**

    - `image_shape`: of the images that it judges.
    - `params`: the critic's parameters.
    - `seed`, `epochs`: what it was learned from, and for how long.
    """

    image_shape: ImageShape
    params: Params
    seed: int = 0
    epochs: int = 0

    __repr__ = shown

    def __post_init__(self) -> None:
        settle(self, image_shape=a_shape, seed=a_seed, epochs=whole(0))

    def probability(self, images: HostImages) -> Float[np.ndarray, " image"]:
        """Probability of every image to be clear. Raises ValueError for images of another shape or out of [0, 1]."""
        check_images("images", images)
        self.check(images.shape)
        return joined(_probability(self.params, part) for _, (part,) in chunks(images))

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse a shape that it did not learn from. Raises ValueError naming both shapes."""
        if tuple(shape[1:]) != self.image_shape:
            raise ValueError(
                f"The discriminator judges images of shape {self.image_shape}, got {tuple(shape[1:])}; "
                "learn one from images of that shape."
            )

    def digest(self) -> str:
        """A fingerprint of its parameters."""
        leaves = [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(self.params)]
        return hashlib.sha256(b"".join(leaves)).hexdigest()[:16]


@jax.jit
def _probability(params: Params, images: Images) -> Float[jax.Array, " image"]:
    return jax.nn.sigmoid(log_odds(params, images))


@dataclasses.dataclass(frozen=True, eq=False)
class ProbabilityOfBlur(AbstractLoss):
    """-log of the probability that the prediction is clear, by a discriminator that is not trained on the way."""

    discriminator: Discriminator

    def __post_init__(self) -> None:
        settle(self, discriminator=some(Discriminator, "ae.learn_discriminator(images, ae.Blur())"))

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del target, given, epoch
        self.discriminator.check(logits.shape)
        return jax.nn.softplus(-log_odds(self.discriminator.params, jax.nn.sigmoid(logits))).mean()
