"""How well each method of launch.deblur has undone the blur: scores, tables and figures."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

import aecluster as ae
from aecluster import deblurring, figures
from launch import runs
from launch.progress import Reporter

PHOTOGRAPHS_FILE = "photographs.csv"
HEADINGS = {"mae": "MAE", "psnr": "PSNR", "ssim": "SSIM", "laplacian": "Laplacian", "way": "way", "clear": "p(clear)"}

Widths = list[tuple[str, float, deblurring.Scores]]
Whole = list[tuple[str, ae.Blur, str, deblurring.Scores]]


class Scored(NamedTuple):
    """Every method's scores on the test images, and on other blurs those of the best."""

    scores: dict[str, deblurring.Scores]
    by_width: Widths
    judged: list[dict[str, float]]
    """What the discriminator says of images between the blurred and the clear."""


def score_all(
    methods: dict[str, deblurring.Method], data: ae.ImageData, blurred: np.ndarray, judge: ae.Discriminator
) -> Scored:
    """All methods and the blurred image itself, against the clear ones."""
    clear = data.test.images
    scores: dict[str, deblurring.Scores] = {}
    everyone = {deblurring.NOTHING: deblurring.untouched, **methods}
    with Reporter("methods scored") as reporter:
        for name, method in everyone.items():
            scores[name] = deblurring.score_seeds(method, clear, blurred, judge)
            reporter.tell(len(scores), len(everyone), name, step=1)
    compared = {name: methods[name] for name in deblurring.best(scores, list(methods))}
    judged = list(deblurring.judged_mixtures(judge, clear, blurred))
    return Scored(scores, score_widths(compared, data), judged)


def score_widths(compared: dict[str, deblurring.Method], data: ae.ImageData) -> Widths:
    """These methods on blurs of other widths than theirs."""
    by_width: Widths = []
    blurs = deblurring.strengths(data.image_shape)
    with Reporter("strengths scored") as reporter:
        for each in deblurring.by_strength(compared, blurs, data.test.images):
            by_width.append(each)
            reporter.tell(len(by_width), len(blurs) * (len(compared) + 2), each[0], step=1)
    return by_width


def of_any_size(methods: dict[str, deblurring.Method], trained: dict[str, ae.Ensemble]) -> dict[str, deblurring.Method]:
    """Those that restore images of other sizes than they were made on."""
    restorers = [name for name, each in trained.items() if isinstance(each.architecture, ae.Restorer)]
    return {name: method for name, method in methods.items() if name in (*deblurring.DECONVOLUTIONS, *restorers)}


def score_whole(methods: dict[str, deblurring.Method], data: ae.ImageData, blur: ae.Blur | ae.RandomBlur) -> Whole:
    """These methods on whole photographs."""
    whole: Whole = []
    with Reporter("photographs scored") as reporter:
        for each in deblurring.by_photograph(methods, data, blur):
            whole.append(each)
            reporter.tell(len(whole), None, each[0], step=1)
    return whole


def write_tables(scored: Scored, whole: Whole, folder: Path) -> list[dict[str, float | str]]:
    """The tables as files; the rows of the first."""
    rows = [deblurring.summary(name, scores) for name, scores in scored.scores.items()]
    widths = [{"width": width, **deblurring.summary(name, scores)} for name, width, scores in scored.by_width]
    runs.write_table(folder / "metrics.csv", rows)
    runs.write_table(folder / "judge.csv", scored.judged)
    runs.write_table(folder / "strengths.csv", widths)
    if whole:
        of_each = [
            {"photograph": shown, "kernel": blur.kind, "strength": blur.strength, **deblurring.summary(name, scores)}
            for shown, blur, name, scores in whole
        ]
        runs.write_table(folder / PHOTOGRAPHS_FILE, of_each)
    return rows


def table(rows: list[dict[str, float | str]]) -> str:
    """The scores as a person wants to read them."""
    lines = [f"{'method':<18} {'MAE':<17}" + "".join(f"{heading:>11}" for heading in list(HEADINGS.values())[1:])]
    for row in rows:
        error = f"{row['mae']:.4f}" + (f" ± {row['mae_std']:.4f}" if row["seeds"] != 1 else "")
        cells = "".join(f"{row[name]:>11.{2 if name == 'psnr' else 3}f}" for name in list(HEADINGS)[1:])
        lines.append(f"{row['method']:<18} {error:<17}{cells}")
    return "\n".join(lines)


def table_of_photographs(whole: Whole) -> str:
    """Signal-to-noise ratio and similarity of every whole photograph, means over the blurs."""
    cells: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for shown, _, name, scores in whole:
        pair = float(scores["psnr"].mean()), float(scores["ssim"].mean())
        cells.setdefault(name, {}).setdefault(shown, []).append(pair)
    means = {name: {shown: np.mean(pairs, 0) for shown, pairs in row.items()} for name, row in cells.items()}
    photographs = list(next(iter(means.values())))
    lines = [f"{'PSNR, SSIM':<24}" + "".join(f"{shown:>15}" for shown in photographs)]
    for name, row in means.items():
        lines.append(f"{name:<24}" + "".join(f"{row[shown][0]:>9.2f}{row[shown][1]:>6.3f}" for shown in photographs))
    return "\n".join(lines)


def draw(
    data: ae.ImageData,
    blurred: np.ndarray,
    methods: dict[str, deblurring.Method],
    scored: Scored,
    weights: list[float],
    folder: Path,
) -> list[str]:
    """All figures that these methods give, as png and pdf. Returns their names."""
    scores = scored.scores
    losses = deblurring.losses(data.image_shape, weights)
    groups = {
        "restorations": {name: method for name, method in methods.items() if name not in losses},
        "losses": {name: method for name, method in methods.items() if name in losses},
    }
    pictures = {stem: deblurring.grid(data.test, blurred, group, scores) for stem, group in groups.items() if group}
    best = min(methods, key=lambda name: scores[name]["mae"].mean())
    pictures["failures"] = deblurring.failures(data.test, blurred, best, methods[best], scores[best])
    pictures |= curves(data, scored, weights)
    for stem, figure in pictures.items():
        figures.write(figure, [folder / f"{stem}.png", folder / f"{stem}.pdf"])
    return list(pictures)


def curves(data: ae.ImageData, scored: Scored, weights: list[float]) -> dict[str, Figure]:
    """What the weight of the blurred image does, where there are several; and what the width of the blur does."""
    drawn: dict[str, Figure] = {}
    named = deblurring.composites(data.image_shape, weights)
    points = {weight: scored.scores[name] for weight, name in named.items() if name in scored.scores}
    if len(points) > 1:
        drawn["weight_curve"] = deblurring.weight_curve(points)
    return {**drawn, "strength_curve": deblurring.strength_curve(scored.by_width)}
