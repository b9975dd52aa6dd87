"""Clusters of latents, the plain way: an encoder as a transformer, and scikit-learn's estimators behind it."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted, validate_data

from aecluster.arguments import a_seed, some, whole
from aecluster.ensemble import Ensemble

STARTS = 10  # of k-means and of a mixture; the start with the best inertia or likelihood is kept


class LatentEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """One trained encoder as a transformer: `make_pipeline(LatentEncoder(ensemble), KMeans(10))` clusters images.

    Images have shape (images, height, width, channels), pixels in [0, 1], or are flat rows of as many numbers, in a table of
    pandas' too; what comes out is (images, latent_size). Raises ValueError for what are no such images.
    """

    def __init__(self, ensemble: Ensemble, member: int = 0):
        self.ensemble = ensemble
        self.member = member

    def fit(self, X: Any, y: Any = None) -> "LatentEncoder":
        """Nothing is learned; the network is trained already. Raises ValueError as `transform` does."""
        del y
        some(Ensemble, "ae.train(architecture, data)")("ensemble", self.ensemble)
        whole(0, len(self.ensemble) - 1)("member", self.member)
        self._images(X, reset=True)
        self.n_features_out_ = self.ensemble.latent_size
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "image latent"]:
        """The images' latents."""
        check_is_fitted(self)
        return self.ensemble.alone(self.member).encode(self._images(X, reset=False))[0]

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the columns of `transform` by."""
        return self.n_features_out_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _images(self, X: Any, reset: bool) -> np.ndarray:
        """Images, flat rows of which get the network's shape."""
        images = np.asarray(X)
        if images.ndim <= 2:
            images = validate_data(self, X, reset=reset, dtype=np.float32)
        if images.ndim == 2 and images.shape[1] == math.prod(self.ensemble.image_shape):
            images = images.reshape(len(images), *self.ensemble.image_shape)
        self.ensemble.check(images)
        return images


def k_means(num_clusters: int, seed: int) -> ClusterMixin:
    """k-means from k-means++ (Arthur and Vassilvitskii 2007), the best of `STARTS` by inertia.

    Examples:
        >>> images = ae.load().test.images
        >>> clusters = clustering.k_means(10, seed=0).fit_predict(images.reshape(len(images), -1))
        >>> sorted(set(clusters.tolist()))
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    num_clusters, seed = whole(1)("num_clusters", num_clusters), a_seed("seed", seed)
    return KMeans(num_clusters, n_init=STARTS, random_state=seed)


def mixture(num_clusters: int, seed: int) -> GaussianMixture:
    """A mixture of Gaussians with full covariances, the best of `STARTS` by likelihood."""
    num_clusters, seed = whole(1)("num_clusters", num_clusters), a_seed("seed", seed)
    return GaussianMixture(num_clusters, n_init=STARTS, random_state=seed)


METHODS = {"k-means": k_means, "mixture": mixture}
