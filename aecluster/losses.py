"""What training minimises: pure functions of one batch of logits and the images they should become."""

import abc
import dataclasses

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Logits = Float[Array, "image height width channel"]
Images = Float[Array, "image height width channel"]
Scalar = Float[Array, ""]


class AbstractLoss(abc.ABC):
    """`loss(logits, target, epoch)`, a mean over images and pixels.

    Logits rather than pixels, since cross-entropy is exact only there; a pixel is `sigmoid(logit)`. `epoch` counts the
    passes over the training images so far, fractions included, for losses that change on the way.
    """

    @abc.abstractmethod
    def __call__(self, logits: Logits, target: Images, epoch: Scalar) -> Scalar: ...


@dataclasses.dataclass(frozen=True)
class L1(AbstractLoss):
    """Mean absolute error: the original study's loss, and what its figures are measured in.

    Under a sigmoid it kills pixels. Where most images are black the median is 0, so the output is driven to 0 for all of
    them; there the sigmoid's slope vanishes, and with it the gradient that could bring the pixel back.
    """

    def __call__(self, logits: Logits, target: Images, epoch: Scalar) -> Scalar:
        del epoch
        return jnp.abs(jax.nn.sigmoid(logits) - target).mean()


@dataclasses.dataclass(frozen=True)
class L2(AbstractLoss):
    """Mean squared error."""

    def __call__(self, logits: Logits, target: Images, epoch: Scalar) -> Scalar:
        del epoch
        return jnp.square(jax.nn.sigmoid(logits) - target).mean()


@dataclasses.dataclass(frozen=True)
class CrossEntropy(AbstractLoss):
    """Binary cross-entropy with grey values as probabilities; its gradient, pixel - target, never vanishes in error."""

    def __call__(self, logits: Logits, target: Images, epoch: Scalar) -> Scalar:
        del epoch
        return optax.sigmoid_binary_cross_entropy(logits, target).mean()


@dataclasses.dataclass(frozen=True)
class WarmUp(AbstractLoss):
    """One loss for the first `epochs`, another from then on.

    Cross-entropy first and L1 then is the cure of L1's dead pixels: what sends every pixel to black is the start, when the
    network knows nothing and the median is its best guess. After one epoch of cross-entropy it knows where ink belongs.
    """

    first: AbstractLoss = CrossEntropy()
    then: AbstractLoss = L1()
    epochs: float = 1.0

    def __call__(self, logits: Logits, target: Images, epoch: Scalar) -> Scalar:
        return jnp.where(epoch < self.epochs, self.first(logits, target, epoch), self.then(logits, target, epoch))


LOSSES: dict[str, AbstractLoss] = {
    "warm_up": WarmUp(),
    "l1": L1(),
    "l2": L2(),
    "cross_entropy": CrossEntropy(),
}
