"""Early stopping: on images that are held out of the training ones, since the test images are for the end."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from aecluster.arguments import real, settle, whole
from aecluster.images import HostImages

MOST = 0.9  # of the images that may be held out
SHUFFLE = 0  # seed of which images are held out: the same ones for every network, so that their errors compare


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """Hold out some of the training images, stop when the error on them falls no more, and keep the best networks.

    The error is the mean absolute one. Networks from several seeds go on until the last of them has stopped gaining; each is
    kept as it was after its own best epoch. The test images decide nothing.

    **Attributes**

    - `patience`: epochs without a lower error before the end; as many as the recipe's epochs never stop it, and still keep the
      best.
    - `share`: of the training images that are held out, at random and the same ones every time; at least one.

    Raises ValueError for a patience below 1, and for a share that is not above 0 and at most 0.9.
    """

    patience: int = 5
    share: float = 0.1

    def __post_init__(self) -> None:
        settle(self, patience=whole(1), share=_share)

    def num_held_out(self, num_images: int) -> int:
        """How many of so many images are held out."""
        return max(1, round(self.share * num_images))

    def split(
        self, images: HostImages
    ) -> tuple[Float[np.ndarray, "train height width channel"], Float[np.ndarray, "held_out height width channel"]]:
        """Images to train on, in their order, and those that are held out."""
        chosen = np.random.default_rng(SHUFFLE).permutation(len(images))[: self.num_held_out(len(images))]
        held_out = np.isin(np.arange(len(images)), chosen)
        return images[~held_out], images[held_out]

    def stops(self, errors: Float[np.ndarray, "seed epoch"]) -> bool:
        """Whether no network has had a lower held-out error than before for so many epochs."""
        return errors.shape[1] > 0 and bool((errors.shape[1] - 1 - errors.argmin(1) >= self.patience).all())


def is_best(errors: Float[np.ndarray, "seed epoch"]) -> Bool[np.ndarray, " seed"]:
    """Of which networks the last epoch has the lowest error so far; of equal ones the first counts."""
    return errors.argmin(1) == errors.shape[1] - 1


def _share(name: str, value: Any) -> float:
    share = real(above=0)(name, value)
    if share > MOST:
        raise ValueError(f"`{name}` must leave images to train on, at most {MOST} held out, got {share:g}; give less.")
    return share
