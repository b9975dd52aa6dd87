"""How many clusters there are: as many as the two halves of the points agree on."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Integer
from sklearn.mixture import GaussianMixture

from aecluster.arguments import a_seed, check_table, whole, wholes

CANDIDATES = tuple(range(2, 21))
SAMPLE = 4_000  # points that are halved, at most
SPLITS = 3
STARTS = 3  # of each mixture
STRONG = 0.8  # "ps(k) > 0.8 or 0.9" in the paper, section 3


def prediction_strength(space: Float[np.ndarray, "point feature"], num_clusters: int, seed: int = 0) -> float:
    """How well a half of the points predicts which points of the other half belong together, from 0 to 1.

    Tibshirani and Walther 2005 (doi:10.1198/106186005X59243, section 2): both halves are clustered, here by mixtures of
    Gaussians; of every cluster of the second half, the share of its pairs that the first half's mixture too puts into one
    cluster; the least of these shares, the mean over some random halvings. A cluster of one point has no pairs and counts 0.

    Raises ValueError for what is no table of finite numbers, and for more clusters than a half has points.
    """
    check_table("space", space, len(space))
    seed, draw = a_seed("seed", seed), np.random.default_rng(seed)
    half = min(len(space), SAMPLE) // 2
    num_clusters = whole(1, half)("num_clusters", num_clusters)
    found = []
    for _ in range(SPLITS):
        order = draw.permutation(len(space))
        teacher, pupils = (
            GaussianMixture(num_clusters, n_init=STARTS, random_state=seed, reg_covar=1e-4).fit(space[rows])
            for rows in (order[:half], order[half : 2 * half])
        )
        points = space[order[half : 2 * half]]
        found.append(_least_kept(pupils.predict(points), teacher.predict(points)))
    return float(np.mean(found))


def clusters_found(
    space: Float[np.ndarray, "point feature"], seed: int = 0, candidates: Sequence[int] = CANDIDATES
) -> int:
    """The largest number of clusters whose prediction strength is at least 0.8; 1 where no candidate's is.

    Candidates that would leave a half fewer than five points a cluster are passed over.
    """
    most = min(len(space), SAMPLE) // 10
    usable = [number for number in sorted(wholes(1)("candidates", candidates)) if number <= most]
    strong = [number for number in usable if prediction_strength(space, number, seed) >= STRONG]
    return max(strong, default=1)


def _least_kept(clusters: Integer[np.ndarray, " point"], predicted: Integer[np.ndarray, " point"]) -> float:
    """Of the pairs in one cluster the share that is in one predicted cluster too, in the worst cluster."""
    table = np.zeros((clusters.max() + 1, predicted.max() + 1))
    np.add.at(table, (clusters, predicted), 1)
    sizes = table.sum(1)
    pairs, kept = sizes * (sizes - 1), (table * (table - 1)).sum(1)
    return float(np.min(np.divide(kept, pairs, out=np.zeros(len(pairs)), where=pairs > 0)))
