"""How well images are restored, by every measure, an image at a time."""

from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Float

from aecluster.arguments import some
from aecluster.discriminator import Discriminator
from aecluster.images import HostImages, Images, ImageShape, PerImage, check_images, chunks, joined
from aecluster.metrics import WINDOW, between, gradient_sharpness, laplacian_sharpness, psnr, ssim, way_to_clear

MEASURES = {
    "mae": "MAE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "gradient": "gradient / clear",
    "laplacian": "Laplacian / clear",
    "way": "way to clear",
    "between": "between",
    "mae_blurred": "MAE to blurred",
    "clear": "p(clear)",
}


def score(
    restored: HostImages, clear: HostImages, blurred: HostImages, judge: Discriminator | None = None
) -> dict[str, Float[np.ndarray, " image"]]:
    """All of `MEASURES` of every image; `clear`, the probability by a discriminator, only where a judge is given.

    `mae` and `mae_blurred` are mean absolute errors against the clear and the blurred image, `gradient` and `laplacian`
    sharpness as a share of the clear image's, `way` the share of the way from blurred to clear, `between` the share of the
    pixels that lie between the two. Raises ValueError for images of different shapes or outside of [0, 1].

    Examples:
        >>> clear = ae.load().test.images[:4]
        >>> blurred = np.asarray(ae.corrupted(ae.Blur(size=3), clear))
        >>> scores = deblurring.score(blurred, clear, blurred)
        >>> sorted(scores)
        ['between', 'gradient', 'laplacian', 'mae', 'mae_blurred', 'psnr', 'ssim', 'way']
        >>> scores["way"].tolist()
        [0.0, 0.0, 0.0, 0.0]
    """
    for name, images in {"restored": restored, "clear": clear, "blurred": blurred}.items():
        check_images(name, images)
    check_measurable(clear.shape[1:])
    for name, images in {"restored": restored, "blurred": blurred}.items():
        if images.shape != clear.shape:
            raise ValueError(
                f"`{name}` must be of the shape of `clear`, {clear.shape}, got {images.shape}; give the same images."
            )
    if judge is not None:
        some(Discriminator, "ae.learn_discriminator(images, ae.Blur())")("judge", judge).check(restored.shape)
    scores = joined(_score(*parts) for _, parts in chunks(restored, clear, blurred))
    return scores if judge is None else {**scores, "clear": judge.probability(restored)}


def check_measurable(image_shape: ImageShape) -> None:
    """Refuse images that are too small for `MEASURES`. Raises ValueError."""
    height, width, _ = image_shape
    if min(height, width) < WINDOW:
        raise ValueError(
            f"The images must be of at least {WINDOW}x{WINDOW} pixels to be measured, got {height}x{width}; pad or enlarge them."
        )


@jax.jit
def _score(restored: Images, clear: Images, blurred: Images) -> Mapping[str, PerImage]:
    return {
        "mae": abs(restored - clear).mean((1, 2, 3)),
        "psnr": psnr(restored, clear),
        "ssim": ssim(restored, clear),
        "gradient": gradient_sharpness(restored, clear),
        "laplacian": laplacian_sharpness(restored, clear),
        "way": way_to_clear(restored, clear, blurred),
        "between": between(restored, clear, blurred),
        "mae_blurred": abs(restored - blurred).mean((1, 2, 3)),
    }
