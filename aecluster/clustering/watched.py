"""Images that are to be clustered, as a training takes them."""

from aecluster.data import ImageData, Split
from aecluster.images import HostImages

WATCHED = 1_000


def watched(images: HostImages) -> ImageData:
    """All images to train on, and the first of them again for the error to be measured on: none is left out of the clusters."""
    return ImageData("images", Split(images), Split(images[:WATCHED]))
