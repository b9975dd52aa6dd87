"""Methods side by side on spaces side by side, every number with its spread over seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Integer
from threadpoolctl import threadpool_limits

from aecluster.arguments import check_table, some, whole
from aecluster.clustering.latents import METHODS
from aecluster.clustering.scores import Scores, counts, score
from aecluster.ensemble import Ensemble, Trained
from aecluster.images import HostImages, check_images

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

    check_images("images", images)
    num_seeds = whole(1)("num_seeds", num_seeds)
    for ensemble in some(Mapping, "ae.trained(folder)")("trained", trained).values():
        some(Ensemble, "ae.train(architecture, data)")("trained", ensemble).check(images)
    pixels = images.reshape(len(images), -1)
    yield "pixels", [pixels] * num_seeds
    kept = min(COMPONENTS, *pixels.shape)
    yield f"PCA, {kept}", [PCA(kept, random_state=0).fit_transform(pixels)] * num_seeds
    for (recipe, latent_size), ensemble in trained.items():
        yield f"{recipe}, {latent_size}", list(ensemble.encode(images)[:num_seeds])


def compare(
    labels: Integer[np.ndarray, " image"], named: Mapping[str, Sequence[Space]], num_clusters: int
) -> Iterator[Row]:
    """Every method on every space, scored against the labels.

    Raises ValueError, before any method runs, for what are no labels, spaces of other points than the labels', and more clusters
    than a space has distinct points.
    """
    num_clusters = check_comparable(labels, named, num_clusters)
    for name, per_seed in named.items():
        for method in methods_for(per_seed[0]):
            with threadpool_limits(1, user_api="blas"):  # matrices are small, and threads would wait for one another
                clusters = [
                    METHODS[method](num_clusters, seed).fit_predict(space) for seed, space in enumerate(per_seed)
                ]
            scores = [
                score(labels, found, space, seed)
                for seed, (found, space) in enumerate(zip(clusters, per_seed, strict=True))
            ]
            yield Row(name, method, scores, clusters)


def check_comparable(
    labels: Integer[np.ndarray, " image"], named: Mapping[str, Sequence[Space]], num_clusters: int
) -> int:
    """Refuse, before any work, what `compare` cannot; the number of clusters."""
    num_clusters = whole(1)("num_clusters", num_clusters)
    counts(labels, labels)
    if num_clusters > len(labels):
        raise ValueError(f"`num_clusters` is {num_clusters}, but there are only {len(labels)} images; look for fewer.")
    for name, per_seed in some(Mapping, "dict(spaces(images, trained, 1))")("named", named).items():
        for space in per_seed:
            check_table(f"named[{name!r}]", space, len(labels))
            distinct = len(np.unique(space, axis=0))
            if distinct < num_clusters:
                raise ValueError(
                    f"`num_clusters` is {num_clusters}, but of the {len(labels)} images only {distinct} differ in {name!r}; look "
                    "for fewer."
                )
    return num_clusters


def methods_for(space: Space) -> list[str]:
    """k-means everywhere; a mixture where its covariances are few enough to be told by the images."""
    return [method for method in METHODS if method != "mixture" or space.shape[1] <= MOST_FEATURES]
