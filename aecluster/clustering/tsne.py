"""A map of points in the plane."""

import numpy as np
from jaxtyping import Float

from aecluster.arguments import a_seed, check_table, real


def tsne(
    points: Float[np.ndarray, "point feature"], seed: int = 0, perplexity: float = 30.0
) -> Float[np.ndarray, "point 2"]:
    """t-SNE by openTSNE (Policar et al. 2024, doi:10.18637/jss.v109.i03); the same seed, the same map.

    It starts from PCA, and where there is one feature alone from random places. Perplexity is van der Maaten and Hinton's
    (2008, section 2). Raises ValueError as `check_mappable` does.
    """
    from openTSNE import TSNE

    check_mappable(points, perplexity)
    perplexity, seed = real(at_least=1)("perplexity", perplexity), a_seed("seed", seed)
    start = "pca" if points.shape[1] > 1 else "random"
    return np.asarray(TSNE(perplexity=perplexity, initialization=start, random_state=seed, n_jobs=-1).fit(points))


def check_mappable(points: Float[np.ndarray, "point feature"], perplexity: float) -> None:
    """Refuse, before any work, what `tsne` cannot map.

    Raises ValueError unless the points are finite and not all the same, and the perplexity is below a third of their number.
    """
    check_table("points", points)
    perplexity = real(at_least=1)("perplexity", perplexity)
    if not perplexity < len(points) / 3:
        raise ValueError(
            f"`perplexity` must be below a third of the {len(points)} points, got {perplexity}; lower it or take more points."
        )
    if (points == points[0]).all():
        raise ValueError(f"`points` must differ, all {len(points)} are the same; a map of them would be one dot.")
