"""What all figures share: colours that survive print and colour blindness, text sizes, files."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke

from aecluster.arguments import some
from aecluster.places import place, writing

WIDTH = 7.0  # inches: one text width in print, and text of 7 points stays readable there
INK = "#1b1b1b"
PAPER = "#ffffff"
FAINT = "#c9c9c9"
QUIET = "#5f5f5f"
ALARM = "#d55e00"
TITLE, TEXT, SMALL = 10.0, 8.5, 7.5  # points
Place = Literal["outside lower center", "outside lower right"]
LETTERS = 100  # small ones, across the width
KEY_HEIGHT = 0.3  # inches that one line of colours takes

# M. A. Petroff, "Accessible Color Sequences for Data Visualization", 2021, https://arxiv.org/abs/2107.02270, ten
# colours, here ordered so that digits often confused (4-7-9, 3-5-8) stay far apart for colour-blind eyes too.
CLASS_COLOURS = (
    "#94a4a2", "#a96b59", "#b9ac70", "#bd1f01", "#e76300", "#ffa90e", "#717581", "#832db6", "#3f90da", "#92dadd",
)  # fmt: skip

# M. Okabe, K. Ito, "Color Universal Design", 2008, https://jfly.uni-koeln.de/color/, those dark enough for a line
LINE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")


class ShownFigure(Figure):
    """An ordinary figure, which notebooks show as a picture also where pyplot, which teaches them to, was never imported."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png")
        return written.getvalue()


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, in inches, without touching pyplot's global state."""
    figure = ShownFigure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05)  # type: ignore[union-attr,call-arg]
    return figure


def colour_of(label: int) -> str:
    """A class's colour; past ten they repeat, and what is written beside them has to tell."""
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def halo(width: float = 2.5) -> list[AbstractPathEffect]:
    """An outline in the colour of paper, which lifts text off what it stands on."""
    return [withStroke(linewidth=width, foreground=PAPER)]


def caption(axes: Axes, text: str) -> None:
    """A quiet line above a plot for what the picture leaves out."""
    axes.set_title(text, loc="left", fontsize=SMALL, color=QUIET)


def key(figure: Figure, colours: Sequence[tuple[str, str]], where: Place = "outside lower center") -> None:
    """One coloured square a name, in lines below the plot."""
    squares = [Line2D([], [], ls="", marker="s", ms=6, color=colour, label=name) for name, colour in colours]
    letters = max(len(name) for name, _ in colours)
    figure.legend(
        handles=squares,
        loc=where,
        ncols=max(1, min(len(colours), 10, LETTERS // (letters + 5))),
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.1,
        columnspacing=1.4,
    )


def write(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Save a figure in every format that the paths' endings name; the same figure gives the same bytes.

    Raises ValueError, before any file is written, for an ending that names no format; and where a file cannot be written.
    """
    some(Figure, "figures.latent_points(latents, labels)")("figure", figure)
    if isinstance(paths, (str, Path)):
        raise ValueError(f"`paths` must be a list of paths, got {str(paths)!r}; write [{str(paths)!r}].")
    files = [place("paths", path) for path in paths]
    for path in files:
        kind = path.suffix.removeprefix(".").lower()
        if kind not in figure.canvas.get_supported_filetypes():
            raise ValueError(f"`paths` must end in .png, .pdf or the like, got {str(path)!r}; name a kind of picture.")
    for path in files:
        undated = {"CreationDate": None} if str(path).endswith(".pdf") else {}
        with writing(path), rc_context({"pdf.fonttype": 42}):  # letters stay letters, as journals ask
            figure.savefig(path, dpi=200, metadata=undated, bbox_inches="tight", pad_inches=0.05)
