"""Blurs: kernels, the convolution with one, and the corruptions that a network learns to undo."""

import dataclasses
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from aecluster.arguments import entries_of, flag, real, settle, text, whole
from aecluster.corruptions import AbstractCorruption
from aecluster.images import Images, check_images
from aecluster.names import hint

Kernel: TypeAlias = Float[Array, "size size"]
Number: TypeAlias = float | Num[Array, ""]  # traced perhaps

KINDS = ("gaussian", "box", "motion", "defocus")
PER_WIDTH = {"gaussian": 12**-0.5, "box": 1.0, "motion": 1.0, "defocus": 0.5}  # strength of a blur one pixel wide


def gaussian(size: int, sigma: Number) -> Kernel:
    """exp(-(x² + y²) / 2 sigma²), cut off at the kernel's border; sums to 1."""
    size, sigma = _side("size", size), real(above=0)("sigma", sigma)
    row = jax.nn.softmax(-jnp.square(_offsets(size) / jnp.asarray(sigma, jnp.float32)) / 2)
    return jnp.outer(row, row)


def box(size: int, width: Number) -> Kernel:
    """The mean over a square of this width; pixels that it covers in part count in part. Sums to 1."""
    size, width = _side("size", size), real(above=0)("width", width)
    row = _covered(jnp.asarray(width, jnp.float32) / 2, jnp.abs(_offsets(size)))
    return jnp.outer(row, row) / row.sum() ** 2


def motion(size: int, length: Number, angle: Number) -> Kernel:
    """The mean over a line through the centre; sums to 1.

    The angle is in degrees, from the horizontal and against the clock. Along the line a pixel counts as far as the line
    covers it; across, less and less until it is one pixel away. At 0 and 90 degrees that is a box of one row or column.
    """
    size, length = _side("size", size), real(above=0)("length", length)
    radians = jnp.deg2rad(jnp.asarray(angle, jnp.float32))
    right, up = _offsets(size)[None, :], -_offsets(size)[:, None]
    along = jnp.abs(right * jnp.cos(radians) + up * jnp.sin(radians))
    across = jnp.abs(up * jnp.cos(radians) - right * jnp.sin(radians))
    line = _covered(jnp.asarray(length, jnp.float32) / 2, along) * jnp.maximum(1 - across, 0)
    return line / line.sum()


def defocus(size: int, radius: Number) -> Kernel:
    """The mean over a disc of this radius, what a point becomes outside a lens's focus; sums to 1.

    The edge is soft: from 1 to 0 over the pixel around the radius.
    """
    size, radius = _side("size", size), real(above=0)("radius", radius)
    distance = np.hypot(_offsets(size)[:, None], _offsets(size))
    disc = _covered(jnp.asarray(radius, jnp.float32), distance)
    return disc / disc.sum()


def fixed_point_gaussian(size: int, sigma: float) -> Kernel:
    """The Gaussian in multiples of 1/65536, as OpenCV's GaussianBlur takes it for 8-bit images.

    Each of the two passes has weights in multiples of 1/256. From the border inwards a weight is rounded and its error
    added to the next one; the centre is what is missing to 256. For size 5 and sigma 50 they are 51 51 52 51 51.
    """
    size, sigma = _side("size", size), real(above=0)("sigma", sigma)
    exact = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    exact *= 256 / exact.sum()
    row, error = np.zeros(size, np.float32), 0.0
    for index in range(size // 2):
        row[index] = row[-1 - index] = np.rint(exact[index] + error)
        error += exact[index] - row[index]
    row[size // 2] = 256 - row.sum()
    return jnp.asarray(np.outer(row, row) / 65536)


def kernel_named(kind: str, size: int, strength: Number, angle: Number = 0.0) -> Kernel:
    """A kernel by its kind, one of `KINDS`; the angle is for motion alone."""
    kind = _kind("kind", kind)
    if kind == "motion":
        return motion(size, strength, angle)
    return {"gaussian": gaussian, "box": box, "defocus": defocus}[kind](size, strength)


def convolve(images: Images, kernel: Kernel | Float[Array, "image size size"]) -> Images:
    """Every channel convolved with one kernel for all images or with one for each.

    At the border the image is mirrored in its outermost pixels (OpenCV's BORDER_REFLECT_101, SciPy's "mirror"). The kernel
    must not be larger than the image.
    """
    size, (num_images, height, width, _) = kernel.shape[-1], images.shape
    check_fits(size, height, width)
    half = size // 2
    padded = jnp.pad(images, ((0, 0), (half, half), (half, half), (0, 0)), mode="reflect")
    weights = jnp.broadcast_to(kernel, (num_images, size, size)).astype(images.dtype)[..., None, None, None]
    # Slices rather than lax.conv: inside of lax.scan, where training is, XLA's convolution is 27 times slower on a CPU.
    blurred = jnp.zeros_like(images)
    for row in range(size):
        for column in range(size):
            down, right = size - 1 - row, size - 1 - column
            blurred += weights[:, row, column] * padded[:, down : down + height, right : right + width]
    return blurred


@jax.custom_jvp
def nearest_grey(values: Images) -> Images:
    """To the nearest of 0, 1, ..., 255, halves up; its derivative is taken to be 1, or no gradient would come through."""
    return jnp.clip(jnp.floor(values + 0.5), 0, 255)


@nearest_grey.defjvp
def _nearest_grey_jvp(primals: tuple[Images], tangents: tuple[Images]) -> tuple[Images, Images]:
    return nearest_grey(*primals), tangents[0]


def from_grey(greys: Images) -> Images:
    """Whole numbers from 0 to 255, divided by 255 and rounded to float32 as NumPy rounds.

    XLA multiplies by a rounded 1/255 instead of dividing, and errs in the last bit. Here 1/255 is HIGH + LOW. HIGH has
    9 bits, so its product with a grey value is exact; LOW is 65536 times smaller, and so is the error of its product.
    """
    high = 2**-8 + 2**-16
    return greys * high + greys * (1 / 255 - high)


@dataclasses.dataclass(frozen=True)
class Blur(AbstractCorruption):
    """The same blur for every image, and noise upon it if wanted.

    By default that of the original study, `cv2.GaussianBlur(image, (5, 5), 50, borderType=cv2.BORDER_REFLECT_101)` of
    8-bit images, bit for bit. So is every "gaussian" in 8 bits without noise: the sum of products
    `weight * weight * pixel` of whole numbers is at most 65536 * 255, with the half for rounding still below 2**24, hence
    exact in float32, in any order and on any machine. Tested against OpenCV 5.0 for sizes up to 31, sigmas 0.1 to 1000.

    **Attributes**

    - `kind`: "gaussian", "box", "motion" or "defocus".
    - `size`: side of the kernel in pixels, odd.
    - `strength`: in pixels; the Gaussian's sigma, the box's width, the motion's length, the defocus's radius. What does not
      fit in the kernel is cut off.
    - `angle`: of the motion in degrees, from the horizontal and against the clock.
    - `noise`: standard deviation of Gaussian noise that is added, drawn from the key.
    - `eight_bit`: whether images are rounded to multiples of 1/255 before and after, and clipped to [0, 1]. For a gradient
      the rounding and clipping are not there. Without it, noise may lead out of [0, 1].

    Examples:
        >>> ae.Blur(size=3).kernel().shape
        (3, 3)
    """

    kind: str = "gaussian"
    size: int = 5
    strength: float = 50.0
    angle: float = 0.0
    noise: float = 0.0
    eight_bit: bool = True

    def __post_init__(self) -> None:
        settle(
            self, kind=_kind, size=_side, strength=real(above=0), angle=real(), noise=real(at_least=0), eight_bit=flag
        )

    def __call__(self, key: Key[Array, ""], images: Images) -> Images:
        noise = self.noise * jax.random.normal(key, images.shape, images.dtype) if self.noise else 0.0
        return _degrade(images, self.kernel(), noise, eight_bit=self.eight_bit)

    def kernel(self) -> Kernel:
        """The weights, with sum 1; of a Gaussian in 8 bits the fixed-point ones."""
        if self.kind == "gaussian" and self.eight_bit:
            return fixed_point_gaussian(self.size, self.strength)
        return kernel_named(self.kind, self.size, self.strength, self.angle)


@dataclasses.dataclass(frozen=True)
class RandomBlur(AbstractCorruption):
    """A blur and a noise of its own for every image: who must restore the image from it cannot rely on one kernel.

    How wide a blur is, is drawn evenly from `weakest` to `strongest`, as a share of the kernel's side, and means the same
    for all kinds: a box of this width, a motion of this length, a disc of this diameter, and a Gaussian whose variance is
    the box's, sigma = width / sqrt(12). With the defaults that is from 1.35 pixels, hardly blurred, to 6.3, about as
    strong as `ORIGINAL`: on MNIST's test images a peak signal-to-noise ratio of 14.0 to 16.7 dB by kind, against 15.3.
    Angles are drawn evenly too. Gaussian weights are not in fixed point here.

    **Attributes**

    - `size`: side of the kernels in pixels, odd.
    - `kinds`: those to draw from, each as likely as the others.
    - `weakest`: the least width over the side, above 0.
    - `strongest`: the greatest, at most 1.
    - `noise`: each image's standard deviation of the noise is drawn evenly between 0 and this.
    - `eight_bit`: as in `Blur`.
    """

    size: int = 9
    kinds: tuple[str, ...] = KINDS
    weakest: float = 0.15
    strongest: float = 0.7
    noise: float = 0.0
    eight_bit: bool = True

    def __post_init__(self) -> None:
        settle(self, size=_side, kinds=_several_kinds, noise=real(at_least=0), eight_bit=flag)
        settle(self, weakest=real(), strongest=real())
        if not 0 < self.weakest <= self.strongest <= 1:
            raise ValueError(
                f"`weakest` and `strongest` must be shares with 0 < weakest <= strongest <= 1, "
                f"got {self.weakest} and {self.strongest}; choose for example 0.15 and 0.7."
            )

    def __call__(self, key: Key[Array, ""], images: Images) -> Images:
        blur_key, level_key, noise_key = jax.random.split(key, 3)
        noise: Images | float = 0.0
        if self.noise:
            levels = jax.random.uniform(level_key, (len(images), 1, 1, 1), images.dtype, maxval=self.noise)
            noise = levels * jax.random.normal(noise_key, images.shape, images.dtype)
        return _degrade(images, self.kernels(blur_key, len(images)), noise, eight_bit=self.eight_bit)

    def kernels(self, key: Key[Array, ""], num_images: int) -> Float[Array, "image size size"]:
        """One kernel for each of the images."""
        return jax.vmap(self._kernel)(jax.random.split(key, num_images))

    def _kernel(self, key: Key[Array, ""]) -> Kernel:
        kind_key, share_key, angle_key = jax.random.split(key, 3)
        share = jax.random.uniform(share_key, (), jnp.float32, self.weakest, self.strongest)
        angle = jax.random.uniform(angle_key, (), jnp.float32, 0.0, 180.0)
        width = share * self.size
        kernels = [kernel_named(kind, self.size, width * PER_WIDTH[kind], angle) for kind in self.kinds]
        return jnp.stack(kernels)[jax.random.randint(kind_key, (), 0, len(kernels))]


def _degrade(
    images: Images, kernel: Kernel | Float[Array, "image size size"], noise: Images | float, *, eight_bit: bool
) -> Images:
    if images.size and not isinstance(images, jax.core.Tracer):
        check_images("images", images)
    if not eight_bit:
        return convolve(images, kernel) + noise
    return from_grey(nearest_grey(convolve(nearest_grey(255 * images), kernel) + 255 * noise))


def _offsets(size: int) -> Float[np.ndarray, " size"]:
    return np.arange(size, dtype=np.float32) - size // 2


def _covered(half: Float[Array, ""], distance: Float[Array, "..."] | Float[np.ndarray, "..."]) -> Float[Array, "..."]:
    """How much of a pixel this far from the centre is within half a width of it."""
    return jnp.clip(half + 0.5 - distance, 0, 1)


def _side(name: str, value: Any) -> int:
    """An odd number of pixels."""
    size = whole(1)(name, value)
    if size % 2 == 0:
        raise ValueError(f"`{name}` must be odd, so that a kernel has a middle, got {size}; choose {size + 1}.")
    return size


def check_fits(size: int, height: int, width: int) -> None:
    """Refuse a kernel that does not fit. Raises ValueError where it is larger than the images."""
    largest = min(height, width)
    if size > largest:
        raise ValueError(
            f"`size` must be at most {largest} for images of {height}x{width} pixels, got {size}; "
            "choose a smaller kernel or larger images."
        )


def _kind(name: str, value: Any) -> str:
    kind = text(name, value)
    if kind not in KINDS:
        raise ValueError(f"`{name}` must be of {', '.join(KINDS)}, got {kind!r}; {hint(kind, KINDS)}")
    return kind


def _several_kinds(name: str, value: Any) -> tuple[str, ...]:
    kinds = tuple(_kind(name, kind) for kind in entries_of(name, value, f"a tuple of {', '.join(KINDS)}"))
    if not kinds:
        raise ValueError(f"`{name}` must not be empty; choose some of {', '.join(KINDS)}.")
    return kinds


ORIGINAL = Blur()
