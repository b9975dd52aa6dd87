"""Curves of deblurring: what a weight in the loss trades, and how far a method follows a growing blur."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Real
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogLocator, MaxNLocator, NullLocator

from aecluster.figures.checks import check_filled
from aecluster.figures.curves import LINE_HEIGHT, spread
from aecluster.figures.style import LINE_COLOURS, QUIET, SMALL, TEXT, caption, new_figure

WEIGHT_HEIGHT, STRENGTH_HEIGHT = 2.7, 4.2  # inches
EQUAL = 1.0  # the weight at which every image between the clear and the blurred one has the same loss
ROUND_WEIGHTS = np.array([0, 0.2, 0.5, 1, 2, 5, 20])  # spread evenly on their axis, but for the last
FEWEST_TICKS = 3
DASHES = ("-", "--")  # the second kind once all colours are used
Number = TypeVar("Number", float, np.ndarray)
ROOM = 0.04  # of the axis, left free beside the first point and the last


class WeightPoint(NamedTuple):
    """What one weight of the blurred image in the loss taught, a number a seed.

    `mae_clear` and `mae_blurred` are mean absolute errors against the two images. `sharpness` is a share of the clear
    images' own. `way` is the share of the way from the blurred image to the clear one: 0 is blurred, 1 is clear.
    """

    weight: float
    mae_clear: Float[np.ndarray, " seed"]
    mae_blurred: Float[np.ndarray, " seed"]
    sharpness: Float[np.ndarray, " seed"]
    way: Float[np.ndarray, " seed"]


PANELS = (
    {"mae_clear": "MAE to clear", "mae_blurred": "to blurred"},
    {"sharpness": "sharpness / clear"},
    {"way": "way from blurred (0) to clear (1)"},
)


def weight_curve(points: Sequence[WeightPoint]) -> Figure:
    """Draw what the loss |p − clear| + w |p − blurred| teaches, over the weight w of the blurred image.

    Below w = 1 the clear image alone minimises it, above the blurred one; at w = 1 so does every image between the two.
    Lines are means over the seeds, dots are the seeds, and bands reach from the lowest to the highest. The axis is even
    in w / (1 + w), the blurred image's share of the loss: w = 1 is its middle, and to swap the images mirrors it.
    """
    _check_points(points)
    points = sorted(points, key=lambda point: point.weight)
    figure = new_figure(WEIGHT_HEIGHT)
    for axes, fields in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for colour, (field, name) in zip(LINE_COLOURS, fields.items(), strict=False):
            _draw_field(axes, points, field, colour, name)
        _scale_weights(axes, points[0].weight, points[-1].weight)
        axes.axvline(EQUAL, ls=":", lw=1, color=QUIET, zorder=0)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        _dress(axes)
        if len(fields) == 1:
            caption(axes, *fields.values())
        else:
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(-0.03, 0.99),
                ncols=2,
                frameon=False,
                fontsize=SMALL,
                labelcolor="linecolor",
                handlelength=1.0,
                handletextpad=0.4,
                columnspacing=0.9,
                borderaxespad=0,
            )
    figure.supxlabel(
        "weight w of the blurred image in the loss |p − clear| + w |p − blurred|\n"
        "dotted: w = 1, where the loss is the same for every p between the two",
        fontsize=TEXT,
    )
    return figure


def strength_curve(
    scores: Mapping[str, tuple[Real[np.ndarray, " _strength"], Float[np.ndarray, "_seed _strength"]]],
    axis_name: str,
    *,
    strength_name: str = "strength of the blur",
    log: bool = False,
) -> Figure:
    """Draw the score `axis_name` of each method, `scores[name] = (strengths, values)`, by the strength of the blur.

    Lines are means over the seeds, the bands reach from the lowest to the highest; a method without chance has one
    seed. Every method is named at the end of its line, and past seven of them lines are dashed. `log` suits errors,
    and spreads those of good methods; PSNR is a logarithm already.
    """
    _check_scores(scores, log)
    figure = new_figure(STRENGTH_HEIGHT)
    axes = figure.add_subplot()
    for index, (strengths, values) in enumerate(scores.values()):
        _draw(axes, strengths, values, _colour(index), ls=DASHES[index // len(LINE_COLOURS)], marker="o", ms=3)
    if log:
        _scale_errors(axes)
    _scale_strengths(axes, np.unique(np.concatenate([strengths for strengths, _ in scores.values()])))
    axes.set_xlabel(strength_name, fontsize=TEXT)
    axes.set_ylabel(axis_name, fontsize=TEXT)
    _dress(axes)
    seeds = sorted({len(values) for _, values in scores.values()})
    if seeds != [1]:
        caption(axes, f"mean and range over {' or '.join(map(str, seeds))} seeds")
    _name_ends(axes, scores)
    return figure


def _check_points(points: Sequence[WeightPoint]) -> None:
    if not points:
        raise ValueError("`points` must hold at least one weight, got none; give some.")
    weights = [point.weight for point in points]
    if not (np.isfinite(weights).all() and min(weights) >= 0):
        raise ValueError(f"`points` must have finite weights from 0 on, got {weights}; leave out the others.")
    if len(set(weights)) < len(weights):
        raise ValueError(f"`points` must have each weight once, got {sorted(weights)}; put the seeds into one point.")
    for point in points:
        for field in point._fields[1:]:
            values = getattr(point, field)
            if values.ndim != 1 or values.size == 0 or len(values) != len(point.mae_clear):
                raise ValueError(
                    f"`{field}` of w = {point.weight:g} must hold one number a seed, got the shape {values.shape}; "
                    f"choose the same seeds for all fields."
                )
            if not np.isfinite(values).all():
                raise ValueError(
                    f"`{field}` of w = {point.weight:g} must be finite, got NaN or infinity; "
                    f"leave out seeds that diverged."
                )


def _check_scores(scores: Mapping[str, tuple[np.ndarray, np.ndarray]], log: bool) -> None:
    check_filled("scores", scores)
    most = len(DASHES) * len(LINE_COLOURS)
    if len(scores) > most:
        raise ValueError(
            f"`scores` must be at most {most}, for eyes tell no more, got {len(scores)}; draw two figures."
        )
    for name, (strengths, values) in scores.items():
        if strengths.ndim != 1 or strengths.size == 0 or not (np.diff(strengths) > 0).all():
            raise ValueError(f"`scores[{name!r}]` must have strengths that rise, got {strengths}; sort them.")
        if values.ndim != 2 or len(values) == 0 or values.shape[1] != len(strengths):
            raise ValueError(
                f"`scores[{name!r}]` must hold values by (seed, strength), got the shape {values.shape} for "
                f"{len(strengths)} strengths; for one seed add an axis in front."
            )
        if not (np.isfinite(strengths).all() and np.isfinite(values).all()):
            raise ValueError(f"`scores[{name!r}]` must be finite, got NaN or infinity; leave out such strengths.")
        if log and not (values > 0).all():
            raise ValueError(f"`scores[{name!r}]` must be positive on a logarithmic scale; take `log=False`.")


def _draw(axes: Axes, places: np.ndarray, values: np.ndarray, colour: str, **looks: Any) -> None:
    """A line of means, and its band if there are several seeds."""
    if len(values) > 1:
        axes.fill_between(places, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0)
    axes.plot(places, values.mean(axis=0), color=colour, lw=1.4, **looks)


def _draw_field(axes: Axes, points: Sequence[WeightPoint], field: str, colour: str, name: str) -> None:
    """One measurement; its seeds may be more at some weights."""
    weights = [point.weight for point in points]
    values = [getattr(point, field) for point in points]
    lowest, mean, highest = ([pick(each) for each in values] for pick in (np.min, np.mean, np.max))
    axes.fill_between(weights, lowest, highest, color=colour, alpha=0.2, lw=0)
    axes.plot(weights, mean, color=colour, lw=1.4, label=name)
    dots = np.repeat(weights, [len(each) for each in values])
    axes.plot(dots, np.concatenate(values), "o", color=colour, ms=3, mew=0, alpha=0.7, clip_on=False)


def _share(weights: Number) -> Number:
    """The blurred image's share of the loss, from 0 to 1."""
    return weights / (1 + weights)


def _weight(shares: Number) -> Number:
    return shares / (1 - shares)


def _scale_weights(axes: Axes, low: float, high: float) -> None:
    """Weights by their share of the loss, round ones written."""
    axes.set_xscale("function", functions=(_share, _weight))
    low, high = min(low, EQUAL), max(high, EQUAL)
    ticks = ROUND_WEIGHTS[np.clip(ROUND_WEIGHTS, low, high) == ROUND_WEIGHTS]
    if len(ticks) < FEWEST_TICKS:
        ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)  # w = 1 among them
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    first, last = _share(float(low)), _share(float(high))
    room = ROOM * (last - first or 1.0)
    axes.set_xlim(_weight(first - room), _weight(min(last + room, (1 + last) / 2)))


def _scale_errors(axes: Axes) -> None:
    """A logarithmic scale that reads as plain numbers."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(AutoLocator() if high < 3 * low else LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _scale_strengths(axes: Axes, strengths: np.ndarray) -> None:
    """A tick at each strength measured, if there are few."""
    if len(strengths) <= 10:
        axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths])


def _colour(index: int) -> str:
    return LINE_COLOURS[index % len(LINE_COLOURS)]


def _dress(axes: Axes) -> None:
    axes.tick_params(labelsize=SMALL)
    axes.grid(alpha=0.25, lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _name_ends(axes: Axes, scores: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write each name in its line's colour at the right, moved apart where lines end close together."""
    ends = np.array([(strengths[-1], values[:, -1].mean()) for strengths, values in scores.values()])
    axes.autoscale_view()
    heights = axes.transData.transform(ends)[:, 1]  # pixels are even, whatever the scale
    line = LINE_HEIGHT * TEXT / (72 * STRENGTH_HEIGHT) * axes.bbox.height
    order = np.argsort(heights, kind="stable")
    places = np.empty(len(ends))
    places[order] = spread(heights[order], line)
    shares = (places - axes.bbox.y0) / axes.bbox.height
    for index, (name, end, share) in enumerate(zip(scores, ends, shares, strict=True)):
        axes.annotate(
            name,
            end,
            xytext=(1.03, share),
            textcoords="axes fraction",
            color=_colour(index),
            fontsize=TEXT,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": _colour(index),
                "lw": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )
