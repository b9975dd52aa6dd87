"""What all pictures share: symbols, scales, colours that survive print and colour blindness."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

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

_NINES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999, 0.999999)


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, without touching pyplot's global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)  # type: ignore[union-attr,call-arg]
    return figure


def label_of(name: str) -> str:
    """An axis label with the optimizer's own symbol, where it has one."""
    return SYMBOLS.get(name, name.replace("_", " "))


def scale_axis(axes: "Axes", which: str, name: str, values: np.ndarray, scale: str) -> None:
    """Put one axis of a plot on the scale that a sweep's axis is even on."""
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}label")(label_of(name))
    if scale == "log":
        getattr(axes, f"set_{which}scale")("log")
    elif scale == "log_complement":
        least = (1 - float(values.max())) / 1e3
        forward = lambda beta: -np.log10(np.maximum(1 - np.asarray(beta), least))  # noqa: E731
        inverse = lambda nines: 1 - 10 ** -np.asarray(nines)  # noqa: E731
        getattr(axes, f"set_{which}scale")("function", functions=(forward, inverse))
        ticks = [tick for tick in _NINES if values.min() - 1e-9 <= tick <= values.max() + 1e-9]
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)


def edges(values: np.ndarray, scale: str) -> np.ndarray:
    """The borders of the cells whose centres are `values`, halfway on the axis's own scale."""
    maps: dict[str, tuple[Callable, Callable]] = {
        "log": (np.log, np.exp),
        "log_complement": (lambda x: -np.log1p(-x), lambda y: -np.expm1(-y)),
    }
    there, back = maps.get(scale, (lambda x: x, lambda y: y))
    points = there(np.asarray(values, np.float64))
    if points.size == 1:
        return back(np.array([points[0] - 0.5, points[0] + 0.5]))
    middle = (points[1:] + points[:-1]) / 2
    return back(np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]]))


def write(figure: "Figure", paths: Iterable["str | os.PathLike[str]"]) -> None:
    """Save a figure in every format that the paths' endings name; it is laid out once, and so all of them are alike."""
    for path in paths:
        figure.savefig(path, dpi=200, metadata=_undated(str(path)))
        figure.set_layout_engine("none")


def _undated(path: str) -> dict[str, None]:
    """Without a date in it, the same figure is the same file."""
    return {"CreationDate": None} if path.endswith(".pdf") else {"Date": None} if path.endswith(".svg") else {}
