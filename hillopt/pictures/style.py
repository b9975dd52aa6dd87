"""What all pictures share: symbols, colours that survive print and colour blindness, and text that fits."""

import bisect
import functools
import importlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SYMBOLS = {
    "learning_rate": r"learning rate $\alpha$",
    "b1": r"$\beta_1$",
    "b2": r"$\beta_2$",
    "momentum": r"momentum $\mu$",
    "decay": r"decay $\rho$",
    "eps": r"$\epsilon$",
    "weight_decay": r"weight decay $\lambda$",
    "height": r"hill height $h$",
    "noise_scale": r"noise $\sigma$",
}

COLOUR_MAP = "viridis"
INK = "#1b1b1b"
FLAG_COLOUR = "#d4006a"
LOST_COLOUR = "#c9c9c9"
WALK_COLOUR = "#0b6e99"
HEIGHT_COLOUR = "#b3541e"

LETTERS = 9.5  # points, of a title
MARGIN = 18.0  # points left free beside it
AXES_SHARE = 0.75  # of a figure's sides


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, without touching pyplot's global state."""
    from hillopt.pictures.shown import ShownFigure

    figure = ShownFigure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)  # type: ignore[union-attr,call-arg]
    return figure


def size_of(axes: "Axes") -> tuple[float, float]:
    """Width and height of axes in points, about: what their part of the figure leaves beside labels."""
    figure, place = axes.get_figure(root=True), axes.get_subplotspec()
    assert figure is not None
    assert place is not None
    rows, columns = place.get_gridspec().get_geometry()
    width, height = (72 * AXES_SHARE * side for side in figure.get_size_inches())
    return width / columns, height / rows


def label_of(name: str) -> str:
    """An axis label with the optimizer's own symbol, where it has one."""
    return SYMBOLS.get(name, plain_text(name.replace("_", " ")))


def plain_text(text: str) -> str:
    """Text that is nobody's formula: a dollar sign is a dollar sign."""
    return " ".join(text.split()).replace("$", r"\$")


@functools.cache
def width_of(text: str, size: float) -> float:
    """How wide a line of text is drawn, in points."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size).get_extents().width) if text.strip() else 0.0


def fitted(parts: Sequence[str], width: float, size: float, between: str = ", ") -> list[str]:
    """Lines at most so many points wide, cut between parts, and within a part only where it is wider than a line."""
    lines, used = list[str](), width
    gap = width_of(f"|{between}|", size) - width_of("||", size)
    for part in parts:
        needed = width_of(part, size)
        if lines and used + gap + needed <= width:
            lines[-1], used = f"{lines[-1]}{between}{part}", used + gap + needed
            continue
        if lines:
            lines[-1] = f"{lines[-1]}{between}".rstrip()
        lines += [part] if needed <= width else _cut(part, width, size)
        used = width_of(lines[-1], size)
    return lines


def _cut(part: str, width: float, size: float) -> list[str]:
    """Between words, or anywhere in a word that is wider than a line."""
    words = part.split(" ")
    if len(words) > 1:
        return fitted(words, width, size, between=" ")
    length = max(1, bisect.bisect_right(range(1, len(part)), width, key=lambda count: width_of(part[:count], size)))
    return [part[:length], *fitted([part[length:]], width, size)]


def get_ready() -> None:
    """Import all that pictures take, which takes as long as drawing one: for whoever has time beforehand."""
    for module in ("hillopt.pictures.shown", "matplotlib.backends.backend_pdf", "scipy.ndimage"):
        importlib.import_module(module)
    width_of("$x$", LETTERS)  # the first formula takes longer than others


def write(figure: "Figure", paths: Iterable["str | os.PathLike[str]"]) -> None:
    """Save a figure in every format that the paths' endings name; it is laid out once, and so all of them are alike."""
    from matplotlib import rc_context

    for path in paths:
        figure.savefig(path, dpi=200, metadata=_undated(str(path)))
        with rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)  # "none" would leave one that draws everything twice to do nothing


def _undated(path: str) -> dict[str, None]:
    """Without a date in it, the same figure is the same file."""
    return {"CreationDate": None} if path.endswith(".pdf") else {"Date": None} if path.endswith(".svg") else {}
