"""Clusters of any form: many small parts, joined so that the cluster of a point tells most about those of its neighbours."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int, Integer
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

PARTS = 3  # of a cluster, before they are joined
STARTS = 3  # mixtures of a space, all of which are tried
LINKS = 10  # neighbours of a point whose parts are counted

Neighbours: TypeAlias = Int[np.ndarray, "point neighbour"]  # the numbers of the nearest other points
Links: TypeAlias = Float[np.ndarray, "part part"]  # share of the pairs of neighbours that are in these two; symmetric
Groups: TypeAlias = Int[np.ndarray, " part"]  # the cluster of every part


def partitions(
    spaces: Sequence[Float[np.ndarray, "point dimension"]],
    neighbours: Neighbours,
    num_clusters: int,
    seed: int,
) -> list[Float[np.ndarray, "point cluster"]]:
    """Memberships of clusters that are unions of the parts of mixtures of Gaussians: those that tell most come first.

    In every space, a layout of the points, `STARTS` mixtures of `PARTS` times as many Gaussians as clusters are fitted. The
    parts of each are joined by `join`, so that the clusters of neighbours have most mutual information. A shape that is written
    in several ways lies in several places, one Gaussian for each; and what is common to the clusters wanted is that neighbours
    share them and that none is much smaller than the others: the information is the entropy of the sizes less what neighbours
    leave open.
    """
    num_parts = min(PARTS * num_clusters, *(len(np.unique(space, axis=0)) for space in spaces))
    starts = np.random.default_rng(seed).integers(2**31, size=STARTS)
    found = []
    for space, start in itertools.product(spaces, starts):
        mixture = GaussianMixture(num_parts, random_state=int(start), reg_covar=1e-4)
        parts = mixture.fit(space).predict_proba(space)
        gained, groups = join(linked(parts.argmax(1), neighbours, num_parts), num_clusters)
        found.append((gained, parts @ np.eye(num_clusters)[groups]))
    return [memberships for _, memberships in sorted(found, key=lambda one: -one[0])]


def nearest(latents: Float[np.ndarray, "point latent"]) -> Neighbours:
    """The nearest other points of every point."""
    found = NearestNeighbors(n_neighbors=min(LINKS, len(latents) - 1)).fit(latents)
    return found.kneighbors(return_distance=False)


def linked(parts: Integer[np.ndarray, " point"], neighbours: Neighbours, num_parts: int) -> Links:
    """How often a point of one part has a neighbour of another, either way round, as shares of all."""
    table = np.zeros((num_parts, num_parts))
    np.add.at(table, (parts[:, None], parts[neighbours]), 1.0)
    return (table + table.T) / (2 * table.sum())


def join(links: Links, num_clusters: int) -> tuple[float, Groups]:
    """Join parts into clusters that tell most about each other: their information in nats, and the cluster of every part.

    The two whose union costs least are joined until so many are left, the agglomerative information bottleneck (Slonim and
    Tishby 1999, NIPS 12, section 3); then a part changes its cluster, or two parts change places, as long as one change
    gains anything, the best one first.
    """
    groups = np.arange(len(links))
    while groups.max() + 1 > num_clusters:
        first, second = cheapest(together(links, groups))
        groups = np.where(groups == second, first, groups)
        groups = np.unique(groups, return_inverse=True)[1]
    most = information(together(links, groups))
    while True:
        tried = [(information(together(links, other)), other) for other in changes(groups, num_clusters)]
        best = max(tried, key=lambda one: one[0], default=(most, groups))
        if best[0] <= most + 1e-9:
            return most, groups
        most, groups = best


def together(links: Links, groups: Groups) -> Float[np.ndarray, "group group"]:
    """The links of groups of parts."""
    members = np.eye(groups.max() + 1)[groups]
    return members.T @ links @ members


def information(links: Links) -> float:
    """Mutual information between the groups of the two ends of a link, in nats."""
    return float(_log(links).sum() - 2 * _log(links.sum(0)).sum())


def cheapest(links: Links) -> tuple[int, int]:
    """The two groups whose union loses least information, the lower number first.

    Of the sum over all pairs of groups and of that over the sizes (see `information`), only what has to do with the two
    changes: the rows, twice since the links are symmetric, the four entries where they cross, and their sizes.
    """
    one, sizes, own = _log(links), _log(links.sum(0)), np.diag(links)
    rows = _log(links[:, None] + links[None]).sum(2) - one.sum(1)[:, None] - one.sum(1)[None]
    crossing = (
        _log(own[:, None] + links) + _log(own[None] + links) - np.diag(one)[:, None] - np.diag(one)[None] - 2 * one
    )
    whole = _log(own[:, None] + own[None] + 2 * links) - np.diag(one)[:, None] - np.diag(one)[None] - 2 * one
    size = _log(links.sum(0)[:, None] + links.sum(0)[None]) - sizes[:, None] - sizes[None]
    gain = 2 * (rows - crossing) + whole - 2 * size
    gain[np.tril_indices(len(gain))] = -np.inf
    first, second = np.unravel_index(gain.argmax(), gain.shape)
    return int(first), int(second)


def changes(groups: Groups, num_clusters: int) -> Iterator[Groups]:
    """One part in another cluster, or two parts in each other's, such that no cluster loses its last part."""
    alone = np.bincount(groups, minlength=num_clusters)[groups] == 1
    for part, cluster in itertools.product(np.flatnonzero(~alone).tolist(), range(num_clusters)):
        if groups[part] != cluster:
            yield _with(groups, [part], [cluster])
    for first, second in itertools.combinations(range(len(groups)), 2):
        if groups[first] != groups[second]:
            yield _with(groups, [first, second], groups[[second, first]].tolist())


def _with(groups: Groups, parts: Sequence[int], clusters: Sequence[int]) -> Groups:
    changed = groups.copy()
    changed[parts] = clusters
    return changed


def _log(shares: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """x log x, and 0 at 0."""
    return shares * np.log(np.where(shares > 0, shares, 1.0))
