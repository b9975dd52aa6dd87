"""Pictures of autoencoders: what comes back, how the latents lie, how well they cluster."""

from aecluster.figures.checks import MOST_CLASSES, check_classes, check_drawable
from aecluster.figures.confusion import confusion_matrix
from aecluster.figures.curves import MOST_CURVES, loss_curves
from aecluster.figures.dead_pixels import cure_comparison
from aecluster.figures.maps import thumbnails
from aecluster.figures.points import latent_points
from aecluster.figures.reconstructions import one_of_each, reconstruction_grid, sample_rows
from aecluster.figures.restorations import failures, restoration_grid
from aecluster.figures.strips import Mark, score_strips
from aecluster.figures.style import write
from aecluster.figures.trade_off import WeightPoint, strength_curve, weight_curve
from aecluster.figures.walk import latent_walk, lattice

__all__ = [
    "MOST_CLASSES",
    "MOST_CURVES",
    "Mark",
    "WeightPoint",
    "check_classes",
    "check_drawable",
    "confusion_matrix",
    "cure_comparison",
    "failures",
    "latent_points",
    "latent_walk",
    "lattice",
    "loss_curves",
    "one_of_each",
    "reconstruction_grid",
    "restoration_grid",
    "sample_rows",
    "score_strips",
    "strength_curve",
    "thumbnails",
    "weight_curve",
    "write",
]
