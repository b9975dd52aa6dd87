"""Trained autoencoders: one network, as many sets of parameters as seeds, and how they came about."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import jax
import numpy as np
from flax import nnx
from jaxtyping import Bool, Float, Int, Num

from aecluster.arguments import a_shape, is_array, settle, short, some, some_seeds, whole
from aecluster.images import HostImages, Images, ImageShape, Latents, check_images, chunks, joined
from aecluster.metrics import INK, dead_pixels
from aecluster.models import AbstractArchitecture, AbstractAutoencoder, Params, Restorer, structure, take
from aecluster.names import shown

if TYPE_CHECKING:
    import pandas

Trained: TypeAlias = dict[tuple[str, int], "Ensemble"]  # several trainings, by recipe and latent size


@dataclasses.dataclass(frozen=True)
class History:
    """What was seen after every epoch.

    **Attributes**

    - `loss`: what was minimised, mean over the epoch's steps.
    - `train_error`: mean absolute error on the training batches as they came, before each step.
    - `test_error`: mean absolute error on the test images after the epoch.
    - `dead_pixels`: pixels black in every reconstruction of a test image although they often carry ink.
    - `held_out_error`: mean absolute error on the held-out images after the epoch; None where none are held out.
    """

    loss: Float[np.ndarray, "seed epoch"]
    train_error: Float[np.ndarray, "seed epoch"]
    test_error: Float[np.ndarray, "seed epoch"]
    dead_pixels: Int[np.ndarray, "seed epoch"]
    held_out_error: Float[np.ndarray, "seed epoch"] | None = None

    __repr__ = shown

    @staticmethod
    def empty(num_seeds: int, held_out: bool = False) -> "History":
        """The history before the first epoch, where images are held out or not."""
        nothing = np.zeros((num_seeds, 0))
        return History(nothing, nothing, nothing, nothing.astype(int), nothing if held_out else None)

    @property
    def num_epochs(self) -> int:
        """Epochs so far."""
        return self.loss.shape[1]

    def after(self, **measured: np.ndarray) -> "History":
        """The history with one more epoch."""
        return History(**{name: np.column_stack([getattr(self, name), values]) for name, values in measured.items()})

    def columns(self) -> dict[str, Num[np.ndarray, "seed epoch"]]:
        """All that was measured, by name."""
        return {name: values for name, values in dataclasses.asdict(self).items() if values is not None}

    def kept(self) -> dict[str, Num[np.ndarray, " seed"]]:
        """What was measured after the epoch whose networks were kept: that of the least held-out error, else the last."""
        seeds = np.arange(len(self.loss))
        epochs = self.num_epochs - 1 if self.held_out_error is None else self.held_out_error.argmin(1)
        return {name: values[seeds, epochs] for name, values in self.columns().items()}

    def to_dataframe(self, seeds: Sequence[int] | None = None) -> "pandas.DataFrame":
        """A pandas table with one row a network and epoch: seed, epoch (from 1), and all that was measured.

        `seeds` are the ensemble's, in their order; by default they are numbered from 0. Raises ValueError unless there is one
        for each network.
        """
        import pandas

        num_seeds, num_epochs = self.loss.shape
        seeds = range(num_seeds) if seeds is None else some_seeds("seeds", seeds)
        if len(seeds) != num_seeds:
            raise ValueError(f"`seeds` must name {num_seeds} networks, got {len(seeds)}; give those of the ensemble.")
        index = {"seed": np.repeat(seeds, num_epochs), "epoch": np.tile(np.arange(1, num_epochs + 1), num_seeds)}
        return pandas.DataFrame(index | {name: values.ravel() for name, values in self.columns().items()})


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """One architecture trained from several seeds. Every array of `params` has a leading seed axis."""

    architecture: AbstractArchitecture
    image_shape: ImageShape
    seeds: tuple[int, ...]
    params: Params
    history: History

    __repr__ = shown

    def __post_init__(self) -> None:
        settle(self, architecture=some(AbstractArchitecture, "ae.Dense(16)"), image_shape=a_shape, seeds=some_seeds)

    def __len__(self) -> int:
        return len(self.seeds)

    def member(self, index: int) -> nnx.Module:
        """One network as a Flax module; an `Autoencoder` has `.encoder` and `.decoder` to use apart.

        Raises ValueError unless there are so many.
        """
        index = whole(-len(self), len(self) - 1)("index", index)
        return nnx.merge(structure(self.architecture, self.image_shape), take(self.params, index))

    def alone(self, index: int) -> "Ensemble":
        """One network and its history as an ensemble of one, where the others need not be asked.

        Raises ValueError unless there are so many.
        """
        index = whole(-len(self), len(self) - 1)("index", index)
        measured = {name: values[index][None] for name, values in self.history.columns().items()}
        params = jax.tree.map(lambda leaf: leaf[None], take(self.params, index))
        return dataclasses.replace(self, seeds=(self.seeds[index],), params=params, history=History(**measured))

    def encode(self, images: HostImages) -> Float[np.ndarray, "seed image latent"]:
        """Latents of the images from every member. Raises ValueError for images of another shape or out of [0, 1]."""
        _ = self.latent_size  # a network without latents is told so
        self.check(images)
        return self._every_member(_encode, [images] * len(self))

    def decode(
        self, latents: Float[np.ndarray, "seed image latent"]
    ) -> Float[np.ndarray, "seed image height width channel"]:
        """Pixels in [0, 1] from every member's latents. Raises ValueError for another shape, and for what is not finite."""
        if not is_array(latents):
            raise ValueError(f"`latents` must be an array, got {short(latents)}; make it one by `np.asarray`.")
        if latents.ndim != 3 or latents.shape[::2] != (len(self), self.latent_size):
            raise ValueError(
                f"`latents` must have shape ({len(self)}, images, {self.latent_size}): one set a seed; "
                f"got {latents.shape}; take them from `encode`."
            )
        if not np.issubdtype(latents.dtype, np.floating) or not np.isfinite(latents).all():
            raise ValueError(f"`latents` must be finite floats, got {latents.dtype}; take them from `encode`.")
        return self._every_member(_decode, list(latents))

    def reconstruct(self, images: HostImages) -> Float[np.ndarray, "seed image height width channel"]:
        """What every member makes of the images, pixels in [0, 1].

        Restorers take images of any height and width, others those of training alone. Raises ValueError as `encode` does.
        """
        if isinstance(self.architecture, Restorer) and is_array(images) and images.ndim == 4:
            check_images("images", images, (*images.shape[1:3], self.image_shape[2]))
        else:
            self.check(images)
        return self._every_member(_reconstruct, [images] * len(self))

    def check(self, images: np.ndarray) -> None:
        """Refuse what are no images as the networks were trained on. Raises ValueError as `check_images` does."""
        check_images("images", images, self.image_shape)

    @property
    def latent_size(self) -> int:
        """Numbers kept of an image. Raises ValueError if these networks are no autoencoders."""
        if not isinstance(self.architecture, AbstractAutoencoder):
            raise ValueError(f"{self.architecture} has no latent space; use `reconstruct`.")
        return self.architecture.latent_size

    def _every_member(self, apply: Callable, inputs: list[np.ndarray]) -> np.ndarray:
        """Members one after another: there are few, and CPUs are slow at convolutions that are batched twice."""
        graphdef = structure(self.architecture, self.image_shape)
        outputs = []
        for index, given in enumerate(inputs):
            params = take(self.params, index)
            outputs.append(joined(apply(graphdef, params, part) for _, (part,) in chunks(given)))
        return np.stack(outputs)


@functools.partial(jax.jit, static_argnums=0)
def _encode(graphdef: nnx.GraphDef, params: Params, images: Images) -> Latents:
    return nnx.merge(graphdef, params).encoder(images)


@functools.partial(jax.jit, static_argnums=0)
def _decode(graphdef: nnx.GraphDef, params: Params, latents: Latents) -> Images:
    return jax.nn.sigmoid(nnx.merge(graphdef, params).decoder(latents))


@functools.partial(jax.jit, static_argnums=0)
def _reconstruct(graphdef: nnx.GraphDef, params: Params, images: Images) -> Images:
    return jax.nn.sigmoid(nnx.merge(graphdef, params)(images))


def dead_pixels_of(
    reconstructions: HostImages,
    images: HostImages,
) -> Bool[np.ndarray, "height width channel"]:
    """Which pixels these reconstructions leave black in every image although the images often have ink there.

    Raises ValueError for what are no images, and for images of another shape than the reconstructions'.
    """
    check_images("reconstructions", reconstructions)
    check_images("images", images, reconstructions.shape[1:])
    return dead_pixels(np.asarray(reconstructions).max(0), (np.asarray(images) > INK).mean(0))
