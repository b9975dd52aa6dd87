"""What undid blurs before networks did: deconvolution with a known kernel, and linear regression on examples."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

Images: TypeAlias = Float[np.ndarray, "image height width channel"]
Kernel: TypeAlias = Float[np.ndarray, "size size"]
Restoration: TypeAlias = Callable[[Images], Images]  # blurred images to restored ones, pixels in [0, 1]

STACK = 200  # images that are deconvolved at once
MARGIN = 8  # pixels; what is wrong at its edge has hardly come in after 100 iterations
BALANCES = tuple(10.0**power for power in np.arange(-6, 0.5, 0.5))


@dataclasses.dataclass(frozen=True, eq=False)
class RichardsonLucy:
    """Richardson 1972 and Lucy 1974, as scikit-image has them: multiplicative steps to the likeliest image.

    Whole stacks are deconvolved in one call, which gives what one call an image gives, several times faster. It takes all
    beyond the border for black; so images are first mirrored there, as `convolve` mirrors them, `MARGIN` pixels far.
    """

    kernel: Kernel
    num_iterations: int = 100

    def __post_init__(self) -> None:
        if self.num_iterations < 1:
            raise ValueError(f"`num_iterations` must be at least 1, got {self.num_iterations}; 100 are usual.")

    def __call__(self, blurred: Images) -> Images:
        from skimage.restoration import richardson_lucy

        kernel, restored = np.asarray(self.kernel, np.float64)[None], np.empty_like(blurred)
        margin = min(MARGIN, *(side - 1 for side in blurred.shape[1:3]))
        for rows, channel, stack in _planes(blurred):
            framed = np.pad(stack, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
            found = richardson_lucy(framed, kernel, self.num_iterations)
            restored[rows, ..., channel] = found[:, margin:, margin:][:, : stack.shape[1], : stack.shape[2]]
        return restored.clip(0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Wiener:
    """Wiener's filter with a Laplacian for regularity, as scikit-image has it (Orieux et al. 2010).

    The filter takes images for periodic. Mirrored to twice their side they are.

    Attributes:
        kernel: of the blur.
        balance: how much regularity counts; `choose_balance` finds the best for some images.
    """

    kernel: Kernel
    balance: float

    def __post_init__(self) -> None:
        if not self.balance > 0:
            raise ValueError(f"`balance` must be positive, got {self.balance}; let `choose_balance` find one.")

    def __call__(self, blurred: Images) -> Images:
        from skimage.restoration import wiener

        kernel, restored = np.asarray(self.kernel, np.float64), np.empty_like(blurred)
        for rows, channel, stack in _planes(blurred):
            _, height, width = stack.shape
            period = np.pad(stack, ((0, 0), (0, max(height - 2, 0)), (0, max(width - 2, 0))), mode="reflect")
            found = np.stack([wiener(plane, kernel, self.balance) for plane in period])
            restored[rows, ..., channel] = found[:, :height, :width]
        return restored.clip(0, 1)


def choose_balance(kernel: Kernel, blurred: Images, clear: Images) -> Wiener:
    """The filter with the least mean absolute error on these images; some hundred training images will do."""
    candidates = [Wiener(kernel, balance) for balance in BALANCES]
    errors = [np.abs(each(blurred) - clear).mean() for each in candidates]
    return candidates[int(np.argmin(errors))]


@dataclasses.dataclass(frozen=True, eq=False)
class Linear:
    """Every restored pixel a weighted sum of all blurred ones, plus a constant; cut off at 0 and 1."""

    weights: Float[np.ndarray, "pixel pixel"]
    offset: Float[np.ndarray, " pixel"]

    def __call__(self, blurred: Images) -> Images:
        restored = _flat(blurred) @ self.weights + self.offset
        return restored.reshape(blurred.shape).clip(0, 1).astype(np.float32)


def learn_ridge(blurred: Images, clear: Images, penalty: float = 1e-3) -> Linear:
    """Ridge regression from blurred to clear images (scikit-learn, in float64): the strongest simple peer.

    `penalty` is that of the squared weights against the sum of the squared errors over all images. Rounding to 8 bits has
    put noise into the examples already, so hardly any is needed.
    """
    from sklearn.linear_model import Ridge

    if not (np.isfinite(penalty) and penalty >= 0):
        raise ValueError(f"`penalty` must be finite and not negative, got {penalty}; choose 0.001.")
    fitted = Ridge(penalty, solver="cholesky").fit(_flat(blurred), _flat(clear))
    return Linear(fitted.coef_.T, fitted.intercept_)


def _flat(images: Images) -> Float[np.ndarray, "image pixel"]:
    return images.reshape(len(images), -1).astype(np.float64)


def _planes(images: Images) -> Iterator[tuple[slice, int, Float[np.ndarray, "image height width"]]]:
    """Stacks of one channel each in float64, with the place that they are from."""
    for start in range(0, len(images), STACK):
        rows = slice(start, start + STACK)
        for channel in range(images.shape[-1]):
            yield rows, channel, images[rows, ..., channel].astype(np.float64)
