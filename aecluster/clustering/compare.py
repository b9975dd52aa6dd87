"""Methods side by side on spaces side by side, every number with its spread over seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Integer

from aecluster.clustering.latents import METHODS
from aecluster.clustering.scores import Scores, score
from aecluster.ensemble import Trained
from aecluster.images import HostImages

Space: TypeAlias = Float[np.ndarray, "image feature"]
COMPONENTS = 16  # principal components kept of the pixels
MOST_FEATURES = 64  # of a space that a mixture with full covariances is fitted to


class Row(NamedTuple):
    """One method on one space: its scores and its clusters, one a seed."""

    space: str
    method: str
    scores: list[Scores]
    clusters: list[Integer[np.ndarray, " image"]]

    def summary(self) -> dict[str, object]:
        """Means and standard deviations over the seeds."""
        numbers: dict[str, object] = {"space": self.space, "method": self.method, "seeds": len(self.scores)}
        for name in ("accuracy", "nmi", "ari", "silhouette"):
            values = [getattr(one, name) for one in self.scores]
            numbers |= {name: float(np.mean(values)), f"{name}_std": float(np.std(values))}
        return numbers


def spaces(images: HostImages, trained: Trained, num_seeds: int) -> Iterator[tuple[str, Sequence[Space]]]:
    """Pixels, principal components, and the latents of every training: one space a seed."""
    from sklearn.decomposition import PCA

    pixels = images.reshape(len(images), -1)
    yield "pixels", [pixels] * num_seeds
    kept = min(COMPONENTS, *pixels.shape)
    yield f"PCA, {kept}", [PCA(kept, random_state=0).fit_transform(pixels)] * num_seeds
    for (recipe, latent_size), ensemble in trained.items():
        yield f"{recipe}, {latent_size}", list(ensemble.encode(images)[:num_seeds])


def compare(
    labels: Integer[np.ndarray, " image"], named: Mapping[str, Sequence[Space]], num_clusters: int
) -> Iterator[Row]:
    """Every method on every space, scored against the labels. Raises ValueError for more clusters than images."""
    if num_clusters > len(labels):
        raise ValueError(f"`num_clusters` is {num_clusters}, but there are only {len(labels)} images; look for fewer.")
    for name, per_seed in named.items():
        for method in methods_for(per_seed[0]):
            clusters = [METHODS[method](num_clusters, seed).fit_predict(space) for seed, space in enumerate(per_seed)]
            scores = [
                score(labels, found, space, seed)
                for seed, (found, space) in enumerate(zip(clusters, per_seed, strict=True))
            ]
            yield Row(name, method, scores, clusters)


def methods_for(space: Space) -> list[str]:
    """k-means everywhere; a mixture where its covariances are few enough to be told by the images."""
    return [method for method in METHODS if method != "mixture" or space.shape[1] <= MOST_FEATURES]
