"""Scores of many methods, a dot a seed, beside what was published."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from aecluster.arguments import short
from aecluster.figures.checks import check_filled
from aecluster.figures.style import ALARM, FAINT, INK, LINE_COLOURS, QUIET, SMALL, TEXT, TITLE, new_figure

ROW, HEAD, FOOT = 0.235, 0.34, 0.75  # inches that a method, a panel's frame, and the words below all panels take
JITTER = 0.22  # of a row, to either side
TICKS = np.array([0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999])
LEAST_ERROR = 1e-4  # a score of 1 is drawn where this error is
ROOM = 0.05  # of the axis, free at either side
APART, FEWEST_TICKS = 0.05, 3  # two ticks, at least, as a share of the axis


class Mark(NamedTuple):
    """A score that somebody has published for a method."""

    method: str
    score: float
    source: str


def score_strips(
    panels: Mapping[str, Mapping[str, Float[np.ndarray, " _seed"]]],
    published: Mapping[str, Sequence[Mark]] | None = None,
    *,
    score_name: str = "accuracy",
    ours: str = "ours",
) -> Figure:
    """Draw every seed's score by method, `panels[images][method]`, a panel a set of images.

    Dots are seeds, the stroke is their median, written at the right. Diamonds are published scores, with who published
    them; methods that only were published come last. The axis is logarithmic in the error, 1 - score, so that 0.98 and 0.99
    are as far apart as 0.8 and 0.9. Names that begin with `ours` stand out.

    Raises ValueError for no panel, no method, no seed, and scores out of [0, 1].
    """
    _check(panels)
    marks = {name: list((published or {}).get(name, [])) for name in panels}
    rows = {name: _rows(methods, marks[name]) for name, methods in panels.items()}
    heights = [ROW * len(names) + HEAD for names in rows.values()]
    figure = new_figure(sum(heights) + FOOT)
    several = figure.subplots(len(panels), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    everything = [score for methods in panels.values() for score in np.concatenate(list(methods.values()))]
    everything += [mark.score for group in marks.values() for mark in group]
    for axes, (name, methods) in zip(several, panels.items(), strict=True):
        _scale(axes, min(everything), max(everything))
        _draw(axes, rows[name], methods, marks[name], ours)
        axes.set_title(name, loc="left", fontsize=TITLE)
    several[-1].set_xlabel(f"{score_name}, on a scale that is even in the logarithm of the error", fontsize=TEXT)
    _explain(figure, ours, bool(sum(map(len, marks.values()))))
    return figure


def _check(panels: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    check_filled("panels", panels)
    for name, methods in panels.items():
        check_filled(f"panels[{name!r}]", methods)
        for method, scores in methods.items():
            array = np.asarray(scores)
            if array.ndim != 1 or not array.size or not ((array >= 0) & (array <= 1)).all():
                raise ValueError(
                    f"`panels[{name!r}][{method!r}]` must be scores from 0 to 1, one a seed, got {short(scores)}; leave out "
                    "methods without any."
                )


def _rows(methods: Mapping[str, np.ndarray], marks: Sequence[Mark]) -> list[str]:
    """The names from top to bottom: what was run, then what was only published."""
    return list(dict.fromkeys([*methods, *(mark.method for mark in sorted(marks, key=lambda mark: mark.score))]))


def _scale(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("function", functions=(_even, lambda place: 1 - 10**-place))
    first, last = _even(np.array([low, high]))
    room = ROOM * (last - first or 1.0)
    left, right = max(first - room, 0.0), last + room
    axes.set_xlim(1 - 10**-left, 1 - 10**-right)
    shown = TICKS[(_even(TICKS) >= left) & (_even(TICKS) <= right)]
    shown = shown[np.diff(_even(shown), prepend=-np.inf) > APART * (right - left)]
    if len(shown) < FEWEST_TICKS:
        ticks = MaxNLocator(4).tick_values(1 - 10**-left, 1 - 10**-right)
        shown = ticks[(_even(ticks) >= left) & (_even(ticks) <= right)]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def _even(scores: Any) -> np.ndarray:
    return -np.log10(np.maximum(1 - np.asarray(scores, float), LEAST_ERROR))


def _draw(axes: Axes, rows: Sequence[str], methods: Mapping[str, np.ndarray], marks: Sequence[Mark], ours: str) -> None:
    for row, name in enumerate(rows):
        colour = ALARM if name.startswith(ours) else LINE_COLOURS[0]
        told = []
        if name in methods:
            scores = np.sort(np.asarray(methods[name], float))
            offsets = JITTER * (np.arange(len(scores)) % 3 - 1 if len(scores) > 1 else np.zeros(1))
            axes.plot(scores, row + offsets, "o", ms=4, color=colour, alpha=0.55, mew=0)
            middle = float(np.median(scores))
            axes.plot([middle] * 2, [row - 0.38, row + 0.38], color=colour, lw=2.2, solid_capstyle="butt")
            told.append(f"{middle:.3f}")
        for mark in (mark for mark in marks if mark.method == name):
            axes.plot(mark.score, row, "D", ms=5.5, mfc="none", mec=INK, mew=1.1)
            told.append(f"◇ {mark.score:.3f}  {mark.source}")
        _tell(axes, row, told, colour if name in methods else INK, name.startswith(ours))
    axes.set_yticks(range(len(rows)), rows, fontsize=SMALL)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=SMALL, labelbottom=True)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _tell(axes: Axes, row: int, told: Sequence[str], colour: str, loud: bool) -> None:
    """At the right: the median in the method's colour, what was published in a quiet one."""
    for text in told:
        published = text.startswith("◇")
        axes.annotate(
            text,
            (1, row),
            xytext=(44 if published else 6, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            color=QUIET if published else colour,
            weight="bold" if loud and not published else "normal",
            fontsize=SMALL,
            va="center",
        )


def _explain(figure: Figure, ours: str, has_marks: bool) -> None:
    blue = LINE_COLOURS[0]
    handles = [
        Line2D([], [], ls="", marker="o", ms=4, color=blue, alpha=0.55, mew=0, label="one seed"),
        Line2D([], [], ls="", marker="|", ms=10, mew=2.2, color=blue, label="median"),
        Line2D([], [], ls="", marker="s", ms=6, color=ALARM, label=ours),
    ]
    if has_marks:
        handles.append(Line2D([], [], ls="", marker="D", ms=5.5, mfc="none", mec=INK, label="published"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.3,
    )
