"""Clusters of latents and of images, their scores and their maps."""

from aecluster.clustering.compare import Row, check_comparable, compare, methods_for, spaces
from aecluster.clustering.deep import DeepClustering
from aecluster.clustering.embedded import EmbeddedClustering
from aecluster.clustering.latents import METHODS, LatentEncoder, k_means, mixture
from aecluster.clustering.number import clusters_found, prediction_strength
from aecluster.clustering.scores import Scores, counts, matched, score
from aecluster.clustering.self_training import SelfTraining
from aecluster.clustering.tsne import check_mappable, tsne

__all__ = [
    "METHODS",
    "DeepClustering",
    "EmbeddedClustering",
    "LatentEncoder",
    "Row",
    "Scores",
    "SelfTraining",
    "check_comparable",
    "check_mappable",
    "clusters_found",
    "compare",
    "counts",
    "k_means",
    "matched",
    "methods_for",
    "mixture",
    "prediction_strength",
    "score",
    "spaces",
    "tsne",
]
