"""How well clusters agree with labels that nobody showed them."""

import dataclasses

import numpy as np
from jaxtyping import Float, Integer

from aecluster.arguments import a_seed, check_table
from aecluster.images import check_labels

MOST_CLASSES = 5_000  # that a square table of counts is made for
SILHOUETTE_SAMPLE = 5_000  # points whose silhouette is taken: it compares every one with every other


@dataclasses.dataclass(frozen=True)
class Scores:
    """Agreement of one clustering with the labels.

    **Attributes**

    - `accuracy`: share of points whose cluster's matched label is their own; the matching of clusters to labels is the one
      that makes this largest (Kuhn 1955, doi:10.1002/nav.3800020109).
    - `nmi`: normalised mutual information, arithmetic mean.
    - `ari`: adjusted Rand index (Hubert and Arabie 1985, doi:10.1007/BF01908075).
    - `silhouette`: mean silhouette in the space that was clustered (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7); NaN
      where no space was given or there is one cluster.
    - `confusion`: counts by label and by matched cluster, square.
    """

    accuracy: float
    nmi: float
    ari: float
    silhouette: float
    confusion: Integer[np.ndarray, "label cluster"]


def score(
    labels: Integer[np.ndarray, " point"],
    clusters: Integer[np.ndarray, " point"],
    space: Float[np.ndarray, "point feature"] | None = None,
    seed: int = 0,
) -> Scores:
    """Scores of clusters against labels, both numbered from 0; the silhouette samples points by the seed.

    Raises ValueError where labels and clusters are not as many, none, or not numbered from 0.

    Examples:
        >>> clustering.score(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
        Scores(accuracy=1.0, nmi=1.0, ari=1.0, silhouette=nan, confusion=array([[2, 0],
               [0, 2]]))
    """
    from sklearn import metrics

    confusion = counts(labels, matched(labels, clusters))
    seed, silhouette = a_seed("seed", seed), float("nan")
    if space is not None:
        check_table("space", space, len(labels))
    if space is not None and 1 < len(np.unique(clusters)) < len(clusters):
        sample = min(SILHOUETTE_SAMPLE, len(clusters))
        silhouette = float(metrics.silhouette_score(space, clusters, sample_size=sample, random_state=seed))
    return Scores(
        accuracy=float(np.trace(confusion) / len(labels)),
        nmi=float(metrics.normalized_mutual_info_score(labels, clusters)),
        ari=float(metrics.adjusted_rand_score(labels, clusters)),
        silhouette=silhouette,
        confusion=confusion,
    )


def matched(
    labels: Integer[np.ndarray, " point"], clusters: Integer[np.ndarray, " point"]
) -> Integer[np.ndarray, " point"]:
    """The clusters, numbered by the label that each is matched with so that most points agree.

    Clusters beyond the number of labels get the numbers after the labels'.

    Examples:
        >>> clustering.matched(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
        array([0, 0, 1, 1])
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(counts(labels, clusters), maximize=True)
    return rows[np.argsort(columns)][clusters]


def counts(
    labels: Integer[np.ndarray, " point"], clusters: Integer[np.ndarray, " point"]
) -> Integer[np.ndarray, "label cluster"]:
    """How many points have each label and each cluster: square, with empty rows or columns where one is fewer.

    Raises ValueError for numbers below 0, which would be counted from the end, for so large ones that the table would not fit
    into memory, and for no points.
    """
    for name, numbers in {"labels": labels, "clusters": clusters}.items():
        check_labels(name, numbers)
        if numbers.max() >= MOST_CLASSES:
            raise ValueError(
                f"`{name}` must be below {MOST_CLASSES:,}, got {numbers.max()}; number them by "
                "`np.unique(labels, return_inverse=True)[1]`."
            )
    if len(labels) != len(clusters):
        raise ValueError(
            f"`labels` and `clusters` must be as many, got {len(labels)} and {len(clusters)}; give those of the same images."
        )
    size = int(max(labels.max(), clusters.max())) + 1
    table = np.zeros((size, size), dtype=np.int64)
    np.add.at(table, (labels, clusters), 1)
    return table
