"""Pages on which latent spaces are explored."""

from aecluster.pages.latents import DECODED, latent_map
from aecluster.pages.page import Page

__all__ = ["DECODED", "Page", "latent_map"]
