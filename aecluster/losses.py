"""What training minimises: pure functions of a batch of logits, the images they should become, and what was given."""

import abc
import dataclasses
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from aecluster.arguments import entries_of, function, real, settle, short, text
from aecluster.images import Images, Scalar
from aecluster.metrics import ssim
from aecluster.names import hint

a_loss = function("ae.L1()")

Logits: TypeAlias = Float[Array, "image height width channel"]  # of pixels


class AbstractLoss(abc.ABC):
    """`loss(logits, target, given, epoch)`, a mean over images and pixels.

    Logits rather than pixels, since cross-entropy is exact only there; a pixel is `sigmoid(logit)`. `target` is the clear
    image, `given` what the network saw in its place, blurred perhaps. `epoch` counts the passes over the training images
    so far, fractions included, for losses that change on the way.
    """

    @abc.abstractmethod
    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar: ...


@dataclasses.dataclass(frozen=True)
class L1(AbstractLoss):
    """Mean absolute error: the original study's loss, and what its figures are measured in.

    Under a sigmoid it kills pixels. Where most images are black the median is 0, so the output is driven to 0 for all of
    them; there the sigmoid's slope vanishes, and with it the gradient that could bring the pixel back.
    """

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del given, epoch
        return jnp.abs(jax.nn.sigmoid(logits) - target).mean()


@dataclasses.dataclass(frozen=True)
class L2(AbstractLoss):
    """Mean squared error."""

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del given, epoch
        return jnp.square(jax.nn.sigmoid(logits) - target).mean()


@dataclasses.dataclass(frozen=True)
class CrossEntropy(AbstractLoss):
    """Binary cross-entropy with grey values as probabilities; its gradient, pixel - target, never vanishes in error.

    With one exponential and one logarithm a pixel: within a training step XLA takes 6 times as long for two of log_sigmoid.
    """

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del given, epoch
        return (jnp.maximum(logits, 0) - logits * target + jnp.log1p(jnp.exp(-jnp.abs(logits)))).mean()


@dataclasses.dataclass(frozen=True)
class WarmUp(AbstractLoss):
    """One loss for the first `epochs`, another from then on.

    Cross-entropy first and L1 then is the cure of L1's dead pixels: what sends every pixel to black is the start, when the
    network knows nothing and the median is its best guess. After one epoch of cross-entropy it knows where ink belongs.
    """

    first: AbstractLoss = CrossEntropy()
    then: AbstractLoss = L1()
    epochs: float = 1.0

    def __post_init__(self) -> None:
        settle(self, first=a_loss, then=a_loss, epochs=real(at_least=0))

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        first, then = (loss(logits, target, given, epoch) for loss in (self.first, self.then))
        return jnp.where(epoch < self.epochs, first, then)


@dataclasses.dataclass(frozen=True)
class Dissimilarity(AbstractLoss):
    """1 - SSIM (Wang et al. 2004, equation 13): local means, contrasts and patterns rather than pixels one by one."""

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        del given, epoch
        return 1 - ssim(jax.nn.sigmoid(logits), target).mean()


@dataclasses.dataclass(frozen=True)
class ToGiven(AbstractLoss):
    """Another loss, against what the network was given instead of against the target."""

    loss: AbstractLoss

    def __post_init__(self) -> None:
        settle(self, loss=a_loss)

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        return self.loss(logits, given, given, epoch)


@dataclasses.dataclass(frozen=True)
class GreyTargets(AbstractLoss):
    """Another loss with targets left in 0..255, which no sigmoid reaches: the original study's bug, to be looked at.

    Every pixel with any ink in it is driven to white, hence the study's thick white strokes.
    """

    loss: AbstractLoss = L1()

    def __post_init__(self) -> None:
        settle(self, loss=a_loss)

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        return self.loss(logits, 255 * target, given, epoch)


@dataclasses.dataclass(frozen=True)
class Weighted(AbstractLoss):
    """A sum of losses with weights. Raises ValueError unless all are finite, none is negative and one is positive."""

    terms: tuple[tuple[float, AbstractLoss], ...]

    def __post_init__(self) -> None:
        settle(self, terms=_terms)
        weights = [weight for weight, _ in self.terms]
        if not any(weights):
            raise ValueError(f"The weights of a loss must not all be 0, got {weights}; nothing would be learned.")

    def __call__(self, logits: Logits, target: Images, given: Images, epoch: Scalar) -> Scalar:
        parts = [weight * loss(logits, target, given, epoch) for weight, loss in self.terms if weight]
        return sum(parts[1:], parts[0])


def _terms(name: str, value: Any) -> tuple[tuple[float, AbstractLoss], ...]:
    what = "pairs of a weight and a loss"
    pairs = [entries_of(name, pair, what) for pair in entries_of(name, value, what)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"`{name}` must be {what}, got {short(value)}; write ((1.0, ae.L1()), (0.1, ae.L2())).")
    return tuple((real(at_least=0)("weight", weight), a_loss("loss", loss)) for weight, loss in pairs)


def composite(clear: float = 1.0, blurred: float = 1.0) -> Weighted:
    """clear * L1(prediction, clear) + blurred * L1(prediction, blurred): the loss that the original study wanted.

    Pixel by pixel, with clear > blurred the clear image alone minimises it, with clear < blurred the blurred one alone.
    With equal weights every value between the two does, since |p - c| + |p - b| = |c - b| there: the loss does not decide
    what is learned, the optimizer's path does.
    """
    return Weighted(((clear, L1()), (blurred, ToGiven(L1()))))


LOSSES: dict[str, AbstractLoss] = {
    "warm_up": WarmUp(),
    "l1": L1(),
    "l2": L2(),
    "cross_entropy": CrossEntropy(),
    "ssim": Dissimilarity(),
}


def loss_named(name: str) -> AbstractLoss:
    """A loss by its name. Raises ValueError with the near miss for a name that none has.

    Examples:
        >>> ae.loss_named("l1")
        L1()
    """
    if text("name", name) not in LOSSES:
        raise ValueError(f"No loss is called {name!r}; {hint(name, LOSSES)}")
    return LOSSES[name]
