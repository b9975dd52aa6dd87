"""The ways to cluster images, from pixels to deep clustering, each a function of images, a number of clusters and a seed."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Integer
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from aecluster.arguments import text
from aecluster.clustering.deep import DeepClustering, unrolled
from aecluster.clustering.embedded import EmbeddedClustering, pretrained
from aecluster.clustering.latents import METHODS, STARTS
from aecluster.clustering.watched import watched
from aecluster.images import HostImages
from aecluster.models import Dense
from aecluster.names import hint
from aecluster.recipes import Recipe
from aecluster.training import train

Clusters: TypeAlias = Integer[np.ndarray, " image"]
Space: TypeAlias = Float[np.ndarray, "image feature"]
Contestant: TypeAlias = Callable[..., Clusters]  # of images, number of clusters, seed; `pretraining=` epochs besides

OURS = "ours"
COMPONENTS, LATENT_SIZE = 16, 16


def pixels(images: HostImages, seed: int) -> Space:
    """As they are."""
    del seed
    return images.reshape(len(images), -1)


def components(images: HostImages, seed: int) -> Space:
    """The principal ones of the pixels."""
    rows = pixels(images, seed)
    return PCA(min(COMPONENTS, *rows.shape), random_state=seed).fit_transform(rows)


def latents(images: HostImages, seed: int) -> Space:
    """Of a dense autoencoder of 16 numbers, trained by the cured recipe."""
    recipe = Recipe().for_images(len(images))
    return train(Dense(min(LATENT_SIZE, images[0].size)), watched(images), recipe, seeds=(seed,)).encode(images)[0]


def plainly(
    space: Callable[[HostImages, int], Space], method: str, images: HostImages, num_clusters: int, seed: int, **_: Any
) -> Clusters:
    """k-means or a mixture of Gaussians in a space, the best of ten starts by inertia or likelihood."""
    return METHODS[method](num_clusters, seed).fit_predict(space(images, seed))


def mixture_of_pixels(images: HostImages, num_clusters: int, seed: int, **_: Any) -> Clusters:
    """A mixture of Gaussians with diagonal covariances, for full ones of all pixels are more numbers than images tell."""
    fitted = GaussianMixture(num_clusters, covariance_type="diag", n_init=STARTS, random_state=seed, reg_covar=1e-3)
    return fitted.fit_predict(pixels(images, seed))


def unrolled_pixels(images: HostImages, num_clusters: int, seed: int, **_: Any) -> Clusters:
    """UMAP of the pixels to ten dimensions, and a mixture of Gaussians."""
    return METHODS["mixture"](num_clusters, seed).fit_predict(unrolled(pixels(images, seed), seed))


def embedded(reconstruction: bool, images: HostImages, num_clusters: int, seed: int, *, pretraining: int) -> Clusters:
    """DEC or IDEC; see `EmbeddedClustering` for where it differs from the papers."""
    return EmbeddedClustering(reconstruction, pretraining).fit_predict(images, num_clusters, seed)


def n2d(images: HostImages, num_clusters: int, seed: int, *, pretraining: int) -> Clusters:
    """N2D (McConville et al. 2021, arXiv:1908.05968): the latents of an autoencoder, UMAP, a mixture of Gaussians.

    It was published with 1,000 epochs of pretraining, here they are a setting.
    """
    manifold = unrolled(pretrained(images, pretraining, seed).encode(images)[0], seed)
    return METHODS["mixture"](num_clusters, seed).fit_predict(manifold)


def ours(images: HostImages, num_clusters: int, seed: int, **_: Any) -> Clusters:
    """Deep clustering by its defaults, with the number of clusters given."""
    return DeepClustering(num_clusters, random_state=seed).fit(images).labels_


def ours_number_found(images: HostImages, num_clusters: int, seed: int, **_: Any) -> Clusters:
    """Deep clustering that finds the number of clusters itself."""
    del num_clusters
    return DeepClustering(None, random_state=seed).fit(images).labels_


CONTESTANTS: Mapping[str, Contestant] = {
    **{
        f"{name} {method}": functools.partial(plainly, space, method)
        for name, space in {"pixels": pixels, "PCA": components, "latents": latents}.items()
        for method in METHODS
    },
    "pixels mixture": mixture_of_pixels,
    "UMAP mixture": unrolled_pixels,
    "DEC": functools.partial(embedded, False),
    "IDEC": functools.partial(embedded, True),
    "N2D": n2d,
    OURS: ours,
    "ours number found": ours_number_found,
}


def contestant_named(name: str) -> Contestant:
    """The contestant of that name. Raises ValueError with the near miss."""
    if text("name", name) not in CONTESTANTS:
        raise ValueError(f"No contestant is called {name!r}; {hint(name, list(CONTESTANTS))}")
    return CONTESTANTS[name]
