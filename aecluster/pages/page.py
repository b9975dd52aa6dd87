"""One page of HTML: everything in it, nothing from elsewhere."""

import html
import importlib.resources
import json
import os
from pathlib import Path
from typing import Any

from aecluster.places import place, quoted, writing_whole

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
        told = "This page needs JavaScript; figures.thumbnails draws the same map without it."
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" sandbox="allow-scripts" width="100%" height="{FRAME}" '
            f'style="border:0" title="map of a latent space"></iframe><noscript>{told}</noscript>'
        )

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write it as a file, whole or not at all; ValueError for a place that exists or cannot be written."""
        to = place("path", path)
        if to.exists() and not overwrite:
            raise ValueError(f"`path` {quoted(to)} exists; choose another name, or pass overwrite=True.")
        with writing_whole(to) as half_written:
            half_written.write_text(self.text, encoding="utf-8")
        return to


def document(title: str, contents: dict[str, Any]) -> str:
    """The whole page of what it tells."""
    parts = importlib.resources.files("aecluster.pages") / "parts"

    def read(name: str) -> str:
        return (parts / name).read_text(encoding="utf-8")

    text = json.dumps(contents, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        read("page.html")
        .replace("{{title}}", html.escape(title))
        .replace("{{style}}", read("page.css"))
        .replace("{{script}}", read("map.js") + read("explore.js"))
        .replace("{{contents}}", text)
    )
