"""A network that restores images: as wide as the image all the way."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import DTypeLike

from aecluster.arguments import settle, whole
from aecluster.images import Images, ImageShape
from aecluster.models.contract import AbstractArchitecture, check_architecture
from aecluster.models.layers import gathered, glorot_uniform, spread

DARKEST = 1 / 510  # where the logits of given pixels end, at half a step of 8 bits from black and from white


class ConvolutionalRestorer(nnx.Module):
    """Convolutions at half the side, each with its input added to its output, and the image's logits added at the end.

    Nothing is narrower than the image. The first convolution is wide: what undoes a blur reaches much farther than the blur.
    The last one begins with zeros: untrained, a restorer gives back what it got.
    """

    def __init__(
        self, image_shape: ImageShape, channels: int, blocks: int, reach: int, dtype: DTypeLike, rngs: nnx.Rngs
    ):
        folded = 4 * image_shape[2]

        def convolution(before: int, after: int, side: int, init: nnx.Initializer = glorot_uniform) -> nnx.Conv:
            return nnx.Conv(before, after, (side, side), kernel_init=init, dtype=dtype, rngs=rngs)

        self.first = convolution(folded, channels, reach)
        self.last = convolution(channels, folded, 3, nnx.initializers.zeros)
        self.blocks = nnx.List(
            [nnx.List([convolution(channels, channels, 3) for _ in range(2)]) for _ in range(blocks)]
        )

    def __call__(self, images: Images) -> Images:
        height, width = images.shape[1:3]
        x = self.first(gathered(jnp.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")))
        for before, after in self.blocks:
            x = x + after(nnx.relu(before(nnx.relu(x))))
        change = spread(self.last(nnx.relu(x)))[:, :height, :width]
        return (change + jax.scipy.special.logit(images.clip(DARKEST, 1 - DARKEST))).astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class Restorer(AbstractArchitecture):
    """A fully convolutional residual network without a bottleneck, for images to be restored rather than summed up.

    It computes at half the side, 2 x 2 pixels in the channels of one (as Zhang et al. 2018, FFDNet, arXiv:1710.04026).

    **Attributes**

    - `channels`: of every layer.
    - `blocks`: residual blocks of two 3 x 3 convolutions (pre-activation, He et al. 2016, arXiv:1603.05027, without
      normalisation).
    - `reach`: side of the first convolution.
    """

    channels: int = 64
    blocks: int = 2
    reach: int = 9

    def __post_init__(self) -> None:
        settle(self, channels=whole(1), blocks=whole(1), reach=whole(1))

    def radius(self) -> int:
        """How far a restored pixel sees, in pixels and at most, even: what is farther away does not matter.

        Two for each pixel at half the side: half of the first convolution, and one for each of the 3 x 3 ones. The pixels
        that share a 2 x 2 with it add one, rounded up to an even number, so that tiles keep the image's 2 x 2.
        """
        return 2 * (self.reach // 2 + 2 * self.blocks + 1) + 2

    def build(self, image_shape: ImageShape, rngs: nnx.Rngs, dtype: DTypeLike = jnp.float32) -> ConvolutionalRestorer:
        check_architecture(self, image_shape)
        return ConvolutionalRestorer(image_shape, self.channels, self.blocks, self.reach, dtype, rngs)
