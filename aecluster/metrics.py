"""How good a reconstruction is, in numbers that do not depend on the loss it was trained with."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

INK = 0.5  # grey value from which a pixel counts as inked
OFTEN = 0.05  # share of images from which a pixel counts as often inked
BLACK = 0.5 / 255  # rounds to 0 in 8 bits


def mean_absolute_error(
    prediction: Float[Array, "image height width channel"], target: Float[Array, "image height width channel"]
) -> Float[Array, ""]:
    """Mean over images and pixels of |prediction - target|, for pixels in [0, 1]."""
    return jnp.abs(prediction - target).mean()


def dead_pixels(
    brightest: Float[Array, "height width channel"], inked: Float[Array, "height width channel"]
) -> Bool[Array, "height width channel"]:
    """Pixels that a network leaves black in every image although they often carry ink.

    `brightest` is each pixel's maximum over all reconstructions, `inked` the share of the images in which it is above
    `INK`. Often is a share of `OFTEN`, black is what rounds to 0 in 8 bits.
    """
    return (brightest < BLACK) & (inked > OFTEN)
