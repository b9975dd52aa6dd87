"""One page of HTML for a sweep: everything in it, nothing from elsewhere."""

import html
import importlib.resources
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hillopt.pages.contents import as_json, contents_of

if TYPE_CHECKING:
    import xarray

SCRIPTS = ("walks.js", "data.js", "ticks.js", "map.js", "chart.js", "explore.js")
"""In the order in which they build upon one another."""
FRAME = 760  # pixels of a notebook's output


class Page:
    """A page of HTML that needs no other file and no network; notebooks show it."""

    def __init__(self, text: str) -> None:
        self.text = text
        """The whole document."""

    def __repr__(self) -> str:
        return f"Page({len(self.text):,} characters)"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, whose script and style touch nothing else of the notebook."""
        told = "This page needs JavaScript; ho.plot(dataset) draws the same sweep without it."
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" sandbox="allow-scripts" width="100%" height="{FRAME}" '
            f'style="border:0" title="map of a sweep"></iframe><noscript>{told}</noscript>'
        )

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write it as a file, whole or not at all; ValueError for a place that exists or cannot be written."""
        place = Path(path)
        if place.exists() and not overwrite:
            raise ValueError(f"`path` {str(place)!r} exists; choose another name, or pass overwrite=True.")
        half_written = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            half_written.write_text(self.text, encoding="utf-8")
            half_written.replace(place)
        except OSError as error:
            half_written.unlink(missing_ok=True)
            raise ValueError(
                f"`path` {str(place)!r} cannot be written ({error.strerror}); choose another place."
            ) from error
        return place


def explore(dataset: "xarray.Dataset", *, fields: Sequence[str] | None = None) -> Page:
    """A page on which a sweep's map is explored: pan, zoom, point at a cell, see its walk.

    `dataset` is what `sweep` or `to_dataset` gives, in memory or opened from its store. The page draws every field of it over
    the first two axes, with sliders for further ones. Of a cell it tells the hyperparameters, the answer and how it is known,
    and it walks the walk again in double precision, for the library's own optimizers on its hills of one dimension. Two cells
    are compared. More than 2^20 cells are thinned. `fields` names what the page holds beside the field that is drawn; by default
    all, as far as 3 MB go, by name 6. The page says what is thinned and what found no room.

    A notebook shows the page where it is the value of a cell, and keeps it in what it exports. Raises ValueError for what no sweep
    made, and for a field that it has not.

    Examples:
        >>> axes = {"learning_rate": ho.Axis.log(0.1, 0.4, 3), "b1": [0.0, 0.9]}
        >>> page = ho.explore(ho.sweep(ho.CriticalHeight(max_steps=500), ho.TentHill(), ho.Adam(0.1), axes))
        >>> page.text.startswith("<!doctype html>")
        True
    """
    return Page(_document(contents_of(dataset, fields)))


def _document(contents: dict[str, Any]) -> str:
    parts = importlib.resources.files("hillopt.pages") / "parts"

    def read(name: str) -> str:
        return (parts / name).read_text(encoding="utf-8")

    return (
        read("page.html")
        .replace("{{title}}", html.escape(contents["title"]))
        .replace("{{style}}", read("page.css"))
        .replace("{{script}}", "\n".join(read(name) for name in SCRIPTS))
        .replace("{{contents}}", as_json(contents))
    )
