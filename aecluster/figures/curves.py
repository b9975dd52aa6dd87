"""Losses over the epochs, several models and seeds in one plot."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, MaxNLocator, NullLocator

from aecluster.arguments import short
from aecluster.figures.checks import check_filled, check_same_shape
from aecluster.figures.style import LINE_COLOURS, SMALL, TEXT, caption, new_figure

MOST_CURVES = len(LINE_COLOURS)  # for eyes tell no more colours apart
HEIGHT = 4.2  # inches
LINE_HEIGHT = 1.3  # of the letters, between two names at the lines' ends


def loss_curves(
    curves: Mapping[
        str,
        tuple[Float[np.ndarray, "_seed _epoch"], Float[np.ndarray, "_seed _epoch"]],
    ],
    *,
    loss_name: str = "loss",
) -> Figure:
    """Draw training and test losses, `curves[name] = (train, test)`, by epoch from 1.

    Lines are means over the seeds, the bands reach from the lowest to the highest seed; with one seed there is no band.
    The scale is logarithmic. Every model is named at the end of its test line.
    """
    _check(curves)
    figure = new_figure(HEIGHT)
    axes = figure.add_subplot()
    for colour, (train, test) in zip(LINE_COLOURS, curves.values(), strict=False):
        _draw(axes, train, colour, "--")
        _draw(axes, test, colour, "-")
    _scale(axes, max(train.shape[1] for train, _ in curves.values()))
    axes.set_xlabel("epoch", fontsize=TEXT)
    axes.set_ylabel(loss_name, fontsize=TEXT)
    axes.tick_params(labelsize=SMALL)
    axes.grid(alpha=0.25, lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    seeds = sorted({len(train) for train, _ in curves.values()})
    over = "" if seeds == [1] else f"; mean and range over {' or '.join(map(str, seeds))} seeds"
    caption(axes, f"test solid, training dashed{over}")
    _name_ends(axes, curves)
    return figure


def _check(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    check_filled("curves", curves)
    if len(curves) > MOST_CURVES:
        raise ValueError(
            f"`curves` must be at most {MOST_CURVES}, for eyes tell no more colours apart, got {len(curves)}; "
            f"draw two figures."
        )
    for name, pair in curves.items():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"`curves[{name!r}]` must be a pair of arrays, got {short(pair)}; give (train, test).")
        for which, losses in zip(("train", "test"), map(np.asarray, pair), strict=True):
            if losses.ndim != 2 or losses.size == 0:
                raise ValueError(
                    f"`curves[{name!r}]` must hold {which} losses by (seed, epoch), got the shape {losses.shape}; "
                    f"for one seed add an axis in front."
                )
            if not (np.isfinite(losses) & (losses > 0)).all():
                raise ValueError(
                    f"`curves[{name!r}]` must hold positive {which} losses, for the scale is logarithmic; "
                    f"leave out epochs that diverged."
                )
        check_same_shape(f"curves[{name!r}][1]", pair[1], pair[0].shape, "the training losses")


def _scale(axes: Axes, last: int) -> None:
    """Epochs from 1 on an even scale, losses on a logarithmic one that reads as plain numbers."""
    ticks = MaxNLocator(8, integer=True).tick_values(1, last)
    axes.set_xticks([1, *(tick for tick in ticks if 1 < tick <= last)])
    axes.set_xlim(1 - 0.02 * last, 1.02 * last)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(AutoLocator() if high < 3 * low else LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _draw(axes: Axes, losses: np.ndarray, colour: str, style: str) -> None:
    epochs = np.arange(1, losses.shape[1] + 1)
    if len(losses) > 1:
        axes.fill_between(epochs, losses.min(axis=0), losses.max(axis=0), color=colour, alpha=0.2, lw=0)
    marker = "o" if len(epochs) == 1 else ""  # one point makes no line
    fill = "none" if style == "--" else colour
    axes.plot(epochs, losses.mean(axis=0), style, color=colour, lw=1.4, marker=marker, mfc=fill)


def _name_ends(axes: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write each name in its line's colour at the right, moved apart where lines end close together."""
    ends = np.array([test.mean(axis=0)[-1] for _, test in curves.values()])
    low, high = np.log(axes.get_ylim())
    line = LINE_HEIGHT * TEXT / (72 * HEIGHT) * (high - low)
    places = np.empty(len(ends))
    order = np.argsort(ends, kind="stable")
    places[order] = np.exp(spread(np.log(ends[order]), line))
    for colour, (name, (_, test)), end, place in zip(LINE_COLOURS, curves.items(), ends, places, strict=False):
        axes.annotate(
            name,
            (test.shape[1], end),
            xytext=(1.03, place),
            textcoords=axes.get_yaxis_transform(),
            color=colour,
            fontsize=TEXT,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 1, "shrinkB": 1},
        )


def spread(places: Float[np.ndarray, " name"], apart: float) -> Float[np.ndarray, " name"]:
    """The places nearest to these rising ones, in least squares, that stand `apart` from one another.

    Without the distances between neighbours this is isotonic regression, here by its min-max formula.
    """
    steps = apart * np.arange(len(places))
    free = places - steps
    names = range(len(places))
    level = [max(min(free[j : k + 1].mean() for k in names[i:]) for j in names[: i + 1]) for i in names]
    return np.array(level) + steps
