"""The pictures of a study: what each method restores, what a weight or a stronger blur changes, and what fails."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from aecluster import figures
from aecluster.data import Split
from aecluster.deblurring.study import Method, Scores
from aecluster.images import HostImages

COLUMNS = 10  # images of a grid


def grid(test: Split, blurred: HostImages, methods: Mapping[str, Method], scored: Mapping[str, Scores]) -> Figure:
    """One image a class (or the first ones) as each method restores it from its first seed, with the scores of all."""
    chosen = np.arange(min(COLUMNS, len(blurred)))
    if test.labels is not None:
        chosen = figures.one_of_each(test.labels)[:COLUMNS]
    rows = {name: method(blurred[chosen])[0] for name, method in methods.items()}
    written = {
        name: {"MAE": float(scored[name]["mae"].mean()), "PSNR": float(scored[name]["psnr"].mean())}
        for name in (*rows, "blurred")
    }
    return figures.restoration_grid(blurred[chosen], rows, test.images[chosen], scores=written)


def failures(test: Split, blurred: HostImages, name: str, method: Method, scores: Scores) -> Figure:
    """The images that a method's first seed restores worst, by mean absolute error."""
    return figures.failures(blurred, method(blurred)[0], test.images, scores["mae"][0], error_name=f"MAE of {name}")


def weight_curve(points: Mapping[float, Scores]) -> Figure:
    """What the composite loss teaches, by the weight of the blurred image."""
    fields = ("mae", "mae_blurred", "laplacian", "way")
    means = {weight: [scores[name].mean(1) for name in fields] for weight, scores in points.items()}
    return figures.weight_curve([figures.WeightPoint(weight, *values) for weight, values in means.items()])


def strength_curve(scored: Sequence[tuple[str, float, Scores]]) -> Figure:
    """Peak signal-to-noise ratios by the width of the blur; `scored` holds methods, widths and scores."""
    return figures.strength_curve(
        {name: _line(name, scored) for name in dict.fromkeys(name for name, _, _ in scored)},
        "PSNR, dB",
        strength_name="width of the box that blurs, pixels",
    )


def _line(name: str, scored: Sequence[tuple[str, float, Scores]]) -> tuple[np.ndarray, np.ndarray]:
    widths, values = zip(*_points(name, scored), strict=True)
    return np.array(widths), np.stack(values, axis=1)


def _points(name: str, scored: Sequence[tuple[str, float, Scores]]) -> Iterator[tuple[float, np.ndarray]]:
    for method, width, scores in scored:
        if method == name:
            yield width, scores["psnr"].mean(1)
