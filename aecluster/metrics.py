"""How good a reconstruction is, in numbers that do not depend on the loss it was trained with."""

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from aecluster.images import Images, PerImage, Scalar

Windows: TypeAlias = Float[Array, "image _ _ channel"]  # of images, one value each; fewer than there are pixels

INK = 0.5  # grey value from which a pixel counts as inked
OFTEN = 0.05  # share of images from which a pixel counts as often inked
BLACK = 0.5 / 255  # rounds to 0 in 8 bits

PERFECT = 1e-10  # squared error from which images count as identical: 100 dB
WINDOW = 7  # side of the windows of SSIM
C1, C2 = 0.01**2, 0.03**2  # keep SSIM from 0 / 0 in black and in flat windows


def mean_absolute_error(prediction: Images, target: Images) -> Scalar:
    """Mean over images and pixels of |prediction - target|, for pixels in [0, 1]."""
    return jnp.abs(prediction - target).mean()


def dead_pixels(
    brightest: Float[np.ndarray, "height width channel"], inked: Float[np.ndarray, "height width channel"]
) -> Bool[np.ndarray, "height width channel"]:
    """Pixels that a network leaves black in every image although they often carry ink.

    `brightest` is each pixel's maximum over all reconstructions, `inked` the share of the images in which it is above
    `INK`. Often is a share of `OFTEN`, black is what rounds to 0 in 8 bits.
    """
    return (brightest < BLACK) & (inked > OFTEN)


def psnr(prediction: Images, target: Images) -> PerImage:
    """Each image's peak signal-to-noise ratio in decibels, -10 log10(mean squared error), for pixels in [0, 1].

    Identical images would have infinitely many, and so would any mean with one of them; here they have 100.
    """
    error = jnp.square(prediction - target).mean((1, 2, 3))
    return -10 * jnp.log10(jnp.maximum(error, PERFECT))


def ssim(prediction: Images, target: Images) -> PerImage:
    """Each image's mean structural similarity, for pixels in [0, 1]: from -1 to 1, and 1 for identical images alone.

    Wang, Bovik, Sheikh and Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity",
    equation 13, with K1 = 0.01 and K2 = 0.03. As scikit-image's `structural_similarity` has it by default: windows of 7x7
    pixels that count evenly, all that fit in the image, sample covariances, the mean over windows and channels. The paper
    weights its 11x11 windows with a Gaussian.
    """
    _, height, width, _ = target.shape
    if min(height, width) < WINDOW:
        raise ValueError(
            f"`ssim` must have images of at least {WINDOW}x{WINDOW} pixels, got {height}x{width}; enlarge them or use psnr."
        )
    means, covariances = _local_moments(prediction, target)
    (x, y), (xx, yy, xy) = means, (covariance * WINDOW**2 / (WINDOW**2 - 1) for covariance in covariances)
    similarity = (2 * x * y + C1) * (2 * xy + C2) / ((x**2 + y**2 + C1) * (xx + yy + C2))
    return similarity.mean((1, 2, 3))


def _local_moments(x: Images, y: Images) -> tuple[tuple[Windows, Windows], list[Windows]]:
    """Means of x and y and covariances xx, yy, xy in every window.

    E(x²) - E(x)² would cancel: in flat bright windows float32 errs by as much as a thousandth of `C2`. Instead one axis
    after the other by the law of total covariance: the mean of the lines' covariances plus the covariance of their means.
    """
    covariances = [jnp.zeros_like(x)] * 3
    for axis in (1, 2):
        xs, ys = _shifts(x, axis), _shifts(y, axis)
        x, y = _mean(xs), _mean(ys)
        xs, ys = [shifted - x for shifted in xs], [shifted - y for shifted in ys]
        between = [_mean([a * b for a, b in zip(*pair, strict=True)]) for pair in ((xs, xs), (ys, ys), (xs, ys))]
        covariances = [_mean(_shifts(a, axis)) + b for a, b in zip(covariances, between, strict=True)]
    return (x, y), covariances


def _shifts(values: Windows, axis: int) -> list[Windows]:
    """The first places of all windows along an axis, their second places, and so on: no lax.conv, as in `blur`."""
    num_windows = values.shape[axis] - WINDOW + 1
    return [jax.lax.slice_in_dim(values, start, start + num_windows, axis=axis) for start in range(WINDOW)]


def _mean(parts: list[Windows]) -> Windows:
    return sum(parts[1:], parts[0]) / len(parts)


def gradient_sharpness(prediction: Images, clear: Images) -> PerImage:
    """Mean squared gradient of each prediction, differences of neighbours, over that of the clear image.

    1 is as sharp, and what is said of a clear image that has no edges at all.
    """
    return _share(_mean_squared_gradient(prediction), _mean_squared_gradient(clear))


def laplacian_sharpness(prediction: Images, clear: Images) -> PerImage:
    """Variance of each prediction's 5-point Laplacian over that of the clear image's.

    1 is as sharp, and what is said of a clear image that has no edges at all. Border pixels have no Laplacian here.
    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study".
    """
    return _share(_laplacian(prediction).var((1, 2, 3)), _laplacian(clear).var((1, 2, 3)))


def way_to_clear(prediction: Images, clear: Images, blurred: Images) -> PerImage:
    """How far each prediction is on the way from blurred to clear: (p - b) . (c - b) / |c - b|², 0 at b and 1 at c.

    1 as well where the blur changed nothing.
    """
    way = clear - blurred
    return _share(((prediction - blurred) * way).sum((1, 2, 3)), jnp.square(way).sum((1, 2, 3)))


def between(prediction: Images, clear: Images, blurred: Images) -> PerImage:
    """Share of each image's pixels in which the prediction lies between blurred and clear, both included.

    Only pixels that the blur has changed are looked at; 1 where there are none. It is there, and nowhere else, that
    |p - c| + |p - b| is least.
    """
    changed = clear != blurred
    inside = (jnp.minimum(clear, blurred) <= prediction) & (prediction <= jnp.maximum(clear, blurred))
    counts = ((inside & changed).sum((1, 2, 3)), changed.sum((1, 2, 3)))
    return _share(*(count.astype(prediction.dtype) for count in counts))


def _share(part: PerImage, whole: PerImage) -> PerImage:
    """part / whole, and 1 where there is no whole."""
    return jnp.where(whole == 0, 1, part / jnp.where(whole == 0, 1, whole))


def _mean_squared_gradient(images: Images) -> PerImage:
    down, right = (jnp.square(jnp.diff(images, axis=axis)).mean((1, 2, 3)) for axis in (1, 2))
    return down + right


def _laplacian(images: Images) -> Windows:
    middle = images[:, 1:-1, 1:-1]
    return images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:] - 4 * middle
