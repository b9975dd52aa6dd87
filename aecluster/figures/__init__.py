"""Pictures of autoencoders: what comes back, how the latents lie, how well they cluster."""

from aecluster.figures.confusion import confusion_matrix
from aecluster.figures.curves import loss_curves
from aecluster.figures.dead_pixels import cure_comparison
from aecluster.figures.maps import thumbnails
from aecluster.figures.points import latent_points
from aecluster.figures.reconstructions import one_of_each, reconstruction_grid
from aecluster.figures.style import write
from aecluster.figures.walk import latent_walk, lattice

__all__ = [
    "confusion_matrix",
    "cure_comparison",
    "latent_points",
    "latent_walk",
    "lattice",
    "loss_curves",
    "one_of_each",
    "reconstruction_grid",
    "thumbnails",
    "write",
]
