"""Clusters of images from nothing but the images: what survives deformation, the manifold it lies on, its parts."""

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from aecluster.arguments import a_shape, maybe, plain, some, whole, wholes
from aecluster.clustering.invariance import learn_among
from aecluster.clustering.number import clusters_found
from aecluster.clustering.parts import nearest, partitions
from aecluster.clustering.self_training import SelfTraining, learn
from aecluster.clustering.student import agreed, study
from aecluster.clustering.watched import watched
from aecluster.corruptions import AbstractCorruption, Deformation
from aecluster.ensemble import Ensemble
from aecluster.images import HostImages, ImageShape, check_images
from aecluster.models import Dense
from aecluster.recipes import RECIPES, SMALL, Recipe
from aecluster.training import train

NEIGHBOURS = 20  # of the graph whose layout UMAP computes, as in N2D
NEIGHBOURS_OF_FEW = (10, 40)  # of the layouts besides where there are few images
DIMENSIONS = 10  # of that layout, as in N2D
NOTHING = Deformation(rotation=0.0, shift=0.0, scale=0.0, shear=0.0)
FEWEST = 3  # images that have neighbours to unroll
FILLED = 20 / 28  # of the side is what ink may fill
FAINTEST = 0.1  # grey that is ink, where its extent is measured


class DeepClustering(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Clusters of images in five steps, none of which sees a label.

    1. An autoencoder restores images from randomly deformed versions of them (`recipe`), so that its latents tell what is
       drawn rather than where and how (Guo et al. 2018, proceedings.mlr.press/v95/guo18b, trains on deformed images too).
       Images whose ink reaches closer to the edge than MNIST's get a black margin first, so that none is moved out.
    2. UMAP (McInnes et al. 2018, arXiv:1802.03426) unrolls the manifold that the latents lie on, and
    3. a mixture of Gaussians splits it, as in N2D (McConville et al. 2021, arXiv:1908.05968), but into three times as many
       parts as clusters are wanted, which are joined so that an image's cluster tells most about those of its neighbours
       (`partitions`).
    4. A classifier, its first layers the encoder's, learns these clusters from deformed images (`learn`), which corrects
       them.
    5. A convolutional classifier learns the clusters of the images whose neighbours among the latents are all in the same, and
       judges the others itself (`study`). It answers for new images too, which need no manifold.

    Fewer than 10,000 images are split in nine ways, since one is often wrong: by three layouts, with 10, 20 and 40 neighbours,
    and three mixtures of each. The classifier of step 4 learns the better half of them, those that tell most about neighbours,
    corrects them by the mutual information between deformed versions of an image, and keeps the one that has most of it
    (`learn_among`). So few images, and rows of no shape, end there: they are too few for a convolutional network.

    This is the fourth version of the recipe. The first two had no parts and no fifth step; the first three learned with Adam.

    Images have shape (images, height, width, channels) or (images, height, width), pixels in [0, 1]. Flat rows may have any
    range, which is brought to [0, 1] by the lowest and the highest number of those that were fitted.

    **Arguments**

    - `n_clusters`: clusters to look for; None finds their number on the manifold, by `clusters_found`.
    - `image_shape`: height, width and channels of images that are given as flat rows. Without it a flat row is taken as one
      long line of pixels, which is not deformed.
    - `latent_size`: numbers kept of an image.
    - `widths`: hidden layers of the encoder.
    - `recipe`: how to train the autoencoder; the recipe "invariant" by default.
    - `self_training`: how to train the classifier.
    - `random_state`: seed, or what scikit-learn takes for one. The same seed gives the same clusters on the same machine.

    **Attributes**

    - `n_clusters_`: the number of clusters, given or found.
    - `labels_`: cluster of every image given to `fit`.
    - `ensemble_`: the trained autoencoder.
    - `manifold_`: where UMAP put the images, of shape (images, dimensions).
    - `mixture_labels_`: the clusters that the mixture's parts were joined to, before the classifier corrected them.

    Examples:
        >>> clustering.DeepClustering(10, latent_size=8, random_state=0)
        DeepClustering(latent_size=8, random_state=0)
    """

    def __init__(
        self,
        n_clusters: int | None = 10,
        *,
        image_shape: ImageShape | None = None,
        latent_size: int = 16,
        widths: tuple[int, ...] = (512, 256),
        recipe: Recipe | None = None,
        self_training: SelfTraining | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_clusters = n_clusters
        self.image_shape = image_shape
        self.latent_size = latent_size
        self.widths = widths
        self.recipe = recipe
        self.self_training = self_training
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "DeepClustering":
        """Find the clusters of images (images, height, width, channels) or of flat rows.

        Raises ValueError, before anything is trained, for what are no images, and for too few of them.
        """
        del y
        num_clusters = self._checked()
        images = self._images(X, reset=True)
        if len(images) < max(num_clusters or 1, FEWEST):
            raise ValueError(
                f"`n_clusters` is {num_clusters}, but n_samples={len(images)}; look for fewer clusters or give more images, "
                f"{FEWEST} at least."
            )
        distinct = len(np.unique(images.reshape(len(images), -1), axis=0))
        if distinct < (num_clusters or 1):
            raise ValueError(
                f"`n_clusters` is {num_clusters}, but of the {len(images)} images only {distinct} differ; look for fewer."
            )
        seed = int(check_random_state(plain(self.random_state)).randint(2**31 - 1))
        self.ensemble_ = self._train(images, seed)
        network: Any = self.ensemble_.member(0)
        latents = self.ensemble_.encode(images)[0]
        self.manifold_ = unrolled(latents, seed)
        self.n_clusters_ = num_clusters or clusters_found(self.manifold_, seed)
        others = NEIGHBOURS_OF_FEW if len(images) < SMALL else ()
        spaces = [self.manifold_, *(unrolled(latents, seed, number) for number in others)]
        neighbours = nearest(latents)
        several = partitions(spaces, neighbours, self.n_clusters_, seed)
        self.mixture_labels_ = several[0].argmax(1)
        settings = self._corruption(), self.self_training or SelfTraining(), seed
        if len(images) < SMALL:
            better = np.stack(several[: -(-len(several) // 2)], axis=1)
            self.classifier_ = learn_among(images, better, network.encoder, *settings)
        else:
            self.classifier_ = learn(images, several[0], network.encoder, *settings)
        if self.pictures_ and len(images) >= SMALL:
            taught = self.classifier_.memberships(images)
            self.classifier_ = study(images, taught, agreed(taught.argmax(1), neighbours), *settings)
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: Any) -> Integer[np.ndarray, " image"]:
        """The cluster of every image."""
        return self.predict_proba(X).argmax(1)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "image cluster"]:
        """Probability of every cluster for every image, by the classifier."""
        check_is_fitted(self)
        images = self._images(X, reset=False)
        return self.classifier_.memberships(images)

    def transform(self, X: Any) -> Float[np.ndarray, "image latent"]:
        """The latents of the autoencoder."""
        check_is_fitted(self)
        return self.ensemble_.encode(self._images(X, reset=False))[0]

    def _checked(self) -> int | None:
        """The number of clusters, None where it is to be found; ValueError for settings that a later step would refuse."""
        whole(1)("latent_size", self.latent_size)
        wholes(1)("widths", self.widths)
        maybe(a_shape)("image_shape", self.image_shape)
        maybe(some(Recipe, "ae.RECIPES['invariant']"))("recipe", self.recipe)
        maybe(some(SelfTraining, "SelfTraining()"))("self_training", self.self_training)
        return maybe(whole(1))("n_clusters", self.n_clusters)

    def _train(self, images: HostImages, seed: int) -> Ensemble:
        recipe = dataclasses.replace(self._recipe().for_images(len(images)), corruption=self._corruption())
        latent_size = min(whole(1)("latent_size", self.latent_size), images[0].size)
        return train(Dense(latent_size, self.widths), watched(images), recipe, seeds=(seed,))

    def _corruption(self) -> AbstractCorruption:
        """The recipe's; flat rows of unknown shape have no pose to deform."""
        corruption = self._recipe().corruption
        return corruption if self.pictures_ and corruption is not None else NOTHING

    def _recipe(self) -> Recipe:
        return self.recipe or RECIPES["invariant"]

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the columns of `transform` by."""
        return self.ensemble_.latent_size

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _images(self, X: Any, reset: bool) -> HostImages:
        """Images in [0, 1], by the range of what was fitted."""
        if np.asarray(X).ndim > 2:
            check_images("X", np.asarray(X) if np.ndim(X) == 4 else np.asarray(X)[..., None])
        X = validate_data(self, X, reset=reset, allow_nd=True, dtype=np.float32, ensure_min_samples=1)
        if X.ndim == 3:
            X = X[..., None]
        shape = X.shape[1:] if X.ndim == 4 else maybe(a_shape)("image_shape", self.image_shape) or (1, X.shape[1], 1)
        if X.ndim == 2 and np.prod(shape) != X.shape[1]:
            raise ValueError(f"`image_shape` {shape} does not fit rows of {X.shape[1]} numbers; correct it.")
        if reset:
            self.pictures_ = X.ndim == 4 or self.image_shape is not None
            self.low_, self.range_ = float(X.min()), float(X.max() - X.min()) or 1.0
        images = np.clip((X.reshape(len(X), *shape) - self.low_) / self.range_, 0.0, 1.0)
        if reset:
            self.image_shape_, self.margin_ = images.shape[1:], margin_of(images) if self.pictures_ else 0
        check_images("X", images, self.image_shape_)
        edge = (self.margin_, self.margin_)
        return np.pad(images, ((0, 0), edge, edge, (0, 0)))


def margin_of(images: HostImages) -> int:
    """Black pixels to add on every side, so that ink fills as much of the image as MNIST's does of its own: 20 / 28.

    How much it fills is the longer side of the box around an image's ink, the median over the images.
    """
    inked: np.ndarray = np.any(images > FAINTEST, axis=-1)
    lengths = [_extent(np.any(inked, axis=axis)) for axis in (1, 2)]
    wanted = np.median(np.maximum(*lengths)) / FILLED
    return max(0, math.ceil((wanted - max(images.shape[1:3])) / 2))


def _extent(inked: Bool[np.ndarray, "image place"]) -> Integer[np.ndarray, " image"]:
    """From the first place with ink to the last; 0 where there is none."""
    first, last = inked.argmax(1), inked.shape[1] - inked[:, ::-1].argmax(1)
    return np.where(inked.any(1), last - first, 0)


def unrolled(
    latents: Float[np.ndarray, "image latent"], seed: int, neighbours: int = NEIGHBOURS
) -> Float[np.ndarray, "image dimension"]:
    """UMAP's layout of the latents, for clustering: neighbours as close as they come."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # umap misses TensorFlow, for a part of it that is not used here
        from umap import UMAP
    num_images = len(latents)
    layout = UMAP(
        n_neighbors=min(neighbours, num_images - 1),
        n_components=min(DIMENSIONS, max(num_images - 2, 1)),
        min_dist=0.0,
        random_state=seed,
        n_jobs=1,
    )
    return layout.fit_transform(latents)
