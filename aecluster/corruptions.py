"""What a network is given in place of an image while its target stays the image."""

import abc
import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from aecluster.arguments import a_seed, function, maybe, real, settle
from aecluster.images import HostImages, Images, check_images, chunks, joined


class AbstractCorruption(abc.ABC):
    """`corruption(key, images)`: images of the same shape, each corrupted in its own random way."""

    @abc.abstractmethod
    def __call__(self, key: Key[Array, ""], images: Images) -> Images: ...


def corrupted(corruption: AbstractCorruption | None, images: HostImages, seed: int = 0) -> HostImages:
    """All of the images corrupted, the same way every time: by key `seed`, a chunk at a time; as they are by None.

    What noise leads out of [0, 1] is cut off, so that images come out. Raises ValueError for what are no images.

    Examples:
        >>> blurred = ae.corrupted(ae.Blur(size=3), ae.load().test.images[:10])
        >>> blurred.shape
        (10, 8, 8, 1)
    """
    check_images("images", images)
    corruption, seed = maybe(function("ae.Blur()"))("corruption", corruption), a_seed("seed", seed)
    if corruption is None:
        return images
    apply, key = jax.jit(corruption), jax.random.key(seed)
    return joined(apply(jax.random.fold_in(key, start), part) for start, (part,) in chunks(images)).clip(0, 1)


@dataclasses.dataclass(frozen=True)
class Deformation(AbstractCorruption):
    """A small random affine map of each image: who must restore the image from it learns what does not depend on pose.

    Every number is drawn evenly between minus and plus the given one, independently for each image; pixels from outside
    the image are black, others interpolated linearly.

    **Attributes**

    - `rotation`: in degrees.
    - `shift`: of each axis, as a share of the side.
    - `scale`: of both axes, in the logarithm.
    - `shear`: up or down per unit of width.

    Raises ValueError for numbers that are negative or not finite.
    """

    rotation: float = 20.0
    shift: float = 0.07
    scale: float = 0.2
    shear: float = 0.4

    def __post_init__(self) -> None:
        settle(self, **dict.fromkeys(("rotation", "shift", "scale", "shear"), real(at_least=0)))

    def __call__(self, key: Key[Array, ""], images: Images) -> Images:
        return jax.vmap(warp)(images, self.matrices(key, len(images)))

    def matrices(self, key: Key[Array, ""], num_images: int) -> Float[Array, "image 2 3"]:
        """From a pixel's place to the place that it is taken from; origin in the middle, side 2."""
        angle, shear, scale, down, right = jax.random.uniform(
            key, (5, num_images), jnp.float32, minval=-1.0, maxval=1.0
        )
        angle, shear, scale = angle * jnp.deg2rad(self.rotation), shear * self.shear, jnp.exp(scale * self.scale)
        sine, cosine = jnp.sin(angle) * scale, jnp.cos(angle) * scale
        rows = jnp.stack([cosine, shear - sine, down * 2 * self.shift], axis=-1)
        columns = jnp.stack([sine, cosine, right * 2 * self.shift], axis=-1)
        return jnp.stack([rows, columns], axis=1)


def warp(
    image: Float[Array, "height width channel"], matrix: Float[Array, "2 3"]
) -> Float[Array, "height width channel"]:
    """The image seen through an affine map of places, interpolated linearly, black outside."""
    height, width, channels = image.shape
    middle, half = jnp.array([height - 1, width - 1]) / 2, jnp.array([height, width]) / 2
    places = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"), axis=-1).reshape(-1, 2)
    source = ((places - middle) / half @ matrix[:, :2].T + matrix[:, 2]) * half + middle
    corner = jnp.floor(source)
    share = source - corner
    framed = jnp.pad(image, ((1, 1), (1, 1), (0, 0))).reshape(-1, channels)

    def pixel(row: Float[Array, " place"], column: Float[Array, " place"]) -> Float[Array, "place channel"]:
        row, column = jnp.clip(row, -1, height) + 1, jnp.clip(column, -1, width) + 1
        return framed[(row * (width + 2) + column).astype(int)]

    (row, column), (down, right) = corner.T, share.T[..., None]
    upper = pixel(row, column) * (1 - right) + pixel(row, column + 1) * right
    lower = pixel(row + 1, column) * (1 - right) + pixel(row + 1, column + 1) * right
    return (upper * (1 - down) + lower * down).reshape(image.shape).astype(image.dtype)
