"""What undid blurs before networks did: deconvolution with a known kernel, and linear regression on examples."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from aecluster.arguments import is_array, real, settle, short, whole
from aecluster.blur import Kernel, check_fits, convolve
from aecluster.images import HostImages, Images, check_images, chunks, joined
from aecluster.names import shown

HostKernel: TypeAlias = Float[np.ndarray, "size size"]
Restoration: TypeAlias = Callable[[HostImages], HostImages]  # blurred images to restored ones, pixels in [0, 1]

BALANCES = tuple(10.0**power for power in np.arange(-6, 0.5, 0.5))
BEGINNING = 0.5  # grey of every pixel before the first iteration, as in scikit-image
TINY = 1e-12  # keeps 0 / 0 in black from being NaN, as in scikit-image
SUM_ERROR = 1e-3  # of a kernel's weights; fixed-point weights sum to 1 exactly, others up to rounding


@dataclasses.dataclass(frozen=True, eq=False)
class RichardsonLucy:
    """Richardson 1972 (doi:10.1364/JOSA.62.000055) and Lucy 1974: multiplicative steps to the likeliest image.

    As scikit-image has them, but for the border. There images are black beyond it, and what is not black there is spoiled;
    here they are mirrored, as `convolve` mirrors them, in every iteration: an image without edges stays as it is.

    **Attributes**

    - `kernel`: of the blur.
    - `num_iterations`: steps; more of them sharpen more, noise too.

    Raises ValueError for what is no kernel, and when called for what are no images or smaller than the kernel.

    Examples:
        >>> clear, blur = ae.load().test.images[:4], ae.Blur(size=3)
        >>> blurred = np.asarray(ae.corrupted(blur, clear))
        >>> restored = deblurring.RichardsonLucy(blur.kernel())(blurred)
        >>> bool(abs(restored - clear).mean() < abs(blurred - clear).mean())
        True
    """

    kernel: Kernel | HostKernel
    num_iterations: int = 100

    __repr__ = shown

    def __post_init__(self) -> None:
        settle(self, num_iterations=whole(1), kernel=_kernel)

    def __call__(self, blurred: HostImages) -> HostImages:
        check_images("blurred", blurred)
        kernel = jnp.asarray(self.kernel, blurred.dtype)
        return joined(_likeliest(part, kernel, self.num_iterations) for _, (part,) in chunks(blurred))


@functools.partial(jax.jit, static_argnames="num_iterations")
def _likeliest(blurred: Images, kernel: Kernel, num_iterations: int) -> Images:
    def step(_: Any, estimate: Images) -> Images:
        ratio = blurred / (convolve(estimate, kernel) + TINY)
        return estimate * convolve(ratio, kernel[::-1, ::-1])

    return jax.lax.fori_loop(0, num_iterations, step, jnp.full_like(blurred, BEGINNING)).clip(0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Wiener:
    """Wiener's filter with a Laplacian for regularity, as scikit-image has it (Orieux et al. 2010).

    The filter takes images for periodic. Mirrored to twice their side they are.

    **Attributes**

    - `kernel`: of the blur.
    - `balance`: how much regularity counts; `choose_balance` finds the best for some images.

    Raises ValueError for what is no kernel, and when called for what are no images or smaller than the kernel.
    """

    kernel: Kernel | HostKernel
    balance: float

    __repr__ = shown

    def __post_init__(self) -> None:
        settle(self, balance=real(above=0), kernel=_kernel)

    def __call__(self, blurred: HostImages) -> HostImages:
        check_images("blurred", blurred)
        check_fits(len(self.kernel), *blurred.shape[1:3])
        planes = np.moveaxis(blurred, -1, 1)
        restored = np.stack([np.stack([self._filtered(plane) for plane in image]) for image in planes])
        return np.moveaxis(restored, 1, -1).astype(blurred.dtype).clip(0, 1)

    def _filtered(self, plane: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
        from skimage.restoration import wiener

        height, width = plane.shape
        beyond = ((0, max(height - 2, 0)), (0, max(width - 2, 0)))
        period = np.pad(plane.astype(np.float64), beyond, mode="reflect")
        return wiener(period, np.asarray(self.kernel, np.float64), self.balance)[:height, :width]


def choose_balance(kernel: Kernel | HostKernel, blurred: HostImages, clear: HostImages) -> Wiener:
    """The filter with the least mean absolute error on these images; some hundred training images will do.

    Raises ValueError for what are no images, and for what is no kernel.
    """
    check_images("clear", clear)
    check_images("blurred", blurred, clear.shape[1:])
    _check_as_many(blurred, clear)
    candidates = [Wiener(kernel, balance) for balance in BALANCES]
    errors = [np.abs(each(blurred) - clear).mean() for each in candidates]
    return candidates[int(np.argmin(errors))]


@dataclasses.dataclass(frozen=True, eq=False)
class Linear:
    """Every restored pixel a weighted sum of all blurred ones, plus a constant; cut off at 0 and 1."""

    weights: Float[np.ndarray, "pixel pixel"]
    offset: Float[np.ndarray, " pixel"]

    __repr__ = shown

    def __call__(self, blurred: HostImages) -> HostImages:
        check_images("blurred", blurred)
        if blurred[0].size != len(self.weights):
            raise ValueError(
                f"`blurred` must have {len(self.weights)} numbers an image as those learned from, got the shape {blurred.shape}; "
                "learn from images of that shape."
            )
        restored = _flat(blurred) @ self.weights + self.offset
        return restored.reshape(blurred.shape).clip(0, 1).astype(np.float32)


def learn_ridge(blurred: HostImages, clear: HostImages, penalty: float = 1e-3) -> Linear:
    """Ridge regression from blurred to clear images (scikit-learn, in float64): the strongest simple peer.

    `penalty` is that of the squared weights against the sum of the squared errors over all images. Rounding to 8 bits has
    put noise into the examples already, so hardly any is needed. Raises ValueError for what are no images, and for a
    penalty that is negative or not finite.
    """
    from sklearn.linear_model import Ridge

    penalty = real(at_least=0)("penalty", penalty)
    check_images("clear", clear)
    check_images("blurred", blurred, clear.shape[1:])
    _check_as_many(blurred, clear)
    fitted = Ridge(penalty, solver="cholesky").fit(_flat(blurred), _flat(clear))
    return Linear(fitted.coef_.T, fitted.intercept_)


def _flat(images: HostImages) -> Float[np.ndarray, "image pixel"]:
    return images.reshape(len(images), -1).astype(np.float64)


def _check_as_many(blurred: HostImages, clear: HostImages) -> None:
    if len(blurred) != len(clear):
        raise ValueError(
            f"`blurred` and `clear` must be as many images, got {len(blurred)} and {len(clear)}; give the same ones."
        )


def _kernel(name: str, kernel: Any) -> Kernel | HostKernel:
    """Refuse with ValueError what is no kernel: an odd square of finite weights, none negative, that sum to 1."""
    if not is_array(kernel) or not jnp.issubdtype(kernel.dtype, jnp.number):
        raise ValueError(f"`{name}` must be an array of numbers, got {short(kernel)}; take `Blur(...).kernel()`.")
    weights = np.asarray(kernel)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or len(weights) % 2 == 0:
        raise ValueError(f"`kernel` must be a square of odd size, got the shape {weights.shape}; pad it with zeros.")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("`kernel` must have finite weights that are not negative; take `Blur(...).kernel()`.")
    if abs(weights.sum() - 1) > SUM_ERROR:
        raise ValueError(f"`kernel` must sum to 1, got {weights.sum():g}; divide it by its sum.")
    return kernel
