"""A map of points in the plane."""

import numpy as np
from jaxtyping import Float


def tsne(
    points: Float[np.ndarray, "point feature"], seed: int = 0, perplexity: float = 30.0
) -> Float[np.ndarray, "point 2"]:
    """t-SNE by openTSNE (Policar et al. 2024, doi:10.18637/jss.v109.i03), started from PCA; the same seed, the same map.

    Perplexity is van der Maaten and Hinton's (2008, section 2). Raises ValueError unless it is below a third of the number
    of points, and the points are finite and not all the same.
    """
    from openTSNE import TSNE

    if not perplexity < len(points) / 3:
        raise ValueError(
            f"`perplexity` must be below a third of the {len(points)} points, got {perplexity}; lower it or take more points."
        )
    if not np.isfinite(points).all():
        raise ValueError("`points` must be finite, got NaN or infinity; remove such points.")
    if (points == points[0]).all():
        raise ValueError(f"`points` must differ, all {len(points)} are the same; a map of them would be one dot.")
    embedding = TSNE(perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=-1).fit(points)
    return np.asarray(embedding)
