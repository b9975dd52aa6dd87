"""Cluster images in every known way, seed by seed, and put the scores beside one another and beside what was published.

    python -m launch.benchmark

clusters scikit-learn's embedded digits by k-means and mixtures of Gaussians (of pixels, of principal components, of an
autoencoder's latents), by a mixture on UMAP's layout of the pixels, by DEC, IDEC and N2D, and by deep clustering with the
number of clusters given and found, from three seeds each. No method sees a label; accuracy by the best matching, NMI and
ARI are taken afterwards. It writes into runs/digits_benchmark/: cells.csv (a line as soon as a seed is done, with its CPU
time and the peak memory of its process, one a method), summary.csv, table.md, accuracies (png and pdf) and settings.json.
A run that was stopped goes on by --resume and repeats nothing that is done.

    python -m launch.benchmark --preset=mnist --data_dir=PATH/mnist       hours; all 70,000 images
    python -m launch.benchmark --data_dir=usps.npz --methods=ours,N2D     images of one's own
"""

import concurrent.futures
import contextlib
import csv
import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import aecluster as ae
from launch import command, runs
from launch.progress import Reporter

if TYPE_CHECKING:
    from aecluster import benchmark

METHODS = (
    "pixels k-means",
    "pixels mixture",
    "PCA k-means",
    "PCA mixture",
    "latents k-means",
    "latents mixture",
    "UMAP mixture",
    "DEC",
    "IDEC",
    "N2D",
    "ours",
    "ours number found",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is clustered, how and how often."""

    data: tuple[str, ...] = command.flag(
        (), "Known sets of images; the embedded digits by default.", choices=ae.NAMES, may_be_empty=True
    )
    data_dir: tuple[Path, ...] = command.flag(
        (),
        "Where the files of --data are, in its order (the digits have none); without --data, images of one's own, a set each.",
        may_be_empty=True,
    )
    methods: tuple[str, ...] = command.flag(METHODS, "What clusters them.", choices=METHODS)
    num_seeds: int = command.flag(3, "Seeds of every method.", at_least=1)
    num_clusters: int | None = command.flag(None, "Clusters to look for; as many as classes by default.", at_least=2)
    num_images: int | None = command.flag(None, "Only the first images of every set; all by default.", at_least=10)
    pretraining: int = command.flag(30, "Epochs that DEC, IDEC and N2D pretrain their autoencoder.", at_least=1)
    out: Path = runs.out()
    name: str | None = runs.name(None, "Name of the run folder; the sets' with _benchmark by default.")
    resume: bool = runs.resume()
    overwrite: bool = runs.overwrite()


PRESETS = {
    "digits": Settings(num_seeds=10),
    "mnist": Settings(data=("mnist",), num_seeds=10),
}
CELLS = "cells.csv"
Measure = Callable[..., "benchmark.Cell"]


def tiny(settings: Settings) -> Settings:
    """A preset on a few digits, by two methods that train nothing."""
    few = {"num_images": 100, "num_seeds": 2, "pretraining": 1, "methods": ("pixels k-means", "PCA mixture")}
    name = f"{settings.name or _name(_places(settings))}_tiny"
    return dataclasses.replace(settings, data=(), data_dir=(), name=name, **few)  # type: ignore[arg-type]


def main(settings: Settings) -> None:
    """Load, cluster, write every cell as it comes, and draw."""
    from aecluster import figures

    path = runs.place(settings.out, settings.name or _name(_places(settings)))
    runs.check(path, settings.overwrite, settings.resume)
    contests = [contest_of(ae.load(*place), settings) for place in _places(settings)]
    check(contests)
    with runs.folder(path, settings.overwrite, settings.resume) as folder:
        command.save(folder, settings)
        cells = all_cells(contests, settings, folder / CELLS)
        rows = write_tables(cells, folder)
        figures.write(drawn(cells), [folder / f"accuracies.{kind}" for kind in ("png", "pdf")])
    show(rows)
    print(runs.wrote(path, CELLS, "summary.csv", "table.md", pictures=["accuracies"]))


def _places(settings: Settings) -> list[tuple[str | None, Path | None]]:
    """The name and the place of every set, as `ae.load` takes them."""
    named = [name for name in settings.data if name != "digits"]
    if named and settings.data_dir and len(named) != len(settings.data_dir):
        raise ValueError(
            f"`--data_dir` must give one place for each of {', '.join(named)}, got {len(settings.data_dir)}; give as many."
        )
    dirs: list[Path | None] = [*settings.data_dir] or [None] * len(named)
    found: list[tuple[str | None, Path | None]] = [("digits", None)] if "digits" in settings.data else []
    found += list(zip(named, dirs, strict=True)) if named else [(None, place) for place in settings.data_dir]
    return found or [("digits", None)]


def _name(places: list[tuple[str | None, Path | None]]) -> str:
    names = [name.replace("/", "_") if name else place.resolve().stem for name, place in places]  # type: ignore[union-attr]
    return f"{'_'.join(names)}_benchmark"


def contest_of(data: ae.ImageData, settings: Settings) -> "benchmark.Contest":
    """All images of a set, training and test; ValueError where there are no labels to score by."""
    from aecluster import benchmark

    everything = data.everything()
    if settings.num_images is not None:
        everything = everything.first(settings.num_images)
    if everything.labels is None:
        raise ValueError(f"{data.name!r} has no labels, and clusters are scored by labels; give labels.")
    classes, labels = np.unique(everything.labels, return_inverse=True)
    number = settings.num_clusters or max(2, len(classes))
    if number > len(labels):
        raise ValueError(
            f"`--num_clusters` is {number}, but {data.name!r} has only {len(labels)} images; look for fewer."
        )
    return benchmark.Contest(data.name, everything.images, labels, number)


def check(contests: list["benchmark.Contest"]) -> None:
    """Refuse two sets of one name."""
    names = [contest.data for contest in contests]
    if len(set(names)) < len(names):
        raise ValueError(f"`--data_dir` gives two sets of one name, {', '.join(names)}; rename a folder or file.")


def all_cells(contests: list["benchmark.Contest"], settings: Settings, file: Path) -> list["benchmark.Cell"]:
    """Every method on every set from every seed: those in the file, then the others, each written as it comes."""
    cells = read_cells(file)
    done = {(cell.data, cell.method, cell.seed) for cell in cells}
    total = len(contests) * len(settings.methods) * settings.num_seeds
    with Reporter("cells") as reporter:
        for contest in contests:
            for method in settings.methods:
                seeds = [seed for seed in range(settings.num_seeds) if (contest.data, method, seed) not in done]
                for cell in measured(contest, method, seeds, settings.pretraining):
                    cells.append(cell)
                    write_cell(file, cell)
                    told = f"{cell.data}, {method}: accuracy {cell.accuracy:.4f}, {cell.cpu_seconds:.0f} s of CPU time"
                    reporter.tell(len(cells), total, told, step=1)
    return cells


def measured(
    contest: "benchmark.Contest", method: str, seeds: list[int], pretraining: int
) -> Iterator["benchmark.Cell"]:
    """The cells of one method, in a process of their own."""

    if not seeds:
        return
    with apart(contest) as ask:
        for seed in seeds:
            yield ask(method, seed, pretraining)


_contest: Any = None  # of a process that measures


def _take(contest: "benchmark.Contest") -> None:
    global _contest
    _contest = contest


def _measure(method: str, seed: int, pretraining: int) -> "benchmark.Cell":
    from aecluster import benchmark

    return benchmark.measured(_contest, method, seed, pretraining)


@contextlib.contextmanager
def apart(contest: "benchmark.Contest") -> Iterator[Measure]:
    """What measures cells in a fresh process, so that its peak memory is theirs."""
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, fresh, _take, (contest,)) as pool:

        def ask(method: str, seed: int, pretraining: int) -> "benchmark.Cell":
            try:
                return pool.submit(_measure, method, seed, pretraining).result()
            except concurrent.futures.BrokenExecutor as error:
                raise ValueError(
                    f"The process of {method} on {contest.data} was killed, for want of memory perhaps; leave it out of "
                    "`--methods`, or give fewer by `--num_images`."
                ) from error

        yield ask


def read_cells(file: Path) -> list["benchmark.Cell"]:
    """The cells that an earlier run has written."""
    from aecluster import benchmark

    if not file.is_file():
        return []
    kinds = benchmark.Cell.__annotations__
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if None not in row.values()]
    return [benchmark.Cell(**{name: kinds[name](value) for name, value in row.items()}) for row in rows]


def write_cell(file: Path, cell: "benchmark.Cell") -> None:
    """One line more."""
    begins = not file.is_file()
    with file.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, cell._fields)
        if begins:
            writer.writeheader()
        writer.writerow(cell._asdict())


def write_tables(cells: list["benchmark.Cell"], folder: Path) -> list[dict[str, object]]:
    """summary.csv and table.md; the rows."""
    from aecluster import benchmark

    rows = benchmark.summaries(cells)
    runs.write_table(folder / "summary.csv", rows)
    (folder / "table.md").write_text(benchmark.markdown(rows))
    return rows


def drawn(cells: list["benchmark.Cell"]) -> Any:
    """The figure of all accuracies."""
    from aecluster import benchmark, figures

    panels: dict[str, dict[str, np.ndarray]] = {}
    for row in benchmark.summaries(cells):
        data, method = str(row["data"]), str(row["method"])
        found = [cell.accuracy for cell in cells if (cell.data, cell.method) == (data, method)]
        panels.setdefault(data, {})[method] = np.array(found)
    marks = {
        data: [
            figures.Mark(entry.method, entry.accuracy, entry.source.partition(",")[0])
            for entry in benchmark.PUBLISHED
            if entry.data == data
        ]
        for data in panels
    }
    return figures.score_strips(panels, marks)


def show(rows: list[dict[str, object]]) -> None:
    """The table on the terminal."""
    from rich import box, console, table

    from aecluster import benchmark

    shown = table.Table(box=box.SIMPLE)
    for heading in benchmark.HEADINGS:
        shown.add_column(heading, justify="left" if heading in ("data", "method") else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*benchmark.written(row))
    console.Console(width=None if console.Console().is_terminal else 140).print(shown)


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
