"""One cell of the benchmark: a contestant on some images from one seed, what it finds and what it costs."""

import resource
import sys
import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer

from aecluster.arguments import whole
from aecluster.benchmark.contestants import contestant_named
from aecluster.clustering.scores import counts, score
from aecluster.images import HostImages, check_images


class Contest(NamedTuple):
    """Images to cluster and the labels that score it; no contestant sees a label."""

    data: str
    images: HostImages
    labels: Integer[np.ndarray, " image"]
    num_clusters: int


class Cell(NamedTuple):
    """What one contestant found from one seed.

    `clusters` is how many it found or was given, `cpu_seconds` the time of all threads together, with what compiles in a
    process's first cell, and `gib` the most memory that the process has held so far.
    """

    data: str
    method: str
    seed: int
    accuracy: float
    nmi: float
    ari: float
    clusters: int
    cpu_seconds: float
    gib: float


def measured(contest: Contest, method: str, seed: int, pretraining: int = 30) -> Cell:
    """Run a contestant. `pretraining` is the number of epochs for those whose papers pretrain.

    Raises ValueError, before it runs, for an unknown name, what are no images, labels that are none, and more clusters than
    images.
    """
    contestant = contestant_named(method)
    check_images("contest.images", contest.images)
    counts(contest.labels, contest.labels)
    number = whole(1, len(contest.images))("contest.num_clusters", contest.num_clusters)
    began = time.process_time()
    clusters = contestant(contest.images, number, seed, pretraining=whole(1)("pretraining", pretraining))
    seconds = time.process_time() - began
    scores = score(contest.labels, clusters)
    found = len(np.unique(clusters))
    return Cell(contest.data, method, seed, scores.accuracy, scores.nmi, scores.ari, found, seconds, _peak_memory())


def _peak_memory() -> float:
    """GiB that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
