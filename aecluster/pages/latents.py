"""The map of a latent space as a page: point at a dot, and see the image and what the network makes of it."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from aecluster.figures import check_classes, check_drawable
from aecluster.figures.checks import check_points, check_same_shape, names_of
from aecluster.figures.points import LATENT_AXES, lonely_places
from aecluster.figures.style import colour_of
from aecluster.figures.view import View, robust_view
from aecluster.figures.walk import lattice
from aecluster.images import HostImages
from aecluster.pages.page import Page, document
from aecluster.pages.sprites import Sprite, sprite

ROOM = 5_900_000
"""Characters of all pictures in a page, at most."""
LEVELS = (256, 64, 16)
"""Levels of a reconstruction's greys: the first of them with which the pictures find room."""
DECODED = 24
"""Pictures that the decoder draws along each side of the map."""
Decode = Callable[[Float[np.ndarray, "place 2"]], HostImages]


def latent_map(
    positions: Float[np.ndarray, "image 2"],
    images: HostImages,
    reconstructions: HostImages,
    *,
    labels: Integer[np.ndarray, " image"] | None = None,
    class_names: Sequence[str] | None = None,
    decode: Decode | None = None,
    axis_names: tuple[str, str] | None = LATENT_AXES,
    title: str = "Latent map",
    told: Sequence[str] = (),
) -> Page:
    """A page on which a map of images is explored: pan, zoom, point at a dot, see its image and its reconstruction.

    **Arguments**

    - `positions`: where the images lie, two latents or a map of more by t-SNE.
    - `images`, `reconstructions`: grey or colour, in [0, 1]; larger than 32 pixels they are made smaller.
    - `labels`, `class_names`: the dots' colours and what they stand for; a class is also named where it stands alone.
    - `decode`: of a latent space of two numbers, what gives the images of places (place, 2). The page then shows what the
      decoder draws at the place pointed at, out of 24 x 24 places that are decoded now, and it can lay them under the dots.
    - `axis_names`: None for maps whose axes mean nothing, such as t-SNE's.
    - `title`, `told`: what stands above.

    The page needs no network, and has at most 6 MB: reconstructions then lose levels of grey, and after that images are left
    out, and it says so. Raises ValueError for arrays that do not belong together, or that cannot be drawn.
    """
    check_points("positions", positions)
    check_drawable("images", images)
    check_same_shape("images", images, (len(positions), *images.shape[1:]), "one image a position")
    check_same_shape("reconstructions", reconstructions, images.shape, "`images`")
    if labels is not None:
        check_classes("labels", labels, len(images))
    classes = [] if labels is None else names_of(int(labels.max()) + 1, class_names)
    view = robust_view(positions)
    grid = None if decode is None else _decoded(decode, view)
    room = ROOM - (0 if grid is None else len(grid["source"]))
    count, originals, rebuilt, levels = _sprites(images, reconstructions, room)
    shown = slice(count)
    errors = np.abs(reconstructions[shown] - images[shown]).mean((1, 2, 3))
    few = f"the first {count:,} of {len(images):,} images, for its size"
    said = [*told, few if count < len(images) else f"{count:,} images"]
    said += [f"reconstructions in {levels} greys, for its size"] if levels < LEVELS[0] else []
    names = {} if labels is None else lonely_places(positions, labels, view)
    contents = {
        "title": title,
        "told": said,
        "axes": axis_names,
        "view": [float(view.low[0]), float(view.high[0]), float(view.low[1]), float(view.high[1])],
        "places": _packed(positions[shown], np.float32),
        "labels": None if labels is None else _packed(labels[shown], np.uint16),
        "classes": classes,
        "names": [[label, float(x), float(y)] for label, (x, y) in names.items()],
        "is_grey": images.shape[-1] == 1,
        "colours": [colour_of(label) for label in range(len(classes))],
        "errors": _packed(errors, np.float32),
        "images": originals._asdict(),
        "rebuilt": rebuilt._asdict(),
        "decoded": grid,
    }
    return Page(document(title, contents))


def _sprites(images: HostImages, reconstructions: HostImages, room: int) -> tuple[int, Sprite, Sprite, int]:
    """Of how many images both find room, as pictures, and the levels of the second."""
    count = len(images)
    while True:
        originals = sprite(images[:count], LEVELS[0])
        for levels in LEVELS:
            rebuilt = sprite(reconstructions[:count], levels)
            if len(originals.source) + len(rebuilt.source) <= room:
                return count, originals, rebuilt, levels
        if count == 1:
            raise ValueError(f"`images` of the shape {images.shape[1:]} find no room in a page; make them smaller.")
        count = (count + 1) // 2


def _decoded(decode: Decode, view: View) -> dict[str, Any]:
    """The decoder's pictures of a lattice of places that fills the view, the first in its upper left corner."""
    ends = zip(view.low, view.high, strict=True)
    across, up = (low + (np.arange(DECODED) + 0.5) / DECODED * (high - low) for low, high in ends)
    places = lattice(across, up[::-1]).reshape(-1, 2)
    return sprite(decode(places.astype(np.float32)), LEVELS[1])._asdict()


def _packed(values: np.ndarray, dtype: type) -> str:
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()
