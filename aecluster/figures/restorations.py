"""What deblurring brings back: blurred, restored and clear images, and what is still wrong with them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from aecluster.arguments import is_array, short, whole
from aecluster.figures.checks import check_drawable, check_filled, check_keys, check_same_shape
from aecluster.figures.mosaic import draw_rows
from aecluster.figures.style import PAPER, QUIET, SMALL, TEXT, WIDTH, caption, new_figure
from aecluster.images import HostImages

BLURRED, RESTORED, CLEAR, ERROR = "blurred", "restored", "clear", "error"
# C. A. Brewer, "RdBu", https://colorbrewer2.org, safe for colour-blind eyes; here from blue to red through paper
COLOURS = LinearSegmentedColormap.from_list(
    "errors",
    ["#053061", "#2166ac", "#4393c3", "#92c5de", PAPER, "#f4a582", "#d6604d", "#b2182b", "#67001f"],
    N=257,  # odd: no error is the middle, and paper exactly
)
TICKS = (-1, -0.25, 0, 0.25, 1)
LETTER = 0.55 * TEXT / 72  # inches that a letter takes, in the mean
DIGIT, SPACE = 0.66 * SMALL / 72, 0.1  # inches that a digit of a score takes, and between columns of scores
WIDEST = 0.9  # inches, an image that fails
CROWD = 12  # columns, above which the numbers at them need to be turned
FEWEST = 3  # columns that the line below needs room of
DIGITS, MOST_DECIMALS = 3, 4
ABOVE = 6.0  # points between a panel and what is written above it


def restoration_grid(
    blurred: HostImages,
    restored: Mapping[str, HostImages],
    clear: HostImages,
    *,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Draw blurred images, what each method makes of them, and the clear images; beside each row what is wrong with it.

    Every image given is a column; ten fit well, and `one_of_each` chooses one a class. `restored` maps a method's name
    to its images, from top to bottom; a dozen fit. `scores` stand at the right of the rows they name, as in
    `{"ridge": {"MAE": 0.0078, "PSNR": 35.5}}`; "blurred" may have some too. The colours of errors are on a scale of
    square roots, or those of a good method would not show; of RGB images they are means over the channels.
    """
    scores = scores or {}
    _check_methods(restored)
    _check_same_images(clear, {BLURRED: blurred, **{f"restored[{name!r}]": row for name, row in restored.items()}})
    _check_scores(scores, [BLURRED, *restored])
    shown = {BLURRED: blurred, **restored, CLEAR: clear}
    columns = _columns(scores)
    figure = new_figure(_height(shown, columns))
    pictures, errors = figure.subplots(1, 2)
    draw_rows(pictures, shown, [], {})
    image = _draw_errors(errors, [images - clear for images in shown.values()])
    errors.set(xticks=[], yticks=[])
    errors.spines[:].set_visible(False)
    caption(pictures, "images")
    caption(errors, "error: image − clear")
    _write_scores(errors, columns, dict(zip(shown, pictures.get_yticks(), strict=True)))
    _draw_scale_in_last_row(errors, image, len(shown))
    return figure


def failures(
    blurred: HostImages,
    restored: HostImages,
    clear: HostImages,
    errors: Float[np.ndarray, " image"],
    *,
    worst: int = 10,
    error_name: str = "error",
) -> Figure:
    """Draw the images with the greatest `errors` of one method, the worst first.

    Nothing is chosen by hand: of equal errors the first image comes first. Its index heads a column, its error stands
    below. The colours are those of `restoration_grid`.
    """
    _check_same_images(clear, {BLURRED: blurred, RESTORED: restored})
    _check_errors(errors, len(clear), worst)
    chosen = np.argsort(-errors, kind="stable")[:worst]
    shown = {BLURRED: blurred[chosen], RESTORED: restored[chosen], CLEAR: clear[chosen]}
    side = min((WIDTH - 1.2) / len(chosen), WIDEST)
    height, width = clear.shape[1:3]
    figure = new_figure(1.0 + 4 * side * height / width, 1.2 + side * max(len(chosen), FEWEST))
    axes = figure.add_subplot()
    draw_rows(axes, {**shown, ERROR: np.zeros_like(clear[chosen])}, [f"#{index}" for index in chosen], {})
    axes.autoscale(False)
    image = _draw_errors(axes, [shown[RESTORED] - shown[CLEAR]], first_row=len(shown))
    below = axes.secondary_xaxis("bottom")
    below.set_xticks(axes.get_xticks(), three_digits(errors[chosen]), fontsize=SMALL)
    below.set_xlabel(
        f"{error_name}, {len(chosen)} of {len(errors):,} images, the worst first", fontsize=SMALL, color=QUIET
    )
    below.spines[:].set_visible(False)
    for each in (axes, below):
        each.tick_params(axis="x", length=0, labelrotation=90 if len(chosen) > CROWD else 0)
    axes.tick_params(axis="x", labelsize=SMALL, labelcolor=QUIET)
    _draw_scale(image, axes.inset_axes((1.01, 0.1, 0.07 / (side * len(chosen)), 0.8)), "vertical")
    return figure


def three_digits(numbers: Sequence[float] | Float[np.ndarray, " number"]) -> list[str]:
    """Numbers under one another: as many decimals as show three digits of the smallest, but four at most."""
    sizes = [abs(number) for number in numbers if np.isfinite(number) and number]
    leading = np.floor(np.log10(min(sizes, default=1.0)))
    decimals = int(np.clip(DIGITS - 1 - leading, 0, MOST_DECIMALS))
    return [_plain(number, decimals) for number in numbers]


def _plain(number: float, decimals: int) -> str:
    return f"{number:.{decimals}f}".replace("-", "−").replace("inf", "∞")


def _check_methods(restored: Mapping[str, np.ndarray]) -> None:
    """There are methods, and none is called as the other rows are."""
    check_filled("restored", restored)
    taken = [name for name in (BLURRED, CLEAR) if name in restored]
    if taken:
        raise ValueError(f"`restored` must leave the name {taken[0]!r} to the given images; rename that method.")


def _check_same_images(clear: np.ndarray, others: Mapping[str, np.ndarray]) -> None:
    """All arguments hold the same images, blurred, restored and clear."""
    check_drawable("clear", clear)
    for name, images in others.items():
        check_same_shape(name, images, clear.shape, "`clear`")
        check_drawable(name, images)


def _check_scores(scores: Mapping[str, Mapping[str, float]], rows: Sequence[str]) -> None:
    """Scores are numbers, each at a row drawn."""
    check_keys("scores", scores, rows)
    for name, values in scores.items():
        for which, value in values.items():
            if np.isnan(value):
                raise ValueError(f"`scores[{name!r}][{which!r}]` must be a number, got NaN; leave it out.")


def _check_errors(errors: np.ndarray, num_images: int, worst: int) -> None:
    """Errors are numbers, one an image, and some of them are asked for."""
    if not is_array(errors):
        raise ValueError(f"`errors` must be an array, got {short(errors)}; make it one by `np.asarray`.")
    if errors.shape != (num_images,):
        raise ValueError(
            f"`errors` must hold one number an image, got the shape {errors.shape} for {num_images} images; "
            f"take the mean over the pixels."
        )
    if not np.isfinite(errors).all():
        raise ValueError("`errors` must be finite, got NaN or infinity; leave such images out.")
    whole(1)("worst", worst)


def _gap(width: int) -> int:
    """Pixels between two images, as `draw_rows` leaves them."""
    return max(1, width // 10)


def _columns(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, str]]:
    """The scores as they are written, by their own name, then by method."""
    columns = {}
    for which in dict.fromkeys(which for values in scores.values() for which in values):
        column = {name: float(values[which]) for name, values in scores.items() if which in values}
        columns[which] = dict(zip(column, three_digits(list(column.values())), strict=True))
    return columns


def _rights(columns: Mapping[str, Mapping[str, str]]) -> np.ndarray:
    """Where the columns of scores end, in inches from the panel at their left."""
    longest = [max(map(len, (which, *texts.values()))) for which, texts in columns.items()]
    return np.cumsum(SPACE + DIGIT * np.array(longest))


def _height(shown: Mapping[str, np.ndarray], columns: Mapping[str, Mapping[str, str]]) -> float:
    """Inches that leave room for the methods' names at the left and for their scores at the right."""
    images, height, width, _ = shown[CLEAR].shape
    free = WIDTH - LETTER * max(map(len, shown)) - max(_rights(columns), default=0.0) - 0.3
    return 0.5 + len(shown) * max(free, WIDTH / 2) / 2 * height / (images * width)


def _draw_errors(axes: Axes, rows: Sequence[HostImages], first_row: int = 0) -> AxesImage:
    """Rows of signed errors where `draw_rows` has its rows: red is too much ink, blue too little, paper is right."""
    grid = np.stack(rows).mean(axis=-1)
    num_rows, num_columns, height, width = grid.shape
    gap = _gap(width)
    padded = np.pad(grid, ((0, 0), (0, 0), (gap, 0), (gap, 0)))  # a gap has no error, and so the colour of paper
    sheet = padded.swapaxes(1, 2).reshape(num_rows * (height + gap), num_columns * (width + gap))
    sheet = np.pad(sheet, ((0, gap), (0, gap)))
    top = first_row * (height + gap) - 0.5
    return axes.imshow(
        sheet,
        cmap=COLOURS,
        norm=FuncNorm((_signed_root, _signed_square), vmin=-1, vmax=1),
        interpolation="nearest",
        extent=(-0.5, sheet.shape[1] - 0.5, top + sheet.shape[0], top),
    )


def _signed_root(errors: np.ndarray) -> np.ndarray:
    return np.sign(errors) * np.sqrt(np.abs(errors))


def _signed_square(roots: np.ndarray) -> np.ndarray:
    return roots * np.abs(roots)


def _draw_scale_in_last_row(axes: Axes, image: AxesImage, rows: int) -> None:
    """The clear images have no error, which leaves their row free for the scale of the colours."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    row, width = (bottom - top) / rows, right - left
    place = (left + 0.15 * width, bottom - 0.6 * row, 0.7 * width, 0.25 * row)
    _draw_scale(image, axes.inset_axes(place, transform=axes.transData), "horizontal")


def _draw_scale(image: AxesImage, axes: Axes, way: Literal["horizontal", "vertical"]) -> None:
    bar = image.figure.colorbar(image, cax=axes, orientation=way, ticks=TICKS)
    bar.ax.tick_params(length=2, pad=1.5, labelsize=SMALL, labelcolor=QUIET)
    numbers = bar.ax.xaxis if way == "horizontal" else bar.ax.yaxis
    numbers.set_ticklabels([f"{tick:+g}".replace("-", "−") if tick else "0" for tick in TICKS])
    bar.outline.set_visible(False)


def _write_scores(axes: Axes, columns: Mapping[str, Mapping[str, str]], heights: Mapping[str, float]) -> None:
    """A column for each score at the right, its name on top; a method without that score has an empty place."""
    looks: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "fontsize": SMALL}
    for right, (which, texts) in zip(72 * _rights(columns), columns.items(), strict=True):
        axes.annotate(which, (1, 1), xytext=(right, ABOVE), xycoords="axes fraction", color=QUIET, **looks)
        for name, text in texts.items():
            place = (1, heights[name])
            axes.annotate(text, place, xytext=(right, 0), xycoords=("axes fraction", "data"), va="center", **looks)
